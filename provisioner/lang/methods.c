/* SPDX-License-Identifier: MIT
 *
 * The methods of strings, lists and mappings, and the global functions. Methods that change a list
 * or mapping change the template's own copy; what the environment holds is never touched.
 */
#include "lang/jinja.h"

static struct str nothing(void)
{
	return (struct str){NULL, 0};
}

static bool text_arg(struct call *c, int i, struct str *out)
{
	if (c->arg[i] && c->arg[i]->type != VALUE_STR)
		return call_fail(c, "text is needed, not %s", value_type_name(c->arg[i])) != NULL;
	*out = c->arg[i] ? c->arg[i]->s : nothing();
	return true;
}

/* ---- strings ---- */
static struct value *str_split(struct call *c)
{
	int64_t max;
	if (!call_int(c, 1, -1, &max))
		return NULL;
	return text_split(c, c->v->s, call_arg(c, 0, NULL), max, false);
}

static struct value *str_rsplit(struct call *c)
{
	int64_t max;
	if (!call_int(c, 1, -1, &max))
		return NULL;
	return text_split(c, c->v->s, call_arg(c, 0, NULL), max, true);
}

static struct value *str_splitlines(struct call *c)
{
	return text_lines(c->in, c->v->s, call_bool(c, 0, false));
}

/* startswith, endswith: one text, or a tuple of them */
static struct value *affix(struct call *c, bool front)
{
	struct value *arg = c->arg[0];
	size_t n = arg->type == VALUE_LIST ? arg->list.n : 1;
	for (size_t i = 0; i < n; i++) {
		struct value *v = arg->type == VALUE_LIST ? arg->list.v[i] : arg;
		if (v->type != VALUE_STR)
			return call_fail(c, "text is needed, not %s", value_type_name(v));
		struct str s = c->v->s;
		if (v->s.n <= s.n && memcmp(front ? s.p : s.p + s.n - v->s.n, v->s.p, v->s.n) == 0)
			return jinja_bool(c->in, true);
	}
	return jinja_bool(c->in, false);
}

static struct value *str_startswith(struct call *c)
{
	return affix(c, true);
}

static struct value *str_endswith(struct call *c)
{
	return affix(c, false);
}

static struct value *strip(struct call *c, int sides)
{
	return call_str(c, text_strip(c->a, c->v->s, call_arg(c, 0, NULL), sides));
}

static struct value *str_strip(struct call *c)
{
	return strip(c, 3);
}

static struct value *str_lstrip(struct call *c)
{
	return strip(c, 1);
}

static struct value *str_rstrip(struct call *c)
{
	return strip(c, 2);
}

static struct value *str_removeprefix(struct call *c)
{
	struct str s = c->v->s, p = call_text(c, c->arg[0]);
	if (!str_starts(s, p.p))
		return c->v;
	return call_str(c, str_dup(c->a, s.p + p.n, s.n - p.n));
}

static struct value *str_removesuffix(struct call *c)
{
	struct str s = c->v->s, p = call_text(c, c->arg[0]);
	if (!str_ends(s, p.p))
		return c->v;
	return call_str(c, str_dup(c->a, s.p, s.n - p.n));
}

static struct value *str_replace(struct call *c)
{
	int64_t max;
	struct str from, to;
	if (!text_arg(c, 0, &from) || !text_arg(c, 1, &to) || !call_int(c, 2, -1, &max))
		return NULL;
	return call_str(c, text_replace(c, c->v->s, from, to, max));
}

/* find, index, rfind: in characters; -1: not there */
static int64_t find(struct call *c, bool last)
{
	struct str s = c->v->s, what;
	size_t at = 0, i = 0;
	int64_t from, found = -1;
	if (!text_arg(c, 0, &what) || !call_int(c, 1, 0, &from))
		return -1;
	if (from > 0)
		i = text_offset(s, (size_t)from);
	while (text_find(s, what, i, &at)) {
		found = (int64_t)text_chars(text_sub(s, 0, at));
		i = at + 1;
		if (!last)
			break;
	}
	return found;
}

static struct value *str_find(struct call *c)
{
	return value_int(c->a, find(c, false));
}

static struct value *str_rfind(struct call *c)
{
	return value_int(c->a, find(c, true));
}

