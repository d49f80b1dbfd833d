/* SPDX-License-Identifier: MIT
 *
 * One task on one host: its loop, its `when`, its keywords, and its steps. Unknown values are
 * requested or reported, never guessed.
 */
#include "site/flush.h"
#include "site/verdict.h"

enum { TIMEOUT_MAX_S = 7 * 24 * 3600, LOOP_MAX = 100000 };

struct value *task_attr(const struct task *t, size_t offset)
{
	for (const struct task *p = t; p; p = p->parent) {
		struct value *const *v = (struct value *const *)((const char *)p + offset);

		if (*v && (p == t || !p->dynamic))
			return *v;
	}
	return NULL;
}

struct value *task_when(struct resolver *r, const struct task *t, struct err *e)
{
	const struct task *chain[FRAMES];
	struct value *result = value_bool(r->a, true);
	size_t n = 0;
	for (const struct task *p = t; p && n < FRAMES; p = p->parent)
		if (p->when && (p == t || !p->dynamic))
			chain[n++] = p;
	while (n-- > 0) {
		struct value *c = vars_condition(r->v, chain[n]->when, e);
		if (!c || (c->type == VALUE_BOOL && !c->b))
			return c;
		if (c->type == VALUE_UNKNOWN)
			result = c;
	}
	return result;
}

static const char *label_of(struct resolver *r, const struct task *t)
{
	struct err e = {0};
	struct value *name, *raw;
	struct errs *found;
	if (!t->name || !text_is_template(str_c(t->name)))
		return task_label(r->a, t);
	raw = value_text(r->a, t->name);
	found = vars_quiet(r->v);
	name = vars_resolve(r->v, raw, &e);
	r->v->found = found;
	if (!name || name->type == VALUE_UNKNOWN || value_has_secret(name))
		return task_label(r->a, t);
	return t->role ? arena_printf(
				 r->a, "%s : %s", t->role->role->name, value_print(r->a, name).p)
		       : value_print(r->a, name).p;
}

/* The item's text in the output: a map's name, or the item of a loop's result. */
static struct value *item_name(struct value *v)
{
	const char *loop_var = v->type == VALUE_MAP ? map_cstr(v, "ansible_loop_var", NULL) : NULL;
	if (v->type == VALUE_MAP && map_at(v, "name"))
		return map_at(v, "name");
	return loop_var && map_at(v, loop_var) ? item_name(map_at(v, loop_var)) : v;
}

static const char *item_label(struct resolver *r, const struct frame *f, const struct task *t)
{
	struct err e = {0};
	struct value *v;
	struct errs *found;
	if (!f->at.items)
		return NULL;
	found = vars_quiet(r->v);
	v = t->loop_label ? vars_resolve(r->v, t->loop_label, &e) : f->at.items->list.v[f->at.i];
	r->v->found = found;
	if (!v || v->type == VALUE_UNKNOWN)
		return "item";
	if (value_has_secret(v))
		return SECRET_TEXT;
	if (!t->loop_label)
		v = item_name(v);
	return value_print(r->a, v).p;
}

struct step_record *step_new(struct resolver *r, struct frame *f, struct task *t)
{
	struct step_record *s = ARENA_NEW(r->a, struct step_record);
	PUSH(r->a, r->steps, r->n_steps, r->cap_steps, s);
	s->t = t;
	s->scope = f->scope;
	s->loop = r->v->loop;
	s->at = r->at;
	s->step = (struct step){.id = (uint32_t)r->n_steps,
		.task = f->at.task,
		.turn = f->at.task,
		.name = f->at.name,
		.item = item_label(r, f, t),
		.more = f->at.items && f->at.i + 1 < f->at.items->list.n,
		.pos = t->pos,
		.notify = handlers_of_host(r, f->at.notify),
		.changed = -1,
		.failed = -1};
	s->notify = f->at.notify;
	s->step.no_log = r->kw.read && !r->kw.unknown ? r->kw.no_log : keyword_hides(r, t);
	s->step.no_diff = r->kw.read && !r->kw.diff;
	if (s->step.no_log && s->step.item)
		s->step.item = SECRET_TEXT;
	s->step.ignore_errors = r->kw.ignore_errors;
	s->step.user = r->kw.user;
	if (f->handler >= 0)
		handler_fill(r, f, s);
	return s;
}

