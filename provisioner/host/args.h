/* SPDX-License-Identifier: MIT
 *
 * Argument vectors that grow, and functions for a program's output. For the types that run the
 * system's own tools.
 */
#pragma once
#include "host/host.h"

struct args {
	const char **v; /* NULL-terminated after the first addition */
	size_t n, cap;
};
void args_add(struct arena *a, struct args *args, const char *word);
void args_addf(struct arena *a, struct args *args, const char *fmt, ...) PRINTF(3, 4);

/* The next line of *rest without its newline; false at the end. A line is not a struct str: its
 * text is followed by the newline, not by a NUL. */
struct line {
	const char *p;
	size_t n;
};
bool line_next(struct str *rest, struct line *line);
bool line_is_blank(struct line line);

/* The last `max` bytes of a program's output, its lines joined by "; ". */
const char *last_words(struct arena *a, struct str said, size_t max);
/* Runs argv with `input` on standard input (p NULL: none) and returns its result; false only when
 * it could not be run or timed out. */
bool run_with(struct host *h, const char *const *argv, struct str input, struct proc_result *r,
	struct err *e);
bool program_there(const char *name); /* is it in the folders of PATH? */
