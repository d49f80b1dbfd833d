/* SPDX-License-Identifier: MIT
 *
 * The editing of master.cf, apart from any host.
 */
#pragma once
#include "resource/resource.h"

/* The text with the services ("name/type": columns and command, null removes) in place: comments,
 * order and all other services are kept; equal text when nothing differs. The services were
 * checked by the type's rules. */
struct str master_cf_edit(struct arena *a, struct str text, const struct value *services);
