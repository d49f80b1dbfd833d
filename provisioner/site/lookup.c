/* SPDX-License-Identifier: MIT
 *
 * Lookup plugins, and the lists for with_KIND and loop. Reads files beside the roles and the
 * manifest, and the environment; runs no program (pipe) and keeps no state (password).
 */
#include "site/keyword.h"
#include "site/listing.h"
#include "site/lookup.h"

const char *lookup_arg(const struct call *c, size_t i)
{
	return value_print(c->v->a, c->args->list.v[i]).p;
}

struct value *lookup_text(struct arena *a, struct str s)
{
	struct value *v = value_str(a, s);
	v->literal = true;
	return v;
}

void lookup_flatten(struct arena *a, struct value *out, struct value *v, int depth)
{
	if (v->type != VALUE_LIST || depth == 0) {
		list_add(a, out, v);
		return;
	}
	for (size_t i = 0; i < v->list.n; i++)
		lookup_flatten(a, out, v->list.v[i], depth - 1);
}

static bool look_env(struct call *c)
{
	struct value *dflt = map_at(c->kwargs, "default");
	for (size_t i = 0; i < c->args->list.n; i++) {
		const char *text = getenv(lookup_arg(c, i));
		if (!text && dflt)
			list_add(c->v->a, c->out, dflt);
		else
			list_add(c->v->a, c->out, lookup_text(c->v->a, str_c(text ? text : "")));
	}
	return true;
}

static bool look_vars(struct call *c)
{
	struct value *dflt = map_at(c->kwargs, "default");
	for (size_t i = 0; i < c->args->list.n; i++) {
		struct str name = value_print(c->v->a, c->args->list.v[i]);
		struct value *v = c->v->env.lookup(c->v, name);
		if (v && v->type == VALUE_UNDEFINED)
			v = NULL;
		if (!v && !dflt)
			return err_undefined(
				c->e, (struct pos){0}, "lookup 'vars': '%s' is undefined", name.p);
		list_add(c->v->a, c->out, v ? v : dflt);
	}
	return true;
}

static bool look_items(struct call *c)
{
	for (size_t i = 0; i < c->args->list.n; i++)
		lookup_flatten(c->v->a, c->out, c->args->list.v[i], 1);
	return true;
}

static bool look_list(struct call *c)
{
	for (size_t i = 0; i < c->args->list.n; i++)
		list_add(c->v->a, c->out, c->args->list.v[i]);
	return true;
}

static bool look_flattened(struct call *c)
{
	for (size_t i = 0; i < c->args->list.n; i++)
		lookup_flatten(c->v->a, c->out, c->args->list.v[i], 64);
	return true;
}

static bool look_dict(struct call *c)
{
	for (size_t i = 0; i < c->args->list.n; i++) {
		const struct value *m = c->args->list.v[i];
		if (m->type != VALUE_MAP)
			return err_set(c->e, ERR_CONFIG, "lookup 'dict' needs a map, not %s",
				value_type_name(m));
		for (size_t j = 0; j < m->map.n; j++) {
			struct value *one = value_map(c->v->a);
			map_put(c->v->a, one, "key", lookup_text(c->v->a, m->map.e[j].key));
			map_put(c->v->a, one, "value", m->map.e[j].value);
			list_add(c->v->a, c->out, one);
		}
	}
	return true;
}

static bool look_indexed(struct call *c)
{
	struct value *all = value_list(c->v->a);
	for (size_t i = 0; i < c->args->list.n; i++)
		lookup_flatten(c->v->a, all, c->args->list.v[i], 1);
	for (size_t i = 0; i < all->list.n; i++) {
		struct value *pair = value_list(c->v->a);
		list_add(c->v->a, pair, value_int(c->v->a, (int64_t)i));
		list_add(c->v->a, pair, all->list.v[i]);
		list_add(c->v->a, c->out, pair);
	}
	return true;
}

static bool look_together(struct call *c)
{
	size_t longest = 0;
	for (size_t i = 0; i < c->args->list.n; i++)
		if (c->args->list.v[i]->type == VALUE_LIST && c->args->list.v[i]->list.n > longest)
			longest = c->args->list.v[i]->list.n;
	for (size_t k = 0; k < longest; k++) {
		struct value *row = value_list(c->v->a);
		for (size_t i = 0; i < c->args->list.n; i++) {
			const struct value *l = c->args->list.v[i];
			list_add(c->v->a, row,
				l->type == VALUE_LIST && k < l->list.n ? l->list.v[k]
								       : value_null(c->v->a));
		}
		list_add(c->v->a, c->out, row);
	}
	return true;
}

