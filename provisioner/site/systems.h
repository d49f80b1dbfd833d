/* SPDX-License-Identifier: MIT
 *
 * Whether roles are written for what a host is.
 */
#pragma once
#include "site/resolve.h"

bool system_supported(struct resolver *r, const struct role *role, struct err *e);
bool systems_supported(struct resolver *r, struct err *e); /* all roles of the host's plays */
