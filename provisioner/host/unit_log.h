/* SPDX-License-Identifier: MIT
 *
 * What a unit and its instances have written since a moment, to systemd's journal and to a log file
 * of their own. Only reads.
 *
 *   struct unit_log log = unit_log_open(h, "postfix", NULL); ... unit_log_lines(h, &log) ...
 */
#pragma once
#include "host/host.h"

struct unit_log {
	const char *unit;  /* NULL: everybody's warnings and errors */
	const char *tag;   /* without a unit: only the lines of who logs by this name */
	const char *since; /* NULL: there is no journal, or it does not answer: never a line */
	const char *file;  /* the log file, or NULL */
	int64_t at;        /* its length then */
	const char
		*stamp; /* "2026-11-21 15:06:41": its lines begin with a time, from this one on */
};
struct unit_log unit_log_open(struct host *h, const char *unit, const char *file);
/* As unit_log_open, but since a moment in µs of CLOCK_MONOTONIC. */
struct unit_log unit_log_from(struct host *h, const char *unit, const char *file, int64_t us);
/* All lines written since, newest last; "" when there are none. */
struct str unit_log_lines(struct host *h, struct unit_log *log);
/* Of the lines that match `pattern` (NULL: that tell of trouble) the last `max` bytes, on one line;
 * NULL when there are none. */
const char *unit_log_words(struct host *h, struct unit_log *log, const char *pattern, size_t max);
