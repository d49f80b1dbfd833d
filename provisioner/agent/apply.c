/* SPDX-License-Identifier: MIT
 *
 * Applies a plan: takes the lock, observes again before the first change, then runs the steps in
 * order and each handler once. It either follows the plan or stops; it decides nothing. If the
 * controller disconnects, it still finishes.
 */
#include <unistd.h>
#include "agent/apply.h"
#include "resource/package.h"

enum { RUN_NAME_MAX = 64, BATCH_MAX = 256 };

void apply_stop(struct apply *ap, const char *status, const char *fmt, ...)
{
	va_list args;
	if (ap->status) /* keep the first reason */
		return;
	ap->status = status;
	va_start(args, fmt);
	vsnprintf(ap->why.msg, sizeof(ap->why.msg), fmt, args);
	va_end(args);
}

void apply_fail(struct apply *ap, const struct work *w, const char *error)
{
	if (!w->want.loop) {
		apply_stop(ap, "failed", "'%s' failed: %s", w->step->want.name, error);
	} else if (!ap->failing) {
		ap->failing = w;
		ap->failure = arena_strdup(ap->a, error);
	}
}

/* Call it when the loop with a failed item has ended, or its remaining items will not run. */
static void stop_failing(struct apply *ap)
{
	if (ap->failing)
		apply_stop(
			ap, "failed", "'%s' failed: %s", ap->failing->step->want.name, ap->failure);
}

/* Is the step still to be run? */
static bool goes_on(const struct apply *ap, const struct work *w)
{
	return !ap->status && (!ap->failing || ap->failing->want.loop == w->want.loop);
}

/* ---- one step ---- */

static void change_step(struct apply *ap, struct step_run *t)
{
	ap->noted = &t->step;
	ap->changing = t->w;
	bool ok = step_apply(&t->step, &t->h, &t->o, &t->e);
	ap->changing = NULL;
	if (!ok && t->e.kind == ERR_NONE)
		err_set(&t->e, ERR_PERMANENT, "it failed without an error message");
	if (ok && t->w->want.handler)
		handler_done(ap, t->w);
	if (!ok)
		handlers_take_back(ap, t);
	if (!ok)
		rollback(ap, t);
	step_run_finish(ap, t, ok ? OUTCOME_CHANGED : OUTCOME_FAILED);
}

static void do_step(struct apply *ap, struct work *w)
{
	struct step_run t;
	step_run_open(ap, &t, w);
	if (!step_run_observe(ap, &t))
		return;
	if (t.o.changes->list.n) {
		if (step_run_begin(ap, &t, true))
			change_step(ap, &t);
		return;
	}
	if (w->want.handler)
		handler_done(ap, w);
	step_run_finish(ap, &t, OUTCOME_OK);
}

static void finish_unseen(struct apply *ap, struct work *w, enum outcome outcome)
{
	struct step_run t;
	step_run_open(ap, &t, w);
	step_run_finish(ap, &t, outcome);
}

/* A converged step is observed again only if an earlier change may have affected it. */
static bool has_converged(const struct apply *ap, const struct work *w)
{
	const struct agent_step *step = w->step;
	return !w->want.handler && step->observed && !step->failed && !step->planned &&
	       !step->waits && !step_explained(ap->s, step);
}

/* ---- adjacent package steps: one transaction ---- */

static bool is_batchable(const struct work *w)
{
	const struct agent_step *step = w->step;
	return step->want.type && step->want.type->class == RES_PACKAGE &&
	       !step->want.type->probe && !step->want.user && !step->want.timeout_s &&
	       !w->want.handler;
}

/* Does step n undo an earlier one of the batch? Then it needs a transaction of its own. */
static bool undoes_before(const struct work *w, size_t n)
{
	bool any = false;
	for (size_t i = 0; i < n && !any; i++)
		any = package_undoes(w[n].step->want.params, w[i].step->want.params);
	return any;
}

/* Do both have the same environment, so that one program can change both? */
static bool same_environment(const struct work *a, const struct work *b)
{
	const struct value *x = a->step->want.environment, *y = b->step->want.environment;
	return x && y ? value_equal(x, y) : x == y;
}

/* The transaction failed: apply each step alone, so that the faulty one is known. */
static void one_by_one(struct apply *ap, struct step_run *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (goes_on(ap, t[i].w))
			change_step(ap, &t[i]);
		else
			arena_free(t[i].h.a);
	}
}

