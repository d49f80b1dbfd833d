/* SPDX-License-Identifier: MIT
 *
 * Private to value/.
 */
#pragma once
#include "value/value.h"

/* The line with what follows "password:" and its like as stars; as many characters as before. */
struct str mask_secrets(struct arena *a, struct str line);
/* The line with all but its first key as stars; without a key all of it, or all but its first word,
 * the name of a host. */
struct str mask_values(struct arena *a, struct str line, bool host);
