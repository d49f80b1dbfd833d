/* SPDX-License-Identifier: MIT
 *
 * Filters on numbers and booleans, and those that parse numbers.
 */
#include <math.h>
#include "jinja/call.h"

static bool as_double(const struct value *v, double *out)
{
	if (v->type == VALUE_FLOAT)
		*out = v->f;
	else if (v->type == VALUE_INT || v->type == VALUE_BOOL)
		*out = v->type == VALUE_INT ? (double)v->i : (double)v->b;
	else
		return false;
	return true;
}

/* Parses an integer in another base, with or without its prefix. */
static bool int_in_base(struct str s, int base, int64_t *out)
{
	char *end;
	const char *p = s.p;
	bool minus = *p == '-';
	p += minus || *p == '+';
	if (p[0] == '0' &&
		((base == 16 && (p[1] | 0x20) == 'x') || (base == 8 && (p[1] | 0x20) == 'o') ||
			(base == 2 && (p[1] | 0x20) == 'b')))
		p += 2;
	if (!*p || *p == '-' || *p == '+' || text_is_space(*p))
		return false;
	*out = strtoll(p, &end, base);
	if (minus)
		*out = -*out;
	return !*end && *out != INT64_MIN && *out != INT64_MAX;
}

/* Text that is not a number gives the default (0 if none is given), not an error. */
static struct value *f_int(struct call *c)
{
	bool is_int;
	int64_t i, base;
	double f;
	struct value *dflt = c->arg[0] ? c->arg[0] : value_int(c->a, 0);
	if (!call_int(c, 1, 10, &base))
		return NULL;
	if (c->v->type == VALUE_STR) {
		if (base != 10) {
			bool ok = base >= 2 && base <= 36 && int_in_base(c->v->s, (int)base, &i);
			return ok ? value_int(c->a, i) : dflt;
		}
		if (!text_number(c->v->s, &is_int, &i, &f))
			return dflt;
		if (is_int)
			return value_int(c->a, i);
	} else if (c->v->type == VALUE_INT || c->v->type == VALUE_BOOL) {
		return value_int(c->a, c->v->type == VALUE_INT ? c->v->i : c->v->b);
	} else if (!as_double(c->v, &f)) {
		return dflt;
	}
	if (!(f > -9.2e18 && f < 9.2e18))
		return dflt;
	return value_int(c->a, (int64_t)f);
}

static struct value *f_float(struct call *c)
{
	bool is_int;
	int64_t i;
	double f;
	if (c->v->type == VALUE_STR && text_number(c->v->s, &is_int, &i, &f))
		return value_float(c->a, is_int ? (double)i : f);
	if (as_double(c->v, &f))
		return value_float(c->a, f);
	return c->arg[0] ? c->arg[0] : value_float(c->a, 0);
}

static struct value *f_abs(struct call *c)
{
	if (c->v->type == VALUE_FLOAT)
		return value_float(c->a, fabs(c->v->f));
	if (c->v->type == VALUE_INT && c->v->i != INT64_MIN)
		return value_int(c->a, c->v->i < 0 ? -c->v->i : c->v->i);
	return call_fail(c, "a number is needed, not %s", value_type_name(c->v));
}

/* Rounds an integer to tens, hundreds, ...: half to even, as Python's round(). */
static struct value *round_int(struct call *c, int64_t i, int64_t precision)
{
	int64_t unit = 1;
	for (; precision < 0; precision++)
		unit *= 10;
	int64_t rest = i % unit, half = unit / 2;
	int64_t down = i - rest, away = rest < 0 ? -unit : unit;
	int64_t size = rest < 0 ? -rest : rest;
	bool up = size > half || (size == half && unit > 1 && down / unit % 2 != 0);
	return value_int(c->a, up ? down + away : down);
}

