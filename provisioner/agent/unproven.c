/* SPDX-License-Identifier: MIT
 *
 * Files that changed and have not proven themselves, and what they were before. Never changes a
 * file but to put back what was kept, and never follows a link there.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/session.h"
#include "agent/unproven.h"
#include "resource/look.h"

enum { RECORDS_MAX = 20000, FILE_LIMIT = 8 << 20 };

static const char *folder(const struct unproven *u, struct arena *a)
{
	return path_join(a, u->dir, "proven");
}

/* Any path makes a file name. */
static const char *copy_of(const struct unproven *u, struct arena *a, const char *path)
{
	unsigned char sha[SHA256_LEN];
	char name[SHA256_HEX];
	sha256(path, strlen(path), sha);
	hex(sha, sizeof(sha), name);
	return path_join(a, folder(u, a), name);
}

static const char *path_in(const struct value *record)
{
	return map_cstr(record, "path", NULL);
}

static bool is_of(const struct value *record, const char *handler, const char *path)
{
	const char *own = path_in(record);
	return (!handler || strcmp(map_cstr(record, "handler", ""), handler) == 0) &&
	       (!path || (own && strcmp(own, path) == 0));
}

static const struct value *find(const struct unproven *u, const char *handler, const char *path)
{
	for (size_t i = 0; i < u->list->list.n; i++)
		if (is_of(u->list->list.v[i], handler, path))
			return u->list->list.v[i];
	return NULL;
}

/* ---- the file ---- */

static bool save(const struct unproven *u, struct err *e)
{
	struct file_attr attr = {0600, (uid_t)-1, (gid_t)-1};
	const char *path = path_join(u->a, u->dir, "unproven");
	struct buf b;
	if (u->list->list.n == 0) {
		if (unlink(path) == 0 || errno == ENOENT)
			return true;
		return err_errno(e, "cannot remove %s", path);
	}
	buf_init(&b, FILE_LIMIT);
	for (size_t i = 0; i < u->list->list.n; i++) {
		json_write(&b, u->list->list.v[i]);
		buf_addc(&b, '\n');
	}
	bool ok = !b.over && u->list->list.n <= RECORDS_MAX
			  ? file_replace(path, b.p, b.n, attr, NULL, NULL, e)
			  : err_set(e, ERR_PERMANENT, "too many files wait for their handlers");
	buf_free(&b);
	return ok;
}

static bool load(struct unproven *u, struct err *e)
{
	const char *path = path_join(u->a, u->dir, "unproven");
	struct value *record;
	struct str text;
	bool found;
	u->list = value_list(u->a);
	if (!file_read_opt(u->a, path, FILE_LIMIT, &text, &found, e))
		return false;
	for (size_t at = 0; found && at < text.n;) {
		size_t n = strcspn(text.p + at, "\n");
		if (!journal_parse(u->a, str_dup(u->a, text.p + at, n), &record) ||
			!*map_cstr(record, "handler", ""))
			return err_set(e, ERR_PERMANENT,
				"%s is damaged; compare the copies in %s with the files that it "
				"names, then remove it",
				path, folder(u, u->a));
		list_add(u->a, u->list, record);
		at += n + 1;
	}
	return true;
}

/* ---- copies ---- */

/* A copy that nothing names was left by a kill between two steps of forgetting. */
static void remove_copies(const struct unproven *u)
{
	struct arena *a = arena_new();
	struct value *wanted = value_map(a);
	struct dirent *item;
	DIR *d = opendir(folder(u, a));
	for (size_t i = 0; i < u->list->list.n; i++)
		if (path_in(u->list->list.v[i]))
			map_put(a, wanted, path_base(copy_of(u, a, path_in(u->list->list.v[i]))),
				value_null(a));
	while (d && (item = readdir(d)))
		if (item->d_name[0] != '.' && !map_at(wanted, item->d_name))
			unlinkat(dirfd(d), item->d_name, 0);
	if (d)
		closedir(d);
	arena_free(a);
}

static bool keep_copy(struct unproven *u, const char *path, bool *was_there, struct err *e)
{
	struct arena *a = arena_new();
	bool ok = mkdirs(folder(u, a), 0700, e) &&
		  copy_as_it_is(a, path, copy_of(u, a, path), was_there, e);
	arena_free(a);
	return ok;
}

