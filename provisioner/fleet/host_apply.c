/* SPDX-License-Identifier: MIT
 *
 * The applying half of a host's state machine: sends the agent the observed steps that have
 * changes, takes each step's outcome, and counts it. Sends only what the plan shows.
 */
#include "fleet/budget.h"
#include "fleet/host_origins.h"

enum { GRACE_S = 30 }; /* for the agent to end a program that exceeded its task's timeout */

static void count_step(struct fleet_host *h, uint32_t task, enum step_status s, bool changed)
{
	/* Ansible's recap counts tasks: a looped task counts once, as its worst item. */
	static const int gravity[] = {[STEP_SKIPPED] = 0,
		[STEP_OK] = 1,
		[STEP_CHANGED] = 2,
		[STEP_IGNORED] = 3,
		[STEP_FAILED] = 4};
	if (task >= h->task_cap) {
		size_t cap = task + 64;
		struct task_count *v = ARENA_ARRAY(h->a, struct task_count, cap);
		if (h->task_cap)
			memcpy(v, h->tasks, h->task_cap * sizeof(*v));
		h->tasks = v;
		h->task_cap = cap;
	}
	struct task_count *now = &h->tasks[task];
	if (!now->seen || gravity[s] > gravity[now->status])
		now->status = s;
	now->seen = true;
	now->changed = now->changed || changed;
}

void host_step_event(struct fleet_host *h, struct planned *p, enum step_status s,
	const struct value *changes, const char *error, int64_t ms)
{
	struct event e = {.kind = EVENT_STEP,
		.host = h->name,
		.step = p,
		.status = s,
		.changes = changes,
		.error = error,
		.ms = ms};
	if (s == STEP_FAILED) {
		h->failed_step = p->step;
		host_find_origins(h, p, error);
	}
	count_step(h, p->step->task, s, s == STEP_CHANGED || (s == STEP_IGNORED && p->changed));
	report_event(h->f->o->report, &e);
}

bool step_runs_program(const struct step *s)
{
	return s->type->class == RES_ALL;
}

bool host_notifies(const struct step *s)
{
	if (!s->notify || !s->notify[0])
		return false;
	return s->local ? s->changed == 1 : s->ignore_errors;
}

/* changed_when made it a change: the host has nothing to do. */
static bool changed_here(const struct planned *p)
{
	return p->kind == PLANNED_CHANGE && (p->step->local || (p->changed && p->step->verdict));
}

static bool to_send(const struct planned *p)
{
	return (p->kind == PLANNED_CHANGE && !changed_here(p)) || p->kind == PLANNED_MAYBE ||
	       p->kind == PLANNED_RUN || p->kind == PLANNED_HANDLER ||
	       p->kind == PLANNED_HANDLER_MAYBE || p->step->dropped;
}

static struct value *blobs_of(struct arena *a, const struct step *s)
{
	struct value *m = value_map(a);
	for (size_t i = 0; s->params && i < s->params->map.n; i++) {
		struct map_entry *e = &s->params->map.e[i];
		if (e->value->type == VALUE_BLOB)
			map_set(a, m, e->key, e->value);
	}
	return m;
}

/* Do further items of the loop follow in another APPLY? Then the controller ends the play, not the
 * agent. */
static bool loop_goes_on(const struct fleet_host *h, const struct step *s)
{
	return h->upto == h->plan->n && host_loop_open(h) &&
	       h->plan->v[h->upto - 1]->step->task == s->task;
}

static struct value *apply_step(
	const struct fleet_host *h, struct arena *a, const struct planned *p)
{
	const struct step *s = p->step;
	struct step sent = *s;
	if (s->verdict || host_notifies(s))
		sent.notify = NULL;
	sent.ignore_errors = s->ignore_errors || s->verdict || s->failed == 0 || loop_goes_on(h, s);
	sent.loop = s->item ? s->task : 0;
	if (!s->handler || s->dropped) {
		step_clear_params(&sent);
		sent.type = NULL;
	}
	struct value *m = step_message(a, &sent, STEP_APPLY);
	if (!s->handler && !s->dropped && to_send(p))
		map_put(a, m, "blobs", blobs_of(a, s));
	return m;
}

