/* SPDX-License-Identifier: MIT
 *
 * Floor 6.5: shows the user a run. Takes events and writes lines: one live line per host on a
 * terminal, plain lines elsewhere, or one JSON object per event.
 */
#pragma once
#include "plan/plan.h"

enum event_kind {
	EVENT_PLAY,     /* a play or one of its waves begins: text, count (number of hosts) */
	EVENT_PROGRESS, /* host: what it does now (text; NULL: it waits for its next play) */
	EVENT_PLAN,     /* plan is complete */
	EVENT_STEP,     /* a step ended on a host */
	EVENT_NOTE,     /* a message about a host (text), always shown */
	EVENT_HOST, /* a host is done (stats), failed, unreachable or skipped (error, no stats) */
	EVENT_END,  /* the run has ended: exit_code */
};
enum step_status { STEP_OK, STEP_CHANGED, STEP_FAILED, STEP_SKIPPED, STEP_IGNORED };
struct host_stats {
	unsigned ok, changed, unreachable, failed, skipped, rescued, ignored;
};
struct event {
	enum event_kind kind;
	const char *host;
	const char *text;
	size_t count;
	struct plan_target *plan;
	const struct planned *step;
	enum step_status status;
	const struct value *changes; /* STEP: what changed, if it differs from the plan */
	const char *error;
	int64_t ms;
	const struct host_stats *stats; /* HOST */
	const struct plan *whole;       /* END of a plan: the plan of all targets */
	int exit_code;
};
struct report_options {
	bool json, tty, color, diff;
	int verbosity;
	bool planning; /* the command is plan: a summary instead of the recap */
	int fd;
};
struct report;
/* Writes to o->fd, which the caller closes. */
struct report *report_open(const struct report_options *o);
void report_event(struct report *r, const struct event *e);
void report_tick(struct report *r); /* updates elapsed times; call it a few times per second */
void report_close(struct report *r);
const char *step_status_name(enum step_status s);

/* One format of output; report.c has the list. */
struct report_ops {
	const char *name;
	void (*event)(struct report *r, const struct event *e);
	void (*tick)(struct report *r);
	void (*close)(struct report *r);
};
