/* SPDX-License-Identifier: MIT
 *
 * Whether roles support a host's system.
 */
#pragma once
#include "site/resolve.h"

bool system_supported(struct resolver *r, const struct role *role, struct err *e);
bool systems_supported(struct resolver *r, struct err *e); /* all roles of the host's plays */
