/* SPDX-License-Identifier: MIT
 *
 * Parses expressions into nodes, with Jinja2's grammar and precedence.
 */
#include <errno.h>
#include "jinja/parse.h"
#include "jinja/text.h"

struct node *parse_node(struct parser *p, enum node_kind kind)
{
	struct node *n = ARENA_NEW(p->a, struct node);
	n->kind = kind;
	n->pos = p->t->pos;
	n->name = str_c("");
	return n;
}

void node_add(struct arena *a, struct node *n, struct node *kid)
{
	if ((n->n & (n->n - 1)) == 0) { /* the capacity doubles at powers of two */
		struct node **v = ARENA_ARRAY(a, struct node *, n->n ? n->n * 2 : 1);
		if (n->n)
			memcpy(v, n->kid, n->n * sizeof(*v));
		n->kid = v;
	}
	n->kid[n->n++] = kid;
}

bool parse_fail(struct parser *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *msg = arena_vprintf(p->a, fmt, ap);
	va_end(ap);
	return err_at(p->e, p->t->pos, "%s", msg);
}

bool parse_is(const struct parser *p, enum token_kind kind)
{
	return p->t->kind == kind;
}

bool parse_word(const struct parser *p, const char *word)
{
	return p->t->kind == TOK_NAME && str_is(p->t->text, word);
}

bool parse_take(struct parser *p, enum token_kind kind)
{
	if (p->t->kind != kind)
		return false;
	if (kind != TOK_END)
		p->t++;
	return true;
}

bool parse_take_word(struct parser *p, const char *word)
{
	if (!parse_word(p, word))
		return false;
	p->t++;
	return true;
}

const char *parse_found(const struct parser *p)
{
	if (p->t->kind == TOK_NAME)
		return arena_printf(p->a, "'" STR_FMT "'", STR_ARG(p->t->text));
	if (p->t->kind == TOK_END || p->t->kind == TOK_STRING || p->t->kind == TOK_DATA)
		return token_name(p->t->kind);
	return arena_printf(p->a, "'%s'", token_name(p->t->kind));
}

bool parse_expect(struct parser *p, enum token_kind kind, const char *after)
{
	if (parse_take(p, kind))
		return true;
	return parse_fail(p, "expected '%s' %s, found %s", token_name(kind), after, parse_found(p));
}

/* Enters a level; the caller leaves it with p->depth--. */
static bool go_deeper(struct parser *p)
{
	if (++p->depth > JINJA_DEPTH)
		return parse_fail(p, "this expression is nested more than %d deep", JINJA_DEPTH);
	return true;
}

struct node *parse_binary(struct parser *p, enum node_kind kind, struct node *l, struct pos pos)
{
	struct node *n = parse_node(p, kind);
	n->pos = pos;
	n->left = l;
	return n;
}

typedef struct node *parse_fn(struct parser *p);

/* A chain `a op b op c`, left-associative. */
static struct node *parse_chain(struct parser *p, parse_fn *next, const enum token_kind *ops)
{
	struct node *left = next(p);
	for (int n = 0; left; n++) {
		const enum token_kind *op = ops;
		while (*op != TOK_END && *op != p->t->kind)
			op++;
		if (*op == TOK_END)
			break;
		if (n > JINJA_DEPTH * 4)
			return parse_fail(p, "too many operators in one expression"), NULL;
		struct pos pos = p->t++->pos;
		struct node *m = parse_binary(p, NODE_MATH, left, pos);
		m->op = *op;
		m->right = next(p);
		left = m->right ? m : NULL;
	}
	return left;
}

static struct node *parse_unary(struct parser *p, bool filters)
{
	struct node *n = NULL;
	if (!go_deeper(p))
		return NULL;
	if (parse_is(p, TOK_SUB) || parse_is(p, TOK_ADD)) {
		n = parse_node(p, parse_is(p, TOK_SUB) ? NODE_NEG : NODE_POS);
		p->t++;
		n->left = parse_unary(p, false);
		n = n->left ? n : NULL;
	} else {
		n = parse_primary(p);
	}
	if (n)
		n = parse_postfix(p, n);
	if (n && filters)
		n = parse_filters(p, n);
	p->depth--;
	return n;
}

static struct node *parse_operand(struct parser *p)
{
	return parse_unary(p, true);
}

static struct node *parse_power(struct parser *p)
{
	static const enum token_kind ops[] = {TOK_POW, TOK_END};
	return parse_chain(p, parse_operand, ops);
}

static struct node *parse_product(struct parser *p)
{
	static const enum token_kind ops[] = {TOK_MUL, TOK_DIV, TOK_FLOORDIV, TOK_MOD, TOK_END};
	return parse_chain(p, parse_power, ops);
}