enum { PRODUCT_MAX = 100000 };

static bool look_nested(struct call *c)
{
	struct value *rows = value_list(c->v->a);
	list_add(c->v->a, rows, value_list(c->v->a));
	for (size_t i = 0; i < c->args->list.n; i++) {
		struct value *l = as_list(c->v->a, c->args->list.v[i]), *next = value_list(c->v->a);
		for (size_t j = 0; j < rows->list.n; j++)
			for (size_t k = 0; l && k < l->list.n; k++) {
				struct value *row = value_shallow(c->v->a, rows->list.v[j]);
				list_add(c->v->a, row, l->list.v[k]);
				list_add(c->v->a, next, row);
				if (next->list.n > PRODUCT_MAX)
					return err_set(c->e, ERR_CONFIG,
						"lookup 'nested' yields too many items");
			}
		rows = next;
	}
	c->out = rows;
	return true;
}

static struct value *dig_path(struct value *v, const char *path, struct arena *a)
{
	while (v && *path && v->type != VALUE_UNKNOWN) {
		size_t n = strcspn(path, ".");
		v = v->type == VALUE_MAP ? map_get(v, str_dup(a, path, n)) : NULL;
		path += n + (path[n] == '.');
	}
	return v;
}

static bool look_subelements(struct call *c)
{
	struct value *items = c->args->list.n > 1 ? c->args->list.v[0] : NULL, *opt;
	const char *key = items ? lookup_arg(c, 1) : "";
	bool skip;
	if (!items || items->type != VALUE_LIST)
		return err_set(c->e, ERR_CONFIG, "lookup 'subelements' needs a list and a key");
	opt = c->args->list.n > 2 ? c->args->list.v[2] : NULL;
	if (!option_bool(
		    opt && opt->type == VALUE_MAP ? opt : NULL, "skip_missing", false, &skip, c->e))
		return false;
	for (size_t i = 0; i < items->list.n; i++) {
		struct value *sub = dig_path(items->list.v[i], key, c->v->a);
		if (sub && sub->type == VALUE_UNKNOWN) {
			c->out = sub;
			return true;
		}
		if ((!sub || sub->type != VALUE_LIST) && skip)
			continue;
		if (!sub || sub->type != VALUE_LIST)
			return err_set(c->e, ERR_CONFIG,
				"lookup 'subelements': item %zu has no list '%s'", i, key);
		for (size_t j = 0; j < sub->list.n; j++) {
			struct value *pair = value_list(c->v->a);
			list_add(c->v->a, pair, items->list.v[i]);
			list_add(c->v->a, pair, sub->list.v[j]);
			list_add(c->v->a, c->out, pair);
		}
	}
	return true;
}

/* An item of a sequence with its format, such as `web%02d`: one number in decimal, hex or octal. */
static const char *sequence_item(struct call *c, const char *format, int64_t i)
{
	const char *at = format ? strchr(format, '%') : NULL, *pads;
	char *rest;
	if (!at)
		return arena_printf(c->v->a, "%lld", (long long)i);
	pads = at[1] == '0' ? "00000000000000000000" : "                    ";
	long width = strtol(at + 1, &rest, 10);
	char digits[32];

	if (width < 0 || width > 20 || !*rest || !strchr("dxXo", *rest)) {
		err_set(c->e, ERR_CONFIG,
			"the format of a sequence must be text with one %%d in it, not '%s'",
			format);
		return NULL;
	}
	if (*rest == 'd')
		snprintf(digits, sizeof(digits), "%lld", (long long)i);
	else if (*rest == 'o')
		snprintf(digits, sizeof(digits), "%llo", (unsigned long long)i);
	else
		snprintf(digits, sizeof(digits), *rest == 'x' ? "%llx" : "%llX",
			(unsigned long long)i);
	size_t pad = (size_t)width > strlen(digits) ? (size_t)width - strlen(digits) : 0;
	return arena_printf(c->v->a, "%.*s%.*s%s%s", (int)(at - format), format, (int)pad, pads,
		digits, rest + 1);
}

