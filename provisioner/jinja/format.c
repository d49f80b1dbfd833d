/* SPDX-License-Identifier: MIT
 *
 * Python's "%05d" % x and "{:>10}".format(x). Widths and precisions are limited; conversions that
 * Python has, but templates do not need, are errors that say so.
 */
#include "jinja/format.h"

static void pad_to(struct buf *b, const struct format_spec *s, struct str text, char align)
{
	int have = (int)text_chars(text), extra = s->width > have ? s->width - have : 0;
	int left = align == '>' || align == '=' ? extra : align == '^' ? extra / 2 : 0;
	for (int i = 0; i < left; i++)
		buf_adds(b, s->fill);
	buf_add(b, text.p, text.n);
	for (int i = left; i < extra; i++)
		buf_adds(b, s->fill);
}

void format_text(struct buf *b, const struct format_spec *s, struct str text)
{
	size_t n = s->precision >= 0 ? text_offset(text, (size_t)s->precision) : text.n;
	pad_to(b, s, text_sub(text, 0, n), s->align ? s->align : '<');
}

/* Adds digits with their sign: the sign comes before filling zeros. */
static void add_number(
	struct buf *b, const struct format_spec *s, bool negative, const char *digits)
{
	char sign[2] = {negative ? '-' : s->sign, 0};
	if (s->align == '=') {
		struct format_spec rest = *s;
		buf_adds(b, sign);
		rest.width -= sign[0] != 0;
		pad_to(b, &rest, str_c(digits), '>');
		return;
	}
	char text[WIDTH_MAX / 10 + PRECISION_MAX * 2];
	snprintf(text, sizeof(text), "%s%s", sign, digits);
	pad_to(b, s, str_c(text), s->align ? s->align : '>');
}

static void group_digits(char *out, size_t size, const char *digits)
{
	size_t whole = strspn(digits, "0123456789"), n = 0;
	for (size_t i = 0; digits[i] && n + 2 < size; i++) {
		if (i && i < whole && (whole - i) % 3 == 0)
			out[n++] = ',';
		out[n++] = digits[i];
	}
	out[n] = 0;
}

static void add_int(struct buf *b, const struct format_spec *s, int64_t i)
{
	char digits[80], grouped[128];
	uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
	const char *prefix = "";
	size_t n = sizeof(digits);
	unsigned base = s->type == 'x' || s->type == 'X' ? 16
			: s->type == 'o'                 ? 8
			: s->type == 'b'                 ? 2
							 : 10;
	digits[--n] = 0;
	do {
		unsigned d = (unsigned)(u % base);
		digits[--n] = (char)(d < 10 ? '0' + d : (s->type == 'X' ? 'A' : 'a') + d - 10);
	} while ((u /= base) && n > 3);
	if (s->alternate)
		prefix = base == 16  ? (s->type == 'X' ? "0X" : "0x")
			 : base == 8 ? "0o"
			 : base == 2 ? "0b"
				     : "";
	if (s->comma)
		group_digits(grouped, sizeof(grouped), digits + n);
	else
		snprintf(grouped, sizeof(grouped), "%s%s", prefix, digits + n);
	add_number(b, s, i < 0, grouped);
}

static void add_float(struct buf *b, const struct format_spec *s, double f)
{
	char digits[PRECISION_MAX * 2 + 64], grouped[sizeof(digits) + 200];
	int precision = s->precision < 0 ? 6 : s->precision;
	double abs = f < 0 ? -f : f;
	switch (s->type) {
	case 'e':
		snprintf(digits, sizeof(digits), "%.*e", precision, abs);
		break;
	case 'E':
		snprintf(digits, sizeof(digits), "%.*E", precision, abs);
		break;
	case 'g':
	case 0:
		snprintf(digits, sizeof(digits), "%.*g", precision, abs);
		break;
	case 'G':
		snprintf(digits, sizeof(digits), "%.*G", precision, abs);
		break;
	case '%':
		snprintf(digits, sizeof(digits), "%.*f%%", precision, abs * 100);
		break;
	default:
		snprintf(digits, sizeof(digits), "%.*f", precision, abs);
	}
	if (s->comma) {
		group_digits(grouped, sizeof(grouped), digits);
		add_number(b, s, f < 0, grouped);
	} else {
		add_number(b, s, f < 0, digits);
	}
}

static bool number_of(struct call *c, const struct value *v, int64_t *i, double *f, bool *is_int)
{
	*is_int = v->type == VALUE_INT || v->type == VALUE_BOOL;
	if (*is_int) {
		*i = v->type == VALUE_INT ? v->i : v->b;
		*f = (double)*i;
	} else if (v->type == VALUE_FLOAT) {
		*f = v->f;
	} else {
		return call_fail(c, "a number is needed in the format, not %s",
			       value_type_name(v)) != NULL;
	}
	return true;
}

