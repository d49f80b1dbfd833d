/* SPDX-License-Identifier: MIT
 *
 * Filters that make text from text. The input is converted to text as for printing, as in Jinja2.
 */
#include "jinja/call.h"

static struct value *f_upper(struct call *c)
{
	return call_str(c, text_upper(c->a, call_text(c, c->v)));
}

static struct value *f_lower(struct call *c)
{
	return call_str(c, text_lower(c->a, call_text(c, c->v)));
}

static struct value *f_capitalize(struct call *c)
{
	return call_str(c, text_capitalize(c->a, call_text(c, c->v)));
}

static struct value *f_title(struct call *c)
{
	return call_str(c, text_title(c->a, call_text(c, c->v)));
}

static struct value *f_string(struct call *c)
{
	return c->v->type == VALUE_STR ? c->v : call_str(c, call_text(c, c->v));
}

static struct value *f_trim(struct call *c)
{
	return call_str(c, text_strip(c->a, call_text(c, c->v), call_arg(c, 0, NULL), 3));
}

static struct value *f_replace(struct call *c)
{
	int64_t max;
	if (!call_int(c, 2, -1, &max))
		return NULL;
	struct str from = call_text(c, c->arg[0]), to = call_text(c, c->arg[1]);
	return call_str(c, text_replace(c, call_text(c, c->v), from, to, max));
}

static struct value *f_split(struct call *c)
{
	int64_t max;
	if (c->v->type != VALUE_STR)
		return call_fail(c, "text is needed, not %s", value_type_name(c->v));
	if (!call_int(c, 1, -1, &max))
		return NULL;
	return text_split(c, c->v->s, call_arg(c, 0, NULL), max, false);
}

static struct value *f_join(struct call *c)
{
	struct buf b;
	struct value *list = call_list(c, c->v);
	if (!list)
		return NULL;
	if (c->arg[1]) {
		struct value *parts = value_list(c->a);
		for (size_t i = 0; i < list->list.n; i++) {
			struct value *v = call_path(c, list->list.v[i], c->arg[1]);
			if (!v)
				return NULL;
			list_add(c->a, parts, v);
		}
		list = parts;
	}
	buf_init(&b, TEXT_MAX);
	text_join(c, &b, list, call_arg(c, 0, ""));
	return call_buf(c, &b);
}

/* "%s" | format(x) */
static struct value *f_format(struct call *c)
{
	bool named = c->kwargs && c->kwargs->map.n;
	return format_percent(c, call_text(c, c->v), c->rest, named ? c->kwargs : NULL);
}

static void add_times(struct buf *b, const char *s, int64_t n)
{
	for (int64_t i = 0; i < n && !b->over; i++)
		buf_adds(b, s);
}

enum { PAD_MAX = 1 << 20 };

static struct value *f_indent(struct call *c)
{
	struct buf b;
	int64_t width = 0;
	struct str s = call_text(c, c->v);
	const char *by = NULL;
	if (c->arg[0] && c->arg[0]->type == VALUE_STR)
		by = c->arg[0]->s.p;
	else if (!call_int(c, 0, 4, &width))
		return NULL;
	if (!by && width > PAD_MAX)
		return call_fail(c, "the width is too large");
	bool first = call_bool(c, 1, false), blank = call_bool(c, 2, false);
	struct value *lines = text_lines(c->in, str_printf(c->a, STR_FMT "\n", STR_ARG(s)), false);
	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < lines->list.n; i++) {
		struct str line = lines->list.v[i]->s;
		if (i)
			buf_addc(&b, '\n');
		if (i == 0 ? first : (blank || line.n)) {
			if (by)
				buf_adds(&b, by);
			else
				add_times(&b, " ", width);
		}
		buf_add(&b, line.p, line.n);
	}
	return call_buf(c, &b);
}

static struct value *f_center(struct call *c)
{
	struct buf b;
	int64_t width;
	struct str s = call_text(c, c->v);
	if (!call_int(c, 0, 80, &width))
		return NULL;
	if (width > PAD_MAX)
		return call_fail(c, "the width is too large");
	int64_t extra = width - (int64_t)text_chars(s);
	int64_t left = extra > 0 ? extra / 2 + (extra & width & 1) : 0;
	buf_init(&b, TEXT_MAX);
	add_times(&b, " ", left);
	buf_add(&b, s.p, s.n);
	add_times(&b, " ", extra - left);
	return call_buf(c, &b);
}

