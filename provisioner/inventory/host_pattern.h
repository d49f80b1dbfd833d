/* SPDX-License-Identifier: MIT
 *
 * Ansible's patterns of hosts: a:b:!c:&d, globs, ~regex, ranges.
 */
#pragma once
#include "inventory/inventory.h"

/* Names of the hosts, NULL-terminated; n may be 0. An implicit localhost is added. */
bool pattern_match(struct inventory *inv, struct arena *a, const char *pattern, const char ***out,
	size_t *n, struct err *e);
bool pattern_limit(struct inventory *inv, struct arena *a, const char *limit, const char ***out,
	size_t *n, struct err *e); /* also @file */
/* Always false: e says that no host matches, and which name may have been meant. */
bool pattern_none(const struct inventory *inv, struct arena *a, const char *pattern, struct err *e);
