/* SPDX-License-Identifier: MIT
 *
 * A policy-rc.d for the time of a package change (invoke-rc.d(8)): services that were not running
 * before are not started by it. `folder` is /usr/sbin, except in tests.
 */
#pragma once
#include "base/base.h"

#define POLICY_FOLDER "/usr/sbin"

/* Puts ours in place, the host's own aside. `running`: names of services that may be started
 * (NULL-terminated); every other start is answered with `answer` and
 * noted in the file `held`. */
bool policy_begin(const char *folder, const char *held, int answer, const char *const *running,
	struct err *e);
/* Takes ours away, the host's own back. Also after a run that was killed; nothing of ours there
 * is fine. */
bool policy_end(const char *folder, struct err *e);
