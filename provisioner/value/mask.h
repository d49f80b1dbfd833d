/* SPDX-License-Identifier: MIT
 *
 * Private to value/: hides secrets in lines that messages show. The result has as many characters
 * as the line, so that a caret stays in place.
 */
#pragma once
#include "value/value.h"

/* Replaces the value after "password:" and similar keys by stars. */
struct str mask_secrets(struct arena *a, struct str line);
/* Replaces all but the first key by stars; in a line without a key everything, or, with `host`, all
 * but the first word, which is a host's name. */
struct str mask_values(struct arena *a, struct str line, bool host);
