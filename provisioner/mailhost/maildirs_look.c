/* SPDX-License-Identifier: MIT
 *
 * Checks mailboxes: their folders, each with its owner and mode. Follows no link unless root owns
 * it, and changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "host/path.h"
#include "mailhost/maildirs.h"

enum { MANY = 1000 }; /* from this number of mailboxes on, two processes share the work */

bool maildirs_owner_right(const struct maildirs_walk *w, const struct stat *st)
{
	return (w->uid == (uid_t)-1 || st->st_uid == w->uid) &&
	       (w->gid == (gid_t)-1 || st->st_gid == w->gid);
}

bool maildirs_mode_right(const struct maildirs_walk *w, const struct stat *st)
{
	return !w->mode_asked || (st->st_mode & 07777) == w->mode;
}

static enum folder_fault judge_folder(const struct maildirs_walk *w, const struct stat *st)
{
	if (!S_ISDIR(st->st_mode))
		return FOLDER_OTHER;
	if (!maildirs_owner_right(w, st))
		return FOLDER_OWNER;
	return maildirs_mode_right(w, st) ? FOLDER_RIGHT : FOLDER_MODE;
}

/* Is it a folder with the right owner and mode? A link that root owns counts as its target, because
 * mail may have been moved to another disk; only this check follows it. */
static enum folder_fault folder_at(
	const struct maildirs_walk *w, int at, const char *path, struct stat *st)
{
	if (fstatat(at, path, st, AT_SYMLINK_NOFOLLOW) < 0)
		return FOLDER_ABSENT;
	if (S_ISLNK(st->st_mode) && st->st_uid == 0 && fstatat(at, path, st, 0) < 0)
		return FOLDER_ABSENT;
	return judge_folder(w, st);
}

/* Opens the folder f->path, which is `name` below `at`, so that its content can be checked without
 * walking its path again. -1: it is not as it should be. */
static int open_folder(
	const struct maildirs_walk *w, struct maildirs_found *f, int at, const char *name)
{
	int fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstatat(fd, "", &f->st, AT_EMPTY_PATH) == 0) {
		f->fault = judge_folder(w, &f->st);
	} else {
		f->fault = folder_at(w, at, name, &f->st);
		if (f->fault == FOLDER_RIGHT) /* a link that root owns */
			fd = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (f->fault == FOLDER_RIGHT && fd >= 0)
		return fd;
	if (fd >= 0)
		close(fd);
	else if (f->fault == FOLDER_RIGHT)
		f->fault = FOLDER_ABSENT;
	return -1;
}

/* Appends `end` to path[0..n]. */
static bool path_add(struct maildirs_found *f, size_t n, const char *end)
{
	size_t len = strlen(end);
	if (n + len >= sizeof(f->path)) {
		f->fault = FOLDER_ABSENT;
		return false;
	}
	memcpy(f->path + n, end, len + 1);
	return true;
}

/* Checks path[0..n] with `end` appended. */
static bool right_at(
	const struct maildirs_walk *w, struct maildirs_found *f, size_t n, const char *end)
{
	if (!path_add(f, n, end))
		return false;
	f->fault = folder_at(w, w->root, f->path, &f->st);
	return f->fault == FOLDER_RIGHT;
}

const char *const maildirs_parts[MAILDIRS_PARTS] = {"/cur", "/new", "/tmp"};

/* Checks cur, new and tmp of the open folder path[0..n]. */
static bool parts_right(
	const struct maildirs_walk *w, struct maildirs_found *f, int folder, size_t n)
{
	for (size_t i = 0; i < MAILDIRS_PARTS; i++) {
		f->fault = folder_at(w, folder, maildirs_parts[i] + 1, &f->st);
		if (f->fault != FOLDER_RIGHT)
			return path_add(f, n, maildirs_parts[i]) && false;
	}
	return true;
}

/* Checks the mail folder path[n..] below the open Maildir. */
static bool sub_right(
	const struct maildirs_walk *w, struct maildirs_found *f, int maildir, size_t n)
{
	int folder = open_folder(w, f, maildir, f->path + n + 1);
	bool right = folder >= 0 && parts_right(w, f, folder, n + strlen(f->path + n));
	if (folder >= 0)
		close(folder);
	return right;
}

