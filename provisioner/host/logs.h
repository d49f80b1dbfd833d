/* SPDX-License-Identifier: MIT
 *
 * What a unit and its instances have logged since a given time: in systemd's journal, and in a log
 * file of their own. Only reads.
 *
 *   struct unit_log log = unit_log_open(h, "postfix", NULL); ... unit_log_lines(h, &log) ...
 */
#pragma once
#include "host/host.h"

struct unit_log {
	const char *unit;  /* NULL: warnings and errors of all units */
	const char *tag;   /* without a unit: only lines with this log name */
	const char *since; /* NULL: there is no journal, or it does not answer: no lines */
	const char *file;  /* the log file, or NULL */
	int64_t at;        /* its length at that time */
	const char *stamp; /* "2026-11-21 15:06:41": only lines from then on */
};

/* A place where messages are kept: one row of the table in logs.c. A log may be in several places,
 * so all that it has are read. */
struct log_backend {
	/* Remembers that the log's lines begin now (us 0), or at `us` µs of CLOCK_REALTIME. */
	void (*begin)(struct host *h, struct unit_log *log, int64_t us);
	bool (*has)(const struct unit_log *log); /* does it have lines in this place? */
	/* Its lines since then; "" when there are none. Never fails. */
	struct str (*lines)(struct host *h, struct unit_log *log);
};
extern const struct log_backend log_backend_journal, log_backend_file;

struct unit_log unit_log_open(struct host *h, const char *unit, const char *file);
/* As unit_log_open, but since a moment in µs of CLOCK_MONOTONIC. */
struct unit_log unit_log_from(struct host *h, const char *unit, const char *file, int64_t us);
bool unit_log_exists(const struct unit_log *log); /* Is there a place for it on this host? */
/* All lines since then, of each place newest last; "" when there are none. */
struct str unit_log_lines(struct host *h, struct unit_log *log);
/* The last `max` bytes of the lines that match `pattern` (NULL: that report problems), on one line;
 * NULL when there are none. */
const char *unit_log_words(struct host *h, struct unit_log *log, const char *pattern, size_t max);
/* The end of what the unit has ever written to the journal, on one line; NULL: nothing. */
const char *journal_last_words(struct host *h, const char *unit, size_t max);
