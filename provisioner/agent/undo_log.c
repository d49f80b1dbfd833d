/* SPDX-License-Identifier: MIT
 *
 * The undo log: files that changed and are not verified yet, and their content before. Writes to
 * files only to restore them, and never follows a link there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/session.h"
#include "agent/undo_log.h"
#include "host/path.h"

enum { RECORDS_MAX = 20000, FILE_LIMIT = 8 << 20 };

static const char *copies_folder(const struct undo_log *u, struct arena *a)
{
	return path_join(a, u->dir, "undo.d");
}

/* The name of a path's copy: its SHA-256. */
static const char *copy_of(const struct undo_log *u, struct arena *a, const char *path)
{
	unsigned char sha[SHA256_LEN];
	char name[SHA256_HEX];
	sha256(path, strlen(path), sha);
	hex(sha, sizeof(sha), name);
	return path_join(a, copies_folder(u, a), name);
}

static const char *path_in(const struct value *record)
{
	return map_cstr(record, "path", NULL);
}

static bool is_of(const struct value *record, const char *handler)
{
	return !handler || strcmp(map_cstr(record, "handler", ""), handler) == 0;
}

/* ---- lookup ---- */

static const char *key_of(struct arena *a, const char *handler, const char *path)
{
	return arena_printf(a, "%zu:%s%s", strlen(handler), handler, path ? path : "");
}

static void note_record(struct undo_log *u, struct value *record)
{
	const char *path = path_in(record), *handler = map_cstr(record, "handler", "");
	map_put(u->a, u->known, key_of(u->a, handler, path), record);
	if (path && !map_at(u->paths, path))
		map_put(u->a, u->paths, path, record);
}

static void keep_only(struct undo_log *u, struct value *list)
{
	u->list = list;
	u->paths = value_map(u->a);
	u->known = value_map(u->a);
	for (size_t i = 0; i < list->list.n; i++)
		note_record(u, list->list.v[i]);
}

static bool is_known(const struct undo_log *u, const char *handler, const char *path)
{
	struct arena *a = arena_new();
	bool known = map_at(u->known, key_of(a, handler, path));
	arena_free(a);
	return known;
}

/* ---- the log file ---- */

static const char *records_path(const struct undo_log *u)
{
	return path_join(u->a, u->dir, "undo");
}

static void print_record(struct buf *b, const struct value *record)
{
	json_write(b, record);
	buf_addc(b, '\n');
}

/* Rewrites the file without discarded lines. */
static bool save_records(struct undo_log *u, struct err *e)
{
	struct file_attr attr = {0600, (uid_t)-1, (gid_t)-1};
	const char *path = records_path(u);
	struct buf b;
	buf_init(&b, FILE_LIMIT);
	for (size_t i = 0; i < u->list->list.n; i++)
		print_record(&b, u->list->list.v[i]);
	bool ok = u->list->list.n ? file_replace(path, b.p, b.n, attr, e)
				  : unlink(path) == 0 || errno == ENOENT ||
					    err_errno(e, "cannot remove %s", path);
	if (ok) {
		u->size = b.n;
		u->torn = false;
	}
	buf_free(&b);
	return ok;
}

/* fsync of the folder, so that the name of a new file is on the disk, too. */
static bool sync_folder_of(const char *path, struct err *e)
{
	struct place p;
	if (!place_open(path, &p, e))
		return false;
	bool ok = place_sync(&p, e);
	place_close(&p);
	return ok;
}

/* Appends one line; first cuts off an incomplete last line. */
static bool append_line(struct undo_log *u, const struct buf *b, struct err *e)
{
	const char *path = records_path(u);
	if (u->torn && !save_records(u, e))
		return false;
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(e, "cannot open %s", path);
	bool ok = write_all(fd, b->p, b->n) && fdatasync(fd) == 0;
	if (!ok)
		err_errno(e, "cannot write %s", path);
	close(fd);
	u->torn = !ok;
	if (ok && u->size == 0)
		ok = sync_folder_of(path, e);
	u->size += b->n;
	return ok;
}

static bool add_record(struct undo_log *u, struct value *record, struct err *e)
{
	struct buf b;
	buf_init(&b, FILE_LIMIT);
	print_record(&b, record);
	bool many = b.over || b.n > FILE_LIMIT - u->size || u->list->list.n >= RECORDS_MAX;
	bool ok = many ? err_set(e, ERR_PERMANENT,
				 "too many files are not verified by their handlers yet")
		       : append_line(u, &b, e);
	buf_free(&b);
	if (ok) {
		list_add(u->a, u->list, record);
		note_record(u, record);
	}
	return ok;
}

