/* SPDX-License-Identifier: MIT
 *
 * Text as characters, like Python's str: length, case, search, split. A byte outside of well-formed
 * UTF-8 counts as one character. Upper and lower case are Unicode's, from libc's locale C.UTF-8,
 * independently of the process's locale.
 */
#include <errno.h>
#include <locale.h>
#include <wctype.h>
#include "jinja/call.h"

size_t text_next(struct str s, size_t i)
{
	if (i >= s.n || (unsigned char)s.p[i] < 0x80)
		return 1;
	size_t n = str_utf8_len(s.p + i, s.n - i);
	return n ? n : 1;
}

size_t text_chars(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i += text_next(s, i))
		n++;
	return n;
}

size_t text_offset(struct str s, size_t chars)
{
	size_t i = 0;
	while (chars-- > 0 && i < s.n)
		i += text_next(s, i);
	return i;
}

struct str text_sub(struct str s, size_t from, size_t to)
{
	return (struct str){s.p + from, to - from};
}

static struct value *make_piece(struct jinja *in, const char *p, size_t n)
{
	struct value *v = value_str(in->a, str_dup(in->a, p, n));
	v->literal = true;
	return v;
}

struct value *text_chars_list(struct jinja *in, struct str s)
{
	struct value *list = value_list(in->a);
	list->literal = true;
	for (size_t i = 0, n; i < s.n; i += n) {
		n = text_next(s, i);
		list_add(in->a, list, make_piece(in, s.p + i, n));
	}
	return list;
}

bool text_find(struct str s, struct str what, size_t from, size_t *at)
{
	if (from > s.n || what.n > s.n - from)
		return false;
	const char *p = what.n ? memmem(s.p + from, s.n - from, what.p, what.n) : s.p + from;
	if (p)
		*at = (size_t)(p - s.p);
	return p != NULL;
}

bool text_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool text_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- case ---- */
static locale_t unicode_locale(void)
{
	static locale_t l; /* created once, never freed */
	if (!l)
		l = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return l;
}

static uint32_t decode_char(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	if (n == 1)
		return u[0];
	uint32_t c = u[0] & (0xff >> (n + 1));
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (u[i] & 0x3f);
	return c;
}

static void encode_char(struct buf *b, uint32_t c)
{
	char p[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n; i-- > 1; c >>= 6)
		p[i] = (char)(0x80 | (c & 0x3f));
	p[0] = n == 1 ? (char)c : (char)((0xf00u >> n) | c);
	buf_add(b, p, n);
}

enum letter_case { UPPER, LOWER };

static void add_case(struct buf *b, struct str s, size_t i, size_t n, enum letter_case to)
{
	if (n == 1) {
		char c = s.p[i];
		if (to == UPPER && c >= 'a' && c <= 'z')
			c -= 32;
		else if (to == LOWER && c >= 'A' && c <= 'Z')
			c += 32;
		buf_addc(b, c);
		return;
	}
	locale_t l = unicode_locale();
	wint_t c = (wint_t)decode_char(s.p + i, n);
	if (l)
		c = to == UPPER ? towupper_l(c, l) : towlower_l(c, l);
	encode_char(b, (uint32_t)c);
}

static bool is_letter(struct str s, size_t i, size_t n)
{
	char c = s.p[i] | 0x20;
	if (n == 1)
		return c >= 'a' && c <= 'z' && (unsigned char)s.p[i] < 0x80;
	locale_t l = unicode_locale();
	return l && iswalpha_l((wint_t)decode_char(s.p + i, n), l);
}

/* Changes the case of all characters; `first` decides whether a character begins a word. */
static struct str change_case(struct arena *a, struct str s, enum letter_case first,
	enum letter_case rest, bool (*begins)(struct str s, size_t i, size_t before))
{
	struct buf b;
	size_t before = 0;
	buf_init(&b, s.n * 4 + 8);
	for (size_t i = 0, n; i < s.n; i += n) {
		n = text_next(s, i);
		add_case(&b, s, i, n, begins(s, i, before) ? first : rest);
		before = i;
	}
	struct str r = buf_str(a, &b);
	buf_free(&b);
	return r;
}

static bool take_every(struct str s, size_t i, size_t before)
{
	(void)s;
	(void)i;
	(void)before;
	return true;
}

static bool at_start(struct str s, size_t i, size_t before)
{
	(void)s;
	(void)before;
	return i == 0;
}