static void note_notified(struct fleet_host *h, const struct planned *p)
{
	for (const char *const *n = p->step->notify; n && *n; n++)
		list_add(h->a, h->notified, value_text(h->a, *n));
}

static const char *unknown_verdict(struct fleet_host *h, const char *why)
{
	return arena_printf(h->a,
		"its changed_when or failed_when needs a value that is still unknown (%s)", why);
}

/* Evaluates a changed_when or failed_when that depended on earlier tasks, which have run now.
 * false: the task has failed. */
static bool close_verdict(struct fleet_host *h, struct planned *p)
{
	host_judge(h, p);
	if (p->open) {
		p->error = unknown_verdict(h, p->open);
		p->open = NULL;
	}
	plan_classify(h->plan);
	h->failing = h->failing || p->kind == PLANNED_FAILED;
	return !h->failing || p->step->more;
}

static enum step_status quiet_status(const struct planned *p)
{
	if (p->step->skipped)
		return STEP_SKIPPED;
	if (p->kind == PLANNED_IGNORED)
		return STEP_IGNORED;
	if (p->kind == PLANNED_FAILED)
		return STEP_FAILED;
	return p->kind == PLANNED_CHANGE ? STEP_CHANGED : STEP_OK;
}

/* Reports steps that are not sent to the host. false: the host's play has ended. */
static bool report_quiet(struct fleet_host *h, size_t to)
{
	for (size_t i = h->applied_to; i < to; i++) {
		struct planned *p = h->plan->v[i];
		if (p->open && !p->applied && !close_verdict(h, p)) {
			h->plan->n = i + 1;
			host_fail_last(h);
			return false;
		}
		if (p->applied || p->kind == PLANNED_QUIET || p->kind == PLANNED_UNKNOWN)
			continue;
		p->applied = true;
		if (changed_here(p))
			note_notified(h, p);
		host_step_event(h, p, quiet_status(p), NULL,
			p->step->item ? planned_error(p) : p->error, 0);
	}
	h->applied_to = to;
	return true;
}

static void host_go_on(struct fleet_host *h)
{
	h->state = HOST_IDLE;
	if (!report_quiet(h, h->upto))
		return;
	if (h->upto < h->plan->n)
		host_apply(h);
	else if (h->want == WANT_FAIL)
		host_fail_last(h);
	else if (h->want == WANT_END || h->want == WANT_STOP)
		fleet_host_done(h);
	else
		host_resolve(h);
}

static void announce_apply(struct fleet_host *h)
{
	if (h->announced == h->plan->n && h->applied_to < h->announced)
		return;
	h->announced = h->plan->n;
	h->plan->counts = plan_count(h->plan, h->applied_to);
	struct event e = {.kind = EVENT_PLAN, .host = h->name, .plan = h->plan};
	report_event(h->f->o->report, &e);
}

void host_send_apply(struct fleet_host *h)
{
	struct arena *a = arena_new();
	struct value *msg = value_map(a), *steps = value_list(a);
	for (size_t i = h->applied_to; i < h->upto; i++) {
		struct planned *p = h->plan->v[i];
		bool fails = p->kind == PLANNED_FAILED || p->kind == PLANNED_IGNORED;
		p->sent = (p->step->type && !fails) || p->step->dropped;
		if (p->sent)
			list_add(a, steps, apply_step(h, a, p));
	}
	map_put(a, msg, "run", value_text(a, h->f->run));
	map_put(a, msg, "notified", h->notified);
	map_put(a, msg, "steps", steps);
	h->state = HOST_APPLYING;
	host_asked(h);
	host_progress(h, "applying");
	transport_send(h->t, FRAME_APPLY, msg);
	h->sent = h->notified;
	h->notified = value_list(h->a);
	arena_free(a);
}

static bool work_to_do(const struct fleet_host *h)
{
	bool work = h->notified->list.n > 0;
	for (size_t i = h->applied_to; i < h->upto; i++)
		work = work || to_send(h->plan->v[i]);
	return work;
}