static struct value *f_truncate(struct call *c)
{
	int64_t length, leeway;
	struct str s = call_text(c, c->v), end = call_arg(c, 2, "...");
	bool kill = call_bool(c, 1, false);
	if (!call_int(c, 0, 255, &length) || !call_int(c, 3, 5, &leeway))
		return NULL;
	int64_t end_n = (int64_t)text_chars(end);
	if (length < end_n || leeway < 0)
		return call_fail(c, "the length is smaller than the end's, or leeway below 0");
	if ((int64_t)text_chars(s) <= length + leeway)
		return call_str(c, s);
	size_t n = text_offset(s, (size_t)(length - end_n));
	if (!kill)
		for (size_t i = n; i > 0; i--)
			if (s.p[i - 1] == ' ') {
				n = i - 1;
				break;
			}
	return call_str(c, str_printf(c->a, "%.*s" STR_FMT, (int)n, s.p, STR_ARG(end)));
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || (unsigned char)c >= 0x80;
}

static struct value *f_wordcount(struct call *c)
{
	struct str s = call_text(c, c->v);
	int64_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += is_word(s.p[i]) && (i == 0 || !is_word(s.p[i - 1]));
	return value_int(c->a, n);
}

/* Breaks lines at blanks to at most `width` characters; cuts longer words. */
static struct value *f_wordwrap(struct call *c)
{
	int64_t width;
	struct str s = call_text(c, c->v), wrap = call_arg(c, 2, "\n");
	bool cut = call_bool(c, 1, true);
	struct buf b;
	if (!call_int(c, 0, 79, &width))
		return NULL;
	if (width < 1)
		return call_fail(c, "the width must be above 0");
	buf_init(&b, TEXT_MAX);
	struct value *lines = text_lines(c->in, s, false);
	for (size_t k = 0; k < lines->list.n; k++) {
		struct value *words =
			text_split(c, lines->list.v[k]->s, (struct str){NULL, 0}, -1, false);
		int64_t col = 0;
		if (k)
			buf_add(&b, wrap.p, wrap.n);
		for (size_t i = 0; words && i < words->list.n; i++) {
			struct str w = words->list.v[i]->s;
			int64_t n = (int64_t)text_chars(w);
			if (col && col + 1 + n > width) {
				buf_add(&b, wrap.p, wrap.n);
				col = 0;
			} else if (col) {
				buf_addc(&b, ' ');
				col++;
			}
			for (; cut && n > width; n -= width) {
				size_t part = text_offset(w, (size_t)width);
				buf_add(&b, w.p, part);
				buf_add(&b, wrap.p, wrap.n);
				w = text_sub(w, part, w.n);
			}
			buf_add(&b, w.p, w.n);
			col += n;
		}
	}
	return call_buf(c, &b);
}

/* Quotes for a POSIX shell, as Python's shlex.quote. */
static struct value *f_quote(struct call *c)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "_@%+=:,./-";
	struct str s = c->v->type == VALUE_NULL ? str_c("") : call_text(c, c->v);
	struct buf b;
	if (s.n && strspn(s.p, safe) == s.n)
		return call_str(c, s);
	buf_init(&b, TEXT_MAX);
	buf_addc(&b, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\'')
			buf_adds(&b, "'\"'\"'");
		else
			buf_addc(&b, s.p[i]);
	}
	buf_addc(&b, '\'');
	return call_buf(c, &b);
}

static struct value *f_escape(struct call *c)
{
	static const struct {
		char from;
		const char *to;
	} html[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&#34;"}, {'\'', "&#39;"}};
	struct str s = call_text(c, c->v);
	struct buf b;
	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < s.n; i++) {
		size_t k = 0;
		while (k < ARRAY_LEN(html) && html[k].from != s.p[i])
			k++;
		if (k < ARRAY_LEN(html))
			buf_adds(&b, html[k].to);
		else
			buf_addc(&b, s.p[i]);
	}
	return call_buf(c, &b);
}

