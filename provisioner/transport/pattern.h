/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: ssh_config(5), PATTERNS: the host patterns of OpenSSH's files.
 */
#pragma once
#include "base/base.h"

/* `*` and `?`, ignoring case. */
bool pattern_matches(const char *p, size_t n, const char *name);
/* Patterns separated by commas; a matching one that begins with ! makes the whole
 * list not match. */
bool pattern_list_matches(struct str list, const char *name);
