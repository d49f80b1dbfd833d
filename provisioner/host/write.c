/* SPDX-License-Identifier: MIT
 *
 * Writes files for a resource type: keeps the original, validates the new content, replaces the
 * file as a whole. Never writes into an existing file.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>
#include "host/path.h"
#include "host/scratch.h"

enum { NEW_FILE_MODE = 0644, KEPT_NAME_HEAD = 120 };

/* ---- originals ---- */

/* "/etc/a%b" -> "%2Fetc%2Fa%25b"; a name too long for a file name ends in the path's digest. */
static const char *kept_name(struct arena *a, const char *path)
{
	struct buf b;
	buf_init(&b, 3 * strlen(path) + 1);
	for (const char *p = path; *p; p++) {
		if (*p == '/' || *p == '%')
			buf_addf(&b, "%%%02X", (unsigned char)*p);
		else
			buf_addc(&b, *p);
	}
	const char *name = buf_str(a, &b).p;
	buf_free(&b);
	if (strlen(name) <= NAME_MAX)
		return name;
	unsigned char sha[SHA256_LEN];
	char text[SHA256_HEX];
	sha256(path, strlen(path), sha);
	hex(sha, sizeof(sha), text);
	return arena_printf(a, "%.*s-%s", KEPT_NAME_HEAD, name, text);
}

/* A copy with the same content, owner, mode and access rights. */
static bool copy_whole(
	struct arena *a, const char *from, const struct stat *st, const char *to, struct err *e)
{
	struct str bytes;
	bool found;
	struct file_attr attr = {st->st_mode & 07777, st->st_uid, st->st_gid};
	if (!path_read(a, from, FILE_MAX, &bytes, &found, e))
		return false;
	return !found || file_replace_like(to, bytes.p, bytes.n, attr, from, e);
}

/* Replaces the existing file by a rename. */
static bool swap_link(struct arena *a, const char *from, const char *to, struct err *e)
{
	char *target = path_link_target(a, from, e), tmp[TEMPORARY_MAX];
	struct place p;
	if (!target || !place_open(to, &p, e))
		return false;
	bool ok = place_temp_link(&p, target, tmp, e) && place_swap_in(&p, tmp, e);
	place_close(&p);
	return ok;
}

bool set_times(const char *path, const struct timespec times[2], struct err *e)
{
	struct place p;
	if (!place_open(path, &p, e))
		return false;
	bool ok = place_set_times(&p, times, e);
	place_close(&p);
	return ok;
}

bool copy_as_it_is(struct arena *a, const char *from, const char *to, bool *found, struct err *e)
{
	struct stat st, there;
	bool taken;
	if (!path_stat(from, &st, found, e) || !path_stat(to, &there, &taken, e))
		return false;
	*found = *found && (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode));
	if (!*found)
		return true;
	if (S_ISLNK(st.st_mode))
		return swap_link(a, from, to, e);
	struct timespec times[2] = {st.st_atim, st.st_mtim};
	return copy_whole(a, from, &st, to, e) && set_times(to, times, e);
}

static bool copy_link(struct arena *a, const char *from, const char *to, struct err *e)
{
	char *target = path_link_target(a, from, e);
	if (!target)
		return false;
	if (symlink(target, to) < 0 && errno != EEXIST) /* `to` is in a folder of our own */
		return err_errno(e, "cannot keep the original of %s at %s", from, to);
	return true;
}

bool keep_for_undo(struct host *h, const char *path, struct err *e)
{
	return !h->keep || h->keep(h->ctx, path, e);
}

static bool keep_by_name(const char *path, const char *to, struct err *e)
{
	struct place p;
	if (!place_open(path, &p, e))
		return false;
	bool ok = linkat(p.dir, p.name, AT_FDCWD, to, 0) == 0 || errno == EEXIST ||
		  err_errno(e, "cannot keep the original of %s at %s", path, to);
	place_close(&p);
	return ok;
}

bool keep_original(struct host *h, const char *path, struct err *e)
{
	struct stat st, kept;
	bool found;
	if (!keep_for_undo(h, path, e))
		return false;
	if (!h->originals)
		return true;
	if (!path_stat(path, &st, &found, e))
		return false;
	if (!found || !(S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)))
		return true;
	if (!mkdirs(h->originals, 0700, e))
		return false;
	const char *to = path_join(h->a, h->originals, kept_name(h->a, path));
	if (lstat(to, &kept) == 0)
		return true;
	if (S_ISLNK(st.st_mode))
		return copy_link(h->a, path, to, e);
	/* A copy, not a hard link: Postfix sees by the link count of an open table that it was
	 * replaced. Only a file that is too large to copy is kept as a link. */
	if (st.st_size <= FILE_MAX)
		return copy_whole(h->a, path, &st, to, e);
	return keep_by_name(path, to, e);
}

bool remove_name(const char *path, bool folder, struct err *e)
{
	struct place p;
	bool there;
	if (!place_find(path, &p, &there, e) || !there)
		return e->kind == ERR_NONE;
	bool ok = unlinkat(p.dir, p.name, folder ? AT_REMOVEDIR : 0) == 0 || errno == ENOENT ||
		  err_errno(e, "cannot remove %s", path);
	ok = ok && place_sync(&p, e);
	place_close(&p);
	return ok;
}

