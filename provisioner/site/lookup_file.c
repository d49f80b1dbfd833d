/* SPDX-License-Identifier: MIT
 *
 * Lookups that read files beside the roles, the tasks and the manifest. They write nothing.
 */
#include <glob.h>
#include "site/keyword.h"
#include "site/lookup.h"

bool lookup_file(struct call *c)
{
	for (size_t i = 0; i < c->args->list.n; i++) {
		const char *path =
			task_file(c->v->s, c->v->task, "files", lookup_arg(c, i), c->v->a);
		struct file *f = path ? files_get(&c->v->s->files, path, c->e) : NULL;
		size_t n;
		if (!f && c->e->kind)
			return false;
		if (!f)
			return err_set(c->e, ERR_CONFIG, "lookup 'file': there is no file '%s'",
				lookup_arg(c, i));
		for (n = f->text.n; n && strchr("\n\r\t ", f->text.p[n - 1]);)
			n--;
		list_add(c->v->a, c->out, lookup_text(c->v->a, str_dup(c->v->a, f->text.p, n)));
	}
	return true;
}

bool lookup_template(struct call *c)
{
	for (size_t i = 0; i < c->args->list.n; i++) {
		const char *path =
			task_file(c->v->s, c->v->task, "templates", lookup_arg(c, i), c->v->a);
		struct value *text;
		if (!path)
			return err_set(c->e, ERR_CONFIG, "lookup 'template': there is no file '%s'",
				lookup_arg(c, i));
		text = template_file(c->v, path, (struct pos){0}, c->e);
		if (!text)
			return false;
		list_add(c->v->a, c->out, text);
	}
	return true;
}

bool lookup_fileglob(struct call *c)
{
	for (size_t i = 0; i < c->args->list.n; i++) {
		const char *pattern = lookup_arg(c, i);
		const char *dir = path_dir(c->v->a, pattern);
		const char *found = task_file(c->v->s, c->v->task, "files", dir, c->v->a);
		glob_t g;
		if (strcmp(dir, ".") == 0)
			found = task_file(c->v->s, c->v->task, "files", "", c->v->a);
		if (!found)
			continue;
		pattern = path_join(c->v->a, found, path_base(pattern));
		if (glob(pattern, 0, NULL, &g) != 0)
			continue;
		for (size_t j = 0; j < g.gl_pathc; j++)
			if (is_file(g.gl_pathv[j]))
				list_add(c->v->a, c->out, value_text(c->v->a, g.gl_pathv[j]));
		globfree(&g);
	}
	return true;
}

static const char *first_of(struct call *c, struct value *files, struct value *paths)
{
	static const char *const kinds[] = {"files", "templates", "vars", "tasks"};
	struct value *none = value_list(c->v->a);

	if (!paths || !paths->list.n) {
		paths = none;
		list_add(c->v->a, paths, value_text(c->v->a, ""));
	}
	for (size_t p = 0; p < paths->list.n; p++)
		for (size_t i = 0; i < files->list.n; i++) {
			const char *name = value_print(c->v->a, files->list.v[i]).p;
			const char *dir = value_print(c->v->a, paths->list.v[p]).p;
			if (*dir)
				name = path_join(c->v->a, dir, name);
			for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
				const char *path =
					task_file(c->v->s, c->v->task, kinds[k], name, c->v->a);
				if (path && is_file(path))
					return path;
			}
		}
	return NULL;
}

bool lookup_first_found(struct call *c)
{
	struct value *files = value_list(c->v->a),
		     *paths = as_list(c->v->a, map_at(c->kwargs, "paths"));
	struct value *more = as_list(c->v->a, map_at(c->kwargs, "files"));
	bool skip, also = false;
	const char *path;
	if (!option_bool(c->kwargs, "skip", false, &skip, c->e))
		return false;
	for (size_t i = 0; more && i < more->list.n; i++)
		list_add(c->v->a, files, more->list.v[i]);
	for (size_t i = 0; i < c->args->list.n; i++) {
		struct value *x = c->args->list.v[i];
		if (x->type == VALUE_MAP) {
			lookup_flatten(c->v->a, files, as_list(c->v->a, map_at(x, "files")), 2);
			paths = as_list(c->v->a, map_at(x, "paths"));
			if (!option_bool(x, "skip", false, &also, c->e))
				return false;
			skip = skip || also;
		} else {
			lookup_flatten(c->v->a, files, x, 2);
		}
	}
	path = first_of(c, files, paths);
	if (path)
		list_add(c->v->a, c->out, value_text(c->v->a, path));
	else if (!skip)
		return err_set(c->e, ERR_CONFIG,
			"lookup 'first_found': none of the %zu files exists", files->list.n);
	return true;
}