/* Appends the complete lines of `path` to `list`; *size: bytes of the file. */
static bool load_file(
	struct undo_log *u, const char *path, struct value *list, size_t *size, struct err *e)
{
	const char *end;
	struct value *record;
	struct str text = {0};
	bool found;
	if (!file_read_opt(u->a, path, FILE_LIMIT, &text, &found, e))
		return false;
	for (size_t at = 0; found && at < text.n; at = (size_t)(end - text.p) + 1) {
		end = memchr(text.p + at, '\n', text.n - at);
		u->torn = !end;
		if (!end)
			break;
		size_t n = (size_t)(end - text.p) - at;
		if (!journal_parse(u->a, str_dup(u->a, text.p + at, n), &record) ||
			!*map_cstr(record, "handler", ""))
			return err_set(e, ERR_PERMANENT,
				"%s is damaged; compare the copies in %s with the files that it "
				"names, then remove it",
				path, copies_folder(u, u->a));
		list_add(u->a, list, record);
	}
	*size = text.n;
	return true;
}

/* Moves the copies of the old format first: each record needs its copy. An existing copy is older
 * and stays. */
static bool take_over_copies(const struct undo_log *u, const char *old, struct err *e)
{
	struct dirent *item;
	DIR *d = opendir(old);
	if (!d)
		return errno == ENOENT || err_errno(e, "cannot read %s", old);
	bool ok = mkdirs(copies_folder(u, u->a), 0700, e);
	while (ok && (item = readdir(d))) {
		if (item->d_name[0] == '.')
			continue;
		const char *from = path_join(u->a, old, item->d_name);
		const char *to = path_join(u->a, copies_folder(u, u->a), item->d_name);
		ok = link(from, to) == 0 || errno == EEXIST ||
		     err_errno(e, "cannot make %s from %s", to, from);
		if (ok)
			unlink(from);
	}
	closedir(d);
	return ok && (rmdir(old) == 0 || err_errno(e, "cannot remove %s", old));
}

/* Converts the files of earlier versions. If killed, the next run continues. */
static bool take_over(struct undo_log *u, struct value *list, struct err *e)
{
	const char *old = path_join(u->a, u->dir, "unproven");
	struct stat st;
	size_t size, before = list->list.n;
	bool torn = u->torn;
	if (!take_over_copies(u, path_join(u->a, u->dir, "proven"), e))
		return false;
	if (lstat(old, &st) < 0)
		return errno == ENOENT || err_errno(e, "cannot look at %s", old);
	if (!load_file(u, old, list, &size, e))
		return false;
	u->torn = torn; /* an incomplete line in the old file does not matter */
	keep_only(u, list);
	if (list->list.n > before && !save_records(u, e))
		return false;
	return unlink(old) == 0 || err_errno(e, "cannot remove %s", old);
}

static bool load_records(struct undo_log *u, struct err *e)
{
	struct value *list = value_list(u->a);
	if (!load_file(u, records_path(u), list, &u->size, e))
		return false;
	keep_only(u, list);
	return take_over(u, list, e);
}

/* ---- copies ---- */

