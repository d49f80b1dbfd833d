/* SPDX-License-Identifier: MIT
 *
 * Creates, copies, merges and compares values. Changes no value that others may hold; only a
 * builder adds to its own list or map.
 */
#include "value/value.h"

static struct value *make_value(struct arena *a, enum value_type type)
{
	struct value *v = ARENA_NEW(a, struct value);
	v->type = type;
	return v;
}

struct value *value_null(struct arena *a)
{
	return make_value(a, VALUE_NULL);
}

struct value *value_bool(struct arena *a, bool b)
{
	struct value *v = make_value(a, VALUE_BOOL);
	v->b = b;
	return v;
}

struct value *value_int(struct arena *a, int64_t i)
{
	struct value *v = make_value(a, VALUE_INT);
	v->i = i;
	return v;
}

struct value *value_float(struct arena *a, double f)
{
	struct value *v = make_value(a, VALUE_FLOAT);
	v->f = f;
	return v;
}

struct value *value_str(struct arena *a, struct str s)
{
	struct value *v = make_value(a, VALUE_STR);
	v->s = s.p ? s : (struct str){"", 0};
	return v;
}

struct value *value_text(struct arena *a, const char *s)
{
	return value_str(a, str_dup(a, s, strlen(s)));
}

struct value *value_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct value *v = value_str(a, str_c(arena_vprintf(a, fmt, ap)));
	va_end(ap);
	return v;
}

struct value *value_list(struct arena *a)
{
	return make_value(a, VALUE_LIST);
}

struct value *value_map(struct arena *a)
{
	return make_value(a, VALUE_MAP);
}

struct value *value_blob(struct arena *a, struct str bytes)
{
	struct value *v = make_value(a, VALUE_BLOB);
	unsigned char *digest = arena_alloc(a, SHA256_LEN);
	v->blob.bytes = bytes.p ? bytes : (struct str){"", 0};
	v->blob.size = bytes.n;
	v->blob.sha = digest;
	sha256(bytes.p, bytes.n, digest);
	return v;
}

struct value *value_unknown(struct arena *a, const char *fmt, ...)
{
	struct value *v = make_value(a, VALUE_UNKNOWN);
	va_list ap;
	va_start(ap, fmt);
	v->s = str_c(arena_vprintf(a, fmt, ap));
	va_end(ap);
	return v;
}

struct value *value_undefined(struct arena *a, struct pos pos, const char *fmt, ...)
{
	struct value *v = make_value(a, VALUE_UNDEFINED);
	va_list ap;
	va_start(ap, fmt);
	v->s = str_c(arena_vprintf(a, fmt, ap));
	va_end(ap);
	v->pos = pos;
	return v;
}

void list_reserve(struct arena *a, struct value *list, size_t n)
{
	if (n <= list->list.cap)
		return;
	struct value **wider = ARENA_ARRAY(a, struct value *, n);
	if (list->list.n)
		memcpy(wider, list->list.v, list->list.n * sizeof(*wider));
	list->list.v = wider;
	list->list.cap = n;
}

void list_add(struct arena *a, struct value *list, struct value *v)
{
	if (list->type != VALUE_LIST)
		panic("list_add on %s", value_type_name(list));
	if (list->list.n == list->list.cap)
		list_reserve(a, list, list->list.cap ? list->list.cap * 2 : 4);
	list->list.v[list->list.n++] = v;
}

/* A copy of the value without its items. */
static struct value *copy_head(struct arena *a, const struct value *v)
{
	struct value *c = make_value(a, v->type);
	*c = *v;
	if (v->type == VALUE_LIST)
		memset(&c->list, 0, sizeof(c->list));
	else if (v->type == VALUE_MAP)
		memset(&c->map, 0, sizeof(c->map));
	return c;
}

/* Copies recursively what is allocated in `from`; NULL: everything. */
struct copy {
	struct arena *to;
	const struct arena *from;
};

static bool may_stay(const struct copy *c, const void *p)
{
	return !p || (c->from && !arena_owns(c->from, p));
}

static struct str copy_str(const struct copy *c, struct str s)
{
	return may_stay(c, s.p) ? s : str_dup(c->to, s.p, s.n);
}

static void copy_blob(const struct copy *c, struct value *v)
{
	if (!may_stay(c, v->blob.sha))
		v->blob.sha =
			(const unsigned char *)str_dup(c->to, (const char *)v->blob.sha, SHA256_LEN)
				.p;
	v->blob.bytes = copy_str(c, v->blob.bytes);
}

