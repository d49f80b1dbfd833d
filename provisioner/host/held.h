/* SPDX-License-Identifier: MIT
 *
 * The services and timers that a package change did not start, by its policy, until a play starts
 * them. Kept until the next boot, which starts what is enabled anyway.
 */
#pragma once
#include "host/args.h"

#define HELD_FILE "/run/provision-held-units"

/* Names of units that are held, each once. `file` is HELD_FILE, except in tests. */
bool held_read(struct arena *a, const char *file, struct args *out, struct err *e);
bool held_add(struct arena *a, const char *file, const struct args *names, struct err *e);
bool held_forget(const char *file, struct err *e);
/* The units that are enabled by links of the administrator's folders, as systemctl enable makes
 * them; nothing where systemd does not run. */
void held_enabled_units(struct arena *a, struct args *out);
/* Holds those of `after` that are not in `before`. */
bool held_add_new(struct arena *a, const char *file, const struct args *before,
	const struct args *after, struct err *e);
