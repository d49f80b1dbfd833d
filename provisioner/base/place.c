/* SPDX-License-Identifier: MIT
 *
 * Resolves the folder of a path by descriptors. Never follows a link owned by another user, and
 * looks up each component only once.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/place.h"

enum { LINKS_MAX = 40, FOLDER = O_PATH | O_DIRECTORY | O_CLOEXEC };

bool link_is_meant(const char *path, const struct stat *st, struct err *e)
{
	if (st->st_uid == 0 || st->st_uid == geteuid())
		return true;
	return err_set(e, ERR_PERMANENT,
		"%s is a symbolic link of user %u, and is not followed; remove it, name its "
		"target, or "
		"do this as that user (become_user)",
		path, (unsigned)st->st_uid);
}

static bool too_long(const char *path, struct err *e)
{
	return err_set(e, ERR_CONFIG, "a path of %zu bytes is too long", strlen(path));
}

/* ---- resolving a path ---- */

struct way {
	const char *path;    /* of the folder to find */
	int fd;              /* the folder reached so far */
	char seen[PATH_MAX]; /* its path, for messages */
	char rest[PATH_MAX]; /* the components that remain */
	size_t own;          /* bytes at the end of rest that come from path, not from a link */
	unsigned links;      /* number of links followed */
	const mode_t *make;  /* mode for creating missing folders; NULL: create none */
	bool guard;          /* accept only folders that nobody else can change */
};

static bool way_restart(struct way *w, const char *from)
{
	int fd = open(from, FOLDER);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = fd;
	w->seen[0] = 0;
	return fd >= 0;
}

/* Replaces the link by its target in the remaining path. */
static bool take_target(struct way *w, int link, size_t left, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target));
	const char *rest = w->rest + strlen(w->rest) - left;
	if (n < 0)
		return err_errno(e, "cannot read a symbolic link on the way to %s", w->path);
	if ((size_t)n + 1 + left >= sizeof(w->rest))
		return too_long(w->path, e);
	memmove(w->rest + n + 1, rest, left + 1);
	memcpy(w->rest, target, (size_t)n);
	w->rest[n] = '/';
	if (w->own > left)
		w->own = left;
	return target[0] != '/' || way_restart(w, "/") || err_errno(e, "cannot open /");
}

/* `part` is not a folder. false with only errno set: it is not a link either; false with e set: the
 * link is not trusted. */