/* Can a host still be asked, before an unknown value is reported? */
static bool can_learn(const struct resolver *r)
{
	if (r->dry)
		return false;
	return (r->unanswered && !r->asked_observe) || r->v->n_waits ||
	       (r->mode == RESOLVE_RUN && r->planned && !r->asked_apply);
}

enum outcome step_wait(struct resolver *r, struct frame *f, struct task *t,
	const struct value *unknown, struct step **out, struct err *e)
{
	struct step_record *s;
	if (r->dry && t->control && t->control->kind >= CONTROL_INCLUDE_VARS)
		r->past_visible = true;
	if (!r->dry && !r->asked_observe && r->unanswered) {
		r->wait = RESOLVE_OBSERVE;
		r->asked_observe = true;
		return OUT_WAIT;
	}
	if (r->mode == RESOLVE_RUN && !r->asked_apply && r->planned) {
		r->wait = RESOLVE_APPLY;
		r->asked_apply = true;
		return OUT_WAIT;
	}
	if (!r->dry && r->v->n_waits) {
		r->wait = RESOLVE_PEERS;
		return OUT_WAIT;
	}
	if (r->mode == RESOLVE_RUN) {
		err_at(e, t->pos,
			"task '%s' needs a value that is still unknown after all earlier tasks "
			"(%s)",
			f->at.name, unknown->s.p);
		return OUT_FAIL;
	}
	s = step_new(r, f, t);
	s->step.unknown = unknown->s.n ? unknown->s.p : "until earlier tasks have run";
	s->answered = true;
	s->changed = true;
	set_unknown(r, t, unknown);
	reg_fix(r, f, reg_unknown(r, t));
	*out = &s->step;
	return OUT_STEP;
}

/* ---- one item of a task ---- */
enum outcome step_skip(struct resolver *r, struct frame *f, struct task *t, struct step **out)
{
	struct step_record *s = step_new(r, f, t);
	struct value *m = value_map(r->a);
	s->step.skipped = true;
	s->step.dropped = f->handler >= 0 && handler_left_over(r, f);
	s->answered = true;
	map_put(r->a, m, "changed", value_bool(r->a, false));
	map_put(r->a, m, "skipped", value_bool(r->a, true));
	map_put(r->a, m, "skip_reason", value_text(r->a, "Conditional result was False"));
	reg_fix(r, f, m);
	*out = &s->step;
	return OUT_STEP;
}

/* It belongs to the task that changed packages, and runs as the same user. */
static void installed_run(struct resolver *r, struct step_record *s)
{
	s->step.params = installed_params(r);
	if (!r->package)
		return;
	s->step.task = r->package->task;
	s->step.user = r->package->user;
	s->step.environment = r->package->environment;
}

/* As in Ansible, 0 means no limit. */
static bool set_timeout(struct resolver *r, struct task *t, struct step_record *s, struct err *e)
{
	struct value *given = TASK_ATTR(t, timeout);
	struct value *v = given ? vars_resolve(r->v, given, e) : NULL;
	char *end = NULL;
	long n = 0;
	if (!given || (v && v->type == VALUE_NULL))
		return true;
	if (v && v->type == VALUE_STR)
		n = strtol(v->s.p, &end, 10);
	else if (v && v->type == VALUE_INT)
		n = v->i > TIMEOUT_MAX_S ? TIMEOUT_MAX_S + 1L : (long)v->i;
	else if (v)
		n = -1;
	if (v && ((end && *end) || n < 0 || n > TIMEOUT_MAX_S))
		err_at(e, given->pos, "timeout must be a number of seconds from 0 to %d",
			TIMEOUT_MAX_S);
	s->step.timeout_s = (int)n;
	return !e->kind;
}

