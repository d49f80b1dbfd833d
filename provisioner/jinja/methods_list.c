/* SPDX-License-Identifier: MIT
 *
 * The methods of lists and mappings. Those that change one change the template's own copy, never a
 * value of the environment.
 */
#include "jinja/call.h"

/* ---- lists ---- */
static struct value *list_append(struct call *c)
{
	list_add(c->a, c->v, c->arg[0]);
	return c->in->none;
}

static struct value *list_extend(struct call *c)
{
	struct value *more = call_list(c, c->arg[0]);
	size_t n = more ? more->list.n : 0;
	if (!more || !jinja_step(c->in, n, c->pos))
		return NULL;
	for (size_t i = 0; i < n; i++)
		list_add(c->a, c->v, jinja_child(c->in, c->arg[0], more->list.v[i]));
	return c->in->none;
}

static struct value *take_out(struct call *c, int64_t i)
{
	int64_t n = (int64_t)c->v->list.n;
	i = i < 0 ? i + n : i;
	if (i < 0 || i >= n)
		return call_fail(c, "there is no such item: the list has %lld", (long long)n);
	struct value *v = c->v->list.v[i];
	memmove(&c->v->list.v[i], &c->v->list.v[i + 1], (size_t)(n - i - 1) * sizeof(v));
	c->v->list.n--;
	return jinja_child(c->in, c->v, v);
}

static struct value *list_pop(struct call *c)
{
	int64_t i;
	return call_int(c, 0, -1, &i) ? take_out(c, i) : NULL;
}

static struct value *list_insert(struct call *c)
{
	int64_t i, n = (int64_t)c->v->list.n;
	if (!call_int(c, 0, 0, &i))
		return NULL;
	i = i < 0 ? (i + n < 0 ? 0 : i + n) : i > n ? n : i;
	list_add(c->a, c->v, c->arg[1]);
	struct value **v = c->v->list.v;
	memmove(&v[i + 1], &v[i], (size_t)(n - i) * sizeof(*v));
	v[i] = c->arg[1];
	return c->in->none;
}

static int64_t find_position(struct call *c)
{
	for (size_t i = 0; i < c->v->list.n; i++) {
		if (c->v->list.v[i]->type == VALUE_UNKNOWN)
			call_unknown(c, c->v->list.v[i]);
		if (value_equal(c->v->list.v[i], c->arg[0]))
			return (int64_t)i;
	}
	return -1;
}

static struct value *list_remove(struct call *c)
{
	int64_t i = find_position(c);
	if (i < 0 && !c->unknown)
		return call_fail(c, "the item is not in the list");
	return i < 0 || take_out(c, i) ? c->in->none : NULL;
}

static struct value *list_index(struct call *c)
{
	int64_t i = find_position(c);
	if (i < 0 && !c->unknown)
		return call_fail(c, "the item is not in the list");
	return value_int(c->a, i);
}

static struct value *list_count(struct call *c)
{
	int64_t n = 0;
	for (size_t i = 0; i < c->v->list.n; i++) {
		call_unknown(c, c->v->list.v[i]);
		n += value_equal(c->v->list.v[i], c->arg[0]);
	}
	return value_int(c->a, n);
}

static struct value *list_reverse(struct call *c)
{
	for (size_t i = 0, k = c->v->list.n; i + 1 < k; i++) {
		struct value *v = c->v->list.v[i];
		c->v->list.v[i] = c->v->list.v[--k];
		c->v->list.v[k] = v;
	}
	return c->in->none;
}

static struct value *list_sort(struct call *c)
{
	size_t n = c->v->list.n;
	struct value **keys = ARENA_ARRAY(c->a, struct value *, n);
	if (n)
		memcpy(keys, c->v->list.v, n * sizeof(*keys));
	if (!call_sort(c, keys, c->v->list.v, n, call_bool(c, 0, false)))
		return NULL;
	return c->in->none;
}

static struct value *list_clear(struct call *c)
{
	c->v->list.n = 0;
	return c->in->none;
}

static struct value *list_copy(struct call *c)
{
	return value_shallow(c->a, c->v);
}

const struct callable list_methods[] = {
	{"append", list_append, "!item", CALL_CHANGES | CALL_UNKNOWN, "Adds an item at the end.",
		"{% set x = [1] %}{% set done = x.append(2) %}{{ x }}", "\"[1, 2]\""},
	{"clear", list_clear, "", CALL_CHANGES, "Removes all items.",
		"{% set x = [1] %}{% set done = x.clear() %}{{ x }}", "\"[]\""},
	{"copy", list_copy, "", 0, "A copy.", "[1, 2].copy()", "[1, 2]"},
	{"count", list_count, "!item", 0, "How often the item occurs in the list.",
		"[1, 2, 1].count(1)", "2"},
	{"extend", list_extend, "!list", CALL_CHANGES, "Adds the items of another list at the end.",
		"{% set x = [1] %}{% set done = x.extend([2]) %}{{ x }}", "\"[1, 2]\""},
	{"index", list_index, "!item", 0,
		"The index of the first item that is equal, from 0; an error when there is "
		"none.",
		"['a', 'b'].index('b')", "1"},
	{"insert", list_insert, "!index !item", CALL_CHANGES,
		"Inserts an item before the one at index.",
		"{% set x = [1] %}{% set done = x.insert(0, 2) %}{{ x }}", "\"[2, 1]\""},
	{"pop", list_pop, "index", CALL_CHANGES | CALL_PLAIN,
		"Removes the last item, or the one at index, and returns it.", "[1, 2].pop()", "2"},
	{"remove", list_remove, "!item", CALL_CHANGES,
		"Removes the first item that is equal; an error when there is none.",
		"{% set x = [1, 2] %}{% set done = x.remove(1) %}{{ x }}", "\"[2]\""},
	{"reverse", list_reverse, "", CALL_CHANGES,
		"Reverses the order of the items, in the list itself.",
		"{% set x = [1, 2] %}{% set done = x.reverse() %}{{ x }}", "\"[2, 1]\""},
	{"sort", list_sort, "reverse", CALL_CHANGES, "Sorts the list itself.",
		"{% set x = [2, 1] %}{% set done = x.sort() %}{{ x }}", "\"[1, 2]\""},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};

