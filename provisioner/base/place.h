/* SPDX-License-Identifier: MIT
 *
 * A place is a name in an open folder. A path is resolved once, component by component; later
 * operations use the folder's descriptor, so that moving a folder or replacing it by a link cannot
 * redirect them.
 *
 *         struct place p;
 *         if (!place_open("/home/bob/.ssh/authorized_keys", &p, e))
 *                 return false;
 *         fd = openat(p.dir, p.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
 *         place_close(&p);
 *
 * A symbolic link in the path is followed only if root or the running user owns it. Any other owner
 * could change its target at any time, so such a link is an error (as with the kernel's
 * fs.protected_symlinks, but in every folder and not only in sticky ones).
 */
#pragma once
#include <limits.h>
#include <sys/stat.h>
#include "base/base.h"

struct held;
struct place {
	int dir;                 /* the folder, opened with O_PATH */
	char name[NAME_MAX + 1]; /* the name in it; "." for a root folder */
	const char *path;        /* as given, for messages */
	struct held *held;       /* owner of the descriptor; NULL: the place */
};
/* Finds the place of `path`. The name itself need not exist, and a link there is not followed. If
 * its folder does not exist, *there is false and nothing is open. */
bool place_find(const char *path, struct place *p, bool *there, struct err *e);
/* The same; a missing folder is an error. */
bool place_open(const char *path, struct place *p, struct err *e);
void place_close(struct place *p);

bool place_stat(const struct place *p, struct stat *st); /* like lstat(2); false: see errno */
/* Sets the times as utimensat(2) does, with AT_SYMLINK_NOFOLLOW. */
bool place_set_times(const struct place *p, const struct timespec times[2], struct err *e);
/* fsync of the folder: its names survive a crash */
bool place_sync(const struct place *p, struct err *e);

/* Create a temporary `.provision-XXXXXX` in the place's folder: an empty file (returns its
 * descriptor; -1: error), or a symbolic link. */
enum { TEMPORARY_MAX = 32 };
int place_temp_file(const struct place *p, char name[TEMPORARY_MAX], struct err *e);
bool place_temp_link(
	const struct place *p, const char *target, char name[TEMPORARY_MAX], struct err *e);
/* The same, as a hard link to the file at `from`. */
bool place_temp_name(
	const struct place *p, const struct place *from, char name[TEMPORARY_MAX], struct err *e);
/* Renames the temporary to the place's name, and syncs the folder; on failure removes the
 * temporary. */
bool place_swap_in(const struct place *p, const char *temporary, struct err *e);
/* Removes temporaries of killed runs from the folder, also those of older versions. */
void remove_temporaries(const char *folder);

/* Is this link, found at `path`, trusted: does root or the running user own it? false: e says why
 * not. */
bool link_is_meant(const char *path, const struct stat *st, struct err *e);
/* Opens the folder `path` for reading; follows trusted links, also at its end. -1: e is set, or, if
 * the folder does not exist, only errno. */
int folder_open(const char *path, struct err *e);
/* Can only root and the running user change the folder and the folders above it? Required of paths
 * that programs use. Folders that do not exist yet are accepted. */
bool folder_is_guarded(const char *path, struct err *e);

/* Between these two calls opened folders are kept, and the same path leads to the same folder: for
 * a step, which observes a thing and then changes it. Calls may be nested. */
void folders_hold(void);
void folders_release(void);
void folders_forget(void); /* call it after a program that may have replaced folders */
