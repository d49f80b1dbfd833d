/* SPDX-License-Identifier: MIT
 *
 * The table of package managers, and finding a package among those that one of them knows.
 */
#include "host/packages.h"

static const struct package_backend *const managers[] = {&package_backend_apt};

const struct package_backend *package_manager(struct err *e)
{
	struct err why = {0};
	for (size_t i = 0; i < ARRAY_LEN(managers); i++)
		if (managers[i]->probe(&why))
			return managers[i];
	err_set(e, why.kind, "%s", why.msg);
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct package *x = a, *y = b;
	return strcmp(x->name, y->name);
}

void packages_sort(struct packages *all)
{
	if (all->n)
		qsort(all->v, all->n, sizeof(*all->v), by_name);
}

bool package_installed(const struct package *p)
{
	return p && (strcmp(p->state, "installed") == 0 || strncmp(p->state, "triggers-", 9) == 0);
}

/* The index of the first package with this name, or n. */
static size_t first_of(const struct packages *all, const char *name)
{
	size_t low = 0, high = all->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (strcmp(all->v[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct package *package_find(const struct packages *all, const char *name, const char *arch)
{
	const struct package *found = NULL;
	for (size_t i = first_of(all, name); i < all->n && strcmp(all->v[i].name, name) == 0; i++) {
		const struct package *p = &all->v[i];
		if (arch && strcmp(p->arch, arch) != 0)
			continue;
		if (!found || (!package_installed(found) && package_installed(p)))
			found = p;
	}
	return found;
}

bool package_provided(const struct packages *all, const char *name)
{
	for (size_t i = 0; i < all->provided.n; i++)
		if (strcmp(all->provided.v[i], name) == 0)
			return true;
	return false;
}
