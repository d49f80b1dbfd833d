/* SPDX-License-Identifier: MIT
 *
 * Filters that convert values to and from JSON and YAML; and default, mandatory and similar ones.
 * None depends on time or is random: a plan must be repeatable.
 */
#include "jinja/call.h"
#include "yaml/yaml.h"

/* ---- defined or not ---- */
static struct value *f_default(struct call *c)
{
	if (c->v->type == VALUE_UNKNOWN || is_parts(c->v))
		return c->v;
	bool empty = c->v->type == VALUE_UNDEFINED || (call_bool(c, 1, false) && !value_true(c->v));
	if (!empty)
		return c->v;
	return c->arg[0] ? c->arg[0] : c->in->empty;
}

static struct value *f_mandatory(struct call *c)
{
	if (c->v->type != VALUE_UNDEFINED)
		return c->v;
	if (c->arg[0])
		return call_fail(c, STR_FMT, STR_ARG(call_text(c, c->arg[0])));
	return call_fail(c, STR_FMT, STR_ARG(c->v->s)); /* not for default(), as in Ansible */
}

static struct value *f_type_debug(struct call *c)
{
	static const char *const names[] = {"NoneType", "bool", "int", "float", "str", "list",
		"dict", "bytes", "unknown", "undefined"};
	return call_str(c, str_c(names[c->v->type]));
}

/* ---- JSON, formatted as by Python's json module ---- */
struct json_style {
	int64_t indent; /* -1: on one line */
	bool sort, ascii, html;
};

static uint32_t code_point(struct str s, size_t i, size_t n)
{
	const unsigned char *u = (const unsigned char *)s.p + i;
	if (n == 1)
		return u[0] < 0x80 ? u[0] : 0xfffd;
	uint32_t c = u[0] & (0xffu >> (n + 1));
	for (size_t k = 1; k < n; k++)
		c = c << 6 | (u[k] & 0x3f);
	return c;
}

/* Adds a character that needs an escape. */
static void json_char(
	struct buf *b, struct str s, size_t i, size_t n, const struct json_style *style)
{
	static const char from[] = "\"\\\n\r\t\b\f", into[] = "\"\\nrtbf";
	uint32_t c = code_point(s, i, n);
	const char *known = c && c < 0x80 ? strchr(from, (int)c) : NULL;
	if (known)
		buf_add(b, (char[]){'\\', into[known - from]}, 2);
	else if (c < 0x80)
		buf_addf(b, "\\u%04x", c);
	else if (!style->ascii)
		buf_add(b, s.p + i, n);
	else if (c < 0x10000)
		buf_addf(b, "\\u%04x", c);
	else
		buf_addf(b, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
			0xdc00 + ((c - 0x10000) & 0x3ff));
}

/* The number of bytes from `i` on that need no escape. */
static size_t plain_bytes(struct str s, size_t i, const struct json_style *style)
{
	size_t n = 0;
	for (; i + n < s.n; n++) {
		unsigned char c = (unsigned char)s.p[i + n];
		if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\' ||
			(style->html && strchr("<>&'", c)))
			break;
	}
	return n;
}

static void json_text(struct buf *b, struct str s, const struct json_style *style)
{
	buf_addc(b, '"');
	for (size_t i = 0, n; i < s.n; i += n) {
		n = plain_bytes(s, i, style);
		if (n) {
			buf_add(b, s.p + i, n);
			continue;
		}
		n = text_next(s, i);
		json_char(b, s, i, n, style);
	}
	buf_addc(b, '"');
}

static void json_newline(struct buf *b, const struct json_style *style, int depth)
{
	if (style->indent < 0)
		return;
	buf_addc(b, '\n');
	for (int64_t i = 0; i < style->indent * depth; i++)
		buf_addc(b, ' ');
}

static int by_key(const void *a, const void *b)
{
	return str_cmp((*(const struct map_entry *const *)a)->key,
		(*(const struct map_entry *const *)b)->key);
}

static const struct map_entry **map_order(struct call *c, const struct value *v, bool sort)
{
	const struct map_entry **e = ARENA_ARRAY(c->a, const struct map_entry *, v->map.n);
	for (size_t i = 0; i < v->map.n; i++)
		e[i] = &v->map.e[i];
	if (sort && v->map.n)
		qsort(e, v->map.n, sizeof(*e), by_key);
	return e;
}

static bool json_value(struct call *c, struct buf *b, const struct value *v,
	const struct json_style *style, int depth);

