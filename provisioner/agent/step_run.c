/* SPDX-License-Identifier: MIT
 *
 * One step of an APPLY: observed again, recorded in the journal before it is changed, and its
 * outcome reported. A step that differs from the plan is changed only if an earlier change explains
 * the difference.
 */
#include "agent/apply.h"
#include "host/path.h"

enum { DIRS_MAX = 8, NAME_SHOWN = 200, NOTE_EVERY_MS = 100, NOTE_LONG = 500 };

static void note_output(void *ctx, const char *fmt, ...) PRINTF(2, 3);

/* Sends live output of a step; omits it if it is too much, or if the peer is slow. */
static void note_output(void *ctx, const char *fmt, ...)
{
	struct apply *ap = ctx;
	va_list args;
	int64_t now = now_ms();
	if (!ap->noted || now - ap->noted_at < NOTE_EVERY_MS || ap->s->io.tx.n > ap->s->io.sent)
		return;
	struct arena *a = arena_new();
	struct value *msg = value_map(a);
	va_start(args, fmt);
	const char *text = redact(a, ap->noted, arena_vprintf(a, fmt, args));
	va_end(args);
	map_put(a, msg, "id", value_int(a, ap->noted->want.id));
	map_put(a, msg, "text", value_printf(a, "%.*s", NOTE_LONG, text));
	stream_send(&ap->s->io, FRAME_NOTE, msg);
	ap->noted_at = now;
	arena_free(a);
}

/* Adds the contents that OBSERVE did not include; each must have the planned digest. */
static void put_blobs(struct arena *a, struct agent_step *step, const struct value *blobs)
{
	struct value *params = value_shallow(a, step->want.params);
	for (size_t i = 0; blobs && i < blobs->map.n; i++) {
		const struct map_entry *m = &blobs->map.e[i];
		const struct value *planned = map_get(params, m->key);
		if (!planned || planned->type != VALUE_BLOB || m->value->type != VALUE_BLOB ||
			!m->value->blob.bytes.p ||
			memcmp(planned->blob.sha, m->value->blob.sha, SHA256_LEN) != 0) {
			err_set(&step->bad, ERR_PERMANENT,
				"the content of '" STR_FMT "' is not the planned one",
				STR_ARG(m->key));
			return;
		}
		struct value *whole = value_shallow(a, planned);
		whole->blob.bytes = m->value->blob.bytes;
		map_set(a, params, m->key, whole);
	}
	step->want.params = params;
}

void step_run_open(struct apply *ap, struct step_run *t, struct work *w)
{
	*t = (struct step_run){.w = w, .step = *w->step, .since = now_ms()};
	folders_hold();
	t->h = (struct host){.a = arena_new(),
		.originals = ap->originals,
		.note = note_output,
		.keep = rollback_keep,
		.ctx = ap};
	if (w->want.handler && ap->s->changed)
		t->h.changed_ms = map_int(ap->s->changed, w->want.handler, 0);
	put_blobs(t->h.a, &t->step, w->blobs);
}

/* Is the step as OBSERVE found it, or may an earlier change have affected it? Handlers have no
 * state to compare. */
static bool as_planned(struct apply *ap, struct step_run *t)
{
	const struct agent_step *step = &t->step;
	unsigned char digest[SHA256_LEN];
	if (!step->observed || step->failed || step->maybe)
		return true;
	step_digest(t->o.changes, digest);
	t->as_observed = memcmp(digest, step->digest, SHA256_LEN) == 0;
	return t->as_observed || t->explained || t->w->want.handler ||
	       step_explained(ap->s, step) || step_flaps(step, t->o.changes);
}

bool step_run_observe(struct apply *ap, struct step_run *t)
{
	const struct agent_step *step = &t->step;
	if (!step->want.type && !step->bad.kind)
		err_set(&t->e, ERR_CONFIG, "the step was never observed and came without a type");
	else if (step_observe(step, &t->h, &t->o, &t->e))
		t->looked = true;
	if (!t->looked) {
		rollback(ap, t);
		step_run_finish(ap, t, OUTCOME_FAILED);
		return false;
	}
	if (as_planned(ap, t))
		return true;
	err_set(&t->e, ERR_PERMANENT, "the host has changed since the plan was made");
	apply_stop(ap, "stale", "'%s' (%s) has changed on the host since the plan was made",
		step->want.name, step_key(t->h.a, step));
	step_run_finish(ap, t, OUTCOME_FAILED);
	return false;
}

/* ---- recorded before the change ---- */

/* The folders in which an interrupted step may leave temporary files. */
static struct value *list_folders(struct arena *a, const struct agent_step *step)
{
	struct value *list = value_list(a);
	struct err none = {0}; /* a link that must not be followed is not written to */
	for (const struct field *f = step->want.type->fields; f->name; f++) {
		const char *path =
			f->kind == FIELD_PATH ? map_cstr(step->want.params, f->name, NULL) : NULL;
		if (!path || list->list.n + 3 > DIRS_MAX)
			continue;
		list_add(a, list, value_text(a, path_dir(a, path)));
		list_add(a, list, value_text(a, path)); /* the destination may be a folder */
		const char *target = path; /* if the file is a link: its target's folder, too */
		if (path_follow(a, path, &target, &none) && target != path)
			list_add(a, list, value_text(a, path_dir(a, target)));
	}
	if (list->list.n == 0)
		list_add(a, list, value_text(a, "/etc"));
	return list;
}

