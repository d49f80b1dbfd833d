/* SPDX-License-Identifier: MIT
 *
 * Boolean keywords, and the user a task runs as: read from plays, blocks, tasks, roles and the
 * corresponding variables with value_as_bool. Reports any other value; an unknown value stays
 * unknown.
 */
#include "site/resolve.h"
#include "agent/restype.h"

/* ---- when the files are read ---- */
struct value *keywords_check(
	struct build *b, const struct field *table, const struct value *map, const char *what)
{
	struct value *seen = value_shallow(b->s->a, map), *out;
	/* a template is checked for each host when it is evaluated */
	for (size_t i = 0; i < map->map.n; i++) {
		const struct map_entry *e = &map->map.e[i];
		const struct field *f = field_find(table, e->key);
		if (f && f->flags & FIELD_PER_HOST && has_template(e->value)) {
			check_syntax(b, e->value, false);
			seen->map.e[i].value = value_unknown(b->s->a, "until it is evaluated");
		}
	}
	out = fields_check(b->s->a, table, seen, what, b->errs);
	for (size_t i = 0; out && i < out->map.n; i++)
		if (out->map.e[i].value->type == VALUE_UNKNOWN)
			out->map.e[i].value = map_get(map, out->map.e[i].key);
	return out;
}

bool option_bool(const struct value *map, const char *key, bool dflt, bool *out, struct err *e)
{
	const struct value *v = map ? map_at(map, key) : NULL;
	*out = dflt;
	if (!v || v->type == VALUE_NULL || value_as_bool(v, out))
		return true;
	return err_at(e, v->pos, "'%s' must be a boolean (true or false), not %s", key,
		value_type_name(v));
}

void refuse_reach(struct build *b, const struct value *vars, const char *where)
{
	const char *name;
	struct pos pos;
	if (vars_reach(vars, &name, &pos))
		errs_add(b->errs, pos,
			"'%s' is set on %s, but a run reaches a host in one way only; set it in "
			"the inventory or among the vars of the play",
			name, where);
}

/* ---- words that are not known ---- */
static const char *nearest_word(struct arena *a, struct str key)
{
	const char **names = NULL;
	size_t n = 0, cap = 0;
	for (size_t i = 0; restypes[i]; i++)
		PUSH(a, names, n, cap, restypes[i]->name);
	for (size_t i = 0; control_row(i); i++)
		PUSH(a, names, n, cap, control_row(i)->name);
	for (size_t i = 0; site_task_fields()[i].name; i++)
		PUSH(a, names, n, cap, site_task_fields()[i].name);
	PUSH(a, names, n, cap, NULL);
	return str_nearest(key.p, names);
}

/* A collection's modules differ from those of another, even with the same last name. */
const char *module_namesake(struct arena *a, struct str key)
{
	const char *dot = strrchr(key.p, '.');
	const char *last = dot ? dot + 1 : "";
	return restype_find(str_c(last)) || control_find(str_c(last))
		       ? arena_printf(a, ", and '%s' is a different module", last)
		       : "";
}

void word_unknown(struct build *b, const struct map_entry *e)
{
	const char *near = nearest_word(b->s->a, builtin_name(e->key));
	if (near)
		errs_add(b->errs, e->key_pos,
			"'%s' is neither a module nor a keyword of a task (did "
			"you mean '%s'?)",
			e->key.p, near);
	else
		errs_add(b->errs, e->key_pos,
			"module '%s' is not supported%s; `provision doc` lists the supported ones",
			e->key.p, module_namesake(b->s->a, e->key));
}

/* ---- when a host reaches the task ---- */
struct reader {
	struct resolver *r;
	const struct task *t;
	struct keywords *to;
	struct err *e;
};

