/* SPDX-License-Identifier: MIT
 *
 * Private to jinja/: the syntax tree.
 */
#pragma once
#include "jinja/lex.h"

enum node_kind {
	NODE_CONST, /* the literal is in `value` */
	NODE_NAME,  /* name */
	NODE_ATTR,  /* left . name */
	NODE_ITEM,  /* left [ right ] */
	NODE_SLICE, /* left [ kid0 : kid1 : kid2 ], a kid may be NULL */
	NODE_LIST,  /* kids */
	NODE_TUPLE, /* kids */
	NODE_DICT,  /* kids: key, value, key, value, ... */
	NODE_NOT,   /* left */
	NODE_NEG,
	NODE_POS,
	NODE_MATH, /* left op right */
	NODE_AND,
	NODE_OR,
	NODE_COMPARE, /* left, then kids with their operators */
	NODE_CONCAT,  /* kids */
	NODE_COND,    /* left if right else third (NULL: undefined) */
	NODE_FILTER,  /* left | name(args) */
	NODE_TEST,    /* left is name(args) */
	NODE_CALL,    /* left(args) */
	/* statements */
	NODE_TEXT,         /* name: the text */
	NODE_PRINT,        /* left */
	NODE_IF,           /* left: condition, body, orelse (flag: it is a NODE_IF, for elif) */
	NODE_FOR,          /* left: target, right: list, third: filter or NULL, body, orelse; flag:
			    * recursive */
	NODE_SET,          /* left: target, right: value */
	NODE_SET_BLOCK,    /* left: target, right: filter chain on a NODE_CONST, or NULL; body */
	NODE_MACRO,        /* macro */
	NODE_CALL_BLOCK,   /* left: the call, macro: the body as `caller` */
	NODE_FILTER_BLOCK, /* right: filter chain, body */
	NODE_INCLUDE,      /* left: name or list, flag: ignore missing */
	NODE_WITH,         /* kids: target, value, ...; body */
	NODE_DO,           /* left */
	NODE_BREAK,
	NODE_CONTINUE,
};
struct node;
struct named_arg {
	struct str name;
	struct node *value;
};
struct args {
	struct node **v;
	size_t n;
	struct named_arg *named;
	size_t named_n;
	struct node *star, *star_star; /* *list, **map; NULL: none */
};
struct macro {
	struct str name;
	struct str *param;
	uint64_t *hash;
	struct node **dflt; /* NULL: none */
	size_t n;
	struct node *body;
};
struct callable;
struct node {
	enum node_kind kind;
	enum token_kind op;
	bool flag;
	struct pos pos;
	struct str name;
	uint64_t hash; /* of name */
	struct value *value;
	struct node *left, *right, *third;
	struct node **kid;
	enum token_kind *kid_op;
	size_t n;
	struct args *args;
	const struct callable *fn;
	struct macro *macro;
	struct node *body, *orelse, *next;
};
struct template
{
	struct node *body;
	unsigned flags;
	struct template_marks marks;
};
/* header.c: removes a first line "#jinja2: ..." from the text and sets the template's flags and
 * marks by it. */
bool header_take(
	struct arena *a, struct template *t, struct str *text, struct pos *pos, struct err *e);
bool marks_check(const struct template_marks *m, struct pos pos, struct err *e);
/* Parses the tokens of a template into statements, linked by `next`; *out NULL: no statements. */
bool jinja_parse(struct arena *a, const struct tokens *t, struct node **out, struct err *e);
struct node *jinja_parse_expr(struct arena *a, const struct tokens *t, struct err *e);