static void add_quoted(struct buf *b, struct str s, const char *safe, bool plus)
{
	static const char always[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_.-~";
	for (size_t i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i];
		if (ch && (strchr(always, ch) || strchr(safe, ch)))
			buf_addc(b, (char)ch);
		else if (plus && ch == ' ')
			buf_addc(b, '+');
		else
			buf_addf(b, "%%%02X", ch);
	}
}

static struct value *f_urlencode(struct call *c)
{
	struct buf b;
	buf_init(&b, TEXT_MAX);
	if (c->v->type != VALUE_MAP) {
		add_quoted(&b, call_text(c, c->v), "/", false);
		return call_buf(c, &b);
	}
	for (size_t i = 0; i < c->v->map.n; i++) {
		if (i)
			buf_addc(&b, '&');
		add_quoted(&b, c->v->map.e[i].key, "", true);
		buf_addc(&b, '=');
		add_quoted(&b, call_text(c, c->v->map.e[i].value), "", true);
	}
	return call_buf(c, &b);
}

/* ---- comment ---- */
static const struct {
	const char *name, *beginning, *decoration, *end;
} comment_styles[] = {
	{"plain", "", "# ", ""},
	{"erlang", "", "% ", ""},
	{"c", "", "// ", ""},
	{"cblock", "/*", " * ", " */"},
	{"xml", "<!--", " - ", "-->"},
};

static struct str option_text(struct call *c, const char *key, struct str dflt)
{
	struct value *v = c->kwargs ? map_at(c->kwargs, key) : NULL;
	return v ? call_text(c, v) : dflt;
}

static int64_t option_count(struct call *c, const char *key)
{
	struct value *v = c->kwargs ? map_at(c->kwargs, key) : NULL;
	return v && v->type == VALUE_INT && v->i >= 0 && v->i < 1000 ? v->i : 1;
}

static struct str right_trimmed(struct call *c, struct str s)
{
	return text_strip(c->a, s, (struct str){NULL, 0}, 2);
}

/* Adds the text with the decoration before each line; before an empty line without trailing
 * blanks. */
static void add_decorated(
	struct buf *b, struct call *c, struct str text, struct str decoration, struct str newline)
{
	struct str bare = right_trimmed(c, decoration);
	size_t from = 0, at = 0;
	for (;;) {
		bool more = newline.n && text_find(text, newline, from, &at);
		size_t end = more ? at : text.n;
		struct str d = more && end == from ? bare : decoration;
		buf_add(b, d.p, d.n);
		buf_add(b, text.p + from, end - from);
		if (!more)
			break;
		buf_add(b, newline.p, newline.n);
		from = at + newline.n;
	}
}

static struct value *f_comment(struct call *c)
{
	struct str style = call_arg(c, 0, "plain"), text = call_text(c, c->v);
	size_t i = 0;
	struct buf b;
	while (i < ARRAY_LEN(comment_styles) && !str_is(style, comment_styles[i].name))
		i++;
	if (i == ARRAY_LEN(comment_styles))
		return call_fail(c, "there is no style '" STR_FMT "'", STR_ARG(style));
	struct str newline = option_text(c, "newline", str_c("\n"));
	struct str decoration = option_text(c, "decoration", str_c(comment_styles[i].decoration));
	struct str beginning = option_text(c, "beginning", str_c(comment_styles[i].beginning));
	struct str end = option_text(c, "end", str_c(comment_styles[i].end));
	struct str prefix = option_text(c, "prefix", right_trimmed(c, decoration));
	struct str postfix = option_text(c, "postfix", right_trimmed(c, decoration));
	buf_init(&b, TEXT_MAX);
	if (beginning.n)
		buf_addf(&b, STR_FMT STR_FMT, STR_ARG(beginning), STR_ARG(newline));
	for (int64_t k = option_count(c, "prefix_count"); prefix.n && k > 0; k--) {
		buf_add(&b, prefix.p, prefix.n);
		if (!str_eq(prefix, newline))
			buf_add(&b, newline.p, newline.n);
	}
	add_decorated(&b, c, text, decoration, newline);
	for (int64_t k = option_count(c, "postfix_count"); k > 0; k--)
		buf_addf(&b, STR_FMT STR_FMT, STR_ARG(newline), STR_ARG(postfix));
	if (end.n)
		buf_addf(&b, STR_FMT STR_FMT, STR_ARG(newline), STR_ARG(end));
	return call_buf(c, &b);
}

