/* SPDX-License-Identifier: MIT
 *
 * Filters on lists. They make new lists with the same items, which keep their marks.
 */
#include "jinja/call.h"

static struct value *f_length(struct call *c)
{
	switch (c->v->type) {
	case VALUE_STR:
		return value_int(c->a, (int64_t)text_chars(c->v->s));
	case VALUE_LIST:
		return value_int(c->a, (int64_t)c->v->list.n);
	case VALUE_MAP:
		return value_int(c->a, (int64_t)c->v->map.n);
	default:
		return call_fail(c, "%s has no length", value_type_name(c->v));
	}
}

static struct value *f_list(struct call *c)
{
	return call_list(c, c->v);
}

struct value *call_no_items(struct call *c)
{
	c->in->made_undefined = true;
	return value_undefined(c->a, c->pos, "%s has no items, so it has no %s item",
		value_type_name(c->v), c->fn->name);
}

static struct value *f_first(struct call *c)
{
	struct value *list = call_list(c, c->v);
	if (!list)
		return NULL;
	return list->list.n ? jinja_child(c->in, c->v, list->list.v[0]) : call_no_items(c);
}

static struct value *f_last(struct call *c)
{
	struct value *list = call_list(c, c->v);
	if (!list)
		return NULL;
	return list->list.n ? jinja_child(c->in, c->v, list->list.v[list->list.n - 1])
			    : call_no_items(c);
}

static struct value *f_reverse(struct call *c)
{
	struct value *list = call_list(c, c->v), *r = value_list(c->a);
	struct buf b;
	if (!list)
		return NULL;
	for (size_t i = list->list.n; i > 0; i--)
		list_add(c->a, r, list->list.v[i - 1]);
	if (c->v->type != VALUE_STR)
		return r;
	buf_init(&b, TEXT_MAX);
	text_join(c, &b, r, str_c(""));
	return call_buf(c, &b);
}

struct value *call_sort_key(
	struct call *c, struct value *v, const struct value *attribute, bool case_sensitive)
{
	if (attribute)
		v = call_path(c, v, attribute);
	if (v && v->type == VALUE_STR && !case_sensitive)
		return call_str(c, text_lower(c->a, v->s));
	return v;
}

/* attribute='a,b': sorts by several attributes. */
static struct value *sort_keys(
	struct call *c, struct value *v, const struct value *attribute, bool case_sensitive)
{
	if (!attribute || attribute->type != VALUE_STR || !strchr(attribute->s.p, ','))
		return call_sort_key(c, v, attribute, case_sensitive);
	struct value *parts = text_split(c, attribute->s, str_c(","), -1, false);
	struct value *key = value_list(c->a);
	for (size_t i = 0; i < parts->list.n; i++) {
		struct value *k = call_sort_key(c, v, parts->list.v[i], case_sensitive);
		if (!k)
			return NULL;
		list_add(c->a, key, k);
	}
	return key;
}

static struct value **keys_of(
	struct call *c, struct value *list, const struct value *attribute, bool case_sensitive)
{
	struct value **keys = ARENA_ARRAY(c->a, struct value *, list->list.n);
	for (size_t i = 0; i < list->list.n; i++)
		if (!(keys[i] = sort_keys(c, list->list.v[i], attribute, case_sensitive)))
			return NULL;
	return keys;
}

static struct value *f_sort(struct call *c)
{
	struct value *list = call_list(c, c->v);
	if (!list)
		return NULL;
	list = value_shallow(c->a, list);
	struct value **keys = keys_of(c, list, c->arg[2], call_bool(c, 1, false));
	if (!keys || !call_sort(c, keys, list->list.v, list->list.n, call_bool(c, 0, false)))
		return NULL;
	return list;
}

static struct value *find_extreme(struct call *c, int sign)
{
	struct value *list = call_list(c, c->v);
	size_t best = 0;
	if (!list)
		return NULL;
	if (!list->list.n)
		return call_no_items(c);
	struct value **keys = keys_of(c, list, c->arg[1], call_bool(c, 0, false));
	if (!keys)
		return NULL;
	for (size_t i = 0; i < list->list.n; i++) {
		int order = 0;
		if (call_unknown(c, keys[i]))
			return c->in->none;
		if (keys[i]->type == VALUE_UNDEFINED)
			return jinja_undefined_error(c->in, keys[i], c->pos);
		if (!jinja_order(c->in, keys[i], keys[best], c->pos, &order))
			return NULL;
		if (order * sign > 0)
			best = i;
	}
	return jinja_child(c->in, c->v, list->list.v[best]);
}

