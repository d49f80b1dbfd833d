/* SPDX-License-Identifier: MIT
 *
 * Floor 2: what a host is made of: paths and their attributes, accounts, packages, services, logs,
 * programs, certificates on disk. Knows no resource type.
 *
 * struct host is the host as one step sees it; struct observation is what that step finds there.
 */
#pragma once
#include "value/field.h"

/* What a resource is and what its change may alter: an earlier change of the same plan that
 * touches a class lets resources of that class be diffed anew when they are applied. */
enum res_class {
	RES_FILE = 1,
	RES_PACKAGE = 2,
	RES_ACCOUNT = 4, /* users, groups: they alter what owner and group of files mean */
	RES_SERVICE = 8,
	RES_HOST = 16, /* host name */
	RES_COMMAND = 32,
	RES_ALL = 63,
};

/* What observe found. All lists and maps live in h->a. */
struct observation {
	struct value *changes; /* list of {field, kind: attr|text|run|maybe, before, after}; empty:
				  converged; with a maybe nobody can tell yet */
	struct value *result;  /* map: what `register` sees (stat, rc, stdout, path, ...) */
};
struct foresight;
struct host {
	struct arena *a; /* of this step */
	/* Observing: what the steps before it in the plan will have made; NULL: nothing. */
	const struct foresight *foresight;
	unsigned pending;      /* observing: classes that earlier planned changes may still alter */
	const char *originals; /* folder where apply keeps what it replaces; NULL: none is kept */
	void (*note)(void *ctx, const char *fmt, ...) PRINTF(2, 3); /* live output, may be NULL */
	/* Told of a file before it is changed, that may be wanted back; may be NULL. */
	bool (*keep)(void *ctx, const char *path, struct err *e);
	void *ctx; /* of both */
	/* For a handler: when in this session what it activates last changed, in ms of
	 * CLOCK_MONOTONIC; 0: not known, perhaps in an earlier run. */
	int64_t changed_ms;
};

/* ---- observation.c ---- */
void observation_init(struct host *h, struct observation *o);
/* An attribute: "mode" "0644" -> "0600". before or after NULL: absent. */
void observe_attr(struct host *h, struct observation *o, const char *field, const char *before,
	const char *after);
/* A text: before is sent only when it is UTF-8, of TEXT_MAX bytes at most, and `after` is not
 * secret; otherwise as a blob without bytes. before NULL: the file is absent. */
enum { TEXT_MAX = 1 << 20 };
void observe_text(struct host *h, struct observation *o, const char *field,
	const struct value *before, struct value *after);
/* Something that will be done rather than set: "run", "restart". */
void observe_run(struct host *h, struct observation *o, const char *field, const char *what);
bool observed_change(const struct observation *o, const char *field); /* is it in the changes? */
struct value *observed_after(const struct observation *o, const char *field); /* or NULL */

/* ---- attr.c, write.c ---- */
/* Compares/sets owner, group, mode of params with the file (path need not exist: then before is
 * absent and defaults are not listed). A user or group not there yet is fine while RES_ACCOUNT or
 * RES_PACKAGE is pending. */
bool attr_observe(struct host *h, const char *path, const struct value *params,
	struct observation *o, struct err *e);
bool attr_apply(struct host *h, const char *path, const struct value *params, struct err *e);
/* The attributes that file_replace needs for a write at path: those of params, else those of the
 * file that is there, else dflt_mode and the running user. */
bool attr_for_write(struct host *h, const char *path, const struct value *params, mode_t dflt_mode,
	struct file_attr *out, struct err *e);
/* Writes content atomically with attr_for_write's attributes, and keeps the original in
 * h->originals. */
bool write_file(struct host *h, const char *path, struct str content, const struct value *params,
	mode_t dflt_mode, struct err *e);
bool keep_original(struct host *h, const char *path, struct err *e);
/* Removes a file, durably, and keeps it as keep_original does; one that is gone is fine. */
bool remove_file(struct host *h, const char *path, struct err *e);
/* Before a file changes of which no original is kept, since it is made from another. */
bool keep_proven(struct host *h, const char *path, struct err *e);
/* A file or link at `to` like the one at `from`, with its owner, mode and time, in one step. *found
 * is false, and nothing is done, when there is neither. */
bool copy_as_it_is(struct arena *a, const char *from, const char *to, bool *found, struct err *e);
/* ---- run.c ---- */
/* Runs argv; false with the program's own words when it exits non-zero. out may be NULL. */
bool run_program(struct host *h, const char *const *argv, struct str *out, struct err *e);
/* As a command of the user: with the login's PATH and language, in the home folder. */
bool run_users_program(struct host *h, const char *const *argv, struct err *e);
/* Splits a command line as a POSIX shell splits words (quotes, backslash; no expansion). */
bool split_words(struct arena *a, struct str line, const char ***argv, struct err *e);
