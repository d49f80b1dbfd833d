/* SPDX-License-Identifier: MIT
 *
 * Arithmetic and comparisons as in Python. Integers have 64 bits; an overflow is an error.
 */
#include <math.h>
#include "jinja/call.h"

bool jinja_is_int(const struct value *v)
{
	return v->type == VALUE_INT || v->type == VALUE_BOOL;
}

bool jinja_is_number(const struct value *v)
{
	return jinja_is_int(v) || v->type == VALUE_FLOAT;
}

int64_t jinja_int(const struct value *v)
{
	return v->type == VALUE_BOOL ? v->b : v->i;
}

static double as_float(const struct value *v)
{
	return v->type == VALUE_FLOAT ? v->f : (double)jinja_int(v);
}

static struct value *too_large(struct jinja *in, struct pos pos)
{
	return jinja_fail(in, pos, "the result is too large a number");
}

static bool raise_int(int64_t base, int64_t n, int64_t *out)
{
	int64_t r = 1;
	while (n > 0) {
		if ((n & 1) && __builtin_mul_overflow(r, base, &r))
			return false;
		n >>= 1;
		if (n && __builtin_mul_overflow(base, base, &base))
			return false;
	}
	*out = r;
	return true;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;
	return a % b != 0 && (a % b < 0) != (b < 0) ? q - 1 : q;
}

static struct value *int_math(
	struct jinja *in, enum token_kind op, int64_t a, int64_t b, struct pos pos)
{
	int64_t r = 0;
	bool over = false;
	bool divides = op == TOK_FLOORDIV || op == TOK_MOD;
	if (divides && !b)
		return jinja_fail(in, pos, "division by zero");
	switch (op) {
	case TOK_ADD:
		over = __builtin_add_overflow(a, b, &r);
		break;
	case TOK_SUB:
		over = __builtin_sub_overflow(a, b, &r);
		break;
	case TOK_MUL:
		over = __builtin_mul_overflow(a, b, &r);
		break;
	case TOK_POW:
		over = !raise_int(a, b, &r);
		break;
	default:
		if (b == 0 || b == -1) { /* INT64_MIN / -1 overflows */
			over = op == TOK_FLOORDIV && __builtin_sub_overflow(0, a, &r);
			break;
		}
		r = floor_div(a, b);
		if (op == TOK_MOD)
			r = a - r * b;
	}
	return over ? too_large(in, pos) : value_int(in->a, r);
}

static struct value *float_math(
	struct jinja *in, enum token_kind op, double a, double b, struct pos pos)
{
	double r;
	if (b == 0 && (op == TOK_DIV || op == TOK_FLOORDIV || op == TOK_MOD))
		return jinja_fail(in, pos, "division by zero");
	switch (op) {
	case TOK_ADD:
		r = a + b;
		break;
	case TOK_SUB:
		r = a - b;
		break;
	case TOK_MUL:
		r = a * b;
		break;
	case TOK_DIV:
		r = a / b;
		break;
	case TOK_FLOORDIV:
		r = floor(a / b);
		break;
	case TOK_MOD:
		r = fmod(a, b);
		if (r != 0 && (r < 0) != (b < 0))
			r += b;
		break;
	default:
		r = pow(a, b);
		if (isnan(r) && !isnan(a) && !isnan(b))
			return jinja_fail(in, pos, "this power is no real number");
	}
	return value_float(in->a, r);
}

static struct value *add_text(struct jinja *in, struct value *l, struct value *r, struct pos pos)
{
	if (l->s.n + r->s.n > TEXT_MAX)
		return jinja_fail(in, pos, "the text is too long");
	char *p = arena_alloc(in->a, l->s.n + r->s.n + 1);
	memcpy(p, l->s.p, l->s.n);
	memcpy(p + l->s.n, r->s.p, r->s.n);
	return value_str(in->a, (struct str){p, l->s.n + r->s.n});
}

static struct value *add_lists(struct jinja *in, struct value *l, struct value *r, struct pos pos)
{
	if (!jinja_step(in, l->list.n + r->list.n, pos))
		return NULL;
	struct value *v = value_list(in->a);
	for (size_t i = 0; i < l->list.n; i++)
		list_add(in->a, v, jinja_child(in, l, l->list.v[i]));
	for (size_t i = 0; i < r->list.n; i++)
		list_add(in->a, v, jinja_child(in, r, r->list.v[i]));
	return v;
}

