/* SPDX-License-Identifier: MIT
 *
 * The subscribers of a mailing list: read from, added to and removed from the engine's files, under
 * the lock that mlmmj uses. Sends no mail, and leaves all other lines as they are.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "host/args.h"
#include "mailhost/mailing_list.h"

/* An engine holds a lock while it rewrites one small file. */
enum { LOCK_WAIT_MS = 5000, LOCK_STEP_MS = 20 };

/* ---- reading ---- */
bool mlist_person_valid(struct str s)
{
	if (s.n == 0 || s.n > 320 || strlen(s.p) != s.n || !strchr(s.p, '@') ||
		strpbrk(s.p, "/ ,;:<>()[]\"\\"))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
			return false;
	return s.p[0] != '.' && s.p[0] != '-';
}

/* The address in a line, in lower case. Majordomo's lists may have names and comments beside it:
 * "Alice <a@x.test>", "a@x.test (Alice)". */
static struct str address_in(struct arena *a, const char *p, size_t n)
{
	const char *from = memchr(p, '<', n);
	const char *to = from ? memchr(from, '>', n - (size_t)(from - p)) : NULL;
	struct str whole;
	char *copy;
	if (to)
		whole = str_trim(a, str_dup(a, from + 1, (size_t)(to - from - 1)));
	else
		whole = str_trim(a, str_dup(a, p, n));
	copy = arena_strdup(a, str_dup(a, whole.p, strcspn(whole.p, " \t(")).p);
	for (char *c = copy; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return str_c(copy);
}

void mlist_parse(struct arena *a, struct str text, struct value *out)
{
	struct line line;
	while (line_next(&text, &line)) {
		struct str address = address_in(a, line.p, line.n);
		if (address.n)
			map_set(a, out, address, value_null(a));
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The regular files of a folder by their names, without temporary ones. */
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
	size_t before = out->n;
	for (struct dirent *d; (d = readdir(dir));)
		if (d->d_name[0] != '.')
			args_addf(a, out, "%s/%s", folder, d->d_name);
	closedir(dir);
	if (out->n > before)
		qsort(out->v + before, out->n - before, sizeof(*out->v), by_name);
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
	struct mlist_text now;
	*out = value_map(l->a);
	if (home < 0)
		return true;
	if (!subscriber_files(eng, l, home, &files, e))
		return false;
	for (size_t i = 0; i < files.n; i++) {
		if (!mlist_read(l->a, home, files.v[i], &now, e))
			return false;
		if (now.found)
			mlist_parse(l->a, now.text, *out);
	}
	return true;
}

/* ---- changing ---- */
/* The engine's account owns the folder: a file with other links must not become that account's. */
static bool only_here(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_nlink == 1;
}

/* Like F_SETLKW, but with a timeout: another program may hold the lock for ever. */
static bool lock_soon(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
	for (int waited = 0; waited < LOCK_WAIT_MS; waited += LOCK_STEP_MS) {
		if (fcntl(fd, F_SETLK, &lock) == 0)
			return true;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return false;
		nanosleep(&step, NULL);
	}
	errno = EBUSY;
	return false;
}

/* Opens and locks the file as mlmmj does; opens it again if it was replaced during the wait. */
static int open_locked(int dir, const char *name, bool make)
{
	int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (make ? O_CREAT : 0);
	for (int tries = 0; tries < 10; tries++) {
		struct stat ours, there;
		int fd = openat(dir, name, flags, MLIST_FILE_MODE), why;
		if (fd < 0)
			return -1;
		if (!lock_soon(fd) || fstat(fd, &ours) < 0)
			why = errno;
		else if (fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
			 ours.st_ino != there.st_ino)
			why = 0;
		else if (only_here(&ours))
			return fd;
		else
			why = EMLINK;
		close(fd);
		if (why) {
			errno = why;
			return -1;
		}
	}
	errno = EBUSY;
	return -1;
}

static bool report_failure(const char *what, const struct mlist *l, const char *path, struct err *e)
{
	if (errno != EBUSY)
		return err_errno(e, "cannot %s %s: %s", what, l->address, path);
	return err_set(e, ERR_TRANSIENT,
		"cannot %s %s: another program has kept its file %s locked for more than %d s; "
		"find it with `lslocks`, then apply again",
		what, l->address, path, LOCK_WAIT_MS / 1000);
}

/* Without a newline at its end, the last line would run into the first one added. */
static bool ends_open(int fd)
{
	struct stat st;
	char last = '\n';
	return fstat(fd, &st) == 0 && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 &&
	       last != '\n';
}

static bool append_text(int home, const char *path, struct str text, const struct mlist_owner *who)
{
	char folder[256];
	const char *slash = strrchr(path, '/');
	int dir, fd, why;
	bool ok;
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 0, path);
	dir = mlist_folder(home, folder, who);
	fd = dir < 0 ? -1 : open_locked(dir, slash ? slash + 1 : path, true);
	ok = fd >= 0 && (!ends_open(fd) || write_all(fd, "\n", 1)) &&
	     write_all(fd, text.p, text.n) && fchown(fd, who->uid, who->gid) == 0 &&
	     fchmod(fd, MLIST_FILE_MODE) == 0;
	why = errno;
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	errno = why;
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
		if (b.over)
			ok = err_set(e, ERR_PERMANENT,
				"cannot subscribe to %s: more than %d MB of addresses", l->address,
				FILE_MAX >> 20);
		else if (!append_text(home, texts->map.e[i].key.p, buf_str(l->a, &b), who))
			ok = report_failure("subscribe to", l, texts->map.e[i].key.p, e);
	}
	buf_free(&b);
	return ok;
}

/* The text without the lines of `remove`; false: it contains none of them. */
static bool drop_lines(
	struct arena *a, struct str text, const struct value *remove, struct str *out)
{
	struct line line;
	struct buf b;
	bool differs = false;
	buf_init(&b, text.n + 1); /* the newline that the last line may lack */
	while (line_next(&text, &line)) {
		if (map_get(remove, address_in(a, line.p, line.n))) {
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
	struct mlist_text now;
	struct str rest;
	int dir, fd;
	bool ok;
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 0, path);
	dir = mlist_folder(home, folder, NULL);
	fd = dir < 0 ? -1 : open_locked(dir, slash ? slash + 1 : path, false);
	ok = fd >= 0 || errno == ENOENT || report_failure("unsubscribe from", l, path, e);
	if (fd >= 0) {
		ok = mlist_read(l->a, home, path, &now, e);
		if (ok && now.found && drop_lines(l->a, now.text, remove, &rest))
			ok = mlist_write(home, path, rest, who, e);
		close(fd);
	}
	if (dir >= 0)
		close(dir);
	return ok;
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