static struct value *f_round(struct call *c)
{
	int64_t precision;
	double f;
	struct str how = call_arg(c, 1, "common");
	if (!call_int(c, 0, 0, &precision))
		return NULL;
	if (!as_double(c->v, &f))
		return call_fail(c, "a number is needed, not %s", value_type_name(c->v));
	if (precision > 15 || precision < -15)
		return call_fail(c, "the precision is out of range");
	double scale = pow(10, (double)precision);
	if (str_is(how, "ceil"))
		return value_float(c->a, ceil(f * scale) / scale);
	if (str_is(how, "floor"))
		return value_float(c->a, floor(f * scale) / scale);
	if (!str_is(how, "common"))
		return call_fail(c, "the method is common, ceil or floor");
	if (c->v->type == VALUE_INT)
		return round_int(c, c->v->i, precision);
	if (precision < 0)
		return value_float(c->a, nearbyint(f * scale) / scale);
	char text[400]; /* printf rounds the exact value half to even, as Python does */
	snprintf(text, sizeof(text), "%.*f", (int)precision, f);
	return value_float(c->a, strtod(text, NULL));
}

/* Ansible's bool: yes, on, 1, true (in any case) are true, everything else is false. */
static struct value *f_bool(struct call *c)
{
	static const char *const yes[] = {"yes", "on", "1", "true"};
	if (c->v->type == VALUE_NULL)
		return c->v;
	if (c->v->type == VALUE_STR) {
		for (size_t i = 0; i < ARRAY_LEN(yes); i++)
			if (strcasecmp(c->v->s.p, yes[i]) == 0)
				return jinja_bool(c->in, true);
		return jinja_bool(c->in, false);
	}
	if (c->v->type == VALUE_BOOL)
		return c->v;
	return jinja_bool(c->in, (c->v->type == VALUE_INT && c->v->i == 1) ||
					 (c->v->type == VALUE_FLOAT && c->v->f == 1));
}

static struct value *value_or_none(struct call *c, struct value *v)
{
	return v ? v : c->in->none;
}

static struct value *f_ternary(struct call *c)
{
	if (c->v->type == VALUE_UNKNOWN)
		return c->v;
	if (c->v->type == VALUE_UNDEFINED)
		return jinja_undefined_error(c->in, c->v, c->pos);
	if (c->v->type == VALUE_NULL && c->arg[2])
		return c->arg[2];
	return value_or_none(c, call_truth(c, c->v) ? c->arg[0] : c->arg[1]);
}

/* ---- sizes ---- */
static const char units[] = "BKMGTPEZY";

static struct value *f_human_readable(struct call *c)
{
	double size, scale = 1;
	bool bits = call_bool(c, 0, false), is_int;
	struct str unit = call_arg(c, 1, NULL);
	int64_t i;
	if (!as_double(c->v, &size) &&
		!(c->v->type == VALUE_STR && text_number(c->v->s, &is_int, &i, &size)))
		return call_fail(c, "a number is needed, not %s", value_type_name(c->v));
	if (c->v->type == VALUE_STR && is_int)
		size = (double)i;
	size_t k = 0;
	for (; units[k + 1]; k++, scale *= 1024) {
		bool wanted = unit.p && (unit.p[0] & ~0x20) == units[k];
		if (wanted || (!unit.p && size < scale * 1024))
			break;
	}
	const char *name = bits ? "bits" : "Bytes";
	if (k == 0)
		return call_str(c, str_printf(c->a, "%.2f %s", size, name));
	return call_str(c, str_printf(c->a, "%.2f %c%c", size / scale, units[k], bits ? 'b' : 'B'));
}

static struct value *f_human_to_bytes(struct call *c)
{
	struct str s = call_text(c, c->v), unit = call_arg(c, 0, "B");
	char *end;
	double size = strtod(s.p, &end);
	if (end == s.p || !(size >= 0))
		return call_fail(c, "'" STR_FMT "' is no size", STR_ARG(s));
	while (*end == ' ')
		end++;
	if (*end)
		unit = str_c(end);
	const char *at = unit.n ? strchr(units, unit.p[0] & ~0x20) : units;
	bool rest_ok =
		unit.n < 2 || strcasecmp(unit.p + 1, "B") == 0 || strcasecmp(unit.p, "bytes") == 0;
	if (!at || !*at || !rest_ok)
		return call_fail(c, "'" STR_FMT "' is no size", STR_ARG(s));
	size = size * pow(1024, (double)(at - units));
	if (size > 9e18)
		return call_fail(c, "'" STR_FMT "' is too large", STR_ARG(s));
	return value_int(c->a, (int64_t)nearbyint(size));
}