static struct value *f_min(struct call *c)
{
	return find_extreme(c, -1);
}

static struct value *f_max(struct call *c)
{
	return find_extreme(c, 1);
}

static struct value *f_sum(struct call *c)
{
	struct value *list = call_list(c, c->v);
	struct value *sum = c->arg[1] ? c->arg[1] : value_int(c->a, 0);
	for (size_t i = 0; list && sum && i < list->list.n; i++) {
		struct value *v = list->list.v[i];
		if (c->arg[0])
			v = call_path(c, v, c->arg[0]);
		if (v && v->type == VALUE_UNDEFINED)
			return jinja_undefined_error(c->in, v, c->pos);
		sum = v ? jinja_math(c->in, TOK_ADD, sum, v, false, c->pos) : NULL;
	}
	return list ? sum : NULL;
}

/* ---- shape ---- */
static bool flatten_into(
	struct call *c, struct value *from, struct value *to, int64_t levels, bool skip_nulls)
{
	if (!jinja_step(c->in, from->list.n, c->pos))
		return false;
	for (size_t i = 0; i < from->list.n; i++) {
		struct value *v = from->list.v[i];
		bool null =
			v->type == VALUE_NULL ||
			(v->type == VALUE_STR && (str_is(v->s, "None") || str_is(v->s, "null")));
		if (null && skip_nulls)
			continue;
		if (v->type == VALUE_LIST && levels != 0) {
			if (!flatten_into(c, v, to, levels > 0 ? levels - 1 : levels, skip_nulls))
				return false;
		} else {
			list_add(c->a, to, v);
		}
	}
	return true;
}

static struct value *f_flatten(struct call *c)
{
	int64_t levels;
	struct value *r = value_list(c->a);
	if (c->v->type != VALUE_LIST)
		return call_fail(c, "a list is needed, not %s", value_type_name(c->v));
	if (!call_int(c, 0, -1, &levels))
		return NULL;
	return flatten_into(c, c->v, r, levels, call_bool(c, 1, true)) ? r : NULL;
}

static void pad_row(struct call *c, struct value *row, size_t n)
{
	while (c->arg[1] && row->list.n < n)
		list_add(c->a, row, c->arg[1]);
}

enum { ROWS_MAX = 1 << 20 };

static struct value *new_row(struct call *c, struct value *rows)
{
	struct value *row = value_list(c->a);
	row->literal = true;
	list_add(c->a, rows, row);
	return row;
}

static struct value *f_batch(struct call *c)
{
	int64_t n;
	struct value *list = call_list(c, c->v), *rows = value_list(c->a), *row = NULL;
	if (!list || !call_int(c, 0, 0, &n))
		return NULL;
	if (n < 1 || n > ROWS_MAX)
		return call_fail(c, "the number must be above 0");
	for (size_t i = 0; i < list->list.n; i++) {
		if (i % (size_t)n == 0)
			row = new_row(c, rows);
		list_add(c->a, row, list->list.v[i]);
	}
	if (row)
		pad_row(c, row, (size_t)n);
	return rows;
}

static struct value *f_slice(struct call *c)
{
	int64_t n;
	struct value *list = call_list(c, c->v), *rows = value_list(c->a);
	if (!list || !call_int(c, 0, 0, &n))
		return NULL;
	if (n < 1 || n > ROWS_MAX)
		return call_fail(c, "the number must be above 0");
	size_t each = list->list.n / (size_t)n, longer = list->list.n % (size_t)n, i = 0;
	for (size_t k = 0; k < (size_t)n; k++) {
		struct value *row = new_row(c, rows);
		for (size_t end = i + each + (k < longer); i < end; i++)
			list_add(c->a, row, list->list.v[i]);
		if (k >= longer && longer)
			pad_row(c, row, each + 1);
	}
	return rows;
}

