/* SPDX-License-Identifier: MIT
 *
 * The test `version`: compares version numbers, loosely or by the rules of semantic versioning.
 */
#include "jinja/call.h"

enum { PART_MAX = 64 };
struct part { /* of a version: a number or another text */
	bool is_number;
	struct str s;
};

static const struct {
	const char *names;
	int low, high; /* the results of the comparison that satisfy it */
} version_operators[] = {
	{" == = eq ", 0, 0},
	{" < lt ", -1, -1},
	{" <= le ", -1, 0},
	{" > gt ", 1, 1},
	{" >= ge ", 0, 1},
};

static int char_class(char ch)
{
	if (ch >= '0' && ch <= '9')
		return 1;
	return ch >= 'a' && ch <= 'z' ? 2 : 3;
}

/* "1.2rc1" is 1, 2, rc, 1 (as in distutils' LooseVersion). */
static size_t version_parts(struct str s, struct part *parts)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n && n < PART_MAX;) {
		if (s.p[i] == '.') {
			i++;
			continue;
		}
		size_t from = i;
		int class = char_class(s.p[i]);
		while (i < s.n && s.p[i] != '.' && char_class(s.p[i]) == class)
			i++;
		parts[n++] = (struct part){class == 1, text_sub(s, from, i)};
	}
	return n;
}

static int compare_part(const struct part *a, const struct part *b)
{
	struct str x = a->s, y = b->s;
	if (a->is_number != b->is_number)
		return a->is_number ? 1 : -1; /* 1.0 is later than 1.rc */
	if (!a->is_number)
		return str_cmp(x, y);
	while (x.n > 1 && *x.p == '0')
		x = text_sub(x, 1, x.n);
	while (y.n > 1 && *y.p == '0')
		y = text_sub(y, 1, y.n);
	if (x.n != y.n)
		return x.n > y.n ? 1 : -1;
	return str_cmp(x, y);
}

static int compare_parts(const struct part *a, size_t n, const struct part *b, size_t m)
{
	for (size_t i = 0; i < n && i < m; i++) {
		int order = compare_part(&a[i], &b[i]);
		if (order)
			return order;
	}
	return (n > m) - (n < m);
}

/* Semantic versioning: build metadata is ignored, a pre-release is earlier than its release. */
static int compare_semver(struct call *c, struct str a, struct str b)
{
	struct part x[PART_MAX], y[PART_MAX];
	struct str *v[2] = {&a, &b}, pre[2];
	for (int i = 0; i < 2; i++) {
		size_t n = strcspn(v[i]->p, "+");
		struct str s = str_dup(c->a, v[i]->p, n);
		n = strcspn(s.p, "-");
		pre[i] = n < s.n ? str_dup(c->a, s.p + n + 1, s.n - n - 1) : str_c("");
		*v[i] = str_dup(c->a, s.p, n);
	}
	int order = compare_parts(x, version_parts(a, x), y, version_parts(b, y));
	if (order)
		return order;
	if (!pre[0].n || !pre[1].n)
		return (pre[0].n == 0) - (pre[1].n == 0);
	int low = compare_parts(x, version_parts(pre[0], x), y, version_parts(pre[1], y));
	return low;
}

struct value *test_version(struct call *c)
{
	struct part x[PART_MAX], y[PART_MAX];
	struct str a = call_text(c, c->v), b = call_text(c, c->arg[0]);
	struct str type = call_arg(c, 3, "loose");
	const char *op = arena_printf(c->a, " " STR_FMT " ", STR_ARG(call_arg(c, 1, "eq")));
	bool semver = str_is(type, "semver") || str_is(type, "semantic") || call_bool(c, 2, false);
	if (!a.n)
		return call_fail(c, "an empty version");
	int order = semver ? compare_semver(c, a, b)
			   : compare_parts(x, version_parts(a, x), y, version_parts(b, y));
	order = (order > 0) - (order < 0);
	if (strstr(" != <> ne ", op))
		return jinja_bool(c->in, order != 0);
	for (size_t i = 0; i < ARRAY_LEN(version_operators); i++)
		if (strstr(version_operators[i].names, op))
			return jinja_bool(c->in, order >= version_operators[i].low &&
							 order <= version_operators[i].high);
	return call_fail(c, "there is no operator '%s'", op);
}