static struct node *parse_concat(struct parser *p)
{
	struct node *left = parse_product(p);
	if (!left || !parse_is(p, TOK_TILDE))
		return left;
	struct node *n = parse_node(p, NODE_CONCAT);
	node_add(p->a, n, left);
	while (parse_take(p, TOK_TILDE)) {
		struct node *kid = parse_product(p);
		if (!kid)
			return NULL;
		node_add(p->a, n, kid);
	}
	return n;
}

static struct node *parse_sum(struct parser *p)
{
	static const enum token_kind ops[] = {TOK_ADD, TOK_SUB, TOK_END};
	return parse_chain(p, parse_concat, ops);
}

/* Consumes the comparison operator at the current token; TOK_END: there is none. */
static enum token_kind take_comparison(struct parser *p)
{
	enum token_kind kind = p->t->kind;
	if (kind >= TOK_EQ && kind <= TOK_GE) {
		p->t++;
		return kind;
	}
	if (parse_take_word(p, "in"))
		return TOK_IN;
	if (parse_word(p, "not") && p->t[1].kind == TOK_NAME && str_is(p->t[1].text, "in")) {
		p->t += 2;
		return TOK_NOT_IN;
	}
	return TOK_END;
}

static struct node *parse_comparison(struct parser *p)
{
	struct node *left = parse_sum(p), *n = NULL;
	enum token_kind ops[JINJA_DEPTH];
	while (left) {
		struct pos pos = p->t->pos;
		enum token_kind op = take_comparison(p);
		if (op == TOK_END)
			break;
		if (!n)
			n = parse_binary(p, NODE_COMPARE, left, pos);
		if (n->n == JINJA_DEPTH)
			return parse_fail(p, "too many comparisons in one expression"), NULL;
		ops[n->n] = op;
		struct node *right = parse_sum(p);
		if (!right)
			return NULL;
		node_add(p->a, n, right);
	}
	if (!left || !n)
		return left;
	n->kid_op = ARENA_ARRAY(p->a, enum token_kind, n->n);
	memcpy(n->kid_op, ops, n->n * sizeof(*ops));
	return n;
}

static struct node *parse_not(struct parser *p)
{
	if (!parse_word(p, "not"))
		return parse_comparison(p);
	if (!go_deeper(p))
		return NULL;
	struct node *n = parse_node(p, NODE_NOT);
	p->t++;
	n->left = parse_not(p);
	p->depth--;
	return n->left ? n : NULL;
}

/* `a and b and c` as one node with kids. */
static struct node *parse_logic(
	struct parser *p, parse_fn *next, const char *word, enum node_kind kind)
{
	struct node *left = next(p);
	if (!left || !parse_word(p, word))
		return left;
	struct node *n = parse_node(p, kind);
	node_add(p->a, n, left);
	while (parse_take_word(p, word)) {
		struct node *kid = next(p);
		if (!kid)
			return NULL;
		node_add(p->a, n, kid);
	}
	return n;
}

static struct node *parse_and(struct parser *p)
{
	return parse_logic(p, parse_not, "and", NODE_AND);
}

struct node *parse_or(struct parser *p)
{
	return parse_logic(p, parse_and, "or", NODE_OR);
}

struct node *parse_expr(struct parser *p)
{
	if (!go_deeper(p))
		return NULL;
	struct node *n = parse_or(p);
	while (n && parse_word(p, "if")) {
		struct node *c = parse_binary(p, NODE_COND, n, p->t->pos);
		p->t++;
		p->conditional++;
		c->right = parse_or(p);
		if (c->right && parse_take_word(p, "else"))
			n = (c->third = parse_expr(p)) ? c : NULL;
		else
			n = c->right ? c : NULL;
		p->conditional--;
	}
	p->depth--;
	return n;
}

static struct node *make_constant(struct parser *p, struct value *v)
{
	struct node *n = parse_node(p, NODE_CONST);
	v->pos = n->pos;
	v->literal = true;
	n->value = v;
	return n;
}

static struct node *parse_strings(struct parser *p)
{
	struct node *n = parse_node(p, NODE_CONST);
	struct str s = p->t++->text;
	while (parse_is(p, TOK_STRING)) {
		s = str_printf(p->a, STR_FMT STR_FMT, STR_ARG(s), STR_ARG(p->t->text));
		p->t++;
	}
	n->value = value_str(p->a, s);
	n->value->pos = n->pos;
	n->value->literal = true;
	return n;
}

