/* SPDX-License-Identifier: MIT
 *
 * Private to agent/: the log of files that changed and whose daemons have not passed their check
 * with them yet. A failed check puts those files back.
 *
 *   undo      a JSON line for each: {handler, path, was_there}; or {handler} alone for a change
 *             that is not of a file. Lines are appended. A truncated last line is ignored: a line
 *             is written before its file changes, so that file is still the original.
 *   undo.d/   the files as they were when the check passed last
 *
 * A line is on the disk before its file changes. When its handler has succeeded, it is removed,
 * together with the lines of other handlers for the same files. Lines of handlers that are not
 * pending, and that share no file with a pending one, are stale. Call these functions only while
 * holding the lock of the state.
 */
#pragma once
#include "agent/state.h"

struct undo_log {
	const char *dir;             /* the folder of the state */
	struct arena *a;             /* lives as long as the APPLY */
	struct value *list;          /* of maps, as in the file */
	struct value *paths, *known; /* keys: path; handler and path, or handler alone */
	size_t size;                 /* of the file, in bytes */
	bool torn;                   /* the file ends in an incomplete line */
};
/* Reads the log, and discards stale lines. Converts the log of versions before format 2 of the
 * state (`unproven`, `proven/`). */
bool undo_open(struct undo_log *u, struct arena *a, const char *dir, const struct value *pending,
	struct err *e);
/* Keeps the file before it changes, unless an older record has kept it. */
bool undo_record(struct undo_log *u, const char *handler, const char *path, struct err *e);
/* Records that the handler is pending for a change that cannot be undone. */
bool undo_record_handler(struct undo_log *u, const char *handler, struct err *e);
bool undo_has_handler(const struct undo_log *u, const char *handler);
/* Discards the lines with one of `paths`. */
bool undo_discard(struct undo_log *u, const struct value *paths, struct err *e);
/* Discards the lines of handlers that are not in `pending` and share no file with one that is: a
 * shared file is put back only together with the files that were verified with it. */
bool undo_discard_verified(struct undo_log *u, const struct value *pending, struct err *e);
/* The handler's paths, without duplicates; handler NULL: the paths of all. */
struct value *undo_paths(const struct undo_log *u, struct arena *a, const char *handler);
/* Restores the file: content, owner, mode, time; removes it if it did not exist. */
bool undo_restore(const struct undo_log *u, const char *path, struct err *e);
