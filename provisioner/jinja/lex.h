/* SPDX-License-Identifier: MIT
 *
 * Private to jinja/: the tokens of a template.
 *
 *   text -> jinja_lex() -> tokens -> jinja_parse*() -> nodes
 */
#pragma once
#include "jinja/jinja.h"

enum token_kind {
	TOK_END,
	TOK_DATA,
	TOK_PRINT_BEGIN,
	TOK_PRINT_END,
	TOK_BLOCK_BEGIN,
	TOK_BLOCK_END,
	TOK_NAME,
	TOK_STRING,
	TOK_INT,
	TOK_FLOAT,
	TOK_ADD,
	TOK_SUB,
	TOK_MUL,
	TOK_DIV,
	TOK_FLOORDIV,
	TOK_MOD,
	TOK_POW,
	TOK_TILDE,
	TOK_EQ,
	TOK_NE,
	TOK_LT,
	TOK_LE,
	TOK_GT,
	TOK_GE,
	TOK_IN,
	TOK_NOT_IN,
	TOK_ASSIGN,
	TOK_DOT,
	TOK_COMMA,
	TOK_COLON,
	TOK_PIPE,
	TOK_LPAREN,
	TOK_RPAREN,
	TOK_LBRACKET,
	TOK_RBRACKET,
	TOK_LBRACE,
	TOK_RBRACE,
};
struct token {
	enum token_kind kind;
	struct str text; /* a string with its escapes resolved; otherwise as written */
	struct pos pos;
};
struct tokens {
	struct token *v;
	size_t n, cap;
};
/* In addition to enum template_flags: backslashes in strings within {{ }} are kept, as Ansible does
 * for templates in YAML. */
enum { TEMPLATE_KEEP_BACKSLASH = 1 << 16 };
bool jinja_lex(struct arena *a, struct str text, struct pos pos, const struct template *t,
	struct tokens *out, struct err *e);
/* The same for a text that is an expression, without {{ }}. */
bool jinja_lex_expression(
	struct arena *a, struct str text, struct pos pos, struct tokens *out, struct err *e);
const char *token_name(enum token_kind kind); /* for messages */
