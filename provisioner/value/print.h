/* SPDX-License-Identifier: MIT
 *
 * Private to value/: shared by the output of JSON and of Python's notation.
 */
#pragma once
#include "value/value.h"

/* the fewest digits that give the same number when read; at least "1.0" */
void print_float(struct buf *b, double f);
