/* SPDX-License-Identifier: MIT
 *
 * Private to value/: what JSON and Python write alike.
 */
#pragma once
#include "value/value.h"

void print_float(struct buf *b, double f); /* the fewest digits that read back the same; 1.0 */
