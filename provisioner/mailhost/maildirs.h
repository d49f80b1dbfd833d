/* SPDX-License-Identifier: MIT
 *
 * Private to the type `maildirs`: the parts of a mailbox, and whether they are as they should be.
 * All paths are opened relative to the root's descriptor.
 */
#pragma once
#include <limits.h>
#include <sys/stat.h>
#include "resource/resource.h"

enum { MAILDIRS_PARTS = 3 };
enum folder_fault { FOLDER_RIGHT, FOLDER_ABSENT, FOLDER_OTHER, FOLDER_OWNER, FOLDER_MODE };

/* One run over all mailboxes. */
struct maildirs_walk {
	struct host *h;
	const struct value *mailboxes, *folders; /* folders may be NULL */
	const char *root_path, *maildir;
	const struct value *attrs; /* owner, group, mode */
	int root;                  /* -1: the root does not exist yet */
	uid_t uid;                 /* -1: not given */
	gid_t gid;
	mode_t mode;     /* for folders that are created */
	bool mode_asked; /* for existing ones, too */
	size_t wrong;    /* number of mailboxes to change */
};

/* The first difference that was found. */
struct maildirs_found {
	char path[PATH_MAX]; /* below the root */
	enum folder_fault fault;
	struct stat st;
	const char *folder; /* the mail folder that it belongs to; NULL: the mailbox itself */
};

/* The folders of a Maildir; observe and apply check them in this order. */
extern const char *const maildirs_parts[MAILDIRS_PARTS];
bool maildirs_owner_right(const struct maildirs_walk *w, const struct stat *st);
bool maildirs_mode_right(const struct maildirs_walk *w, const struct stat *st);
/* Is the whole mailbox as it should be? Fast, because there may be ten thousand. `last`: an earlier
 * mailbox that was right, whose parent folders need no second check; or NULL. */
bool maildirs_right(const struct maildirs_walk *w, struct maildirs_found *f, const char *mailbox,
	const char *last);
/* The difference as text for the plan; NULL: the mailbox does not exist. */
const char *maildirs_fault_text(const struct maildirs_walk *w, const struct maildirs_found *f,
	const char *mailbox, const char **after);
/* Fills one byte for each mailbox: 1 when it has to be changed. `wrong` must be shared memory. */
void maildirs_look(const struct maildirs_walk *w, unsigned char *wrong);