static bool follow_link(struct way *w, const char *part, size_t left, struct err *e)
{
	struct stat st;
	char at[2 * PATH_MAX];
	bool ok = false;
	int link = openat(w->fd, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (link < 0)
		return false;
	snprintf(at, sizeof(at), "%s%s", w->seen, part);
	if (fstat(link, &st) < 0)
		err_errno(e, "cannot look at %s", at);
	else if (S_ISLNK(st.st_mode) && ++w->links > LINKS_MAX)
		err_set(e, ERR_PERMANENT, "%s leads through more than %d symbolic links", w->path,
			LINKS_MAX);
	else if (S_ISLNK(st.st_mode))
		ok = link_is_meant(at, &st, e) && take_target(w, link, left, e);
	close(link);
	errno = ENOTDIR;
	return ok;
}

/* Creates a missing folder as `mkdir -p` does; not at the end of a dangling link. */
static bool make_part(const struct way *w, const char *part, size_t left)
{
	if (!w->make || w->own < left + strlen(part)) {
		errno = ENOENT;
		return false;
	}
	return mkdirat(w->fd, part, *w->make) == 0 || errno == EEXIST;
}

static bool step_into(struct way *w, const char *part, size_t left, struct err *e)
{
	int fd = openat(w->fd, part, FOLDER | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT && make_part(w, part, left))
		fd = openat(w->fd, part, FOLDER | O_NOFOLLOW);
	if (fd < 0)
		return (errno == ENOTDIR || errno == ELOOP) && follow_link(w, part, left, e);
	close(w->fd);
	w->fd = fd;
	size_t n = strlen(w->seen), more = strlen(part);
	if (n + more + 1 < sizeof(w->seen)) { /* otherwise the message shows a shorter path */
		memcpy(w->seen + n, part, more);
		memcpy(w->seen + n + more, "/", 2);
	}
	memmove(w->rest, w->rest + strlen(w->rest) - left, left + 1);
	return true;
}

/* Is it impossible for others to change what a name in this folder refers to? In a sticky folder
 * only a name's owner can; the owner of the next component is checked when it is reached. */
static bool is_guarded(const struct way *w, bool last, struct err *e)
{
	struct stat st;
	if (fstat(w->fd, &st) < 0)
		return err_errno(e, "cannot look at %s", w->seen);
	bool shared = st.st_mode & (S_IWGRP | S_IWOTH), sticky = st.st_mode & S_ISVTX;
	if ((st.st_uid == 0 || st.st_uid == geteuid()) && (!shared || (sticky && !last)))
		return true;
	return err_set(e, ERR_PERMANENT,
		"%s (of user %u, mode %04o) can be changed by others, who could redirect %s at any "
		"time; use a folder that only root can change, or do this as that user "
		"(become_user)",
		w->seen, (unsigned)st.st_uid, (unsigned)st.st_mode & 07777, w->path);
}

static bool walk_parts(struct way *w, struct err *e)
{
	char part[NAME_MAX + 1];
	for (;;) {
		const char *p = w->rest + strspn(w->rest, "/");
		size_t n = strcspn(p, "/");
		if (w->guard && !is_guarded(w, n == 0, e))
			return false;
		if (n == 0)
			return true;
		if (n > NAME_MAX) {
			errno = ENAMETOOLONG;
			return false;
		}
		memcpy(part, p, n);
		part[n] = 0;
		if (!step_into(w, part, strlen(p + n), e)) /* missing: only we can create it */
			return w->guard && !e->kind && errno == ENOENT && is_guarded(w, true, e);
	}
}

static int walk_path(const char *path, const mode_t *make, bool guard, struct err *e)
{
	struct way w = {.path = path, .fd = -1, .make = make, .guard = guard};
	size_t n = strlen(path);
	if (n >= sizeof(w.rest)) {
		too_long(path, e);
		return -1;
	}
	memcpy(w.rest, path, n + 1);
	w.own = n;
	bool ok = way_restart(&w, path[0] == '/' ? "/" : ".");
	if (ok && path[0] == '/')
		memcpy(w.seen, "/", 2);
	ok = ok && walk_parts(&w, e);
	if (ok)
		return w.fd;
	int why = errno;
	if (w.fd >= 0)
		close(w.fd);
	errno = why;
	return -1;
}

static int open_without_links(const char *path)
{
	struct open_how how = {.flags = FOLDER, .resolve = RESOLVE_NO_SYMLINKS};
	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* -1 with e set, or only errno. Most paths contain no link: openat2(2) resolves them in one call.
 * Others are resolved here. */
static int find_folder(const char *path, const mode_t *make, struct err *e)
{
	int fd = open_without_links(path);
	if (fd >= 0 || (!make && (errno == ENOENT || errno == ENOTDIR)))
		return fd;
	return walk_path(path, make, false, e);
}

/* ---- folders kept open during a step ---- */

enum { HELD_MAX = 8 };

struct held {
	char *path;
	int fd;
	unsigned users;
};

static struct held held[HELD_MAX];
static unsigned holders;

static void held_drop(struct held *h)
{
	close(h->fd);
	free(h->path);
	*h = (struct held){0};
}

void folders_forget(void)
{
	for (size_t i = 0; i < HELD_MAX; i++) {
		if (held[i].path && held[i].users == 0)
			held_drop(&held[i]);
		else if (held[i].path)
			held[i].path[0] = 0; /* nobody uses it any more */
	}
}

void folders_hold(void)
{
	holders++;
}

void folders_release(void)
{
	holders--;
	folders_forget();
}

static struct held *held_find(const char *path)
{
	for (size_t i = 0; i < HELD_MAX; i++)
		if (held[i].path && strcmp(held[i].path, path) == 0)
			return &held[i];
	return NULL;
}

static struct held *held_add(const char *path, int fd)
{
	for (size_t i = 0; holders && i < HELD_MAX; i++)
		if (!held[i].path && (held[i].path = strdup(path))) {
			held[i].fd = fd;
			return &held[i];
		}
	return NULL;
}

/* ---- places ---- */

/* Splits "/etc//a/" into "/etc" and "a". */
static bool split_path(const char *path, char folder[PATH_MAX], struct place *p, struct err *e)
{
	size_t n = strlen(path), start;
	if (n == 0)
		return err_set(e, ERR_CONFIG, "an empty path");
	if (n >= PATH_MAX)
		return too_long(path, e);
	while (n > 1 && path[n - 1] == '/')
		n--;
	for (start = n; start > 0 && path[start - 1] != '/';)
		start--;
	if (n - start > NAME_MAX)
		return err_set(e, ERR_CONFIG, "the name of %s is too long", path);
	memcpy(p->name, path + start, n - start);
	p->name[n - start] = 0;
	if (start == n)
		memcpy(p->name, ".", 2);
	while (start > 1 && path[start - 1] == '/')
		start--;
	memcpy(folder, path, start);
	memcpy(folder + start, start ? "" : ".", start ? 1 : 2);
	return true;
}

bool place_find(const char *path, struct place *p, bool *there, struct err *e)
{
	char folder[PATH_MAX];
	*p = (struct place){.dir = -1, .path = path};
	*there = false;
	if (!split_path(path, folder, p, e))
		return false;
	p->held = held_find(folder);
	if (!p->held) {
		p->dir = find_folder(folder, NULL, e);
		if (p->dir >= 0)
			p->held = held_add(folder, p->dir);
	}
	if (p->held) {
		p->dir = p->held->fd;
		p->held->users++;
	}
	*there = p->dir >= 0;
	if (*there || (!e->kind && (errno == ENOENT || errno == ENOTDIR)))
		return true;
	return err_errno(e, "cannot look at %s", path);
}

bool place_open(const char *path, struct place *p, struct err *e)
{
	bool there;
	if (!place_find(path, p, &there, e))
		return false;
	return there || err_errno(e, "cannot open the folder of %s", path);
}

void place_close(struct place *p)
{
	if (p->held && --p->held->users == 0 && !p->held->path[0])
		held_drop(p->held);
	else if (!p->held && p->dir >= 0)
		close(p->dir);
	*p = (struct place){.dir = -1};
}

bool place_stat(const struct place *p, struct stat *st)
{
	return fstatat(p->dir, p->name, st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool place_set_times(const struct place *p, const struct timespec times[2], struct err *e)
{
	return utimensat(p->dir, p->name, times, AT_SYMLINK_NOFOLLOW) == 0 ||
	       err_errno(e, "cannot set the time of %s", p->path);
}

int folder_open(const char *path, struct err *e)
{
	char inside[PATH_MAX + 2];
	struct place p;
	bool there;
	int fd = -1;
	snprintf(inside, sizeof(inside), "%s/.", path);
	if (place_find(inside, &p, &there, e) && there) {
		fd = openat(p.dir, p.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int why = errno;
		place_close(&p);
		errno = why;
	}
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		err_errno(e, "cannot open the folder %s", path);
	return fd;
}

bool folder_is_guarded(const char *path, struct err *e)
{
	int fd = walk_path(path, NULL, true, e);
	if (fd < 0)
		return err_errno(e, "cannot open the folder %s", path);
	close(fd);
	return true;
}

bool mkdirs(const char *path, mode_t mode, struct err *e)
{
	int fd = find_folder(path, &mode, e);
	if (fd >= 0)
		close(fd);
	else if (errno == ENOTDIR)
		err_set(e, ERR_PERMANENT, "cannot make the folder %s: a file is there", path);
	else
		err_errno(e, "cannot make the folder %s", path);
	return fd >= 0;
}