/* ---- mappings ---- */
static struct value *map_items(struct call *c)
{
	struct value *list = value_list(c->a);
	for (size_t i = 0; i < c->v->map.n; i++) {
		struct value *pair = value_list(c->a);
		pair->literal = true;
		list_add(c->a, pair, call_str(c, c->v->map.e[i].key));
		list_add(c->a, pair, jinja_child(c->in, c->v, c->v->map.e[i].value));
		list_add(c->a, list, pair);
	}
	return list;
}

static struct value *map_keys(struct call *c)
{
	return call_list(c, c->v);
}

static struct value *map_values(struct call *c)
{
	struct value *list = value_list(c->a);
	for (size_t i = 0; i < c->v->map.n; i++)
		list_add(c->a, list, jinja_child(c->in, c->v, c->v->map.e[i].value));
	return list;
}

static struct str key_arg(struct call *c)
{
	return c->arg[0]->type == VALUE_STR ? c->arg[0]->s : call_text(c, c->arg[0]);
}

static struct value *map_get_method(struct call *c)
{
	struct str key = key_arg(c);
	struct value *v = map_get(c->v, key);
	if (v)
		return jinja_child(c->in, c->v, v);
	jinja_missing(c->in, c->v, key);
	return c->arg[1] ? c->arg[1] : c->in->none;
}

static struct value *map_update(struct call *c)
{
	struct value *more = c->arg[0];
	if (more && more->type != VALUE_MAP)
		return call_fail(c, "a mapping is needed, not %s", value_type_name(more));
	for (size_t i = 0; more && i < more->map.n; i++)
		map_set(c->a, c->v, more->map.e[i].key,
			jinja_child(c->in, more, more->map.e[i].value));
	for (size_t i = 0; c->kwargs && i < c->kwargs->map.n; i++)
		map_set(c->a, c->v, c->kwargs->map.e[i].key, c->kwargs->map.e[i].value);
	return c->in->none;
}

/* Entries cannot be removed from a map: makes a new one without the key. */
static void remove_key(struct call *c, struct str key)
{
	struct value *rest = value_map(c->a);
	for (size_t i = 0; i < c->v->map.n; i++)
		if (!str_eq(c->v->map.e[i].key, key))
			map_set(c->a, rest, c->v->map.e[i].key, c->v->map.e[i].value);
	c->v->map = rest->map;
}

static struct value *map_pop(struct call *c)
{
	struct str key = key_arg(c);
	struct value *v = map_get(c->v, key);
	if (!v)
		return c->arg[1] ? c->arg[1]
				 : call_fail(c, "there is no key '" STR_FMT "'", STR_ARG(key));
	v = jinja_child(c->in, c->v, v);
	remove_key(c, key);
	return v;
}

static struct value *map_setdefault(struct call *c)
{
	struct str key = key_arg(c);
	struct value *v = map_get(c->v, key);
	if (v)
		return v;
	v = c->arg[1] ? c->arg[1] : c->in->none;
	map_set(c->a, c->v, key, v);
	return v;
}

static struct value *map_clear(struct call *c)
{
	c->v->map = value_map(c->a)->map;
	return c->in->none;
}

const struct callable map_methods[] = {
	{"clear", map_clear, "", CALL_CHANGES, "Removes all keys.",
		"{% set x = {'a': 1} %}{% set done = x.clear() %}{{ x }}", "\"{}\""},
	{"copy", list_copy, "", 0, "A copy.", "{'a': 1}.copy()", "{\"a\": 1}"},
	{"get", map_get_method, "!key default", CALL_UNDEFINED | CALL_UNKNOWN | CALL_PLAIN,
		"The value of the key, or the default (null).", "{'a': 1}.get('b', 0)", "0"},
	{"items", map_items, "", 0, "Pairs of key and value.", "{'a': 1}.items()", "[[\"a\", 1]]"},
	{"iteritems", map_items, "", 0, "The same as items.", "{'a': 1}.iteritems()",
		"[[\"a\", 1]]"},
	{"keys", map_keys, "", 0, "The keys.", "{'a': 1, 'b': 2}.keys()", "[\"a\", \"b\"]"},
	{"pop", map_pop, "!key default", CALL_CHANGES | CALL_PLAIN,
		"Removes the key and returns its value, or the default when there is none.",
		"{'a': 1}.pop('a')", "1"},
	{"setdefault", map_setdefault, "!key default", CALL_CHANGES | CALL_PLAIN,
		"The value of the key; when there is none, the default, which is stored under "
		"the key.",
		"{'a': 1}.setdefault('b', 2)", "2"},
	{"update", map_update, "other **", CALL_CHANGES | CALL_UNKNOWN,
		"Adds the keys of another mapping, which replace its own of the same name.",
		"{% set x = {'a': 1} %}{% set done = x.update({'b': 2}) %}{{ x }}",
		"\"{'a': 1, 'b': 2}\""},
	{"values", map_values, "", 0, "The values.", "{'a': 1, 'b': 2}.values()", "[1, 2]"},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
