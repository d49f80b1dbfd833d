/* SPDX-License-Identifier: MIT
 *
 * Tests that compare two values, and that search lists and mappings.
 */
#include "jinja/call.h"

static struct value *t_eq(struct call *c)
{
	return jinja_compare(c->in, TOK_EQ, c->v, c->arg[0], c->pos);
}

static struct value *t_ne(struct call *c)
{
	return jinja_compare(c->in, TOK_NE, c->v, c->arg[0], c->pos);
}

static struct value *t_lt(struct call *c)
{
	return jinja_compare(c->in, TOK_LT, c->v, c->arg[0], c->pos);
}

static struct value *t_le(struct call *c)
{
	return jinja_compare(c->in, TOK_LE, c->v, c->arg[0], c->pos);
}

static struct value *t_gt(struct call *c)
{
	return jinja_compare(c->in, TOK_GT, c->v, c->arg[0], c->pos);
}

static struct value *t_ge(struct call *c)
{
	return jinja_compare(c->in, TOK_GE, c->v, c->arg[0], c->pos);
}

static struct value *is_in(struct call *c, struct value *item, struct value *holder)
{
	struct value *all = jinja_holder(c->in, holder, item, c->pos);
	return all ? jinja_compare(c->in, TOK_IN, item, all, c->pos) : NULL;
}

static struct value *t_in(struct call *c)
{
	return is_in(c, c->v, c->arg[0]);
}

static struct value *t_contains(struct call *c)
{
	return is_in(c, c->arg[0], c->v);
}

static struct value *t_sameas(struct call *c)
{
	struct value *a = c->v, *b = c->arg[0];
	bool plain = a->type != VALUE_LIST && a->type != VALUE_MAP;
	return call_yes(c, a == b || (plain && a->type == b->type && value_equal(a, b)));
}

static struct value *t_odd(struct call *c)
{
	if (!jinja_is_int(c->v))
		return call_fail(c, "a whole number is needed, not %s", value_type_name(c->v));
	return call_yes(c, jinja_int(c->v) % 2 != 0);
}

static struct value *t_even(struct call *c)
{
	struct value *odd = t_odd(c);
	return odd ? call_yes(c, !odd->b) : NULL;
}

static struct value *t_divisibleby(struct call *c)
{
	int64_t n;
	if (!call_int(c, 0, 1, &n))
		return NULL;
	if (!jinja_is_int(c->v) || n == 0)
		return call_fail(c, "whole numbers are needed, and not 0");
	if (n == -1)
		return call_yes(c, true);
	return call_yes(c, jinja_int(c->v) % n == 0);
}

static struct value *test_within(struct call *c, struct value *small, struct value *large)
{
	struct value_set set;
	if (!(small = call_list(c, small)) || !(large = call_list(c, large)))
		return NULL;
	set_init(&set, c->a);
	for (size_t i = 0; i < large->list.n; i++)
		set_add(&set, c, large->list.v[i]);
	for (size_t i = 0; i < small->list.n; i++)
		if (!set_has(&set, c, small->list.v[i]))
			return call_yes(c, false);
	return call_yes(c, true);
}

static struct value *t_subset(struct call *c)
{
	return test_within(c, c->v, c->arg[0]);
}

static struct value *t_superset(struct call *c)
{
	return test_within(c, c->arg[0], c->v);
}

static struct value *any_all(struct call *c, bool stop_at)
{
	struct value *list = call_list(c, c->v), *unknown = NULL;
	for (size_t i = 0; list && i < list->list.n; i++) {
		struct value *v = list->list.v[i];
		if (v->type == VALUE_UNKNOWN)
			unknown = v;
		else if (call_truth(c, v) == stop_at)
			return call_yes(c, stop_at);
	}
	return !list ? NULL : unknown ? unknown : call_yes(c, !stop_at);
}

static struct value *t_any(struct call *c)
{
	return any_all(c, true);
}

static struct value *t_all(struct call *c)
{
	return any_all(c, false);
}

const struct callable tests_compare[] = {
	{"!=", t_ne, "!other", 0, "The same as ne.", "[1, 2, 3] | select('!=', 2) | list",
		"[1, 3]"},
	{"<", t_lt, "!other", 0, "The same as lt.", "[1, 2, 3] | select('<', 2) | list", "[1]"},
	{"<=", t_le, "!other", 0, "The same as le.", "[1, 2, 3] | select('<=', 2) | list",
		"[1, 2]"},
	{"==", t_eq, "!other", 0, "The same as eq.", "[1, 2, 3] | select('==', 2) | list", "[2]"},
	{">", t_gt, "!other", 0, "The same as gt.", "[1, 2, 3] | select('>', 2) | list", "[3]"},
	{">=", t_ge, "!other", 0, "The same as ge.", "[1, 2, 3] | select('>=', 2) | list",
		"[2, 3]"},
	{"all", t_all, "", 0, "Are all items of the list true?", "[1, 0] is all", "false"},
	{"any", t_any, "", 0, "Is at least one item of the list true?", "[1, 0] is any", "true"},
	{"contains", t_contains, "!item", CALL_PARTS,
		"Does the list have the item, the mapping the key, or the text the part?",
		"[1, 2] is contains(2)", "true"},
	{"divisibleby", t_divisibleby, "!num", 0, "Is the number a multiple of num?",
		"10 is divisibleby(5)", "true"},
	{"eq", t_eq, "!other", 0, "Are both equal?", "1 is eq(1.0)", "true"},
	{"equalto", t_eq, "!other", 0, "The same as eq.", "'a' is equalto('a')", "true"},
	{"even", t_even, "", 0, "Is the number even?", "4 is even", "true"},
	{"ge", t_ge, "!other", 0, "Is it greater than other, or equal?", "2 is ge(2)", "true"},
	{"greaterthan", t_gt, "!other", 0, "The same as gt.", "3 is greaterthan(2)", "true"},
	{"gt", t_gt, "!other", 0, "Is it greater than other?", "2 is gt(2)", "false"},
	{"in", t_in, "!seq", CALL_PARTS,
		"Is it an item of the list, a key of the mapping, or a part of the text?",
		"2 is in([1, 2])", "true"},
	{"issubset", t_subset, "!other", 0, "The same as subset.", "[1] is issubset([1, 2])",
		"true"},
	{"issuperset", t_superset, "!other", 0, "The same as superset.",
		"[1, 2] is issuperset([1])", "true"},
	{"le", t_le, "!other", 0, "Is it less than other, or equal?", "2 is le(2)", "true"},
	{"lessthan", t_lt, "!other", 0, "The same as lt.", "1 is lessthan(2)", "true"},
	{"lt", t_lt, "!other", 0, "Is it less than other?", "2 is lt(2)", "false"},
	{"ne", t_ne, "!other", 0, "Are they different?", "1 is ne(2)", "true"},
	{"odd", t_odd, "", 0, "Is the number odd?", "4 is odd", "false"},
	{"sameas", t_sameas, "!other", 0, "Are both the same value, of the same type?",
		"1 is sameas(1.0)", "false"},
	{"subset", t_subset, "!other", 0, "Does the other list have all items of this one?",
		"[1] is subset([1, 2])", "true"},
	{"superset", t_superset, "!other", 0, "Does this list have all items of the other?",
		"[1, 2] is superset([1])", "true"},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
