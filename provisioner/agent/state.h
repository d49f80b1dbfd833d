/* SPDX-License-Identifier: MIT
 *
 * Private to agent/: what is kept on the host between sessions.
 *
 *   lock       held while a plan is applied; says by whom
 *   pending    handlers that were notified and have not run yet
 *   journal/   one file a run: each change before it is made, and what came of it
 *   runs       their names, the last one at the end: the order of the others
 *   verified   services that have passed their check once
 *   originals/ one folder a run: the files as they were
 *   undo, undo.d/   files that are not verified yet, and what they were (undo_log.h)
 *
 * Everything belongs to the running user and is closed to others. Reading never creates anything.
 */
#pragma once
#include "value/value.h"

struct state {
	const char *dir;
	int lock; /* -1: not held */
};
/* Where it is: PROVISION_STATE, /var/lib/provision for root, ~/.local/state/provision. */
const char *state_dir(struct arena *a);
/* Makes the folders where they are missing and refuses those that others can write. */
bool state_open(struct state *st, struct arena *a, struct err *e);
/* ERR_TRANSIENT and the holder's words when another has it. */
bool state_lock(struct state *st, struct arena *a, const char *run, struct err *e);
void state_unlock(struct state *st);
bool state_locked(struct arena *a, const char *dir); /* by anybody; takes nothing */
/* Removes what a killed run left half-written. */
void state_clean(struct state *st, struct arena *a);
const char *state_originals(struct arena *a, const struct state *st, const char *run);

/* ---- the order of the runs ---- */
struct value *runs_load(struct arena *a, const char *dir); /* names, the last run's at the end */
/* The run is the last one now; journals and originals of the oldest go. */
bool runs_begin(struct arena *a, const char *dir, const char *run, struct err *e);

/* A list of strings; empty when there is none. */
struct value *pending_load(struct arena *a, const char *dir, struct err *e); /* NULL: error */
bool pending_save(struct arena *a, const char *dir, const struct value *list, struct err *e);
/* Has the service ever passed its check on this host? */
bool service_was_verified(struct arena *a, const char *dir, const char *service);
void service_note_verified(struct arena *a, const char *dir, const char *service);
bool list_has(const struct value *list, struct str s);

/* ---- journal: JSON lines ---- */
struct journal {
	const char *path, *run;
	int fd; /* -1: nothing written yet */
};
/* Appends a line made of `fields` after {"event", "at"}; with `sync` it is on the disk when this
 * returns. The first line makes the file. */
bool journal_add(struct journal *j, struct arena *a, const char *event, const struct value *fields,
	bool sync, struct err *e);
void journal_close(struct journal *j);

struct last_run {
	const char *run;
	const char *status; /* done, failed, interrupted */
	const char *step;   /* the name of the last one begun; NULL: none */
	const char *at;
	const struct value *dirs; /* where an unfinished step may have left temporaries; or NULL */
};
bool journal_last(struct arena *a, const char *dir, struct last_run *out); /* false: no run yet */
/* A line as journal_add wrote it: a flat map of texts, integers, booleans and lists of texts. */
bool journal_parse(struct arena *a, struct str line, struct value **out);
