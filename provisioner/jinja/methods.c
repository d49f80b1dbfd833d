/* SPDX-License-Identifier: MIT
 *
 * Finds methods by name, and has those of strings. methods_list.c has those of lists and mappings.
 */
#include "jinja/call.h"

static struct str no_text(void)
{
	return (struct str){NULL, 0};
}

static bool text_arg(struct call *c, int i, struct str *out)
{
	const struct value *v = c->arg[i];
	*out = v && v->type == VALUE_STR ? v->s : no_text();
	if (v && v->type != VALUE_STR)
		return call_fail(c, "text is needed, not %s", value_type_name(v)) != NULL;
	return true;
}

/* ---- strings ---- */
static struct value *str_split(struct call *c)
{
	int64_t max = -1;
	if (!call_int(c, 1, -1, &max))
		return NULL;
	return text_split(c, c->v->s, call_arg(c, 0, NULL), max, false);
}

static struct value *str_rsplit(struct call *c)
{
	int64_t max = -1;
	if (!call_int(c, 1, -1, &max))
		return NULL;
	return text_split(c, c->v->s, call_arg(c, 0, NULL), max, true);
}

static struct value *str_splitlines(struct call *c)
{
	return text_lines(c->in, c->v->s, call_bool(c, 0, false));
}

/* startswith, endswith: the argument is a text or a tuple of texts */
static struct value *test_affix(struct call *c, bool front)
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
	return test_affix(c, true);
}

static struct value *str_endswith(struct call *c)
{
	return test_affix(c, false);
}

static struct value *strip_text(struct call *c, int sides)
{
	return call_str(c, text_strip(c->a, c->v->s, call_arg(c, 0, NULL), sides));
}

static struct value *str_strip(struct call *c)
{
	return strip_text(c, 3);
}

static struct value *str_lstrip(struct call *c)
{
	return strip_text(c, 1);
}

static struct value *str_rstrip(struct call *c)
{
	return strip_text(c, 2);
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
	int64_t max = -1;
	struct str from, to;
	if (!text_arg(c, 0, &from) || !text_arg(c, 1, &to) || !call_int(c, 2, -1, &max))
		return NULL;
	return call_str(c, text_replace(c, c->v->s, from, to, max));
}

/* find, index, rfind: offset in characters; -1: not found */
static int64_t find_text(struct call *c, bool last)
{
	struct str s = c->v->s, what;
	size_t at = 0, i = 0;
	int64_t from = 0, found = -1;
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
	return value_int(c->a, find_text(c, false));
}

static struct value *str_rfind(struct call *c)
{
	return value_int(c->a, find_text(c, true));
}