/* One evaluated value; out is unchanged when there is none, or it is not known yet. */
static bool take_bool(struct reader *k, const char *name, struct value *v, bool *out)
{
	if (!v || v->type == VALUE_NULL)
		return true;
	if (v->type == VALUE_UNKNOWN) {
		k->to->unknown = k->to->unknown ? k->to->unknown : v;
		return true;
	}
	if (value_as_bool(v, out))
		return true;
	return err_at(k->e, v->pos.line ? v->pos : k->t->pos,
		"'%s' must be a boolean (true or false), not %s", name,
		v->secret || v->type != VALUE_STR ? value_type_name(v)
						  : arena_printf(k->r->a, "'%s'", v->s.p));
}

/* NULL: an error, or it is omitted and counts as absent. */
static struct value *evaluate_value(struct reader *k, struct value *v)
{
	if (v)
		v = vars_resolve(k->r->v, v, k->e);
	return v ? vars_omit(k->r->a, v) : NULL;
}

static bool take_keyword(struct reader *k, const char *name, struct value *v, bool *out)
{
	v = evaluate_value(k, v);
	return !k->e->kind && take_bool(k, name, v, out);
}

static bool take_variable(struct reader *k, const char *name, bool *out)
{
	struct value *v = vars_value(k->r->v, name, k->e);
	return !k->e->kind && take_bool(k, name, v, out);
}

/* It says one of two things, or nothing. */
static bool check_mode(struct reader *k, struct value *v)
{
	bool changes = true, checks = false;
	v = evaluate_value(k, v);
	if (k->e->kind || !take_bool(k, "check_mode", v, &changes) ||
		!take_bool(k, "check_mode", v, &checks))
		return false;
	k->to->only_read = !changes;
	k->to->only_check = checks;
	return true;
}

/* The user to become: the variable overrides the keyword, as in Ansible, then the option. */
static bool become_user(struct reader *k, const char **out)
{
	struct value *v = vars_value(k->r->v, "ansible_become_user", k->e);
	const struct site *s = k->r->s;
	if (!v && !k->e->kind && (v = TASK_ATTR(k->t, become_user)))
		v = evaluate_value(k, v);
	if (k->e->kind)
		return false;
	if (v && v->type == VALUE_UNKNOWN) {
		k->to->unknown = k->to->unknown ? k->to->unknown : v;
		return true;
	}
	if (v && v->type != VALUE_NULL && (v->type == VALUE_LIST || v->type == VALUE_MAP))
		return err_at(k->e, v->pos.line ? v->pos : k->t->pos,
			"become_user must be the name of a user, not %s", value_type_name(v));
	*out = v && v->type != VALUE_NULL ? value_print(k->r->a, v).p : s->opt.become_user;
	if (*out && (!**out || strcmp(*out, "root") == 0))
		*out = NULL;
	return true;
}

bool keywords_read(struct resolver *r, const struct task *t, struct keywords *out, struct err *e)
{
	struct reader k = {.r = r, .t = t, .to = out, .e = e};
	bool become = r->s->opt.become == 1;
	*out = (struct keywords){.read = true, .diff = true, .user = r->user};
	if (!take_keyword(&k, "no_log", TASK_ATTR(t, no_log), &out->no_log) ||
		!take_keyword(
			&k, "ignore_errors", TASK_ATTR(t, ignore_errors), &out->ignore_errors) ||
		!check_mode(&k, TASK_ATTR(t, check_mode)) ||
		!take_keyword(&k, "diff", TASK_ATTR(t, diff), &out->diff) ||
		!take_keyword(&k, "become", TASK_ATTR(t, become), &become) ||
		!take_variable(&k, "ansible_become", &become))
		return false;
	return !become || become_user(&k, &out->user);
}

bool keyword_hides(struct resolver *r, const struct task *t)
{
	struct keywords to = {0};
	struct err e = {0};
	struct reader k = {.r = r, .t = t, .to = &to, .e = &e};
	bool hides = false;
	struct errs *found = vars_quiet(r->v);
	bool read = take_keyword(&k, "no_log", TASK_ATTR(t, no_log), &hides);
	r->v->found = found;
	return !read || to.unknown || hides;
}
