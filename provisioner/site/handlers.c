/* SPDX-License-Identifier: MIT
 *
 * Handlers of a play: their ids, names and topics, and which ones a task's notify means. Does not
 * decide whether one runs.
 */
#include "site/control.h"
#include "agent/restype.h"

enum { HANDLERS_MAX = 1 << 20 }; /* larger files are not searched for a hint */

static void put_topics(struct build *b, struct task *t, size_t i)
{
	struct play_in *p = b->play;
	for (size_t j = 0; t->listen && j < t->listen->list.n; j++) {
		struct str topic = value_print(b->s->a, t->listen->list.v[j]);
		struct value *list = map_get(p->handler_topics, topic);
		if (!list) {
			list = value_list(b->s->a);
			map_set(b->s->a, p->handler_topics, topic, list);
		}
		list_add(b->s->a, list, value_int(b->s->a, (int64_t)i));
	}
}

static void add_handler(struct build *b, struct task *t)
{
	struct play_in *p = b->play;
	const char *id = t->name ? task_label(b->s->a, t)
				 : arena_printf(b->s->a, "%s (%s:%u)", task_label(b->s->a, t),
					   t->file, t->pos.line);
	struct value *same = map_at(p->handler_ids, id);
	struct value *number = value_int(b->s->a, (int64_t)p->n_handlers);
	if (t->notify && t->control) {
		errs_add(b->errs, t->pos,
			"a handler that the controller performs cannot notify anything");
		return;
	}
	if (same && t->role) { /* the role occurs again: its handlers stay where they are */
		struct handler *h = &p->handlers[same->i];

		PUSH(b->s->a, h->earlier, h->n_earlier, h->cap_earlier, h->task);
		h->task = t;
		return;
	}
	/* The last of several handlers with one name counts, as in Ansible. */
	map_put(b->s->a, p->handler_ids, id, number);
	map_put(b->s->a, p->handler_names, id, number);
	if (t->name)
		map_put(b->s->a, p->handler_names, t->name, number);
	put_topics(b, t, p->n_handlers);
	PUSH(b->s->a, p->handlers, p->n_handlers, p->cap_handlers,
		((struct handler){.id = id, .task = t}));
}

static void add_leaves(struct build *b, struct task *t)
{
	if (t->n_child == 0 && (t->type || t->control)) {
		if (t->control && t->control->kind != CONTROL_IMPORT_TASKS)
			add_handler(b, t);
		else if (t->type)
			add_handler(b, t);
	}
	for (size_t i = 0; i < t->n_child; i++)
		add_leaves(b, t->child[i]);
}

void handlers_build(struct build *b, struct value *list)
{
	struct build inner = *b;
	struct task *node;
	inner.handlers = true;
	node = task_new(&inner, list ? list->pos : (struct pos){0});
	inner.parent = node;
	tasks_build(&inner, list, node);
	for (size_t i = 0; i < node->n_child; i++)
		add_leaves(&inner, node->child[i]);
}

static bool may_change_packages(const struct task *t)
{
	if (t->dynamic || (t->type && t->type->class == RES_PACKAGE))
		return true;
	for (size_t i = 0; i < t->n_child; i++)
		if (may_change_packages(t->child[i]))
			return true;
	return false;
}

void handlers_add_installed(struct build *b)
{
	static const char id[] = "start what packages have installed";
	struct play_in *p = b->play;
	bool needed = false;
	struct task *t;
	p->installed = -1;
	for (int i = 0; i < SECTIONS; i++)
		needed = needed || may_change_packages(p->section[i]);
	if (!needed || map_at(p->handler_ids, id))
		return;
	t = task_new(b, p->shown.pos);
	t->name = id;
	t->type = restype_find(str_c("installed_services"));
	t->action = t->type->name;
	t->fields = t->type->fields;
	t->args = t->checked = value_map(b->s->a);
	p->installed = (long)p->n_handlers;
	map_put(b->s->a, p->handler_ids, id, value_int(b->s->a, p->installed));
	PUSH(b->s->a, p->handlers, p->n_handlers, p->cap_handlers,
		((struct handler){.id = id, .task = t}));
}

