/* SPDX-License-Identifier: MIT
 *
 * Walks a folder and all below it by descriptors. Never follows a link, and never goes deeper or
 * further than its limits.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "host/path.h"

struct walk {
	const struct tree *t;
	const char *root;
	dev_t device;
	size_t entries;
	int depth;
};

static bool walk_folder(struct walk *w, int dirfd, const char *name, struct err *e);

static bool walk_limits(struct walk *w, const char *name, const struct stat *st, struct err *e)
{
	if (++w->entries > TREE_ENTRIES)
		return err_set(
			e, ERR_PERMANENT, "%s holds more than %d entries", w->root, TREE_ENTRIES);
	if (w->t->one_device && S_ISDIR(st->st_mode) && st->st_dev != w->device)
		return err_set(e, ERR_PERMANENT, "'%s' below %s is a mount point; unmount it first",
			name, w->root);
	return true;
}

static bool walk_entry(struct walk *w, int dirfd, const char *name, struct err *e)
{
	struct stat st;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || err_errno(e, "cannot stat '%s' below %s", name, w->root);
	if (!walk_limits(w, name, &st, e))
		return false;
	if (!w->t->children_first && !w->t->visit(w->t->ctx, dirfd, name, &st, e))
		return false;
	if (S_ISDIR(st.st_mode) && !walk_folder(w, dirfd, name, e))
		return false;
	return !w->t->children_first || w->t->visit(w->t->ctx, dirfd, name, &st, e);
}

static bool walk_entries(struct walk *w, DIR *dir, const char *name, struct err *e)
{
	for (;;) {
		errno = 0;
		const struct dirent *d = readdir(dir);
		if (!d && errno)
			return err_errno(e, "cannot list '%s' below %s", name, w->root);
		if (!d)
			return true;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (!walk_entry(w, dirfd(dir), d->d_name, e))
			return false;
	}
}

static bool walk_open(struct walk *w, int fd, const char *name, struct err *e)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		err_errno(e, "cannot open the folder '%s' of %s", name, w->root);
		if (fd >= 0)
			close(fd);
		return false;
	}
	bool ok = walk_entries(w, dir, name, e);
	closedir(dir);
	return ok;
}

static bool walk_folder(struct walk *w, int parent, const char *name, struct err *e)
{
	if (++w->depth > TREE_DEPTH)
		return err_set(e, ERR_PERMANENT, "%s has folders nested more than %d deep", w->root,
			TREE_DEPTH);
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool ok = walk_open(w, fd, name, e);
	w->depth--;
	return ok;
}

bool tree_walk(const char *path, const struct tree *t, struct err *e)
{
	struct place p;
	struct stat st;
	if (!place_open(path, &p, e))
		return false;
	struct walk w = {.t = t, .root = path};
	bool ok = place_stat(&p, &st) || err_errno(e, "cannot stat %s", path);
	w.device = st.st_dev;
	ok = ok && walk_folder(&w, p.dir, p.name, e);
	place_close(&p);
	return ok;
}
