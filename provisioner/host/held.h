/* SPDX-License-Identifier: MIT
 *
 * Services and timers whose start policy-rc.d has prevented during a package change, until the play
 * starts them. Kept until the next boot, which starts enabled units anyway.
 */
#pragma once
#include "host/args.h"

#define HELD_FILE "/run/provision-held-units"

/* Names of the held units, without duplicates. `file` is HELD_FILE, except in tests. */
bool held_read(struct arena *a, const char *file, struct args *out, struct err *e);
bool held_add(struct arena *a, const char *file, const struct args *names, struct err *e);
bool held_forget(const char *file, struct err *e);
/* Adds the units of `after` that are not in `before`. */
bool held_add_new(struct arena *a, const char *file, const struct args *before,
	const struct args *after, struct err *e);