static struct value *str_index(struct call *c)
{
	int64_t i = find(c, false);
	return i < 0 ? call_fail(c, "the text is not there") : value_int(c->a, i);
}

static struct value *str_count(struct call *c)
{
	struct str what;
	size_t at = 0, i = 0;
	int64_t n = 0;
	if (!text_arg(c, 0, &what))
		return NULL;
	if (!what.n)
		return value_int(c->a, (int64_t)text_chars(c->v->s) + 1);
	for (; text_find(c->v->s, what, i, &at); i = at + what.n)
		n++;
	return value_int(c->a, n);
}

static struct value *str_join(struct call *c)
{
	struct buf b;
	struct value *list = call_list(c, c->arg[0]);
	if (!list)
		return NULL;
	for (size_t i = 0; i < list->list.n; i++)
		if (list->list.v[i]->type != VALUE_STR && list->list.v[i]->type != VALUE_UNKNOWN)
			return call_fail(c, "text is needed, not %s (the filter join takes all)",
				value_type_name(list->list.v[i]));
	buf_init(&b, TEXT_MAX);
	text_join(c, &b, list, c->v->s);
	return call_buf(c, &b);
}

static struct value *str_lower(struct call *c)
{
	return call_str(c, text_lower(c->a, c->v->s));
}

static struct value *str_upper(struct call *c)
{
	return call_str(c, text_upper(c->a, c->v->s));
}

static struct value *str_title(struct call *c)
{
	return call_str(c, text_title_method(c->a, c->v->s));
}

static struct value *str_capitalize(struct call *c)
{
	return call_str(c, text_capitalize(c->a, c->v->s));
}

static struct value *all_between(struct call *c, const char *set)
{
	struct str s = c->v->s;
	return jinja_bool(c->in, s.n && strspn(s.p, set) == s.n);
}

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static struct value *str_isdigit(struct call *c)
{
	return all_between(c, DIGITS);
}

static struct value *str_isalpha(struct call *c)
{
	return all_between(c, LETTERS);
}

static struct value *str_isalnum(struct call *c)
{
	return all_between(c, DIGITS LETTERS);
}

static struct value *str_isspace(struct call *c)
{
	return all_between(c, " \t\n\r\v\f");
}

static struct value *has_case(struct call *c, struct str changed, struct str other)
{
	return jinja_bool(c->in, str_eq(changed, c->v->s) && !str_eq(other, c->v->s));
}

static struct value *str_islower(struct call *c)
{
	return has_case(c, text_lower(c->a, c->v->s), text_upper(c->a, c->v->s));
}

static struct value *str_isupper(struct call *c)
{
	return has_case(c, text_upper(c->a, c->v->s), text_lower(c->a, c->v->s));
}

enum { PAD_MAX = 1 << 20 };

/* Pads to `width` characters; side -1: text at the left, 1: at the right, 0: centred. */
static struct value *pad(struct call *c, char fill, int side)
{
	int64_t width, have = (int64_t)text_chars(c->v->s);
	struct buf b;
	if (!call_int(c, 0, 0, &width))
		return NULL;
	if (width > PAD_MAX)
		return call_fail(c, "the width is too large");
	if (width <= have)
		return c->v;
	int64_t extra = width - have;
	int64_t left = side < 0 ? 0 : side > 0 ? extra : extra / 2 + (extra & width & 1);
	buf_init(&b, TEXT_MAX);
	for (int64_t i = 0; i < left; i++)
		buf_addc(&b, fill);
	buf_add(&b, c->v->s.p, c->v->s.n);
	for (int64_t i = left; i < extra; i++)
		buf_addc(&b, fill);
	return call_buf(c, &b);
}

static char fill_arg(struct call *c)
{
	struct str s = call_arg(c, 1, " ");
	return s.n == 1 ? s.p[0] : ' ';
}

static struct value *str_ljust(struct call *c)
{
	return pad(c, fill_arg(c), -1);
}

static struct value *str_rjust(struct call *c)
{
	return pad(c, fill_arg(c), 1);
}

static struct value *str_center(struct call *c)
{
	return pad(c, fill_arg(c), 0);
}