static enum outcome module_run(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e)
{
	const struct value *unknown = NULL;
	const struct restype *type = t->type;
	struct value *params = module_params(r, t, &type, &unknown, e), *environment;
	struct step_record *s;
	if (!params)
		return unknown ? step_wait(r, f, t, unknown, out, e) : OUT_FAIL;
	if (f->handler >= 0 && handler_left_over(r, f) && handler_revives(r, type, params))
		return step_skip(r, f, t, out);
	if (r->kw.only_check) {
		err_at(e, t->pos,
			"check_mode: true is not supported, so the task would change the host; "
			"remove the task: a plan shows what it would do");
		return OUT_FAIL;
	}
	if (!task_environment(r, t, &environment, e))
		return OUT_FAIL;
	if (environment && environment->type == VALUE_UNKNOWN)
		return step_wait(r, f, t, environment, out, e);
	s = step_new(r, f, t);
	s->step.type = type;
	s->step.params = params;
	s->step.environment = environment;
	if (type->class == RES_PACKAGE)
		installed_notify(r, s);
	if (f->handler >= 0 && f->handler == r->p->installed)
		installed_run(r, s);
	if (!verdicts_constant(r, t, s, e) || !set_timeout(r, t, s, e)) {
		r->n_steps--;
		return OUT_FAIL;
	}
	if (!r->dry && r->v->n_waits) { /* its verdict depends on other hosts */
		r->n_steps--;
		unknown = value_unknown(r->a, "until other hosts have reached the same place");
		return step_wait(r, f, t, unknown, out, e);
	}
	if (!s->step.handler) /* a handler is not observed: its effect is known after it ran */
		r->unanswered++;
	if (f->at.registered) {
		s->registered = f->at.registered;
		s->step.registered = true;
		s->reg_i = f->at.registered->n;
		PUSH(r->a, f->at.registered->v, f->at.registered->n, f->at.registered->cap,
			((struct reg_item){.step = s->step.id,
				.item = f->at.items ? f->at.items->list.v[f->at.i] : NULL}));
	}
	*out = &s->step;
	return OUT_STEP;
}

static struct value *loop_vars(struct resolver *r, const struct frame *f, const struct task *t)
{
	struct value *m = value_map(r->a);
	map_put(r->a, m, t->loop_var, f->at.items->list.v[f->at.i]);
	map_put(r->a, m, "ansible_loop_var", value_text(r->a, t->loop_var));
	if (t->index_var) {
		map_put(r->a, m, t->index_var, value_int(r->a, (int64_t)f->at.i));
		map_put(r->a, m, "ansible_index_var", value_text(r->a, t->index_var));
	}
	return m;
}

/* Asks, once, for the results that tell whether a handler is notified; false: they are known. */
static bool ask_answers(struct resolver *r)
{
	if (!r->unanswered || r->asked_observe)
		return false;
	r->wait = RESOLVE_OBSERVE;
	r->asked_observe = true;
	return true;
}

/* A skipped check of arguments or meta does not count as a task, as in Ansible. */
static bool skips_silently(const struct task *t)
{
	return t->control &&
	       (t->control->kind == CONTROL_VALIDATE || t->control->kind == CONTROL_META);
}

static enum outcome run_item(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e)
{
	struct value *when;
	if (f->handler >= 0 && control_is_noop(t))
		return OUT_NONE;
	/* The agent knows whether its handlers are notified; for handlers of the controller it is
	 * known after the observation. */
	if (f->handler >= 0 && t->control && !r->dry) {
		if (ask_answers(r))
			return OUT_WAIT;
		if (!handler_notified(r, f))
			return OUT_NONE;
	}
	vars_loop(r->v, f->at.items ? loop_vars(r, f, t) : NULL);
	when = task_when(r, t, e);
	if (!when)
		return OUT_FAIL;
	if (when->type == VALUE_UNKNOWN)
		return step_wait(r, f, t, when, out, e);
	if (!when->b)
		return skips_silently(t) ? OUT_NONE : step_skip(r, f, t, out);
	if (!keywords_read(r, t, &r->kw, e))
		return OUT_FAIL;
	if (r->kw.unknown && !r->dry) /* the dry run looks for further problems */
		return step_wait(r, f, t, r->kw.unknown, out, e);
	return t->type ? module_run(r, f, t, out, e) : control_run(r, f, t, out, e);
}

/* ---- one task ---- */
/* A block and an import pass their notify to the tasks that have none, as in Ansible. */
static const struct task *find_notifier(const struct task *t)
{
	const struct task *p = t;
	while (p && (!p->notify || (p != t && p->dynamic)))
		p = p->parent;
	return p;
}

static bool read_notify(struct resolver *r, struct frame *f, const struct task *t, struct err *e)
{
	struct value *names;
	t = find_notifier(t);
	f->at.notify = t ? t->notify_ids : NULL;
	if (!t || t->notify_ids)
		return true;
	names = vars_resolve(r->v, t->notify, e);
	if (r->dry && names && value_find_type(names, VALUE_UNKNOWN))
		return true;
	return names && handlers_ids(r->p, r->a, names, &f->at.notify, e);
}

/* Is its `when` false for every item? An error in it is not reported yet: it may depend on the
 * item. */