const struct callable filters_text[] = {
	{"capitalize", f_capitalize, "", 0,
		"The first letter in upper case, the others in lower case.", "'mAIL' | capitalize",
		"\"Mail\""},
	{"center", f_center, "width", 0, "The text centered in width (80) columns.",
		"'mail' | center(8)", "\"  mail  \""},
	{"comment", f_comment, "style **", 0,
		"Each line as a comment. style: plain (default), erlang, c, cblock or xml; "
		"decoration, prefix, postfix and more change its parts.",
		"'managed' | comment(prefix='', postfix='')", "\"# managed\\n\""},
	{"e", f_escape, "", 0, "The same as escape.", "'<b>' | e", "\"&lt;b&gt;\""},
	{"escape", f_escape, "", 0,
		"The text with &, <, > and both quotes written as HTML has them.",
		"'<a & b>' | escape", "\"&lt;a &amp; b&gt;\""},
	{"format", f_format, "* **", 0,
		"The text with each % conversion replaced by an argument, as Python's % operator "
		"does.",
		"'%s:%d' | format('mx1', 25)", "\"mx1:25\""},
	{"indent", f_indent, "width first blank", 0,
		"Each line but the first indented by width (4) spaces, or by a text. first: "
		"also the first line; blank: also empty lines.",
		"'a\\nb' | indent(2)", "\"a\\n  b\""},
	{"join", f_join, "d attribute", 0,
		"The items as one text, with a separator between them; of mappings an attribute.",
		"['mx1', 'mx2'] | join(', ')", "\"mx1, mx2\""},
	{"lower", f_lower, "", 0, "The text in lower case.", "'MX1' | lower", "\"mx1\""},
	{"quote", f_quote, "", 0, "The text as one word of a shell command.", "'two words' | quote",
		"\"'two words'\""},
	{"replace", f_replace, "!old !new count", 0,
		"Every occurrence of old replaced by new, or only the first count of them.",
		"'a-b-c' | replace('-', '_')", "\"a_b_c\""},
	{"safe", f_string, "", 0,
		"The value as text: the same as string, since nothing is escaped anyway.",
		"'<b>' | safe", "\"<b>\""},
	{"split", f_split, "sep maxsplit", 0,
		"The text cut at each separator; without one, at white space. maxsplit: the "
		"largest number of cuts.",
		"'a,b,c' | split(',')", "[\"a\", \"b\", \"c\"]"},
	{"string", f_string, "", 0, "The value as text.", "25 | string", "\"25\""},
	{"title", f_title, "", 0,
		"Each word with its first letter in upper case and the others in lower case.",
		"'mail server' | title", "\"Mail Server\""},
	{"trim", f_trim, "chars", 0,
		"The text without white space, or the given characters, at both ends.",
		"'  mail ' | trim", "\"mail\""},
	{"truncate", f_truncate, "length killwords end leeway", 0,
		"A text longer than length (255) is cut, at a word unless killwords is true, and "
		"ends in end ('...'). A text longer by at most leeway (5) stays.",
		"'one two three four' | truncate(12)", "\"one two...\""},
	{"upper", f_upper, "", 0, "The text in upper case.", "'mx1' | upper", "\"MX1\""},
	{"urlencode", f_urlencode, "", 0,
		"The text as a part of a URL; a mapping, or a list of pairs, as its query.",
		"'a b/c' | urlencode", "\"a%20b/c\""},
	{"wordcount", f_wordcount, "", 0, "The number of words.", "'one two three' | wordcount",
		"3"},
	{"wordwrap", f_wordwrap, "width break_long_words wrapstring break_on_hyphens", 0,
		"The text in lines of at most width (79) columns.", "'one two three' | wordwrap(8)",
		"\"one two\\nthree\""},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