/* Removes copies without a record, left by a kill between the two steps of discarding. */
static void remove_copies(const struct undo_log *u)
{
	struct arena *a = arena_new();
	struct value *wanted = value_map(a);
	struct dirent *item;
	remove_temporaries(copies_folder(u, a));
	DIR *d = opendir(copies_folder(u, a));
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

static bool keep_copy(struct undo_log *u, const char *path, bool *was_there, struct err *e)
{
	struct arena *a = arena_new();
	bool ok = mkdirs(copies_folder(u, a), 0700, e) &&
		  copy_as_it_is(a, path, copy_of(u, a, path), was_there, e);
	arena_free(a);
	return ok;
}

/* ---- records ---- */

/* Adds handlers that are not pending, but share a file with a counted one. */
static bool count_sharers(const struct undo_log *u, struct arena *a, struct value *counted)
{
	struct value *paths = value_map(a);
	bool more = false;
	for (size_t i = 0; i < u->list->list.n; i++) {
		const char *path = path_in(u->list->list.v[i]);
		if (path && map_at(counted, map_cstr(u->list->list.v[i], "handler", "")))
			map_put(a, paths, path, value_null(a));
	}
	for (size_t i = 0; i < u->list->list.n; i++) {
		const char *path = path_in(u->list->list.v[i]);
		const char *handler = map_cstr(u->list->list.v[i], "handler", "");
		if (!path || map_at(counted, handler) || !map_at(paths, path))
			continue;
		map_put(a, counted, handler, value_null(a));
		more = true;
	}
	return more;
}

static bool forget_others(struct undo_log *u, struct value *left, struct err *e)
{
	if (left->list.n == u->list->list.n)
		return true;
	keep_only(u, left);
	if (!save_records(u, e))
		return false;
	remove_copies(u);
	return true;
}

static struct value *set_of(struct arena *a, const struct value *texts)
{
	struct value *set = value_map(a);
	for (size_t i = 0; i < texts->list.n; i++)
		map_set(a, set, texts->list.v[i]->s, texts->list.v[i]);
	return set;
}

bool undo_discard_verified(struct undo_log *u, const struct value *pending, struct err *e)
{
	struct value *left = value_list(u->a), *due = set_of(u->a, pending);
	struct value *counted = set_of(u->a, pending);
	while (count_sharers(u, u->a, counted))
		;
	for (size_t i = 0; i < u->list->list.n; i++) {
		struct value *record = u->list->list.v[i];
		const char *handler = map_cstr(record, "handler", "");
		if (map_at(path_in(record) ? counted : due, handler))
			list_add(u->a, left, record);
	}
	return forget_others(u, left, e);
}

/* A kill during a rollback leaves temporary files beside the files. */
static void clean_beside(const struct undo_log *u)
{
	struct arena *a = arena_new();
	struct value *folders = value_map(a);
	for (size_t i = 0; i < u->list->list.n; i++)
		if (path_in(u->list->list.v[i]))
			map_put(a, folders, path_dir(a, path_in(u->list->list.v[i])),
				value_null(a));
	for (size_t i = 0; i < folders->map.n; i++)
		remove_temporaries(folders->map.e[i].key.p);
	arena_free(a);
}

bool undo_open(struct undo_log *u, struct arena *a, const char *dir, const struct value *pending,
	struct err *e)
{
	*u = (struct undo_log){.dir = dir, .a = a};
	if (!load_records(u, e))
		return false;
	clean_beside(u);
	if (!undo_discard_verified(u, pending, e) || (u->torn && !save_records(u, e)))
		return false;
	remove_copies(u);
	return true;
}

bool undo_record(struct undo_log *u, const char *handler, const char *path, struct err *e)
{
	const struct value *older = map_at(u->paths, path);
	bool was_there = older && map_bool(older, "was_there", false);
	struct value *record = value_map(u->a);
	if (is_known(u, handler, path) || !str_utf8(str_c(path)))
		return true;
	if (!older && !keep_copy(u, path, &was_there, e))
		return err_prefix(e, "cannot keep the original of %s", path);
	map_put(u->a, record, "handler", value_text(u->a, handler));
	map_put(u->a, record, "path", value_text(u->a, path));
	map_put(u->a, record, "was_there", value_bool(u->a, was_there));
	return add_record(u, record, e);
}

bool undo_has_handler(const struct undo_log *u, const char *handler)
{
	return is_known(u, handler, NULL);
}

bool undo_record_handler(struct undo_log *u, const char *handler, struct err *e)
{
	struct value *record = value_map(u->a);
	if (undo_has_handler(u, handler))
		return true;
	map_put(u->a, record, "handler", value_text(u->a, handler));
	return add_record(u, record, e);
}

bool undo_discard(struct undo_log *u, const struct value *paths, struct err *e)
{
	struct value *left = value_list(u->a), *meant = set_of(u->a, paths);
	for (size_t i = 0; i < u->list->list.n; i++) {
		const char *path = path_in(u->list->list.v[i]);
		if (!path || !map_at(meant, path))
			list_add(u->a, left, u->list->list.v[i]);
	}
	return forget_others(u, left, e);
}

struct value *undo_paths(const struct undo_log *u, struct arena *a, const char *handler)
{
	struct value *paths = value_list(a), *seen = value_map(a);
	for (size_t i = 0; i < u->list->list.n; i++) {
		const char *path = path_in(u->list->list.v[i]);
		if (!path || !is_of(u->list->list.v[i], handler) || map_at(seen, path))
			continue;
		list_add(a, paths, value_text(a, path));
		map_put(a, seen, path, value_null(a));
	}
	return paths;
}

/* ---- restoring ---- */

static bool remove_again(const char *path, struct err *e)
{
	struct stat st;
	bool found;
	if (!path_stat(path, &st, &found, e))
		return false;
	if (!found || S_ISDIR(st.st_mode))
		return true;
	return remove_name(path, false, e);
}

bool undo_restore(const struct undo_log *u, const char *path, struct err *e)
{
	const struct value *record = map_at(u->paths, path);
	struct arena *a = arena_new();
	const char *copy = copy_of(u, a, path);
	bool found, ok;
	if (!record || !map_bool(record, "was_there", false))
		ok = remove_again(path, e);
	else
		ok = copy_as_it_is(a, copy, path, &found, e) &&
		     (found || err_set(e, ERR_PERMANENT, "the copy %s is gone", copy));
	arena_free(a);
	return ok;
}
