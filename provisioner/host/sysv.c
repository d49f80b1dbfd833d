/* SPDX-License-Identifier: MIT
 *
 * SysV init: services by their scripts (LSB: Init Script Actions).
 */
#include <glob.h>
#include <unistd.h>
#include "host/services.h"
#include "host/sysv.h"

const char *script_name(struct arena *a, const char *name)
{
	if (!str_ends(str_c(name), ".service"))
		return name;
	return str_dup(a, name, strlen(name) - strlen(".service")).p;
}

bool script_at_boot(struct arena *a, const char *name)
{
	glob_t found;
	const char *pattern = arena_printf(a, "/etc/rc[2-5].d/S[0-9][0-9]%s", script_name(a, name));
	bool any = glob(pattern, GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc > 0;
	globfree(&found);
	return any;
}

static bool find_script(struct host *h, const char *name, struct unit *u, struct err *e)
{
	const char *script = arena_printf(h->a, "/etc/init.d/%s", script_name(h->a, name));
	const char *argv[] = {script, "status", NULL};
	struct proc_result r;
	*u = (struct unit){.name = name,
		.id = script_name(h->a, name),
		.active = "inactive",
		.sub = "",
		.load = "not-found",
		.file_state = "",
		.type = "forking",
		.result = ""};
	if (access(script, X_OK) != 0)
		return true;
	if (!run_with(h, argv, (struct str){0}, &r, e))
		return false;
	u->found = true;
	u->running = r.status == 0; /* LSB: 0 runs, 1 to 3 does not */
	u->active = u->running ? "active" : "inactive";
	u->load = "loaded";
	u->enabled = script_at_boot(h->a, name) ? UNIT_ENABLED : UNIT_DISABLED;
	u->file_state = u->enabled == UNIT_ENABLED ? "enabled" : "disabled";
	return true;
}

static bool query_scripts(
	struct host *h, const char *const *names, size_t n, struct unit *out, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (!find_script(h, names[i], &out[i], e))
			return false;
	return true;
}

static bool set_links(struct host *h, const struct unit *u, bool on, struct err *e)
{
	const char *defaults[] = {"update-rc.d", u->id, "defaults", NULL};
	const char *link[] = {"update-rc.d", u->id, on ? "enable" : "disable", NULL};
	return run_program(h, defaults, NULL, e) && run_program(h, link, NULL, e);
}

/* A script returns when the service does what it should, whatever no_block says. */
static bool run_script(
	struct host *h, const char *verb, bool no_block, struct unit *u, struct err *e)
{
	const char *script = arena_printf(h->a, "/etc/init.d/%s", u->id);
	(void)no_block;
	if (strcmp(verb, "reload-or-restart") == 0)
		verb = u->running ? "force-reload" : "start"; /* LSB: reload, or else restart */
	const char *argv[] = {script, verb, NULL};
	if (!run_program(h, argv, NULL, e) || !find_script(h, u->name, u, e))
		return false;
	if (u->running == (strcmp(verb, "stop") != 0))
		return true;
	return err_set(e, ERR_PERMANENT, "%s %s succeeded, but the service %s", script, verb,
		u->running ? "still runs" : "does not run");
}

static bool await_script(struct host *h, const char *name, struct err *e)
{
	struct unit u;
	if (!find_script(h, name, &u, e))
		return false;
	return u.running || err_set(e, ERR_PERMANENT, "service '%s' did not start", name);
}

const struct service_backend service_backend_sysv = {
	.query = query_scripts,
	.find = find_script,
	.set_enabled = set_links,
	.act = run_script,
	.await = await_script,
};
