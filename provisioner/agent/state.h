/* SPDX-License-Identifier: MIT
 *
 * Private to agent/: what is kept on the host between sessions.
 *
 *   lock       held while a plan is applied; contains the holder's name
 *   pending    handlers that were notified and have not run yet
 *   journal/   one file per run: an entry before each change, and one for its outcome
 *   runs       names of the runs, oldest first
 *   verified   services that have passed their check at least once
 *   originals/ one folder per run: the files before they were changed
 *   undo, undo.d/   files that are not verified yet, and their content before (undo_log.h)
 *
 * All files belong to the agent's user and are not readable by others. Reading creates nothing.
 */
#pragma once
#include "value/value.h"

struct state {
	const char *dir;
	int lock; /* -1: not held */
};
/* The folder: $PROVISION_STATE, else /var/lib/provision for root, ~/.local/state/provision for
 * others. */
const char *state_dir(struct arena *a);
/* Creates missing folders; refuses folders that others can write to. */
bool state_open(struct state *st, struct arena *a, struct err *e);
/* false with ERR_TRANSIENT, which names the holder, if another process has the lock. */
bool state_lock(struct state *st, struct arena *a, const char *run, struct err *e);
void state_unlock(struct state *st);
bool state_locked(struct arena *a, const char *dir); /* by any process; does not take the lock */
/* Removes temporary files that a killed run has left. */
void state_clean(struct state *st, struct arena *a);
const char *state_originals(struct arena *a, const struct state *st, const char *run);

/* ---- the order of the runs ---- */
struct value *runs_load(struct arena *a, const char *dir); /* names, oldest first */
/* Appends the run to the list; removes journals and originals of the oldest runs. */
bool runs_begin(struct arena *a, const char *dir, const char *run, struct err *e);

/* A list of handler ids; empty when no handler is pending. */
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
/* Appends a line: {"event", "at"}, then `fields`. With `sync` it is on the disk when this returns.
 * The first line creates the file. */
bool journal_add(struct journal *j, struct arena *a, const char *event, const struct value *fields,
	bool sync, struct err *e);
void journal_close(struct journal *j);

struct last_run {
	const char *run;
	const char *status; /* done, failed, interrupted */
	const char *step;   /* the name of the last step begun; NULL: none */
	const char *at;
	/* folders where an unfinished step may have left temporary files; NULL: none */
	const struct value *dirs;
};
bool journal_last(struct arena *a, const char *dir, struct last_run *out); /* false: no run yet */
/* Parses a line that journal_add wrote: a flat map of texts, integers, booleans and lists of texts.
 * false: it is not one. */
bool journal_parse(struct arena *a, struct str line, struct value **out);
