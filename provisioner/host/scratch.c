/* SPDX-License-Identifier: MIT
 *
 * Temporary folders, under names by which a later run finds and removes them. Never removes a
 * folder of another user or with another name.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "host/path.h"
#include "host/scratch.h"

#define PREFIX_TEXT ".prov"
static const char *const where[] = {[SCRATCH_MEMORY] = "/run", [SCRATCH_PROGRAMS] = "/var/lib"};

enum { RANDOM_CHARS = 6, LEFT_S = 3600 };

bool scratch_open(enum scratch_kind kind, char path[SCRATCH_MAX], struct err *e)
{
	snprintf(path, SCRATCH_MAX, "%s/" PREFIX_TEXT "XXXXXX", where[kind]);
	return mkdtemp(path) || err_errno(e, "cannot create a temporary folder in %s", where[kind]);
}

static bool remove_entry(
	void *ctx, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	(void)ctx;
	return unlinkat(dirfd, name, S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0) == 0 ||
	       err_errno(e, "cannot remove %s", name);
}

void scratch_close(const char *path)
{
	struct tree t = {.visit = remove_entry, .children_first = true, .one_device = true};
	struct err none = {0}; /* what remains is removed by the next run */
	if (tree_walk(path, &t, &none))
		rmdir(path);
}

void scratch_unname(struct err *e, const char *path, const char *real)
{
	struct arena *a = arena_new();
	struct err whole = {.also = e->also};
	const char *text = e->msg;
	struct buf b;
	buf_init(&b, PROC_OUTPUT);
	for (const char *at; (at = strstr(text, path)); text = at + strlen(path)) {
		buf_add(&b, text, (size_t)(at - text));
		buf_adds(&b, real);
	}
	buf_adds(&b, text);
	err_set(&whole, e->kind, "%s", buf_str(a, &b).p);
	whole.pos = e->pos;
	*e = whole;
	buf_free(&b);
	arena_free(a);
}

static bool is_scratch(int dir, const char *name, int age_s)
{
	struct stat st;
	size_t n = strlen(PREFIX_TEXT);
	return strncmp(name, PREFIX_TEXT, n) == 0 && strlen(name) == n + RANDOM_CHARS &&
	       fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid() && (int64_t)time(NULL) - st.st_mtim.tv_sec >= age_s;
}

static void clean_folder(const char *folder, int age_s)
{
	struct arena *a = arena_new();
	DIR *d = opendir(folder);
	for (struct dirent *item; d && (item = readdir(d));)
		if (is_scratch(dirfd(d), item->d_name, age_s))
			scratch_close(path_join(a, folder, item->d_name));
	if (d)
		closedir(d);
	arena_free(a);
}

void scratch_clean(void)
{
	clean_folder(where[SCRATCH_MEMORY], 0);
	/* another agent, with its own state, may be using it */
	clean_folder(where[SCRATCH_PROGRAMS], LEFT_S);
}
