/* SPDX-License-Identifier: MIT
 *
 * Resolves plain scalars by the rules of YAML 1.1, as PyYAML's SafeLoader: yes is true, 0644 is
 * octal, 1:30 is sexagesimal, 1e3 is text. Unlike there, dates and integers of more than 64 bits
 * are text.
 */
#include <math.h>
#include "yaml/yaml.h"

static bool one_of(struct str s, const char *const *words)
{
	for (; *words; words++)
		if (str_is(s, *words))
			return true;
	return false;
}

static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
static const char *const trues[] = {
	"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL};
static const char *const falses[] = {
	"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", NULL};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Copies the number without underscores and sign; false: it is too long for a number. */
static bool strip_number(struct str s, char *out, size_t size, bool *minus)
{
	size_t n = 0, i = s.n && (s.p[0] == '-' || s.p[0] == '+');
	*minus = s.n && s.p[0] == '-';
	for (; i < s.n; i++) {
		if (s.p[i] == '_')
			continue;
		if (n + 1 >= size)
			return false;
		out[n++] = s.p[i];
	}
	out[n] = 0;
	return true;
}

static bool all_in(const char *p, size_t n, const char *set)
{
	for (size_t i = 0; i < n; i++)
		if (!p[i] || !strchr(set, p[i]))
			return false;
	return true;
}

/* a(:[0-5]?[0-9])+ : the part after the first number; n: the length before a fraction. */
static bool is_sixties(const char *p, size_t n)
{
	size_t i = 0;
	while (i < n && (is_digit(p[i]) || p[i] == '_'))
		i++;
	if (i == 0 || i == n || !is_digit(p[0]))
		return false;
	while (i < n) {
		if (p[i++] != ':' || i >= n || !is_digit(p[i]))
			return false;
		if (i + 1 < n && is_digit(p[i + 1])) {
			if (p[i] > '5')
				return false;
			i++;
		}
		i++;
	}
	return true;
}

/* [-+]?(0b[01_]+ | 0[0-7_]+ | 0 | [1-9][0-9_]* | 0x[hex_]+ | sixties): the base; 0: not an
 * integer */
static int int_base(struct str s)
{
	size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+'), n = s.n - i;
	const char *p = s.p + i;
	if (!n || !is_digit(p[0]))
		return 0;
	if (n > 2 && p[0] == '0' && p[1] == 'b')
		return all_in(p + 2, n - 2, "01_") ? 2 : 0;
	if (n > 2 && p[0] == '0' && p[1] == 'x')
		return all_in(p + 2, n - 2, "0123456789abcdefABCDEF_") ? 16 : 0;
	if (n > 1 && p[0] == '0')
		return all_in(p + 1, n - 1, "01234567_") ? 8 : 0;
	if (all_in(p, n, "0123456789_"))
		return 10;
	return p[0] != '0' && is_sixties(p, n) ? 60 : 0;
}

enum { NUMBER_LEN = 256 };

static bool parse_sixties(const char *p, int64_t *out)
{
	int64_t total = 0, part = 0;
	for (;; p++) {
		if (is_digit(*p)) {
			if (__builtin_mul_overflow(part, 10, &part) ||
				__builtin_add_overflow(part, *p - '0', &part))
				return false;
			continue;
		}
		if (__builtin_mul_overflow(total, 60, &total) ||
			__builtin_add_overflow(total, part, &total))
			return false;
		part = 0;
		if (!*p)
			break;
	}
	*out = total;
	return true;
}

static bool int_value(struct str s, int base, int64_t *out)
{
	char text[NUMBER_LEN];
	bool minus;
	if (!strip_number(s, text, sizeof(text), &minus))
		return false;
	if (base == 60) {
		if (!parse_sixties(text, out))
			return false;
	} else {
		char *p = text + (base == 2 || base == 16 ? 2 : 0), *end;
		uint64_t u = strtoull(p, &end, base);
		if (*end || end == p || u > (uint64_t)INT64_MAX)
			return false;
		*out = (int64_t)u;
	}
	if (minus)
		*out = -*out;
	return true;
}

static size_t span_of(const char *p, size_t n, const char *set)
{
	size_t i = 0;
	while (i < n && p[i] && strchr(set, p[i]))
		i++;
	return i;
}

/* [eE][-+][0-9]+ or nothing, up to the end */
static bool is_exponent(const char *p, size_t n)
{
	if (!n)
		return true;
	return n > 2 && (p[0] | 0x20) == 'e' && (p[1] == '-' || p[1] == '+') &&
	       span_of(p + 2, n - 2, "0123456789") == n - 2;
}

enum float_kind { FLOAT_NONE, FLOAT_PLAIN, FLOAT_INF, FLOAT_NAN, FLOAT_SIXTIES };

static enum float_kind float_kind(struct str s)
{
	static const char *const infs[] = {".inf", ".Inf", ".INF", NULL};
	static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
	size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
	struct str t = {s.p + i, s.n - i};
	if (one_of(t, infs))
		return FLOAT_INF;
	if (i == 0 && one_of(t, nans))
		return FLOAT_NAN;
	size_t whole = t.n && is_digit(t.p[0]) ? span_of(t.p, t.n, "0123456789_") : 0;
	const char *dot = memchr(t.p, '.', t.n);
	if (!dot)
		return FLOAT_NONE;
	size_t at = (size_t)(dot - t.p), after = at + 1;
	size_t fraction = span_of(t.p + after, t.n - after, "0123456789_");
	size_t rest = after + fraction;
	if (at == whole && whole > 0 && is_exponent(t.p + rest, t.n - rest))
		return FLOAT_PLAIN;
	if (at == 0 && i == 0 && fraction && is_digit(t.p[1]) &&
		is_exponent(t.p + rest, t.n - rest))
		return FLOAT_PLAIN;
	return rest == t.n && is_sixties(t.p, at) ? FLOAT_SIXTIES : FLOAT_NONE;
}

static double float_value(struct str s, enum float_kind kind)
{
	char text[NUMBER_LEN];
	bool minus;
	double f = 0;
	if (kind == FLOAT_NAN || !strip_number(s, text, sizeof(text), &minus))
		return NAN;
	if (kind == FLOAT_INF) {
		f = INFINITY;
	} else if (kind == FLOAT_PLAIN) {
		f = strtod(text, NULL);
	} else {
		for (char *p = text; *p; p++) {
			f = f * 60 + strtod(p, &p);
			if (!*p)
				break;
		}
	}
	return minus ? -f : f;
}

struct value *yaml_scalar(struct arena *a, struct str text)
{
	int64_t i;
	/* fast path: anything else is text, as is most of a large file */
	if (text.n && !strchr("~nNyYtTfFoO+-.0123456789", text.p[0]))
		return value_str(a, text);
	if (one_of(text, nulls))
		return value_null(a);
	if (one_of(text, trues) || one_of(text, falses))
		return value_bool(a, one_of(text, trues));
	if (text.n >= NUMBER_LEN)
		return value_str(a, text);
	int base = int_base(text);
	if (base && int_value(text, base, &i))
		return value_int(a, i);
	enum float_kind kind = base ? FLOAT_NONE : float_kind(text);
	if (kind != FLOAT_NONE)
		return value_float(a, float_value(text, kind));
	return value_str(a, text);
}
