/* SPDX-License-Identifier: MIT
 *
 * Private to agent/: one APPLY while it runs.
 */
#pragma once
#include "agent/session.h"
#include "agent/undo_log.h"

struct work {                           /* one step of the APPLY */
	struct step want;               /* as APPLY has it */
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
	struct value *pending; /* handler ids */
	uint32_t stop_after;   /* id of the last step that is wanted */
	struct undo_log undo;
	struct value *verified;          /* by handlers of this APPLY: id -> paths */
	struct value *verified_services; /* services that they have verified: name -> do they still
					    pass? */
	const struct work *changing;     /* whose files are kept before they change */
	const char *status;              /* NULL: going on; else as in APPLIED */
	struct err why;
	const struct work *failing; /* the first item that failed of the loop under way, or NULL */
	const char *failure;        /* what it said */
	const struct agent_step *noted; /* whose notes are sent now */
	int64_t noted_at;
};
/* One step being looked at and changed. */
struct step_run {
	struct work *w;
	struct agent_step step; /* a copy, its contents with their bytes */
	struct host h;          /* h.a is its own */
	struct observation o;
	struct err e;
	int64_t since;
	struct value *pending_before; /* handlers, when this step added to them; else NULL */
	bool looked, as_observed, begun;
	bool explained; /* it may differ from what was observed, by what stands beside it */
};

void apply_stop(struct apply *ap, const char *status, const char *fmt, ...) PRINTF(3, 4);
/* The step has failed: the APPLY stops, of a loop when its last item is done. */
void apply_fail(struct apply *ap, const struct work *w, const char *error);

/* ---- handlers.c ---- */
bool apply_is_pending(const struct apply *ap, const char *handler);
/* What the handler activates changed at `ms` (CLOCK_MONOTONIC). */
void apply_note_change(struct apply *ap, const char *handler, int64_t ms);
/* One with a loop is owed until its last item is done, and none has failed. */
void handler_done(struct apply *ap, const struct work *w);
/* A file whose new content was refused has not changed: its handlers are not pending any more. */
void handlers_take_back(struct apply *ap, struct step_run *t);

void step_run_open(struct apply *ap, struct step_run *t, struct work *w);
/* false: failed or stale, and finished; else t->o has what is to be changed. */
bool step_run_observe(struct apply *ap, struct step_run *t);
/* The write-ahead: handlers and journal. false: failed, and finished. */
bool step_run_begin(struct apply *ap, struct step_run *t, bool sync);
/* Tells the controller and the journal, stops the APPLY where that follows, frees. */
void step_run_finish(struct apply *ap, struct step_run *t, enum outcome outcome);

/* ---- rollback.c ---- */
/* A file is about to change: host.keep, with the apply as ctx. */
bool rollback_keep(void *ctx, const char *path, struct err *e);
/* Before a step that notifies handlers for something that is no file. */
bool rollback_note(struct apply *ap, const struct work *w, struct err *e);
/* The handler has succeeded, and is pending no more. */
void rollback_verified(struct apply *ap, const char *handler);
/* The APPLY ends: which services served is remembered. */
void rollback_end(struct apply *ap);
/* The step failed; t->e says why. Where it had to verify files, or to start a service with them,
 * all that is not verified is put back; t->e and the result say so. */
void rollback(struct apply *ap, struct step_run *t);
