/* SPDX-License-Identifier: MIT
 *
 * Floor 2: the parts of a host: paths and their attributes, accounts, packages, services, logs,
 * programs, certificates on disk. Knows no resource type.
 *
 * struct host is the host as one step sees it; struct observation is what that step finds there.
 */
#pragma once
#include "value/field.h"

/* The classes of a resource and of the things that its changes may alter: after a planned change of
 * a class, later resources of that class are observed again before they are applied. */
enum res_class {
	RES_FILE = 1,
	RES_PACKAGE = 2,
	RES_ACCOUNT = 4, /* users, groups: they alter the meaning of owner and group of files */
	RES_SERVICE = 8,
	RES_HOST = 16, /* the host name */
	RES_COMMAND = 32,
	RES_ALL = 63,
};

/* The result of observe. All lists and maps live in h->a. */
struct observation {
	struct value *changes; /* list of {field, kind: attr|text|run|maybe, before, after}; empty:
				* it has converged; with a maybe it is not known yet */
	struct value *result;  /* map: the registered result (stat, rc, stdout, path, ...) */
};
struct foresight;
struct host {
	struct arena *a; /* of this step */
	/* Observing: what the earlier steps of the plan will have changed; NULL: nothing. */
	const struct foresight *foresight;
	unsigned pending;      /* observing: classes that earlier planned changes may still alter */
	const char *originals; /* folder for backups; NULL: no backups */
	void (*note)(void *ctx, const char *fmt, ...) PRINTF(2, 3); /* live output, may be NULL */
	/* Called before a file changes that a rollback may have to restore; may be NULL. */
	bool (*keep)(void *ctx, const char *path, struct err *e);
	void *ctx; /* the context of both */
	/* For a handler: time in this session of the last change to what it activates, in ms of
	 * CLOCK_MONOTONIC; 0: not known, perhaps in an earlier run. */
	int64_t changed_ms;
};

/* ---- observation.c ---- */
void observation_init(struct host *h, struct observation *o);
/* An attribute: "mode" "0644" -> "0600". before or after NULL: absent. */
void observe_attr(struct host *h, struct observation *o, const char *field, const char *before,
	const char *after);
/* A text: before is sent only when it is UTF-8 of at most TEXT_MAX bytes and `after` is not secret;
 * otherwise as a blob without bytes. before NULL: the file is absent. */
enum { TEXT_MAX = 1 << 20 };
void observe_text(struct host *h, struct observation *o, const char *field,
	const struct value *before, struct value *after);
/* An action instead of a value: "run", "restart". */
void observe_run(struct host *h, struct observation *o, const char *field, const char *what);
bool observed_change(const struct observation *o, const char *field);         /* in the changes? */
struct value *observed_after(const struct observation *o, const char *field); /* or NULL */

/* ---- attr.c, write.c ---- */
/* Compares/sets owner, group, mode of params with the file (path need not exist: then before is
 * absent and defaults are not listed). A missing user or group is allowed while RES_ACCOUNT or
 * RES_PACKAGE is pending. */
bool attr_observe(struct host *h, const char *path, const struct value *params,
	struct observation *o, struct err *e);
bool attr_apply(struct host *h, const char *path, const struct value *params, struct err *e);
/* The attributes that file_replace needs to write path: those of params, else those of the existing
 * file, else dflt_mode and the running user. */
bool attr_for_write(struct host *h, const char *path, const struct value *params, mode_t dflt_mode,
	struct file_attr *out, struct err *e);
/* Writes content atomically with attr_for_write's attributes, and keeps the original in
 * h->originals. */
bool write_file(struct host *h, const char *path, struct str content, const struct value *params,
	mode_t dflt_mode, struct err *e);
bool keep_original(struct host *h, const char *path, struct err *e);
/* Removes a file durably, and keeps its original; a file that does not exist is fine. */
bool remove_file(struct host *h, const char *path, struct err *e);
/* Call it before a file changes whose original is not kept because it is built
 * from another file. */
bool keep_for_undo(struct host *h, const char *path, struct err *e);
/* Copies the file or link `from` to `to`, with owner, mode and time, atomically. If `from` does not
 * exist, *found is false and nothing is done. */
bool copy_as_it_is(struct arena *a, const char *from, const char *to, bool *found, struct err *e);
/* ---- run.c ---- */
/* Runs argv; false with the program's own message when it exits non-zero. out may be NULL. */
bool run_program(struct host *h, const char *const *argv, struct str *out, struct err *e);
/* Like a command of the user: with the login's PATH and language, in the home folder. */
bool run_users_program(struct host *h, const char *const *argv, struct err *e);
/* Splits a command line as a POSIX shell splits words (quotes, backslash; no expansion). */
bool split_words(struct arena *a, struct str line, const char ***argv, struct err *e);
