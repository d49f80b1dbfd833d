/* SPDX-License-Identifier: MIT
 *
 * file, states link and hard: a link put in place by rename. Never changes the target of a link.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "resource/file_states.h"
#include "host/foresight.h"

/* ---- observe ---- */

static bool folder_is_empty(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;
	if (!dir)
		return false;
	while (n < 3 && readdir(dir))
		n++;
	closedir(dir);
	return n == 2; /* "." and ".." */
}

/* May the link replace the existing file? */
static bool place_is_free(
	struct host *h, const struct value *params, const struct file_target *t, struct err *e)
{
	if (!t->found)
		return parent_there(h, t->path, e);
	if (S_ISLNK(t->st.st_mode))
		return true;
	if (!map_bool(params, "force", false))
		return err_set(e, ERR_PERMANENT, "%s is a %s, not a link; force: true replaces it",
			t->path, file_kind(t->st.st_mode));
	if (S_ISDIR(t->st.st_mode) && !folder_is_empty(t->path))
		return err_set(e, ERR_PERMANENT,
			"%s is a directory that is not empty; a link does not replace it", t->path);
	return true;
}

/* A relative src is relative to the folder of the link. */
static bool source_there(struct host *h, const struct value *params, const struct file_target *t,
	const char *src, struct stat *st, struct err *e)
{
	const char *full = path_join(h->a, path_dir(h->a, t->path), src);
	if (stat(full, st) == 0)
		return true;
	*st = (struct stat){0};
	if (map_bool(params, "force", false) || files_pending(h))
		return true;
	return err_set(e, ERR_PERMANENT,
		"%s, the target of the link %s, does not exist; force: true creates the link "
		"anyway",
		full, t->path);
}

/* The file whose owner and mode are set: with follow (the default) the link's target, as in
 * Ansible; else the link itself. *path NULL: the target does not exist, so it has none. */
static bool attr_path(struct host *h, const struct value *params, const struct file_target *t,
	const char *src, const char **path, struct err *e)
{
	struct stat st;
	bool found;
	*path = t->path;
	if (!map_bool(params, "follow", true))
		return true;
	const char *first = path_join(h->a, path_dir(h->a, t->path), src);
	if (!path_follow(h->a, first, path, e) || !path_stat(*path, &st, &found, e))
		return false;
	if (!found)
		*path = NULL;
	return true;
}

bool link_observe(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e)
{
	const char *src = map_cstr(params, "src", NULL), *now = NULL, *path;
	struct stat st;
	bool is_link = t->found && S_ISLNK(t->st.st_mode);
	if (is_link && !(now = path_link_target(h->a, t->path, e)))
		return false;
	if (!src && !now)
		return err_set(
			e, ERR_CONFIG, "%s is not a link yet; set src to its target", t->path);
	if (src && (!place_is_free(h, params, t, e) || !source_there(h, params, t, src, &st, e)))
		return false;
	if (!t->found && t->made)
		observe_maybe(h, o, "until the steps before it have run");
	if (!is_link)
		observe_attr(h, o, "state", t->found ? file_kind(t->st.st_mode) : NULL, "link");
	if (src && (!now || strcmp(src, now) != 0))
		observe_attr(h, o, "target", now, src);
	if (!attr_path(h, params, t, src ? src : now, &path, e))
		return false;
	return !path || attr_observe(h, path, params, o, e);
}

bool hard_observe(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e)
{
	const char *src = map_cstr(params, "src", "");
	struct stat st;
	if (!source_there(h, params, t, src, &st, e))
		return false;
	if (t->found && st.st_ino == t->st.st_ino && st.st_dev == t->st.st_dev)
		return attr_observe(h, t->path, params, o, e);
	if (t->found && S_ISDIR(t->st.st_mode))
		return err_set(e, ERR_PERMANENT,
			"%s is a directory; a hard link does not replace it", t->path);
	if (t->found && !map_bool(params, "force", false))
		return err_set(e, ERR_PERMANENT,
			"%s is a different file than %s; force: true replaces it", t->path, src);
	if (!t->found && !parent_there(h, t->path, e))
		return false;
	observe_attr(h, o, "state", t->found ? file_kind(t->st.st_mode) : NULL, "hard");
	observe_attr(h, o, "target", NULL, src);
	return attr_observe(h, t->path, params, o, e);
}

/* ---- apply ---- */

static bool make_hard(
	const struct place *p, const char *src, char name[TEMPORARY_MAX], struct err *e)
{
	struct place from;
	if (!place_open(src, &from, e))
		return false;
	bool ok = place_temp_name(p, &from, name, e);
	place_close(&from);
	return ok;
}

/* An empty folder is removed (place_is_free checked it); a file is replaced by
 * the rename itself. */
static bool swap_at(const struct place *p, const char *src, const struct file_target *t, bool hard,
	struct err *e)
{
	char tmp[TEMPORARY_MAX];
	if (!(hard ? make_hard(p, src, tmp, e) : place_temp_link(p, src, tmp, e)))
		return false;
	if (!t->found || !S_ISDIR(t->st.st_mode) || unlinkat(p->dir, p->name, AT_REMOVEDIR) == 0)
		return place_swap_in(p, tmp, e);
	err_errno(e, "cannot replace the folder %s", t->path);
	unlinkat(p->dir, tmp, 0);
	return false;
}

static bool swap_in(const char *src, const struct file_target *t, bool hard, struct err *e)
{
	struct place p;
	if (!place_open(t->path, &p, e))
		return false;
	bool ok = swap_at(&p, src, t, hard, e);
	place_close(&p);
	return ok;
}

bool link_apply(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e)
{
	const char *src = map_cstr(params, "src", NULL), *path;
	if (observed_change(o, "target") &&
		(!keep_original(h, t->path, e) || !swap_in(src, t, false, e)))
		return false;
	if (!src && !(src = path_link_target(h->a, t->path, e)))
		return false;
	if (!attr_path(h, params, t, src, &path, e))
		return false;
	return !path || attr_apply(h, path, params, e);
}

/* Follows links in src that are trusted, never one that another user swaps in: otherwise a user's
 * folder could get a second name of root's file, and with it that user as its owner. */
bool hard_apply(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e)
{
	const char *src = path_join(h->a, path_dir(h->a, t->path), map_cstr(params, "src", ""));
	if (observed_change(o, "target") &&
		(!path_follow(h->a, src, &src, e) || !keep_original(h, t->path, e) ||
			!swap_in(src, t, true, e)))
		return false;
	return attr_apply(h, t->path, params, e);
}
