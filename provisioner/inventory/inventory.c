/* SPDX-License-Identifier: MIT
 *
 * Hosts and groups: the graph, its order, and its sources. Executes nothing: an inventory that is a
 * program is refused.
 */
#include <sys/stat.h>
#include <unistd.h>
#include "inventory/inventory.h"

struct inventory *inventory_new(struct arena *a)
{
	struct inventory *inv = ARENA_NEW(a, struct inventory);
	inv->a = a;
	inv->group_index = value_map(a);
	inv->host_index = value_map(a);
	inventory_add_group(inv, str_c("all"));
	inventory_add_group(inv, str_c("ungrouped"));
	return inv;
}

struct group *inventory_group(const struct inventory *inv, struct str name)
{
	struct value *i = map_get(inv->group_index, name);
	return i ? inv->groups[i->i] : NULL;
}

struct invhost *inventory_host(const struct inventory *inv, struct str name)
{
	struct value *i = map_get(inv->host_index, name);
	return i ? inv->hosts[i->i] : NULL;
}

struct group *inventory_add_group(struct inventory *inv, struct str name)
{
	struct group *g = inventory_group(inv, name);
	if (g)
		return g;
	g = ARENA_NEW(inv->a, struct group);
	g->name = str_dup(inv->a, name.p, name.n).p;
	g->vars = value_map(inv->a);
	g->priority = 1;
	map_put(inv->a, inv->group_index, g->name, value_int(inv->a, (int64_t)inv->n_groups));
	PUSH(inv->a, inv->groups, inv->n_groups, inv->cap_groups, g);
	return g;
}

struct invhost *inventory_add_host(struct inventory *inv, struct str name)
{
	struct invhost *h = inventory_host(inv, name);
	if (h)
		return h;
	h = ARENA_NEW(inv->a, struct invhost);
	h->name = str_dup(inv->a, name.p, name.n).p;
	h->vars = value_map(inv->a);
	h->order = inv->n_hosts;
	map_put(inv->a, inv->host_index, h->name, value_int(inv->a, (int64_t)inv->n_hosts));
	PUSH(inv->a, inv->hosts, inv->n_hosts, inv->cap_hosts, h);
	return h;
}

void inventory_bound(struct inventory *inv, struct pos pos, struct errs *errs)
{
	if (inv->n_hosts <= INVENTORY_HOSTS || inv->full)
		return;
	inv->full = true;
	errs_add(errs, pos,
		"an inventory may have at most %d hosts, and this one has more; split it and pass "
		"one part with -i",
		INVENTORY_HOSTS);
}

void group_add_host(struct inventory *inv, struct group *g, struct invhost *h)
{
	for (size_t i = 0; i < h->n_direct; i++)
		if (h->direct[i] == g)
			return;
	PUSH(inv->a, g->host, g->n_host, g->cap_host, h);
	PUSH(inv->a, h->direct, h->n_direct, h->cap_direct, g);
}

/* Is one group an ancestor of another? Visits each group once, however many paths lead to it. */
static bool stands_above(struct inventory *inv, struct group *g, const struct group *what)
{
	struct arena *own = arena_new();
	struct group **todo = NULL;
	size_t n = 0, cap = 0, visit = ++inv->visits;
	bool found = false;
	PUSH(own, todo, n, cap, g);
	for (size_t i = 0; i < n && !found; i++) {
		found = todo[i] == what;
		for (size_t j = 0; j < todo[i]->n_parent; j++) {
			struct group *up = todo[i]->parent[j];
			if (up->visit != visit)
				PUSH(own, todo, n, cap, up);
			up->visit = visit;
		}
	}
	arena_free(own);
	return found;
}

