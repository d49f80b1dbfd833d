/* SPDX-License-Identifier: MIT
 *
 * Services: their state, and changing it, by whatever manages them on this host.
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
	const char *id;      /* the manager's name for it, with aliases resolved */
	const char *trouble; /* the failed unit: itself or one that is part of it; or NULL */
	const char *active, *sub, *load, *file_state, *type, *result; /* systemd's own values */
	const char *dropins; /* paths of the loaded drop-ins, separated by blanks */
	bool found, running, masked;
	bool need_reload; /* as systemd reports it; see files_changed */
	enum unit_enabled enabled;
};

/* A service manager: one row of the table in services.c. Names must be valid. */
struct service_backend {
	bool (*runs)(void); /* does it manage this host's services? NULL in the last row */
	/* The state of n services by the manager's own programs. */
	bool (*query)(struct host *h, const char *const *names, size_t n, struct unit *out,
		struct err *e);
	/* The state of one, faster if it was prefetched; `type` and `result` may be empty. */
	bool (*find)(struct host *h, const char *name, struct unit *u, struct err *e);
	bool (*set_enabled)(struct host *h, const struct unit *u, bool on, struct err *e);
	/* `verb`: start, stop, restart, reload-or-restart. Succeeds only if the service then does
	 * what it should; no_block: does not wait to see that. */
	bool (*act)(struct host *h, const char *verb, bool no_block, struct unit *u, struct err *e);
	/* Waits until a starting service runs. */
	bool (*await)(struct host *h, const char *name, struct err *e);

	/* ---- NULL where the manager has no such thing ---- */
	bool (*set_masked)(struct host *h, const struct unit *u, bool masked, struct err *e);
	/* Are there files of the unit (NULL: of any unit) that the manager has not read yet? */
	bool (*files_changed)(struct host *h, const struct unit *u, bool *changed, struct err *e);
	bool (*read_files)(struct host *h, struct err *e);
	int64_t (*runs_since)(struct host *h, const char *name); /* see service_runs_since */
	/* The running services, without ".service". */
	bool (*list_running)(struct host *h, struct args *names, struct err *e);
	/* The units that the administrator, or a package, has enabled. */
	void (*list_enabled)(struct arena *a, struct args *names);
	void (*prefetch)(const char *const *names); /* see service_prefetch */
	void (*forget)(void);
};
extern const struct service_backend service_backend_systemd, service_backend_sysv;
/* What manages the services of this host. */
const struct service_backend *service_manager(void);

bool unit_name_valid(const char *name);
/* Forgets the earlier results, and starts to request `names` (NULL-terminated), in their order and
 * in the background, where the manager takes its time; service_find waits for the one that it
 * needs. Names that are not valid are left out. A failure is not an error here: service_find asks
 * again and reports it. */
void service_prefetch(const char *const *names);
/* Forgets the results; call it before units change. */
void service_forget(void);
/* The state of a service, prefetched or requested now. */
bool service_find(struct host *h, const char *name, struct unit *u, struct err *e);
/* How long the service and all its instances have been running, as their start in µs of
 * CLOCK_MONOTONIC; 0: not known, or none of them runs. */
int64_t service_runs_since(struct host *h, const char *name);