/* ---- records ---- */

bool unproven_forget_settled(struct unproven *u, const struct value *pending, struct err *e)
{
	struct value *all = u->list;
	u->list = value_list(u->a);
	for (size_t i = 0; i < all->list.n; i++)
		if (list_has(pending, str_c(map_cstr(all->list.v[i], "handler", ""))))
			list_add(u->a, u->list, all->list.v[i]);
	return u->list->list.n == all->list.n || save(u, e);
}

bool unproven_open(struct unproven *u, struct arena *a, const char *dir,
	const struct value *pending, struct err *e)
{
	*u = (struct unproven){.dir = dir, .a = a};
	if (!load(u, e))
		return false;
	if (!unproven_forget_settled(u, pending, e))
		return false;
	remove_copies(u);
	return true;
}

static bool add(struct unproven *u, struct value *record, struct err *e)
{
	list_add(u->a, u->list, record);
	return save(u, e);
}

bool unproven_keep(struct unproven *u, const char *handler, const char *path, struct err *e)
{
	const struct value *older = find(u, NULL, path);
	bool was_there = older && map_bool(older, "was_there", false);
	struct value *record = value_map(u->a);
	if (find(u, handler, path) || !str_utf8(str_c(path)))
		return true;
	if (!older && !keep_copy(u, path, &was_there, e))
		return err_prefix(e, "what %s was cannot be kept", path);
	map_put(u->a, record, "handler", value_text(u->a, handler));
	map_put(u->a, record, "path", value_text(u->a, path));
	map_put(u->a, record, "was_there", value_bool(u->a, was_there));
	return add(u, record, e);
}

bool unproven_is_owed(const struct unproven *u, const char *handler)
{
	for (size_t i = 0; i < u->list->list.n; i++)
		if (is_of(u->list->list.v[i], handler, NULL) && !path_in(u->list->list.v[i]))
			return true;
	return false;
}

bool unproven_owe(struct unproven *u, const char *handler, struct err *e)
{
	struct value *record = value_map(u->a);
	if (unproven_is_owed(u, handler))
		return true;
	map_put(u->a, record, "handler", value_text(u->a, handler));
	return add(u, record, e);
}

bool unproven_forget(
	struct unproven *u, const char *handler, const struct value *paths, struct err *e)
{
	struct value *left = value_list(u->a);
	for (size_t i = 0; i < u->list->list.n; i++) {
		struct value *record = u->list->list.v[i];
		const char *path = path_in(record);
		bool meant = !paths || (path && list_has(paths, str_c(path)));
		if (!meant || !is_of(record, handler, NULL))
			list_add(u->a, left, record);
	}
	if (left->list.n == u->list->list.n)
		return true;
	u->list = left;
	if (!save(u, e))
		return false;
	remove_copies(u);
	return true;
}

struct value *unproven_paths(const struct unproven *u, struct arena *a, const char *handler)
{
	struct value *paths = value_list(a);
	for (size_t i = 0; i < u->list->list.n; i++) {
		const char *path = path_in(u->list->list.v[i]);
		if (path && is_of(u->list->list.v[i], handler, NULL) &&
			!list_has(paths, str_c(path)))
			list_add(a, paths, value_text(a, path));
	}
	return paths;
}

/* ---- putting back ---- */

static bool remove_file(const char *path, struct err *e)
{
	struct stat st;
	bool found;
	if (!look(path, &st, &found, e))
		return false;
	if (!found || S_ISDIR(st.st_mode))
		return true;
	return unlink(path) == 0 || err_errno(e, "cannot remove %s", path);
}

bool unproven_restore(const struct unproven *u, const char *path, struct err *e)
{
	const struct value *record = find(u, NULL, path);
	struct arena *a = arena_new();
	const char *copy = copy_of(u, a, path);
	bool found, ok;
	if (!record || !map_bool(record, "was_there", false))
		ok = remove_file(path, e) && sync_dir_of(a, path, e);
	else
		ok = copy_as_it_is(a, copy, path, &found, e) &&
		     (found || err_set(e, ERR_PERMANENT, "the copy %s is gone", copy));
	arena_free(a);
	return ok;
}
