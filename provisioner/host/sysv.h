/* SPDX-License-Identifier: MIT
 *
 * The scripts of SysV init, for systemd too: it makes units of them.
 */
#pragma once
#include "base/base.h"

const char *script_name(struct arena *a, const char *name); /* "postfix.service" -> "postfix" */
/* Does the script start at boot? insserv makes the links (update-rc.d(8)). */
bool script_at_boot(struct arena *a, const char *name);
