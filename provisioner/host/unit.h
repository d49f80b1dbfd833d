/* SPDX-License-Identifier: MIT
 *
 * The state of services as systemd, or the SysV scripts where it does not run, tell it. Only reads.
 */
#pragma once
#include "host/args.h"

enum unit_enabled {
	UNIT_DISABLED,
	UNIT_ENABLED,
	UNIT_RUNTIME, /* until the next boot (systemctl enable --runtime) */
	UNIT_FIXED,   /* static, generated, ...: neither can be set */
};
struct unit {
	const char *name;    /* as it was asked for */
	const char *id;      /* what systemd calls it, aliases resolved */
	const char *trouble; /* the unit that failed: itself or one that is part of it; or NULL */
	const char *active, *sub, *load, *file_state, *type, *result; /* systemd's words */
	const char *dropins; /* the paths of those it was read with, parted by blanks */
	bool found, running, masked;
	bool need_reload; /* by systemd's word; see unit_needs_reload */
	enum unit_enabled enabled;
};
bool unit_name_valid(const char *name);
/* Units that count as started when they were forked need a moment to show that they stay. */
bool unit_settles(const struct unit *u);
bool unit_did_its_work(const struct unit *u); /* a oneshot that ended well */
/* Reads the answer of `systemctl show` for `names` (see unit_show). Pure. */
void unit_parse(
	struct arena *a, struct str answer, const char *const *names, size_t n, struct unit *out);
/* Asks for all names with one process; SysV: one for each. Names have to be valid. */
bool unit_query(
	struct host *h, const char *const *names, size_t n, struct unit *out, struct err *e);
/* The questions for many units to systemd itself, whose answers are waited for one by one, with
 * `type` and `result` empty. NULL or false, without a reason, where that does not work: unit_query
 * does. */
struct sdbus_talk;
struct sdbus_talk *unit_ask(struct arena *a, const char *const *names, size_t n);
bool unit_answer(
	struct arena *a, struct sdbus_talk *t, size_t i, const char *name, struct unit *out);
/* As unit_query, but quicker where systemd answers itself; `type` and `result` are empty then. */
bool unit_look(struct host *h, const char *const *names, size_t n, struct unit *out, struct err *e);
/* Since when the unit and its instances have run, all of them, in µs of CLOCK_MONOTONIC; 0: not
 * known, or none of them runs. */
int64_t unit_runs_since(struct host *h, const char *name);
/* Does systemd have to read its files again? Looks for drop-ins itself too: systemd does not look
 * for a folder of theirs that is new. */
bool unit_needs_reload(struct host *h, const struct unit *u);
bool unit_any_needs_reload(struct host *h, bool *needs, struct err *e);
