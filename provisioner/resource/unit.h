/* SPDX-License-Identifier: MIT
 *
 * The state of services as systemd, or the SysV scripts where it does not run, tell it. Only reads.
 */
#pragma once
#include "resource/args.h"

enum unit_enabled {
	UNIT_DISABLED,
	UNIT_ENABLED,
	UNIT_FIXED, /* static, generated, ...: neither can be set */
};
struct unit {
	const char *name;    /* as it was asked for */
	const char *id;      /* what systemd calls it, aliases resolved */
	const char *trouble; /* the unit that failed: itself or one that is part of it; or NULL */
	const char *active, *sub, *load, *file_state, *type, *result; /* systemd's words */
	bool found, running, masked, need_reload;
	enum unit_enabled enabled;
};
bool unit_name_valid(const char *name);
/* Reads the answer of `systemctl show` for `names` (see unit_show). Pure. */
void unit_parse(
	struct arena *a, struct str answer, const char *const *names, size_t n, struct unit *out);
/* Asks for all names with one process; SysV: one for each. Names have to be valid. */
bool unit_query(
	struct host *h, const char *const *names, size_t n, struct unit *out, struct err *e);
/* As unit_query, but quicker where systemd answers itself; `type` and `result` are empty then. */
bool unit_look(struct host *h, const char *const *names, size_t n, struct unit *out, struct err *e);
bool unit_any_needs_reload(struct host *h, bool *needs, struct err *e);
