/* SPDX-License-Identifier: MIT
 *
 * Shared by the outputs of this folder only.
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

/* One that may become long: the live lines make room for it. */
struct page *report_page(struct report *r);
void report_out(struct report *r, struct page *p); /* to the fd, above the live lines */

/* Busy hosts: lines at the bottom of a terminal, where it draws. */
struct live *live_new(int fd, bool draws);
void live_set(struct live *l, const char *host, const char *text); /* text NULL: it is done */
void live_hide(struct live *l);
void live_show(struct live *l, bool force); /* redraws at most some times a second */
void live_free(struct live *l);
/* Where nothing is drawn: a host that has been at one thing for some seconds, or NULL. */
const char *live_overdue(struct live *l, const char **text, double *seconds);

void recap_add(struct report *r, const struct event *e);
void recap_print(const struct report *r, struct page *out);      /* Ansible's PLAY RECAP */
const char *recap_took(const struct report *r, struct arena *a); /* "2.4 s" */