/* Returns the list of the first items, of the second items, and so on. */
static struct value *zip_lists(struct call *c, bool longest)
{
	size_t n = c->rest->list.n + 1, rows = longest ? 0 : SIZE_MAX;
	struct value **lists = ARENA_ARRAY(c->a, struct value *, n), *r = value_list(c->a);
	struct value *fill = c->kwargs ? map_at(c->kwargs, "fillvalue") : NULL;
	for (size_t i = 0; i < n; i++) {
		lists[i] = call_list(c, i ? c->rest->list.v[i - 1] : c->v);
		if (!lists[i])
			return NULL;
		size_t k = lists[i]->list.n;
		rows = (longest ? k > rows : k < rows) ? k : rows;
	}
	if (!jinja_step(c->in, rows * n, c->pos))
		return NULL;
	for (size_t k = 0; k < rows; k++) {
		struct value *row = new_row(c, r);
		for (size_t i = 0; i < n; i++)
			list_add(c->a, row,
				k < lists[i]->list.n ? lists[i]->list.v[k]
				: fill               ? fill
						     : c->in->none);
	}
	return r;
}

static struct value *f_zip(struct call *c)
{
	return zip_lists(c, false);
}

static struct value *f_zip_longest(struct call *c)
{
	return zip_lists(c, true);
}

static struct value *f_product(struct call *c)
{
	size_t n = c->rest->list.n + 1, rows = 1;
	struct value **lists = ARENA_ARRAY(c->a, struct value *, n), *r = value_list(c->a);
	for (size_t i = 0; i < n; i++) {
		lists[i] = call_list(c, i ? c->rest->list.v[i - 1] : c->v);
		if (!lists[i])
			return NULL;
		rows *= lists[i]->list.n;
		if (rows > ROWS_MAX)
			return call_fail(c, "the result is too long");
	}
	if (!jinja_step(c->in, rows * n, c->pos))
		return NULL;
	for (size_t k = 0; k < rows; k++) {
		struct value *row = new_row(c, r);
		size_t rest = rows;
		for (size_t i = 0; i < n; i++) {
			rest /= lists[i]->list.n;
			list_add(c->a, row, lists[i]->list.v[k / rest % lists[i]->list.n]);
		}
	}
	return r;
}

static struct value *f_groupby(struct call *c)
{
	struct value *list = call_list(c, c->v), *groups = value_list(c->a), *last = NULL;
	if (!list)
		return NULL;
	list = value_shallow(c->a, list);
	size_t n = list->list.n;
	struct value **keys = ARENA_ARRAY(c->a, struct value *, n);
	for (size_t i = 0; i < n; i++) {
		keys[i] = call_path(c, list->list.v[i], c->arg[0]);
		if (keys[i] && keys[i]->type == VALUE_UNDEFINED && c->arg[1])
			keys[i] = c->arg[1];
		if (!keys[i])
			return NULL;
	}
	struct value **sorted = ARENA_ARRAY(c->a, struct value *, n);
	if (n)
		memcpy(sorted, keys, n * sizeof(*keys));
	if (!call_sort(c, keys, list->list.v, n, false) || !call_sort(c, keys, sorted, n, false))
		return NULL;
	for (size_t i = 0; i < n && !c->unknown; i++) {
		if (i == 0 || !value_equal(sorted[i], sorted[i - 1])) {
			struct value *pair = new_row(c, groups);
			list_add(c->a, pair, sorted[i]);
			last = new_row(c, pair);
		}
		list_add(c->a, last, list->list.v[i]);
	}
	return groups;
}

/* [[item, sub], ...] for the sub-lists of items; items: a list, or the values of a mapping. */
static struct value *f_subelements(struct call *c)
{
	struct value *r = value_list(c->a), *list = c->v;
	bool skip = call_bool(c, 1, false);
	if (list->type == VALUE_MAP) {
		list = value_list(c->a);
		for (size_t i = 0; i < c->v->map.n; i++)
			list_add(c->a, list, jinja_child(c->in, c->v, c->v->map.e[i].value));
	} else if (list->type != VALUE_LIST) {
		return call_fail(c, "a list is needed, not %s", value_type_name(list));
	}
	for (size_t i = 0; i < list->list.n; i++) {
		struct value *sub = call_path(c, list->list.v[i], c->arg[0]);
		if (!sub)
			return NULL;
		if (sub->type == VALUE_UNDEFINED && skip)
			continue;
		if (sub->type == VALUE_UNDEFINED)
			return jinja_undefined_error(c->in, sub, c->pos);
		if (call_unknown(c, sub))
			return r;
		if (sub->type != VALUE_LIST)
			return call_fail(
				c, "a list is needed under the key, not %s", value_type_name(sub));
		for (size_t k = 0; k < sub->list.n; k++) {
			struct value *row = new_row(c, r);
			list_add(c->a, row, list->list.v[i]);
			list_add(c->a, row, sub->list.v[k]);
		}
	}
	return r;
}