static bool look_sequence(struct call *c)
{
	int64_t start = map_int(c->kwargs, "start", 1), end = map_int(c->kwargs, "end", 0);
	int64_t stride = map_int(c->kwargs, "stride", 1), count = map_int(c->kwargs, "count", -1);
	const char *s = c->args->list.n ? lookup_arg(c, 0) : "";
	const char *format = map_cstr(c->kwargs, "format", NULL), *item;
	if (strncmp(s, "start=", 6) == 0 || strncmp(s, "end=", 4) == 0 ||
		strncmp(s, "count=", 6) == 0) {
		const char *at;
		start = (at = strstr(s, "start=")) ? strtoll(at + 6, NULL, 10) : start;
		end = (at = strstr(s, "end=")) ? strtoll(at + 4, NULL, 10) : end;
		count = (at = strstr(s, "count=")) ? strtoll(at + 6, NULL, 10) : count;
		stride = (at = strstr(s, "stride=")) ? strtoll(at + 7, NULL, 10) : stride;
		if ((at = strstr(s, "format=")))
			format = str_dup(c->v->a, at + 7, strcspn(at + 7, " ")).p;
	} else if (*s) {
		char *rest;
		end = strtoll(s, &rest, 10);
		if (*rest == '-') {
			start = end;
			end = strtoll(rest + 1, NULL, 10);
		}
	}
	if (count >= 0)
		end = start + (count - 1) * stride;
	if (stride <= 0 || end - start > PRODUCT_MAX)
		return err_set(c->e, ERR_CONFIG, "lookup 'sequence' yields too many items");
	for (int64_t i = start; i <= end; i += stride) {
		item = sequence_item(c, format, i);
		if (!item)
			return false;
		list_add(c->v->a, c->out, value_text(c->v->a, item));
	}
	return true;
}

static bool look_hostnames(struct call *c)
{
	for (size_t i = 0; i < c->args->list.n; i++) {
		const char **names;
		size_t n;
		if (!pattern_match(c->v->s->inv, c->v->a, lookup_arg(c, i), &names, &n, c->e))
			return false;
		for (size_t j = 0; j < n; j++)
			list_add(c->v->a, c->out, value_text(c->v->a, names[j]));
	}
	return true;
}

/* The examples need files/hello.txt, templates/hello.j2 and a variable `name`. */
static const struct lookup {
	struct site_lookup about;
	bool (*run)(struct call *c);
} lookups[] = {
	{{"dict", "A mapping with key and value for each key of the mappings.",
		 "query('dict', {'a': 1})", "[{\"key\": \"a\", \"value\": 1}]"},
		look_dict},
	{{"env", "Variables of the environment of provision itself; default: when there is none.",
		 "lookup('env', 'NO_SUCH', default='none')", "\"none\""},
		look_env},
	{{"file",
		 "The text of files beside the role, the tasks or the manifest, without blanks at "
		 "its end.",
		 "lookup('file', 'hello.txt')", "\"hello\""},
		lookup_file},
	{{"fileglob", "The paths of the files that match a pattern, in one folder.",
		 "query('fileglob', '*.txt') | map('basename') | list", "[\"hello.txt\"]"},
		lookup_fileglob},
	{{"first_found",
		 "The path of the first existing file. files and paths: names and folders to "
		 "search; skip: it is no error if none exists.",
		 "lookup('first_found', ['no.txt', 'hello.txt']) | basename", "\"hello.txt\""},
		lookup_first_found},
	{{"flattened", "The items of lists, and of the lists in them.",
		 "query('flattened', [1, [2, [3]]])", "[1, 2, 3]"},
		look_flattened},
	{{"indexed_items", "A pair of index and item for each item.",
		 "query('indexed_items', ['a', 'b'])", "[[0, \"a\"], [1, \"b\"]]"},
		look_indexed},
	{{"inventory_hostnames", "The names of the hosts that match a pattern.",
		 "query('inventory_hostnames', 'all')", "[\"localhost\"]"},
		look_hostnames},
	{{"items", "The items of lists, one level deep.", "query('items', [1, [2]], 3)",
		 "[1, [2], 3]"},
		look_items},
	{{"list", "The arguments as they are.", "query('list', 'a', 'b')", "[\"a\", \"b\"]"},
		look_list},
	{{"nested", "Every combination of an item of each list.", "query('nested', [1, 2], ['a'])",
		 "[[1, \"a\"], [2, \"a\"]]"},
		look_nested},
	{{"sequence", "Numbers as text: start, end, stride, count and format.",
		 "query('sequence', 'start=1 end=3 format=mx%02d')",
		 "[\"mx01\", \"mx02\", \"mx03\"]"},
		look_sequence},
	{{"subelements",
		 "A pair of an item and an element of its list, for each element. With "
		 "{'skip_missing': true} as third argument items without that list are left out.",
		 "query('subelements', [{'m': [1]}], 'm')", "[[{\"m\": [1]}, 1]]"},
		look_subelements},
	{{"template", "The rendered text of templates beside the role, the tasks or the manifest.",
		 "lookup('template', 'hello.j2')", "\"hello mx1\\n\""},
		lookup_template},
	{{"together", "Lists of the items with the same index.",
		 "query('together', ['a', 'b'], [1, 2])", "[[\"a\", 1], [\"b\", 2]]"},
		look_together},
	{{"vars", "Variables by their names; default: when there is none.",
		 "lookup('vars', 'name')", "\"mx1\""},
		look_vars},
};

