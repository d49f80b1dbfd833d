/* SPDX-License-Identifier: MIT
 *
 * Checks and reads paths: bounded, and never through an untrusted link. Changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>
#include "host/path.h"

enum { LINKS_MAX = 16, READ_STEP = 64 << 10 };

bool path_stat(const char *path, struct stat *st, bool *found, struct err *e)
{
	struct place p;
	if (!place_find(path, &p, found, e) || !*found) {
		*found = false;
		return e->kind == ERR_NONE;
	}
	*found = place_stat(&p, st);
	bool ok = *found || errno == ENOENT || errno == ENOTDIR ||
		  err_errno(e, "cannot stat %s", path);
	place_close(&p);
	return ok;
}

bool path_stat_there(const char *path, struct stat *st, struct err *e)
{
	bool found;
	return path_stat(path, st, &found, e) &&
	       (found || err_set(e, ERR_PERMANENT, "%s no longer exists", path));
}

bool path_is_dir(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Opens the file at a path; -1 with e set, or with errno alone. */
static int open_there(const char *path, int flags, struct err *e)
{
	struct place p;
	bool there;
	if (!place_find(path, &p, &there, e))
		return -1;
	if (!there) {
		errno = ENOENT;
		return -1;
	}
	int fd = openat(p.dir, p.name, flags | O_NOFOLLOW | O_CLOEXEC), why = errno;
	place_close(&p);
	errno = why;
	return fd;
}

