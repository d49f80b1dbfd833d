/* SPDX-License-Identifier: MIT
 *
 * file: folders, links, empty files, attributes, removal. Never changes the content of a file, and
 * never removes the target of a link or anything on another file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "resource/file_states.h"
#include "host/foresight.h"
#include "resource/types.h"

enum { NEW_DIR_MODE = 0755, NEW_FILE_MODE = 0644 };

static bool asks_attrs(const struct value *params)
{
	return map_at(params, "owner") || map_at(params, "group") || map_at(params, "mode");
}

/* ---- file: only its attributes ---- */

static bool file_observe(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e)
{
	if (!t->found && !files_pending(h))
		return err_set(e, ERR_PERMANENT,
			"%s does not exist, and state: file does not create it; use state: touch, "
			"copy or template",
			t->path);
	if (!t->found && asks_attrs(params))
		observe_maybe(h, o, "until the step that makes it has run");
	if (!t->found)
		return true;
	if (t->found && S_ISDIR(t->st.st_mode))
		return err_set(e, ERR_PERMANENT, "%s is a directory, not a file", t->path);
	return attr_observe(h, t->path, params, o, e);
}

static bool attrs_apply(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e)
{
	(void)o;
	return attr_apply(h, t->path, params, e);
}

/* ---- touch ---- */

static bool keeps_times(const struct value *params)
{
	return strcmp(map_cstr(params, "access_time", "now"), "preserve") == 0 &&
	       strcmp(map_cstr(params, "modification_time", "now"), "preserve") == 0;
}

static bool touch_observe(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e)
{
	if (t->made && keeps_times(params) && !asks_attrs(params))
		return true;
	if (t->made)
		observe_maybe(h, o, "until the steps before it have run");
	if (!t->found) {
		if (!parent_there(h, t->path, e))
			return false;
		observe_attr(h, o, "state", NULL, "file");
	} else if (!keeps_times(params)) {
		observe_run(h, o, "times", "touch");
	}
	return attr_observe(h, t->path, params, o, e);
}

static bool touch_make(const char *path, struct err *e)
{
	struct place p;
	if (!place_open(path, &p, e))
		return false;
	int fd = openat(
		p.dir, p.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, NEW_FILE_MODE);
	if (fd >= 0)
		close(fd);
	else
		err_errno(e, "cannot create %s", path);
	place_close(&p);
	return fd >= 0;
}

static bool touch_times(const struct value *params, const char *path, struct err *e)
{
	bool keep_a = strcmp(map_cstr(params, "access_time", "now"), "preserve") == 0;
	bool keep_m = strcmp(map_cstr(params, "modification_time", "now"), "preserve") == 0;
	struct timespec times[2] = {{.tv_nsec = keep_a ? UTIME_OMIT : UTIME_NOW},
		{.tv_nsec = keep_m ? UTIME_OMIT : UTIME_NOW}};
	return set_times(path, times, e);
}

static bool touch_apply(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e)
{
	if (observed_change(o, "state") && !touch_make(t->path, e))
		return false;
	if (observed_change(o, "times") && !touch_times(params, t->path, e))
		return false;
	return attr_apply(h, t->path, params, e);
}

/* ---- directory ---- */

struct recursion {
	const struct attr_want *want;
	size_t seen, differ;
	bool set;
};

static bool recursion_visit(
	void *ctx, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	struct recursion *r = ctx;
	bool differs;
	if (!attr_want_differs(r->want, st, &differs, e))
		return false;
	r->seen++;
	r->differ += differs;
	return !differs || !r->set || attr_want_set(r->want, dirfd, name, e);
}

static bool recurse_tree(struct host *h, const struct value *params, const char *path,
	struct recursion *r, struct err *e)
{
	struct tree t = {.visit = recursion_visit, .ctx = r};
	r->want = attr_want_new(h, params, e);
	return r->want && tree_walk(path, &t, e);
}

