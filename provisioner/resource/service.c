/* SPDX-License-Identifier: MIT
 *
 * The types `service` and `systemd`: whether a service runs, starts at boot, is masked; and its
 * restart or reload.
 */
#include "host/foresight.h"
#include "resource/service.h"
#include "resource/types.h"

#define STATE_DOC                                                                           \
	"started and stopped are states. restarted always restarts; reloaded makes the "    \
	"service load its configuration (restarts it if it cannot reload, starts it if it " \
	"is stopped)."

static const struct field service_fields[] = {
	{.name = "name", .kind = FIELD_STR, .flags = FIELD_REQUIRED, .doc = "The service's name."},
	{.name = "state",
		.kind = FIELD_ENUM,
		.choices = "started stopped restarted reloaded",
		.doc = STATE_DOC},
	{.name = "enabled", .kind = FIELD_BOOL, .doc = "Whether it starts at boot."},
	{.name = "use",
		.kind = FIELD_ENUM,
		.choices = "auto service systemd ansible.builtin.systemd ansible.builtin.service",
		.flags = FIELD_ACTION,
		.doc = "Accepted; systemd is used where it runs, else the SysV script."},
	{.name = "pattern",
		.kind = FIELD_STR,
		.flags = FIELD_LATER,
		.doc = "Text to find in the process list if the script has no status action."},
	{.name = "sleep",
		.kind = FIELD_INT,
		.flags = FIELD_LATER,
		.doc = "Seconds between stop and start of a restart."},
	{.name = "runlevel", .kind = FIELD_STR, .flags = FIELD_LATER, .doc = "OpenRC's runlevel."},
	{.name = "arguments",
		.kind = FIELD_STR,
		.flags = FIELD_LATER,
		.aliases = "args",
		.doc = "Arguments for the SysV script."},
	{0},
};

static const struct field systemd_fields[] = {
	{.name = "name",
		.kind = FIELD_STR,
		.aliases = "service unit",
		.doc = "The unit's name; '.service' may be omitted."},
	{.name = "state",
		.kind = FIELD_ENUM,
		.choices = "started stopped restarted reloaded",
		.doc = STATE_DOC},
	{.name = "enabled", .kind = FIELD_BOOL, .doc = "Whether it starts at boot."},
	{.name = "masked", .kind = FIELD_BOOL, .doc = "Whether it is masked: nothing starts it."},
	{.name = "daemon_reload",
		.kind = FIELD_BOOL,
		.aliases = "daemon-reload",
		.dflt = "false",
		.doc = "Make systemd reload changed unit files first."},
	{.name = "no_block",
		.kind = FIELD_BOOL,
		.flags = FIELD_ACTION,
		.dflt = "false",
		.doc = "Do not wait until the service runs, and do not verify it."},
	{.name = "scope",
		.kind = FIELD_ENUM,
		.choices = "system",
		.dflt = "system",
		.doc = "The system's units; units of users are not supported yet."},
	{.name = "daemon_reexec",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.aliases = "daemon-reexec",
		.doc = "Re-execute systemd itself."},
	{.name = "force", .kind = FIELD_BOOL, .flags = FIELD_LATER, .doc = "Overwrite links."},
	{0},
};

static const struct field service_returns[] = {
	{.name = "name", .kind = FIELD_STR, .doc = "The service's name."},
	{.name = "state", .kind = FIELD_STR, .doc = "started or stopped."},
	{.name = "enabled", .kind = FIELD_BOOL, .doc = "Whether it starts at boot."},
	{.name = "status", .kind = FIELD_MAP, .doc = "Properties of the unit: ActiveState, ..."},
	{0},
};

/* ---- observe ---- */

/* The name under which a running service is present for foresight. */
static const char *service_thing(struct arena *a, const char *name)
{
	return thing_named(a, "service", name);
}

static bool asked_for(const struct value *params, const char *key)
{
	return map_at(params, key) != NULL;
}

static bool systemd_check(const struct value *params, struct errs *errs)
{
	bool needs = asked_for(params, "state") || asked_for(params, "enabled") ||
		     asked_for(params, "masked");
	if (asked_for(params, "name") || !needs)
		return true;
	return errs_add(errs, params->pos, "state, enabled and masked need the unit's name");
}

static const char *state_word(const struct unit *u)
{
	if (u->running)
		return "started";
	return u->trouble ? "failed" : "stopped";
}

static void tell_unit(struct host *h, const struct unit *u, struct observation *o)
{
	struct value *status = value_map(h->a);
	map_put(h->a, status, "Id", value_text(h->a, u->id));
	map_put(h->a, status, "LoadState", value_text(h->a, u->load));
	map_put(h->a, status, "ActiveState", value_text(h->a, u->active));
	map_put(h->a, status, "SubState", value_text(h->a, u->sub));
	map_put(h->a, status, "UnitFileState", value_text(h->a, u->file_state));
	map_put(h->a, o->result, "name", value_text(h->a, u->name));
	map_put(h->a, o->result, "state", value_text(h->a, u->running ? "started" : "stopped"));
	map_put(h->a, o->result, "enabled",
		value_bool(h->a, u->enabled == UNIT_ENABLED || u->enabled == UNIT_RUNTIME));
	map_put(h->a, o->result, "status", status);
}