static struct value *copy_value(const struct copy *c, const struct value *v)
{
	if (may_stay(c, v))
		return (struct value *)v;
	struct value *out = copy_head(c->to, v);
	switch (v->type) {
	case VALUE_BLOB:
		copy_blob(c, out);
		break;
	case VALUE_LIST:
		list_reserve(c->to, out, v->list.n);
		for (size_t i = 0; i < v->list.n; i++)
			list_add(c->to, out, copy_value(c, v->list.v[i]));
		break;
	case VALUE_MAP:
		map_reserve(c->to, out, v->map.n);
		for (size_t i = 0; i < v->map.n; i++) {
			const struct map_entry *m = &v->map.e[i];
			map_append(c->to, out, copy_str(c, m->key), m->key_pos,
				copy_value(c, m->value));
		}
		break;
	case VALUE_STR:
	case VALUE_UNKNOWN:
	case VALUE_UNDEFINED:
		out->s = copy_str(c, v->s); /* fall through */
	default:
		out->src = copy_str(c, v->src);
	}
	return out;
}

struct value *value_copy(struct arena *a, const struct value *v)
{
	return copy_value(&(struct copy){a, NULL}, v);
}

struct value *value_keep(struct arena *a, struct value *v, const struct arena *from)
{
	return copy_value(&(struct copy){a, from}, v);
}

struct value *value_shallow(struct arena *a, const struct value *v)
{
	struct value *c = copy_head(a, v);
	if (v->type == VALUE_LIST && v->list.n) {
		list_reserve(a, c, v->list.n);
		memcpy(c->list.v, v->list.v, v->list.n * sizeof(*v->list.v));
		c->list.n = v->list.n;
	} else if (v->type == VALUE_MAP) {
		map_reserve(a, c, v->map.n);
		for (size_t i = 0; i < v->map.n; i++)
			map_append(a, c, v->map.e[i].key, v->map.e[i].key_pos, v->map.e[i].value);
	}
	return c;
}

/* Shares what does not have to be merged: values are immutable. */
struct value *value_merge(struct arena *a, const struct value *under, const struct value *over)
{
	if (under->type != VALUE_MAP || over->type != VALUE_MAP)
		return value_shallow(a, over);
	struct value *c = value_shallow(a, under);
	c->pos = over->pos;
	c->secret = under->secret || over->secret;
	for (size_t i = 0; i < over->map.n; i++) {
		const struct map_entry *m = &over->map.e[i];
		const struct value *below = map_get(under, m->key);
		bool both = below && below->type == VALUE_MAP && m->value->type == VALUE_MAP;
		map_set_at(a, c, m->key, m->key_pos,
			both ? value_merge(a, below, m->value) : m->value);
	}
	return c;
}

bool value_has_secret(const struct value *v)
{
	if (v->secret)
		return true;
	if (v->type == VALUE_LIST)
		for (size_t i = 0; i < v->list.n; i++)
			if (value_has_secret(v->list.v[i]))
				return true;
	if (v->type == VALUE_MAP)
		for (size_t i = 0; i < v->map.n; i++)
			if (value_has_secret(v->map.e[i].value))
				return true;
	return false;
}

const struct value *value_find_type(const struct value *v, enum value_type t)
{
	const struct value *found = v->type == t ? v : NULL;
	if (v->type == VALUE_LIST)
		for (size_t i = 0; !found && i < v->list.n; i++)
			found = value_find_type(v->list.v[i], t);
	if (v->type == VALUE_MAP)
		for (size_t i = 0; !found && i < v->map.n; i++)
			found = value_find_type(v->map.e[i].value, t);
	return found;
}

const char *value_type_name(const struct value *v)
{
	static const char *const names[] = {[VALUE_NULL] = "null",
		[VALUE_BOOL] = "a boolean",
		[VALUE_INT] = "an integer",
		[VALUE_FLOAT] = "a number",
		[VALUE_STR] = "a string",
		[VALUE_LIST] = "a list",
		[VALUE_MAP] = "a mapping",
		[VALUE_BLOB] = "a file's content",
		[VALUE_UNKNOWN] = "not known yet",
		[VALUE_UNDEFINED] = "undefined"};
	return names[v->type];
}

struct value *as_list(struct arena *a, struct value *v)
{
	if (!v || v->type == VALUE_NULL)
		return NULL;
	if (v->type == VALUE_LIST)
		return v;
	struct value *list = value_list(a);
	list->pos = v->pos;
	list_add(a, list, v);
	return list;
}
