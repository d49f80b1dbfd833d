/* SPDX-License-Identifier: MIT
 *
 * Python literals in INI inventories ("port=25", "nets=['a', 'b']"), and host ranges. Text in,
 * values out; anything that is not a literal stays text.
 */
#include <ctype.h>
#include <errno.h>
#include "inventory/inventory.h"

enum { LITERAL_DEPTH = 16, NUMBER_MAX = 64, RANGE_MAX = 100000 };

struct lit {
	struct arena *a;
	struct pos pos;
	const char *p, *end;
	int depth;
};

static struct value *lit_value(struct lit *l);

static void lit_space(struct lit *l)
{
	while (l->p < l->end && isspace((unsigned char)*l->p))
		l->p++;
}

static struct value *lit_text(struct lit *l)
{
	static const char from[] = "ntr0\\'\"", to[] = "\n\t\r\0\\'\"";
	char quote = *l->p++;
	struct buf b;
	struct value *v;
	buf_init(&b, FILE_MAX);
	while (l->p < l->end && *l->p != quote) {
		const char *esc;
		if (*l->p == '\\' && l->p + 1 < l->end && (esc = strchr(from, l->p[1])) && *esc) {
			buf_addc(&b, to[esc - from]);
			l->p += 2;
		} else {
			buf_addc(&b, *l->p++);
		}
	}
	v = l->p < l->end ? value_str(l->a, buf_str(l->a, &b)) : NULL;
	l->p++;
	buf_free(&b);
	return v;
}

static bool word_is(struct lit *l, const char *word)
{
	size_t n = strlen(word);
	if ((size_t)(l->end - l->p) < n || memcmp(l->p, word, n) != 0)
		return false;
	if (l->p + n < l->end && (isalnum((unsigned char)l->p[n]) || l->p[n] == '_'))
		return false;
	l->p += n;
	return true;
}

/* The characters of a number without its underscores; NULL: one is misplaced. Else what follows. */
static const char *copy_number(const struct lit *l, char out[NUMBER_MAX])
{
	const char *s = l->p;
	size_t n = 0;
	for (; s < l->end && n < NUMBER_MAX - 1 &&
		(isalnum((unsigned char)*s) || strchr("+-._", *s));
		s++) {
		if (*s != '_')
			out[n++] = *s;
		else if (n == 0 || !isxdigit((unsigned char)s[-1]))
			return NULL;
	}
	out[n] = 0;
	return s;
}

static int base_of(const char *digits)
{
	if (digits[0] != '0' || !digits[1])
		return 10;
	switch (tolower((unsigned char)digits[1])) {
	case 'x':
		return 16;
	case 'o':
		return 8;
	case 'b':
		return 2;
	default:
		return 10;
	}
}

static struct value *read_float(struct arena *a, const char *text)
{
	char *end;
	errno = 0;
	double f = strtod(text, &end);
	return *end || errno ? NULL : value_float(a, f);
}

static struct value *read_int(struct arena *a, const char *text, const char *digits, int base)
{
	const char *from = base == 10 ? digits : digits + 2;
	char *end;
	if (base == 10 && digits[0] == '0' && strspn(digits, "0") != strlen(digits))
		return NULL;
	errno = 0;
	long long i = strtoll(base == 10 ? text : from, &end, base);
	if (*end || errno || end == from)
		return NULL;
	return value_int(a, base != 10 && text[0] == '-' ? -i : i);
}

/* Decimal without leading zeros, 0x, 0o, 0b, underscores between digits, and floats. */
static struct value *lit_number(struct lit *l)
{
	char text[NUMBER_MAX];
	const char *rest = copy_number(l, text);
	if (!rest)
		return NULL;
	const char *digits = text + strspn(text, "+-");
	if (!isdigit((unsigned char)*digits) && *digits != '.')
		return NULL;
	int base = base_of(digits);
	bool is_float = base == 10 && strpbrk(digits, ".eE");
	struct value *v = is_float ? read_float(l->a, text) : read_int(l->a, text, digits, base);
	if (v)
		l->p = rest;
	return v;
}

static struct value *lit_list(struct lit *l, char close)
{
	struct value *list = value_list(l->a);
	l->p++;
	for (;;) {
		struct value *v;
		lit_space(l);
		if (l->p < l->end && *l->p == close) {
			l->p++;
			return list;
		}
		v = lit_value(l);
		if (!v)
			return NULL;
		list_add(l->a, list, v);
		lit_space(l);
		if (l->p < l->end && *l->p == ',')
			l->p++;
		else if (l->p >= l->end || *l->p != close)
			return NULL;
	}
}

