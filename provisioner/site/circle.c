/* SPDX-License-Identifier: MIT
 *
 * Files and roles that include themselves: found before anything is built of them, and reported
 * with the whole circle. Does not check what a host includes during the run.
 */
#include "site/circle.h"

/* ---- files ---- */

/* "b.yml -> a.yml -> b.yml", from the first occurrence of the file. */
static const char *files_between(struct arena *a, const struct task *t, const char *path)
{
	const char *text = path, *last = path;
	for (const struct task *p = t; p && p->file; p = p->parent) {
		if (strcmp(p->file, last) == 0)
			continue;
		last = p->file;
		text = arena_printf(a, "%s -> %s", last, text);
		if (strcmp(last, path) == 0)
			break;
	}
	return text;
}

/* A file that imports itself, directly or indirectly, never ends. */
bool import_circle(struct build *b, const struct task *t, const char *path, struct pos pos)
{
	const struct task *p = t;
	while (p && !(p->file && strcmp(p->file, path) == 0))
		p = p->parent;
	if (!p)
		return false;
	errs_add(b->errs, pos, "these files import one another in a circle: %s",
		p == t ? arena_printf(b->s->a, "%s -> %s", path, path)
		       : files_between(b->s->a, t, path));
	return true;
}

/* ---- roles ---- */

/* "a -> b -> a", from the first occurrence of the role. */
static const char *roles_between(
	struct arena *a, const struct role_use *u, const struct role *r, const char *tasks)
{
	const char *text = r->name;
	for (; u; u = u->parent) {
		text = arena_printf(a, "%s -> %s", u->role->name, text);
		if (strcmp(u->role->path, r->path) == 0 && strcmp(u->tasks, tasks) == 0)
			break;
	}
	return text;
}

static bool brought_in(const struct role_use *u, const char *path, const char *tasks)
{
	for (; u; u = u->parent)
		if (strcmp(u->role->path, path) == 0 && strcmp(u->tasks, tasks) == 0)
			return true;
	return false;
}

/* Roles that statically include each other never end. include_role may end, because a host decides:
 * for it only the depth is limited. */
bool role_circle(struct build *b, const struct role *r, const char *tasks, struct pos pos)
{
	int depth = 0;
	for (const struct role_use *u = b->role; u; u = u->parent)
		depth++;
	bool again = brought_in(b->role, r->path, tasks);
	if (!(again && !b->dynamic) && depth <= IMPORT_DEPTH)
		return false;
	if (again)
		errs_add(b->errs, pos, "these roles include one another in a circle: %s",
			roles_between(b->s->a, b->role, r, tasks));
	else
		errs_add(b->errs, pos, "roles include one another more than %d levels deep ('%s')",
			IMPORT_DEPTH, r->name);
	return true;
}

bool dependency_circle(struct build *b, struct str name, const char *path, struct pos pos)
{
	struct role r = {.name = path_base(name.p), .path = path};
	return brought_in(b->role, path, "main") &&
	       !errs_add(b->errs, pos, "these roles include one another in a circle: %s",
		       roles_between(b->s->a, b->role, &r, "main"));
}
