/* SPDX-License-Identifier: MIT
 *
 * A text file edited in place, for lineinfile, blockinfile and replace, which do the edit itself.
 * Never creates a file unless `create` says so.
 */
#include "host/foresight.h"
#include "host/path.h"
#include "resource/package.h"
#include "resource/text_edit.h"

#define BROUGHT_BACK "file" /* name of the change for the file itself */

const struct field text_returns[] = {
	RESULT_FILE_FIELDS,
	BACKUP_RESULT_FIELD,
	{.name = NULL},
};

static bool target_path(
	struct host *h, const struct value *params, const char **path, struct err *e)
{
	return path_follow(h->a, clean_path(h->a, map_cstr(params, "path", "")), path, e);
}

/* A missing file: created by us, restored by its package, created by an earlier step, or an error.
 * *go: there is something to edit. */
static bool handle_missing(struct host *h, const struct value *params, const char *path,
	struct observation *o, bool *go, struct err *e)
{
	*go = false;
	if (strcmp(map_cstr(params, "state", "present"), "absent") == 0)
		return true;
	*go = map_bool(params, "create", false);
	const char *dir = path_dir(h->a, path);
	if (*go && !path_is_dir(dir))
		observe_attr(h, o, "folder", NULL, dir);
	if (*go)
		return true;
	const char *package = package_of_conffile(h, path);
	if (package)
		observe_attr(h, o, BROUGHT_BACK, NULL,
			arena_printf(h->a, "as the package %s has it", package));
	else if (!files_pending(h))
		return err_set(
			e, ERR_PERMANENT, "%s does not exist; create: true would create it", path);
	if (!package)
		observe_maybe(h, o, "until the step that makes the file has run");
	observe_run(h, o, "content",
		package ? "edit that file" : "edit the file that an earlier step creates");
	return attr_observe(h, path, params, o, e);
}

bool text_observe(struct host *h, const struct value *params, text_edit_fn *edit, void *ctx,
	struct observation *o, struct err *e)
{
	const char *path;
	struct str before, after;
	bool found, go = true;
	if (!target_path(h, params, &path, e) ||
		!path_read(h->a, path, EDIT_MAX, &before, &found, e))
		return false;
	result_file(h, path, o);
	bool known;
	const struct value *then = foreseen_text(h, path, &known);
	if (!known) {
		observe_maybe(h, o, "until the step that writes the file has run");
		observe_run(h, o, "content", "edit the text that an earlier step writes");
		return attr_observe(h, path, params, o, e);
	}
	if (then)
		before = then->s;
	found = then || (found && foreseen(h, path) != FORESEEN_REMOVED);
	if (!found && (!handle_missing(h, params, path, o, &go, e) || !go))
		return e->kind == ERR_NONE;
	if (!edit(ctx, h->a, before, &after, e))
		return err_prefix(e, "%s", path);
	if (!found || !str_eq(before, after))
		observe_content(h, o, found ? &before : NULL, after, value_has_secret(params));
	return attr_observe(h, path, params, o, e);
}

void text_foresee(const struct value *params, const struct observation *o, struct foresight *f)
{
	const char *path = map_cstr(o->result, "path", map_cstr(params, "path", ""));
	const struct value *text = observed_after(o, "content");
	bool maybe = observed_change(o, "unknown");
	if (!text)
		return;
	foresee_made(f, path);
	foresee_text(f, path, !maybe && text->type == VALUE_STR ? text : NULL);
}

/* What to edit in the file is known only after its restore. */
static bool bring_back(
	struct host *h, const struct value *params, text_observe_fn *observe, struct err *e)
{
	const char *path;
	struct observation o;
	if (!target_path(h, params, &path, e))
		return false;
	const char *package = package_of_conffile(h, path);
	observation_init(h, &o);
	return (!package || package_bring_back(h, package, path, e)) && observe(h, params, &o, e) &&
	       text_apply(h, params, observe, &o, e);
}

bool text_apply(struct host *h, const struct value *params, text_observe_fn *observe,
	struct observation *o, struct err *e)
{
	const char *path;
	struct stat st;
	bool found;
	if (o->changes->list.n == 0)
		return true;
	if (!target_path(h, params, &path, e) || !path_stat(path, &st, &found, e))
		return false;
	if (!found && observed_change(o, BROUGHT_BACK))
		return bring_back(h, params, observe, e);
	if (observed_change(o, "folder") && !mkdirs(path_dir(h->a, path), 0755, e))
		return false;
	if (!apply_content(h, path, params, o, e))
		return false;
	result_file(h, path, o);
	return true;
}