static bool directory_observe(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e)
{
	struct recursion r = {0};
	if (t->found && !S_ISDIR(t->st.st_mode))
		return err_set(e, ERR_PERMANENT, "%s is a %s, not a directory; remove it first",
			t->path, file_kind(t->st.st_mode));
	if (t->made && !asks_attrs(params))
		return true;
	if (t->made || (!t->found && package_may_own(h, t->path)))
		observe_maybe(h, o, "until the steps before it have run");
	if (!t->found)
		observe_attr(h, o, "state", NULL, "directory");
	if (!attr_observe(h, t->path, params, o, e))
		return false;
	if (!t->found || !map_bool(params, "recurse", false))
		return true;
	if (!recurse_tree(h, params, t->path, &r, e))
		return false;
	if (r.differ)
		observe_attr(h, o, "recurse",
			arena_printf(h->a, "%zu of %zu entries differ", r.differ, r.seen),
			"none differs");
	return true;
}

static bool make_folder(const char *path, mode_t mode, struct err *e)
{
	struct place p;
	if (!place_open(path, &p, e))
		return false;
	struct stat st;
	if (mkdirat(p.dir, p.name, mode & 0777) < 0 &&
		!(errno == EEXIST && place_stat(&p, &st) && S_ISDIR(st.st_mode)))
		err_errno(e, "cannot create the folder %s", path);
	place_close(&p);
	return e->kind == ERR_NONE;
}

/* Is there a folder, possibly at the end of links that may be followed? */
static bool folder_there(const char *path, bool *there, struct err *e)
{
	int fd = folder_open(path, e);
	*there = fd >= 0;
	if (*there)
		close(fd);
	return e->kind == ERR_NONE;
}

/* Creates the missing parts of a path; all new folders get the wanted attributes, as in Ansible. */
static bool make_folders(
	struct host *h, const struct value *params, const char *path, struct err *e)
{
	mode_t mode;
	bool there;
	if (!folder_there(path, &there, e))
		return false;
	if (there)
		return true;
	const char *parent = path_dir(h->a, path);
	if (strcmp(parent, path) != 0 && !make_folders(h, params, parent, e))
		return false;
	if (!mode_parse(map_cstr(params, "mode", "0755"), NEW_DIR_MODE, true, &mode))
		mode = NEW_DIR_MODE;
	return make_folder(path, mode, e) && attr_apply(h, path, params, e);
}

static bool directory_apply(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e)
{
	struct recursion r = {.set = true};
	if (observed_change(o, "state") && !make_folders(h, params, t->path, e))
		return false;
	if (!attr_apply(h, t->path, params, e))
		return false;
	return !observed_change(o, "recurse") || recurse_tree(h, params, t->path, &r, e);
}

/* ---- the type ---- */

static const struct file_state states[] = {
	{"file", true, file_observe, attrs_apply},
	{"directory", true, directory_observe, directory_apply},
	{"link", false, link_observe, link_apply},
	{"hard", false, hard_observe, hard_apply},
	{"touch", true, touch_observe, touch_apply},
	{"absent", false, absent_observe, absent_apply},
};

/* Without a state: the kind of the existing file, as in Ansible. */
static const char *state_name(const struct value *params, const char *path)
{
	struct stat st;
	const char *name = map_cstr(params, "state", NULL);
	if (name)
		return name;
	if (map_bool(params, "recurse", false))
		return "directory";
	if (map_cstr(params, "src", NULL))
		return "link";
	if (lstat(path, &st) < 0)
		return "file";
	if (S_ISLNK(st.st_mode) && map_bool(params, "follow", true) && stat(path, &st) < 0)
		return "link";
	return S_ISDIR(st.st_mode) ? "directory" : S_ISLNK(st.st_mode) ? "link" : "file";
}

static const struct file_state *state_of(
	struct host *h, const struct value *params, struct file_target *t, struct err *e)
{
	const char *path = clean_path(h->a, map_cstr(params, "path", ""));
	const char *name = state_name(params, path);
	const struct file_state *s = NULL;
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (strcmp(states[i].name, name) == 0)
			s = &states[i];
	if (!s)
		panic("internal error: file has no state %s", name);
	t->path = path;
	if (s->follows && map_bool(params, "follow", true) && !path_follow(h->a, path, &t->path, e))
		return NULL;
	if (!path_stat(t->path, &t->st, &t->found, e))
		return NULL;
	t->made = !t->found && foreseen(h, t->path) == FORESEEN_MADE;
	t->found = t->found && foreseen(h, t->path) != FORESEEN_REMOVED;
	return s;
}

