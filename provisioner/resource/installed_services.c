/* SPDX-License-Identifier: MIT
 *
 * The type `installed_services`: starts services that packages have installed and enabled. Runs at
 * the end of a play that changed packages; never starts what a task has stopped.
 */
#include "host/held.h"
#include "resource/service.h"
#include "resource/types.h"

enum { NAMES_MAX = 1024 };

static const struct field installed_services_fields[] = {
	{.name = "except", .kind = FIELD_LIST, .doc = "Services to leave as they are."},
	{.name = NULL},
};

static const struct field installed_services_returns[] = {
	{.name = "started", .kind = FIELD_LIST, .doc = "Units that were started."},
	{.name = NULL},
};

/* A SysV script starts at boot by its links. */
static bool starts_at_boot(const struct unit *u)
{
	return u->enabled == UNIT_ENABLED || u->enabled == UNIT_RUNTIME ||
	       strcmp(u->file_state, "generated") == 0;
}

/* One unit may have several names: a script's and its own. */
static bool is_among(const struct unit *u, const struct unit *units, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(units[i].id, u->id) == 0)
			return true;
	return false;
}

static struct args excepted_names(struct host *h, const struct value *params)
{
	const struct value *list = map_at(params, "except");
	struct args names = {0};
	for (size_t i = 0; list && i < list->list.n && i < NAMES_MAX; i++)
		if (list->list.v[i]->type == VALUE_STR && unit_name_valid(list->list.v[i]->s.p))
			args_add(h->a, &names, list->list.v[i]->s.p);
	return names;
}

static bool find_units(struct host *h, const struct args *names, struct unit **out, struct err *e)
{
	*out = ARENA_ARRAY(h->a, struct unit, names->n + 1);
	return names->n == 0 || service_manager()->query(h, names->v, names->n, *out, e);
}

static bool installed_services_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct args held = {0}, except = excepted_names(h, params);
	struct unit *units, *stay;
	if (!held_read(h->a, HELD_FILE, &held, e) || !find_units(h, &held, &units, e) ||
		!find_units(h, &except, &stay, e))
		return false;
	for (size_t i = 0; i < held.n; i++) {
		const struct unit *u = &units[i];
		if (u->found && !u->running && !u->masked && starts_at_boot(u) &&
			!is_among(u, stay, except.n) && !is_among(u, units, i))
			observe_run(h, o, "start", arena_strdup(h->a, u->id));
	}
	return true;
}

/* As in the type service: waits until the unit stays active. */
static bool start_unit(struct host *h, const char *unit, struct err *e)
{
	struct value *params = value_map(h->a);
	struct observation o;
	map_put(h->a, params, "name", value_text(h->a, unit));
	map_put(h->a, params, "state", value_text(h->a, "started"));
	observation_init(h, &o);
	service_forget();
	if (restype_service.observe(h, params, &o, e) && restype_service.apply(h, params, &o, e))
		return true;
	return err_prefix(e,
		"a package has installed and enabled %s, but it does not start (a task with "
		"`state: stopped` would leave it off)",
		unit);
}

static bool installed_services_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct value *started = value_list(h->a);
	(void)params;
	for (size_t i = 0; i < o->changes->list.n; i++) {
		const struct value *unit = map_at(o->changes->list.v[i], "after");
		if (!unit || unit->type != VALUE_STR)
			continue;
		if (!start_unit(h, unit->s.p, e))
			return false;
		list_add(h->a, started, value_text(h->a, unit->s.p));
	}
	map_put(h->a, o->result, "started", started);
	return held_forget(HELD_FILE, e);
}

static const char *installed_services_summary(struct arena *a, const struct value *params)
{
	(void)a;
	(void)params;
	return "start units that they have enabled and that are not running";
}

const struct restype restype_installed_services = {
	.name = "installed_services",
	.doc = "Starts services that packages have installed and enabled, once their installation "
	       "is over. Every play that changes packages ends with it.",
	.example = "- name: Start what the packages have installed\n  installed_services:\n",
	.fields = installed_services_fields,
	.returns = installed_services_returns,
	.class = RES_SERVICE,
	.touches = RES_SERVICE | RES_COMMAND,
	.moved_by = RES_PACKAGE,
	.summary = installed_services_summary,
	.observe = installed_services_observe,
	.apply = installed_services_apply,
};
