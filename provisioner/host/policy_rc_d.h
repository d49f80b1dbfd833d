/* SPDX-License-Identifier: MIT
 *
 * A policy-rc.d for the time of a package change (invoke-rc.d(8)): services that were not running
 * before are not started. `folder` is /usr/sbin, except in tests.
 */
#pragma once
#include "base/base.h"

#define POLICY_FOLDER "/usr/sbin"

/* Installs ours and moves the host's own aside. `running`: names of services that may be started
 * (NULL-terminated); every other start is answered with `answer` and recorded in the file `held`.
 */
bool policy_begin(const char *folder, const char *held, int answer, const char *const *running,
	struct err *e);
/* Removes ours and restores the host's own. Works after an interrupted run, too, and when there is
 * none of ours. */
bool policy_end(const char *folder, struct err *e);