static struct value *str_index(struct call *c)
{
	int64_t i = find_text(c, false);
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

/* Pads to `width` characters; side -1: text at the left, 1: at the right, 0: in the centre. */
static struct value *pad_text(struct call *c, char fill, int side)
{
	int64_t width = 0, have = (int64_t)text_chars(c->v->s);
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
	return pad_text(c, fill_arg(c), -1);
}

static struct value *str_rjust(struct call *c)
{
	return pad_text(c, fill_arg(c), 1);
}

static struct value *str_center(struct call *c)
{
	return pad_text(c, fill_arg(c), 0);
}

static struct value *str_zfill(struct call *c)
{
	struct str s = c->v->s;
	if (!s.n || (s.p[0] != '-' && s.p[0] != '+'))
		return pad_text(c, '0', 1);
	int64_t width = 0;
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
	return c->v; /* text is always UTF-8 */
}

const struct callable str_methods[] = {
	{"capitalize", str_capitalize, "", 0,
		"The first letter in upper case, the others in lower case.", "'mAIL'.capitalize()",
		"\"Mail\""},
	{"center", str_center, "!width fill", 0, "The text centered in width columns.",
		"'mx'.center(6, '-')", "\"--mx--\""},
	{"count", str_count, "!sub", 0, "How often sub occurs in the text.", "'a.b.c'.count('.')",
		"2"},
	{"decode", str_encode, "encoding errors", 0, "The text itself.", "'mail'.decode()",
		"\"mail\""},
	{"encode", str_encode, "encoding errors", 0, "The text itself.", "'mail'.encode('utf-8')",
		"\"mail\""},
	{"endswith", str_endswith, "!suffix", CALL_PLAIN,
		"Does the text end with the suffix, or with one of a list?",
		"'site.yml'.endswith('.yml')", "true"},
	{"find", str_find, "!sub start", 0,
		"The index of the first occurrence of sub, from 0; -1 when there is none.",
		"'mail'.find('i')", "2"},
	{"format", str_format, "* **", 0, "The text with each {} replaced by an argument.",
		"'{}:{}'.format('mx1', 25)", "\"mx1:25\""},
	{"index", str_index, "!sub start", 0,
		"The index of the first occurrence of sub, from 0; an error when there is "
		"none.",
		"'mail'.index('a')", "1"},
	{"isalnum", str_isalnum, "", CALL_PLAIN, "Does the text consist of letters and digits?",
		"'mx1'.isalnum()", "true"},
	{"isalpha", str_isalpha, "", CALL_PLAIN, "Does the text consist of letters?",
		"'mx1'.isalpha()", "false"},
	{"isdigit", str_isdigit, "", CALL_PLAIN, "Does the text consist of digits?",
		"'25'.isdigit()", "true"},
	{"islower", str_islower, "", CALL_PLAIN,
		"Are all its letters in lower case, and is there one?", "'mx1'.islower()", "true"},
	{"isnumeric", str_isdigit, "", CALL_PLAIN, "The same as isdigit.", "'2.5'.isnumeric()",
		"false"},
	{"isspace", str_isspace, "", CALL_PLAIN, "Does the text consist of white space?",
		"' '.isspace()", "true"},
	{"isupper", str_isupper, "", CALL_PLAIN,
		"Are all its letters in upper case, and is there one?", "'MX'.isupper()", "true"},
	{"join", str_join, "!list", 0,
		"The items of the list as one text, with this text between them.",
		"', '.join(['a', 'b'])", "\"a, b\""},
	{"ljust", str_ljust, "!width fill", 0, "The text filled at its end to width columns.",
		"'mx'.ljust(4, '.')", "\"mx..\""},
	{"lower", str_lower, "", 0, "The text in lower case.", "'MX1'.lower()", "\"mx1\""},
	{"lstrip", str_lstrip, "chars", 0,
		"The text without white space, or the given characters, at its beginning.",
		"'  mx '.lstrip()", "\"mx \""},
	{"partition", str_partition, "!sep", 0,
		"What is before the separator, the separator, and what is behind it.",
		"'a=b=c'.partition('=')", "[\"a\", \"=\", \"b=c\"]"},
	{"removeprefix", str_removeprefix, "!prefix", 0,
		"The text without the prefix, if it begins with it.", "'mx1'.removeprefix('mx')",
		"\"1\""},
	{"removesuffix", str_removesuffix, "!suffix", 0,
		"The text without the suffix, if it ends with it.",
		"'site.yml'.removesuffix('.yml')", "\"site\""},
	{"replace", str_replace, "!old !new count", 0,
		"Every occurrence of old replaced by new, or only the first count of them.",
		"'a-b-c'.replace('-', '_', 1)", "\"a_b-c\""},
	{"rfind", str_rfind, "!sub start", 0,
		"The index of the last occurrence of sub, from 0; -1 when there is none.",
		"'a.b.c'.rfind('.')", "3"},
	{"rjust", str_rjust, "!width fill", 0, "The text filled at its beginning to width columns.",
		"'mx'.rjust(4, '.')", "\"..mx\""},
	{"rsplit", str_rsplit, "sep maxsplit", 0, "As split, but maxsplit counts from the end.",
		"'a.b.c'.rsplit('.', 1)", "[\"a.b\", \"c\"]"},
	{"rstrip", str_rstrip, "chars", 0,
		"The text without white space, or the given characters, at its end.",
		"'a/'.rstrip('/')", "\"a\""},
	{"split", str_split, "sep maxsplit", 0,
		"The text cut at each separator; without one, at white space. maxsplit: the "
		"largest number of cuts.",
		"'a.b.c'.split('.')", "[\"a\", \"b\", \"c\"]"},
	{"splitlines", str_splitlines, "keepends", 0,
		"The lines of the text as a list. keepends: each with its line end.",
		"'a\\nb\\n'.splitlines()", "[\"a\", \"b\"]"},
	{"startswith", str_startswith, "!prefix", CALL_PLAIN,
		"Does the text begin with the prefix, or with one of a list?",
		"'mx1'.startswith('mx')", "true"},
	{"strip", str_strip, "chars", 0,
		"The text without white space, or the given characters, at both ends.",
		"' mx '.strip()", "\"mx\""},
	{"title", str_title, "", 0, "Each word with its first letter in upper case.",
		"'mail server'.title()", "\"Mail Server\""},
	{"upper", str_upper, "", 0, "The text in upper case.", "'mx1'.upper()", "\"MX1\""},
	{"zfill", str_zfill, "!width", 0, "The number filled with zeros to width columns.",
		"'7'.zfill(3)", "\"007\""},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