bool remove_file(struct host *h, const char *path, struct err *e)
{
	return keep_original(h, path, e) && remove_name(path, false, e);
}

/* Ansible's backup name, numbered when an earlier step of the same second has used it. */
static const char *backup_name(struct arena *a, const char *path)
{
	struct stat st;
	struct tm tm;
	char stamp[32];
	time_t now = time(NULL);
	localtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%d@%H:%M:%S", &tm);
	const char *head = arena_printf(a, "%s.%ld.%s", path, (long)getpid(), stamp);
	const char *name = arena_printf(a, "%s~", head);
	for (int i = 2; lstat(name, &st) == 0; i++)
		name = arena_printf(a, "%s.%d~", head, i);
	return name;
}

bool write_backup(struct host *h, const char *path, struct observation *o, struct err *e)
{
	struct stat st;
	bool found;
	if (!path_stat(path, &st, &found, e))
		return false;
	if (!found || !S_ISREG(st.st_mode))
		return true;
	const char *to = backup_name(h->a, path);
	if (!copy_whole(h->a, path, &st, to, e))
		return false;
	map_put(h->a, o->result, "backup_file", value_text(h->a, to));
	return true;
}

/* ---- content ---- */

struct validation {
	struct host *h;
	const char *path, *text; /* of the file; the command */
	struct str content;
	struct file_attr attr;
};

static const char *with_path(struct arena *a, const char *word, const char *path)
{
	const char *at = strstr(word, "%s");
	if (!at)
		return word;
	return arena_printf(a, "%.*s%s%s", (int)(at - word), word, path, at + 2);
}

static bool validate_file(struct validation *v, const char *path, struct err *e)
{
	const char **argv;
	if (!split_words(v->h->a, str_c(v->text), &argv, e))
		return err_prefix(e, "validate");
	if (!argv[0])
		return err_set(e, ERR_CONFIG, "validate is empty");
	for (size_t i = 0; argv[i]; i++)
		argv[i] = with_path(v->h->a, argv[i], path);
	if (run_users_program(v->h, argv, e))
		return true;
	scratch_unname(e, path, v->path);
	return err_prefix(e, "the new content failed its validation; nothing was changed");
}

/* A command run by root reads a copy in root's own folder: whoever owns the file's folder could
 * replace the temporary file there. */
static bool run_validation(void *ctx, const char *tmp, struct err *e)
{
	struct validation *v = ctx;
	char folder[SCRATCH_MAX];
	if (geteuid() != 0)
		return validate_file(v, tmp, e);
	if (!scratch_open(SCRATCH_PROGRAMS, folder, e))
		return false;
	const char *copy = path_join(v->h->a, folder, path_base(v->path));
	bool ok = file_replace(copy, v->content.p, v->content.n, v->attr, e) &&
		  validate_file(v, copy, e);
	scratch_close(folder);
	return ok;
}

static bool write_valid(
	struct validation *v, const struct value *params, mode_t dflt_mode, struct err *e)
{
	if (!attr_for_write(v->h, v->path, params, dflt_mode, &v->attr, e) ||
		!keep_original(v->h, v->path, e))
		return false;
	return file_replace_valid(
		v->path, v->content, v->attr, v->text ? run_validation : NULL, v, e);
}

bool write_file(struct host *h, const char *path, struct str content, const struct value *params,
	mode_t dflt_mode, struct err *e)
{
	struct validation v = {.h = h, .path = path, .content = content};
	return write_valid(&v, params, dflt_mode, e);
}

void observe_content(struct host *h, struct observation *o, const struct str *before,
	struct str after, bool secret)
{
	struct value *was = before ? value_str(h->a, *before) : NULL;
	bool text = !secret && after.n <= TEXT_MAX && str_utf8(after);
	struct value *now = text ? value_str(h->a, after) : value_blob(h->a, after);
	now->literal = true;
	now->secret = secret;
	observe_text(h, o, "content", was, now);
}

/* The new content of a change; it is a bug of the sender if the bytes of a blob are missing. */
static bool content_bytes(const struct value *after, struct str *out, struct err *e)
{
	if (after->type == VALUE_STR)
		*out = after->s;
	else if (after->type == VALUE_BLOB && (after->blob.bytes.p || after->blob.size == 0))
		*out = after->blob.bytes.p ? after->blob.bytes : str_c("");
	else
		return err_set(
			e, ERR_PERMANENT, "internal error: the new content is not in the plan");
	return true;
}

bool apply_content(struct host *h, const char *path, const struct value *params,
	struct observation *o, struct err *e)
{
	const struct value *after = observed_after(o, "content");
	struct validation v = {.h = h, .path = path, .text = map_cstr(params, "validate", NULL)};
	if (after) {
		if (!content_bytes(after, &v.content, e))
			return false;
		if (map_bool(params, "backup", false) && !write_backup(h, path, o, e))
			return false;
		if (!write_valid(&v, params, NEW_FILE_MODE, e))
			return false;
	}
	return attr_apply(h, path, params, e);
}
