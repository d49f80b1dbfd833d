/* SPDX-License-Identifier: MIT
 *
 * Filters on lists as sets, and random ones with a seed.
 */
#include "jinja/call.h"

/* ---- as sets ---- */
static struct value *f_unique(struct call *c)
{
	struct value *list = call_list(c, c->v), *r = value_list(c->a);
	struct value_set seen;
	bool sensitive = call_bool(c, 0, false);
	set_init(&seen, c->a);
	for (size_t i = 0; list && i < list->list.n; i++) {
		struct value *key = call_sort_key(c, list->list.v[i], c->arg[1], sensitive);
		if (!key)
			return NULL;
		if (set_add(&seen, c, key))
			list_add(c->a, r, list->list.v[i]);
	}
	return list ? r : NULL;
}

enum set_part { IN_BOTH = 1, IN_FIRST = 2, IN_SECOND = 4 };

/* The items selected by `parts` (IN_FIRST, IN_SECOND, IN_BOTH), without duplicates. */
static struct value *set_math(struct call *c, unsigned parts)
{
	struct value *a = call_list(c, c->v), *b = a ? call_list(c, c->arg[0]) : NULL;
	struct value *r = value_list(c->a);
	struct value_set in_a, in_b, seen;
	if (!b)
		return NULL;
	set_init(&in_a, c->a);
	set_init(&in_b, c->a);
	set_init(&seen, c->a);
	for (size_t i = 0; i < a->list.n; i++)
		set_add(&in_a, c, a->list.v[i]);
	for (size_t i = 0; i < b->list.n; i++)
		set_add(&in_b, c, b->list.v[i]);
	for (size_t i = 0; i < a->list.n + b->list.n; i++) {
		bool first = i < a->list.n;
		struct value *v = first ? a->list.v[i] : b->list.v[i - a->list.n];
		bool both = first ? set_has(&in_b, c, v) : set_has(&in_a, c, v);
		unsigned part = both ? IN_BOTH : first ? IN_FIRST : IN_SECOND;
		if ((part & parts) && set_add(&seen, c, v))
			list_add(c->a, r, v);
	}
	return r;
}

static struct value *f_union(struct call *c)
{
	return set_math(c, IN_BOTH | IN_FIRST | IN_SECOND);
}

static struct value *f_intersect(struct call *c)
{
	return set_math(c, IN_BOTH);
}

static struct value *f_difference(struct call *c)
{
	return set_math(c, IN_FIRST);
}

static struct value *f_symmetric_difference(struct call *c)
{
	return set_math(c, IN_FIRST | IN_SECOND);
}

/* ---- random, but repeatable ---- */
static bool seed_random(struct call *c, int arg, struct python_random *r)
{
	const struct value *seed = c->arg[arg];
	if (!seed || seed->type == VALUE_NULL)
		return call_fail(c,
			       "give it a seed, as in %s(seed=inventory_hostname): a plan "
			       "must be repeatable",
			       c->fn->name) != NULL;
	if (seed->type == VALUE_INT)
		random_seed_int(r, seed->i < 0 ? 0 - (uint64_t)seed->i : (uint64_t)seed->i);
	else
		random_seed_text(r, call_text(c, seed));
	return true;
}

static struct value *f_random(struct call *c)
{
	struct python_random r;
	int64_t start, step, end;
	if (!seed_random(c, 2, &r) || !call_int(c, 0, 0, &start) || !call_int(c, 1, 1, &step))
		return NULL;
	if (c->v->type == VALUE_LIST || c->v->type == VALUE_STR) {
		struct value *list = call_list(c, c->v);
		if (!list->list.n)
			return call_no_items(c);
		return jinja_child(c->in, c->v, list->list.v[random_below(&r, list->list.n)]);
	}
	if (c->v->type != VALUE_INT)
		return call_fail(c, "a number or a list is needed");
	end = c->v->i;
	if (step < 1 || start < -INT32_MAX || end > INT64_MAX / 2 || start >= end)
		return call_fail(c, "there is no number in this range");
	uint64_t n = ((uint64_t)(end - start) + (uint64_t)step - 1) / (uint64_t)step;
	return value_int(c->a, start + step * (int64_t)random_below(&r, n));
}

static struct value *f_shuffle(struct call *c)
{
	struct python_random r;
	struct value *list = call_list(c, c->v);
	if (!list || !seed_random(c, 0, &r))
		return NULL;
	list = value_shallow(c->a, list);
	for (size_t i = list->list.n; i > 1; i--) {
		size_t k = (size_t)random_below(&r, i);
		struct value *v = list->list.v[i - 1];
		list->list.v[i - 1] = list->list.v[k];
		list->list.v[k] = v;
	}
	return list;
}

const struct callable filters_set[] = {
	{"difference", f_difference, "!other", CALL_PLAIN,
		"The items that the other list does not have, each once.",
		"[1, 2, 3] | difference([2])", "[1, 3]"},
	{"intersect", f_intersect, "!other", CALL_PLAIN,
		"The items that both lists have, each once.", "[1, 2, 3] | intersect([2, 3, 4])",
		"[2, 3]"},
	{"random", f_random, "start step seed", CALL_PLAIN,
		"An item of the list, or a number from start (0) to below the value. The seed has "
		"to be given, since a plan has to be repeatable.",
		"['a', 'b', 'c'] | random(seed='mx1')", "\"a\""},
	{"shuffle", f_shuffle, "seed", 0,
		"The items in another order. The seed has to be given, since a plan has to be "
		"repeatable.",
		"[1, 2, 3] | shuffle(seed='mx1')", "[3, 2, 1]"},
	{"symmetric_difference", f_symmetric_difference, "!other", CALL_PLAIN,
		"The items that only one of the two lists has, each once.",
		"[1, 2] | symmetric_difference([2, 3])", "[1, 3]"},
	{"union", f_union, "!other", CALL_PLAIN, "The items of both lists, each once.",
		"[1, 2] | union([2, 3])", "[1, 2, 3]"},
	{"unique", f_unique, "case_sensitive attribute", 0,
		"The items, each once; by an attribute, those with the same value of it once. "
		"Upper and lower case count the same unless case_sensitive is true.",
		"[1, 2, 1] | unique", "[1, 2]"},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
