/* SPDX-License-Identifier: MIT
 *
 * The list of all resource types, which the controller has, too.
 */
#pragma once
#include "resource/resource.h"

extern const struct restype *const restypes[]; /* NULL-terminated; the one visible list */
/* By name, alias or full name; or NULL. */
const struct restype *restype_find(struct str name);
const char *restype_nearest(struct str name); /* for a suggestion; or NULL */