static struct value *str_zfill(struct call *c)
{
	struct str s = c->v->s;
	if (!s.n || (s.p[0] != '-' && s.p[0] != '+'))
		return pad(c, '0', 1);
	int64_t width;
	if (!call_int(c, 0, 0, &width))
		return NULL;
	if (width > PAD_MAX)
		return call_fail(c, "the width is too large");
	struct buf b;
	buf_init(&b, TEXT_MAX);
	buf_addc(&b, s.p[0]);
	for (int64_t i = (int64_t)text_chars(s); i < width; i++)
		buf_addc(&b, '0');
	buf_add(&b, s.p + 1, s.n - 1);
	return call_buf(c, &b);
}

static struct value *str_format(struct call *c)
{
	return format_braces(c, c->v->s, c->rest, c->kwargs);
}

/* a.partition(b): [before, b, after] */
static struct value *str_partition(struct call *c)
{
	struct str s = c->v->s, sep;
	size_t at = s.n;
	if (!text_arg(c, 0, &sep))
		return NULL;
	if (!sep.n)
		return call_fail(c, "an empty separator");
	bool found = text_find(s, sep, 0, &at);
	struct value *list = value_list(c->a);
	size_t after = found ? at + sep.n : s.n;
	list_add(c->a, list, call_str(c, str_dup(c->a, s.p, found ? at : s.n)));
	list_add(c->a, list, call_str(c, found ? sep : str_c("")));
	list_add(c->a, list, call_str(c, str_dup(c->a, s.p + after, s.n - after)));
	return list;
}

static struct value *str_encode(struct call *c)
{
	return c->v; /* text is UTF-8 here already */
}

static const struct callable str_methods[] = {
	{"capitalize", str_capitalize, "", 0},
	{"center", str_center, "!width fill", 0},
	{"count", str_count, "!sub", 0},
	{"decode", str_encode, "encoding errors", 0},
	{"encode", str_encode, "encoding errors", 0},
	{"endswith", str_endswith, "!suffix", CALL_PLAIN},
	{"find", str_find, "!sub start", 0},
	{"format", str_format, "* **", 0},
	{"index", str_index, "!sub start", 0},
	{"isalnum", str_isalnum, "", CALL_PLAIN},
	{"isalpha", str_isalpha, "", CALL_PLAIN},
	{"isdigit", str_isdigit, "", CALL_PLAIN},
	{"islower", str_islower, "", CALL_PLAIN},
	{"isnumeric", str_isdigit, "", CALL_PLAIN},
	{"isspace", str_isspace, "", CALL_PLAIN},
	{"isupper", str_isupper, "", CALL_PLAIN},
	{"join", str_join, "!list", 0},
	{"ljust", str_ljust, "!width fill", 0},
	{"lower", str_lower, "", 0},
	{"lstrip", str_lstrip, "chars", 0},
	{"partition", str_partition, "!sep", 0},
	{"removeprefix", str_removeprefix, "!prefix", 0},
	{"removesuffix", str_removesuffix, "!suffix", 0},
	{"replace", str_replace, "!old !new count", 0},
	{"rfind", str_rfind, "!sub start", 0},
	{"rjust", str_rjust, "!width fill", 0},
	{"rsplit", str_rsplit, "sep maxsplit", 0},
	{"rstrip", str_rstrip, "chars", 0},
	{"split", str_split, "sep maxsplit", 0},
	{"splitlines", str_splitlines, "keepends", 0},
	{"startswith", str_startswith, "!prefix", CALL_PLAIN},
	{"strip", str_strip, "chars", 0},
	{"title", str_title, "", 0},
	{"upper", str_upper, "", 0},
	{"zfill", str_zfill, "!width", 0},
	{NULL, NULL, NULL, 0},
};

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

static int64_t position(struct call *c)
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
	int64_t i = position(c);
	if (i < 0)
		return call_fail(c, "the item is not in the list");
	return take_out(c, i) ? c->in->none : NULL;
}

