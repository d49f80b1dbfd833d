/* SPDX-License-Identifier: MIT
 *
 * A folder for a program to work in: .provXXXXXX in /run or /var/lib, of the running user alone.
 * What a killed run left is found by its name.
 */
#pragma once
#include "base/base.h"

enum { SCRATCH_MAX = 32 };
enum scratch_kind {
	/* in /run, which a boot empties; it may be small, and runs no programs (noexec) */
	SCRATCH_MEMORY,
	/* in /var/lib, where programs may run */
	SCRATCH_PROGRAMS,
};
bool scratch_open(enum scratch_kind kind, char path[SCRATCH_MAX], struct err *e);
/* Removes the folder and all in it. */
void scratch_close(const char *path);
/* Removes what killed runs left: in /run at once, in /var/lib after an hour, since an agent with a
 * state of its own may be at work there. */
void scratch_clean(void);