static void finish_batch(
	struct apply *ap, struct step_run *t, size_t n, bool ok, const struct err *e)
{
	if (!ok && n > 1 && e->kind != ERR_TRANSIENT) {
		one_by_one(ap, t, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!ok)
			t[i].e = *e;
		step_run_finish(ap, &t[i], ok ? OUTCOME_CHANGED : OUTCOME_FAILED);
	}
}

static void apply_batch(struct apply *ap, struct step_run *t, size_t n)
{
	struct arena *a = arena_new();
	const struct value **params = ARENA_ARRAY(a, const struct value *, n);
	struct observation **o = ARENA_ARRAY(a, struct observation *, n);
	struct host h = t[0].h;
	struct err e = {0};
	h.a = a;
	for (size_t i = 0; i < n; i++) {
		params[i] = t[i].step.want.params;
		o[i] = &t[i].o;
	}
	ap->noted = &t[n - 1].step;
	char **own = environ;
	if (t->step.want.environment)
		environ = step_environment(a, NULL, t->step.want.environment);
	bool ok = package_apply_many(&h, params, o, n, &e);
	environ = own;
	finish_batch(ap, t, n, ok, &e);
	arena_free(a);
}

/* Observes the steps that have not converged; returns how many of them have changes to make. */
static size_t observe_batch(
	struct apply *ap, struct work *w, size_t n, struct step_run *t, bool *converged_before)
{
	size_t m = 0;
	for (size_t i = 0; i < n && goes_on(ap, &w[i]); i++) {
		converged_before[i] = has_converged(ap, &w[i]);
		if (converged_before[i])
			continue;
		step_run_open(ap, &t[m], &w[i]);
		/* OBSERVE omitted packages that an earlier step of the batch installs */
		t[m].explained = m > 0;
		if (!step_run_observe(ap, &t[m]))
			continue;
		if (t[m].o.changes->list.n == 0)
			step_run_finish(ap, &t[m], OUTCOME_OK);
		else
			m++;
	}
	return m;
}

/* Begins all of them; drops and finishes those that fail to begin. */
static void begin_batch(struct apply *ap, struct step_run *t, size_t m)
{
	size_t begun = 0;
	for (size_t i = 0; i < m; i++) {
		if (!goes_on(ap, t[i].w)) /* the APPLY stops: change none of the rest */
			arena_free(t[i].h.a);
		else if (step_run_begin(ap, &t[i], i + 1 == m))
			t[begun++] = t[i];
	}
	if (begun && !ap->status) {
		apply_batch(ap, t, begun);
		return;
	}
	for (size_t i = 0; i < begun; i++)
		arena_free(t[i].h.a);
}

static void do_batch(struct apply *ap, struct work *w, size_t n)
{
	struct step_run *t = ARENA_ARRAY(ap->a, struct step_run, n);
	bool *converged_before = ARENA_ARRAY(ap->a, bool, n);
	begin_batch(ap, t, observe_batch(ap, w, n, t, converged_before));
	for (size_t i = 0; i < n && goes_on(ap, &w[i]); i++) {
		if (!converged_before[i])
			continue;
		if (has_converged(ap, &w[i]))
			finish_unseen(ap, &w[i], OUTCOME_OK);
		else
			do_step(ap, &w[i]);
	}
}

static size_t do_next(struct apply *ap, size_t at)
{
	struct work *w = &ap->v[at];
	size_t n = 0;
	while (at + n < ap->n && n < BATCH_MAX && is_batchable(&w[n]) &&
		same_environment(w, &w[n]) && !undoes_before(w, n) &&
		w[n].step->want.id <= ap->stop_after)
		n++;
	if (has_converged(ap, w))
		n = 0;
	if (n > 1) {
		do_batch(ap, w, n);
		return n;
	}
	if (w->want.dropped)
		handler_done(ap, w);
	if (w->want.dropped || (w->want.handler && !apply_is_pending(ap, w->want.handler)))
		finish_unseen(ap, w, OUTCOME_SKIPPED);
	else if (has_converged(ap, w))
		finish_unseen(ap, w, OUTCOME_OK);
	else
		do_step(ap, w);
	return 1;
}