static bool add_id(const struct play_in *p, struct arena *a, size_t i, const char ***out, size_t *n,
	size_t *cap)
{
	for (size_t j = 0; j < *n; j++)
		if (strcmp((*out)[j], p->handlers[i].id) == 0)
			return true;
	PUSH(a, *out, *n, *cap, p->handlers[i].id);
	return true;
}

static const char *nearest_handler(const struct play_in *p, struct arena *a, const char *word)
{
	const char **names = NULL;
	size_t n = 0, cap = 0;
	for (size_t i = 0; i < p->handler_names->map.n; i++)
		PUSH(a, names, n, cap, p->handler_names->map.e[i].key.p);
	for (size_t i = 0; i < p->handler_topics->map.n; i++)
		PUSH(a, names, n, cap, p->handler_topics->map.e[i].key.p);
	PUSH(a, names, n, cap, NULL);
	return str_nearest(word, names);
}

bool handlers_ids(const struct play_in *p, struct arena *a, const struct value *names,
	const char *const **out, struct err *e)
{
	const char **ids = NULL, *near;
	size_t n = 0, cap = 0;
	for (size_t i = 0; names && i < names->list.n; i++) {
		struct str name = value_print(a, names->list.v[i]);
		struct value *one = map_get(p->handler_names, name);
		struct value *topic = map_get(p->handler_topics, name);
		if (one)
			add_id(p, a, (size_t)one->i, &ids, &n, &cap);
		for (size_t j = 0; topic && j < topic->list.n; j++)
			add_id(p, a, (size_t)topic->list.v[j]->i, &ids, &n, &cap);
		if (one || topic)
			continue;
		near = nearest_handler(p, a, name.p);
		return err_at(e, names->list.v[i]->pos, "there is no handler '%s'%s%s%s", name.p,
			near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
	}
	PUSH(a, ids, n, cap, NULL);
	*out = ids;
	return true;
}

/* A role that is not in the play but has a handler with that name; or NULL. */
static const char *role_with_handler(struct build *b, const char *name)
{
	struct arena *a = b->s->a;
	const char *line = arena_printf(a, "name: %s\n", name), **roles;
	struct err ignored = {0};
	struct str text;
	bool found;
	for (size_t i = 0; b->s->roles_path[i]; i++) {
		size_t n = dir_list(a, b->s->roles_path[i], &roles);
		for (size_t j = 0; j < n; j++) {
			const char *file = arena_printf(
				a, "%s/%s/handlers/main.yml", b->s->roles_path[i], roles[j]);
			if (file_read_opt(a, file, HANDLERS_MAX, &text, &found, &ignored) &&
				found && strstr(text.p, line))
				return roles[j];
		}
	}
	return NULL;
}

/* For the first name without a handler: a hint which role has it. */
static const char *hint_role(struct build *b, const struct value *names)
{
	const struct play_in *p = b->play;
	for (size_t i = 0; i < names->list.n; i++) {
		struct str name = value_print(b->s->a, names->list.v[i]);
		const char *role;
		if (map_get(p->handler_names, name) || map_get(p->handler_topics, name))
			continue;
		role = role_with_handler(b, name.p);
		return role ? arena_printf(b->s->a,
				      "; the role '%s' has it: add that role to the play, before "
				      "this one",
				      role)
			    : "";
	}
	return "";
}

void handlers_link(struct build *b, struct task *t)
{
	struct err e = {0};
	if (t->notify && handlers_ids(b->play, b->s->a, t->notify, &t->notify_ids, &e))
		e.kind = ERR_NONE;
	if (e.kind && !has_template(t->notify) && !b->play->dynamic_roles)
		errs_add(b->errs, e.pos, "%s%s", e.msg, hint_role(b, t->notify));
	for (size_t i = 0; i < t->n_child; i++)
		handlers_link(b, t->child[i]);
}
