/* SPDX-License-Identifier: MIT
 *
 * Private to value/.
 */
#pragma once
#include "value/value.h"

/* The line with what follows "password:" and its like as stars; as many characters as before. */
struct str mask_secrets(struct arena *a, struct str line);
