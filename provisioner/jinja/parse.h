/* SPDX-License-Identifier: MIT
 *
 * Private to jinja/: shared by the parsers of expressions and of statements.
 */
#pragma once
#include "jinja/ast.h"

struct parser {
	struct arena *a;
	const struct token *t; /* the current token */
	struct err *e;
	int depth;
	/* depth of `if`s: within them an unknown filter is an error only if it is used */
	int conditional;
	int loops;
};
struct node *parse_node(struct parser *p, enum node_kind kind);
bool parse_fail(struct parser *p, const char *fmt, ...) PRINTF(2, 3);
/* _is and _word test the current token; _take and _take_word also consume it if it matches; _expect
 * requires it: false with an error that names what it follows. */
bool parse_is(const struct parser *p, enum token_kind kind);
bool parse_word(const struct parser *p, const char *word);
bool parse_take(struct parser *p, enum token_kind kind);
bool parse_take_word(struct parser *p, const char *word);
bool parse_expect(struct parser *p, enum token_kind kind, const char *after);
struct node *parse_binary(struct parser *p, enum node_kind kind, struct node *l, struct pos pos);
struct node *parse_number(struct parser *p);
const char *parse_found(const struct parser *p); /* the current token, for a message */
/* NULL: a syntax error; p->e is set. */
struct node *parse_expr(struct parser *p);
struct node *parse_or(struct parser *p);
/* `a` or `a, b`; with_if: also `a if b`. */
struct node *parse_tuple(struct parser *p, bool with_if);
struct node *parse_filters(struct parser *p, struct node *left);
struct node *parse_postfix(struct parser *p, struct node *left);
struct node *parse_primary(struct parser *p);
struct node *parse_filter_named(struct parser *p, struct node *left);
void node_add(struct arena *a, struct node *n, struct node *kid);
