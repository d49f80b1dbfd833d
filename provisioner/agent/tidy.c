/* SPDX-License-Identifier: MIT
 *
 * Tidies up before a run: the files of old runs, and the temporaries of a run that was killed.
 * Removes nothing but names that the agent itself makes, and never follows a link.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/session.h"

enum { JOURNALS_KEPT = 20, ORIGINALS_KEPT = 5, RUNS_MAX = 4096, TREE_FDS = 8 };

struct entry {
	const char *path;
	struct timespec at;
};

static int newest_first(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	if (a->at.tv_sec != b->at.tv_sec)
		return a->at.tv_sec < b->at.tv_sec ? 1 : -1;
	if (a->at.tv_nsec != b->at.tv_nsec)
		return a->at.tv_nsec < b->at.tv_nsec ? 1 : -1;
	return strcmp(a->path, b->path);
}

static size_t list_runs(struct arena *a, const char *dir, struct entry **out)
{
	DIR *d = opendir(dir);
	struct dirent *item;
	struct stat st;
	size_t n = 0;
	*out = ARENA_ARRAY(a, struct entry, RUNS_MAX);
	while (d && n < RUNS_MAX && (item = readdir(d))) {
		const char *path = path_join(a, dir, item->d_name);
		if (item->d_name[0] != '.' && lstat(path, &st) == 0)
			(*out)[n++] = (struct entry){path, st.st_mtim};
	}
	if (d)
		closedir(d);
	qsort(*out, n, sizeof(**out), newest_first);
	return n;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void keep_newest(struct arena *a, const char *dir, size_t keep)
{
	struct entry *runs;
	size_t n = list_runs(a, dir, &runs);
	for (size_t i = keep; i < n; i++)
		nftw(runs[i].path, remove_one, TREE_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* ".provision-" and six characters, as file_replace names its temporaries. */
static bool is_temporary(const char *name)
{
	static const char prefix[] = ".provision-";
	size_t n = sizeof(prefix) - 1;
	return strncmp(name, prefix, n) == 0 && strlen(name) == n + 6;
}

static void remove_temporaries(const char *dir)
{
	struct dirent *item;
	struct stat st;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !d)
		close(fd);
	while (d && (item = readdir(d)))
		if (is_temporary(item->d_name) &&
			fstatat(fd, item->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode))
			unlinkat(fd, item->d_name, 0);
	if (d)
		closedir(d);
}

void state_clean(struct state *st, struct arena *a)
{
	struct last_run last;
	if (journal_last(a, st->dir, &last) && last.dirs)
		for (size_t i = 0; i < last.dirs->list.n; i++)
			remove_temporaries(last.dirs->list.v[i]->s.p);
	remove_temporaries(st->dir);
}

void state_prune(struct state *st, struct arena *a)
{
	keep_newest(a, path_join(a, st->dir, "journal"), JOURNALS_KEPT - 1);
	keep_newest(a, path_join(a, st->dir, "originals"), ORIGINALS_KEPT - 1);
}