static void do_all(struct apply *ap)
{
	for (size_t at = 0; at < ap->n && goes_on(ap, &ap->v[at]);) {
		if (stream_interrupted(&ap->s->io)) {
			apply_stop(ap, "failed",
				"interrupted by a signal before '%s'; what came before is done",
				ap->v[at].step->want.name);
			return;
		}
		stream_stopped(&ap->s->io, &ap->stop_after);
		if (ap->v[at].step->want.id > ap->stop_after) {
			stop_failing(ap);
			apply_stop(ap, "stopped", "stopped before '%s'; what came before is done",
				ap->v[at].step->want.name);
			return;
		}
		at += do_next(ap, at);
	}
	stop_failing(ap);
}

/* ---- observing again before the first change ---- */

static bool anything_to_do(const struct apply *ap)
{
	for (size_t i = 0; i < ap->n; i++)
		if (!ap->v[i].want.handler && !has_converged(ap, &ap->v[i]))
			return true;
	return false;
}

/* Searches from the last result on, since ids are looked up in ascending order. NULL: not in this
 * APPLY. */
static const struct work *work_find(const struct apply *ap, uint32_t id, size_t *at)
{
	for (size_t tried = 0; tried < ap->n; tried++, *at = (*at + 1) % ap->n)
		if (ap->v[*at].step->want.id == id)
			return &ap->v[*at];
	return NULL;
}

/* Reports to the controller, as a failed step, what was found now. */
static void tell_stale(struct apply *ap, const struct agent_step *step, const struct value *entry)
{
	struct arena *a = ap->a;
	struct value *msg = value_map(a);
	map_put(a, msg, "id", value_int(a, step->want.id));
	map_put(a, msg, "status", value_text(a, "failed"));
	map_put(a, msg, "error",
		value_text(a,
			map_cstr(entry, "error", "the host has changed since the plan was made")));
	if (map_at(entry, "changes"))
		map_put(a, msg, "changes", map_at(entry, "changes"));
	stream_send(&ap->s->io, FRAME_STEP, msg);
	apply_stop(ap, "stale", "'%s' (%s) has changed on the host since the plan was made",
		step->want.name, step_key(a, step));
}

static void compare_entry(struct apply *ap, const struct value *entry, size_t *at)
{
	const struct work *w = work_find(ap, (uint32_t)map_int(entry, "id", 0), at);
	unsigned char digest[SHA256_LEN];
	if (!w || w->want.handler || !w->step->observed || w->step->failed ||
		step_explained(ap->s, w->step) || step_flaps(w->step, map_at(entry, "changes")))
		return;
	if (!observed_digest(entry, digest) || memcmp(digest, w->step->digest, SHA256_LEN) != 0)
		tell_stale(ap, w->step, entry);
}

/* Observes once more all steps up to this APPLY that were observed and not applied yet, before
 * anything is changed: a plan is applied only to the state that it was made for. */
static void recheck_steps(struct apply *ap)
{
	struct session *s = ap->s;
	struct agent_step **v = ARENA_ARRAY(ap->a, struct agent_step *, s->n);
	struct value *found;
	struct err e = {0};
	size_t n = 0, at = 0;
	for (size_t i = 0; i < s->n && s->steps[i]->want.id <= ap->last_id; i++)
		if (!s->steps[i]->applied)
			v[n++] = s->steps[i];
	if (n == 0)
		return;
	if (!observe_steps(s, v, n, ap->a, &found, &e)) {
		apply_stop(ap, "failed", "%s", e.msg);
		return;
	}
	for (size_t i = 0; i < found->list.n; i++)
		compare_entry(ap, found->list.v[i], &at);
}

/* ---- the message ---- */

/* Reads a step of APPLY; a step that was not observed includes its type and parameters. */
static void read_work(struct apply *ap, struct work *w, const struct value *msg)
{
	struct agent_step *kept = steps_find(ap->s, (uint32_t)map_int(msg, "id", 0));
	bool brings = map_at(msg, "type");
	record_take(ap->a, step_members, STEP_APPLY, msg, &w->want);
	w->want.dropped = w->want.dropped && w->want.handler;
	w->blobs = map_at(msg, "blobs");
	w->kept = kept;
	w->step = kept;
	if (!kept || brings) /* a handler, or a step that was unknown */
		w->step = step_read(ap->a, msg, STEP_APPLY);
	else if (w->want.name)
		kept->want.name = arena_strdup(ap->s->a, w->want.name);
}