static bool json_items(struct call *c, struct buf *b, const struct value *v,
	const struct json_style *style, int depth)
{
	bool map = v->type == VALUE_MAP, ok = true;
	size_t n = map ? v->map.n : v->list.n;
	const struct map_entry **e = map ? map_order(c, v, style->sort) : NULL;
	buf_addc(b, map ? '{' : '[');
	for (size_t i = 0; ok && i < n; i++) {
		if (i)
			buf_adds(b, style->indent < 0 ? ", " : ",");
		json_newline(b, style, depth + 1);
		if (map) {
			json_text(b, e[i]->key, style);
			buf_adds(b, ": ");
		}
		ok = json_value(c, b, map ? e[i]->value : v->list.v[i], style, depth + 1);
	}
	if (n)
		json_newline(b, style, depth);
	buf_addc(b, map ? '}' : ']');
	return ok;
}

static void json_float(struct call *c, struct buf *b, double f)
{
	if (f != f)
		buf_adds(b, "NaN");
	else if (f - f != 0)
		buf_adds(b, f > 0 ? "Infinity" : "-Infinity");
	else
		buf_adds(b, value_print(c->a, value_float(c->a, f)).p);
}

static bool json_value(struct call *c, struct buf *b, const struct value *v,
	const struct json_style *style, int depth)
{
	if (depth > JINJA_DEPTH)
		return call_fail(c, "nested too deeply") != NULL;
	switch (v->type) {
	case VALUE_NULL:
		buf_adds(b, "null");
		return true;
	case VALUE_BOOL:
		buf_adds(b, v->b ? "true" : "false");
		return true;
	case VALUE_INT:
		buf_addf(b, "%lld", (long long)v->i);
		return true;
	case VALUE_FLOAT:
		json_float(c, b, v->f);
		return true;
	case VALUE_STR:
		json_text(b, v->s, style);
		return true;
	case VALUE_LIST:
	case VALUE_MAP:
		return json_items(c, b, v, style, depth);
	case VALUE_UNKNOWN:
		call_unknown(c, v);
		return true;
	case VALUE_UNDEFINED:
		return jinja_undefined_error(c->in, v, c->pos) != NULL;
	default:
		return call_fail(c, "%s has no JSON form", value_type_name(v)) != NULL;
	}
}

static struct value *to_json(struct call *c, struct json_style style)
{
	struct buf b;
	if (c->arg[0] && c->arg[0]->type != VALUE_NULL && !call_int(c, 0, 4, &style.indent))
		return NULL;
	if (style.indent > 64)
		return call_fail(c, "the indent is too large");
	style.sort = call_bool(c, 1, style.sort);
	style.ascii = call_bool(c, 2, style.ascii);
	buf_init(&b, TEXT_MAX);
	if (!json_value(c, &b, c->v, &style, 0)) {
		buf_free(&b);
		return NULL;
	}
	return call_buf(c, &b);
}

static struct value *f_to_json(struct call *c)
{
	return to_json(c, (struct json_style){-1, false, true, false});
}

static struct value *f_to_nice_json(struct call *c)
{
	return to_json(c, (struct json_style){4, true, true, false});
}

static struct value *f_tojson(struct call *c)
{
	return to_json(c, (struct json_style){-1, true, true, true});
}

static struct value *f_from_json(struct call *c)
{
	struct err e = {0};
	struct value *v = json_parse(c->a, call_text(c, c->v), &e);
	if (!v)
		return call_fail(c, "%s", e.msg);
	struct value *copy = ARENA_NEW(c->a, struct value);
	*copy = *v;
	copy->literal = true;
	return copy;
}

/* ---- YAML, formatted as by PyYAML ---- */
static struct value *to_yaml(struct call *c, struct yaml_style style)
{
	struct buf b;
	int64_t indent, width;
	const struct value *u = value_find_type(c->v, VALUE_UNDEFINED);
	if (u)
		return jinja_undefined_error(c->in, u, c->pos);
	if (call_unknown(c, c->v))
		return c->in->none;
	if (!call_int(c, 0, style.indent, &indent) || !call_int(c, 1, style.width, &width))
		return NULL;
	style.indent = indent > 1 && indent < 10 ? (int)indent : 2;
	style.width = width > 2 * style.indent && width < INT32_MAX ? (int)width : 80;
	style.sort = call_bool(c, 2, true);
	if (c->arg[3])
		style.flow_leaves = c->arg[3]->type == VALUE_NULL;
	buf_init(&b, TEXT_MAX);
	if (!yaml_dump(&b, c->v, &style)) {
		buf_free(&b);
		return call_fail(c, "%s has no YAML form", value_type_name(c->v));
	}
	return call_buf(c, &b);
}

static struct value *f_to_yaml(struct call *c)
{
	return to_yaml(c, (struct yaml_style){2, 80, true, true});
}

