/* SPDX-License-Identifier: MIT
 *
 * Shared by regex.c, which compiles a pattern, and regex_run.c, which uses it.
 */
#pragma once
#include <regex.h>
#include "host/regex.h"

enum { ENDS_MAX = 8, OURS_MAX = 128 };

struct pattern {
	regex_t re;
	int group[PATTERN_GROUPS]; /* Python's group -> POSIX group, which counts (?:...) too */
	struct str name[PATTERN_GROUPS];
	int groups;
	int end[ENDS_MAX]; /* groups of ours for a '$': they may contain the last newline */
	int ends;
};

/* Is a byte in Python's class \d, \s or \w ('d', 's', 'w')? ASCII only, as for bytes in Python. */
bool pattern_class(char class, int c);
