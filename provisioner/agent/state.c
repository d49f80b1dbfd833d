/* SPDX-License-Identifier: MIT
 *
 * The agent's folder on the host: created, locked, cleaned; and the list of pending handlers.
 * Refuses a folder that others can write to. Reading creates nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/session.h"

enum { LOCK_TEXT = 512, PENDING_MAX = 1 << 20, PENDING_IDS = 10000 };

const char *state_dir(struct arena *a)
{
	const char *given = getenv("PROVISION_STATE");
	if (given && given[0] == '/')
		return arena_strdup(a, given);
	if (geteuid() == 0)
		return "/var/lib/provision";
	struct passwd *pw = getpwuid(geteuid());
	return path_join(a, pw ? pw->pw_dir : "/", ".local/state/provision");
}

static bool own_folder(const char *path, struct err *e)
{
	struct stat st;
	if (!mkdirs(path, 0700, e))
		return false;
	if (lstat(path, &st) < 0)
		return err_errno(e, "cannot look at %s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return err_set(e, ERR_PERMANENT,
			"%s is not a folder of user %u; find out who made it, then move it away",
			path, (unsigned)geteuid());
	if (st.st_mode & 022)
		return err_set(e, ERR_PERMANENT,
			"others can write to %s; check what they left there, then run: chmod 700 "
			"%s",
			path, path);
	return true;
}

bool state_open(struct state *st, struct arena *a, struct err *e)
{
	*st = (struct state){state_dir(a), -1};
	return own_folder(st->dir, e) && own_folder(path_join(a, st->dir, "journal"), e) &&
	       own_folder(path_join(a, st->dir, "originals"), e);
}

const char *state_originals(struct arena *a, const struct state *st, const char *run)
{
	return arena_printf(a, "%s/originals/%s", st->dir, run);
}

/* ---- lock ---- */

/* An open file description lock (fcntl(2)): it ends with the process, however that ends, and
 * querying it does not take it. */
static bool lock_call(int fd, int command, short type, short *found)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET};
	if (fcntl(fd, command, &l) < 0)
		return false;
	if (found)
		*found = l.l_type;
	return true;
}

bool state_locked(struct arena *a, const char *dir)
{
	short found = F_UNLCK;
	int fd = open(path_join(a, dir, "lock"), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	lock_call(fd, F_OFD_GETLK, F_WRLCK, &found);
	close(fd);
	return found != F_UNLCK;
}

static bool lock_refused(int fd, struct err *e)
{
	char text[LOCK_TEXT] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? strcspn(text, "\n") : 0] = 0;
	return err_set(e, ERR_TRANSIENT,
		"another apply is running on this host (%s); try again when it has ended",
		text[0] ? text : "its lock does not name it");
}

/* Writes the holder's name into the lock file, for messages. Not by a rename: the lock belongs to
 * this inode. */
static void lock_sign(int fd, struct arena *a, const char *run)
{
	const char *text = arena_printf(
		a, "run %s, process %ld, since %s\n", run, (long)getpid(), now_text(a));
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) < 0)
		return;
}

bool state_lock(struct state *st, struct arena *a, const char *run, struct err *e)
{
	const char *path = path_join(a, st->dir, "lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(e, "cannot open %s", path);
	if (!lock_call(fd, F_OFD_SETLK, F_WRLCK, NULL)) {
		if (errno == EAGAIN || errno == EACCES)
			lock_refused(fd, e);
		else
			err_errno(e, "cannot lock %s", path);
		close(fd);
		return false;
	}
	lock_sign(fd, a, run);
	st->lock = fd;
	return true;
}

void state_unlock(struct state *st)
{
	if (st->lock >= 0)
		close(st->lock);
	st->lock = -1;
}

/* ---- lists of names: one JSON map per line ---- */

bool list_has(const struct value *list, struct str s)
{
	for (size_t i = 0; i < list->list.n; i++)
		if (str_eq(list->list.v[i]->s, s))
			return true;
	return false;
}

static bool names_read(struct arena *a, const char *path, struct value *list, struct err *e)
{
	struct value *entry;
	struct str text;
	bool found;
	if (!file_read_opt(a, path, PENDING_MAX, &text, &found, e))
		return false;
	for (size_t at = 0; at < text.n;) {
		size_t n = strcspn(text.p + at, "\n");
		if (!journal_parse(a, str_dup(a, text.p + at, n), &entry) ||
			!map_at(entry, "handler") || map_at(entry, "handler")->type != VALUE_STR)
			return err_set(e, ERR_PERMANENT,
				"%s is damaged; run the handlers that it names by hand, then "
				"remove "
				"it",
				path);
		list_add(a, list, map_at(entry, "handler"));
		at += n + 1;
	}
	return true;
}

static bool names_write(const char *path, const struct value *list, struct err *e)
{
	struct file_attr attr = {0600, (uid_t)-1, (gid_t)-1};
	struct buf b;
	buf_init(&b, PENDING_MAX);
	for (size_t i = 0; i < list->list.n; i++) {
		buf_adds(&b, "{\"handler\": ");
		json_quote(&b, list->list.v[i]->s);
		buf_adds(&b, "}\n");
	}
	bool ok = !b.over && list->list.n <= PENDING_IDS
			  ? file_replace(path, b.p, b.n, attr, e)
			  : err_set(e, ERR_PERMANENT, "too many names for %s", path);
	buf_free(&b);
	return ok;
}

struct value *pending_load(struct arena *a, const char *dir, struct err *e)
{
	struct value *list = value_list(a);
	return names_read(a, path_join(a, dir, "pending"), list, e) ? list : NULL;
}

bool pending_save(struct arena *a, const char *dir, const struct value *list, struct err *e)
{
	const char *path = path_join(a, dir, "pending");
	if (list->list.n)
		return names_write(path, list, e);
	return unlink(path) == 0 || errno == ENOENT || err_errno(e, "cannot remove %s", path);
}

static struct value *load_verified(struct arena *a, const char *path)
{
	struct value *list = value_list(a);
	struct err ignored = {0}; /* it only affects the wording of a message */
	return names_read(a, path, list, &ignored) ? list : value_list(a);
}

bool service_was_verified(struct arena *a, const char *dir, const char *service)
{
	return list_has(load_verified(a, path_join(a, dir, "verified")), str_c(service));
}

void service_note_verified(struct arena *a, const char *dir, const char *service)
{
	const char *path = path_join(a, dir, "verified");
	struct value *list = load_verified(a, path);
	struct err ignored = {0};
	if (list_has(list, str_c(service)))
		return;
	list_add(a, list, value_text(a, service));
	names_write(path, list, &ignored);
}
