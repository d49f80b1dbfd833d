/* SPDX-License-Identifier: MIT
 *
 * Stable sorting by keys, and sets of values in order of first appearance. Values without an order
 * are an error, as in Python.
 */
#include <errno.h>
#include "jinja/call.h"

struct sorting {
	struct call *c;
	struct value **keys, **values;
	bool reverse, failed;
};

/* Merges two sorted runs; equal values keep their order, also in reverse. */
static void merge_runs(
	struct sorting *s, size_t *from, size_t *to, size_t left, size_t mid, size_t end)
{
	size_t i = left, k = mid, n = left;
	while (i < mid && k < end && !s->failed) {
		int order = 0;
		if (!jinja_order(s->c->in, s->keys[from[i]], s->keys[from[k]], s->c->pos, &order))
			s->failed = true;
		bool right_first = s->reverse ? order < 0 : order > 0;
		to[n++] = right_first ? from[k++] : from[i++];
	}
	while (i < mid)
		to[n++] = from[i++];
	while (k < end)
		to[n++] = from[k++];
}

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

bool call_sort(struct call *c, struct value **keys, struct value **values, size_t n, bool reverse)
{
	struct sorting s = {c, keys, values, reverse, false};
	size_t *a = ARENA_ARRAY(c->a, size_t, n), *b = ARENA_ARRAY(c->a, size_t, n);
	if (!jinja_step(c->in, n, c->pos))
		return false;
	for (size_t i = 0; i < n; i++) {
		a[i] = i;
		if (keys[i]->type == VALUE_UNDEFINED)
			return jinja_undefined_error(c->in, keys[i], c->pos) != NULL;
		if (call_unknown(c, keys[i]))
			return true; /* their order is unknown: the caller's result is UNKNOWN */
	}
	for (size_t width = 1; width < n && !s.failed; width *= 2) {
		for (size_t i = 0; i < n; i += 2 * width)
			merge_runs(&s, a, b, i, least_of(i + width, n), least_of(i + 2 * width, n));
		size_t *t = a;
		a = b;
		b = t;
	}
	struct value **sorted = ARENA_ARRAY(c->a, struct value *, n);
	for (size_t i = 0; i < n; i++)
		sorted[i] = values[a[i]];
	if (n)
		memcpy(values, sorted, n * sizeof(*values));
	return !s.failed;
}

void set_init(struct value_set *s, struct arena *a)
{
	s->a = a;
	s->map = value_map(a);
}

/* A text that is the same for equal values; 1, 1.0 and true are equal. */
static struct str set_key(struct value_set *s, struct call *c, const struct value *v)
{
	unsigned char sha[SHA256_LEN];
	switch (v->type) {
	case VALUE_STR:
		return str_printf(s->a, "s" STR_FMT, STR_ARG(v->s));
	case VALUE_BOOL:
		return str_printf(s->a, "n%d", (int)v->b);
	case VALUE_INT:
		return str_printf(s->a, "n%lld", (long long)v->i);
	case VALUE_FLOAT:
		if (v->f == (double)(int64_t)v->f && v->f < 9e15 && v->f > -9e15)
			return str_printf(s->a, "n%lld", (long long)v->f);
		return str_printf(s->a, "f%a", v->f);
	case VALUE_LIST:
	case VALUE_MAP:
		if (call_unknown(c, v))
			return str_c("?");
		value_digest(v, sha);
		return str_dup(s->a, (const char *)sha, SHA256_LEN);
	default:
		call_unknown(c, v);
		return str_printf(s->a, "%d", (int)v->type);
	}
}

bool set_has(struct value_set *s, struct call *c, const struct value *v)
{
	return map_get(s->map, set_key(s, c, v)) != NULL;
}

bool set_add(struct value_set *s, struct call *c, const struct value *v)
{
	struct str key = set_key(s, c, v);
	if (map_get(s->map, key))
		return false;
	map_set(s->a, s->map, key, c->in->none);
	return true;
}