/* Jinja2's title: a word begins after white space or one of -({[< */
static bool after_break(struct str s, size_t i, size_t before)
{
	return i == 0 || text_is_space(s.p[before]) ||
	       (s.p[before] && strchr("-({[<", s.p[before]));
}

struct str text_upper(struct arena *a, struct str s)
{
	return change_case(a, s, UPPER, UPPER, take_every);
}

struct str text_lower(struct arena *a, struct str s)
{
	return change_case(a, s, LOWER, LOWER, take_every);
}

struct str text_capitalize(struct arena *a, struct str s)
{
	return change_case(a, s, UPPER, LOWER, at_start);
}

struct str text_title(struct arena *a, struct str s)
{
	return change_case(a, s, UPPER, LOWER, after_break);
}

static bool after_no_letter(struct str s, size_t i, size_t before)
{
	return i == 0 || !is_letter(s, before, text_next(s, before));
}

struct str text_title_method(struct arena *a, struct str s)
{
	return change_case(a, s, UPPER, LOWER, after_no_letter);
}

/* ---- ends, parts ---- */
static bool is_stripped(struct str chars, struct str s, size_t i, size_t n)
{
	size_t at;
	if (!chars.p)
		return n == 1 && text_is_space(s.p[i]);
	return text_find(chars, text_sub(s, i, i + n), 0, &at);
}

struct str text_strip(struct arena *a, struct str s, struct str chars, int sides)
{
	size_t from = 0, to = s.n;
	while ((sides & 1) && from < to && is_stripped(chars, s, from, text_next(s, from)))
		from += text_next(s, from);
	while ((sides & 2) && to > from) {
		size_t i = to - 1;
		while (i > from && to - i < 4 && ((unsigned char)s.p[i] & 0xc0) == 0x80)
			i--;
		if (i + text_next(s, i) != to)
			i = to - 1;
		if (!is_stripped(chars, s, i, to - i))
			break;
		to = i;
	}
	return from == 0 && to == s.n ? s : str_dup(a, s.p + from, to - from);
}

struct str text_replace(struct call *c, struct str s, struct str from, struct str to, int64_t max)
{
	struct buf b;
	size_t i = 0, at;
	buf_init(&b, TEXT_MAX);
	if (!from.n) { /* between all characters */
		for (; i < s.n && max != 0; max -= max > 0) {
			size_t n = text_next(s, i);
			buf_add(&b, to.p, to.n);
			buf_add(&b, s.p + i, n);
			i += n;
		}
		if (max != 0)
			buf_add(&b, to.p, to.n);
	}
	while (from.n && max != 0 && text_find(s, from, i, &at)) {
		buf_add(&b, s.p + i, at - i);
		buf_add(&b, to.p, to.n);
		i = at + from.n;
		max -= max > 0;
	}
	buf_add(&b, s.p + i, s.n - i);
	if (b.over)
		call_fail(c, "the text is too long");
	struct str r = buf_str(c->a, &b);
	buf_free(&b);
	return r;
}

static struct value *split_space(struct call *c, struct str s, int64_t max)
{
	struct value *list = value_list(c->a);
	size_t i = 0;
	while (i < s.n) {
		while (i < s.n && text_is_space(s.p[i]))
			i++;
		if (i >= s.n)
			break;
		size_t from = i;
		while (i < s.n && (max == 0 || !text_is_space(s.p[i])))
			i++;
		list_add(c->a, list, make_piece(c->in, s.p + from, i - from));
		max -= max > 0;
	}
	return list;
}

static void reverse_list(struct value *list)
{
	for (size_t i = 0, k = list->list.n; i + 1 < k; i++) {
		struct value *v = list->list.v[i];
		list->list.v[i] = list->list.v[--k];
		list->list.v[k] = v;
	}
}

