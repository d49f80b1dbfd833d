/* SPDX-License-Identifier: MIT
 *
 * The list of units that a package change has enabled or tried to start. Starts nothing.
 */
#include <errno.h>
#include <unistd.h>
#include "host/held.h"
#include "host/services.h"

enum { HELD_MAX = 64 << 10, HELD_UNITS = 512, HELD_MODE = 0600 };

static bool is_among(const struct args *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i], name) == 0)
			return true;
	return false;
}

bool held_read(struct arena *a, const char *file, struct args *out, struct err *e)
{
	struct str text;
	bool found;
	if (!file_read_opt(a, file, HELD_MAX, &text, &found, e))
		return false;
	for (const char *p = found ? text.p : ""; *p && out->n < HELD_UNITS;) {
		size_t n = strcspn(p, "\n");
		const char *name = str_dup(a, p, n).p;
		if (unit_name_valid(name) && !is_among(out, name))
			args_add(a, out, name);
		p += n + (p[n] == '\n');
	}
	return true;
}

bool held_add(struct arena *a, const char *file, const struct args *names, struct err *e)
{
	struct file_attr attr = {HELD_MODE, (uid_t)-1, (gid_t)-1};
	struct args all = {0};
	struct buf b;
	if (names->n == 0)
		return true;
	if (!held_read(a, file, &all, e))
		return false;
	for (size_t i = 0; i < names->n && all.n < HELD_UNITS; i++)
		if (!is_among(&all, names->v[i]))
			args_add(a, &all, names->v[i]);
	buf_init(&b, HELD_MAX);
	for (size_t i = 0; i < all.n; i++)
		buf_addf(&b, "%s\n", all.v[i]);
	bool ok = file_replace(file, b.p, b.n, attr, e);
	buf_free(&b);
	return ok;
}

bool held_forget(const char *file, struct err *e)
{
	if (unlink(file) == 0 || errno == ENOENT)
		return true;
	return err_errno(e, "cannot remove %s", file);
}

bool held_add_new(struct arena *a, const char *file, const struct args *before,
	const struct args *after, struct err *e)
{
	struct args names = {0};
	for (size_t i = 0; i < after->n; i++)
		if (!is_among(before, after->v[i]))
			args_add(a, &names, after->v[i]);
	return held_add(a, file, &names, e);
}
