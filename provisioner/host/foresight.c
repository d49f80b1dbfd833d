/* SPDX-License-Identifier: MIT
 *
 * What earlier steps of a plan create, remove and write, in their order; the last step decides
 * about a path. Does not use the host.
 */
#include <fnmatch.h>
#include "host/foresight.h"
#include "host/path.h"

struct entry {
	const char *path;
	enum foreseen what; /* NOTHING: the step changes only its text */
	bool writes;
	const struct value *text; /* when the step writes it; NULL: not known */
};
struct foresight {
	struct arena *a;
	struct entry *v;
	size_t n, cap;
};

const char *thing_named(struct arena *a, const char *kind, const char *name)
{
	return arena_printf(a, "%s:%s", kind, name);
}

struct foresight *foresight_new(struct arena *a)
{
	struct foresight *f = ARENA_NEW(a, struct foresight);
	f->a = a;
	return f;
}

struct arena *foresight_arena(const struct foresight *f)
{
	return f->a;
}

static void add_entry(struct foresight *f, struct entry one)
{
	one.path = arena_strdup(f->a, clean_path(f->a, one.path));
	one.text = one.text ? value_copy(f->a, one.text) : NULL;
	PUSH(f->a, f->v, f->n, f->cap, one);
}

void foresee_made(struct foresight *f, const char *path)
{
	add_entry(f, (struct entry){.path = path, .what = FORESEEN_MADE});
}

void foresee_removed(struct foresight *f, const char *path)
{
	add_entry(f, (struct entry){.path = path, .what = FORESEEN_REMOVED});
}

void foresee_text(struct foresight *f, const char *path, const struct value *text)
{
	add_entry(f, (struct entry){.path = path, .writes = true, .text = text});
}

void foresee_all(struct foresight *f, const struct foresight *more)
{
	for (size_t i = 0; more && i < more->n; i++)
		add_entry(f, more->v[i]);
}

/* Is `path` the folder or something in it? */
static bool is_within(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	if (n == 1 && folder[0] == '/')
		return path[0] == '/';
	return strncmp(path, folder, n) == 0 && (path[n] == 0 || path[n] == '/');
}

enum foreseen foreseen(const struct host *h, const char *path)
{
	const struct foresight *f = h->foresight;
	for (size_t i = f ? f->n : 0; i-- > 0;) {
		const struct entry *e = &f->v[i];
		if (e->what == FORESEEN_MADE && is_within(e->path, path))
			return FORESEEN_MADE;
		if (e->what == FORESEEN_REMOVED && is_within(path, e->path))
			return FORESEEN_REMOVED;
	}
	return FORESEEN_NOTHING;
}

bool foreseen_match(const struct host *h, const char *pattern)
{
	const struct foresight *f = h->foresight;
	for (size_t i = 0; f && i < f->n; i++)
		if (f->v[i].what == FORESEEN_MADE &&
			fnmatch(pattern, f->v[i].path, FNM_PATHNAME) == 0 &&
			foreseen(h, f->v[i].path) == FORESEEN_MADE)
			return true;
	return false;
}

bool foreseen_below(const struct host *h, const char *folder)
{
	const struct foresight *f = h->foresight;
	for (size_t i = 0; f && i < f->n; i++)
		if (is_within(f->v[i].path, folder))
			return true;
	return false;
}

const struct value *foreseen_text(const struct host *h, const char *path, bool *known)
{
	const struct foresight *f = h->foresight;
	*known = true;
	for (size_t i = f ? f->n : 0; i-- > 0;) {
		const struct entry *e = &f->v[i];
		if (e->what == FORESEEN_REMOVED && is_within(path, e->path))
			return NULL;
		if (!e->writes || strcmp(e->path, path) != 0)
			continue;
		*known = e->text != NULL;
		return e->text;
	}
	return NULL;
}

bool package_named(const struct host *h, const char *name, size_t n)
{
	static const char kind[] = "package:";
	const struct foresight *f = h->foresight;
	for (size_t i = 0; f && n && i < f->n; i++) {
		const char *path = f->v[i].path, *package = path + strlen(kind);
		if (strncmp(path, kind, strlen(kind)) == 0 && strncmp(package, name, n) == 0 &&
			(package[n] == 0 || package[n] == '-') &&
			foreseen(h, path) == FORESEEN_MADE)
			return true;
	}
	return false;
}

bool package_may_own(const struct host *h, const char *path)
{
	if ((!is_within(path, "/etc") && !is_within(path, "/var") && !is_within(path, "/usr")) ||
		is_within(path, "/usr/local"))
		return false;
	while (*path) {
		path += strspn(path, "/");
		size_t n = strcspn(path, "/");
		if (package_named(h, path, n))
			return true;
		path += n;
	}
	return false;
}

bool there_then(const struct host *h, const char *path, bool there)
{
	switch (foreseen(h, path)) {
	case FORESEEN_MADE:
		return true;
	case FORESEEN_REMOVED:
		return false;
	default:
		return there;
	}
}

bool account_observe(struct host *h, const char *kind, const char *name, bool wanted, bool there,
	struct observation *o)
{
	enum foreseen then = foreseen(h, thing_named(h->a, kind, name));
	const char *plain = name + (name[0] == '_'); /* _rspamd belongs to the package rspamd */
	there = there && then != FORESEEN_REMOVED;
	if (wanted && !there) {
		if (then == FORESEEN_MADE || package_named(h, plain, strlen(plain)))
			observe_maybe(h, o, "until the steps before it have run");
		observe_attr(h, o, "state", "absent", "present");
	}
	if (!wanted && (there || then == FORESEEN_MADE))
		observe_attr(
			h, o, "state", there ? "present" : "made by an earlier step", "absent");
	return !there;
}

void account_foresee(const char *kind, const struct value *params, const struct observation *o,
	struct foresight *f)
{
	if (!observed_change(o, "state"))
		return;
	const char *thing = thing_named(f->a, kind, map_cstr(params, "name", ""));
	if (strcmp(map_cstr(params, "state", ""), "absent") == 0)
		foresee_removed(f, thing);
	else
		foresee_made(f, thing);
}

void foresee_changes(const char *kind, const struct observation *o, struct foresight *f)
{
	for (size_t i = 0; i < o->changes->list.n; i++) {
		const struct value *c = o->changes->list.v[i], *after = map_at(c, "after");
		const char *thing = thing_named(f->a, kind, map_cstr(c, "field", ""));
		if (after && after->type != VALUE_NULL)
			add_entry(f, (struct entry){thing, FORESEEN_MADE, true, after});
		else
			foresee_removed(f, thing);
	}
}

static bool foreseen_so(const struct host *h, const char *thing, const struct value *after)
{
	bool known;
	const struct value *then = foreseen_text(h, thing, &known);
	if (!after || after->type == VALUE_NULL)
		return foreseen(h, thing) == FORESEEN_REMOVED;
	return then && value_equal(then, after);
}

void leave_out_foreseen(struct host *h, const char *kind, struct observation *o)
{
	struct value *left = value_list(h->a);
	for (size_t i = 0; i < o->changes->list.n; i++) {
		struct value *c = o->changes->list.v[i];
		const char *thing = thing_named(h->a, kind, map_cstr(c, "field", ""));
		if (!foreseen_so(h, thing, map_at(c, "after")))
			list_add(h->a, left, c);
	}
	o->changes = left;
}
