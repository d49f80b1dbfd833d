/* SPDX-License-Identifier: MIT
 *
 * Private to agent/: the log of files that changed and whose daemons have not passed their check
 * with them yet. A failed check puts those files back.
 *
 *   undo      a JSON line for each: {handler, path, was_there}; or {handler} alone for a change
 * that is no file. It grows line by line. A truncated last line is ignored: it is written before
 * its file changes, so that file is still the original undo.d/   those files as they were when the
 * check passed last
 *
 * A line is on the disk before its file changes. It goes when its handler has succeeded, and those
 * of all others that share a file with it. Lines of handlers that are not pending, and share no
 * file with one that is, are stale. Only the holder of the lock may call these.
 */
#pragma once
#include "agent/state.h"

struct undo_log {
	const char *dir;             /* the state's */
	struct arena *a;             /* of the APPLY */
	struct value *list;          /* of maps, as in the file */
	struct value *paths, *known; /* by path; by handler and path, or by handler alone */
	size_t size;                 /* bytes of the file */
	bool torn;                   /* its end is no whole line */
};
/* Reads the log, and discards stale lines. The log of versions before format 2 of the state
 * (`unproven`, `proven/`) is taken over. */
bool undo_open(struct undo_log *u, struct arena *a, const char *dir, const struct value *pending,
	struct err *e);
/* Before `path` changes: keeps it as it is, unless an older record of it has done so. */
bool undo_record(struct undo_log *u, const char *handler, const char *path, struct err *e);
/* The handler is pending for a change that cannot be put back. */
bool undo_record_handler(struct undo_log *u, const char *handler, struct err *e);
bool undo_has_handler(const struct undo_log *u, const char *handler);
/* Discards the lines with one of `paths`. */
bool undo_discard(struct undo_log *u, const struct value *paths, struct err *e);
/* Discards the lines of handlers that are not in `pending` and share no file with one that is: a
 * shared file is put back only together with the files that were verified with it. */
bool undo_discard_verified(struct undo_log *u, const struct value *pending, struct err *e);
/* The handler's paths, each once; handler NULL: of all of them. */
struct value *undo_paths(const struct undo_log *u, struct arena *a, const char *handler);
/* Puts the file back as it was: content, owner, mode, time; or removes one that was not there. */
bool undo_restore(const struct undo_log *u, const char *path, struct err *e);
