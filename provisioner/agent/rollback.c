/* SPDX-License-Identifier: MIT
 *
 * Rollback for handlers that verify a service. Records which changed files lead to a handler; when
 * a handler fails, restores those files and reactivates the daemons with them. If the agent is
 * killed, the records remain, so the next run knows what was verified last.
 */
#include "agent/apply.h"

enum { NAMED_MAX = 3, WORDS_MAX = 640 };

/* ---- which changes lead to a handler ---- */

static const struct work *work_of(const struct apply *ap, const char *handler)
{
	for (size_t i = 0; i < ap->n; i++)
		if (ap->v[i].want.handler && strcmp(ap->v[i].want.handler, handler) == 0)
			return &ap->v[i];
	return NULL;
}

/* May the handler verify a service? Unknown handlers may: they can come in a later APPLY. */
static bool may_verify(const struct apply *ap, const char *handler)
{
	const struct work *w = work_of(ap, handler);
	return !w || (w->step->want.type && w->step->want.type->reactivate);
}

bool rollback_keep(void *ctx, const char *path, struct err *e)
{
	struct apply *ap = ctx;
	const struct work *w = ap->changing;
	for (const char *const *id = w ? w->want.notify : NULL; id && *id; id++)
		if (w->want.changed != 0 && may_verify(ap, *id) &&
			!undo_record(&ap->undo, *id, path, e))
			return false;
	return true;
}

bool rollback_note(struct apply *ap, const struct work *w, struct err *e)
{
	const struct step *want = &w->step->want;
	bool file = want->type && want->type->class == RES_FILE && !want->user;
	for (const char *const *id = file ? NULL : w->want.notify; id && *id; id++)
		if (may_verify(ap, *id) && !undo_record_handler(&ap->undo, *id, e))
			return false;
	return true;
}

static const char *service_of(const struct work *w)
{
	return map_cstr(w->step->want.params, "name", w->want.handler);
}

void rollback_verified(struct apply *ap, const char *handler)
{
	struct err e = {0};
	const struct work *w = work_of(ap, handler);
	struct value *paths = undo_paths(&ap->undo, ap->a, handler);
	bool verifies =
		w && !w->want.dropped && w->step->want.type && w->step->want.type->reactivate;
	if (verifies && paths->list.n)
		map_put(ap->a, ap->verified, handler, paths);
	if (verifies)
		map_put(ap->a, ap->verified_services, service_of(w), value_bool(ap->a, true));
	if (!undo_discard_verified(&ap->undo, ap->pending, &e))
		apply_stop(ap, "failed", "%s", e.msg);
}

void rollback_end(struct apply *ap)
{
	for (size_t i = 0; i < ap->verified_services->map.n; i++)
		if (ap->verified_services->map.e[i].value->b)
			service_note_verified(
				ap->a, ap->state.dir, ap->verified_services->map.e[i].key.p);
}

/* ---- restoring ---- */

struct rollback {
	struct value *back;        /* paths of restored files */
	struct value *reactivated; /* names of services that run with the restored files */
	struct err e;              /* the first error of the rollback */
	const char *idle; /* the first service that fails its check with them, too; or NULL */
	struct err why;   /* the error of that check */
};

static void put_back(struct apply *ap, struct rollback *r, const struct value *paths)
{
	for (size_t i = 0; i < paths->list.n; i++) {
		struct err e = {0};
		if (undo_restore(&ap->undo, paths->list.v[i]->s.p, &e))
			list_add(ap->a, r->back, paths->list.v[i]);
		else if (r->e.kind == ERR_NONE)
			r->e = e;
	}
}

static bool share_any(const struct value *some, const struct value *others)
{
	for (size_t i = 0; some && i < some->list.n; i++)
		if (list_has(others, some->list.v[i]->s))
			return true;
	return false;
}

/* Does the handler's service have to be reactivated? Yes, if it was verified in this run with files
 * that are restored now. If a handler failed (and not the start of a service, which did not run
 * before either), also the services whose changed files were not verified yet: a daemon may have
 * started children that have read them. */
static bool needs_reactivation(const struct apply *ap, const struct rollback *r,
	const struct work *failed, const struct work *w)
{
	if (!w->want.handler || !w->step->want.type || !w->step->want.type->reactivate ||
		w->step->bad.kind)
		return false;
	if (share_any(map_at(ap->verified, w->want.handler), r->back))
		return true;
	return failed->want.handler &&
	       share_any(undo_paths(&ap->undo, ap->a, w->want.handler), r->back);
}

static void reactivate_service(
	struct apply *ap, struct rollback *r, struct step_run *t, const struct work *w)
{
	struct host h = {.a = arena_new(), .note = t->h.note, .ctx = ap};
	struct err e = {0};
	const char *name = service_of(w);
	if (w->step->want.type->reactivate(&h, w->step->want.params, &e))
		list_add(ap->a, r->reactivated, value_text(ap->a, name));
	else if (!r->idle) {
		r->idle = arena_strdup(ap->a, name);
		r->why = e;
	}
	arena_free(h.a);
}

static void reactivate_all(struct apply *ap, struct rollback *r, struct step_run *t)
{
	struct value *done = value_map(ap->a);
	for (size_t i = 0; i < ap->n; i++) {
		const struct work *w = &ap->v[i];
		if (!needs_reactivation(ap, r, t->w, w) || map_at(done, w->want.handler))
			continue;
		map_put(ap->a, done, w->want.handler, value_null(ap->a));
		map_put(ap->a, ap->verified_services, service_of(w), value_bool(ap->a, false));
		reactivate_service(ap, r, t, w);
	}
}

/* ---- updating the records ---- */