static bool announce_step(struct apply *ap, struct step_run *t, bool sync)
{
	const struct agent_step *step = &t->step;
	struct arena *a = t->h.a;
	struct value *line = value_map(a);
	if (ap->journal.fd < 0) { /* the first change of the run */
		if (!runs_begin(a, ap->state.dir, ap->run, &t->e) ||
			!journal_add(&ap->journal, a, "start", NULL, false, &t->e))
			return false;
	}
	map_put(a, line, "step", value_int(a, step->want.id));
	map_put(a, line, "name", value_printf(a, "%.*s", NAME_SHOWN, step->want.name));
	map_put(a, line, "what", value_text(a, step_key(a, step)));
	if (step->want.user)
		map_put(a, line, "user", value_text(a, step->want.user));
	map_put(a, line, "dirs", list_folders(a, step));
	return journal_add(&ap->journal, a, "begin", line, sync, &t->e);
}

static bool remember_handlers(struct apply *ap, struct step_run *t)
{
	const char *const *notify = t->w->want.notify;
	struct value *before = ap->pending;
	bool grew = false;
	if (!notify || t->w->want.changed == 0)
		return true;
	ap->pending = value_shallow(ap->a, before);
	for (; *notify; notify++) {
		if (list_has(ap->pending, str_c(*notify)))
			continue;
		list_add(ap->a, ap->pending, value_text(ap->a, *notify));
		grew = true;
	}
	if (grew && !t->pending_before)
		t->pending_before = before;
	return !grew || pending_save(t->h.a, ap->state.dir, ap->pending, &t->e);
}

static void tell_started(struct apply *ap, const struct agent_step *step)
{
	struct arena *a = arena_new();
	struct value *msg = value_map(a);
	map_put(a, msg, "id", value_int(a, step->want.id));
	stream_send(&ap->s->io, FRAME_STARTED, msg);
	arena_free(a);
}

bool step_run_begin(struct apply *ap, struct step_run *t, bool sync)
{
	if (!remember_handlers(ap, t) || !rollback_note(ap, t->w, &t->e) ||
		!announce_step(ap, t, sync)) {
		rollback(ap, t);
		step_run_finish(ap, t, OUTCOME_FAILED);
		return false;
	}
	t->begun = true;
	tell_started(ap, t->w->step);
	return true;
}

/* ---- outcome ---- */

static const char *const outcomes[] = {"ok", "changed", "failed", "skipped"};

static void write_end(struct apply *ap, struct step_run *t, enum outcome outcome, const char *error)
{
	struct arena *a = t->h.a;
	struct value *line = value_map(a);
	struct err ignored = {0}; /* the change is made; a failure is reported with the next line */
	map_put(a, line, "step", value_int(a, t->step.want.id));
	map_put(a, line, "status", value_text(a, outcomes[outcome]));
	map_put(a, line, "ms", value_int(a, now_ms() - t->since));
	if (error) {
		map_put(a, line, "name", value_printf(a, "%.*s", NAME_SHOWN, t->step.want.name));
		map_put(a, line, "error", value_text(a, error));
	}
	journal_add(&ap->journal, a, "end", line, false, &ignored);
}

static void tell_outcome(
	struct apply *ap, struct step_run *t, enum outcome outcome, const char *error)
{
	struct arena *a = t->h.a;
	struct value *msg = value_map(a);
	map_put(a, msg, "id", value_int(a, t->step.want.id));
	map_put(a, msg, "status", value_text(a, outcomes[outcome]));
	map_put(a, msg, "ms", value_int(a, now_ms() - t->since));
	if (t->looked && !t->as_observed)
		map_put(a, msg, "changes", t->o.changes);
	if (t->looked)
		map_put(a, msg, "result", t->o.result);
	if (error)
		map_put(a, msg, "error", value_text(a, error));
	stream_send(&ap->s->io, FRAME_STEP, msg);
}

static enum outcome apply_verdict(const struct step_run *t, enum outcome outcome)
{
	if ((outcome != OUTCOME_OK && outcome != OUTCOME_CHANGED) || t->w->want.changed < 0)
		return outcome;
	return t->w->want.changed ? OUTCOME_CHANGED : OUTCOME_OK;
}

/* Records the time of the change. For a service that was started it is the start of the step, since
 * a start changes nothing that the service reads. */
static void note_change(struct apply *ap, const struct step_run *t)
{
	bool service = t->step.want.type && t->step.want.type->class == RES_SERVICE;
	for (const char *const *id = t->w->want.notify; id && *id; id++)
		apply_note_change(ap, *id, service ? t->since : now_ms() + 1);
}

void step_run_finish(struct apply *ap, struct step_run *t, enum outcome outcome)
{
	const struct agent_step *step = &t->step;
	const char *error = t->e.kind ? redact(t->h.a, step, t->e.msg) : NULL;
	outcome = apply_verdict(t, outcome);
	if (t->begun || outcome == OUTCOME_CHANGED)
		note_change(ap, t);
	if (t->begun) {
		ap->s->touched |= step->want.type->touches;
		write_end(ap, t, outcome, error);
	} else if (outcome == OUTCOME_CHANGED && !remember_handlers(ap, t)) {
		outcome = OUTCOME_FAILED;
		error = t->e.msg;
	}
	if (t->w->kept)
		t->w->kept->applied = outcome != OUTCOME_FAILED;
	tell_outcome(ap, t, outcome, error);
	if (outcome == OUTCOME_FAILED && !t->w->want.ignore_errors)
		apply_fail(ap, t->w, error);
	ap->noted = NULL;
	folders_release();
	arena_free(t->h.a);
}
