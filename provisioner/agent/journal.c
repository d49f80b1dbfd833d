/* SPDX-License-Identifier: MIT
 *
 * The journal of a run: a line before each change and one after it, so that the next session knows
 * how far the run came. Contains no secrets. A line is written as a whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/session.h"

enum { LINE_LIMIT = 256 << 10, TAIL = 512 << 10 };

/* fsync of the folder, so that the name of a new file is on the disk, too. */
static bool sync_folder(const char *path)
{
	struct arena *a = arena_new();
	int fd = open(path_dir(a, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	arena_free(a);
	if (fd < 0)
		return false;
	bool ok = fsync(fd) == 0 || errno == EINVAL; /* some file systems do not support it */
	close(fd);
	return ok;
}

static bool open_journal(struct journal *j, struct err *e)
{
	char last;
	if (j->fd >= 0)
		return true;
	j->fd = open(j->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->fd < 0)
		return err_errno(e, "cannot open the journal %s", j->path);
	off_t end = lseek(j->fd, 0, SEEK_END);
	if (end == 0 && !sync_folder(j->path))
		return err_errno(e, "cannot write the journal %s to disk", j->path);
	/* after a crash the last line may be incomplete: do not append to it */
	if (end > 0 && pread(j->fd, &last, 1, end - 1) == 1 && last != '\n' &&
		!write_all(j->fd, "\n", 1))
		return err_errno(e, "cannot write the journal %s", j->path);
	return true;
}

bool journal_add(struct journal *j, struct arena *a, const char *event, const struct value *fields,
	bool sync, struct err *e)
{
	struct value *line = value_map(a);
	struct buf b;
	if (!open_journal(j, e))
		return false;
	map_put(a, line, "event", value_text(a, event));
	map_put(a, line, "at", value_text(a, now_text(a)));
	for (size_t i = 0; fields && i < fields->map.n; i++)
		map_set(a, line, fields->map.e[i].key, fields->map.e[i].value);
	buf_init(&b, LINE_LIMIT);
	json_write(&b, line);
	buf_addc(&b, '\n');
	bool ok = !b.over && write_all(j->fd, b.p, b.n) && (!sync || fdatasync(j->fd) == 0);
	buf_free(&b);
	return ok ? true : err_errno(e, "cannot write the journal %s", j->path);
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

/* ---- the outcome of the last run ---- */

static const char *find_newest(struct arena *a, const char *dir, const char **run)
{
	const struct value *runs = runs_load(a, dir);
	struct stat st;
	for (size_t i = runs->list.n; i-- > 0;) {
		*run = runs->list.v[i]->s.p;
		const char *path = arena_printf(a, "%s/journal/%s.jsonl", dir, *run);
		if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
			return path;
	}
	return NULL; /* a run that was killed before its first line has no journal */
}

/* Reads the end of a file, from its first complete line. */
static bool read_tail(struct arena *a, const char *path, struct str *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	off_t end = lseek(fd, 0, SEEK_END), from = end > TAIL ? end - TAIL : 0;
	char *p = arena_alloc(a, TAIL + 1);
	ssize_t n = pread(fd, p, TAIL, from);
	close(fd);
	if (n < 0)
		return false;
	p[n] = 0;
	const char *line = from > 0 ? strchr(p, '\n') : NULL;
	*out = str_c(line ? line + 1 : p);
	return true;
}

static void take_line(const struct value *line, struct last_run *last)
{
	const char *event = map_cstr(line, "event", "");
	last->at = map_cstr(line, "at", last->at);
	if (strcmp(event, "begin") == 0) {
		const struct value *dirs = map_at(line, "dirs");
		last->status = "interrupted";
		last->step = map_cstr(line, "name", NULL);
		last->dirs = dirs && dirs->type == VALUE_LIST ? dirs : NULL;
	} else if (strcmp(event, "end") == 0) {
		last->step = map_cstr(line, "name", last->step); /* the name of a failed step */
		last->dirs = NULL;
	} else if (strcmp(event, "start") == 0) {
		last->status = "interrupted";
	} else if (strcmp(event, "done") == 0) {
		last->status = strcmp(map_cstr(line, "status", ""), "done") ? "failed" : "done";
	}
}

bool journal_last(struct arena *a, const char *dir, struct last_run *out)
{
	*out = (struct last_run){.status = "interrupted"};
	const char *path = find_newest(a, dir, &out->run);
	struct str text;
	struct value *line;
	if (!path || !read_tail(a, path, &text))
		return false;
	for (size_t at = 0; at < text.n;) {
		size_t n = strcspn(text.p + at, "\n");
		if (journal_parse(a, str_dup(a, text.p + at, n), &line))
			take_line(line, out);
		at += n + 1;
	}
	return true;
}
