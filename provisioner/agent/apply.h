/* SPDX-License-Identifier: MIT
 *
 * Private to agent/: the state of one APPLY while the agent carries it out.
 */
#pragma once
#include "agent/session.h"
#include "agent/undo_log.h"

struct work {                           /* one step of the APPLY */
	struct step want;               /* as the APPLY message has it */
	struct agent_step *step, *kept; /* kept: the session's step with this id, or NULL */
	const struct value *blobs;      /* field -> content with its bytes, or NULL */
};
enum outcome { OUTCOME_OK, OUTCOME_CHANGED, OUTCOME_FAILED, OUTCOME_SKIPPED };
struct apply {
	struct session *s;
	struct arena *a; /* of this APPLY */
	const char *run, *originals;
	struct work *v;
	size_t n;
	uint32_t last_id;
	struct state state;
	struct journal journal;
	struct value *pending; /* ids of handlers */
	uint32_t stop_after;   /* id of the last step to carry out */
	struct undo_log undo;
	struct value *verified; /* by handlers of this APPLY: handler id -> list of paths */
	/* services verified in this APPLY: name -> whether they still pass */
	struct value *verified_services;
	const struct work *changing; /* the step whose files are kept before they change */
	const char *status;          /* NULL: still applying; else the status for APPLIED */
	struct err why;
	const struct work *failing;     /* the first failed item of the current loop, or NULL */
	const char *failure;            /* its error message */
	const struct agent_step *noted; /* the step whose output is being sent as NOTE */
	int64_t noted_at;
};
/* One step while it is observed and changed. */
struct step_run {
	struct work *w;
	struct agent_step step; /* a copy; its contents include their bytes */
	struct host h;          /* h.a is an arena of its own */
	struct observation o;
	struct err e;
	int64_t since;
	/* the pending handlers before this step added some; NULL: it added none */
	struct value *pending_before;
	bool looked, as_observed, begun;
	bool explained; /* an adjacent step may have changed what this one needs to do */
};

/* Stops the APPLY before its next step, with this status in APPLIED. A second call has no
 * effect. */
void apply_stop(struct apply *ap, const char *status, const char *fmt, ...) PRINTF(3, 4);
/* Records that the step failed. The APPLY stops; within a loop only after the last item. */
void apply_fail(struct apply *ap, const struct work *w, const char *error);

/* ---- handlers.c ---- */
bool apply_is_pending(const struct apply *ap, const char *handler);
/* Records that something which the handler activates changed at `ms` (CLOCK_MONOTONIC). */
void apply_note_change(struct apply *ap, const char *handler, int64_t ms);
/* Removes the handler from the pending ones; a handler with a loop only after its last item, and
 * only if none failed. */
void handler_done(struct apply *ap, const struct work *w);
/* Removes the handlers that the step added: its validation refused the new content, so the file is
 * unchanged. */
void handlers_take_back(struct apply *ap, struct step_run *t);

/* Prepares t for one step; step_run_finish frees it. */
void step_run_open(struct apply *ap, struct step_run *t, struct work *w);
/* false: the step is stale or failed, and finished. Otherwise t->o holds what has to be changed. */
bool step_run_observe(struct apply *ap, struct step_run *t);
/* Writes pending handlers and the journal before the change; `sync`: until they are on the disk.
 * false: the step failed, and is finished. */
bool step_run_begin(struct apply *ap, struct step_run *t, bool sync);
/* Reports the outcome to the controller and the journal, stops the APPLY if the step failed or is
 * stale, and frees the step's memory. */
void step_run_finish(struct apply *ap, struct step_run *t, enum outcome outcome);

/* ---- rollback.c ---- */
/* Implements host.keep; ctx is the struct apply. Keeps the file at `path` before it changes. */
bool rollback_keep(void *ctx, const char *path, struct err *e);
/* Call it before a step that notifies handlers of a change other than of a file. */
bool rollback_note(struct apply *ap, const struct work *w, struct err *e);
/* Call it when the handler has succeeded and is not pending any more. */
void rollback_verified(struct apply *ap, const char *handler);
/* Call it at the end of the APPLY: records which services have passed their check. */
void rollback_end(struct apply *ap);
/* The step failed for the reason in t->e. If it was to verify files, or to start a service that
 * uses them, all files not yet verified are restored; t->e and the result report this. */
void rollback(struct apply *ap, struct step_run *t);
