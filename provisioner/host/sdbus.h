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

/* Asks for `names` (with their suffixes). false, without a reason, when it does not work: not root,
 * another systemd, no answer in time. systemctl then tells. */
bool sdbus_show(struct arena *a, const char *const *names, size_t n, struct shown *out);