static bool owes_nothing(const struct apply *ap, const char *handler)
{
	return !undo_has_handler(&ap->undo, handler) &&
	       undo_paths(&ap->undo, ap->a, handler)->list.n == 0;
}

/* Removes handlers from the pending ones if all their changes were restored. The failed handler
 * stays if its service fails with the restored files, too. */
static void settle_handlers(struct apply *ap, struct rollback *r, const struct work *failed)
{
	struct value *left = value_list(ap->a), *concerned = value_map(ap->a);
	struct err e = {0};
	for (size_t i = 0; i < ap->undo.list->list.n; i++)
		map_put(ap->a, concerned, map_cstr(ap->undo.list->list.v[i], "handler", ""),
			value_null(ap->a));
	if ((r->e.kind != ERR_NONE || r->idle) && failed->want.handler)
		undo_record_handler(&ap->undo, failed->want.handler, &e);
	undo_discard(&ap->undo, r->back, &e);
	for (size_t i = 0; i < ap->pending->list.n; i++) {
		const char *handler = ap->pending->list.v[i]->s.p;
		if (!map_at(concerned, handler) || !owes_nothing(ap, handler))
			list_add(ap->a, left, ap->pending->list.v[i]);
	}
	ap->pending = left;
	pending_save(ap->a, ap->state.dir, left, &e);
	if (r->e.kind == ERR_NONE)
		r->e = e;
}

/* ---- messages ---- */

static const char *join_some(struct arena *a, const struct value *list, size_t most)
{
	struct buf b;
	buf_init(&b, 4096);
	for (size_t i = 0; i < list->list.n && i < most; i++)
		buf_addf(&b, "%s" STR_FMT, i ? ", " : "", STR_ARG(list->list.v[i]->s));
	if (list->list.n > most)
		buf_addf(&b, " and %zu more", list->list.n - most);
	const char *text = buf_str(a, &b).p;
	buf_free(&b);
	return text;
}

static void say_back(
	struct apply *ap, struct step_run *t, const struct rollback *r, const struct err *first)
{
	const char *files = join_some(ap->a, r->back, NAMED_MAX);
	if (r->e.kind != ERR_NONE)
		err_set(&t->e, ERR_PERMANENT,
			"%.*s; THE ROLLBACK FAILED: %.*s; put back: %s; the files that were "
			"verified last are in %s/undo.d until a rollback succeeds",
			WORDS_MAX / 2, first->msg, WORDS_MAX / 2, r->e.msg,
			r->back->list.n ? files : "nothing", ap->state.dir);
	else if (r->idle && service_was_verified(ap->a, ap->state.dir, r->idle))
		err_set(&t->e, ERR_PERMANENT,
			"%.*s; THE ROLLBACK DID NOT HELP: the files are as they were (%s), and %s, "
			"which passed its check with them before, fails it now: %.*s",
			WORDS_MAX / 2, first->msg, files, r->idle, WORDS_MAX / 2, r->why.msg);
	else if (r->idle)
		err_set(&t->e, ERR_PERMANENT,
			"%.*s; rolled back: %s; %s fails its check with those files too (%.*s), "
			"and has never passed it on this host: fix what is reported first, then "
			"apply again",
			WORDS_MAX / 2, first->msg, files, r->idle, WORDS_MAX / 4, r->why.msg);
	else
		err_set(&t->e, first->kind, "%.*s; rolled back: %s%s%s", WORDS_MAX, first->msg,
			files, r->reactivated->list.n ? "; running with them again: " : "",
			join_some(ap->a, r->reactivated, NAMED_MAX));
}

static void say_rollback(struct apply *ap, struct step_run *t, const struct rollback *r)
{
	struct err first = t->e;
	t->e = (struct err){0};
	map_put(t->h.a, t->o.result, "rolled_back", value_copy(t->h.a, r->back));
	say_back(ap, t, r, &first);
}

static void write_journal(struct apply *ap, const struct step_run *t, const struct value *files)
{
	struct value *line = value_map(ap->a);
	struct err ignored = {0};
	map_put(ap->a, line, "step", value_int(ap->a, t->step.want.id));
	map_put(ap->a, line, "files", (struct value *)files);
	journal_add(&ap->journal, ap->a, "rollback", line, true, &ignored);
}

/* ---- rollback ---- */

/* Did a service fail to start whose changed configuration was not verified yet? */
static bool starts_unverified(const struct apply *ap, const struct step_run *t)
{
	const char *name = map_cstr(t->step.want.params, "name", "");
	if (t->w->want.handler || t->step.want.type->class != RES_SERVICE)
		return false;
	for (size_t i = 0; i < ap->n; i++) {
		const struct work *w = &ap->v[i];
		if (w->want.handler && w->step->want.type && w->step->want.type->reactivate &&
			strcmp(map_cstr(w->step->want.params, "name", ""), name) == 0 &&
			undo_paths(&ap->undo, ap->a, w->want.handler)->list.n)
			return true;
	}
	return false;
}

void rollback(struct apply *ap, struct step_run *t)
{
	struct rollback r = {.back = value_list(ap->a), .reactivated = value_list(ap->a)};
	struct value *paths = undo_paths(&ap->undo, ap->a, NULL);
	bool verifies = t->w->want.handler && t->step.want.type && t->step.want.type->reactivate;
	if (!t->step.want.type || paths->list.n == 0 || !(verifies || starts_unverified(ap, t)))
		return;
	write_journal(ap, t, paths);
	put_back(ap, &r, paths);
	reactivate_all(ap, &r, t);
	settle_handlers(ap, &r, t->w);
	say_rollback(ap, t, &r);
}
