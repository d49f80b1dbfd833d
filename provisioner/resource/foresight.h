/* SPDX-License-Identifier: MIT
 *
 * What the steps before this one in the plan will have done when it is its turn: which paths they
 * make and remove, and what they write. A look at a path asks here first, so that a plan follows
 * what the same run makes; what cannot be told is said to be unknown, never guessed.
 *
 * Paths are absolute and clean; other things that are there or not have a name like "service:x".
 */
#pragma once
#include "resource/resource.h"

enum foreseen {
	FORESEEN_NOTHING, /* as it stands on the host */
	FORESEEN_MADE,
	FORESEEN_REMOVED,
};
struct foresight;
struct foresight *foresight_new(struct arena *a);
void foresee_made(struct foresight *f, const char *path);    /* its folders with it */
void foresee_removed(struct foresight *f, const char *path); /* and all below it */
/* It will hold this text; NULL: one that is not known here. */
void foresee_text(struct foresight *f, const char *path, const struct value *text);
/* All that `more` has, behind what f has. */
void foresee_all(struct foresight *f, const struct foresight *more);

/* For types while they observe; without foresight (applying) nothing is foreseen. */
enum foreseen foreseen(const struct host *h, const char *path);
bool foreseen_match(const struct host *h, const char *pattern); /* something made has this name */
bool foreseen_below(const struct host *h, const char *folder);  /* something in it changes */
/* *known false: an earlier step writes the file, and its text is not known. NULL: none does, or
 * that. */
const struct value *foreseen_text(const struct host *h, const char *path, bool *known);
/* Is it there, as far as that is foreseen, when `there` is what the host says? */
bool there_then(const struct host *h, const char *path, bool there);
/* The change that says: whether there is one shows when the steps before have run. */
void observe_maybe(struct host *h, struct observation *o, const char *until);