/* Is the value formatted as a number? In "{}" without a type the other options decide. */
static bool is_as_number(const struct format_spec *s, const struct value *v, bool percent)
{
	if (s->type)
		return strchr("diouxXbeEfFgG%", s->type) != NULL;
	if (percent || v->type == VALUE_STR)
		return false;
	return v->type == VALUE_INT ||
	       (v->type == VALUE_FLOAT &&
		       (s->comma || s->sign || s->precision >= 0 || s->align == '='));
}

static bool format_number(struct call *c, struct buf *b, const struct format_spec *s,
	const struct value *v, bool percent)
{
	int64_t i = 0;
	double f = 0;
	bool is_int;
	if (!number_of(c, v, &i, &f, &is_int))
		return false;
	bool whole = !s->type ? is_int : strchr("diouxXb", s->type) != NULL;
	if (whole && !is_int) {
		if (!percent || f > 9e18 || f < -9e18 || f != f)
			return call_fail(c, "a whole number is needed in the format") != NULL;
		i = (int64_t)f;
	}
	if (whole)
		add_int(b, s, i);
	else
		add_float(b, s, f);
	return true;
}

bool format_value(struct call *c, struct buf *b, const struct format_spec *s, const struct value *v,
	bool percent)
{
	if (v->type == VALUE_UNDEFINED)
		return jinja_undefined_error(c->in, v, c->pos) != NULL;
	if (call_unknown(c, v))
		return true;
	if (is_as_number(s, v, percent))
		return format_number(c, b, s, v, percent);
	struct format_spec t = *s;
	if (!t.align)
		t.align = percent || v->type == VALUE_FLOAT ? '>' : '<';
	format_text(b, &t, call_text(c, v));
	return true;
}

/* ---- {} ---- */
bool format_digits(struct call *c, struct str fmt, size_t *i, int *out, int max)
{
	int64_t n = 0;
	while (*i < fmt.n && fmt.p[*i] >= '0' && fmt.p[*i] <= '9' && n <= max)
		n = n * 10 + (fmt.p[(*i)++] - '0');
	if (n > max)
		return call_fail(c, "a width or precision above %d in the format", max) != NULL;
	*out = (int)n;
	return true;
}

/* Is the character at i one of these? */
static bool stands_at(struct str t, size_t i, const char *chars)
{
	return i < t.n && t.p[i] && strchr(chars, t.p[i]);
}

/* [[fill]align] */
static void parse_align(struct str t, size_t *i, struct format_spec *s)
{
	size_t first = text_next(t, 0);
	if (stands_at(t, first, "<>^=")) {
		memcpy(s->fill, t.p, first < sizeof(s->fill) ? first : sizeof(s->fill) - 1);
		s->align = t.p[first];
		*i = first + 1;
	} else if (stands_at(t, 0, "<>^=")) {
		s->align = t.p[0];
		*i = 1;
	}
}

/* [sign][#][0] */
static void parse_flags(struct str t, size_t *i, struct format_spec *s)
{
	if (stands_at(t, *i, "+- ")) {
		s->sign = t.p[*i] == '-' ? 0 : t.p[*i];
		(*i)++;
	}
	if (stands_at(t, *i, "#")) {
		s->alternate = true;
		(*i)++;
	}
	if (stands_at(t, *i, "0") && !s->align) {
		s->align = '=';
		s->fill[0] = '0';
		(*i)++;
	}
}

/* [[fill]align][sign][#][0][width][,][.precision][type] */
static bool parse_spec(struct call *c, struct str t, struct format_spec *s)
{
	size_t i = 0;
	*s = (struct format_spec){.fill = " ", .precision = -1};
	parse_align(t, &i, s);
	parse_flags(t, &i, s);
	if (!format_digits(c, t, &i, &s->width, WIDTH_MAX))
		return false;
	if (stands_at(t, i, ",")) {
		s->comma = true;
		i++;
	}
	if (stands_at(t, i, ".")) {
		i++;
		if (!format_digits(c, t, &i, &s->precision, PRECISION_MAX))
			return false;
	}
	if (i < t.n)
		s->type = t.p[i++];
	if (i < t.n || (s->type && !strchr("sdboxXeEfFgG%", s->type)))
		return call_fail(c, "'" STR_FMT "' is no format", STR_ARG(t)) != NULL;
	if (s->type == 's')
		s->type = 0;
	return true;
}

struct braces {
	struct call *c;
	struct value *list;
	const struct value *map;
	size_t next;
};