static struct value *f_to_nice_yaml(struct call *c)
{
	return to_yaml(c, (struct yaml_style){4, 80, false, true});
}

static struct value *f_from_yaml(struct call *c)
{
	struct errs errs;
	if (c->v->type != VALUE_STR)
		return c->v;
	errs_init(&errs, c->a);
	struct value *v = yaml_parse(c->a, "YAML text", c->v->s, &errs);
	if (!v)
		return call_fail(c, "line %u: %s", errs.n ? errs.v[0].pos.line : 0,
			errs.n ? errs.v[0].msg : "wrong");
	struct value *copy = ARENA_NEW(c->a, struct value);
	*copy = *v;
	copy->literal = true;
	copy->pos = c->v->pos;
	return copy;
}

/* ---- time ---- */
static struct value *f_strftime(struct call *c)
{
	char text[512];
	struct tm tm;
	int64_t seconds;
	struct str format = call_text(c, c->v);
	if (!c->arg[0])
		return call_fail(c, "give it the seconds: the time of the plan is not that of the "
				    "apply");
	if (!call_int(c, 0, 0, &seconds))
		return NULL;
	time_t t = (time_t)seconds;
	struct tm *ok = call_bool(c, 1, false) ? gmtime_r(&t, &tm) : localtime_r(&t, &tm);
	if (!ok)
		return call_fail(c, "the time is out of range");
		/* the format comes from the template, as in Ansible */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	size_t n = strftime(text, sizeof(text), format.p, &tm);
#pragma GCC diagnostic pop
	if (!n && format.n)
		return call_fail(c, "the result is too long");
	return call_str(c, str_dup(c->a, text, n));
}

enum { DEFAULT_FLAGS = CALL_UNDEFINED | CALL_UNKNOWN | CALL_PLAIN | CALL_PARTS };
const struct callable filters_data[] = {
	{"d", f_default, "default_value boolean", DEFAULT_FLAGS, "The same as default.",
		"nothing_here | d('none')", "\"none\""},
	{"default", f_default, "default_value boolean", DEFAULT_FLAGS,
		"The value, or the given one when it is undefined. boolean: also when it is empty, "
		"0, false or null.",
		"nothing_here | default('none')", "\"none\""},
	{"from_json", f_from_json, "", 0, "The value that a text in JSON stands for.",
		"'[1, true]' | from_json", "[1, true]"},
	{"from_yaml", f_from_yaml, "", 0, "The value that a text in YAML stands for.",
		"'a: [1, yes]' | from_yaml", "{\"a\": [1, true]}"},
	{"mandatory", f_mandatory, "msg", CALL_UNDEFINED | CALL_PLAIN,
		"The value; an error with msg when it is undefined.", "25 | mandatory", "25"},
	{"strftime", f_strftime, "second utc", 0,
		"The time in the given format. second, the seconds since 1970, has to be "
		"given, since a plan has to be repeatable. utc: in UTC, not in local time.",
		"'%Y-%m-%d' | strftime(0, utc=true)", "\"1970-01-01\""},
	{"to_json", f_to_json, "indent sort_keys ensure_ascii preprocess_unsafe vault_to_text", 0,
		"The value as JSON on one line. indent: on several lines; sort_keys: keys sorted; "
		"ensure_ascii: other characters as \\u (default).",
		"{'a': [1, none]} | to_json", "\"{\\\"a\\\": [1, null]}\""},
	{"to_nice_json", f_to_nice_json, "indent sort_keys ensure_ascii", 0,
		"The value as JSON on several lines, keys sorted, indented by 4.",
		"{'a': 1} | to_nice_json", "\"{\\n    \\\"a\\\": 1\\n}\""},
	{"to_nice_yaml", f_to_nice_yaml, "indent width sort_keys default_flow_style **", 0,
		"The value as YAML on several lines, indented by 4.",
		"{'a': [1, 2]} | to_nice_yaml", "\"a:\\n- 1\\n- 2\\n\""},
	{"to_yaml", f_to_yaml, "indent width sort_keys default_flow_style **", 0,
		"The value as YAML; lists and mappings that hold no others are on one line.",
		"{'a': [1, 2]} | to_yaml", "\"a: [1, 2]\\n\""},
	{"tojson", f_tojson, "indent", 0,
		"The value as JSON that is safe in HTML: <, >, & and ' as \\u.", "['<b>'] | tojson",
		"\"[\\\"\\\\u003cb\\\\u003e\\\"]\""},
	{"type_debug", f_type_debug, "", CALL_UNDEFINED | CALL_PLAIN,
		"The name of the value's type, as Python has it.", "[1] | type_debug", "\"list\""},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
