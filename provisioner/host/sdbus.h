/* SPDX-License-Identifier: MIT
 *
 * Questions to systemd itself over its private socket, without a process in between: a look at
 * services would otherwise cost more than all the rest. Only reads properties.
 */
#pragma once
#include "base/base.h"

/* A unit's properties in systemd's words; "" where it has none. */
struct shown {
	const char *id, *load, *active, *sub, *file_state, *need_reload;
	const char *dropins;     /* paths of the drop-ins it was read with, parted by blanks */
	const char *consists_of; /* the units that are part of it, parted by blanks */
	const char *part_of;     /* the units it is part of; only from systemctl, as the next two */
	const char *type, *result;
};
#define SHOWN_NOTHING                                      \
	{                                                  \
		"", "", "", "", "", "", "", "", "", "", "" \
	}

/* Asks for `names` (with their suffixes), and leaves the answers lying until they are wanted:
 * systemd takes about a millisecond for each, and may take it while the caller does something else.
 * All of it lives in `a`; `names` must, too. NULL, without a reason, when it does not work: not
 * root, another systemd. */
struct sdbus_talk;
struct sdbus_talk *sdbus_ask(struct arena *a, const char *const *names, size_t n);
/* What is said of names[i], waited for. false: no answer in time, or none that can be used. */
bool sdbus_answer(struct sdbus_talk *t, size_t i, struct shown *out);
void sdbus_end(struct sdbus_talk *t); /* NULL is fine */
/* All at once. false: systemctl tells then. */
bool sdbus_show(struct arena *a, const char *const *names, size_t n, struct shown *out);