/* 'ab' * 3, [1] * 3 */
static struct value *repeat_value(struct jinja *in, struct value *v, int64_t n, struct pos pos)
{
	size_t len = v->type == VALUE_STR ? v->s.n : v->list.n;
	size_t times = n > 0 && len ? (size_t)n : 0;
	if (times && (times > TEXT_MAX || len * times > TEXT_MAX))
		return jinja_fail(in, pos, "the result is too long");
	if (!jinja_step(in, len * times, pos))
		return NULL;
	if (v->type == VALUE_STR) {
		char *p = arena_alloc(in->a, len * times + 1);
		for (size_t i = 0; i < times; i++)
			memcpy(p + i * len, v->s.p, len);
		return value_str(in->a, (struct str){p, len * times});
	}
	struct value *r = value_list(in->a);
	for (size_t k = 0; k < times; k++)
		for (size_t i = 0; i < len; i++)
			list_add(in->a, r, jinja_child(in, v, v->list.v[i]));
	return r;
}

static struct value *wrong_types(struct jinja *in, enum token_kind op, const struct value *l,
	const struct value *r, struct pos pos)
{
	const char *hint = "";
	if (op == TOK_ADD && (l->type == VALUE_STR || r->type == VALUE_STR))
		hint = " (texts are joined with '~')";
	return jinja_fail(in, pos, "'%s' cannot be used on %s and %s%s", token_name(op),
		value_type_name(l), value_type_name(r), hint);
}

/* "..." % x: one value, a tuple of several, or a mapping for %(name)s. */
static struct value *apply_percent(
	struct jinja *in, struct value *l, struct value *r, bool r_is_tuple, struct pos pos)
{
	struct call c = {.in = in, .a = in->a, .pos = pos};
	struct value *list = r;
	if (!r_is_tuple) {
		list = value_list(in->a);
		list_add(in->a, list, r);
	}
	struct value *v = format_percent(&c, l->s, list, r->type == VALUE_MAP ? r : NULL);
	if (!v || !c.unknown)
		return v;
	return value_unknown(in->a, STR_FMT, STR_ARG(c.unknown->s));
}

static bool is_sequence(const struct value *v)
{
	return v->type == VALUE_STR || v->type == VALUE_LIST;
}

/* 'a' + 'b', [1] + [2], 'ab' * 3, 3 * [1] */
static struct value *join_sequences(
	struct jinja *in, enum token_kind op, struct value *l, struct value *r, struct pos pos)
{
	if (op == TOK_ADD && l->type == r->type && is_sequence(l))
		return l->type == VALUE_STR ? add_text(in, l, r, pos) : add_lists(in, l, r, pos);
	if (op == TOK_MUL && jinja_is_int(r) && is_sequence(l))
		return repeat_value(in, l, jinja_int(r), pos);
	if (op == TOK_MUL && jinja_is_int(l) && is_sequence(r))
		return repeat_value(in, r, jinja_int(l), pos);
	return wrong_types(in, op, l, r, pos);
}

static struct value *do_math(struct jinja *in, enum token_kind op, struct value *l, struct value *r,
	bool r_is_tuple, struct pos pos)
{
	if (op == TOK_MOD && l->type == VALUE_STR)
		return apply_percent(in, l, r, r_is_tuple, pos);
	if (jinja_is_int(l) && jinja_is_int(r) && op != TOK_DIV &&
		!(op == TOK_POW && jinja_int(r) < 0))
		return int_math(in, op, jinja_int(l), jinja_int(r), pos);
	if (jinja_is_number(l) && jinja_is_number(r))
		return float_math(in, op, as_float(l), as_float(r), pos);
	return join_sequences(in, op, l, r, pos);
}

struct value *jinja_math(struct jinja *in, enum token_kind op, struct value *l, struct value *r,
	bool r_is_tuple, struct pos pos)
{
	if (l->type == VALUE_UNKNOWN || r->type == VALUE_UNKNOWN)
		return l->type == VALUE_UNKNOWN ? l : r;
	struct value *v = do_math(in, op, l, r, r_is_tuple, pos);
	if (!v || v->type == VALUE_UNKNOWN)
		return v;
	v->literal = true;
	v->secret = l->secret || r->secret || (v->type == VALUE_STR && value_has_secret(r));
	return v;
}

