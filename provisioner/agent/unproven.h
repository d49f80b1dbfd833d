/* SPDX-License-Identifier: MIT
 *
 * Private to agent/: files that changed, and whose handlers have not proven yet that the daemon
 * serves with them.
 *
 *   unproven   {handler, path, was_there} a line; or {handler} alone, when it is owed for something
 *              that is no file. It grows line by line; a last one that a kill cut short never was:
 *              the file that it was to name had not changed yet
 *   proven/    those files as they were when they last proved themselves
 *
 * A record is on the disk before its file changes, and goes when the handler has succeeded, and all
 * others that share a file with it. Records of handlers that are not pending, and share none with
 * one that is, are dead. Only the holder of the lock may call these.
 */
#pragma once
#include "agent/state.h"

struct unproven {
	const char *dir;             /* the state's */
	struct arena *a;             /* of the APPLY */
	struct value *list;          /* of maps, as in the file */
	struct value *paths, *known; /* by path; by handler and path, or by handler alone */
	size_t size;                 /* bytes of the file */
	bool torn;                   /* its end is no whole line */
};
/* Reads the records, and forgets those that are dead. */
bool unproven_open(struct unproven *u, struct arena *a, const char *dir,
	const struct value *pending, struct err *e);
/* Before `path` changes: keeps it as it is, unless an older record of it has done so. */
bool unproven_keep(struct unproven *u, const char *handler, const char *path, struct err *e);
/* The handler is owed for something that cannot be put back. */
bool unproven_owe(struct unproven *u, const char *handler, struct err *e);
bool unproven_is_owed(const struct unproven *u, const char *handler);
/* Forgets the records with one of `paths`. */
bool unproven_forget(struct unproven *u, const struct value *paths, struct err *e);
/* Forgets the records of handlers that are not in `pending`, and share no file with one that is:
 * when that file goes back, what was proven together with it has to go back, too. */
bool unproven_forget_settled(struct unproven *u, const struct value *pending, struct err *e);
/* The handler's paths, each once; handler NULL: of all of them. */
struct value *unproven_paths(const struct unproven *u, struct arena *a, const char *handler);
/* Puts the file back as it was: content, owner, mode, time; or removes one that was not there. */
bool unproven_restore(const struct unproven *u, const char *path, struct err *e);
