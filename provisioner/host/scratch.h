/* SPDX-License-Identifier: MIT
 *
 * A folder in /run for a program to work in: /run/.provXXXXXX, of the running user alone. What a
 * killed run left is found by its name.
 */
#pragma once
#include "base/base.h"

enum { SCRATCH_MAX = 32 };
bool scratch_open(char path[SCRATCH_MAX], struct err *e);
void scratch_close(const char *path); /* with all in it */
void scratch_clean(void);             /* those of runs before, while no other is at work */
