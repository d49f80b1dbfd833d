/* SPDX-License-Identifier: MIT
 *
 * Functions for implementing filters, tests and methods: read arguments as text, numbers and lists,
 * and make results.
 */
#include "jinja/call.h"

/* ---- for the implementations ---- */
struct value *call_fail(struct call *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *msg = arena_vprintf(c->a, fmt, ap);
	va_end(ap);
	return c->fn ? jinja_fail(c->in, c->pos, "%s: %s", c->fn->name, msg)
		     : jinja_fail(c->in, c->pos, "%s", msg);
}

struct value *call_str(struct call *c, struct str s)
{
	struct value *v = value_str(c->a, s);
	v->literal = true;
	return v;
}

struct value *call_buf(struct call *c, struct buf *b)
{
	bool over = b->over;
	struct value *v = over ? NULL : call_str(c, buf_str(c->a, b));
	buf_free(b);
	return over ? call_fail(c, "the text is too long") : v;
}

bool call_unknown(struct call *c, const struct value *v)
{
	const struct value *u = v->type == VALUE_UNKNOWN ? v : NULL;
	if (!u && (v->type == VALUE_LIST || v->type == VALUE_MAP))
		u = value_find_type(v, VALUE_UNKNOWN);
	if (u && !c->unknown)
		c->unknown = u;
	return u != NULL;
}

struct str call_text(struct call *c, const struct value *v)
{
	if (v->type == VALUE_STR)
		return v->s;
	if (call_unknown(c, v))
		return str_c("");
	const struct value *u = value_find_type(v, VALUE_UNDEFINED);
	if (u) {
		jinja_undefined_error(c->in, u, c->pos);
		return str_c("");
	}
	return value_print(c->a, v);
}

struct str call_arg(struct call *c, int i, const char *dflt)
{
	if (c->arg[i] && c->arg[i]->type != VALUE_NULL)
		return call_text(c, c->arg[i]);
	return dflt ? str_c(dflt) : (struct str){NULL, 0};
}

bool call_int(struct call *c, int i, int64_t dflt, int64_t *out)
{
	const struct value *v = c->arg[i];
	bool is_int;
	double f;
	*out = dflt;
	if (!v || v->type == VALUE_NULL)
		return true;
	if (v->type == VALUE_INT || v->type == VALUE_BOOL) {
		*out = v->type == VALUE_INT ? v->i : v->b;
		return true;
	}
	if (v->type == VALUE_STR && text_number(v->s, &is_int, out, &f) && is_int)
		return true;
	return call_fail(c, "a whole number is needed, not %s", value_type_name(v)) != NULL;
}

bool call_truth(struct call *c, const struct value *v)
{
	if (v->type == VALUE_UNDEFINED) {
		jinja_undefined_error(c->in, v, c->pos);
		return false;
	}
	return !call_unknown(c, v->type == VALUE_UNKNOWN ? v : c->in->none) && value_true(v);
}

struct value *call_yes(struct call *c, bool b)
{
	return jinja_bool(c->in, b);
}

bool call_bool(struct call *c, int i, bool dflt)
{
	return c->arg[i] ? call_truth(c, c->arg[i]) : dflt;
}

struct value *call_list(struct call *c, struct value *v)
{
	if (v->type == VALUE_LIST)
		return v;
	if (v->type == VALUE_STR)
		return text_chars_list(c->in, v->s);
	if (is_parts(v))
		return parts_names(c->in, v);
	if (v->type != VALUE_MAP)
		return call_fail(c, "a list is needed, not %s", value_type_name(v));
	struct value *list = value_list(c->a);
	for (size_t i = 0; i < v->map.n; i++)
		list_add(c->a, list, call_str(c, v->map.e[i].key));
	return list;
}

/* One component of a path: a key, an index or an attribute. */
static struct value *path_step(struct call *c, struct value *v, struct str part)
{
	bool is_int;
	int64_t i;
	double f;
	if ((v->type == VALUE_LIST || v->type == VALUE_STR) && text_number(part, &is_int, &i, &f) &&
		is_int) {
		struct value key = {.type = VALUE_INT, .i = i};
		return jinja_item(c->in, v, &key, c->pos);
	}
	struct value key = {.type = VALUE_STR, .s = part};
	return jinja_item(c->in, v, &key, c->pos);
}

struct value *call_path(struct call *c, struct value *v, const struct value *path)
{
	struct str p;
	if (path->type == VALUE_INT) {
		struct value key = {.type = VALUE_INT, .i = path->i};
		return jinja_item(c->in, v, &key, c->pos);
	}
	p = call_text(c, path);
	for (size_t from = 0, i = 0; v && i <= p.n; i++) {
		if (i < p.n && p.p[i] != '.')
			continue;
		v = path_step(c, v, str_dup(c->a, p.p + from, i - from));
		from = i + 1;
	}
	return v;
}
