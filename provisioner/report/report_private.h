/* SPDX-License-Identifier: MIT
 *
 * Private to report/: what its formats share.
 */
#pragma once
#include "report/report.h"

struct live;
struct recap_row {
	const char *host;
	struct host_stats stats;
	const char *error;
};
struct report {
	struct report_options opt;
	const struct report_ops *ops;
	struct arena *a; /* lives as long as the report */
	struct live *live;
	struct recap_row *rows;
	size_t n_rows, cap_rows;
	int64_t started_ms;
};
extern const struct report_ops report_text, report_json;

/* A page for text that may be long: the live lines are hidden while it is written. */
struct page *report_page(struct report *r);
void report_out(struct report *r, struct page *p); /* writes it to the fd, above the live lines */

/* Live lines of busy hosts at the bottom of a terminal. draws false: none are drawn. */
struct live *live_new(int fd, bool draws);
void live_set(struct live *l, const char *host, const char *text); /* text NULL: the host is done */
void live_hide(struct live *l);
/* redraws, a few times per second at most unless forced */
void live_show(struct live *l, bool force);
void live_free(struct live *l);
/* When not drawing: a host that has been doing the same for some seconds, or NULL. *text: what it
 * does; *seconds: for how long. */
const char *live_overdue(struct live *l, const char **text, double *seconds);

void recap_add(struct report *r, const struct event *e);
void recap_print(const struct report *r, struct page *out);      /* Ansible's PLAY RECAP */
const char *recap_took(const struct report *r, struct arena *a); /* the elapsed time: "2.4 s" */
