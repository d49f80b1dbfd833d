/* SPDX-License-Identifier: MIT
 *
 * Files of mailing lists, opened from an open folder component by component. Never follows a link,
 * and never leaves a half-written file under its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mailhost/mailing_list.h"

#define TEMPORARY ".provision-new"

static bool give_file(int fd, const struct mlist_owner *who, mode_t mode)
{
	return fchmod(fd, mode) == 0 && fchown(fd, who->uid, who->gid) == 0;
}

bool mlist_folder_right(int fd, const struct mlist_owner *who)
{
	struct stat st;
	return fstat(fd, &st) == 0 && (who->uid == (uid_t)-1 || who->uid == st.st_uid) &&
	       (who->gid == (gid_t)-1 || who->gid == st.st_gid) &&
	       (st.st_mode & 07777) == MLIST_DIR_MODE;
}

bool mlist_folder_give(int fd, const struct mlist_owner *who)
{
	return mlist_folder_right(fd, who) || give_file(fd, who, MLIST_DIR_MODE);
}

static int open_part(int at, const char *name, const struct mlist_owner *make)
{
	bool made = make && mkdirat(at, name, MLIST_DIR_MODE) == 0;
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && made && !give_file(fd, make, MLIST_DIR_MODE)) {
		close(fd);
		return -1;
	}
	return fd;
}

int mlist_folder(int at, const char *path, const struct mlist_owner *make)
{
	char name[NAME_MAX + 1];
	int dir = at < 0 ? -1 : dup(at);
	for (const char *p = path; dir >= 0 && *p;) {
		size_t n = strcspn(p, "/");
		int next, why;
		if (n >= sizeof(name))
			n = sizeof(name) - 1;
		memcpy(name, p, n);
		name[n] = 0;
		next = open_part(dir, name, make);
		why = errno;
		close(dir);
		errno = why;
		dir = next;
		p += n + (p[n] == '/');
	}
	return dir;
}

/* Opens the folder of `path`; *base is the last component. */
static int folder_of(int at, const char *path, const char **base)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	*base = slash ? slash + 1 : path;
	if (snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 0, path) >=
		(int)sizeof(dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return mlist_folder(at, dir, NULL);
}

static bool read_fd(struct arena *a, int fd, const struct stat *st, struct str *out)
{
	char *p = arena_alloc(a, (size_t)st->st_size + 1);
	size_t n = 0;
	while (n < (size_t)st->st_size) {
		ssize_t got = read(fd, p + n, (size_t)st->st_size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	p[n] = 0;
	*out = (struct str){p, n};
	return true;
}

bool mlist_read(struct arena *a, int at, const char *path, struct mlist_text *out, struct err *e)
{
	const char *base;
	int dir = folder_of(at, path, &base), fd = -1;
	bool ok;
	*out = (struct mlist_text){.text = str_c("")};
	if (dir >= 0)
		fd = openat(dir, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ok = fd >= 0 || errno == ENOENT || errno == ENOTDIR || at < 0;
	if (fd >= 0) {
		out->found = true;
		ok = fstat(fd, &out->st) == 0;
		if (ok && (!S_ISREG(out->st.st_mode) || out->st.st_size > FILE_MAX))
			ok = err_set(e, ERR_PERMANENT, "%s of a mailing list is not a regular file",
				path);
		ok = ok && read_fd(a, fd, &out->st, &out->text);
		close(fd);
	}
	if (!ok)
		err_errno(e, "cannot read %s of a mailing list", path);
	if (dir >= 0)
		close(dir);
	return ok;
}

bool mlist_exists(int at, const char *path)
{
	const char *base;
	int dir = folder_of(at, path, &base);
	struct stat st;
	bool there = dir >= 0 && fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (dir >= 0)
		close(dir);
	return there;
}

const char *mlist_link_target(struct arena *a, int at, const char *path)
{
	char target[PATH_MAX];
	const char *base;
	int dir = folder_of(at, path, &base);
	ssize_t n = dir < 0 ? -1 : readlinkat(dir, base, target, sizeof(target) - 1);
	if (dir >= 0)
		close(dir);
	return n < 0 ? NULL : str_dup(a, target, (size_t)n).p;
}

static bool write_new(int dir, struct str content, const struct mlist_owner *who)
{
	int fd = openat(dir, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write_all(fd, content.p, content.n) &&
		  give_file(fd, who, MLIST_FILE_MODE);
	if (fd >= 0)
		close(fd);
	return ok;
}

bool mlist_write(
	int at, const char *path, struct str content, const struct mlist_owner *who, struct err *e)
{
	const char *base;
	int dir = folder_of(at, path, &base);
	bool ok = false;
	if (dir >= 0) {
		unlinkat(dir, TEMPORARY, 0); /* left by an interrupted run */
		ok = write_new(dir, content, who) && renameat(dir, TEMPORARY, dir, base) == 0;
	}
	if (!ok)
		err_errno(e, "cannot write %s of a mailing list", path);
	if (dir >= 0)
		close(dir);
	return ok;
}

bool mlist_link(int at, const char *path, const char *target, struct err *e)
{
	const char *base;
	int dir = folder_of(at, path, &base);
	bool ok = false;
	if (dir >= 0) {
		unlinkat(dir, base, 0);
		ok = symlinkat(target, dir, base) == 0;
	}
	if (!ok)
		err_errno(e, "cannot link %s of a mailing list to %s", path, target);
	if (dir >= 0)
		close(dir);
	return ok;
}

bool mlist_remove(int at, const char *path, struct err *e)
{
	const char *base;
	int dir = folder_of(at, path, &base);
	bool ok = dir >= 0 && (unlinkat(dir, base, 0) == 0 || errno == ENOENT);
	if (!ok)
		err_errno(e, "cannot remove %s of a mailing list", path);
	if (dir >= 0)
		close(dir);
	return ok;
}

bool mlist_chown(int at, const char *path, const struct mlist_owner *who, struct err *e)
{
	const char *base;
	int dir = folder_of(at, path, &base);
	bool ok = dir >= 0 && fchownat(dir, base, who->uid, who->gid, AT_SYMLINK_NOFOLLOW) == 0;
	if (!ok)
		err_errno(e, "cannot set the owner of %s of a mailing list", path);
	if (dir >= 0)
		close(dir);
	return ok;
}
