/* SPDX-License-Identifier: MIT
 *
 * Filters on mappings. They make new mappings and do not change their input.
 */
#include "jinja/call.h"

static struct value *need_map(struct call *c, struct value *v)
{
	if (v->type == VALUE_MAP)
		return v;
	return call_fail(c, "a mapping is needed, not %s", value_type_name(v));
}

static struct value *pair_list(struct call *c, struct str key, struct value *v)
{
	struct value *pair = value_list(c->a);
	pair->literal = true;
	list_add(c->a, pair, call_str(c, key));
	list_add(c->a, pair, v);
	return pair;
}

static struct value *f_items(struct call *c)
{
	struct value *list = value_list(c->a);
	if (c->v->type == VALUE_UNDEFINED)
		return list;
	if (!need_map(c, c->v))
		return NULL;
	for (size_t i = 0; i < c->v->map.n; i++)
		list_add(c->a, list,
			pair_list(c, c->v->map.e[i].key,
				jinja_child(c->in, c->v, c->v->map.e[i].value)));
	return list;
}

static struct value *f_dict2items(struct call *c)
{
	struct value *list = value_list(c->a);
	struct str key = call_arg(c, 0, "key"), value = call_arg(c, 1, "value");
	if (!need_map(c, c->v))
		return NULL;
	for (size_t i = 0; i < c->v->map.n; i++) {
		struct value *item = value_map(c->a);
		item->literal = true;
		map_set(c->a, item, key, call_str(c, c->v->map.e[i].key));
		map_set(c->a, item, value, jinja_child(c->in, c->v, c->v->map.e[i].value));
		list_add(c->a, list, item);
	}
	return list;
}

/* A part of an item: the value of a key, or the first or second of a pair. */
static struct value *take_part(struct call *c, struct value *item, int arg, const char *dflt)
{
	struct value name = {.type = VALUE_STR, .s = str_c(dflt)};
	struct value *v = jinja_item(c->in, item, c->arg[arg] ? c->arg[arg] : &name, c->pos);
	return v && v->type == VALUE_UNDEFINED ? jinja_undefined_error(c->in, v, c->pos) : v;
}

static struct value *f_items2dict(struct call *c)
{
	struct value *map = value_map(c->a), *list = call_list(c, c->v);
	for (size_t i = 0; list && i < list->list.n; i++) {
		struct value *k = take_part(c, list->list.v[i], 0, "key");
		struct value *v = k ? take_part(c, list->list.v[i], 1, "value") : NULL;
		if (!v)
			return NULL;
		map_set(c->a, map, call_text(c, k), v);
	}
	return list ? map : NULL;
}

static struct value *f_dictsort(struct call *c)
{
	bool sensitive = call_bool(c, 0, false), reverse = call_bool(c, 2, false);
	bool by_value = str_is(call_arg(c, 1, "key"), "value");
	struct value *list = f_items(c);
	if (!list)
		return NULL;
	size_t n = list->list.n;
	struct value **keys = ARENA_ARRAY(c->a, struct value *, n);
	for (size_t i = 0; i < n; i++) {
		keys[i] = list->list.v[i]->list.v[by_value];
		if (!sensitive && keys[i]->type == VALUE_STR)
			keys[i] = call_str(c, text_lower(c->a, keys[i]->s));
	}
	return call_sort(c, keys, list->list.v, n, reverse) ? list : NULL;
}

/* ---- combine ---- */
enum list_merge { MERGE_REPLACE, MERGE_KEEP, MERGE_APPEND, MERGE_PREPEND };
struct combining {
	struct call *c;
	bool recursive;
	enum list_merge lists;
	bool once; /* append_rp, prepend_rp: without duplicates */
};

static void add_items(struct combining *m, struct value *to, const struct value *from,
	const struct value *without)
{
	struct value_set seen;
	set_init(&seen, m->c->a);
	for (size_t i = 0; without && i < without->list.n; i++)
		set_add(&seen, m->c, without->list.v[i]);
	for (size_t i = 0; i < from->list.n; i++)
		if (!without || !set_has(&seen, m->c, from->list.v[i]))
			list_add(m->c->a, to, jinja_child(m->c->in, from, from->list.v[i]));
}

static struct value *merge_lists(struct combining *m, struct value *under, struct value *over)
{
	struct value *r = value_list(m->c->a);
	if (m->lists == MERGE_KEEP)
		return under;
	if (m->lists == MERGE_REPLACE)
		return over;
	if (m->lists == MERGE_APPEND) {
		add_items(m, r, under, m->once ? over : NULL);
		add_items(m, r, over, NULL);
	} else {
		add_items(m, r, over, NULL);
		add_items(m, r, under, m->once ? over : NULL);
	}
	r->literal = true;
	return r;
}