const struct callable filters_list[] = {
	{"batch", f_batch, "!linecount fill_with", CALL_PLAIN,
		"The items in rows of linecount items; fill_with fills the last row.",
		"[1, 2, 3] | batch(2, 0)", "[[1, 2], [3, 0]]"},
	{"count", f_length, "", CALL_PLAIN, "The same as length.", "[1, 2, 3] | count", "3"},
	{"first", f_first, "", CALL_PLAIN,
		"The first item of a list, or the first character of a text.",
		"['mx1', 'mx2'] | first", "\"mx1\""},
	{"flatten", f_flatten, "levels skip_nulls", 0,
		"The list with the lists in it replaced by their items, at all levels or at "
		"that many. Null items are left out unless skip_nulls is false.",
		"[1, [2, [3]]] | flatten(levels=1)", "[1, 2, [3]]"},
	{"groupby", f_groupby, "!attribute default", 0,
		"Pairs of a value of the attribute and the list of items that have it, sorted by "
		"the value.",
		"[{'z': 'a', 'n': 1}, {'z': 'a', 'n': 2}] | groupby('z')",
		"[[\"a\", [{\"z\": \"a\", \"n\": 1}, {\"z\": \"a\", \"n\": 2}]]]"},
	{"last", f_last, "", CALL_PLAIN,
		"The last item of a list, or the last character of a text.",
		"['mx1', 'mx2'] | last", "\"mx2\""},
	{"length", f_length, "", CALL_PLAIN,
		"The number of items of a list, of keys of a mapping, or of characters of a text.",
		"['mx1', 'mx2'] | length", "2"},
	{"list", f_list, "", 0,
		"The items of a list, the keys of a mapping, or the characters of a text, as a "
		"list.",
		"{'a': 1, 'b': 2} | list", "[\"a\", \"b\"]"},
	{"max", f_max, "case_sensitive attribute", CALL_PLAIN,
		"The greatest item, or that with the greatest attribute. Upper and lower case "
		"count the same unless case_sensitive is true.",
		"[3, 7, 5] | max", "7"},
	{"min", f_min, "case_sensitive attribute", CALL_PLAIN,
		"The least item, or that with the least attribute. Upper and lower case count the "
		"same unless case_sensitive is true.",
		"[3, 7, 5] | min", "3"},
	{"product", f_product, "*", 0,
		"Every combination of an item of the list with an item of each argument.",
		"[1, 2] | product(['a', 'b'])", "[[1, \"a\"], [1, \"b\"], [2, \"a\"], [2, \"b\"]]"},
	{"reverse", f_reverse, "", 0, "The list or the text from its end to its beginning.",
		"[1, 2, 3] | reverse", "[3, 2, 1]"},
	{"slice", f_slice, "!slices fill_with", 0,
		"The items in that many lists of about the same length; fill_with fills the "
		"shorter ones.",
		"[1, 2, 3] | slice(2)", "[[1, 2], [3]]"},
	{"sort", f_sort, "reverse case_sensitive attribute", 0,
		"The items sorted, or sorted by an attribute. Upper and lower case count the same "
		"unless case_sensitive is true.",
		"['b', 'A', 'c'] | sort", "[\"A\", \"b\", \"c\"]"},
	{"subelements", f_subelements, "!subelements skip_missing", 0,
		"A pair of an item and an element of its list, for each element. skip_missing: "
		"items without that list are left out.",
		"[{'n': 'a', 'm': [1, 2]}] | subelements('m')",
		"[[{\"n\": \"a\", \"m\": [1, 2]}, 1], [{\"n\": \"a\", \"m\": [1, 2]}, 2]]"},
	{"sum", f_sum, "attribute start", 0,
		"The sum of the items, or of an attribute of them, and of start.",
		"[1, 2, 3] | sum", "6"},
	{"zip", f_zip, "*", 0,
		"Lists of the items at the same index, as many as the shortest list has.",
		"['a', 'b', 'c'] | zip([1, 2])", "[[\"a\", 1], [\"b\", 2]]"},
	{"zip_longest", f_zip_longest, "* **", 0,
		"Lists of the items at the same index, as many as the longest list has; "
		"fillvalue stands for items that are missing.",
		"['a', 'b'] | zip_longest([1], fillvalue=0)", "[[\"a\", 1], [\"b\", 0]]"},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