/* Opens a regular file; -1 with e set, or -1 without when it does not exist. */
static int open_regular(const char *path, struct stat *st, struct err *e)
{
	/* O_NONBLOCK: if it is a FIFO, open must not wait for a writer */
	int fd = open_there(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, e);
	if (fd < 0 && (e->kind || errno == ENOENT || errno == ENOTDIR))
		return -1;
	if (fd < 0 && errno == ELOOP)
		err_set(e, ERR_PERMANENT, "%s is a symbolic link, not a regular file", path);
	else if (fd < 0)
		err_errno(e, "cannot open %s", path);
	else if (fstat(fd, st) < 0)
		err_errno(e, "cannot stat %s", path);
	else if (!S_ISREG(st->st_mode))
		err_set(e, ERR_PERMANENT, "%s is a %s, not a regular file", path,
			file_kind(st->st_mode));
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static ssize_t read_some(int fd, char *p, size_t n)
{
	ssize_t r;
	do
		r = read(fd, p, n);
	while (r < 0 && errno == EINTR);
	return r;
}

bool path_read(
	struct arena *a, const char *path, size_t max, struct str *out, bool *found, struct err *e)
{
	struct stat st;
	*out = (struct str){"", 0};
	int fd = open_regular(path, &st, e);
	*found = fd >= 0;
	if (fd < 0)
		return e->kind == ERR_NONE;
	struct buf b;
	buf_init(&b, max + 1);
	char *step = arena_alloc(a, READ_STEP);
	ssize_t r;
	while ((r = read_some(fd, step, READ_STEP)) > 0 && !b.over)
		buf_add(&b, step, (size_t)r);
	if (r < 0)
		err_errno(e, "cannot read %s", path);
	else if (b.n > max || b.over)
		err_set(e, ERR_PERMANENT, "%s is larger than the limit of %zu bytes", path, max);
	else
		*out = buf_str(a, &b);
	buf_free(&b);
	close(fd);
	return e->kind == ERR_NONE;
}

bool path_read_own(struct host *h, const char *path, size_t max, const struct str **out,
	struct observation *o, struct err *e)
{
	struct str *text = ARENA_NEW(h->a, struct str);
	struct stat st;
	bool found;
	*out = NULL;
	if (!path_stat(path, &st, &found, e))
		return false;
	if (found && S_ISLNK(st.st_mode)) {
		observe_attr(h, o, "state", "link", "file");
		return true;
	}
	if (!path_read(h->a, path, max, text, &found, e))
		return false;
	if (found)
		*out = text;
	return true;
}

/* Reads the file in parts, counting its bytes. */
static bool read_through(const char *path, void (*take)(void *ctx, const void *p, size_t n),
	void *ctx, uint64_t *size, struct err *e)
{
	struct stat st;
	char step[READ_STEP];
	ssize_t r;
	int fd = open_regular(path, &st, e);
	if (fd < 0)
		return err_set(e, ERR_PERMANENT, "%s no longer exists", path);
	while ((r = read_some(fd, step, sizeof(step))) > 0) {
		take(ctx, step, (size_t)r);
		*size += (uint64_t)r;
	}
	if (r < 0)
		err_errno(e, "cannot read %s", path);
	close(fd);
	return r == 0;
}

static void take_sha256(void *ctx, const void *p, size_t n)
{
	sha256_add(ctx, p, n);
}

static void take_sha1(void *ctx, const void *p, size_t n)
{
	sha1_add(ctx, p, n);
}

bool path_digest(const char *path, unsigned char sha[SHA256_LEN], uint64_t *size, struct err *e)
{
	struct sha256 s;
	sha256_init(&s);
	*size = 0;
	bool ok = read_through(path, take_sha256, &s, size, e);
	sha256_end(&s, sha);
	return ok;
}

bool path_sha1(const char *path, unsigned char sha[SHA1_LEN], struct err *e)
{
	struct sha1 s;
	uint64_t size = 0;
	sha1_init(&s);
	bool ok = read_through(path, take_sha1, &s, &size, e);
	sha1_end(&s, sha);
	return ok;
}

/* Reads the link that is open: another may have taken its place since. */
static char *target_of(struct arena *a, int link, const char *path, struct err *e)
{
	char *t = arena_alloc(a, PATH_MAX + 1);
	ssize_t n = readlinkat(link, "", t, PATH_MAX);
	if (n < 0) {
		err_errno(e, "cannot read the link %s", path);
		return NULL;
	}
	t[n] = 0;
	return t;
}

char *path_link_target(struct arena *a, const char *path, struct err *e)
{
	int link = open_there(path, O_PATH, e);
	if (link < 0) {
		err_errno(e, "cannot read the link %s", path);
		return NULL;
	}
	char *t = target_of(a, link, path, e);
	close(link);
	return t;
}

/* *target: the target of the link at `path`, or NULL when it is not a link. */
static bool meant_target(struct arena *a, const char *path, char **target, struct err *e)
{
	struct stat st;
	*target = NULL;
	int fd = open_there(path, O_PATH, e);
	if (fd < 0)
		return e->kind == ERR_NONE && (errno == ENOENT || errno == ENOTDIR ||
						      err_errno(e, "cannot stat %s", path));
	if (fstat(fd, &st) < 0)
		err_errno(e, "cannot stat %s", path);
	else if (S_ISLNK(st.st_mode) && link_is_meant(path, &st, e))
		*target = target_of(a, fd, path, e);
	close(fd);
	return e->kind == ERR_NONE;
}

bool path_follow(struct arena *a, const char *path, const char **out, struct err *e)
{
	*out = path;
	for (int i = 0; i < LINKS_MAX; i++) {
		char *target;
		if (!meant_target(a, *out, &target, e))
			return false;
		if (!target)
			return true;
		*out = path_join(a, path_dir(a, *out), target);
	}
	return err_set(
		e, ERR_PERMANENT, "%s leads through more than %d symbolic links", path, LINKS_MAX);
}

bool files_pending(const struct host *h)
{
	return h->pending & (RES_FILE | RES_PACKAGE | RES_COMMAND | RES_ACCOUNT);
}

bool parent_there(struct host *h, const char *path, struct err *e)
{
	const char *dir = path_dir(h->a, path);
	struct place p;
	bool there;
	/* a path in the folder must be reached through trusted links only */
	if (!place_find(path, &p, &there, e))
		return false;
	place_close(&p);
	if (there || files_pending(h))
		return true;
	return err_set(e, ERR_PERMANENT,
		"the folder %s does not exist on the host; create it first (file: state: "
		"directory)",
		dir);
}

void result_file(struct host *h, const char *path, struct observation *o)
{
	struct stat st;
	struct value *r = o->result;
	struct err none = {0}; /* an inaccessible path is reported as absent */
	bool found;
	map_put(h->a, r, "path", value_text(h->a, path));
	if (!path_stat(path, &st, &found, &none) || !found) {
		map_put(h->a, r, "state", value_text(h->a, "absent"));
		return;
	}
	map_put(h->a, r, "state", value_text(h->a, file_kind(st.st_mode)));
	map_put(h->a, r, "mode", value_printf(h->a, "%04o", st.st_mode & 07777));
	map_put(h->a, r, "uid", value_int(h->a, st.st_uid));
	map_put(h->a, r, "gid", value_int(h->a, st.st_gid));
	map_put(h->a, r, "owner", value_text(h->a, attr_user_name(h->a, st.st_uid)));
	map_put(h->a, r, "group", value_text(h->a, attr_group_name(h->a, st.st_gid)));
	map_put(h->a, r, "size", value_int(h->a, st.st_size));
}

/* The components of a path, without empty ones and ".". */
static bool next_part(const char **p, const char **part, size_t *n)
{
	for (;;) {
		*p += strspn(*p, "/");
		*part = *p;
		*n = strcspn(*p, "/");
		*p += *n;
		if (*n == 0)
			return false;
		if (*n != 1 || **part != '.')
			return true;
	}
}

const char *clean_path(struct arena *a, const char *path)
{
	struct buf b;
	const char *p = path, *part;
	size_t n;
	buf_init(&b, strlen(path) + 2);
	while (next_part(&p, &part, &n)) {
		if (b.n || path[0] == '/')
			buf_addc(&b, '/');
		buf_add(&b, part, n);
	}
	if (b.n == 0)
		buf_addc(&b, path[0] == '/' ? '/' : '.');
	const char *clean = buf_str(a, &b).p;
	buf_free(&b);
	return clean;
}

bool path_is_root(const char *path)
{
	const char *p = path, *part;
	size_t n, depth = 0;
	if (path[0] != '/')
		return false;
	while (next_part(&p, &part, &n)) {
		if (n == 2 && part[0] == '.' && part[1] == '.')
			depth -= depth > 0;
		else
			depth++;
	}
	return depth == 0;
}
