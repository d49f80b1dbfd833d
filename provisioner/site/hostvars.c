/* SPDX-License-Identifier: MIT
 *
 * The inventory's layers of a host, group_vars and host_vars, and their merge.
 * Knows nothing of tasks.
 */
#include "site/vars.h"

enum { BESIDE_DEPTH = 8 };

/* Merges a vars file, or every file of a folder, into `into` (NULL at first). */
static void read_vars_path(
	struct site *s, const char *path, struct value **into, int depth, struct errs *errs)
{
	struct value *doc;
	const char **names;
	size_t n;
	if (is_dir(path)) {
		n = dir_list(s->a, path, &names);
		for (size_t i = 0; i < n && depth < BESIDE_DEPTH; i++)
			read_vars_path(s, dir_join(s->a, path, names[i]), into, depth + 1, errs);
		return;
	}
	if (depth && strchr(path_base(path), '.') && !str_ends(str_c(path), ".yml") &&
		!str_ends(str_c(path), ".yaml") && !str_ends(str_c(path), ".json"))
		return;
	doc = files_vars(&s->files, path, errs);
	if (!doc)
		return;
	if (!*into)
		*into = value_map(s->a);
	for (size_t i = 0; i < doc->map.n; i++) {
		map_set(s->a, *into, doc->map.e[i].key, doc->map.e[i].value);
	}
}

static void read_beside(struct site *s, const char *dir, const char *kind, const char *name,
	struct value **into, struct errs *errs)
{
	static const char *const ends[] = {"", ".yml", ".yaml", ".json"};

	if (strchr(name, '/'))
		return;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const char *path =
			dir_join(s->a, dir, arena_printf(s->a, "%s/%s%s", kind, name, ends[i]));
		if (is_there(path))
			read_vars_path(s, path, into, 0, errs);
	}
}

static void read_dir(struct site *s, const char *dir, bool play, struct errs *errs)
{
	struct inventory *inv = s->inv;
	if (is_dir(dir_join(s->a, dir, "group_vars")))
		for (size_t i = 0; i < inv->n_groups; i++)
			read_beside(s, dir, "group_vars", inv->groups[i]->name,
				play ? &inv->groups[i]->beside_play : &inv->groups[i]->beside_inv,
				errs);
	if (is_dir(dir_join(s->a, dir, "host_vars")))
		for (size_t i = 0; i < inv->n_hosts; i++)
			read_beside(s, dir, "host_vars", inv->hosts[i]->name,
				play ? &inv->hosts[i]->beside_play : &inv->hosts[i]->beside_inv,
				errs);
}

void site_beside_vars(struct site *s, struct errs *errs)
{
	for (size_t i = 0; i < s->inv->n_sources; i++) {
		const char *src = s->inv->sources[i];
		read_dir(s, is_dir(src) ? src : path_dir(s->a, src), false, errs);
	}
	read_dir(s, s->dir, true, errs);
}

struct collect {
	struct arena *a;
	struct layer *v;
	size_t n, cap;
};

static void add_layer(struct collect *c, const struct value *map, const char *fmt, const char *name)
{
	struct layer l = {.map = map};
	const char *pct;
	if (!map || map->map.n == 0)
		return;
	pct = strstr(fmt, "NAME");
	l.what = pct ? arena_printf(c->a, "%.*s%s%s", (int)(pct - fmt), fmt, name, pct + 4) : fmt;
	PUSH(c->a, c->v, c->n, c->cap, l);
}

static bool is_all(const struct group *g)
{
	return strcmp(g->name, "all") == 0;
}

size_t host_layers(
	const struct site *s, const struct invhost *h, struct arena *a, struct layer **out)
{
	struct collect c = {.a = a};
	(void)s;

	for (size_t i = 0; i < h->n_groups; i++)
		add_layer(&c, h->groups[i]->vars, "inventory, group NAME", h->groups[i]->name);
	for (size_t i = 0; i < h->n_groups; i++)
		if (is_all(h->groups[i])) {
			add_layer(&c, h->groups[i]->beside_inv, "group_vars/all of the inventory",
				"");
			add_layer(&c, h->groups[i]->beside_play, "group_vars/all", "");
		}
	for (size_t i = 0; i < h->n_groups; i++)
		if (!is_all(h->groups[i]))
			add_layer(&c, h->groups[i]->beside_inv, "group_vars/NAME of the inventory",
				h->groups[i]->name);
	for (size_t i = 0; i < h->n_groups; i++)
		if (!is_all(h->groups[i]))
			add_layer(&c, h->groups[i]->beside_play, "group_vars/NAME",
				h->groups[i]->name);
	add_layer(&c, h->vars, "inventory, host NAME", h->name);
	add_layer(&c, h->beside_inv, "host_vars/NAME of the inventory", h->name);
	add_layer(&c, h->beside_play, "host_vars/NAME", h->name);
	*out = c.v;
	return c.n;
}

struct value *host_merged(struct site *s, struct invhost *h)
{
	struct layer *l;
	size_t n;
	if (h->merged)
		return h->merged;
	h->merged = value_map(s->a);
	n = host_layers(s, h, s->a, &l);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < l[i].map->map.n; j++)
			if (!str_is(l[i].map->map.e[j].key, "ansible_group_priority"))
				map_set(s->a, h->merged, l[i].map->map.e[j].key,
					l[i].map->map.e[j].value);
	return h->merged;
}

struct value *magic_groups(struct site *s)
{
	if (s->groups_var)
		return s->groups_var;
	s->groups_var = value_map(s->a);
	s->groups_var->literal = true;
	for (size_t i = 0; i < s->inv->n_groups; i++) {
		struct value *list = value_list(s->a);
		struct invhost **hosts;
		size_t n = group_hosts(s->inv, s->inv->groups[i], s->a, &hosts);
		for (size_t j = 0; j < n; j++)
			list_add(s->a, list, value_text(s->a, hosts[j]->name));
		map_put(s->a, s->groups_var, s->inv->groups[i]->name, list);
	}
	return s->groups_var;
}