static struct value *list_index(struct call *c)
{
	int64_t i = position(c);
	return i < 0 ? call_fail(c, "the item is not in the list") : value_int(c->a, i);
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

static const struct callable list_methods[] = {
	{"append", list_append, "!item", CALL_CHANGES | CALL_UNKNOWN},
	{"clear", list_clear, "", CALL_CHANGES},
	{"copy", list_copy, "", 0},
	{"count", list_count, "!item", 0},
	{"extend", list_extend, "!list", CALL_CHANGES},
	{"index", list_index, "!item", 0},
	{"insert", list_insert, "!index !item", CALL_CHANGES},
	{"pop", list_pop, "index", CALL_CHANGES | CALL_PLAIN},
	{"remove", list_remove, "!item", CALL_CHANGES},
	{"reverse", list_reverse, "", CALL_CHANGES},
	{"sort", list_sort, "reverse", CALL_CHANGES},
	{NULL, NULL, NULL, 0},
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
	struct value *v = map_get(c->v, key_arg(c));
	if (v)
		return jinja_child(c->in, c->v, v);
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

/* Maps only grow, so what stays is put into a new one. */
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

static const struct callable map_methods[] = {
	{"clear", map_clear, "", CALL_CHANGES},
	{"copy", list_copy, "", 0},
	{"get", map_get_method, "!key default", CALL_UNDEFINED | CALL_UNKNOWN | CALL_PLAIN},
	{"items", map_items, "", 0},
	{"iteritems", map_items, "", 0},
	{"keys", map_keys, "", 0},
	{"pop", map_pop, "!key default", CALL_CHANGES | CALL_PLAIN},
	{"setdefault", map_setdefault, "!key default", CALL_CHANGES | CALL_PLAIN},
	{"update", map_update, "other **", CALL_CHANGES | CALL_UNKNOWN},
	{"values", map_values, "", 0},
	{NULL, NULL, NULL, 0},
};

static const struct callable *find_in(const struct callable *table, struct str name)
{
	for (; table->name; table++)
		if (str_is(name, table->name))
			return table;
	return NULL;
}

const struct callable *jinja_method(const struct value *obj, struct str name)
{
	if (obj->type == VALUE_STR)
		return find_in(str_methods, name);
	if (obj->type == VALUE_LIST)
		return find_in(list_methods, name);
	return obj->type == VALUE_MAP ? find_in(map_methods, name) : NULL;
}

/* ---- functions ---- */
enum { RANGE_MAX = 1 << 22 };

static struct value *fn_range(struct call *c)
{
	int64_t from, to, step;
	if (!call_int(c, 0, 0, &from) || !call_int(c, 1, 0, &to) || !call_int(c, 2, 1, &step))
		return NULL;
	if (!c->arg[1]) {
		to = from;
		from = 0;
	}
	struct value *list = value_list(c->a);
	if (!step)
		return call_fail(c, "the step cannot be 0");
	for (int64_t i = from; step > 0 ? i < to : i > to;) {
		if (list->list.n == RANGE_MAX)
			return call_fail(c, "more than %d numbers", RANGE_MAX);
		list_add(c->a, list, value_int(c->a, i));
		if (__builtin_add_overflow(i, step, &i))
			break;
	}
	return list;
}

/* dict(a=1), dict([[k, v]]), dict(other, a=1), namespace(a=1) */
static struct value *fn_dict(struct call *c)
{
	struct value *map = value_map(c->a), *from = c->arg[0];
	if (from && from->type == VALUE_MAP) {
		map = value_shallow(c->a, from);
	} else if (from) {
		struct value *list = call_list(c, from);
		if (!list)
			return NULL;
		for (size_t i = 0; i < list->list.n; i++) {
			struct value *pair = list->list.v[i];
			if (pair->type != VALUE_LIST || pair->list.n != 2)
				return call_fail(c, "a list of pairs is needed");
			map_set(c->a, map, call_text(c, pair->list.v[0]), pair->list.v[1]);
		}
	}
	for (size_t i = 0; c->kwargs && i < c->kwargs->map.n; i++)
		map_set(c->a, map, c->kwargs->map.e[i].key, c->kwargs->map.e[i].value);
	map->literal = true;
	return map;
}

static struct object *object_new(struct call *c, enum object_kind kind)
{
	struct object *o = ARENA_NEW(c->a, struct object);
	o->v.type = (enum value_type)VALUE_OBJECT;
	o->v.literal = true;
	o->kind = kind;
	return o;
}

static struct value *fn_joiner(struct call *c)
{
	struct object *o = object_new(c, OBJECT_JOINER);
	o->sep = call_arg(c, 0, ", ");
	return &o->v;
}

static struct value *fn_cycler(struct call *c)
{
	struct object *o = object_new(c, OBJECT_CYCLER);
	o->items = c->rest->list.v;
	o->n = c->rest->list.n;
	return &o->v;
}

/* lookup('vars', 'name', ..., default=x): variables by name. */
static struct value *lookup_vars(struct call *c)
{
	struct value *list = value_list(c->a);
	list->literal = true;
	for (size_t i = 0; i < c->rest->list.n; i++) {
		struct str name = call_text(c, c->rest->list.v[i]);
		struct value *v = scope_lookup(c->in, name, hash64(name.p, name.n), false, c->pos);
		if (v && v->type == VALUE_UNDEFINED && c->kwargs && map_at(c->kwargs, "default"))
			v = map_at(c->kwargs, "default");
		if (v && (v->type == VALUE_UNDEFINED || (int)v->type == VALUE_OBJECT))
			return jinja_undefined_error(c->in, v, c->pos);
		if (!v)
			return NULL;
		list_add(c->a, list, v);
	}
	return list;
}

static struct value *look_up(struct call *c)
{
	struct str name = call_text(c, c->arg[0]);
	const char *last = strrchr(name.p, '.');
	last = last ? last + 1 : name.p; /* ansible.builtin.file */
	if (strcmp(last, "vars") == 0)
		return lookup_vars(c);
	if (!c->in->env->plugin)
		return call_fail(c, "lookup '%s' is not available here", last);
	const struct lang_env *env = c->in->env;
	struct value *args = value_copy(env->a, c->rest); /* the plugin may keep them */
	struct value *kwargs = value_copy(env->a, c->kwargs ? c->kwargs : value_map(c->a));
	args->literal = kwargs->literal = true;
	struct value *v = env->plugin(env->ctx, arena_strdup(env->a, last), args, kwargs, c->in->e);
	if (!v && c->in->e->kind == ERR_NONE)
		return call_fail(c, "lookup '%s' gave nothing", last);
	return v;
}

static struct value *fn_query(struct call *c)
{
	return look_up(c);
}

/* One result as it is, several texts joined with commas; wantlist=true: as query. */
static struct value *fn_lookup(struct call *c)
{
	struct value *v = look_up(c);
	struct value *want = c->kwargs ? map_at(c->kwargs, "wantlist") : NULL;
	if (!v || v->type != VALUE_LIST || (want && call_truth(c, want)))
		return v;
	if (v->list.n == 1)
		return jinja_child(c->in, v, v->list.v[0]);
	for (size_t i = 0; i < v->list.n; i++)
		if (v->list.v[i]->type != VALUE_STR)
			return v;
	struct buf b;
	buf_init(&b, TEXT_MAX);
	text_join(c, &b, v, str_c(","));
	struct value *joined = call_buf(c, &b);
	if (joined)
		joined->secret = value_has_secret(v);
	return joined;
}

static struct value *fn_undef(struct call *c)
{
	c->in->made_undefined = true;
	struct str hint = call_arg(c, 0, "a value must be given here");
	return value_undefined(c->a, c->pos, STR_FMT, STR_ARG(hint));
}

static const struct callable functions[] = {
	{"cycler", fn_cycler, "*", CALL_PLAIN},
	{"dict", fn_dict, "mapping * **", CALL_PLAIN | CALL_UNKNOWN},
	{"joiner", fn_joiner, "sep", CALL_PLAIN},
	{"lookup", fn_lookup, "!name * **", CALL_PLAIN},
	{"namespace", fn_dict, "mapping * **", CALL_PLAIN | CALL_UNKNOWN},
	{"q", fn_query, "!name * **", CALL_PLAIN},
	{"query", fn_query, "!name * **", CALL_PLAIN},
	{"range", fn_range, "!start stop step", 0},
	{"undef", fn_undef, "hint", CALL_PLAIN},
	{NULL, NULL, NULL, 0},
};

const struct callable *jinja_function(struct str name)
{
	return find_in(functions, name);
}