static void observe_state(
	struct host *h, const struct value *params, const struct unit *u, struct observation *o)
{
	const char *state = map_cstr(params, "state", NULL);
	bool runs = there_then(h, service_thing(h->a, u->name), u->running);
	if (!state)
		return;
	if (strcmp(state, "restarted") == 0)
		observe_run(h, o, "state", "restart");
	else if (strcmp(state, "reloaded") == 0)
		observe_run(h, o, "state", u->running ? "reload" : "start");
	else if ((strcmp(state, "started") == 0) != runs)
		observe_attr(h, o, "state",
			runs == u->running ? state_word(u)
			: runs             ? "started by an earlier step"
					   : "stopped by an earlier step",
			state);
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

/* Should it run, or start at boot? */
static bool wanted_on(const struct value *params)
{
	return map_bool(params, "enabled", false) ||
	       strcmp(map_cstr(params, "state", "stopped"), "stopped") != 0;
}

/* A masked unit that should run or start at boot is unmasked, unless masked: true is given. */
static bool observe_masked(struct host *h, const struct value *params, const struct unit *u,
	bool *masked, struct observation *o, struct err *e)
{
	*masked = map_bool(params, "masked", u->masked && !wanted_on(params));
	if (*masked && !service_manager()->set_masked)
		return err_set(e, ERR_PERMANENT, "masked needs systemd, which does not run here");
	if (*masked && wanted_on(params))
		return err_set(e, ERR_CONFIG,
			"service '%s' cannot be masked and also used; remove masked: true, or "
			"state and enabled",
			u->name);
	if (*masked != u->masked)
		observe_attr(h, o, "masked", yes_no(u->masked), yes_no(*masked));
	return true;
}

/* A unit whose boot behaviour cannot be changed is accepted as it is. */
static bool observe_enabled(struct host *h, const struct value *params, const struct unit *u,
	struct observation *o, struct err *e)
{
	bool masked, enabled = map_bool(params, "enabled", false);
	if (!observe_masked(h, params, u, &masked, o, e))
		return false;
	enum foreseen then = foreseen(h, thing_named(h->a, "enabled", u->name));
	bool as_foreseen = then == (enabled ? FORESEEN_MADE : FORESEEN_REMOVED);
	if (!asked_for(params, "enabled") || masked || u->enabled == UNIT_FIXED || as_foreseen)
		return true;
	if (!u->found && !asked_for(params, "state") &&
		package_named(h, u->name, strcspn(u->name, ".@")))
		observe_maybe(h, o, "until the steps before it have run");
	if (then == FORESEEN_NOTHING && u->enabled == UNIT_RUNTIME)
		observe_attr(h, o, "enabled", "until the next boot", yes_no(enabled));
	else if (then != FORESEEN_NOTHING || enabled != (u->enabled == UNIT_ENABLED))
		observe_attr(h, o, "enabled", yes_no(!enabled), yes_no(enabled));
	return true;
}

/* Must the manager read its files again? u NULL: those of any unit. */
static bool files_changed(struct host *h, const struct unit *u, bool *changed, struct err *e)
{
	const struct service_backend *m = service_manager();
	*changed = false;
	return !m->files_changed || m->files_changed(h, u, changed, e);
}

/* daemon_reload without a name: does any unit need it? */
static bool observe_manager(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	bool needs;
	if (!map_bool(params, "daemon_reload", false))
		return true;
	if (!files_changed(h, NULL, &needs, e))
		return false;
	if (!needs && foreseen_below(h, "/etc/systemd"))
		observe_maybe(h, o, "until earlier files are written");
	if (needs)
		observe_run(h, o, "daemon_reload", "reload unit files");
	return true;
}

/* A service that does not exist neither runs nor starts at boot: it counts as off. */
static bool wanted_off(const struct value *params)
{
	const char *state = map_cstr(params, "state", "stopped");
	bool asked = asked_for(params, "state") || asked_for(params, "enabled");
	return asked && strcmp(state, "stopped") == 0 && !map_bool(params, "enabled", false) &&
	       !asked_for(params, "masked");
}

static bool service_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *name = map_cstr(params, "name", NULL);
	bool reload = map_bool(params, "daemon_reload", false);
	struct unit u;
	observation_init(h, o);
	if (!name)
		return observe_manager(h, params, o, e);
	if (!service_find(h, name, &u, e))
		return false;
	if (!u.found && wanted_off(params)) {
		tell_unit(h, &u, o);
		if (there_then(h, service_thing(h->a, u.name), false))
			observe_state(h, params, &u, o);
		return true;
	}
	if (!u.found && !(h->pending & (RES_PACKAGE | RES_FILE | RES_COMMAND)))
		return err_set(e, ERR_PERMANENT,
			"there is no service '%s' on this host; check the name, or install its "
			"package in an earlier step",
			name);
	tell_unit(h, &u, o);
	if (reload && !files_changed(h, &u, &reload, e))
		return false;
	if (reload)
		observe_run(h, o, "daemon_reload", "reload unit files");
	if (!observe_enabled(h, params, &u, o, e))
		return false;
	observe_state(h, params, &u, o);
	return true;
}

