/* SPDX-License-Identifier: MIT
 *
 * `environment:` of a task and of everything that contains it, as one map of texts. Unlike other
 * keywords, that of a dynamic include applies to its tasks.
 */
#include "site/resolve.h"

static bool name_valid(struct str name)
{
	return name.n > 0 && !memchr(name.p, '=', name.n) && !memchr(name.p, 0, name.n);
}

/* Numbers and booleans become the text that Python prints for them. */
static struct value *text_of(struct resolver *r, const struct value *v)
{
	bool plain = v->type == VALUE_STR || v->type == VALUE_INT || v->type == VALUE_FLOAT ||
		     v->type == VALUE_BOOL;
	struct value *text;
	if (!plain)
		return NULL;
	text = value_str(r->a, value_print(r->a, v));
	text->literal = true;
	text->secret = v->secret;
	return memchr(text->s.p, 0, text->s.n) ? NULL : text;
}

static bool add_one(struct resolver *r, const struct map_entry *m, struct pos pos,
	struct value *out, struct err *e)
{
	struct value *text;
	if (!name_valid(m->key))
		return err_at(
			e, pos, "environment: '%s' is not a valid name of a variable", m->key.p);
	if (m->value->type == VALUE_UNKNOWN) {
		map_set(r->a, out, m->key, m->value);
		return true;
	}
	text = text_of(r, m->value);
	if (!text)
		return err_at(e, m->value->pos.line ? m->value->pos : pos,
			"environment: '%s' must be a text, not %s", m->key.p,
			value_type_name(m->value));
	map_set(r->a, out, m->key, text);
	return true;
}

static bool add_map(
	struct resolver *r, struct value *v, struct pos pos, struct value *out, struct err *e)
{
	v = vars_omit(r->a, v);
	if (!v || v->type == VALUE_NULL)
		return true;
	if (v->type != VALUE_MAP)
		return err_at(e, pos, "environment must be a map of variables, not %s",
			value_type_name(v));
	for (size_t i = 0; i < v->map.n; i++)
		if (!add_one(r, &v->map.e[i], pos, out, e))
			return false;
	return true;
}

/* One level: a map, or a list of maps, each of which may be a template. */
static bool add_level(struct resolver *r, const struct value *level, struct value *out,
	const struct value **unknown, struct err *e)
{
	for (size_t i = 0; i < level->list.n; i++) {
		struct pos pos = level->list.v[i]->pos;
		struct value *v = vars_resolve(r->v, level->list.v[i], e);
		if (!v)
			return false;
		if (v->type == VALUE_UNKNOWN)
			*unknown = v;
		else if (v->type != VALUE_LIST && !add_map(r, v, pos, out, e))
			return false;
		for (size_t j = 0; v->type == VALUE_LIST && j < v->list.n; j++)
			if (!add_map(r, v->list.v[j], pos, out, e))
				return false;
	}
	return true;
}

bool task_environment(struct resolver *r, const struct task *t, struct value **out, struct err *e)
{
	const struct value *level[FRAMES], *unknown = NULL;
	struct value *all;
	size_t n = 0;
	*out = NULL;
	for (const struct task *p = t; p && n < FRAMES; p = p->parent)
		if (p->environment)
			level[n++] = p->environment;
	if (!n)
		return true;
	all = value_map(r->a);
	while (n-- > 0)
		if (!add_level(r, level[n], all, &unknown, e))
			return false;
	if (!unknown)
		unknown = value_find_type(all, VALUE_UNKNOWN);
	*out = unknown ? value_unknown(r->a, "%s", unknown->s.p) : all;
	return true;
}
