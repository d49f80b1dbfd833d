/* SPDX-License-Identifier: MIT
 *
 * What the earlier steps of the plan will have done before this one: which paths they create and
 * remove, and what they write. Checks of a path ask here first, so that a plan takes its own
 * changes into account; what cannot be predicted is reported as unknown, never guessed.
 *
 * Paths are absolute and clean; other things have names like "service:x".
 */
#pragma once
#include "host/host.h"

enum foreseen {
	FORESEEN_NOTHING, /* as it is on the host */
	FORESEEN_MADE,
	FORESEEN_REMOVED,
};
struct foresight;
struct foresight *foresight_new(struct arena *a);
struct arena *foresight_arena(const struct foresight *f);
void foresee_made(struct foresight *f, const char *path);    /* and its parent folders */
void foresee_removed(struct foresight *f, const char *path); /* and everything below it */
/* It will hold this text; NULL: a text that is not known here. */
void foresee_text(struct foresight *f, const char *path, const struct value *text);
/* Appends everything of `more` to f. */
void foresee_all(struct foresight *f, const struct foresight *more);

/* For things that are not paths but can be created or removed: "user", "vmail". */
const char *thing_named(struct arena *a, const char *kind, const char *name);

/* For types while they observe; without foresight (applying) nothing is predicted. */
enum foreseen foreseen(const struct host *h, const char *path);
bool foreseen_match(const struct host *h, const char *pattern); /* something made has this name */
bool foreseen_below(const struct host *h, const char *folder);  /* something in it changes */
/* *known false: an earlier step writes the file with an unknown text. NULL: none writes it, or
 * *known is false. */
const struct value *foreseen_text(const struct host *h, const char *path, bool *known);
/* Does an earlier step install a package with this name? "dovecot-core" also counts as dovecot.
 * Files of Debian's packages mostly have the package's name. */
bool package_named(const struct host *h, const char *name, size_t n);
/* Is the path in a folder with that name, where packages put files? */
bool package_may_own(const struct host *h, const char *path);
/* Will it exist? `there`: does it exist on the host now? */
bool there_then(const struct host *h, const char *path, bool there);
/* For a missing "user" or "group": adds its state as a change if an earlier step makes it. Returns
 * whether the account is missing, or whether this is not known. */
bool account_observe(struct host *h, const char *kind, const char *name, bool wanted, bool there,
	struct observation *o);
void account_foresee(const char *kind, const struct value *params, const struct observation *o,
	struct foresight *f);
/* For types whose every change creates or removes one thing, with its new state as the text:
 * leave_out_foreseen drops those that an earlier step will have made already. */
void foresee_changes(const char *kind, const struct observation *o, struct foresight *f);
void leave_out_foreseen(struct host *h, const char *kind, struct observation *o);
/* Adds the change "unknown": whether there is one depends on earlier steps. */
void observe_maybe(struct host *h, struct observation *o, const char *until);