static bool observe_file(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct file_target t;
	const struct file_state *s = state_of(h, params, &t, e);
	if (!s)
		return false;
	result_file(h, t.path, o);
	return s->observe(h, params, &t, o, e);
}

static bool apply_file(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct file_target t;
	const struct file_state *s = state_of(h, params, &t, e);
	if (!s || !s->apply(h, params, &t, o, e))
		return false;
	result_file(h, t.path, o);
	return true;
}

static void foresee_file(
	const struct value *params, const struct observation *o, struct foresight *f)
{
	const char *path = map_cstr(o->result, "path", map_cstr(params, "path", ""));
	if (!observed_change(o, "state"))
		return;
	if (strcmp(map_cstr(params, "state", ""), "absent") == 0)
		foresee_removed(f, path);
	else
		foresee_made(f, path);
}

static bool check_file(const struct value *params, struct errs *errs)
{
	const char *state = map_cstr(params, "state", "");
	const struct value *path = map_at(params, "path"), *src = map_at(params, "src");
	const struct value *recursive = map_at(params, "recurse");
	bool links = strcmp(state, "link") == 0 || strcmp(state, "hard") == 0;
	bool ok = true;
	if (src && src->type == VALUE_STR && *state && !links)
		ok = errs_add(
			errs, src->pos, "src is only for state link or hard, not for '%s'", state);
	if (strcmp(state, "hard") == 0 && !src)
		ok = errs_add(errs, params->pos, "state hard needs src, the file to link to");
	if (map_bool(params, "recurse", false) && *state && strcmp(state, "directory") != 0)
		ok = errs_add(errs, recursive->pos, "recurse is only for state: directory");
	if (strcmp(state, "absent") == 0 && path && path->type == VALUE_STR &&
		path_is_root(path->s.p))
		ok = errs_add(errs, path->pos, "the root folder cannot be absent");
	return ok;
}

static const struct field fields[] = {
	{.name = "path",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.aliases = "dest name",
		.doc = "The file, folder or link."},
	{.name = "state",
		.kind = FIELD_ENUM,
		.choices = "file directory link hard touch absent",
		.doc = "directory creates it with its parents; link and hard point to src; touch "
		       "creates an empty file or sets its times; file only sets attributes and "
		       "fails if the file does not exist; absent removes it, a folder with its "
		       "content. Default: the kind of the existing file."},
	{.name = "src", .kind = FIELD_STR, .doc = "Target of the link, written into it unchanged."},
	{.name = "recurse",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Set owner, group and mode also for everything in the folder; links in it "
		       "are not followed."},
	{.name = "force",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "For links: create it even if src does not exist, and replace a file or an "
		       "empty folder."},
	{.name = "follow",
		.kind = FIELD_BOOL,
		.dflt = "true",
		.doc = "Follow a link at path. Links of other users are refused."},
	{.name = "access_time",
		.kind = FIELD_ENUM,
		.choices = "now preserve",
		.doc = "For touch. Default: now; then touch always counts as a change."},
	{.name = "modification_time",
		.kind = FIELD_ENUM,
		.choices = "now preserve",
		.doc = "For touch. Default: now; then touch always counts as a change."},
	FILE_ATTR_FIELDS,
	{.name = NULL},
};

static const struct field returns[] = {
	RESULT_FILE_FIELDS,
	{.name = NULL},
};

const struct restype restype_file = {
	.name = "file",
	.full_names = BUILTIN_NAMES("file"),
	.key = "path",
	.doc = "Creates folders, links and empty files, sets owner, group and mode, and removes.",
	.example = "- file:\n    path: /etc/dovecot/conf.d\n    state: directory\n    owner: root\n"
		   "    mode: '0755'\n",
	.fields = fields,
	.returns = returns,
	.class = RES_FILE,
	.touches = RES_FILE,
	.check = check_file,
	.foresee = foresee_file,
	.observe = observe_file,
	.apply = apply_file,
};