static bool run_lookup(struct call *c, const char *name)
{
	const char *names[ARRAY_LEN(lookups) + 1], *near;
	for (size_t i = 0; i < ARRAY_LEN(lookups); i++) {
		if (strcmp(lookups[i].about.name, name) == 0)
			return lookups[i].run(c);
		names[i] = lookups[i].about.name;
	}
	names[ARRAY_LEN(lookups)] = NULL;
	near = str_nearest(name, names);
	return err_set(c->e, ERR_CONFIG, "lookup '%s' is not supported%s%s%s", name,
		near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

const struct site_lookup *site_lookup_row(size_t i)
{
	return i < ARRAY_LEN(lookups) ? &lookups[i].about : NULL;
}

/* Returns an unknown argument, for which the lookup must wait; lists may hold unknown items unless
 * the lookup reads their content. */
static const struct value *unknown_of(const struct call *c, const char *name)
{
	static const char *const deep[] = {"env", "file", "fileglob", "first_found",
		"inventory_hostnames", "sequence", "template", "vars"};
	const struct value *u = value_find_type(c->kwargs, VALUE_UNKNOWN);

	for (size_t i = 0; !u && i < ARRAY_LEN(deep); i++)
		if (str_ends(str_c(name), deep[i]))
			u = value_find_type(c->args, VALUE_UNKNOWN);
	for (size_t i = 0; !u && i < c->args->list.n; i++)
		if (c->args->list.v[i]->type == VALUE_UNKNOWN)
			u = c->args->list.v[i];
	return u;
}

struct value *lookup_plugin(void *ctx, const char *name, const struct value *args,
	const struct value *kwargs, struct err *e)
{
	struct vars *v = ctx;
	struct call c = {.v = v, .args = args, .kwargs = kwargs, .e = e, .out = value_list(v->a)};
	const struct value *unknown;
	if (!kwargs)
		c.kwargs = value_map(v->a);
	unknown = unknown_of(&c, name);
	if (unknown)
		return value_unknown(v->a, STR_FMT, STR_ARG(unknown->s));
	return run_lookup(&c, name) ? c.out : NULL;
}

struct value *loop_items(struct vars *v, const char *kind, struct value *value, struct err *e)
{
	struct value *args = value;
	if (value->type == VALUE_UNKNOWN)
		return value;
	if (strcmp(kind, "loop") == 0) {
		if (value->type == VALUE_LIST)
			return value;
		err_at(e, value->pos,
			"loop must be a list, not %s; use the filter dict2items for a map",
			value_type_name(value));
		return NULL;
	}
	if (value->type != VALUE_LIST || strcmp(kind, "list") == 0) {
		args = value_list(v->a);
		list_add(v->a, args, value);
	}
	if (strcmp(kind, "list") == 0)
		return value->type == VALUE_LIST ? value : args;
	return lookup_plugin(v, kind, args, NULL, e);
}