/* .attr and [key] after the name of a field */
static struct value *brace_path(struct call *c, struct value *v, struct str path)
{
	for (size_t i = 0; v && i < path.n;) {
		size_t from = ++i;
		char close = path.p[from - 1] == '[' ? ']' : 0;
		while (i < path.n &&
			(close ? path.p[i] != close : path.p[i] != '.' && path.p[i] != '['))
			i++;
		struct str key = str_dup(c->a, path.p + from, i - from);
		i += close != 0;
		bool is_int;
		int64_t n;
		double f;
		if (close && v->type == VALUE_LIST && text_number(key, &is_int, &n, &f) && is_int) {
			struct value k = {.type = VALUE_INT, .i = n};
			v = jinja_item(c->in, v, &k, c->pos);
		} else {
			struct value k = {.type = VALUE_STR, .s = key};
			v = jinja_item(c->in, v, &k, c->pos);
		}
	}
	return v;
}

static struct value *brace_value(struct braces *f, struct str field)
{
	size_t n = 0;
	bool is_int;
	int64_t i;
	double d;
	struct value *v = NULL;
	while (n < field.n && field.p[n] != '.' && field.p[n] != '[')
		n++;
	struct str name = str_dup(f->c->a, field.p, n);
	if (!n || (text_number(name, &is_int, &i, &d) && is_int)) {
		i = n ? i : (int64_t)f->next++;
		if (i < 0 || i >= (int64_t)f->list->list.n)
			return call_fail(
				f->c, "the format needs more than %zu values", f->list->list.n);
		v = f->list->list.v[i];
	} else {
		v = f->map ? map_get(f->map, name) : NULL;
		if (!v)
			return call_fail(f->c, "the format needs '" STR_FMT "'", STR_ARG(name));
	}
	return brace_path(f->c, v, text_sub(field, n, field.n));
}

/* A format may contain fields: {:>{width}} */
static bool nested_spec(struct braces *f, struct str t, struct str *out)
{
	struct buf b;
	bool ok = true;
	buf_init(&b, WIDTH_MAX);
	for (size_t i = 0; ok && i < t.n; i++) {
		if (t.p[i] != '{') {
			buf_addc(&b, t.p[i]);
			continue;
		}
		size_t end = i;
		while (end < t.n && t.p[end] != '}')
			end++;
		struct value *v = brace_value(f, text_sub(t, i + 1, end > i ? end : i + 1));
		ok = v != NULL;
		struct str s = ok ? call_text(f->c, v) : str_c("");
		buf_add(&b, s.p, s.n);
		i = end;
	}
	*out = buf_str(f->c->a, &b);
	buf_free(&b);
	return ok;
}

static bool brace_field(struct braces *f, struct buf *b, struct str t)
{
	size_t n = 0;
	struct format_spec s;
	struct str spec = str_c("");
	while (n < t.n && t.p[n] != ':' && t.p[n] != '!')
		n++;
	struct value *v = brace_value(f, text_sub(t, 0, n));
	if (!v)
		return false;
	bool repr = n + 1 < t.n && t.p[n] == '!' && t.p[n + 1] == 'r';
	bool text = n + 1 < t.n && t.p[n] == '!' && t.p[n + 1] == 's';
	if (repr || text)
		n += 2;
	if (n < t.n && t.p[n] == ':' && !nested_spec(f, text_sub(t, n + 1, t.n), &spec))
		return false;
	if (!parse_spec(f->c, spec, &s))
		return false;
	if (repr || text) {
		struct value *list = value_list(f->c->a);
		list_add(f->c->a, list, v);
		struct str r = call_text(f->c, repr ? list : v);
		format_text(b, &s, repr && r.n > 1 ? text_sub(r, 1, r.n - 1) : r);
		return true;
	}
	return format_value(f->c, b, &s, v, false);
}

/* The position of the } that closes the field opened before `from`; n: there is none. */
static size_t brace_end(struct str fmt, size_t from)
{
	int depth = 1;
	for (size_t i = from; i < fmt.n; i++) {
		depth += (fmt.p[i] == '{') - (fmt.p[i] == '}');
		if (!depth)
			return i;
	}
	return fmt.n;
}

struct value *format_braces(
	struct call *c, struct str fmt, struct value *list, const struct value *map)
{
	struct braces f = {c, list, map, 0};
	struct buf b;
	bool ok = true;
	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; ok && i < fmt.n; i++) {
		char ch = fmt.p[i];
		if (ch != '{' && ch != '}') {
			buf_addc(&b, ch);
		} else if (i + 1 < fmt.n && fmt.p[i + 1] == ch) {
			buf_addc(&b, ch);
			i++;
		} else {
			size_t end = ch == '{' ? brace_end(fmt, i + 1) : fmt.n;
			if (end == fmt.n)
				ok = call_fail(c, "a single '%c' in the format", ch) != NULL;
			else
				ok = brace_field(&f, &b, text_sub(fmt, i + 1, end));
			i = end;
		}
	}
	if (!ok) {
		buf_free(&b);
		return NULL;
	}
	return call_buf(c, &b);
}
