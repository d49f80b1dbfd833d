/* SPDX-License-Identifier: MIT
 *
 * Python's "%05d" % x.
 */
#include "jinja/format.h"

/* ---- % ---- */
struct percent {
	struct call *c;
	struct str fmt;
	struct value *list;
	const struct value *map;
	size_t next;
};

static const struct value *percent_next(struct percent *p)
{
	if (p->next >= p->list->list.n) {
		call_fail(p->c, "more conversions than values in the format");
		return NULL;
	}
	return p->list->list.v[p->next++];
}

static bool percent_star(struct percent *p, int *out)
{
	const struct value *v = percent_next(p);
	if (!v)
		return false;
	if (v->type != VALUE_INT || v->i < -WIDTH_MAX || v->i > WIDTH_MAX)
		return call_fail(p->c, "'*' in the format needs a small whole number") != NULL;
	*out = (int)v->i;
	return true;
}

/* (name) after the % */
static bool percent_name(struct percent *p, size_t *i, const struct value **v)
{
	size_t end = *i + 1;
	while (end < p->fmt.n && p->fmt.p[end] != ')')
		end++;
	if (end >= p->fmt.n)
		return call_fail(p->c, "')' is missing in the format") != NULL;
	struct str name = str_dup(p->c->a, p->fmt.p + *i + 1, end - *i - 1);
	*v = p->map ? map_get(p->map, name) : NULL;
	*i = end + 1;
	if (!*v)
		return call_fail(p->c, "the format needs '" STR_FMT "'", STR_ARG(name)) != NULL;
	return true;
}

static bool percent_flags(struct percent *p, size_t *i, struct format_spec *s)
{
	for (; *i < p->fmt.n && strchr("-+ #0", p->fmt.p[*i]) && p->fmt.p[*i]; (*i)++) {
		switch (p->fmt.p[*i]) {
		case '-':
			s->align = '<';
			break;
		case '0':
			if (s->align != '<')
				s->align = '=';
			break;
		case '#':
			s->alternate = true;
			break;
		default:
			if (s->sign != '+')
				s->sign = p->fmt.p[*i];
		}
	}
	if (*i < p->fmt.n && p->fmt.p[*i] == '*') {
		(*i)++;
		if (!percent_star(p, &s->width))
			return false;
		if (s->width < 0) {
			s->align = '<';
			s->width = -s->width;
		}
	} else if (!format_digits(p->c, p->fmt, i, &s->width, WIDTH_MAX)) {
		return false;
	}
	if (*i >= p->fmt.n || p->fmt.p[*i] != '.')
		return true;
	(*i)++;
	return format_digits(p->c, p->fmt, i, &s->precision, PRECISION_MAX);
}

/* %r: as in a printed list, where texts have quotes. */
static void percent_repr(
	struct percent *p, struct buf *b, struct format_spec s, const struct value *v)
{
	struct value *list = value_list(p->c->a);
	list_add(p->c->a, list, (struct value *)v);
	struct str text = call_text(p->c, list);
	s.type = 0;
	s.align = s.align ? s.align : '>';
	format_text(b, &s, text.n > 1 ? text_sub(text, 1, text.n - 1) : text);
}

/* The letter of the conversion, after C's size letters, which are ignored; 0: the text ends. */
static char percent_type(const struct percent *p, size_t *i)
{
	while (*i < p->fmt.n && p->fmt.p[*i] && strchr("hlL", p->fmt.p[*i]))
		(*i)++;
	return *i < p->fmt.n ? p->fmt.p[(*i)++] : 0;
}

static bool percent_one(struct percent *p, struct buf *b, size_t *i)
{
	struct format_spec s = {.fill = " ", .precision = -1};
	const struct value *v = NULL;
	if (*i < p->fmt.n && p->fmt.p[*i] == '(' && !percent_name(p, i, &v))
		return false;
	if (!percent_flags(p, i, &s))
		return false;
	char type = percent_type(p, i);
	if (type == '%') {
		buf_addc(b, '%');
		return true;
	}
	if (!type || !strchr("sradiuoxXeEfFgGc", type))
		return call_fail(p->c, "unknown conversion '%%%c' in the format", type) != NULL;
	if (!v && !(v = percent_next(p)))
		return false;
	s.type = strchr("src", type) ? 0 : type;
	if (s.align == '=' && s.type)
		s.fill[0] = '0';
	if (!s.type && s.align == '=')
		s.align = '>';
	if (type != 'r' && type != 'a')
		return format_value(p->c, b, &s, v, true);
	percent_repr(p, b, s, v);
	return true;
}

struct value *format_percent(
	struct call *c, struct str fmt, struct value *list, const struct value *map)
{
	struct percent p = {c, fmt, list, map, 0};
	struct buf b;
	bool ok = true;
	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; ok && i < fmt.n;) {
		if (fmt.p[i] != '%') {
			buf_addc(&b, fmt.p[i++]);
			continue;
		}
		i++;
		ok = percent_one(&p, &b, &i);
	}
	if (ok && !map && p.next < list->list.n)
		ok = call_fail(c, "more values than conversions in the format") != NULL;
	if (!ok) {
		buf_free(&b);
		return NULL;
	}
	return call_buf(c, &b);
}