static struct value *merge_maps(
	struct combining *m, struct value *under, struct value *over, int depth)
{
	struct value *r = value_map(m->c->a);
	if (depth > JINJA_DEPTH)
		return call_fail(m->c, "nested too deeply");
	if (!jinja_step(m->c->in, under->map.n + over->map.n, m->c->pos))
		return NULL;
	for (size_t i = 0; i < under->map.n; i++)
		map_set(m->c->a, r, under->map.e[i].key,
			jinja_child(m->c->in, under, under->map.e[i].value));
	for (size_t i = 0; i < over->map.n; i++) {
		struct str key = over->map.e[i].key;
		struct value *v = jinja_child(m->c->in, over, over->map.e[i].value);
		struct value *old = map_get(r, key);
		if (old && old->type == VALUE_MAP && v->type == VALUE_MAP && m->recursive)
			v = merge_maps(m, old, v, depth + 1);
		else if (old && old->type == VALUE_LIST && v->type == VALUE_LIST)
			v = merge_lists(m, old, v);
		if (!v)
			return NULL;
		map_set(m->c->a, r, key, v);
	}
	r->literal = true;
	r->secret = under->secret || over->secret;
	return r;
}

static bool combine_options(struct call *c, struct combining *m)
{
	static const struct {
		const char *name;
		enum list_merge lists;
		bool once;
	} ways[] = {
		{"replace", MERGE_REPLACE, false},
		{"keep", MERGE_KEEP, false},
		{"append", MERGE_APPEND, false},
		{"prepend", MERGE_PREPEND, false},
		{"append_rp", MERGE_APPEND, true},
		{"prepend_rp", MERGE_PREPEND, true},
	};
	struct str way = call_arg(c, 1, "replace");
	size_t i = 0;
	*m = (struct combining){.c = c, .recursive = call_bool(c, 0, false)};
	while (i < ARRAY_LEN(ways) && !str_is(way, ways[i].name))
		i++;
	if (i == ARRAY_LEN(ways))
		return call_fail(c, "list_merge is replace, keep, append, prepend, append_rp or "
				    "prepend_rp") != NULL;
	m->lists = ways[i].lists;
	m->once = ways[i].once;
	return true;
}

/* Maps, or lists of maps; later ones take precedence. */
static struct value *f_combine(struct call *c)
{
	struct combining m;
	struct value *r = NULL;
	if (!combine_options(c, &m))
		return NULL;
	for (size_t i = 0; i <= c->rest->list.n; i++) {
		struct value *v = i ? c->rest->list.v[i - 1] : c->v;
		size_t n = v->type == VALUE_LIST ? v->list.n : 1;
		for (size_t k = 0; k < n; k++) {
			struct value *map = v->type == VALUE_LIST ? v->list.v[k] : v;
			if (map->type == VALUE_UNKNOWN)
				return map;
			if (!need_map(c, map))
				return NULL;
			r = r ? merge_maps(&m, r, map, 0) : map;
			if (!r)
				return NULL;
		}
	}
	return r ? r : value_map(c->a);
}

/* item | extract(container, morekeys) */
static struct value *f_extract(struct call *c)
{
	struct value *v = jinja_item(c->in, c->arg[0], c->v, c->pos);
	if (v)
		v = jinja_resolve(c->in, v);
	if (!v || !c->arg[1])
		return v;
	size_t n = c->arg[1]->type == VALUE_LIST ? c->arg[1]->list.n : 1;
	for (size_t i = 0; v && i < n; i++) {
		struct value *key =
			c->arg[1]->type == VALUE_LIST ? c->arg[1]->list.v[i] : c->arg[1];
		v = jinja_item(c->in, v, key, c->pos);
	}
	return v;
}

static struct value *f_attr(struct call *c)
{
	return jinja_attr(c->in, c->v, call_text(c, c->arg[0]), c->pos);
}

const struct callable filters_map[] = {
	{"attr", f_attr, "!name", CALL_PLAIN,
		"The value of a key; undefined when the mapping does not have the key.",
		"{'port': 25} | attr('port')", "25"},
	{"combine", f_combine, "* recursive list_merge", CALL_PLAIN,
		"The mapping with the keys of others over its own. recursive: mappings in them are "
		"combined, too; list_merge: replace (default), keep, append, prepend, append_rp or "
		"prepend_rp.",
		"{'a': 1, 'b': 2} | combine({'b': 3})", "{\"a\": 1, \"b\": 3}"},
	{"dict2items", f_dict2items, "key_name value_name", 0,
		"A list of mappings with the keys key and value.", "{'a': 1} | dict2items",
		"[{\"key\": \"a\", \"value\": 1}]"},
	{"dictsort", f_dictsort, "case_sensitive by reverse", 0,
		"Pairs of key and value, sorted by the key, or by the value with by='value'.",
		"{'b': 1, 'a': 2} | dictsort", "[[\"a\", 2], [\"b\", 1]]"},
	{"extract", f_extract, "!container morekeys", CALL_PLAIN | CALL_PARTS,
		"What the container has at this key or index; morekeys: keys that lead on "
		"from there.",
		"'a' | extract({'a': {'b': 1}}, morekeys='b')", "1"},
	{"items", f_items, "", CALL_UNDEFINED, "Pairs of key and value of a mapping.",
		"{'a': 1} | items", "[[\"a\", 1]]"},
	{"items2dict", f_items2dict, "key_name value_name", 0,
		"A mapping made of a list of mappings with the keys key and value.",
		"[{'key': 'a', 'value': 1}] | items2dict", "{\"a\": 1}"},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
