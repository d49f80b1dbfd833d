/* SPDX-License-Identifier: MIT
 *
 * Reads whole files, with a limit, and replaces files atomically. Never writes into an existing
 * file, and never follows a link at the path that it replaces.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "base/place.h"

enum { READ_FIRST = 4096 };

bool write_all(int fd, const void *p, size_t n)
{
	const char *at = p;
	while (n > 0) {
		ssize_t w = write(fd, at, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return false;
		at += w;
		n -= (size_t)w;
	}
	return true;
}

const char *file_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "link";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "device";
	}
}

/* The bytes read: fewer than n only at the end of the file; -1: error. */
static ssize_t read_full(int fd, char *p, size_t n)
{
	size_t have = 0;
	while (have < n) {
		ssize_t r = read(fd, p + have, n - have);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		have += (size_t)r;
	}
	return (ssize_t)have;
}

/* The size is only a first guess: files in /proc report 0, and a log may grow while it is read. */
static bool read_fd(
	struct arena *a, int fd, const char *path, size_t max, struct str *out, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot stat %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_PERMANENT, "%s is a %s, not a regular file", path,
			file_kind(st.st_mode));
	if (st.st_size > 0 && (uint64_t)st.st_size > max)
		return err_set(e, ERR_PERMANENT, "%s is larger than %zu bytes", path, max);
	size_t cap = (st.st_size ? (size_t)st.st_size : READ_FIRST) + 1, n = 0;
	char *p = arena_alloc(a, cap);
	for (;;) {
		ssize_t r = read_full(fd, p + n, cap - n);
		if (r < 0)
			return err_errno(e, "cannot read %s", path);
		n += (size_t)r;
		if (n > max)
			return err_set(e, ERR_PERMANENT, "%s is larger than %zu bytes", path, max);
		if (n < cap)
			break;
		char *wider = arena_alloc(a, cap * 2);
		memcpy(wider, p, n);
		p = wider;
		cap *= 2;
	}
	p[n] = 0;
	*out = (struct str){p, n};
	return true;
}

bool file_read_opt(
	struct arena *a, const char *path, size_t max, struct str *out, bool *found, struct err *e)
{
	*found = false;
	*out = (struct str){"", 0};
	/* O_NONBLOCK: opening a FIFO must not wait for its writer */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return true;
	if (fd < 0)
		return err_errno(e, "cannot open %s", path);
	*found = true;
	bool ok = read_fd(a, fd, path, max, out, e);
	close(fd);
	return ok;
}

bool file_read(struct arena *a, const char *path, size_t max, struct str *out, struct err *e)
{
	bool found;
	if (!file_read_opt(a, path, max, out, &found, e))
		return false;
	if (!found) {
		errno = ENOENT;
		return err_errno(e, "cannot open %s", path);
	}
	return true;
}

/* A file that is replaced keeps its owner if the caller does not set one. */
static void keep_owner(const struct place *at, struct file_attr *attr)
{
	struct stat st;
	if (!place_stat(at, &st) || !S_ISREG(st.st_mode))
		return;
	if (attr->uid == (uid_t)-1)
		attr->uid = st.st_uid;
	if (attr->gid == (gid_t)-1)
		attr->gid = st.st_gid;
}

/* The new content and attributes of a file. */
struct replacement {
	const void *p;
	size_t n;
	struct file_attr attr;
	const char *like; /* take ACL and attributes from this file; NULL: from the one replaced */
	file_validate_fn *validate; /* may be NULL */
	void *ctx;
};