bool group_add_child(struct inventory *inv, struct group *g, struct group *child, struct pos pos,
	struct errs *errs)
{
	for (size_t i = 0; i < child->n_parent; i++)
		if (child->parent[i] == g)
			return true;
	if (stands_above(inv, g, child))
		return errs_add(errs, pos,
			"group '%s' cannot be a child of '%s': it is its ancestor", child->name,
			g->name);
	PUSH(inv->a, g->child, g->n_child, g->cap_child, child);
	PUSH(inv->a, child->parent, child->n_parent, child->cap_parent, g);
	return true;
}

size_t group_hosts(
	const struct inventory *inv, const struct group *g, struct arena *a, struct invhost ***out)
{
	const struct group **todo = NULL;
	size_t n = 0, cap = 0, n_out = 0, cap_out = 0;
	struct arena *own = arena_new(); /* freed here: a chain of thousands of groups needs much */
	bool *seen = arena_calloc(own, inv->n_hosts + 1, sizeof(bool));
	struct value *queued = value_map(own);
	*out = NULL;
	PUSH(own, todo, n, cap, g);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < todo[i]->n_host; j++) {
			struct invhost *h = todo[i]->host[j];
			if (seen[h->order])
				continue;
			seen[h->order] = true;
			PUSH(a, *out, n_out, cap_out, h);
		}
		for (size_t j = 0; j < todo[i]->n_child; j++) {
			if (map_at(queued, todo[i]->child[j]->name))
				continue;
			map_put(own, queued, todo[i]->child[j]->name, value_null(own));
			PUSH(own, todo, n, cap, todo[i]->child[j]);
		}
	}
	arena_free(own);
	return n_out;
}

/* Each group after all its ancestors. */
static void count_depths(struct inventory *inv)
{
	struct arena *own = arena_new();
	struct group **todo = ARENA_ARRAY(own, struct group *, inv->n_groups + 1);
	size_t n = 0;
	for (size_t i = 0; i < inv->n_groups; i++) {
		inv->groups[i]->depth = 0;
		inv->groups[i]->above = inv->groups[i]->n_parent;
		if (!inv->groups[i]->n_parent)
			todo[n++] = inv->groups[i];
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < todo[i]->n_child; j++) {
			struct group *child = todo[i]->child[j];
			if (child->depth <= todo[i]->depth)
				child->depth = todo[i]->depth + 1;
			if (--child->above == 0)
				todo[n++] = child;
		}
	arena_free(own);
}

static int group_order(const void *x, const void *y)
{
	const struct group *a = *(struct group *const *)x, *b = *(struct group *const *)y;
	if (a->depth != b->depth)
		return a->depth < b->depth ? -1 : 1;
	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void add_group(struct inventory *inv, struct invhost *h, struct group *g, size_t *cap)
{
	if (g->visit != inv->visits)
		PUSH(inv->a, h->groups, h->n_groups, *cap, g);
	g->visit = inv->visits;
}

/* Its own groups and all their ancestors. */
static void collect_groups(struct inventory *inv, struct invhost *h)
{
	size_t cap = 0;
	inv->visits++;
	h->n_groups = 0;
	for (size_t i = 0; i < h->n_direct; i++)
		add_group(inv, h, h->direct[i], &cap);
	for (size_t i = 0; i < h->n_groups; i++)
		for (size_t j = 0; j < h->groups[i]->n_parent; j++)
			add_group(inv, h, h->groups[i]->parent[j], &cap);
	if (h->n_groups == 0)
		add_group(inv, h, inv->groups[0], &cap);
	qsort(h->groups, h->n_groups, sizeof(*h->groups), group_order);
}

static int64_t priority_of(const struct group *g)
{
	const struct value *p = map_at(g->vars, "ansible_group_priority");
	if (p && p->type == VALUE_INT)
		return p->i;
	return p && p->type == VALUE_STR ? strtol(p->s.p, NULL, 10) : 1;
}

void inventory_finish(struct inventory *inv)
{
	struct group *all = inv->groups[0], *ungrouped = inv->groups[1];
	struct errs none;
	errs_init(&none, inv->a);
	for (size_t i = 0; i < inv->n_hosts; i++) {
		struct invhost *h = inv->hosts[i];
		if (!h->implicit && (h->n_direct == 0 || (h->n_direct == 1 && h->direct[0] == all)))
			group_add_host(inv, ungrouped, h);
	}
	for (size_t i = 1; i < inv->n_groups; i++)
		if (inv->groups[i]->n_parent == 0)
			group_add_child(inv, all, inv->groups[i], (struct pos){0}, &none);
	count_depths(inv);
	for (size_t i = 0; i < inv->n_groups; i++)
		inv->groups[i]->priority = priority_of(inv->groups[i]);
	for (size_t i = 0; i < inv->n_hosts; i++)
		collect_groups(inv, inv->hosts[i]);
}

static bool is_ignored(const char *name)
{
	static const char *const ends[] = {"~", ".orig", ".bak", ".ini~", ".cfg", ".retry", ".pyc",
		".pyo", ".md", ".swp", ".j2", ".key", ".pub", ".pem"};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_ends(str_c(name), ends[i]))
			return true;
	return strcmp(name, "group_vars") == 0 || strcmp(name, "host_vars") == 0;
}

