/* SPDX-License-Identifier: MIT
 *
 * The files of a run, each read and parsed once. Writes nothing, and reads only regular files of
 * limited size.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include "inventory/files.h"
#include "yaml/yaml.h"

enum { SITE_FILES = 100000 };

bool is_dir(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool is_there(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0;
}

bool is_file(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

char *dir_join(struct arena *a, const char *dir, const char *name)
{
	if (strncmp(name, "./", 2) == 0)
		name += 2;
	if (strcmp(dir, ".") == 0)
		return arena_strdup(a, name);
	return path_join(a, dir, name);
}

size_t dir_list(struct arena *a, const char *dir, const char ***out)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0, cap = 0;
	*out = NULL;
	if (!d)
		return 0;
	while ((e = readdir(d)) && n < SITE_FILES) {
		if (e->d_name[0] == '.' || e->d_name[strlen(e->d_name) - 1] == '~')
			continue;
		PUSH(a, *out, n, cap, arena_strdup(a, e->d_name));
	}
	closedir(d);
	if (n)
		qsort(*out, n, sizeof(**out), compare_names);
	return n;
}

struct file *files_get(struct files *f, const char *path, struct err *e)
{
	struct value *known = map_at(f->index, path);
	struct file *file;
	bool found = false;
	struct str text;
	if (known)
		return known->i < 0 ? NULL : f->v[known->i];
	if (!file_read_opt(f->a, path, FILE_MAX, &text, &found, e))
		return NULL;
	if (!found) {
		map_put(f->a, f->index, path, value_int(f->a, -1));
		return NULL;
	}
	file = ARENA_NEW(f->a, struct file);
	file->path = arena_strdup(f->a, path);
	file->text = text;
	map_put(f->a, f->index, file->path, value_int(f->a, (int64_t)f->n));
	PUSH(f->a, f->v, f->n, f->cap, file);
	source_add(file->path, text);
	return file;
}

struct value *files_yaml(struct files *f, const char *path, struct errs *errs)
{
	struct err e = {0};
	struct file *file = files_get(f, path, &e);
	if (!file) {
		if (e.kind)
			errs_take(errs, &e);
		return NULL;
	}
	if (!file->yaml_done) {
		file->yaml_done = true;
		if (str_starts(str_no_bom(file->text), "$ANSIBLE_VAULT;")) {
			errs_add(errs, (struct pos){file->path, 1, 1},
				"encrypted files are not supported yet; for now, put the secrets "
				"into a plain file that is not in git");
			return NULL;
		}
		file->yaml = yaml_parse(f->a, file->path, file->text, errs);
		if (!file->yaml)
			source_hide(file->path);
	}
	return file->yaml;
}

struct value *files_vars(struct files *f, const char *path, struct errs *errs)
{
	struct value *doc = files_yaml(f, path, errs);
	if (!doc || doc->type == VALUE_NULL)
		return NULL;
	if (doc->type == VALUE_MAP)
		return doc;
	source_hide(path);
	errs_add(errs, doc->pos, "a file of variables must be a map, not %s", value_type_name(doc));
	return NULL;
}
