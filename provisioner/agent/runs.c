/* SPDX-License-Identifier: MIT
 *
 * The order of the runs on this host: a file with one name per line, the latest last. Only this
 * list gives the order, since the clock may be set back. Removes only what the agent created for a
 * run.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/session.h"

enum {
	JOURNALS_KEPT = 20,
	ORIGINALS_KEPT = 5,
	FOUND_MAX = 4096,
	TREE_FDS = 8,
	LIST_MAX = 64 << 10,
};

#define JOURNAL_END ".jsonl"

static const char *list_path(struct arena *a, const char *dir)
{
	return path_join(a, dir, "runs");
}

/* ---- journals of an older version, which had no list ---- */

struct found {
	const char *run;
	struct timespec at;
};

static int oldest_first(const void *x, const void *y)
{
	const struct found *a = x, *b = y;
	if (a->at.tv_sec != b->at.tv_sec)
		return a->at.tv_sec < b->at.tv_sec ? -1 : 1;
	if (a->at.tv_nsec != b->at.tv_nsec)
		return a->at.tv_nsec < b->at.tv_nsec ? -1 : 1;
	return strcmp(a->run, b->run);
}

static struct value *by_time(struct arena *a, const char *dir)
{
	struct found *v = ARENA_ARRAY(a, struct found, FOUND_MAX);
	struct value *list = value_list(a);
	struct dirent *item;
	struct stat st;
	size_t n = 0;
	DIR *d = opendir(path_join(a, dir, "journal"));
	while (d && n < FOUND_MAX && (item = readdir(d))) {
		struct str name = str_c(item->d_name);
		if (!str_ends(name, JOURNAL_END) ||
			fstatat(dirfd(d), item->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(st.st_mode))
			continue;
		const char *run = str_dup(a, name.p, name.n - strlen(JOURNAL_END)).p;
		v[n++] = (struct found){run, st.st_mtim};
	}
	if (d)
		closedir(d);
	qsort(v, n, sizeof(*v), oldest_first);
	for (size_t i = 0; i < n; i++)
		list_add(a, list, value_text(a, v[i].run));
	return list;
}

/* ---- the list ---- */

struct value *runs_load(struct arena *a, const char *dir)
{
	struct value *list = value_list(a);
	struct str text;
	struct err none = {0};
	bool found;
	/* an unreadable list is replaced by the journals' names in order of time */
	if (!file_read_opt(a, list_path(a, dir), LIST_MAX, &text, &found, &none) || !found)
		return by_time(a, dir);
	for (const char *p = text.p, *end; (end = strchr(p, '\n')); p = end + 1)
		if (end > p && *p != '.' && !memchr(p, '/', (size_t)(end - p)))
			list_add(a, list, value_str(a, str_dup(a, p, (size_t)(end - p))));
	return list;
}

static struct value *with_last(struct arena *a, const struct value *before, const char *run)
{
	struct value *others = value_list(a), *list = value_list(a);
	for (size_t i = 0; i < before->list.n; i++)
		if (!str_is(before->list.v[i]->s, run))
			list_add(a, others, before->list.v[i]);
	size_t n = others->list.n;
	for (size_t i = n >= JOURNALS_KEPT ? n - JOURNALS_KEPT + 1 : 0; i < n; i++)
		list_add(a, list, others->list.v[i]);
	list_add(a, list, value_text(a, run));
	return list;
}

static bool save_list(struct arena *a, const char *dir, const struct value *list, struct err *e)
{
	struct file_attr attr = {0600, (uid_t)-1, (gid_t)-1};
	struct buf b;
	buf_init(&b, LIST_MAX);
	for (size_t i = 0; i < list->list.n; i++)
		buf_addf(&b, "%s\n", list->list.v[i]->s.p);
	bool ok = file_replace(list_path(a, dir), b.p, b.n, attr, e);
	buf_free(&b);
	return ok;
}

/* ---- removing the oldest runs ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static bool among_last(const struct value *list, size_t most, struct str name)
{
	size_t n = list->list.n;
	for (size_t i = n > most ? n - most : 0; i < n; i++)
		if (str_eq(list->list.v[i]->s, name))
			return true;
	return false;
}

static void keep_last(
	struct arena *a, const char *dir, const char *ending, const struct value *list, size_t most)
{
	DIR *d = opendir(dir);
	struct dirent *item;
	while (d && (item = readdir(d))) {
		struct str name = str_c(item->d_name);
		if (str_ends(name, ending))
			name.n -= strlen(ending);
		if (name.p[0] != '.' && !among_last(list, most, name))
			nftw(path_join(a, dir, item->d_name), remove_one, TREE_FDS,
				FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	}
	if (d)
		closedir(d);
}

bool runs_begin(struct arena *a, const char *dir, const char *run, struct err *e)
{
	struct value *list = with_last(a, runs_load(a, dir), run);
	if (!save_list(a, dir, list, e))
		return false;
	keep_last(a, path_join(a, dir, "journal"), JOURNAL_END, list, JOURNALS_KEPT);
	keep_last(a, path_join(a, dir, "originals"), "", list, ORIGINALS_KEPT);
	return true;
}
