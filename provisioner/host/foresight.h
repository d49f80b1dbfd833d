/* SPDX-License-Identifier: MIT
 *
 * What the steps before this one in the plan will have done when it is its turn: which paths they
 * make and remove, and what they write. A look at a path asks here first, so that a plan follows
 * what the same run makes; what cannot be told is said to be unknown, never guessed.
 *
 * Paths are absolute and clean; other things that are there or not have a name like "service:x".
 */
#pragma once
#include "host/host.h"

enum foreseen {
	FORESEEN_NOTHING, /* as it stands on the host */
	FORESEEN_MADE,
	FORESEEN_REMOVED,
};
struct foresight;
struct foresight *foresight_new(struct arena *a);
struct arena *foresight_arena(const struct foresight *f);
void foresee_made(struct foresight *f, const char *path);    /* its folders with it */
void foresee_removed(struct foresight *f, const char *path); /* and all below it */
/* It will hold this text; NULL: one that is not known here. */
void foresee_text(struct foresight *f, const char *path, const struct value *text);
/* All that `more` has, behind what f has. */
void foresee_all(struct foresight *f, const struct foresight *more);

/* For what is there or not and is no path: "user", "vmail". */
const char *thing_named(struct arena *a, const char *kind, const char *name);

/* For types while they observe; without foresight (applying) nothing is foreseen. */
enum foreseen foreseen(const struct host *h, const char *path);
bool foreseen_match(const struct host *h, const char *pattern); /* something made has this name */
bool foreseen_below(const struct host *h, const char *folder);  /* something in it changes */
/* *known false: an earlier step writes the file, and its text is not known. NULL: none does, or
 * that. */
const struct value *foreseen_text(const struct host *h, const char *path, bool *known);
/* Does a package that an earlier step installs have this name? "dovecot-core" has that of dovecot,
 * too. What Debian's packages bring mostly bears their name. */
bool package_named(const struct host *h, const char *name, size_t n);
/* Is the path in a folder of that name, where packages put things? */
bool package_may_own(const struct host *h, const char *path);
/* Is it there, as far as that is foreseen, when `there` is what the host says? */
bool there_then(const struct host *h, const char *path, bool there);
/* The state of a "user" or a "group", as a change where there is one. True: it is not there when it
 * is this step's turn, or that cannot be told. */
bool account_observe(struct host *h, const char *kind, const char *name, bool wanted, bool there,
	struct observation *o);
void account_foresee(const char *kind, const struct value *params, const struct observation *o,
	struct foresight *f);
/* Each change is about a thing of its own, which it makes, with what it will be for its text, or
 * removes. leave_out_foreseen drops those that an earlier step will have made so already. */
void foresee_changes(const char *kind, const struct observation *o, struct foresight *f);
void leave_out_foreseen(struct host *h, const char *kind, struct observation *o);
/* The change that says: whether there is one shows when the steps before have run. */
void observe_maybe(struct host *h, struct observation *o, const char *until);
