/* SPDX-License-Identifier: MIT
 *
 * Parses what follows an operand: attributes, subscripts, calls, filters and tests. Names of
 * filters and tests are looked up here, so that a misspelt one is reported before any host is
 * contacted.
 */
#include "jinja/call.h"
#include "jinja/parse.h"

static bool named_argument(struct parser *p, struct args *a)
{
	if (a->named_n == CALL_ARGS * 4)
		return parse_fail(p, "too many named arguments");
	if (!a->named)
		a->named = ARENA_ARRAY(p->a, struct named_arg, CALL_ARGS * 4);
	struct str key = p->t->text;
	p->t += 2;
	a->named[a->named_n].name = key;
	return (a->named[a->named_n++].value = parse_expr(p)) != NULL;
}

static bool parse_argument(struct parser *p, struct args *a, struct node *hold)
{
	if (parse_take(p, TOK_MUL))
		return (a->star = parse_expr(p)) != NULL;
	if (parse_take(p, TOK_POW))
		return (a->star_star = parse_expr(p)) != NULL;
	if (parse_is(p, TOK_NAME) && p->t[1].kind == TOK_ASSIGN)
		return named_argument(p, a);
	if (a->named_n || a->star || a->star_star)
		return parse_fail(p, "a positional argument cannot follow a named one");
	struct node *n = parse_expr(p);
	if (n)
		node_add(p->a, hold, n);
	return n != NULL;
}

/* "(a, b, c=1)" */
static struct args *parse_arguments(struct parser *p)
{
	struct args *a = ARENA_NEW(p->a, struct args);
	struct node hold = {0};
	p->t++;
	while (!parse_is(p, TOK_RPAREN)) {
		if (!parse_argument(p, a, &hold))
			return NULL;
		if (!parse_take(p, TOK_COMMA))
			break;
	}
	a->v = hold.kid;
	a->n = hold.n;
	return parse_expect(p, TOK_RPAREN, "at the end of the arguments") ? a : NULL;
}

static struct node *parse_attribute(struct parser *p, struct node *left)
{
	struct pos dot = p->t++->pos;
	if (parse_is(p, TOK_INT)) {
		struct node *n = parse_binary(p, NODE_ITEM, left, dot);
		n->right = parse_number(p);
		return n->right ? n : NULL;
	}
	if (!parse_is(p, TOK_NAME))
		return parse_fail(p, "expected a name after '.', found %s", parse_found(p)), NULL;
	struct node *n = parse_binary(p, NODE_ATTR, left, p->t->pos);
	n->name = p->t++->text;
	n->hash = hash64(n->name.p, n->name.n);
	return n;
}

/* x[i] or x[from:to:step] */
static struct node *parse_subscript(struct parser *p, struct node *left)
{
	struct node *n = parse_binary(p, NODE_ITEM, left, p->t->pos);
	struct node *part[3] = {NULL, NULL, NULL};
	size_t i = 0;
	p->t++;
	while (!parse_is(p, TOK_RBRACKET)) {
		if (i < 2 && parse_take(p, TOK_COLON)) {
			n->kind = NODE_SLICE;
			i++;
			continue;
		}
		if (part[i])
			break;
		part[i] = parse_expr(p);
		if (!part[i])
			return NULL;
	}
	if (!parse_expect(p, TOK_RBRACKET, "at the end of the subscript"))
		return NULL;
	if (n->kind == NODE_ITEM && !part[0])
		return parse_fail(p, "an empty subscript"), NULL;
	n->right = part[0];
	for (i = 0; n->kind == NODE_SLICE && i < 3; i++)
		node_add(p->a, n, part[i]);
	return n;
}

static struct node *parse_call(struct parser *p, struct node *left)
{
	struct node *n = parse_binary(p, NODE_CALL, left, left->pos);
	n->args = parse_arguments(p);
	return n->args ? n : NULL;
}

struct node *parse_postfix(struct parser *p, struct node *left)
{
	for (int n = 0; left; n++) {
		if (n > JINJA_DEPTH)
			return parse_fail(p, "too many '.', '[' and '(' in a row"), NULL;
		if (parse_is(p, TOK_DOT))
			left = parse_attribute(p, left);
		else if (parse_is(p, TOK_LBRACKET))
			left = parse_subscript(p, left);
		else if (parse_is(p, TOK_LPAREN))
			left = parse_call(p, left);
		else
			break;
	}
	return left;
}

