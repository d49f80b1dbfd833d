/* SPDX-License-Identifier: MIT
 *
 * Warns about a file in group_vars or host_vars whose name is probably misspelt: nobody gets its
 * variables, and a mail server without them would lose its mailboxes. Files for hosts of another
 * inventory are usual, so only a name that is nearly that of a host without a file counts.
 */
#include "site/task.h"

struct beside {
	const struct inventory *inv;
	struct arena *a;
	const char *dir;    /* .../host_vars or .../group_vars */
	const char *kind;   /* "host" or "group" */
	const char **names; /* of the inventory's hosts or groups; NULL-terminated */
	struct errs *errs;
};

static const char *without_ending(struct arena *a, const char *file)
{
	static const char *const endings[] = {".yml", ".yaml", ".json"};
	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (str_ends(str_c(file), endings[i]))
			return arena_printf(
				a, "%.*s", (int)(strlen(file) - strlen(endings[i])), file);
	return file;
}

/* As mx1 and mx2 do: those are two names. */
static bool differ_by_number(const char *a, const char *b)
{
	static const char digits[] = "0123456789";
	do {
		a += strspn(a, digits);
		b += strspn(b, digits);
	} while (*a && *a++ == *b++);
	return !*a && !*b;
}

static bool is_known(const struct beside *d, const char *name)
{
	return d->kind[0] == 'h' ? inventory_host(d->inv, str_c(name)) != NULL
				 : inventory_group(d->inv, str_c(name)) != NULL;
}

static void warn_of_file(const struct beside *d, const struct value *stems, const char *file)
{
	const char *name = without_ending(d->a, file);
	if (file[0] == '.' || is_known(d, name))
		return;
	const char *near = str_nearest(name, d->names);
	if (!near || map_at(stems, near) || differ_by_number(name, near))
		return;
	errs_warn(d->errs, (struct pos){0},
		"%s/%s: the inventory has no %s '%s', so nothing uses this file (did you mean "
		"'%s'?)",
		d->dir, file, d->kind, name, near);
}

static void warn_of_folder(const struct beside *d)
{
	const char **files;
	size_t n = is_dir(d->dir) ? dir_list(d->a, d->dir, &files) : 0;
	struct value *stems = value_map(d->a);
	for (size_t i = 0; i < n; i++)
		map_put(d->a, stems, without_ending(d->a, files[i]), value_null(d->a));
	for (size_t i = 0; i < n; i++)
		warn_of_file(d, stems, files[i]);
}

void beside_names_warn(const struct site *s, struct errs *errs)
{
	const struct inventory *inv = s->inv;
	const char **hosts = ARENA_ARRAY(s->a, const char *, inv->n_hosts + 1);
	const char **groups = ARENA_ARRAY(s->a, const char *, inv->n_groups + 1);
	for (size_t i = 0; i < inv->n_hosts; i++)
		hosts[i] = inv->hosts[i]->name;
	for (size_t i = 0; i < inv->n_groups; i++)
		groups[i] = inv->groups[i]->name;
	hosts[inv->n_hosts] = groups[inv->n_groups] = NULL;
	const char *last = NULL;
	for (size_t i = 0; i <= inv->n_sources; i++) {
		const char *src = i < inv->n_sources ? inv->sources[i] : s->dir;
		const char *dir = is_dir(src) ? src : path_dir(s->a, src);
		if (!dir || (last && strcmp(last, dir) == 0))
			continue;
		last = dir;
		struct beside d = {
			inv, s->a, dir_join(s->a, dir, "host_vars"), "host", hosts, errs};
		warn_of_folder(&d);
		d = (struct beside){
			inv, s->a, dir_join(s->a, dir, "group_vars"), "group", groups, errs};
		warn_of_folder(&d);
	}
}
