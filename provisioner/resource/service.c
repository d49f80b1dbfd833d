/* SPDX-License-Identifier: MIT
 *
 * The types `service` and `systemd`: whether a service runs, starts at boot, is masked; and its
 * restart or reload. Reports a start as done only when the service stays running.
 */
#include <unistd.h>
#include "host/foresight.h"
#include "resource/service.h"
#include "host/logs.h"
#include "resource/types.h"
#include "host/unit.h"

enum { SETTLE_US = 250000, JOURNAL_MAX = 480 };

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
	if (*masked && !systemd_runs())
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

/* daemon_reload without a name: does any unit need it? */
static bool observe_manager(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	bool needs = false;
	if (!map_bool(params, "daemon_reload", false))
		return true;
	if (!unit_any_needs_reload(h, &needs, e))
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
	if (map_bool(params, "daemon_reload", false) && unit_needs_reload(h, &u))
		observe_run(h, o, "daemon_reload", "reload unit files");
	if (!observe_enabled(h, params, &u, o, e))
		return false;
	observe_state(h, params, &u, o);
	return true;
}

/* ---- apply ---- */

static bool control_unit(struct host *h, const char *verb, const char *unit, struct err *e)
{
	const char *argv[] = {"systemctl", verb, unit, NULL};
	return run_program(h, argv, NULL, e);
}

/* The log lines since `from` that report problems: a working daemon may write hundreds of others.
 * Without any, the last lines. */
static const char *read_journal(struct host *h, const char *unit, int64_t from)
{
	struct unit_log log = unit_log_from(h, unit, NULL, from);
	const char *words = unit_log_words(h, &log, NULL, JOURNAL_MAX);
	if (!words)
		words = journal_last_words(h, unit, JOURNAL_MAX);
	return words ? words : "its journal is empty";
}

static bool check_running(
	struct host *h, const char *name, int64_t from, struct unit *u, struct err *e)
{
	if (!unit_query(h, &name, 1, u, e))
		return false;
	if (u->running && unit_settles(u)) {
		usleep(SETTLE_US);
		if (!unit_query(h, &name, 1, u, e))
			return false;
	}
	if (u->running || unit_did_its_work(u))
		return true;
	const char *unit = u->trouble ? u->trouble : u->id;
	return err_set(e, ERR_PERMANENT, "service '%s' was started but does not run (%s is %s): %s",
		name, unit, u->trouble ? "in failure" : u->active, read_journal(h, unit, from));
}

/* After several failed starts systemd refuses any further start for a while, even with a corrected
 * configuration. */
static void forget_failures(struct host *h, const struct unit *u)
{
	struct err ignored = {0};
	if (u->trouble)
		control_unit(h, "reset-failed", u->trouble, &ignored);
}

static bool systemd_start(struct host *h, const struct value *params, const char *verb,
	const char *name, struct unit *u, struct err *e)
{
	struct err said = {0};
	int64_t from = clock_us(CLOCK_MONOTONIC);
	bool no_block = map_bool(params, "no_block", false);
	bool starting = strcmp(u->active, "activating") == 0 && !no_block;
	const char *argv[] = {"systemctl", verb, u->id, no_block ? "--no-block" : NULL, NULL};
	forget_failures(h, u);
	/* a reload signal could kill a daemon that is still starting */
	if (starting && strcmp(verb, "reload-or-restart") == 0)
		control_unit(h, "start", u->id, &said);
	said = (struct err){0};
	if (!run_program(h, argv, NULL, &said))
		return err_set(e, ERR_PERMANENT, "service '%s' did not %s: %s", name,
			strcmp(verb, "reload-or-restart") == 0 ? "reload" : verb,
			read_journal(h, u->trouble ? u->trouble : u->id, from));
	return no_block || check_running(h, name, from, u, e);
}

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

/* A unit that groups stopped instances is "active": only a restart starts them again. */
static const char *start_verb(const char *verb, const struct unit *u)
{
	bool hollow = strcmp(u->active, "active") == 0 && !u->running;
	return hollow && strcmp(verb, "stop") != 0 ? "restart" : verb;
}

