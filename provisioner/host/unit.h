/* SPDX-License-Identifier: MIT
 *
 * The state of services, from systemd or, where it does not run, from SysV scripts. Only reads.
 */
#pragma once
#include "host/args.h"

enum unit_enabled {
	UNIT_DISABLED,
	UNIT_ENABLED,
	UNIT_RUNTIME, /* until the next boot (systemctl enable --runtime) */
	UNIT_FIXED,   /* static, generated, ...: systemctl cannot enable or disable it */
};
struct unit {
	const char *name;    /* the requested name */
	const char *id;      /* systemd's name for it, with aliases resolved */
	const char *trouble; /* the failed unit: itself or one that is part of it; or NULL */
	const char *active, *sub, *load, *file_state, *type, *result; /* systemd's own values */
	const char *dropins; /* paths of the loaded drop-ins, separated by blanks */
	bool found, running, masked;
	bool need_reload; /* as systemd reports it; see unit_needs_reload */
	enum unit_enabled enabled;
};
bool unit_name_valid(const char *name);
/* Units that count as started once they were forked need a moment to show that they stay up. */
bool unit_settles(const struct unit *u);
bool unit_did_its_work(const struct unit *u); /* a oneshot that succeeded */
/* Reads the output of `systemctl show` for `names` (see unit_show). Pure. */
void unit_parse(
	struct arena *a, struct str answer, const char *const *names, size_t n, struct unit *out);
/* Asks for all names with one process; SysV: one for each. Names must be valid. */
bool unit_query(
	struct host *h, const char *const *names, size_t n, struct unit *out, struct err *e);
/* Requests the state of many units over D-Bus; the replies are waited for one by one and have empty
 * `type` and `result`. NULL or false, without a reason, where that does not work: use unit_query.
 */
struct sdbus_talk;
struct sdbus_talk *unit_ask(struct arena *a, const char *const *names, size_t n);
bool unit_answer(
	struct arena *a, struct sdbus_talk *t, size_t i, const char *name, struct unit *out);
/* As unit_query, but faster where D-Bus works; `type` and `result` are empty then. */
bool unit_look(struct host *h, const char *const *names, size_t n, struct unit *out, struct err *e);
/* How long the unit and all its instances have been running, as their start in µs of
 * CLOCK_MONOTONIC; 0: not known, or none of them runs. */
int64_t unit_runs_since(struct host *h, const char *name);
/* Must systemd reload its files? Checks for drop-ins itself, too, because systemd does not notice a
 * new drop-in folder. */
bool unit_needs_reload(struct host *h, const struct unit *u);
bool unit_any_needs_reload(struct host *h, bool *needs, struct err *e);
