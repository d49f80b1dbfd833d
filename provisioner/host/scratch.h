/* SPDX-License-Identifier: MIT
 *
 * A temporary folder for a program: .provXXXXXX in /run or /var/lib, accessible to the running user
 * only. Those of interrupted runs are found by their name.
 */
#pragma once
#include "base/base.h"

enum { SCRATCH_MAX = 32 };
enum scratch_kind {
	/* in /run, which a boot empties; it may be small, and runs no programs ( noexec */
	SCRATCH_MEMORY,
	/* in /var/lib, where programs may be executed */
	SCRATCH_PROGRAMS,
};
bool scratch_open(enum scratch_kind kind, char path[SCRATCH_MAX], struct err *e);
/* Removes the folder and everything in it. */
void scratch_close(const char *path);
/* In a message puts the path `real` in the place of the temporary one: whoever reads it knows only
 * the file that was to be written. */
void scratch_unname(struct err *e, const char *path, const char *real);
/* Removes folders of interrupted runs: in /run at once, in /var/lib after an hour, because an agent
 * with its own state may be using them. */
void scratch_clean(void);