static bool says_no(struct resolver *r, const struct task *t)
{
	struct errs *found = vars_quiet(r->v);
	const struct value *when = task_when(r, t, &(struct err){0});
	r->v->found = found;
	return when && when->type == VALUE_BOOL && !when->b;
}

/* The loop's list; if it fails but the task's `when` is false, there is nothing to loop over. */
static enum outcome start_loop(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e)
{
	struct err own = {0};
	struct value *v = t->loop;
	const struct value *unknown;
	if (r->dry && says_no(r, t))
		return OUT_NONE;
	v = vars_resolve(r->v, v, &own);
	v = v ? loop_items(r->v, t->loop_kind, v, &own) : NULL;
	if (v && v->type == VALUE_LIST && v->list.n > LOOP_MAX) {
		err_at(&own, t->loop->pos,
			"the loop has %zu items, more than the limit of %d; split it into several "
			"tasks",
			v->list.n, LOOP_MAX);
		v = NULL;
	}
	/* the items are fixed now, so results that may still change them are awaited first */
	unknown = v && can_learn(r) ? value_find_type(v, VALUE_UNKNOWN) : NULL;
	if (v && v->type != VALUE_UNKNOWN && !unknown) {
		f->at.items = v;
		return OUT_NONE;
	}
	if (says_no(r, t))
		return OUT_NONE;
	if (v)
		return step_wait(r, f, t, unknown ? unknown : v, out, e);
	own.pos = own.pos.line ? own.pos : t->loop->pos;
	*e = own;
	return OUT_FAIL;
}

static enum outcome start_task(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e)
{
	enum outcome o = OUT_NONE;
	f->at.name = label_of(r, t);
	if (!f->at.task)
		f->at.task = ++r->tasks;
	if (t->register_as && !f->at.registered) {
		f->at.registered = ARENA_NEW(r->a, struct registered);
		f->at.registered->t = t;
		f->at.registered->loop = t->loop != NULL;
		f->at.registered->at = r->at;
	}
	if (!read_notify(r, f, t, e))
		return OUT_FAIL;
	if (t->loop)
		o = start_loop(r, f, t, out, e);
	f->at.started = o == OUT_NONE;
	return o;
}

static void leave_task(struct resolver *r, struct frame *f)
{
	reg_finish(r, f);
	f->at = (struct cursor){0};
	f->i++;
	vars_loop(r->v, NULL);
}

bool task_pass_over(struct resolver *r, struct err *e)
{
	struct frame *f = r->n_frames ? &r->frame[r->n_frames - 1] : NULL;
	struct task *t = f && f->i < f->n ? f->v[f->i] : NULL;
	if (!r->found || !t)
		return false;
	if (!r->past_visible)
		errs_take(r->found, e);
	*e = (struct err){0};
	r->past_visible =
		r->past_visible || (t->control && t->control->kind >= CONTROL_INCLUDE_VARS);
	set_unknown(r, t, reg_unknown(r, t));
	leave_task(r, f);
	if (t->register_as)
		name_set(r, &r->at, str_c(t->register_as), reg_unknown(r, t));
	return true;
}

enum outcome task_run(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e)
{
	bool last;
	enum outcome o;
	r->kw = (struct keywords){0};
	r->v->n_waits = 0;
	take_place(r, t);
	vars_loop(r->v, NULL);
	vars_enter(r->v, t, f->scope);
	if (!f->at.started) {
		o = start_task(r, f, t, out, e);
		if (o == OUT_STEP)
			leave_task(r, f);
		if (o != OUT_NONE)
			return o;
	}
	if (f->at.items && f->at.items->list.n == 0) {
		struct value *none = f->at.items;
		f->at.items = NULL;
		o = step_skip(r, f, t, out);
		f->at.items = none;
		leave_task(r, f);
		return o;
	}
	o = run_item(r, f, t, out, e);
	if (o == OUT_WAIT || o == OUT_FAIL)
		return o;
	last = !f->at.items || ++f->at.i == f->at.items->list.n;
	if (last && f->at.failed) {
		r->failed = true; /* the host's play ends with this step */
		err_at(&r->err, t->pos, "%s", f->at.failed);
	}
	if (last)
		leave_task(r, f);
	else if (t->register_as &&
		 f->at.i == 1) /* the first item still sees the old value of the name */
		name_set(r, &r->at, str_c(t->register_as), reg_unknown(r, t));
	return o;
}
