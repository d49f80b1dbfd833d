/* SPDX-License-Identifier: MIT
 *
 * Dynamic includes: the tasks of a file or a role, built when a host reaches them, once per site,
 * and run with the variables at the place of the include.
 */
#include "site/role.h"
#include "site/systems.h"

static struct task *find_cached(struct site *s, const char *key)
{
	struct value *i = map_at(s->includes, key);
	return i ? s->include_v[i->i] : NULL;
}

static void remember_file(struct site *s, const char *key, struct task *node)
{
	map_put(s->a, s->includes, arena_strdup(s->a, key), value_int(s->a, (int64_t)s->n_include));
	PUSH(s->a, s->include_v, s->n_include, s->cap_include, node);
}

static struct task *new_node(struct build *b, struct task *t, struct value *args)
{
	struct value *apply = map_at(args, "apply");
	struct task *node;
	b->parent = t;
	b->role = t->role;
	node = task_new(b, t->pos);
	if (apply && apply->type == VALUE_MAP)
		apply = keywords_check(b, site_task_fields(), apply, "apply");
	if (apply && apply->type == VALUE_MAP)
		task_inherited(b, node, apply);
	b->parent = node;
	return node;
}

static void build_file(struct build *b, struct task *t, struct value *args, struct task *node)
{
	struct value *file = map_at(args, "file");
	const char *path = file && file->type == VALUE_STR
				   ? task_file(b->s, t, "tasks", file->s.p, b->s->a)
				   : NULL;
	if (!path) {
		errs_add(b->errs, t->pos, "there is no file of tasks '%s'",
			file ? value_print(b->s->a, file).p : "");
		return;
	}
	b->file = arena_strdup(b->s->a, path);
	node->file = b->file;
	tasks_build(b, files_yaml(&b->s->files, path, b->errs), node);
}

static void build_role(struct build *b, struct task *t, struct value *args, struct task *node)
{
	struct value *name = map_at(args, "name");
	if (!name || name->type != VALUE_STR) {
		errs_add(b->errs, t->pos, "include_role needs the name of a role");
		return;
	}
	role_use_build(b,
		&(struct role_call){.name = str_dup(b->s->a, name->s.p, name->s.n),
			.pos = t->pos,
			.vars = t->vars,
			.args = args},
		node);
}

static struct task *build_include(
	struct resolver *r, struct task *t, struct value *args, struct err *e)
{
	struct errs errs;
	struct build b = {.s = r->s, .play = r->p, .file = t->file, .dynamic = true, .errs = &errs};
	struct task *node;
	errs_init(&errs, r->s->a);
	args = value_copy(r->s->a, args); /* it outlives this host */
	node = new_node(&b, t, args);
	if (t->control->kind == CONTROL_INCLUDE_TASKS)
		build_file(&b, t, args, node);
	else
		build_role(&b, t, args, node);
	if (!errs.n)
		handlers_link(&b, node);
	if (errs.n)
		*e = errs.v[0];
	return errs.n ? NULL : node;
}

/* The variables for the included tasks: the include's vars, and the loop's. */
static struct include_scope *make_instance(struct resolver *r, struct frame *f, struct task *t)
{
	struct include_scope *in = ARENA_NEW(r->a, struct include_scope);
	struct value *loop = r->v->loop;
	in->up = f->scope;
	in->vars = t->vars;
	if (!loop)
		return t->vars ? in : f->scope;
	in->vars = t->vars ? value_shallow(r->a, t->vars) : value_map(r->a);
	for (size_t i = 0; i < loop->map.n; i++)
		map_set(r->a, in->vars, loop->map.e[i].key, loop->map.e[i].value);
	return in;
}

static const char *key_of(struct resolver *r, const struct task *t, const struct value *args)
{
	return arena_printf(r->a, "%u %s", t->id, digest_key(r->a, args));
}

/* In Ansible's recap an included file counts as a task that is ok; a role does not count. */
static enum outcome note_included(
	struct resolver *r, struct frame *f, struct task *t, struct step **out)
{
	struct step_record *s;
	if (t->control->kind != CONTROL_INCLUDE_TASKS)
		return OUT_PUSH;
	s = step_new(r, f, t);
	s->step.local = true;
	s->answered = true;
	if (f->at.included) /* the next item's file counts for itself */
		s->step.task = s->step.turn = ++r->tasks;
	f->at.included = true;
	*out = &s->step;
	return OUT_STEP;
}

struct task *include_node(struct resolver *r, struct task *t, struct value *args, struct err *e)
{
	const char *key = key_of(r, t, args);
	struct task *node = find_cached(r->s, key);
	if (!node && (node = build_include(r, t, args, e)))
		remember_file(r->s, key, node);
	return node;
}

enum outcome include_run(struct resolver *r, struct frame *f, struct task *t, struct value *args,
	struct step **out, struct err *e)
{
	struct include_scope *in = make_instance(r, f, t);
	struct task *node = include_node(r, t, vars_omit(r->a, args), e);
	if (!node)
		return OUT_FAIL;
	if (t->control->kind == CONTROL_INCLUDE_ROLE && node->role && !r->dry &&
		!system_supported(r, node->role->role, e))
		return OUT_FAIL;
	if (!frame_push(r, node->child, node->n_child, in, e))
		return OUT_FAIL;
	r->frame[r->n_frames - 1].deeper = true;
	r->frame[r->n_frames - 1].from = t->id;
	r->frame[r->n_frames - 1].item = (uint32_t)f->at.i;
	return note_included(r, f, t, out);
}
