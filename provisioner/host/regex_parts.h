/* SPDX-License-Identifier: MIT
 *
 * What the two halves of a pattern share: pattern.c makes it, pattern_run.c uses it.
 */
#pragma once
#include <regex.h>
#include "host/regex.h"

enum { ENDS_MAX = 8, OURS_MAX = 128 };

struct pattern {
	regex_t re;
	int group[PATTERN_GROUPS]; /* Python's group -> ours, which counts (?:...) too */
	struct str name[PATTERN_GROUPS];
	int groups;
	int end[ENDS_MAX]; /* our groups that stand for a '$': they may take the last newline */
	int ends;
};

/* Is a byte in Python's class \d, \s or \w ('d', 's', 'w')? ASCII only, as for bytes there. */
bool pattern_class(char class, int c);
