/* SPDX-License-Identifier: MIT
 *
 * file, state absent: removes a file, a link, or a folder with its content. Never follows a link
 * and never enters another file system. A removed file is kept among the originals; a folder is
 * not.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "resource/file_states.h"
#include "host/foresight.h"

static bool count_visit(
	void *ctx, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	(void)dirfd;
	(void)name;
	(void)st;
	(void)e;
	++*(size_t *)ctx;
	return true;
}

bool absent_observe(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e)
{
	size_t n = 0;
	struct tree tree = {.visit = count_visit, .ctx = &n, .one_device = true};
	(void)params;
	if (t->made)
		observe_attr(h, o, "state", "made by an earlier step", NULL);
	else if (!t->found && package_may_own(h, t->path))
		observe_maybe(h, o, "until the steps before it have run");
	if (!t->found)
		return true;
	if (path_is_root(t->path))
		return err_set(e, ERR_CONFIG, "the root folder cannot be absent");
	observe_attr(h, o, "state", file_kind(t->st.st_mode), NULL);
	if (!S_ISDIR(t->st.st_mode))
		return true;
	if (!tree_walk(t->path, &tree, e))
		return false;
	observe_attr(h, o, "entries", arena_printf(h->a, "%zu", n), NULL);
	return true;
}

static bool remove_visit(
	void *ctx, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	if (unlinkat(dirfd, name, S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0) == 0 || errno == ENOENT)
		return true;
	return err_errno(e, "cannot remove '%s' below %s", name, (const char *)ctx);
}

static bool remove_folder(const char *path, struct err *e)
{
	struct tree t = {.visit = remove_visit, .children_first = true, .one_device = true};
	t.ctx = (void *)(uintptr_t)path;
	if (!tree_walk(path, &t, e))
		return false;
	return remove_name(path, true, e);
}

bool absent_apply(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e)
{
	(void)params;
	if (!t->found || !observed_change(o, "state"))
		return true;
	return S_ISDIR(t->st.st_mode) ? remove_folder(t->path, e) : remove_file(h, t->path, e);
}