static void service_foresee(
	const struct value *params, const struct observation *o, struct foresight *f)
{
	struct arena *a = foresight_arena(f);
	const char *thing = service_thing(a, map_cstr(o->result, "name", ""));
	if (observed_change(o, "state")) {
		if (strcmp(map_cstr(params, "state", ""), "stopped") == 0)
			foresee_removed(f, thing);
		else
			foresee_made(f, thing);
	}
	thing = thing_named(a, "enabled", map_cstr(o->result, "name", ""));
	if (observed_change(o, "enabled") && map_bool(params, "enabled", false))
		foresee_made(f, thing);
	else if (observed_change(o, "enabled"))
		foresee_removed(f, thing);
}

/* ---- apply ---- */

static const char *state_verb(const struct value *params, const struct observation *o)
{
	const char *state = map_cstr(params, "state", NULL);
	if (!state || !observed_change(o, "state"))
		return NULL;
	if (strcmp(state, "started") == 0)
		return "start";
	if (strcmp(state, "stopped") == 0)
		return "stop";
	return strcmp(state, "restarted") == 0 ? "restart" : "reload-or-restart";
}

static bool change_unit(struct host *h, const struct value *params, struct unit *u,
	const struct observation *o, struct err *e)
{
	const struct service_backend *m = service_manager();
	bool on = map_bool(params, "enabled", false), masked = map_bool(params, "masked", false);
	const char *verb = state_verb(params, o);
	if (observed_change(o, "masked") && !m->set_masked(h, u, masked, e))
		return false;
	if (observed_change(o, "enabled") && !m->set_enabled(h, u, on, e))
		return false;
	return !verb || m->act(h, verb, map_bool(params, "no_block", false), u, e);
}

static bool service_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const struct service_backend *m = service_manager();
	const char *name = map_cstr(params, "name", NULL);
	bool reload = observed_change(o, "daemon_reload"), changed;
	struct unit u;
	service_forget();
	if (!name)
		return !reload || m->read_files(h, e);
	/* a timer does not start while its service has an unloaded file */
	if (map_bool(params, "daemon_reload", false) && observed_change(o, "state"))
		reload = true;
	if (!service_find(h, name, &u, e) || !files_changed(h, &u, &changed, e))
		return false;
	/* systemd would start a unit with a changed file in its old form */
	if (m->read_files && (reload || changed) && !m->read_files(h, e))
		return false;
	if (!change_unit(h, params, &u, o, e) || !m->query(h, &name, 1, &u, e))
		return false;
	tell_unit(h, &u, o);
	return true;
}

/* ---- for the type activation ---- */

static struct value *activation_params(struct host *h, const char *name, bool restart)
{
	struct value *params = value_map(h->a);
	map_put(h->a, params, "name", value_text(h->a, name));
	map_put(h->a, params, "state", value_text(h->a, restart ? "restarted" : "reloaded"));
	return params;
}

bool service_activation_look(
	struct host *h, const char *name, bool restart, struct observation *o, struct err *e)
{
	return service_observe(h, activation_params(h, name, restart), o, e);
}

bool service_activate(struct host *h, const char *name, bool restart, struct err *e)
{
	struct observation o;
	const struct value *params = activation_params(h, name, restart);
	service_forget();
	return service_observe(h, params, &o, e) && service_apply(h, params, &o, e);
}

bool service_await(struct host *h, const char *name, struct err *e)
{
	service_forget();
	return service_manager()->await(h, name, e);
}

const struct restype restype_service = {
	.name = "service",
	.full_names = BUILTIN_NAMES("service"),
	.key = "name",
	.doc = "A service of the host: whether it runs, and whether it starts at boot.",
	.example = "- name: Postfix runs\n  service:\n    name: postfix\n    state: started\n"
		   "    enabled: true\n",
	.fields = service_fields,
	.returns = service_returns,
	.class = RES_SERVICE,
	.touches = RES_SERVICE | RES_COMMAND,
	.foresee = service_foresee,
	.observe = service_observe,
	.apply = service_apply,
};

const struct restype restype_systemd = {
	.name = "systemd",
	.full_names = BUILTIN_NAMES("systemd") " " BUILTIN_NAMES("systemd_service"),
	.aliases = "systemd_service",
	.key = "name",
	.doc = "A unit of systemd: whether it runs, starts at boot, is masked.",
	.example = "- name: Units are read again\n  systemd:\n    daemon_reload: true\n",
	.fields = systemd_fields,
	.returns = service_returns,
	.class = RES_SERVICE,
	.touches = RES_SERVICE | RES_COMMAND,
	.moved_by = RES_FILE, /* daemon_reload */
	.check = systemd_check,
	.foresee = service_foresee,
	.observe = service_observe,
	.apply = service_apply,
};
