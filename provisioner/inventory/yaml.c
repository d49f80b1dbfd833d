/* SPDX-License-Identifier: MIT
 *
 * Inventories in YAML: groups with hosts, children and vars. Only adds to the graph; does not check
 * the values of variables.
 */
#include "inventory/inventory.h"

struct reader {
	struct inventory *inv;
	struct errs *errs;
	int depth;
};

static void put_vars(
	struct reader *r, struct value *into, const struct value *vars, const char *what)
{
	if (!vars || vars->type == VALUE_NULL)
		return;
	if (vars->type != VALUE_MAP) {
		errs_add(r->errs, vars->pos, "%s must be a map of variables, not %s", what,
			value_type_name(vars));
		return;
	}
	for (size_t i = 0; i < vars->map.n; i++)
		map_set(r->inv->a, into, vars->map.e[i].key, vars->map.e[i].value);
}

static void read_hosts(struct reader *r, struct group *g, const struct value *hosts)
{
	if (hosts->type == VALUE_NULL)
		return;
	if (hosts->type != VALUE_MAP) {
		errs_add(r->errs, hosts->pos,
			"hosts of group '%s' must be a map: each host name followed by a colon",
			g->name);
		return;
	}
	for (size_t i = 0; i < hosts->map.n; i++) {
		const struct map_entry *e = &hosts->map.e[i];
		struct str *names;
		size_t n;
		if (!range_expand(r->inv->a, e->key, e->key_pos, &names, &n, r->errs))
			continue;
		for (size_t j = 0; j < n && !r->inv->full; j++) {
			struct invhost *h = inventory_add_host(r->inv, names[j]);
			group_add_host(r->inv, g, h);
			put_vars(r, h->vars, e->value, "the variables of a host");
			inventory_bound(r->inv, e->key_pos, r->errs);
		}
	}
}

static void read_group(struct reader *r, struct str name, struct value *def);

static void read_children(struct reader *r, struct group *g, const struct value *children)
{
	if (children->type == VALUE_NULL)
		return;
	if (children->type != VALUE_MAP) {
		errs_add(r->errs, children->pos,
			"children of group '%s' must be a map: each group name followed by a colon",
			g->name);
		return;
	}
	for (size_t i = 0; i < children->map.n; i++) {
		const struct map_entry *e = &children->map.e[i];
		struct group *child = inventory_add_group(r->inv, e->key);
		if (group_add_child(r->inv, g, child, e->key_pos, r->errs))
			read_group(r, e->key, e->value);
	}
}

static void read_group(struct reader *r, struct str name, struct value *def)
{
	static const char *const keys[] = {"hosts", "children", "vars", NULL};
	struct group *g = inventory_add_group(r->inv, name);

	if (!def || def->type == VALUE_NULL)
		return;
	if (def->type != VALUE_MAP) {
		errs_add(r->errs, def->pos, "group '%s' must be a map with hosts, children or vars",
			g->name);
		return;
	}
	if (++r->depth > INVENTORY_DEPTH) {
		errs_add(r->errs, def->pos, "groups are nested too deeply");
		return;
	}
	for (size_t i = 0; i < def->map.n; i++) {
		const struct map_entry *e = &def->map.e[i];
		const char *near;
		if (str_is(e->key, "hosts")) {
			read_hosts(r, g, e->value);
		} else if (str_is(e->key, "children")) {
			read_children(r, g, e->value);
		} else if (str_is(e->key, "vars")) {
			put_vars(r, g->vars, e->value, "vars");
		} else {
			near = str_nearest(e->key.p, keys);
			errs_add(r->errs, e->key_pos, "unknown key '%s' in group '%s' (%s%s%s)",
				e->key.p, g->name,
				near ? "did you mean '" : "it may have hosts, children, vars",
				near ? near : "", near ? "'?" : "");
		}
	}
	r->depth--;
}

void inventory_yaml(struct inventory *inv, struct value *doc, const char *file, struct errs *errs)
{
	struct reader r = {.inv = inv, .errs = errs};
	if (doc->type == VALUE_NULL)
		return;
	if (doc->type != VALUE_MAP) {
		errs_add(errs, doc->pos.line ? doc->pos : (struct pos){file, 1, 1},
			"an inventory must be a map of groups, not %s", value_type_name(doc));
		return;
	}
	for (size_t i = 0; i < doc->map.n; i++)
		read_group(&r, doc->map.e[i].key, doc->map.e[i].value);
}
