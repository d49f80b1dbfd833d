/* SPDX-License-Identifier: MIT
 *
 * Who is subscribed to a mailing list: read, added to and taken out of the engine's files, under
 * the lock that Mlmmj takes. Sends no mail, and leaves everybody else's lines as they are.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "resource/args.h"
#include "resource/mailing_list.h"

/* ---- reading ---- */
static struct str lower(struct arena *a, const char *p, size_t n)
{
	char *copy = arena_strdup(a, str_dup(a, p, n).p);

	for (char *c = copy; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return str_trim(a, str_c(copy));
}

void mlist_parse(struct arena *a, struct str text, struct value *out)
{
	struct line line;

	while (line_next(&text, &line)) {
		struct str address = lower(a, line.p, line.n);

		if (address.n)
			map_set(a, out, address, value_null(a));
	}
}

/* The plain files of a folder, temporary ones left out. */
static bool files_in(struct arena *a, int home, const char *folder, struct args *out)
{
	int fd = mlist_folder(home, folder, NULL);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		int why = errno;

		if (fd >= 0)
			close(fd);
		return why == ENOENT;
	}
	for (struct dirent *d; (d = readdir(dir));)
		if (d->d_name[0] != '.')
			args_addf(a, out, "%s/%s", folder, d->d_name);
	closedir(dir);
	return true;
}

static bool subscriber_files(const struct mlist_engine *eng, const struct mlist *l, int home,
	struct args *out, struct err *e)
{
	if (!eng->subscribers) {
		args_add(l->a, out, l->name);
		return true;
	}
	for (size_t i = 0; home >= 0 && eng->subscribers[i]; i++)
		if (!files_in(l->a, home, eng->subscribers[i], out))
			return err_errno(
				e, "cannot read %s of %s", eng->subscribers[i], l->address);
	return true;
}

bool mlist_subscribers(const struct mlist_engine *eng, const struct mlist *l, int home,
	struct value **out, struct err *e)
{
	struct args files = {0};
	struct stat st;
	struct str text;
	bool found;

	*out = value_map(l->a);
	if (home < 0)
		return true;
	if (!subscriber_files(eng, l, home, &files, e))
		return false;
	for (size_t i = 0; i < files.n; i++) {
		if (!mlist_read(l->a, home, files.v[i], &text, &found, &st, e))
			return false;
		if (found)
			mlist_parse(l->a, text, *out);
	}
	return true;
}

/* ---- changing ---- */
/* The folder is the engine's account's: what else has a name there is not to become its own. */
static bool only_here(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_nlink == 1;
}

/* Opened and locked as Mlmmj does it; a file that was replaced while we waited is opened anew. */
static int open_locked(int dir, const char *name, bool make)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (make ? O_CREAT : 0);

	for (int tries = 0; tries < 10; tries++) {
		struct stat ours, there;
		int fd = openat(dir, name, flags, MLIST_FILE_MODE);

		if (fd < 0)
			return -1;
		if (fcntl(fd, F_SETLKW, &lock) == 0 && fstat(fd, &ours) == 0 &&
			fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
			ours.st_ino == there.st_ino) {
			if (only_here(&ours))
				return fd;
			close(fd);
			errno = EMLINK;
			return -1;
		}
		close(fd);
	}
	errno = EAGAIN;
	return -1;
}

/* A file whose last line has no end would swallow the first one added. */
static bool ends_open(int fd)
{
	struct stat st;
	char last = '\n';

	return fstat(fd, &st) == 0 && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 &&
	       last != '\n';
}

static bool append(int home, const char *path, struct str text, const struct mlist_owner *who)
{
	char folder[256];
	const char *slash = strrchr(path, '/');
	int dir, fd;
	bool ok;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 0, path);
	dir = mlist_folder(home, folder, who);
	fd = dir < 0 ? -1 : open_locked(dir, slash ? slash + 1 : path, true);
	ok = fd >= 0 && (!ends_open(fd) || write_all(fd, "\n", 1)) &&
	     write_all(fd, text.p, text.n) && fchown(fd, who->uid, who->gid) == 0 &&
	     fchmod(fd, MLIST_FILE_MODE) == 0;
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	return ok;
}

/* One write for each file, however many are added. */
bool mlist_subscribe(const struct mlist_engine *eng, const struct mlist *l, int home,
	const struct value *add, const struct mlist_owner *who, struct err *e)
{
	struct value *texts = value_map(l->a);
	struct buf b;
	bool ok = true;

	for (size_t i = 0; i < add->map.n; i++) {
		struct str path = str_c(eng->subscriber_file(l, add->map.e[i].key.p));
		struct value *list = map_get(texts, path);

		if (!list)
			map_set(l->a, texts, path, list = value_list(l->a));
		list_add(l->a, list, value_str(l->a, add->map.e[i].key));
	}
	buf_init(&b, FILE_MAX);
	for (size_t i = 0; ok && i < texts->map.n; i++) {
		const struct value *list = texts->map.e[i].value;

		buf_clear(&b);
		for (size_t j = 0; j < list->list.n; j++)
			buf_addf(&b, "%s\n", list->list.v[j]->s.p);
		ok = append(home, texts->map.e[i].key.p, buf_str(l->a, &b), who);
		if (!ok)
			err_errno(e, "cannot subscribe to %s", l->address);
	}
	buf_free(&b);
	return ok;
}

/* The text without the lines of `remove`; false: none of them is in it. */
static bool without(struct arena *a, struct str text, const struct value *remove, struct str *out)
{
	struct line line;
	struct buf b;
	bool differs = false;

	buf_init(&b, text.n + 1); /* the end that the last line may lack */
	while (line_next(&text, &line)) {
		if (map_get(remove, lower(a, line.p, line.n))) {
			differs = true;
			continue;
		}
		buf_add(&b, line.p, line.n);
		buf_addc(&b, '\n');
	}
	*out = buf_str(a, &b);
	buf_free(&b);
	return differs;
}

static bool take_out(const struct mlist *l, int home, const char *path, const struct value *remove,
	const struct mlist_owner *who, struct err *e)
{
	char folder[256];
	const char *slash = strrchr(path, '/');
	struct str text, rest;
	struct stat st;
	int dir, fd;
	bool found, ok;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 0, path);
	dir = mlist_folder(home, folder, NULL);
	fd = dir < 0 ? -1 : open_locked(dir, slash ? slash + 1 : path, false);
	ok = fd >= 0 || errno == ENOENT;
	if (fd >= 0) {
		ok = mlist_read(l->a, home, path, &text, &found, &st, e);
		if (ok && found && without(l->a, text, remove, &rest))
			ok = mlist_write(home, path, rest, who, e);
		close(fd);
	}
	if (dir >= 0)
		close(dir);
	return ok || err_errno(e, "cannot unsubscribe from %s", l->address);
}

bool mlist_unsubscribe(const struct mlist_engine *eng, const struct mlist *l, int home,
	const struct value *remove, const struct mlist_owner *who, struct err *e)
{
	struct args files = {0};
	bool ok = subscriber_files(eng, l, home, &files, e);

	for (size_t i = 0; ok && i < files.n; i++)
		ok = take_out(l, home, files.v[i], remove, who, e);
	return ok;
}