/* Checks each folder between the root and the mailbox, and the mailbox itself. Many mailboxes share
 * the first ones: those of `last`, the previous mailbox, have been checked already. */
static bool way_right(const struct maildirs_walk *w, struct maildirs_found *f, const char *mailbox,
	const char *last)
{
	for (size_t n = strcspn(mailbox, "/");; n += 1 + strcspn(mailbox + n + 1, "/")) {
		bool seen = last && mailbox[n] && strncmp(mailbox, last, n + 1) == 0;
		if (n >= sizeof(f->path))
			return right_at(w, f, n, "");
		memcpy(f->path, mailbox, n);
		if (!seen && !right_at(w, f, n, ""))
			return false;
		if (!mailbox[n])
			return true;
	}
}

bool maildirs_right(const struct maildirs_walk *w, struct maildirs_found *f, const char *mailbox,
	const char *last)
{
	f->folder = NULL;
	if (!way_right(w, f, mailbox, last))
		return false;
	size_t home = strlen(mailbox), n = home + 1 + strlen(w->maildir);
	if (!path_add(f, home, "/") || !path_add(f, home + 1, w->maildir))
		return false;
	int maildir = open_folder(w, f, w->root, f->path);
	bool right = maildir >= 0 && parts_right(w, f, maildir, n);
	for (size_t i = 0; right && w->folders && i < w->folders->list.n; i++) {
		f->folder = w->folders->list.v[i]->s.p;
		right = path_add(f, n, "/.") && path_add(f, n + 2, f->folder) &&
			sub_right(w, f, maildir, n);
	}
	if (maildir >= 0)
		close(maildir);
	return right;
}

static const char *owner_text(struct arena *a, const char *user, const char *group)
{
	return arena_printf(a, "owner %s:%s", user, group);
}

const char *maildirs_fault_text(const struct maildirs_walk *w, const struct maildirs_found *f,
	const char *mailbox, const char **after)
{
	struct arena *a = w->h->a;
	struct stat st;
	const char *maildir = arena_printf(a, "%s/%s", mailbox, w->maildir), *owner;
	*after = w->maildir;
	switch (f->fault) {
	case FOLDER_OWNER:
		owner = owner_text(
			a, attr_user_name(a, f->st.st_uid), attr_group_name(a, f->st.st_gid));
		*after = owner_text(a, map_cstr(w->attrs, "owner", "as it is"),
			map_cstr(w->attrs, "group", "as it is"));
		return arena_printf(a, "%s has %s", f->path, owner);
	case FOLDER_MODE:
		*after = arena_printf(a, "mode %04o", (unsigned)w->mode);
		return arena_printf(
			a, "%s has mode %04o", f->path, (unsigned)f->st.st_mode & 07777);
	case FOLDER_OTHER:
		*after = "a folder";
		return arena_printf(a, "%s is a %s", f->path, file_kind(f->st.st_mode));
	default:
		break;
	}
	if (f->folder) {
		*after = arena_printf(a, "with %s", f->folder);
		return arena_printf(a, "without %s", f->folder);
	}
	return w->root < 0 || fstatat(w->root, maildir, &st, 0) < 0 ? NULL : "incomplete";
}

/* Checks the mailboxes from..to-1: one byte for each, 1 when it has to be changed. */
static void look_at_some(
	const struct maildirs_walk *w, unsigned char *wrong, size_t from, size_t to)
{
	struct maildirs_found f;
	const char *last = NULL;
	for (size_t i = from; i < to; i++) {
		const char *mailbox = w->mailboxes->list.v[i]->s.p;
		wrong[i] = w->root < 0 || !maildirs_right(w, &f, mailbox, last);
		last = wrong[i] ? NULL : mailbox;
	}
}

/* With ten thousand mailboxes two processes halve the time. */
void maildirs_look(const struct maildirs_walk *w, unsigned char *wrong)
{
	size_t n = w->mailboxes->list.n, half = n / 2;
	int status;
	pid_t pid = n < MANY ? -1 : fork();
	if (pid < 0) {
		look_at_some(w, wrong, 0, n);
		return;
	}
	look_at_some(w, wrong, pid ? 0 : half, pid ? half : n);
	if (!pid)
		_exit(0);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status != 0)
		look_at_some(w, wrong, half, n);
}
