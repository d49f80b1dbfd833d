/* SPDX-License-Identifier: MIT
 *
 * Requests to systemd over its private socket, without a process: observing services would
 * otherwise take more time than everything else. Only reads properties.
 */
#pragma once
#include "base/base.h"

/* A unit's properties as systemd reports them; "" where it has none. */
struct shown {
	const char *id, *load, *active, *sub, *file_state, *need_reload;
	const char *dropins;     /* paths of the drop-ins that were loaded, separated by blanks */
	const char *consists_of; /* the units that are part of it, separated by blanks */
	const char *part_of;     /* units that it is part of; only from systemctl, as below */
	const char *type, *result;
};
#define SHOWN_NOTHING                                      \
	{                                                  \
		"", "", "", "", "", "", "", "", "", "", "" \
	}

/* Requests `names` (with their suffixes) and does not wait: systemd takes about a millisecond for
 * each, and the caller can do something else meanwhile. All of it lives in `a`; `names` must, too.
 * NULL, without a reason, when it does not work: not root, another version of systemd. */
struct sdbus_talk;
struct sdbus_talk *sdbus_ask(struct arena *a, const char *const *names, size_t n);
/* Waits for the reply about names[i]. false: no reply in time, or an unusable one. */
bool sdbus_answer(struct sdbus_talk *t, size_t i, struct shown *out);
void sdbus_end(struct sdbus_talk *t); /* NULL is allowed */
/* All at once. false: use systemctl instead. */
bool sdbus_show(struct arena *a, const char *const *names, size_t n, struct shown *out);