/* Splits from the right; sep.p NULL: at white space. */
static struct value *split_right(struct call *c, struct str s, struct str sep, int64_t max)
{
	struct value *list = value_list(c->a);
	size_t to = s.n;
	for (size_t i = s.n; i > 0 && max != 0;) {
		bool hit = sep.p ? i >= sep.n && memcmp(s.p + i - sep.n, sep.p, sep.n) == 0
				 : text_is_space(s.p[i - 1]);
		if (!hit) {
			i--;
			continue;
		}
		if (sep.p || to > i) {
			list_add(c->a, list, make_piece(c->in, s.p + i, to - i));
			max -= max > 0;
		}
		i -= sep.p ? sep.n : 1;
		to = i;
	}
	struct str rest = text_sub(s, 0, to);
	if (!sep.p)
		rest = text_strip(c->a, str_dup(c->a, s.p, to), (struct str){NULL, 0}, 3);
	if (sep.p || rest.n)
		list_add(c->a, list, make_piece(c->in, rest.p, rest.n));
	reverse_list(list);
	return list;
}

struct value *text_split(struct call *c, struct str s, struct str sep, int64_t max, bool right)
{
	size_t i = 0, at;
	if (sep.p && !sep.n)
		return call_fail(c, "an empty separator");
	if (right && max >= 0)
		return split_right(c, s, sep, max);
	if (!sep.p)
		return split_space(c, s, max);
	struct value *list = value_list(c->a);
	while (max != 0 && text_find(s, sep, i, &at)) {
		list_add(c->a, list, make_piece(c->in, s.p + i, at - i));
		i = at + sep.n;
		max -= max > 0;
	}
	list_add(c->a, list, make_piece(c->in, s.p + i, s.n - i));
	return list;
}

struct value *text_lines(struct jinja *in, struct str s, bool keep)
{
	struct value *list = value_list(in->a);
	for (size_t i = 0; i < s.n;) {
		size_t end = i, after;
		while (end < s.n && s.p[end] != '\n' && s.p[end] != '\r')
			end++;
		after = end < s.n ? end + 1 : end;
		if (end < s.n && s.p[end] == '\r' && after < s.n && s.p[after] == '\n')
			after++;
		list_add(in->a, list, make_piece(in, s.p + i, (keep ? after : end) - i));
		i = after;
	}
	return list;
}

/* ---- numbers ---- */
static bool digits_only(const char *p, bool *has_digit)
{
	bool last = false; /* underscores are allowed between digits */
	*has_digit = false;
	for (; *p; p++) {
		if (*p >= '0' && *p <= '9')
			last = *has_digit = true;
		else if (*p == '_' && last && p[1] >= '0' && p[1] <= '9')
			last = false;
		else
			return false;
	}
	return *has_digit;
}

static bool is_special_float(const char *p)
{
	static const char *const words[] = {"inf", "infinity", "nan"};
	p += *p == '+' || *p == '-';
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(p, words[i]) == 0)
			return true;
	return false;
}

enum { NUMBER_LEN = 400 };

bool text_number(struct str s, bool *is_int, int64_t *i, double *f)
{
	char copy[NUMBER_LEN];
	size_t n = 0, from = 0, to = s.n;
	bool has_digit;
	while (from < to && text_is_space(s.p[from]))
		from++;
	while (to > from && text_is_space(s.p[to - 1]))
		to--;
	if (to == from || to - from >= NUMBER_LEN)
		return false;
	memcpy(copy, s.p + from, to - from);
	copy[to - from] = 0;
	const char *start = copy + (copy[0] == '+' || copy[0] == '-');
	bool whole = digits_only(start, &has_digit);
	for (size_t k = 0; copy[k]; k++)
		if (copy[k] != '_' || !whole)
			copy[n++] = copy[k];
	copy[n] = 0;
	char *end;
	errno = 0;
	if (whole) {
		*i = strtoll(copy, &end, 10);
		*is_int = errno == 0;
		if (errno == 0)
			return true;
	} else if (!is_special_float(copy) && strspn(copy, "+-0123456789.eE") != n) {
		return false; /* strtod accepts hexadecimal numbers, which Python does not */
	}
	*f = strtod(copy, &end);
	*is_int = false;
	return end != copy && !*end;
}

bool text_join(struct call *c, struct buf *b, struct value *list, struct str sep)
{
	for (size_t i = 0; i < list->list.n; i++) {
		struct value *v = list->list.v[i];
		if (v->type == VALUE_UNDEFINED)
			return jinja_undefined_error(c->in, v, c->pos) != NULL;
		if (i)
			buf_add(b, sep.p, sep.n);
		struct str s = v->type == VALUE_STR ? v->s : call_text(c, v);
		buf_add(b, s.p, s.n);
		if (v->type == VALUE_UNKNOWN)
			call_unknown(c, v);
	}
	return true;
}
