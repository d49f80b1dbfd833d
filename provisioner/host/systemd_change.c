/* SPDX-License-Identifier: MIT
 *
 * systemd as a service manager: changes of units by systemctl. Reports a start as done only when
 * the service stays running.
 */
#include <unistd.h>
#include "host/logs.h"
#include "host/systemd.h"

enum { SETTLE_US = 250000, JOURNAL_MAX = 480 };

static bool control_unit(struct host *h, const char *verb, const char *unit, struct err *e)
{
	const char *argv[] = {"systemctl", verb, unit, NULL};
	return run_program(h, argv, NULL, e);
}

static bool read_files(struct host *h, struct err *e)
{
	return control_unit(h, "daemon-reload", NULL, e);
}

/* ---- enabled and masked ---- */

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

/* ---- start, stop, reload ---- */

/* The log lines since `from` that report problems: a working daemon may write hundreds of others.
 * Without any, the last lines. */
static const char *read_journal(struct host *h, const struct unit *u, int64_t from)
{
	const char *unit = u->trouble ? u->trouble : u->id;
	struct unit_log log = unit_log_from(h, unit, NULL, from);
	const char *words = unit_log_words(h, &log, NULL, JOURNAL_MAX);
	if (!words)
		words = journal_last_words(h, unit, JOURNAL_MAX);
	return words ? words : "its journal is empty";
}

/* Units that count as started once they were forked need a moment to show that they stay up. */
static bool settles_late(const struct unit *u)
{
	return strcmp(u->type, "simple") == 0 || strcmp(u->type, "exec") == 0 ||
	       strcmp(u->type, "idle") == 0;
}

/* A oneshot that succeeded. */
static bool did_work(const struct unit *u)
{
	return strcmp(u->type, "oneshot") == 0 && strcmp(u->active, "inactive") == 0 &&
	       strcmp(u->result, "success") == 0;
}

static bool check_running(struct host *h, int64_t from, struct unit *u, struct err *e)
{
	const char *name = u->name;
	if (!systemd_query(h, &name, 1, u, e))
		return false;
	if (u->running && settles_late(u)) {
		usleep(SETTLE_US);
		if (!systemd_query(h, &name, 1, u, e))
			return false;
	}
	if (u->running || did_work(u))
		return true;
	return err_set(e, ERR_PERMANENT, "service '%s' was started but does not run (%s is %s): %s",
		name, u->trouble ? u->trouble : u->id, u->trouble ? "in failure" : u->active,
		read_journal(h, u, from));
}

/* After several failed starts systemd refuses any further start for a while, even with a corrected
 * configuration. */
static void forget_failures(struct host *h, const struct unit *u)
{
	struct err ignored = {0};
	if (u->trouble)
		control_unit(h, "reset-failed", u->trouble, &ignored);
}

static bool start_unit(
	struct host *h, const char *verb, bool no_block, struct unit *u, struct err *e)
{
	struct err said = {0};
	int64_t from = clock_us(CLOCK_MONOTONIC);
	bool starting = strcmp(u->active, "activating") == 0 && !no_block;
	const char *argv[] = {"systemctl", verb, u->id, no_block ? "--no-block" : NULL, NULL};
	forget_failures(h, u);
	/* a reload signal could kill a daemon that is still starting */
	if (starting && strcmp(verb, "reload-or-restart") == 0)
		control_unit(h, "start", u->id, &said);
	said = (struct err){0};
	if (!run_program(h, argv, NULL, &said))
		return err_set(e, ERR_PERMANENT, "service '%s' did not %s: %s", u->name,
			strcmp(verb, "reload-or-restart") == 0 ? "reload" : verb,
			read_journal(h, u, from));
	return no_block || check_running(h, from, u, e);
}

static bool act_on_unit(
	struct host *h, const char *verb, bool no_block, struct unit *u, struct err *e)
{
	/* a unit that groups stopped instances is "active": only a restart starts them again */
	bool hollow = strcmp(u->active, "active") == 0 && !u->running;
	if (strcmp(verb, "stop") == 0)
		return control_unit(h, verb, u->id, e);
	return start_unit(h, hollow ? "restart" : verb, no_block, u, e);
}

static bool await_unit(struct host *h, const char *name, struct err *e)
{
	struct unit u;
	struct err said = {0};
	int64_t from = clock_us(CLOCK_MONOTONIC);
	if (!systemd_query(h, &name, 1, &u, e))
		return false;
	if (control_unit(h, "start", u.id, &said) && systemd_query(h, &name, 1, &u, e) && u.running)
		return true;
	return err_set(e, ERR_PERMANENT, "service '%s' did not start: %s", name,
		read_journal(h, &u, from));
}

const struct service_backend service_backend_systemd = {
	.runs = systemd_runs,
	.query = systemd_query,
	.find = systemd_find,
	.set_enabled = set_enabled,
	.act = act_on_unit,
	.await = await_unit,
	.set_masked = set_masked,
	.files_changed = systemd_files_changed,
	.read_files = read_files,
	.runs_since = systemd_runs_since,
	.list_running = systemd_list_running,
	.list_enabled = systemd_list_enabled,
	.prefetch = systemd_prefetch,
	.forget = systemd_forget,
};
