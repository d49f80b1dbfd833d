/* SPDX-License-Identifier: MIT
 *
 * The variables that Ansible itself defines: about the run, the play, the host and the task. Knows
 * neither facts nor results.
 */
#include <limits.h>
#include "site/peers.h"

static struct value *names_list(struct arena *a, const char *const *names)
{
	struct value *list = value_list(a);
	list->literal = true;
	for (size_t i = 0; names && names[i]; i++)
		list_add(a, list, value_text(a, names[i]));
	return list;
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
		if (strcmp(h->groups[i]->name, "all") != 0)
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

static struct value *literal_list(struct arena *a)
{
	struct value *list = value_list(a);
	list->literal = true;
	return list;
}

/* The hosts that run the play together with this one. */
static struct value *batch_hosts(struct vars *v)
{
	const struct play_in *p = v->play;
	struct value *own = p->batch_of ? map_at(p->batch_of, v->host->name) : NULL;
	if (own)
		return own;
	return p->shown.serial ? value_unknown(v->a, "until the play's batches are determined")
			       : p->hosts_var;
}

static void magic_roles(struct vars *v, struct value *m)
{
	struct value *all = literal_list(v->a), *named = literal_list(v->a);
	struct value *dependent = literal_list(v->a);
	for (size_t i = 0; i < v->play->n_roles; i++) {
		const struct role *r = v->play->roles[i];
		struct value *name = value_text(v->a, r->name);
		list_add(v->a, all, name);
		list_add(v->a, r->dependency ? dependent : named, name);
	}
	map_put(v->a, m, "role_names", named);
	map_put(v->a, m, "ansible_play_role_names", named);
	map_put(v->a, m, "ansible_dependent_role_names", dependent);
	map_put(v->a, m, "ansible_role_names", all);
}

static void magic_play(struct vars *v, struct value *m)
{
	struct value *hosts;
	if (!v->play)
		return;
	hosts = v->play->hosts_var;
	map_put(v->a, m, "play_hosts", hosts); /* this and the next two are computed each time */
	map_put(v->a, m, "ansible_play_batch", hosts);
	map_put(v->a, m, "ansible_play_hosts", hosts);
	map_put(v->a, m, "ansible_play_hosts_all", hosts);
	put_text(v, m, "ansible_play_name", v->play->shown.name);
	magic_roles(v, m);
}

struct value *magic_of_play(struct vars *v, struct str name)
{
	if (!v->play)
		return NULL;
	if (str_is(name, "ansible_play_hosts"))
		return peers_left(v, v->play->hosts_var);
	if (str_is(name, "ansible_play_batch") || str_is(name, "play_hosts"))
		return peers_left(v, batch_hosts(v));
	return NULL;
}

/* ---- where the inventory is ---- */
static void magic_inventory(struct vars *v, struct value *m)
{
	const struct site *s = v->s;
	const char *src = s->inv->n_sources ? s->inv->sources[0] : NULL;
	const char *list = !src && s->opt.inventories ? s->opt.inventories[0] : NULL;
	struct value *sources = literal_list(v->a);
	char abs[PATH_MAX];
	if (src && !s->inventory_abs && realpath(src, abs))
		v->s->inventory_abs = arena_strdup(s->a, abs);
	src = s->inventory_abs;
	map_put(v->a, m, "inventory_dir", value_null(v->a));
	map_put(v->a, m, "inventory_file", value_null(v->a));
	if (src) {
		put_text(v, m, "inventory_file", src);
		put_text(v, m, "inventory_dir", is_dir(src) ? src : path_dir(v->a, src));
	} else if (list) { /* "a,b," */
		put_text(v, m, "inventory_file", list);
	}
	for (size_t i = 0; s->opt.inventories && s->opt.inventories[i]; i++)
		list_add(v->a, sources, value_text(v->a, s->opt.inventories[i]));
	for (size_t i = 0; !sources->list.n && i < s->inv->n_sources; i++)
		list_add(v->a, sources, value_text(v->a, s->inv->sources[i]));
	map_put(v->a, m, "ansible_inventory_sources", sources);
}

static void magic_options(struct vars *v, struct value *m)
{
	const struct site_options *o = &v->s->opt;
	map_put(v->a, m, "ansible_run_tags",
		names_list(v->a, v->s->tags ? v->s->tags : (const char *[]){"all", NULL}));
	map_put(v->a, m, "ansible_skip_tags", names_list(v->a, v->s->skip_tags));
	map_put(v->a, m, "ansible_forks", value_int(v->a, o->forks));
	map_put(v->a, m, "ansible_verbosity", value_int(v->a, o->verbosity));
	map_put(v->a, m, "ansible_config_file", value_null(v->a)); /* ansible.cfg is not read */
	map_put(v->a, m, "ansible_check_mode", value_bool(v->a, false));
	map_put(v->a, m, "ansible_diff_mode", value_bool(v->a, false));
	if (o->limit)
		put_text(v, m, "ansible_limit", o->limit);
}

struct value *magic_vars(struct vars *v)
{
	struct value *m = value_map(v->a);
	const char *host = v->host->name, *dot = strchr(host, '.');
	put_text(v, m, "inventory_hostname", host);
	put_text(v, m, "inventory_hostname_short",
		dot ? str_dup(v->a, host, (size_t)(dot - host)).p : host);
	put_text(v, m, "playbook_dir", v->s->abs_dir);
	map_put(v->a, m, "groups", magic_groups(v->s));
	map_put(v->a, m, "group_names", group_names(v->a, v->host));
	put_text(v, m, "ansible_managed", "Ansible managed");
	map_put(v->a, m, "ansible_version", version_var(v->a));
	put_text(v, m, "omit", OMIT);
	magic_inventory(v, m);
	magic_options(v, m);
	magic_play(v, m);
	return m;
}

/* ---- of the task at hand ---- */
static void add_path(struct value *list, struct arena *a, const char *path)
{
	for (size_t i = 0; i < list->list.n; i++)
		if (str_is(list->list.v[i]->s, path))
			return;
	list_add(a, list, value_text(a, path));
}

/* Folders in which its files are searched: its roles, its own folder, the manifest's. */
static struct value *search_path(struct vars *v)
{
	struct value *list = literal_list(v->a);
	char abs[PATH_MAX];
	for (const struct role_use *u = v->task->role; u; u = u->parent)
		add_path(list, v->a, u->role->abs_path);
	if (v->task->file && realpath(path_dir(v->a, v->task->file), abs))
		add_path(list, v->a, abs);
	add_path(list, v->a, v->s->abs_dir);
	return list;
}

/* The roles that included the task's role, the nearest first. */
static struct value *parent_roles(struct vars *v, bool paths)
{
	struct value *list = literal_list(v->a);
	const struct role_use *u = v->task->role;
	for (u = u ? u->parent : NULL; u; u = u->parent)
		list_add(v->a, list, value_text(v->a, paths ? u->role->abs_path : u->role->name));
	return list->list.n ? list : NULL;
}

struct value *magic_of_task(struct vars *v, struct str name)
{
	if (!v->task)
		return NULL;
	if (str_is(name, "environment")) /* always empty: it does not show the keyword */
		return literal_list(v->a);
	if (str_is(name, "ansible_search_path"))
		return search_path(v);
	if (str_is(name, "ansible_parent_role_names"))
		return parent_roles(v, false);
	if (str_is(name, "ansible_parent_role_paths"))
		return parent_roles(v, true);
	return str_is(name, "ansible_collection_name") && v->task->role ? value_null(v->a) : NULL;
}
