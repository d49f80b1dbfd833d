/* SPDX-License-Identifier: MIT
 *
 * What a unit and its instances have written to systemd's journal since a moment. Only reads.
 *
 *   struct unit_log log = unit_log_open(h, "postfix"); ... unit_log_lines(h, &log) ...
 */
#pragma once
#include "resource/resource.h"

struct unit_log {
	const char *unit;  /* NULL: everybody's warnings and errors */
	const char *since; /* NULL: there is no journal, or it does not answer: never a line */
};
struct unit_log unit_log_open(struct host *h, const char *unit);
/* As unit_log_open, but since a moment in µs of CLOCK_MONOTONIC. */
struct unit_log unit_log_from(struct host *h, const char *unit, int64_t us);
/* All lines written since, newest last; "" when there are none. */
struct str unit_log_lines(struct host *h, struct unit_log *log);
/* Of the lines that tell of trouble the last `max` bytes, on one line; or that there are none. */
const char *unit_log_words(struct host *h, struct unit_log *log, size_t max);