struct node *parse_number(struct parser *p)
{
	bool is_int;
	int64_t i = 0;
	double f = 0;
	struct str s = p->t->text;
	if (s.n > 2 && s.p[0] == '0' && strchr("xXoObB", s.p[1])) {
		char *end;
		int base = (s.p[1] | 0x20) == 'x' ? 16 : (s.p[1] | 0x20) == 'o' ? 8 : 2;
		errno = 0;
		i = strtoll(s.p + 2, &end, base);
		is_int = true;
		if (errno || *end)
			return parse_fail(p, "the number %s is too large", s.p), NULL;
	} else if (!text_number(s, &is_int, &i, &f)) {
		return parse_fail(p, "the number %s is too large", s.p), NULL;
	}
	bool whole = parse_is(p, TOK_INT);
	if (whole != is_int)
		return parse_fail(p, "the number %s is too large", s.p), NULL;
	struct node *n = make_constant(p, whole ? value_int(p->a, i) : value_float(p->a, f));
	p->t++;
	return n;
}

static struct node *parse_name(struct parser *p)
{
	struct node *n;
	if (parse_word(p, "true") || parse_word(p, "True"))
		n = make_constant(p, value_bool(p->a, true));
	else if (parse_word(p, "false") || parse_word(p, "False"))
		n = make_constant(p, value_bool(p->a, false));
	else if (parse_word(p, "none") || parse_word(p, "None"))
		n = make_constant(p, value_null(p->a));
	else
		n = parse_node(p, NODE_NAME);
	n->name = p->t->text;
	n->hash = hash64(n->name.p, n->name.n);
	p->t++;
	return n;
}

static struct node *parse_list(struct parser *p)
{
	struct node *n = parse_node(p, NODE_LIST);
	p->t++;
	while (!parse_is(p, TOK_RBRACKET)) {
		struct node *kid = parse_expr(p);
		if (!kid)
			return NULL;
		node_add(p->a, n, kid);
		if (!parse_take(p, TOK_COMMA))
			break;
	}
	return parse_expect(p, TOK_RBRACKET, "at the end of the list") ? n : NULL;
}

static struct node *parse_dict(struct parser *p)
{
	struct node *n = parse_node(p, NODE_DICT);
	p->t++;
	while (!parse_is(p, TOK_RBRACE)) {
		struct node *key = parse_expr(p);
		if (!key || !parse_expect(p, TOK_COLON, "after the key"))
			return NULL;
		struct node *value = parse_expr(p);
		if (!value)
			return NULL;
		node_add(p->a, n, key);
		node_add(p->a, n, value);
		if (!parse_take(p, TOK_COMMA))
			break;
	}
	return parse_expect(p, TOK_RBRACE, "at the end of the mapping") ? n : NULL;
}

static bool tuple_ends(const struct parser *p)
{
	return parse_is(p, TOK_RPAREN) || parse_is(p, TOK_PRINT_END) ||
	       parse_is(p, TOK_BLOCK_END) || parse_is(p, TOK_END) || parse_is(p, TOK_ASSIGN) ||
	       parse_word(p, "in");
}

struct node *parse_tuple(struct parser *p, bool with_if)
{
	struct node *first = with_if ? parse_expr(p) : parse_or(p);
	if (!first || !parse_is(p, TOK_COMMA))
		return first;
	struct node *n = parse_node(p, NODE_TUPLE);
	n->pos = first->pos;
	node_add(p->a, n, first);
	while (parse_take(p, TOK_COMMA) && !tuple_ends(p)) {
		struct node *kid = with_if ? parse_expr(p) : parse_or(p);
		if (!kid)
			return NULL;
		node_add(p->a, n, kid);
	}
	return n;
}

static struct node *parse_parens(struct parser *p)
{
	struct node *n;
	p->t++;
	if (parse_is(p, TOK_RPAREN))
		n = parse_node(p, NODE_TUPLE);
	else
		n = parse_tuple(p, true);
	if (!n || !parse_expect(p, TOK_RPAREN, "at the end of the parentheses"))
		return NULL;
	return n;
}

struct node *parse_primary(struct parser *p)
{
	switch (p->t->kind) {
	case TOK_NAME:
		return parse_name(p);
	case TOK_STRING:
		return parse_strings(p);
	case TOK_INT:
	case TOK_FLOAT:
		return parse_number(p);
	case TOK_LPAREN:
		return parse_parens(p);
	case TOK_LBRACKET:
		return parse_list(p);
	case TOK_LBRACE:
		return parse_dict(p);
	default:
		parse_fail(p, "expected an expression, found %s", parse_found(p));
		return NULL;
	}
}

struct node *jinja_parse_expr(struct arena *a, const struct tokens *t, struct err *e)
{
	struct parser p = {.a = a, .t = t->v, .e = e};
	if (parse_is(&p, TOK_END))
		return parse_fail(&p, "an empty expression"), NULL;
	struct node *n = parse_tuple(&p, true);
	if (n && !parse_is(&p, TOK_END))
		return parse_fail(&p, "unexpected %s after the expression", parse_found(&p)), NULL;
	return n;
}
