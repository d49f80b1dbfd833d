/* SPDX-License-Identifier: MIT
 *
 * A folder for a program to work in: .provXXXXXX in /run or /var/lib, of the running user alone.
 * What a killed run left is found by its name.
 */
#pragma once
#include "base/base.h"

enum { SCRATCH_MAX = 32 };
enum scratch_kind {
	SCRATCH_MEMORY,   /* in /run, which a boot empties; it may be small, and may forbid programs
			   */
	SCRATCH_PROGRAMS, /* what is written there may be executed */
};
bool scratch_open(enum scratch_kind kind, char path[SCRATCH_MAX], struct err *e);
void scratch_close(const char *path); /* with all in it */
void scratch_clean(void);             /* those of runs before, while no other is at work */