/* A name, optionally with its collection. */
static struct str dotted_name(struct parser *p)
{
	struct str s = p->t++->text;
	while (parse_is(p, TOK_DOT) && p->t[1].kind == TOK_NAME) {
		s = str_printf(p->a, STR_FMT "." STR_FMT, STR_ARG(s), STR_ARG(p->t[1].text));
		p->t += 2;
	}
	return builtin_name(s);
}

static bool check_known(
	struct parser *p, struct node *n, const char *what, const char *const *names)
{
	if (n->fn || p->conditional)
		return true;
	const char *near = str_nearest(n->name.p, names);
	if (near)
		return err_at(p->e, n->pos, "unknown %s '" STR_FMT "' (did you mean '%s'?)", what,
			STR_ARG(n->name), near);
	return err_at(p->e, n->pos, "unknown %s '" STR_FMT "'", what, STR_ARG(n->name));
}

/* The name of a filter after a |, with its arguments. */
struct node *parse_filter_named(struct parser *p, struct node *left)
{
	if (!parse_is(p, TOK_NAME))
		return parse_fail(
			       p, "expected a filter's name after '|', found %s", parse_found(p)),
		       NULL;
	struct node *n = parse_binary(p, NODE_FILTER, left, p->t->pos);
	n->name = dotted_name(p);
	n->fn = jinja_filter(n->name);
	if (!check_known(p, n, "filter", callable_names(CALL_FILTERS)))
		return NULL;
	if (parse_is(p, TOK_LPAREN) && !(n->args = parse_arguments(p)))
		return NULL;
	return n;
}

static bool starts_test_argument(const struct parser *p)
{
	static const char *const not_these[] = {"else", "or", "and", "if", "is", "in", "not"};
	if (p->t->kind == TOK_NAME) {
		for (size_t i = 0; i < ARRAY_LEN(not_these); i++)
			if (parse_word(p, not_these[i]))
				return false;
		return true;
	}
	return parse_is(p, TOK_STRING) || parse_is(p, TOK_INT) || parse_is(p, TOK_FLOAT) ||
	       parse_is(p, TOK_LPAREN) || parse_is(p, TOK_LBRACKET) || parse_is(p, TOK_LBRACE);
}

static bool test_arguments(struct parser *p, struct node *n)
{
	if (parse_is(p, TOK_LPAREN))
		return (n->args = parse_arguments(p)) != NULL;
	if (!starts_test_argument(p))
		return true;
	struct node *arg = parse_primary(p);
	if (arg)
		arg = parse_postfix(p, arg);
	if (!arg)
		return false;
	n->args = ARENA_NEW(p->a, struct args);
	n->args->v = ARENA_ARRAY(p->a, struct node *, 1);
	n->args->v[0] = arg;
	n->args->n = 1;
	return true;
}

static struct node *parse_test(struct parser *p, struct node *left)
{
	p->t++;
	bool negated = parse_take_word(p, "not");
	if (!parse_is(p, TOK_NAME))
		return parse_fail(p, "expected a test's name after 'is', found %s", parse_found(p)),
		       NULL;
	struct node *n = parse_binary(p, NODE_TEST, left, p->t->pos);
	n->name = dotted_name(p);
	n->fn = jinja_test(n->name);
	if (!check_known(p, n, "test", callable_names(CALL_TESTS)) || !test_arguments(p, n))
		return NULL;
	if (parse_word(p, "is"))
		return parse_fail(p, "tests cannot be chained with 'is': join them with 'and'"),
		       NULL;
	if (!negated)
		return n;
	struct node *not = parse_binary(p, NODE_NOT, n, n->pos);
	return not ;
}

struct node *parse_filters(struct parser *p, struct node *left)
{
	for (int n = 0; left; n++) {
		if (n > JINJA_DEPTH)
			return parse_fail(p, "too many filters in a row"), NULL;
		if (parse_take(p, TOK_PIPE))
			left = parse_filter_named(p, left);
		else if (parse_word(p, "is"))
			left = parse_test(p, left);
		else if (parse_is(p, TOK_LPAREN))
			left = parse_call(p, left);
		else
			break;
	}
	return left;
}
