/* SPDX-License-Identifier: MIT
 *
 * Looks at mailboxes: their folders, each with its owner and mode. Never follows a link that is not
 * root's, and changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "resource/look.h"
#include "resource/maildirs.h"

enum { MANY = 1000 }; /* mailboxes, from which on two processes look at them */

bool maildirs_owner_right(const struct maildirs_walk *w, const struct stat *st)
{
	return (w->uid == (uid_t)-1 || st->st_uid == w->uid) &&
	       (w->gid == (gid_t)-1 || st->st_gid == w->gid);
}

bool maildirs_mode_right(const struct maildirs_walk *w, const struct stat *st)
{
	return !w->mode_asked || (st->st_mode & 07777) == w->mode;
}

/* Is it a folder as it is to be? A link of root's counts as what it leads to: somebody moved mail
 * to another disk. It is only looked through. */
static enum folder_fault folder_at(const struct maildirs_walk *w, const char *path, struct stat *st)
{
	if (fstatat(w->root, path, st, AT_SYMLINK_NOFOLLOW) < 0)
		return FOLDER_ABSENT;
	if (S_ISLNK(st->st_mode) && st->st_uid == 0 && fstatat(w->root, path, st, 0) < 0)
		return FOLDER_ABSENT;
	if (!S_ISDIR(st->st_mode))
		return FOLDER_OTHER;
	if (!maildirs_owner_right(w, st))
		return FOLDER_OWNER;
	return maildirs_mode_right(w, st) ? FOLDER_RIGHT : FOLDER_MODE;
}

/* Looks at path[0..n] with `end` behind it. */
static bool right_at(
	const struct maildirs_walk *w, struct maildirs_found *f, size_t n, const char *end)
{
	size_t len = strlen(end);
	if (n + len >= sizeof(f->path)) {
		f->fault = FOLDER_ABSENT;
		return false;
	}
	memcpy(f->path + n, end, len + 1);
	f->fault = folder_at(w, f->path, &f->st);
	return f->fault == FOLDER_RIGHT;
}

const char *const maildirs_parts[MAILDIRS_PARTS] = {"/cur", "/new", "/tmp"};

static bool maildir_right(const struct maildirs_walk *w, struct maildirs_found *f, size_t n)
{
	for (size_t i = 0; i < MAILDIRS_PARTS; i++)
		if (!right_at(w, f, n, maildirs_parts[i]))
			return false;
	return true;
}

/* Each folder on the way to the mailbox, itself included. What lies between the root and the
 * mailbox is shared by many: `last`, the mailbox before this one, was looked at already. */
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
	if (n >= sizeof(f->path))
		return right_at(w, f, n, "");
	f->path[home] = '/';
	if (!right_at(w, f, home + 1, w->maildir) || !maildir_right(w, f, n))
		return false;
	for (size_t i = 0; w->folders && i < w->folders->list.n; i++) {
		f->folder = w->folders->list.v[i]->s.p;
		memcpy(f->path + n, "/.", 2 + 1);
		if (!right_at(w, f, n + 2, f->folder) ||
			!maildir_right(w, f, n + 2 + strlen(f->folder)))
			return false;
	}
	return true;
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
		return arena_printf(a, "%s is a %s", f->path, look_kind(f->st.st_mode));
	default:
		break;
	}
	if (f->folder) {
		*after = arena_printf(a, "with %s", f->folder);
		return arena_printf(a, "without %s", f->folder);
	}
	return w->root < 0 || fstatat(w->root, maildir, &st, 0) < 0 ? NULL : "incomplete";
}

/* The mailboxes from `from` on whose number is below `to`: a byte for each that is not right. */
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

/* Two processes halve the time that ten thousand mailboxes take. */
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