static struct value *f_filesizeformat(struct call *c)
{
	double size, base = call_bool(c, 0, false) ? 1024 : 1000, unit;
	bool binary = base > 1000;
	if (!as_double(c->v, &size))
		return call_fail(c, "a number is needed, not %s", value_type_name(c->v));
	if (size == 1)
		return call_str(c, str_c("1 Byte"));
	if (size < base)
		return call_str(c, str_printf(c->a, "%d Bytes", (int)size));
	size_t k = 1;
	for (unit = base * base; units[k + 1] && size >= unit; k++)
		unit *= base;
	return call_str(c, str_printf(c->a, "%.1f %c%s", base * size / unit,
				   !binary && k == 1 ? 'k' : units[k], binary ? "iB" : "B"));
}

static struct value *f_log(struct call *c)
{
	double f, base = M_E;
	if (!as_double(c->v, &f) || f <= 0 || (c->arg[0] && !as_double(c->arg[0], &base)) ||
		base <= 0 || base == 1)
		return call_fail(c, "numbers above 0 are needed");
	if (base == 10)
		return value_float(c->a, log10(f));
	return value_float(c->a, base == M_E ? log(f) : log(f) / log(base));
}

static struct value *f_pow(struct call *c)
{
	double f, n;
	if (!as_double(c->v, &f) || !as_double(c->arg[0], &n))
		return call_fail(c, "numbers are needed");
	return value_float(c->a, pow(f, n));
}

static struct value *f_root(struct call *c)
{
	double f, n = 2;
	if (!as_double(c->v, &f) || f < 0 || (c->arg[0] && !as_double(c->arg[0], &n)) || n == 0)
		return call_fail(c, "numbers are needed, and none below 0");
	return value_float(c->a, n == 2 ? sqrt(f) : pow(f, 1 / n));
}

const struct callable filters_number[] = {
	{"abs", f_abs, "", 0, "The number without its sign.", "(-5) | abs", "5"},
	{"bool", f_bool, "", CALL_PLAIN,
		"True for yes, on, 1 and true in any case; null stays null; all else is "
		"false.",
		"'yes' | bool", "true"},
	{"filesizeformat", f_filesizeformat, "binary", 0,
		"A number of bytes with a unit: powers of 1000, or of 1024 with binary.",
		"123456 | filesizeformat", "\"123.5 kB\""},
	{"float", f_float, "default", 0,
		"The value as a number with a fraction; default (0.0) when it is not a "
		"number.",
		"'2.5' | float", "2.5"},
	{"human_readable", f_human_readable, "isbits unit", 0,
		"A number of bytes with a unit, powers of 1024. isbits: the number is of "
		"bits; unit: use this unit.",
		"1536 | human_readable", "\"1.50 KB\""},
	{"human_to_bytes", f_human_to_bytes, "default_unit isbits", 0,
		"The number of bytes that a text such as 1.5 MB stands for; units are powers "
		"of 1024. default_unit: the unit of a text without one.",
		"'1.5 KB' | human_to_bytes", "1536"},
	{"int", f_int, "default base", 0,
		"The value as a whole number; default (0) when it is not a number. base: the "
		"base of its digits (10).",
		"'ff' | int(0, 16)", "255"},
	{"log", f_log, "base", 0, "The logarithm: the natural one, or that to a base.",
		"100 | log(10)", "2.0"},
	{"pow", f_pow, "!y", 0, "The number to the power of y.", "2 | pow(10)", "1024.0"},
	{"root", f_root, "base", 0, "The square root, or the root of degree base.", "8 | root(3)",
		"2.0"},
	{"round", f_round, "precision method", 0,
		"The number rounded to precision (0) digits. method: common (default), ceil or "
		"floor.",
		"2.567 | round(1)", "2.6"},
	{"ternary", f_ternary, "!true_val !false_val none_val",
		CALL_UNDEFINED | CALL_UNKNOWN | CALL_PLAIN,
		"true_val when the value is true, else false_val; none_val when it is null.",
		"true | ternary('on', 'off')", "\"on\""},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
