/* SPDX-License-Identifier: MIT
 *
 * The names that tasks set: register, set_fact, include_vars. Read from the tasks, without running
 * them.
 */
#include "site/resolve.h"

static bool set_fact_names(struct arena *a, const struct value *args, struct value *names)
{
	bool all = true;
	for (size_t i = 0; args && args->type == VALUE_MAP && i < args->map.n; i++) {
		struct str key = args->map.e[i].key;
		if (text_is_template(key))
			all = false;
		else if (!str_is(key, "cacheable"))
			map_set(a, names, key, value_null(a));
	}
	return all;
}

static bool own_sets(struct arena *a, const struct task *t, struct value *names)
{
	const struct value *into;
	if (t->register_as)
		map_put(a, names, t->register_as, value_null(a));
	if (!t->control)
		return true;
	switch (t->control->kind) {
	case CONTROL_SET_FACT:
		return set_fact_names(a, t->args, names);
	case CONTROL_INCLUDE_VARS:
		into = t->args ? map_at(t->args, "name") : NULL;
		if (!into || into->type != VALUE_STR || text_is_template(into->s))
			return false;
		map_set(a, names, into->s, value_null(a));
		return true;
	case CONTROL_INCLUDE_TASKS:
	case CONTROL_INCLUDE_ROLE:
		return false;
	default:
		return true;
	}
}

bool task_sets(struct arena *a, const struct task *t, struct value *names)
{
	bool all = own_sets(a, t, names);
	for (size_t i = 0; i < t->n_child; i++)
		all = task_sets(a, t->child[i], names) && all;
	return all;
}

void site_sets(struct site *s)
{
	s->sets = value_map(s->a);
	for (size_t i = 0; i < s->n_plays; i++) {
		const struct play_in *p = s->plays[i];
		for (int j = 0; j < SECTIONS; j++)
			s->sets_open = !task_sets(s->a, p->section[j], s->sets) || s->sets_open;
		for (size_t j = 0; j < p->n_handlers; j++)
			s->sets_open =
				!task_sets(s->a, p->handlers[j].task, s->sets) || s->sets_open;
	}
}

/* Those of a file of variables, when its name is known. */
static bool file_sets(
	struct resolver *r, const struct task *t, const struct value *args, struct value *names)
{
	const struct value *file = map_at(args, "file");
	const char *path = file && file->type == VALUE_STR
				   ? task_file(r->s, t, "vars", file->s.p, r->a)
				   : NULL;
	struct errs errs;
	struct value *doc;
	errs_init(&errs, r->a);
	doc = path ? files_yaml(&r->s->files, path, &errs) : NULL;
	for (size_t i = 0; doc && doc->type == VALUE_MAP && i < doc->map.n; i++)
		map_set(r->a, names, doc->map.e[i].key, value_null(r->a));
	return doc != NULL;
}

/* Names that an included file sets, when its name is known. */
static bool included_sets(struct resolver *r, struct task *t, struct value *names)
{
	struct err e = {0};
	struct errs *found = vars_quiet(r->v);
	struct value *args = vars_resolve(r->v, t->args, &e);
	struct task *node;
	bool yes = true;
	r->v->found = found;
	if (!args || value_find_type(args, VALUE_UNKNOWN))
		return false;
	if (t->control->kind == CONTROL_INCLUDE_VARS)
		return file_sets(r, t, args, names);
	if (t->control->kind == CONTROL_SET_FACT || !option_bool(args, "public", false, &yes, &e) ||
		yes)
		return false;
	node = include_node(r, t, vars_omit(r->a, args), &e);
	return node && task_sets(r->a, node, names);
}

void set_unknown(struct resolver *r, struct task *t, const struct value *why)
{
	struct value *names = value_map(r->a);
	struct value *unknown = value_unknown(r->a, STR_FMT, STR_ARG(why->s));
	if (!t->control)
		return;
	if (!own_sets(r->a, t, names) && !included_sets(r, t, names) && !r->v->hidden)
		r->v->hidden = unknown;
	for (size_t i = 0; i < names->map.n; i++)
		name_set(r, &r->at, names->map.e[i].key, unknown);
}
