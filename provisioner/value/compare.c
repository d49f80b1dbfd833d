/* SPDX-License-Identifier: MIT
 *
 * Equality and truth of values as in Python: 1 == 1.0 == True; the order of a map's keys does not
 * matter. Ignores position and secrecy.
 */
#include <math.h>
#include <strings.h>
#include "value/value.h"

static bool is_number(const struct value *v)
{
	return v->type == VALUE_BOOL || v->type == VALUE_INT || v->type == VALUE_FLOAT;
}

static bool equal_numbers(const struct value *a, const struct value *b)
{
	if (a->type == VALUE_FLOAT && b->type == VALUE_FLOAT)
		return a->f == b->f;
	if (b->type == VALUE_FLOAT)
		return equal_numbers(b, a);
	int64_t i = b->type == VALUE_BOOL ? b->b : b->i;
	if (a->type == VALUE_FLOAT) {
		/* convert both ways: each type has numbers that the other cannot represent */
		bool fits = a->f >= -0x1p63 && a->f < 0x1p63;
		return fits && (double)i == a->f && (int64_t)a->f == i;
	}
	return (a->type == VALUE_BOOL ? a->b : a->i) == i;
}

static bool equal_lists(const struct value *a, const struct value *b)
{
	if (a->list.n != b->list.n)
		return false;
	for (size_t i = 0; i < a->list.n; i++)
		if (!value_equal(a->list.v[i], b->list.v[i]))
			return false;
	return true;
}

static bool equal_maps(const struct value *a, const struct value *b)
{
	if (a->map.n != b->map.n)
		return false;
	for (size_t i = 0; i < a->map.n; i++) {
		const struct value *other = map_get(b, a->map.e[i].key);
		if (!other || !value_equal(a->map.e[i].value, other))
			return false;
	}
	return true;
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (is_number(a) && is_number(b))
		return equal_numbers(a, b);
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_STR:
	case VALUE_UNKNOWN:
	case VALUE_UNDEFINED:
		return str_eq(a->s, b->s);
	case VALUE_LIST:
		return equal_lists(a, b);
	case VALUE_MAP:
		return equal_maps(a, b);
	case VALUE_BLOB:
		return a->blob.size == b->blob.size &&
		       memcmp(a->blob.sha, b->blob.sha, SHA256_LEN) == 0;
	default:
		return true; /* null */
	}
}

bool value_true(const struct value *v)
{
	switch (v->type) {
	case VALUE_BOOL:
		return v->b;
	case VALUE_INT:
		return v->i != 0;
	case VALUE_FLOAT:
		return v->f != 0;
	case VALUE_STR:
		return v->s.n > 0;
	case VALUE_LIST:
		return v->list.n > 0;
	case VALUE_MAP:
		return v->map.n > 0;
	case VALUE_BLOB:
		return v->blob.size > 0;
	case VALUE_UNKNOWN:
	case VALUE_UNDEFINED:
		panic("truth of a value that is %s: " STR_FMT, value_type_name(v), STR_ARG(v->s));
	default:
		return false;
	}
}

static bool is_among(struct str s, const char *const *words)
{
	for (; *words; words++)
		if (s.n == strlen(*words) && strncasecmp(s.p, *words, s.n) == 0)
			return true;
	return false;
}

static bool word_as_bool(struct str s, bool *out)
{
	static const char *const yes[] = {"true", "yes", "on", "1", "1.0", "y", "t", NULL};
	static const char *const no[] = {"false", "no", "off", "0", "0.0", "n", "f", NULL};

	while (s.n && memchr(" \t\r\n", s.p[0], 4))
		s.p++, s.n--;
	while (s.n && memchr(" \t\r\n", s.p[s.n - 1], 4))
		s.n--;
	if (!is_among(s, yes) && !is_among(s, no))
		return false;
	*out = is_among(s, yes);
	return true;
}

bool value_as_bool(const struct value *v, bool *out)
{
	bool number = v->type == VALUE_INT || v->type == VALUE_FLOAT;
	double n = v->type == VALUE_INT ? (double)v->i : number ? v->f : -1;
	if (v->type == VALUE_STR)
		return word_as_bool(v->s, out);
	if (v->type != VALUE_BOOL && n != 0 && n != 1)
		return false;
	*out = v->type == VALUE_BOOL ? v->b : n == 1;
	return true;
}