void host_apply(struct fleet_host *h)
{
	host_cut(h);
	h->upto = h->plan->n;
	if (!wave_waits(h))
		host_carry_out(h);
}

void host_carry_out(struct fleet_host *h)
{
	struct err e = {0};
	if (work_to_do(h)) {
		announce_apply(h);
		host_send_apply(h);
		return;
	}
	if (h->want == WANT_APPLY && h->applied_to == h->plan->n) {
		err_set(&e, ERR_PERMANENT,
			"internal error: the resolver waits for results but no step is under way");
		host_fail(h, &e);
		return;
	}
	announce_apply(h);
	host_go_on(h);
}

static enum step_status status_of(const char *name)
{
	if (!strcmp(name, "changed"))
		return STEP_CHANGED;
	if (!strcmp(name, "failed"))
		return STEP_FAILED;
	if (!strcmp(name, "skipped"))
		return STEP_SKIPPED;
	return STEP_OK;
}

/* In a saved plan changed_when and failed_when are constants: others cannot be saved. */
static void verdict_of(struct fleet_host *h, const struct step *s, struct step_result *res)
{
	if (!h->saved) {
		resolver_result(h->resolver, s->id, res);
		return;
	}
	if (s->changed >= 0)
		res->changed = s->changed;
	if (s->failed >= 0)
		res->failed = s->failed;
}

/* Applies changed_when and failed_when; a change by them notifies handlers. */
static enum step_status give_verdict(struct fleet_host *h, struct planned *p, enum step_status s,
	const struct value *changes, const char **error)
{
	/* a command that ran and failed has changed something, unless changed_when is false */
	bool ran = step_runs_program(p->step) && changes && changes->type == VALUE_LIST &&
		   changes->list.n;
	struct step_result res = {
		.changed = s == STEP_CHANGED || (s == STEP_FAILED && ran),
		.failed = s == STEP_FAILED,
		.result = p->result,
		.error = *error,
	};
	verdict_of(h, p->step, &res);
	if (res.unknown) {
		res.failed = true;
		res.error = unknown_verdict(h, res.unknown);
	}
	p->changed = res.changed;
	bool here = p->step->verdict || host_notifies(p->step);
	if (!here && p->step->failed != 0)
		return s;
	bool noted = s == STEP_CHANGED && !here; /* the agent has notified the handlers */
	s = res.failed ? STEP_FAILED : res.changed ? STEP_CHANGED : STEP_OK;
	if (s == STEP_CHANGED && !noted)
		note_notified(h, p);
	if (s != STEP_FAILED)
		*error = NULL;
	else if (!*error && res.error)
		*error = p->step->no_log ? HIDDEN : res.error;
	return s;
}

static size_t place_of(const struct fleet_host *h, const struct planned *p)
{
	size_t i = h->applied_to;
	while (i < h->plan->n && h->plan->v[i] != p)
		i++;
	return i;
}

static void step_ended(struct fleet_host *h, struct planned *p, struct value *msg)
{
	struct err e = {0};
	enum step_status s = status_of(map_cstr(msg, "status", "ok"));
	const char *error = map_cstr(msg, "error", NULL);
	if (error && p->step->no_log)
		error = HIDDEN;
	size_t before = arena_held(h->a);
	error = error ? arena_strdup(h->a, error) : NULL;
	struct value *result = map_at(msg, "result");
	if (result)
		p->result = p->step->registered ? value_copy(h->a, result) : result;
	size_t n = arena_held(h->a) - before;
	p->applied = true;
	const struct value *changes = map_at(msg, "changes");
	if (p->step->type)
		s = give_verdict(h, p, s, changes ? changes : p->changes, &error);
	if (!host_keeps(h, p->step->registered ? arena_held(h->a) - before : n))
		return;
	if (s == STEP_FAILED && p->step->ignore_errors)
		s = STEP_IGNORED;
	h->failing = h->failing || s == STEP_FAILED;
	bool ends = s == STEP_FAILED && p->step->verdict && !p->step->more;
	if (ends && !report_quiet(h, place_of(h, p)))
		return;
	host_step_event(h, p, s, changes, error, map_int(msg, "ms", 0));
	if (ends) {
		err_set(&e, ERR_PERMANENT, "'%s' failed", p->step->name);
		host_fail(h, &e);
	}
}

