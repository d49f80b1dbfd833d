/* SPDX-License-Identifier: MIT
 *
 * The type `file_set`: the files of one folder. Files that are no longer declared are removed if
 * they are ours: if they begin with the mark. Never follows a link and never enters subfolders.
 */
#include <dirent.h>
#include <errno.h>
#include <unistd.h>
#include "host/args.h"
#include "host/path.h"
#include "resource/types.h"

enum { FILE_NAME_MAX = 200, FILES_MAX = 100000, MARK_MAX = 200 };

static const struct field file_set_fields[] = {
	{.name = "path",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.doc = "The folder. It must exist when there is a file to write."},
	{.name = "files",
		.kind = FIELD_MAP,
		.flags = FIELD_REQUIRED,
		.doc = "Name -> content. A file that is no longer named is removed."},
	{.name = "mark",
		.kind = FIELD_STR,
		.doc = "The first line of all files; other files in the folder with this line are "
		       "removed. Without a mark all files in the folder are ours."},
	FILE_ATTR_FIELDS,
	{0},
};

static const struct field file_set_returns[] = {
	{.name = "path", .kind = FIELD_STR, .doc = "The folder."},
	{.name = "files", .kind = FIELD_INT, .doc = "Number of files."},
	{0},
};

/* ---- rules ---- */

static bool name_valid(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < ' ' || name.p[i] == 127 || name.p[i] == '/')
			return false;
	return name.n > 0 && name.n <= FILE_NAME_MAX && strcmp(name.p, ".") != 0 &&
	       strcmp(name.p, "..") != 0;
}

static bool file_set_check(const struct value *params, struct errs *errs)
{
	const struct value *files = map_at(params, "files"), *mark = map_at(params, "mark");
	bool ok = true;
	if (mark && mark->type == VALUE_STR &&
		(mark->s.n == 0 || mark->s.n > MARK_MAX || strpbrk(mark->s.p, "\r\n")))
		ok = errs_add(errs, mark->pos, "mark must be one line");
	if (!files || files->type != VALUE_MAP)
		return ok;
	if (files->map.n > FILES_MAX)
		ok = errs_add(errs, files->pos, "there are more than %d files", FILES_MAX);
	for (size_t i = 0; i < files->map.n; i++) {
		const struct map_entry *f = &files->map.e[i];
		if (!name_valid(f->key))
			ok = errs_add(errs, f->key_pos, "'%s' is not a valid file name", f->key.p);
		if (f->value->type != VALUE_STR && f->value->type != VALUE_UNKNOWN)
			ok = errs_add(
				errs, f->value->pos, "the content of '%s' must be text", f->key.p);
	}
	return ok;
}

/* ---- looking ---- */

static struct str whole_text(
	struct arena *a, const struct value *params, const struct value *content)
{
	const char *mark = map_cstr(params, "mark", NULL);
	return mark ? str_printf(a, "%s\n%s", mark, content->s.p) : content->s;
}

static bool look_at_file(struct host *h, const struct value *params, const struct attr_want *want,
	const struct map_entry *f, struct observation *o, struct err *e)
{
	const char *path = path_join(h->a, map_cstr(params, "path", ""), f->key.p);
	struct str before, after = whole_text(h->a, params, f->value);
	struct value *now;
	struct stat st;
	bool found, differs = false;
	if (!path_stat(path, &st, &found, e))
		return false;
	found = found && !S_ISLNK(st.st_mode); /* a file replaces a link */
	if (found && !path_read(h->a, path, FILE_MAX, &before, &found, e))
		return false;
	if (!found || !str_eq(before, after)) {
		now = value_str(h->a, after);
		now->literal = true;
		now->secret = f->value->secret;
		observe_text(h, o, f->key.p, found ? value_str(h->a, before) : NULL, now);
		return true;
	}
	if (!attr_want_differs(want, &st, &differs, e))
		return false;
	if (differs)
		observe_attr(h, o, f->key.p, "owner or mode differ", "as declared");
	return true;
}

/* Is a file of the folder ours? A file that is too large to read is not. */
static bool is_ours(const char *path, const char *mark)
{
	struct arena *a = arena_new(); /* others may keep large files there */
	struct str text;
	struct err ignored = {0};
	struct stat st;
	bool found, there;
	bool ours = path_stat(path, &st, &there, &ignored) && there &&
		    (S_ISREG(st.st_mode) || (S_ISLNK(st.st_mode) && !mark));
	if (ours && mark) {
		size_t n = strlen(mark);
		ours = path_read(a, path, FILE_MAX, &text, &found, &ignored) && text.n > n &&
		       memcmp(text.p, mark, n) == 0 && text.p[n] == '\n';
	}
	arena_free(a);
	return ours;
}

static void note_surplus(struct host *h, const struct value *params, DIR *d, struct observation *o)
{
	const struct value *files = map_at(params, "files");
	const char *folder = map_cstr(params, "path", "");
	struct args names = {0};
	for (struct dirent *f; names.n < FILES_MAX && (f = readdir(d));) {
		const char *name = f->d_name;
		if (!map_at(files, name) &&
			is_ours(path_join(h->a, folder, name), map_cstr(params, "mark", NULL)))
			args_add(h->a, &names, arena_strdup(h->a, name));
	}
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), compare_names);
	for (size_t i = 0; i < names.n; i++)
		observe_attr(h, o, names.v[i], "present", NULL);
}

static bool file_set_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const struct value *files = map_at(params, "files");
	const char *folder = map_cstr(params, "path", "");
	struct attr_want *want = attr_want_new(h, params, e);
	int fd = folder_open(folder, e);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	observation_init(h, o);
	map_put(h->a, o->result, "path", value_text(h->a, folder));
	map_put(h->a, o->result, "files", value_int(h->a, (int64_t)files->map.n));
	if (!d && files->map.n && !files_pending(h) && want)
		err_errno(e, "cannot open the folder %s", folder);
	for (size_t i = 0; !e->kind && i < files->map.n; i++)
		look_at_file(h, params, want, &files->map.e[i], o, e);
	if (d && !e->kind)
		note_surplus(h, params, d, o);
	if (d)
		closedir(d);
	return !e->kind;
}

/* ---- making ---- */

static bool file_set_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const struct value *files = map_at(params, "files");
	for (size_t i = 0; i < o->changes->list.n; i++) {
		const struct value *c = o->changes->list.v[i];
		const char *name = map_cstr(c, "field", "");
		const char *path = path_join(h->a, map_cstr(params, "path", ""), name);
		const struct value *content = map_at(files, name);
		bool ok;
		if (!content)
			ok = remove_file(h, path, e);
		else if (strcmp(map_cstr(c, "kind", ""), "text") == 0)
			ok = write_file(
				h, path, whole_text(h->a, params, content), params, 0644, e);
		else
			ok = attr_apply(h, path, params, e);
		if (!ok)
			return false;
	}
	return true;
}

const struct restype restype_file_set = {
	.name = "file_set",
	.key = "path",
	.doc = "The files of one folder: writes those declared, and removes its own that are no "
	       "longer declared. Other files stay.",
	.example = "- name: Settings over those of the package\n  file_set:\n"
		   "    path: /etc/rspamd/local.d\n    mark: \"# Managed by provision\"\n"
		   "    files:\n      actions.conf: \"reject = 20;\\n\"\n",
	.fields = file_set_fields,
	.returns = file_set_returns,
	.class = RES_FILE,
	.touches = RES_FILE,
	.check = file_set_check,
	.observe = file_set_observe,
	.apply = file_set_apply,
};
