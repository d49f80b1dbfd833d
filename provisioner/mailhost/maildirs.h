/* SPDX-License-Identifier: MIT
 *
 * The inside of the type `maildirs`: what a mailbox is to be, and whether it is so. All paths are
 * reached from the root's descriptor.
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
	int root;                  /* -1: the root is not there yet */
	uid_t uid;                 /* -1: not asked for */
	gid_t gid;
	mode_t mode;     /* of folders that are made */
	bool mode_asked; /* of those that are there, too */
	size_t wrong;    /* mailboxes that something is wrong with */
};

/* Where something was wrong first. */
struct maildirs_found {
	char path[PATH_MAX]; /* below the root */
	enum folder_fault fault;
	struct stat st;
	const char *folder; /* the mail folder that it belongs to; NULL: the mailbox itself */
};

/* A Maildir has these; observe and apply take them in this order. */
extern const char *const maildirs_parts[MAILDIRS_PARTS];
bool maildirs_owner_right(const struct maildirs_walk *w, const struct stat *st);
bool maildirs_mode_right(const struct maildirs_walk *w, const struct stat *st);
/* Is all of a mailbox right? Quick, for there may be ten thousand of them. `last`:
 * a mailbox that was right, whose way need not be looked at again; or NULL. */
bool maildirs_right(const struct maildirs_walk *w, struct maildirs_found *f, const char *mailbox,
	const char *last);
/* What the plan says of it; NULL: there is no such mailbox. */
const char *maildirs_fault_text(const struct maildirs_walk *w, const struct maildirs_found *f,
	const char *mailbox, const char **after);
/* A byte for each mailbox: 1 when it is not right. The bytes have to be shared memory. */
void maildirs_look(const struct maildirs_walk *w, unsigned char *wrong);
