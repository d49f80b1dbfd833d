/* SPDX-License-Identifier: MIT
 *
 * The inventory's layers of a host, group_vars and host_vars, the magic variables, and hostvars.
 * Knows nothing of tasks.
 */
#include <limits.h>
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
	doc = files_yaml(&s->files, path, errs);
	if (!doc || doc->type == VALUE_NULL)
		return;
	if (doc->type != VALUE_MAP) {
		errs_add(errs, doc->pos, "a file of variables must be a map, not %s",
			value_type_name(doc));
		return;
	}
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

		if (is_file(path) || is_dir(path))
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

static void add(struct collect *c, const struct value *map, const char *fmt, const char *name)
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
		add(&c, h->groups[i]->vars, "inventory, group NAME", h->groups[i]->name);
	for (size_t i = 0; i < h->n_groups; i++)
		if (is_all(h->groups[i])) {
			add(&c, h->groups[i]->beside_inv, "group_vars/all of the inventory", "");
			add(&c, h->groups[i]->beside_play, "group_vars/all", "");
		}
	for (size_t i = 0; i < h->n_groups; i++)
		if (!is_all(h->groups[i]))
			add(&c, h->groups[i]->beside_inv, "group_vars/NAME of the inventory",
				h->groups[i]->name);
	for (size_t i = 0; i < h->n_groups; i++)
		if (!is_all(h->groups[i]))
			add(&c, h->groups[i]->beside_play, "group_vars/NAME", h->groups[i]->name);
	add(&c, h->vars, "inventory, host NAME", h->name);
	add(&c, h->beside_inv, "host_vars/NAME of the inventory", h->name);
	add(&c, h->beside_play, "host_vars/NAME", h->name);
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

static struct value *names_list(struct arena *a, const char *const *names)
{
	struct value *list = value_list(a);

	list->literal = true;
	for (size_t i = 0; names && names[i]; i++)
		list_add(a, list, value_text(a, names[i]));
	return list;
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

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static struct value *group_names(struct arena *a, const struct invhost *h)
{
	const char **names = arena_calloc(a, h->n_groups + 1, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < h->n_groups; i++)
		if (!is_all(h->groups[i]))
			names[n++] = h->groups[i]->name;
	qsort(names, n, sizeof(*names), by_text);
	return names_list(a, names);
}

static void put_text(struct vars *v, struct value *m, const char *name, const char *text)
{
	struct value *x = value_text(v->a, text);

	x->literal = true;
	map_put(v->a, m, name, x);
}

static struct value *version_var(struct arena *a)
{
	struct value *m = value_map(a);

	m->literal = true;
	map_put(a, m, "full", value_text(a, "2.14.0"));
	map_put(a, m, "string", value_text(a, "2.14.0"));
	map_put(a, m, "major", value_int(a, 2));
	map_put(a, m, "minor", value_int(a, 14));
	map_put(a, m, "revision", value_int(a, 0));
	return m;
}

static void magic_play(struct vars *v, struct value *m)
{
	struct value *hosts, *roles = value_list(v->a);

	if (!v->play)
		return;
	hosts = v->play->hosts_var;
	map_put(v->a, m, "play_hosts", hosts);
	map_put(v->a, m, "ansible_play_hosts", hosts);
	map_put(v->a, m, "ansible_play_hosts_all", hosts);
	map_put(v->a, m, "ansible_play_batch", hosts);
	put_text(v, m, "ansible_play_name", v->play->face.name);
	for (size_t i = 0; i < v->play->n_roles; i++)
		list_add(v->a, roles, value_text(v->a, v->play->roles[i]->name));
	roles->literal = true;
	map_put(v->a, m, "role_names", roles);
	map_put(v->a, m, "ansible_play_role_names", roles);
}

struct value *magic_vars(struct vars *v)
{
	struct value *m = value_map(v->a);
	const char *host = v->host->name, *dot = strchr(host, '.');
	const char *src = v->s->inv->n_sources ? v->s->inv->sources[0] : NULL;
	char abs[PATH_MAX];

	put_text(v, m, "inventory_hostname", host);
	put_text(v, m, "inventory_hostname_short",
		dot ? str_dup(v->a, host, (size_t)(dot - host)).p : host);
	put_text(v, m, "playbook_dir", v->s->abs_dir);
	if (src && realpath(src, abs)) {
		put_text(v, m, "inventory_file", abs);
		put_text(v, m, "inventory_dir", is_dir(abs) ? abs : path_dir(v->a, abs));
	}
	map_put(v->a, m, "groups", magic_groups(v->s));
	map_put(v->a, m, "group_names", group_names(v->a, v->host));
	map_put(v->a, m, "ansible_check_mode", value_bool(v->a, false));
	map_put(v->a, m, "ansible_diff_mode", value_bool(v->a, false));
	put_text(v, m, "ansible_managed", "Ansible managed");
	map_put(v->a, m, "ansible_version", version_var(v->a));
	put_text(v, m, "omit", OMIT);
	map_put(v->a, m, "ansible_run_tags",
		names_list(v->a, v->s->tags ? v->s->tags : (const char *[]){"all", NULL}));
	map_put(v->a, m, "ansible_skip_tags", names_list(v->a, v->s->skip_tags));
	magic_play(v, m);
	return m;
}

static struct value *host_resolved(struct site *s, struct invhost *h)
{
	struct arena *a = arena_new(); /* what is left over of thousands of hosts would add up */
	struct vars *v = vars_new(s, a, h, NULL, NULL);
	struct value *raw = host_merged(s, h), *out = value_map(a);

	for (size_t i = 0; i < raw->map.n; i++) {
		struct err e = {0};
		struct value *x = vars_resolve(v, raw->map.e[i].value, &e);

		if (!x)
			x = value_undefined(
				a, e.pos, "'%s' is undefined", raw->map.e[i].key.p);
		map_set(a, out, raw->map.e[i].key, x);
	}
	for (size_t i = 0; i < v->magic->map.n; i++)
		if (!str_is(v->magic->map.e[i].key, "omit") &&
			v->magic->map.e[i].value != s->groups_var)
			map_set(a, out, v->magic->map.e[i].key, v->magic->map.e[i].value);
	out = value_copy(s->a, out);
	map_put(s->a, out, "groups", s->groups_var);
	out->literal = true;
	arena_free(a);
	return out;
}

/* Other hosts' inventory variables, each evaluated for its own host; facts are not among them. */
struct value *magic_hostvars(struct site *s)
{
	if (s->hostvars || s->hostvars_busy)
		return s->hostvars;
	s->hostvars_busy = true;
	s->hostvars = value_map(s->a);
	s->hostvars->literal = true;
	for (size_t i = 0; i < s->inv->n_hosts; i++)
		map_put(s->a, s->hostvars, s->inv->hosts[i]->name,
			host_resolved(s, s->inv->hosts[i]));
	s->hostvars_busy = false;
	return s->hostvars;
}
