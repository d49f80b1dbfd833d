/* SPDX-License-Identifier: MIT
 *
 * The list of all resource types; agent and controller both link it.
 */
#pragma once
#include "resource/resource.h"

extern const struct restype *const restypes[]; /* NULL-terminated */
/* Finds a type by its name, alias or full name; NULL: there is none. */
const struct restype *restype_find(struct str name);
/* the most similar name, for a suggestion; NULL: none */
const char *restype_nearest(struct str name);