static bool fill_file(
	int fd, const char *path, const struct replacement *r, int model, struct err *e)
{
	const struct file_attr *attr = &r->attr;
	struct stat st;
	if (!write_all(fd, r->p, r->n))
		return err_errno(e, "cannot write %s", path);
	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot stat %s", path);
	bool same = (attr->uid == (uid_t)-1 || attr->uid == st.st_uid) &&
		    (attr->gid == (gid_t)-1 || attr->gid == st.st_gid);
	/* owner first: chown clears the set-user-ID bits */
	if (!same && fchown(fd, attr->uid, attr->gid) < 0)
		return err_errno(e, "cannot set the owner of %s", path);
	if (!rights_copy(model, fd, path, e))
		return false;
	if (fchmod(fd, attr->mode & 07777) < 0)
		return err_errno(e, "cannot set the mode of %s", path);
	if (fsync(fd) < 0)
		return err_errno(e, "cannot write %s to disk", path);
	return true;
}

/* Validation programs get the path of the temporary file; they cannot use the descriptor. */
static bool validate_temporary(
	const struct place *at, const char *name, const struct replacement *r, struct err *e)
{
	struct arena *a = arena_new();
	bool ok = r->validate(r->ctx, path_join(a, path_dir(a, at->path), name), e);
	arena_free(a);
	return ok || err_set(e, ERR_PERMANENT, "%s: validation failed", at->path);
}

/* Opens a regular file, to copy its ACL and attributes; -1: there is none. */
static int open_model(const struct place *at)
{
	struct stat st;
	int fd = openat(at->dir, at->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	return -1;
}

static bool fill_like(int fd, const struct place *at, const struct replacement *r,
	const struct place *like, struct err *e)
{
	int model = open_model(like);
	bool ok = fill_file(fd, at->path, r, model, e);
	if (model >= 0)
		close(model);
	return ok;
}

static bool replace_at(
	const struct place *at, struct replacement *r, const struct place *like, struct err *e)
{
	char name[TEMPORARY_MAX];
	keep_owner(at, &r->attr);
	int fd = place_temp_file(at, name, e);
	if (fd < 0)
		return false;
	bool ok = fill_like(fd, at, r, like, e);
	if (close(fd) < 0 && ok)
		ok = err_errno(e, "cannot write %s", at->path);
	/* close it first: a program open for writing cannot be executed (ETXTBSY) */
	if (ok && r->validate)
		ok = validate_temporary(at, name, r, e);
	if (ok)
		return place_swap_in(at, name, e);
	unlinkat(at->dir, name, 0);
	return false;
}

static bool replace_file(const char *path, struct replacement r, struct err *e)
{
	struct place at, model;
	if (!place_open(path, &at, e))
		return false;
	bool own = !r.like || strcmp(path, r.like) == 0,
	     found = own || place_open(r.like, &model, e);
	bool ok = found && replace_at(&at, &r, own ? &at : &model, e);
	if (!own && found)
		place_close(&model);
	place_close(&at);
	return ok;
}

bool file_replace(const char *path, const void *p, size_t n, struct file_attr attr, struct err *e)
{
	return replace_file(path, (struct replacement){.p = p, .n = n, .attr = attr}, e);
}

bool file_replace_valid(const char *path, struct str text, struct file_attr attr,
	file_validate_fn *validate, void *ctx, struct err *e)
{
	return replace_file(path,
		(struct replacement){
			.p = text.p, .n = text.n, .attr = attr, .validate = validate, .ctx = ctx},
		e);
}

bool file_replace_like(const char *path, const void *p, size_t n, struct file_attr attr,
	const char *like, struct err *e)
{
	return replace_file(
		path, (struct replacement){.p = p, .n = n, .attr = attr, .like = like}, e);
}

char *path_join(struct arena *a, const char *dir, const char *name)
{
	size_t n = strlen(dir);
	if (name[0] == '/' || n == 0)
		return arena_strdup(a, name);
	return arena_printf(a, "%s%s%s", dir, dir[n - 1] == '/' ? "" : "/", name);
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

char *path_dir(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return arena_strdup(a, ".");
	while (slash > path && slash[-1] == '/')
		slash--;
	if (slash == path)
		return arena_strdup(a, "/");
	return arena_printf(a, "%.*s", (int)(slash - path), path);
}