static struct value *lit_map(struct lit *l)
{
	struct value *map = value_map(l->a);
	l->p++;
	for (;;) {
		struct value *k, *v;
		lit_space(l);
		if (l->p < l->end && *l->p == '}') {
			l->p++;
			return map;
		}
		k = lit_value(l);
		lit_space(l);
		if (!k || l->p >= l->end || *l->p++ != ':')
			return NULL;
		v = lit_value(l);
		if (!v)
			return NULL;
		map_set(l->a, map, value_print(l->a, k), v);
		lit_space(l);
		if (l->p < l->end && *l->p == ',')
			l->p++;
		else if (l->p >= l->end || *l->p != '}')
			return NULL;
	}
}

static struct value *lit_value(struct lit *l)
{
	struct value *v = NULL;
	lit_space(l);
	if (l->p >= l->end || l->depth >= LITERAL_DEPTH)
		return NULL;
	l->depth++;
	if (*l->p == '\'' || *l->p == '"')
		v = lit_text(l);
	else if (*l->p == '[' || *l->p == '(')
		v = lit_list(l, *l->p == '[' ? ']' : ')');
	else if (*l->p == '{')
		v = lit_map(l);
	else if (word_is(l, "True"))
		v = value_bool(l->a, true);
	else if (word_is(l, "False"))
		v = value_bool(l->a, false);
	else if (word_is(l, "None"))
		v = value_null(l->a);
	else
		v = lit_number(l);
	l->depth--;
	if (v)
		v->pos = l->pos;
	return v;
}

struct value *literal_parse(struct arena *a, struct str s, struct pos pos)
{
	struct lit l = {.a = a, .pos = pos, .p = s.p, .end = s.p + s.n};
	struct value *v = lit_value(&l);
	lit_space(&l);
	if (v && (l.p == l.end || *l.p == '#')) /* Python treats this as a comment, too */
		return v;
	v = value_str(a, s);
	v->pos = pos;
	return v;
}

/* ---- host ranges ---- */
struct range {
	long first, last, step;
	int width; /* number of digits, zero-padded; 0: not padded */
	bool letters;
};

static bool range_read(struct str body, struct range *r)
{
	char text[64] = "", *first, *last, *step, *end = text;
	size_t n = body.n < sizeof(text) ? body.n : 0;
	memcpy(text, body.p, n);
	text[n] = 0;
	first = text;
	last = strchr(first, ':');
	if (!last)
		return false;
	*last++ = 0;
	step = strchr(last, ':');
	if (step)
		*step++ = 0;
	r->step = step ? strtol(step, &end, 10) : 1;
	if (r->step < 1 || (step && *end))
		return false;
	if (isalpha((unsigned char)first[0]) && !first[1] && isalpha((unsigned char)last[0]) &&
		!last[1]) {
		*r = (struct range){first[0], last[0], r->step, 0, true};
		return r->first <= r->last;
	}
	r->first = strtol(first, &end, 10); /* "[:3]" starts at 0 */
	if (*end || *last == 0)
		return false;
	r->last = strtol(last, &end, 10);
	if (first[0] == '0' && strlen(first) > 1)
		r->width = (int)strlen(first);
	return !*end && r->first >= 0 && r->first <= r->last &&
	       (!r->width || strlen(first) == strlen(last));
}

static bool expand_range(struct arena *a, struct str pattern, struct str prefix, struct str **out,
	size_t *n, size_t *cap)
{
	const char *open = memchr(pattern.p, '[', pattern.n);
	const char *close = open ? memchr(open, ']', pattern.n - (size_t)(open - pattern.p)) : NULL;
	struct range r = {0};
	struct str rest;
	if (!open) {
		PUSH(a, *out, *n, *cap,
			str_printf(a, STR_FMT STR_FMT, STR_ARG(prefix), STR_ARG(pattern)));
		return *n <= RANGE_MAX;
	}
	if (!close || !range_read((struct str){open + 1, (size_t)(close - open - 1)}, &r))
		return false;
	rest = (struct str){close + 1, pattern.n - (size_t)(close + 1 - pattern.p)};
	for (long i = r.first; i <= r.last; i += r.step) {
		struct str head = {pattern.p, (size_t)(open - pattern.p)};
		struct str next = r.letters ? str_printf(a, STR_FMT STR_FMT "%c", STR_ARG(prefix),
						      STR_ARG(head), (char)i)
					    : str_printf(a, STR_FMT STR_FMT "%0*ld",
						      STR_ARG(prefix), STR_ARG(head), r.width, i);
		if (*n > RANGE_MAX || !expand_range(a, rest, next, out, n, cap))
			return false;
	}
	return true;
}

bool range_expand(struct arena *a, struct str pattern, struct pos pos, struct str **out, size_t *n,
	struct errs *errs)
{
	size_t cap = 0;
	*out = NULL;
	*n = 0;
	if (expand_range(a, pattern, str_c(""), out, n, &cap))
		return true;
	if (*n > RANGE_MAX)
		return errs_add(
			errs, pos, "'%s' stands for more than %d hosts", pattern.p, RANGE_MAX);
	return errs_add(errs, pos,
		"'%s' is not a host name or range; write a range as [1:9], [01:20], [a:f] or "
		"[1:9:2]",
		pattern.p);
}
