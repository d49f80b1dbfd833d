/* SPDX-License-Identifier: MIT
 *
 * A place is a name in a folder that is held open. A path is walked once, part by part; what is
 * done at the place afterwards goes through the folder's descriptor, so that nobody who moves a
 * folder, or swaps a link in, leads it elsewhere.
 *
 *	struct place p;
 *	if (!place_open("/home/bob/.ssh/authorized_keys", &p, e))
 *		return false;
 *	fd = openat(p.dir, p.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
 *	place_close(&p);
 *
 * A symbolic link on the way is followed when it is meant: when root or the running user owns it.
 * Whoever else owns it could point it anywhere at any time, so that is an error (as the kernel
 * refuses it with fs.protected_symlinks, but in every folder and not only in sticky ones).
 */
#pragma once
#include <limits.h>
#include <sys/stat.h>
#include "base/base.h"

struct held;
struct place {
	int dir;                 /* the folder, O_PATH */
	char name[NAME_MAX + 1]; /* in it; "." for a root folder */
	const char *path;        /* as given, for messages */
	struct held *held;       /* whose descriptor dir is; NULL: the place's own */
};
/* The place of `path`; the name itself need not exist, and no link there is followed. *there is
 * false, and nothing is open, when its folder does not exist. */
bool place_find(const char *path, struct place *p, bool *there, struct err *e);
/* The same, and a folder that does not exist is an error. */
bool place_open(const char *path, struct place *p, struct err *e);
void place_close(struct place *p);

bool place_stat(const struct place *p, struct stat *st); /* lstat; false: see errno */
/* Of the name itself, a link is not followed; as utimensat takes them. */
bool place_set_times(const struct place *p, const struct timespec times[2], struct err *e);
bool place_sync(const struct place *p, struct err *e); /* its names survive a crash */

/* Temporaries, `.provision-XXXXXX` beside the place: a new empty file (its descriptor, or -1), or a
 * symbolic link. */
enum { TEMPORARY_MAX = 32 };
int place_temp_file(const struct place *p, char name[TEMPORARY_MAX], struct err *e);
bool place_temp_link(
	const struct place *p, const char *target, char name[TEMPORARY_MAX], struct err *e);
/* Another name of the file at `from`. */
bool place_temp_name(
	const struct place *p, const struct place *from, char name[TEMPORARY_MAX], struct err *e);
/* The temporary takes the place, durably; it is removed when it cannot. */
bool place_swap_in(const struct place *p, const char *temporary, struct err *e);
/* Removes the temporaries that a killed run left in the folder, those of older versions too. */
void remove_temporaries(const char *folder);

/* Is this link, found at `path`, meant? */
bool link_is_meant(const char *path, const struct stat *st, struct err *e);
/* Opens the folder `path` for reading; links that are meant are followed, at its end too. -1 with e
 * set, or with errno alone when there is none. */
int folder_open(const char *path, struct err *e);
/* Can nobody but root and the running user change the way to the folder, or the names in it? What a
 * program is to reach by a path has to be so; what is not there yet may be. */
bool folder_is_guarded(const char *path, struct err *e);

/* Between these two a folder that was walked to is kept, and the same path leads to it again: for a
 * step, which looks at a thing and then changes it. Calls may be nested. */
void folders_hold(void);
void folders_release(void);
void folders_forget(void); /* a program may have made other folders since */