/* A unit can be masked permanently and until the next boot; each needs its own call. */
static bool set_masked(struct host *h, const struct unit *u, bool masked, struct err *e)
{
	const char *argv[] = {"systemctl", "unmask", "--runtime", u->id, NULL};
	if (masked)
		return control_unit(h, "mask", u->id, e);
	return control_unit(h, "unmask", u->id, e) && run_program(h, argv, NULL, e);
}

static bool set_enabled(struct host *h, const struct unit *u, bool on, struct err *e)
{
	const char *argv[] = {"systemctl", "disable", "--runtime", u->id, NULL};
	if (!on && u->enabled == UNIT_RUNTIME)
		return run_program(h, argv, NULL, e);
	return control_unit(h, on ? "enable" : "disable", u->id, e);
}

static bool apply_systemd(struct host *h, const struct value *params, const char *name,
	struct unit *u, const struct observation *o, struct err *e)
{
	bool on = map_bool(params, "enabled", false), masked = map_bool(params, "masked", false);
	const char *verb = state_verb(params, o);
	if (observed_change(o, "masked") && !set_masked(h, u, masked, e))
		return false;
	if (observed_change(o, "enabled") && !set_enabled(h, u, on, e))
		return false;
	if (!verb)
		return true;
	if (strcmp(verb, "stop") == 0)
		return control_unit(h, "stop", u->id, e);
	return systemd_start(h, params, start_verb(verb, u), name, u, e);
}

static bool apply_script(struct host *h, const struct value *params, const struct unit *u,
	const struct observation *o, struct err *e)
{
	bool on = map_bool(params, "enabled", false);
	const char *script = arena_printf(h->a, "/etc/init.d/%s", u->id);
	const char *defaults[] = {"update-rc.d", u->id, "defaults", NULL};
	const char *link[] = {"update-rc.d", u->id, on ? "enable" : "disable", NULL};
	const char *verb = state_verb(params, o);
	if (observed_change(o, "enabled") &&
		!(run_program(h, defaults, NULL, e) && run_program(h, link, NULL, e)))
		return false;
	if (!verb)
		return true;
	if (strcmp(verb, "reload-or-restart") == 0)
		verb = u->running ? "force-reload" : "start"; /* LSB: reload, or else restart */
	const char *run[] = {script, verb, NULL};
	if (!run_program(h, run, NULL, e))
		return false;
	struct unit now;
	if (!unit_query(h, &u->name, 1, &now, e))
		return false;
	if (now.running == (strcmp(verb, "stop") != 0))
		return true;
	return err_set(e, ERR_PERMANENT, "%s %s succeeded, but the service %s", script, verb,
		now.running ? "still runs" : "does not run");
}

static bool service_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *name = map_cstr(params, "name", NULL);
	bool reload = observed_change(o, "daemon_reload"), systemd = systemd_runs();
	struct unit u;
	service_forget();
	if (!name)
		return !reload || control_unit(h, "daemon-reload", NULL, e);
	/* a timer does not start while its service has an unloaded file */
	if (map_bool(params, "daemon_reload", false) && observed_change(o, "state"))
		reload = true;
	if (!service_find(h, name, &u, e))
		return false;
	/* systemd would start a unit with a changed file in its old form */
	if (systemd && (reload || unit_needs_reload(h, &u)) &&
		!control_unit(h, "daemon-reload", NULL, e))
		return false;
	bool ok = systemd ? apply_systemd(h, params, name, &u, o, e)
			  : apply_script(h, params, &u, o, e);
	if (!ok || !unit_query(h, &name, 1, &u, e))
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
	struct unit u;
	struct err said = {0};
	int64_t from = clock_us(CLOCK_MONOTONIC);
	service_forget();
	if (!unit_query(h, &name, 1, &u, e))
		return false;
	if (control_unit(h, "start", u.id, &said) && unit_query(h, &name, 1, &u, e) && u.running)
		return true;
	return err_set(e, ERR_PERMANENT, "service '%s' did not start: %s", name,
		read_journal(h, u.trouble ? u.trouble : u.id, from));
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
