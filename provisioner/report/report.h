/* SPDX-License-Identifier: MIT
 *
 * Floor 6.5: what the person sees. Events in; lines out: a live line a host on a terminal, plain
 * lines elsewhere, or JSON, an event a line. Decides nothing.
 */
#pragma once
#include "plan/plan.h"

enum event_kind {
	EVENT_PLAY,     /* a play (or one wave of it) begins: text, count hosts */
	EVENT_PROGRESS, /* host: what it is doing now (text; NULL: it waits for its next play) */
	EVENT_PLAN,     /* host_plan is complete */
	EVENT_STEP,     /* a step ended on a host */
	EVENT_NOTE,     /* a word on a host (text) that is always shown */
	EVENT_HOST,     /* a host is done, failed, unreachable or left out (error, no stats) */
	EVENT_END,      /* everything; exit code */
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
	const struct value *changes; /* of a STEP, when they differ from the plan's */
	const char *error;
	int64_t ms;
	const struct host_stats *stats; /* HOST */
	const struct plan *whole;       /* END of a plan */
	int exit_code;
};
struct report_options {
	bool json, tty, color, diff;
	int verbosity;
	bool planning; /* plan: no recap, a summary instead */
	int fd;
};
struct report;
struct report *report_open(const struct report_options *o);
void report_event(struct report *r, const struct event *e);
void report_tick(struct report *r); /* redraw elapsed times; called a few times a second */
void report_close(struct report *r);
const char *step_status_name(enum step_status s);

/* An output: one row each in report.c. */
struct report_ops {
	const char *name;
	void (*event)(struct report *r, const struct event *e);
	void (*tick)(struct report *r);
	void (*close)(struct report *r);
};
