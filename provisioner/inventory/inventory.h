/* SPDX-License-Identifier: MIT
 *
 * Floor 4: the hosts and groups of all inventory sources, and the variables that they define.
 *
 *   inv = inventory_new(a);  inventory_read(inv, files, "hosts.yml", &errs); inventory_finish(inv);
 */
#pragma once
#include "inventory/files.h"

struct group {
	const char *name;
	struct value *vars;        /* of the inventory file */
	struct value *beside_inv;  /* group_vars beside the inventory; NULL: none */
	struct value *beside_play; /* group_vars beside the manifest */
	struct group **child;
	size_t n_child, cap_child;
	struct group **parent;
	size_t n_parent, cap_parent;
	struct invhost **host;
	size_t n_host, cap_host;
	size_t visit;     /* the last walk that visited this group */
	size_t depth;     /* its distance from `all`, by the longest path */
	size_t above;     /* while depths are computed: parents not yet done */
	int64_t priority; /* ansible_group_priority */
};
struct invhost {
	const char *name;
	struct value *vars;
	struct value *beside_inv, *beside_play;
	struct group **direct;
	size_t n_direct, cap_direct;
	struct group **groups; /* with ancestors, lowest precedence first; see inventory_finish */
	size_t n_groups;
	struct value *merged; /* made by vars.c on first use */
	bool implicit;        /* localhost, in no inventory */
	size_t order;
};
struct inventory {
	struct arena *a;
	struct group **groups;
	size_t n_groups, cap_groups;
	struct invhost **hosts;
	size_t n_hosts, cap_hosts;
	struct value *group_index, *host_index;
	const char **sources; /* files and folders read */
	size_t n_sources, cap_sources;
	size_t visits; /* number of walks over the groups so far */
	bool given;    /* an inventory was given */
	bool full;     /* it has too many hosts, and this was reported */
};

enum { INVENTORY_HOSTS = 200000, INVENTORY_DEPTH = 64 }; /* depth: nesting in a YAML file */

struct inventory *inventory_new(struct arena *a);
/* A file, a folder of them, or a list of hosts "a,b,". Problems go to errs. */
void inventory_read(
	struct inventory *inv, struct files *files, const char *source, struct errs *errs);
/* Puts every group below `all`, hosts without a group into `ungrouped`, computes the order. */
void inventory_finish(struct inventory *inv);
struct invhost *inventory_host(const struct inventory *inv, struct str name); /* or NULL */
struct group *inventory_group(const struct inventory *inv, struct str name);  /* or NULL */
/* The hosts of a group and of its descendants, each once, in order. */
size_t group_hosts(
	const struct inventory *inv, const struct group *g, struct arena *a, struct invhost ***out);

/* ---- for the readers ---- */
struct group *inventory_add_group(struct inventory *inv, struct str name);
struct invhost *inventory_add_host(struct inventory *inv, struct str name);
/* Reports an inventory with too many hosts once, and adds no more. */
void inventory_bound(struct inventory *inv, struct pos pos, struct errs *errs);
void group_add_host(struct inventory *inv, struct group *g, struct invhost *h);
bool group_add_child(struct inventory *inv, struct group *g, struct group *child, struct pos pos,
	struct errs *errs);
/* "mx[01:20].example.com" yields 20 names (Ansible's ranges: numbers, letters, a step). */
bool range_expand(struct arena *a, struct str pattern, struct pos pos, struct str **out, size_t *n,
	struct errs *errs);
void inventory_yaml(struct inventory *inv, struct value *doc, const char *file, struct errs *errs);
void inventory_ini(struct inventory *inv, struct str text, const char *file, struct errs *errs);
/* A Python literal (number, quoted text, list, dict, True/False/None), as Ansible reads values in
 * an INI inventory; anything else is text. */
struct value *literal_parse(struct arena *a, struct str s, struct pos pos);
