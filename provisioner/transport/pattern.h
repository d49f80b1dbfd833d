/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: ssh_config(5), PATTERNS: how OpenSSH's files name hosts.
 */
#pragma once
#include "base/base.h"

/* `*` and `?`, without regard to case. */
bool pattern_matches(const char *p, size_t n, const char *name);
/* Separated by commas; one that begins with ! and matches takes the whole list back. */
bool pattern_list_matches(struct str list, const char *name);