/* The step of a message: it was sent and has not ended. NULL: there is none, and the host has
 * failed. */
static struct planned *step_under_way(struct fleet_host *h, const struct value *msg, bool begins)
{
	struct planned *p = plan_find(h->plan, (uint32_t)map_int(msg, "id", 0));
	const char *verb = begins ? "began" : "ended";
	struct err e = {0};
	if (!p || !p->sent)
		err_set(&e, ERR_PERMANENT, "the agent %s a step that it was not sent", verb);
	else if (p->ended || (begins && p->started))
		err_set(&e, ERR_PERMANENT, "the agent %s '%s' twice", verb, p->step->name);
	if (!e.kind)
		return p;
	host_fail(h, &e);
	return NULL;
}

void host_started(struct fleet_host *h, const struct value *msg)
{
	struct planned *p = step_under_way(h, msg, true);
	if (!p)
		return;
	p->started = true;
	transport_limit(h->t, p->step->timeout_s ? p->step->timeout_s + GRACE_S : 0);
	host_progress(h, "%s", p->step->name);
}

void host_step(struct fleet_host *h, struct value *msg)
{
	struct planned *p = step_under_way(h, msg, false);
	if (!p)
		return;
	if (!host_may_show(h, map_at(msg, "changes")))
		return;
	p->ended = true;
	transport_limit(h->t, 0);
	if (p->step->handler && !strcmp(map_cstr(msg, "status", ""), "skipped")) {
		p->applied = true; /* nothing notified the handler after all: not reported */
		return;
	}
	step_ended(h, p, msg);
	if (!p->step->registered)
		p->result = NULL;
}

/* Checks that all steps were reported before accepting the status "done". */
static bool all_ended(struct fleet_host *h, struct err *e)
{
	for (size_t i = h->applied_to; i < h->plan->n; i++) {
		const struct planned *p = h->plan->v[i];
		if (p->sent && !p->ended)
			return err_set(e, ERR_PERMANENT,
				"the agent reports that all is done, but no result of '%s'",
				p->step->name);
	}
	return true;
}

/* The index after the last applied step and the skipped items of its loop. */
static size_t end_of_applied(const struct fleet_host *h)
{
	struct planned *const *v = h->plan->v;
	size_t end = h->upto;
	while (end > h->applied_to && !v[end - 1]->applied)
		end--;
	while (end > h->applied_to && end < h->upto && v[end - 1]->step->more &&
		v[end]->step->skipped)
		end++;
	return end;
}

void host_applied(struct fleet_host *h, struct value *msg)
{
	const char *status = map_cstr(msg, "status", "");
	struct err e = {0};
	size_t end;
	if (strcmp(status, "locked") == 0) {
		h->notified = h->sent ? h->sent : h->notified;
		if (host_wait_for_lock(h))
			return;
	}
	if (h->asks_lock && strcmp(status, "done") == 0) {
		h->asks_lock = false;
		h->pending = host_pending(h, msg);
		host_begin(h);
		return;
	}
	if (strcmp(status, "done") != 0) {
		end = end_of_applied(h);
		if (!report_quiet(h, end)) /* steps before the failed one */
			return;
		if (strcmp(status, "stopped") == 0 && h->f->stopped) {
			h->plan->n = h->upto = end;
			h->want = WANT_STOP;
			host_go_on(h);
			return;
		}
		if (strcmp(status, "failed") == 0 && h->failed_step) /* its reason has been shown */
			err_set(&e, ERR_PERMANENT, "'%s' failed", h->failed_step->name);
		err_set(&e, ERR_PERMANENT, "%s",
			map_cstr(msg, "error",
				"the apply stopped; pending handlers run in the next apply"));
		host_fail(h, &e);
		return;
	}
	if (!all_ended(h, &e)) {
		host_fail(h, &e);
		return;
	}
	host_go_on(h);
}
