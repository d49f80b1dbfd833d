/* SPDX-License-Identifier: MIT
 *
 * Argument vectors that grow, and what the types make of a program's answer. For the types that
 * drive the system's own tools.
 */
#pragma once
#include "host/host.h"

struct args {
	const char **v; /* NULL-terminated once something was added */
	size_t n, cap;
};
void args_add(struct arena *a, struct args *args, const char *word);
void args_addf(struct arena *a, struct args *args, const char *fmt, ...) PRINTF(3, 4);

/* The next line of *rest without its newline; false at the end. A line is no struct str: the byte
 * behind it is the newline. */
struct line {
	const char *p;
	size_t n;
};
bool line_next(struct str *rest, struct line *line);
bool line_is_blank(struct line line);

/* The last `max` bytes of what a program said, on one line, its lines joined by "; ". */
const char *last_words(struct arena *a, struct str said, size_t max);
/* Runs argv with `input` on standard input (p NULL: none) and gives all of its answer; false only
 * when it could not be run or did not end. */
bool run_with(struct host *h, const char *const *argv, struct str input, struct proc_result *r,
	struct err *e);
bool program_there(const char *name); /* in the folders that programs are looked up in */
bool systemd_runs(void);