static void read_folder(
	struct inventory *inv, struct files *files, const char *dir, int depth, struct errs *errs)
{
	const char **names;
	size_t n = dir_list(inv->a, dir, &names);
	for (size_t i = 0; i < n; i++) {
		char *path = dir_join(inv->a, dir, names[i]);
		if (is_ignored(names[i]))
			continue;
		if (is_dir(path) && depth < 3)
			read_folder(inv, files, path, depth + 1, errs);
		else if (is_there(path))
			inventory_read(inv, files, path, errs);
	}
}

static void read_list(struct inventory *inv, const char *source, struct errs *errs)
{
	const char **names = split_commas(inv->a, source);
	struct pos none = {0};
	for (size_t i = 0; names[i]; i++) {
		struct str *hosts;
		size_t n;
		if (!range_expand(inv->a, str_c(names[i]), none, &hosts, &n, errs))
			continue;
		for (size_t j = 0; j < n && !inv->full; j++) {
			group_add_host(inv, inv->groups[1], inventory_add_host(inv, hosts[j]));
			inventory_bound(inv, none, errs);
		}
	}
}

static bool looks_like_yaml(const char *path, struct str text)
{
	if (str_ends(str_c(path), ".yml") || str_ends(str_c(path), ".yaml") ||
		str_ends(str_c(path), ".json"))
		return true;
	if (str_ends(str_c(path), ".ini"))
		return false;
	return str_starts(text, "---") || str_starts(text, "all:") || str_starts(text, "{");
}

void inventory_read(
	struct inventory *inv, struct files *files, const char *source, struct errs *errs)
{
	struct err e = {0};
	struct file *f;
	if (strchr(source, ',')) {
		read_list(inv, source, errs);
		return;
	}
	PUSH(inv->a, inv->sources, inv->n_sources, inv->cap_sources, source);
	if (is_dir(source)) {
		read_folder(inv, files, source, 0, errs);
		return;
	}
	f = files_get(files, source, &e);
	if (!f) {
		if (!e.kind)
			err_set(&e, ERR_CONFIG,
				"inventory '%s' does not exist; a list of hosts must end with a "
				"comma",
				source);
		errs_take(errs, &e);
	} else if (str_starts(str_no_bom(f->text), "#!") && access(source, X_OK) == 0) {
		errs_add(errs, (struct pos){f->path, 1, 1},
			"inventory programs are not supported yet");
	} else if (looks_like_yaml(source, str_no_bom(f->text))) {
		struct value *doc = files_yaml(files, source, errs);
		if (doc)
			inventory_yaml(inv, doc, f->path, errs);
	} else {
		inventory_ini(inv, str_no_bom(f->text), f->path, errs);
	}
}
