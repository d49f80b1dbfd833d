/* SPDX-License-Identifier: MIT
 *
 * map, select, reject, selectattr, rejectattr: apply other filters and tests to the items of a
 * list.
 */
#include "jinja/call.h"

/* The positional arguments from the i-th on. */
static struct value *rest_from(struct call *c, size_t i)
{
	struct value *list = value_list(c->a);
	for (; i < c->rest->list.n; i++)
		list_add(c->a, list, c->rest->list.v[i]);
	return list;
}

static struct value *map_attribute(struct call *c, struct value *list, struct value *attribute)
{
	struct value *r = value_list(c->a);
	struct value *dflt = map_at(c->kwargs, "default");
	for (size_t i = 0; i < list->list.n; i++) {
		struct value *v = call_path(c, list->list.v[i], attribute);
		if (!v)
			return NULL;
		if (v->type == VALUE_UNDEFINED && dflt)
			v = dflt;
		list_add(c->a, r, v);
	}
	return r;
}

/* map(attribute='a.b', default=x) or map('filter', arguments...) */
static struct value *f_map(struct call *c)
{
	struct value *list = call_list(c, c->v), *r = value_list(c->a);
	if (!c->kwargs)
		c->kwargs = value_map(c->a);
	struct value *attribute = map_at(c->kwargs, "attribute");
	if (!list)
		return NULL;
	if (attribute && !c->rest->list.n)
		return map_attribute(c, list, attribute);
	if (!c->rest->list.n)
		return call_fail(c, "needs a filter's name, or attribute=");
	struct str name = call_text(c, c->rest->list.v[0]);
	const struct callable *fn = jinja_filter(builtin_name(name));
	if (!fn)
		return call_fail(c, "unknown filter '" STR_FMT "'", STR_ARG(name));
	struct value *args = rest_from(c, 1);
	for (size_t i = 0; i < list->list.n; i++) {
		struct value *item = jinja_child(c->in, c->v, list->list.v[i]);
		struct value *v = jinja_apply(c->in, fn, item, args, c->kwargs, c->pos);
		if (!v)
			return NULL;
		list_add(c->a, r, v);
	}
	return r;
}

/* The items for which the test (of the item or of its attribute) gives `want`. */
static struct value *filter_items(struct call *c, bool want, bool by_attribute)
{
	struct value *list = call_list(c, c->v), *r = value_list(c->a);
	size_t first = by_attribute;
	const struct callable *fn = NULL;
	if (!list)
		return NULL;
	if (by_attribute && !c->rest->list.n)
		return call_fail(c, "needs an attribute's name");
	if (c->rest->list.n > first) {
		struct str name = call_text(c, c->rest->list.v[first]);
		fn = jinja_test(builtin_name(name));
		if (!fn)
			return call_fail(c, "unknown test '" STR_FMT "'", STR_ARG(name));
	}
	struct value *args = rest_from(c, first + 1);
	for (size_t i = 0; i < list->list.n; i++) {
		bool holds;
		struct value *item = jinja_child(c->in, c->v, list->list.v[i]), *v = item;
		if (by_attribute)
			v = call_path(c, item, c->rest->list.v[0]);
		if (v && fn)
			v = jinja_apply(c->in, fn, v, args, c->kwargs, c->pos);
		if (!v)
			return NULL;
		if (v->type == VALUE_UNKNOWN) {
			call_unknown(c, v);
			return r;
		}
		/* without a test a missing attribute counts as false */
		holds = v->type != VALUE_UNDEFINED && value_true(v);
		if (holds == want)
			list_add(c->a, r, item);
	}
	return r;
}

static struct value *f_select(struct call *c)
{
	return filter_items(c, true, false);
}

static struct value *f_reject(struct call *c)
{
	return filter_items(c, false, false);
}

static struct value *f_selectattr(struct call *c)
{
	return filter_items(c, true, true);
}

static struct value *f_rejectattr(struct call *c)
{
	return filter_items(c, false, true);
}

const struct callable filters_select[] = {
	{"map", f_map, "* **", CALL_PARTS,
		"An attribute of each item (attribute='name'), or each item passed through "
		"the named filter.",
		"['a', 'b'] | map('upper') | list", "[\"A\", \"B\"]"},
	{"reject", f_reject, "* **", 0,
		"The items that a test does not hold for; without a test, those that are false.",
		"[1, 2, 3] | reject('odd') | list", "[2]"},
	{"rejectattr", f_rejectattr, "* **", 0,
		"The items whose attribute a test does not hold for; without a test, those where "
		"it is false.",
		"[{'n': 1}, {'n': 2}] | rejectattr('n', 'eq', 1) | list", "[{\"n\": 2}]"},
	{"select", f_select, "* **", 0,
		"The items that a test holds for; without a test, those that are true.",
		"[1, 2, 3] | select('odd') | list", "[1, 3]"},
	{"selectattr", f_selectattr, "* **", 0,
		"The items whose attribute a test holds for; without a test, those where it is "
		"true.",
		"[{'n': 1}, {'n': 2}] | selectattr('n', 'eq', 1) | list", "[{\"n\": 1}]"},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