bool jinja_order(
	struct jinja *in, const struct value *l, const struct value *r, struct pos pos, int *out)
{
	if (jinja_is_int(l) && jinja_is_int(r)) {
		*out = (jinja_int(l) > jinja_int(r)) - (jinja_int(l) < jinja_int(r));
	} else if (jinja_is_number(l) && jinja_is_number(r)) {
		*out = (as_float(l) > as_float(r)) - (as_float(l) < as_float(r));
	} else if (l->type == VALUE_STR && r->type == VALUE_STR) {
		*out = str_cmp(l->s, r->s);
	} else if (l->type == VALUE_LIST && r->type == VALUE_LIST) {
		for (size_t i = 0; i < l->list.n && i < r->list.n; i++) {
			if (!jinja_order(in, l->list.v[i], r->list.v[i], pos, out))
				return false;
			if (*out)
				return true;
		}
		*out = (l->list.n > r->list.n) - (l->list.n < r->list.n);
	} else {
		return jinja_fail(in, pos, "%s and %s have no order", value_type_name(l),
			       value_type_name(r)) != NULL;
	}
	return true;
}

/* x in y: true, false, unknown, or an error. */
static struct value *test_contains(
	struct jinja *in, const struct value *y, const struct value *x, struct pos pos)
{
	if (y->type == VALUE_STR) {
		size_t at;
		if (x->type != VALUE_STR)
			return jinja_fail(
				in, pos, "only text can be in text, not %s", value_type_name(x));
		return jinja_bool(in, text_find(y->s, x->s, 0, &at));
	}
	if (y->type == VALUE_MAP) {
		struct str key = x->type == VALUE_STR ? x->s : value_print(in->a, x);
		bool there = map_get(y, key) != NULL;
		if (!there)
			jinja_missing(in, y, key);
		return jinja_bool(in, there);
	}
	if (y->type != VALUE_LIST)
		return jinja_fail(in, pos, "nothing can be 'in' %s", value_type_name(y));
	struct value *unknown = NULL;
	if (!jinja_step(in, y->list.n, pos))
		return NULL;
	for (size_t i = 0; i < y->list.n; i++) {
		struct value *item = y->list.v[i];
		if (item->type == VALUE_UNDEFINED)
			return jinja_undefined_error(in, item, pos);
		if (value_equal(item, x) && !value_find_type(item, VALUE_UNKNOWN))
			return in->yes;
		if (item->type == VALUE_UNKNOWN)
			unknown = item;
	}
	return unknown ? unknown : in->no;
}

/* The UNKNOWN in one of the values that prevents their comparison. */
static struct value *unknown_in(struct jinja *in, const struct value *l, const struct value *r)
{
	const struct value *u = value_find_type(l, VALUE_UNKNOWN);
	if (!u)
		u = value_find_type(r, VALUE_UNKNOWN);
	return u ? value_unknown(in->a, STR_FMT, STR_ARG(u->s)) : NULL;
}

struct value *jinja_compare(
	struct jinja *in, enum token_kind op, struct value *l, struct value *r, struct pos pos)
{
	int order = 0;
	if (op == TOK_IN || op == TOK_NOT_IN) {
		if (l->type == VALUE_UNKNOWN || r->type == VALUE_UNKNOWN)
			return l->type == VALUE_UNKNOWN ? l : r;
		struct value *v = test_contains(in, r, l, pos);
		if (!v || v->type == VALUE_UNKNOWN)
			return v;
		return jinja_bool(in, v->b == (op == TOK_IN));
	}
	struct value *unknown = unknown_in(in, l, r);
	if (unknown)
		return unknown;
	if (op == TOK_EQ || op == TOK_NE)
		return jinja_bool(in, value_equal(l, r) == (op == TOK_EQ));
	if (!jinja_order(in, l, r, pos, &order))
		return NULL;
	switch (op) {
	case TOK_LT:
		return jinja_bool(in, order < 0);
	case TOK_LE:
		return jinja_bool(in, order <= 0);
	case TOK_GT:
		return jinja_bool(in, order > 0);
	default:
		return jinja_bool(in, order >= 0);
	}
}