static bool good_run(const char *run)
{
	size_t n = strspn(run, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
	return n > 0 && n <= RUN_NAME_MAX && run[n] == 0 && run[0] != '.';
}

static bool read_message(struct apply *ap, const struct value *msg)
{
	const struct value *steps = map_at(msg, "steps");
	ap->run = map_cstr(msg, "run", "");
	if (!good_run(ap->run)) {
		apply_stop(ap, "failed", "the run's name is not a valid file name");
		return false;
	}
	ap->n = steps->list.n;
	ap->v = ARENA_ARRAY(ap->a, struct work, ap->n);
	for (size_t i = 0; i < ap->n; i++) {
		read_work(ap, &ap->v[i], steps->list.v[i]);
		if (ap->v[i].step->want.id > ap->last_id)
			ap->last_id = ap->v[i].step->want.id;
	}
	return true;
}

/* ---- session_apply ---- */

/* Adds handlers notified by earlier work to the pending ones, and saves the list. */
static void add_notified(struct apply *ap, const struct value *notified, struct err *e)
{
	size_t n = notified ? notified->list.n : 0, before = ap->pending->list.n;
	for (size_t i = 0; i < n; i++) {
		apply_note_change(ap, notified->list.v[i]->s.p, now_ms() + 1);
		if (!list_has(ap->pending, notified->list.v[i]->s))
			list_add(ap->a, ap->pending, notified->list.v[i]);
	}
	if (ap->pending->list.n > before && !pending_save(ap->a, ap->state.dir, ap->pending, e))
		return;
	if (!undo_open(&ap->undo, ap->a, ap->state.dir, ap->pending, e))
		return;
	for (size_t i = 0; i < n && e->kind == ERR_NONE; i++)
		undo_record_handler(&ap->undo, notified->list.v[i]->s.p, e);
}

static bool open_state(struct apply *ap, const struct value *notified)
{
	struct arena *a = ap->a;
	struct err e = {0};
	if (!state_open(&ap->state, a, &e) || !state_lock(&ap->state, a, ap->run, &e)) {
		apply_stop(ap, e.kind == ERR_TRANSIENT ? "locked" : "failed", "%s", e.msg);
		return false;
	}
	state_clean(&ap->state, a);
	ap->journal = (struct journal){
		arena_printf(a, "%s/journal/%s.jsonl", ap->state.dir, ap->run), ap->run, -1};
	ap->originals = state_originals(a, &ap->state, ap->run);
	ap->pending = pending_load(a, ap->state.dir, &e);
	ap->verified = value_map(a);
	ap->verified_services = value_map(a);
	if (ap->pending)
		add_notified(ap, notified, &e);
	if (e.kind == ERR_NONE && geteuid() == 0)
		package_clean_leftovers(&e);
	if (e.kind != ERR_NONE)
		apply_stop(ap, "failed", "%s", e.msg);
	return e.kind == ERR_NONE;
}

static void carry_out(struct apply *ap, const struct value *msg)
{
	if (!read_message(ap, msg) || !open_state(ap, map_at(msg, "notified")))
		return;
	if (anything_to_do(ap))
		recheck_steps(ap);
	do_all(ap);
	rollback_end(ap);
	if (ap->status)
		return;
	ap->status = "done";
	steps_settle(ap->s, ap->last_id);
}

static void close_journal(struct apply *ap)
{
	struct value *line = value_map(ap->a);
	struct err ignored = {0}; /* without this line the run counts as interrupted */
	if (ap->journal.fd < 0)
		return;
	map_put(ap->a, line, "status", value_text(ap->a, ap->status));
	if (ap->why.msg[0])
		map_put(ap->a, line, "error", value_text(ap->a, ap->why.msg));
	journal_add(&ap->journal, ap->a, "done", line, true, &ignored);
	journal_close(&ap->journal);
}

void session_apply(struct session *s, const struct value *msg, struct arena *a)
{
	struct apply ap = {.s = s,
		.a = a,
		.state = {.lock = -1},
		.journal = {.fd = -1},
		.stop_after = UINT32_MAX};
	struct value *answer = value_map(a);
	carry_out(&ap, msg);
	close_journal(&ap);
	state_unlock(&ap.state);
	map_put(a, answer, "status", value_text(a, ap.status));
	if (ap.why.msg[0])
		map_put(a, answer, "error", value_text(a, ap.why.msg));
	if (ap.pending)
		map_put(a, answer, "pending", ap.pending);
	stream_send(&s->io, FRAME_APPLIED, answer);
	stream_flush(&s->io);
}
