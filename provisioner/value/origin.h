/* SPDX-License-Identifier: MIT
 *
 * Places in the user's files: where the values are set that a program on a host refused.
 */
#pragma once
#include "value/value.h"

enum { ORIGINS_MAX = 3 };
struct origin {
	const char *key; /* "mail.dovecot.settings.ssl_key" */
	struct pos pos;  /* of the key, or of the item of a list */
	bool secret;     /* the value is never shown */
};
struct origins {
	struct origin v[ORIGINS_MAX];
	size_t n;
};
/* Each place with its line, after `indent` blanks; a secret value is hidden. */
void origins_print(struct page *out, int indent, const struct origins *o);
/* For --json: a list of {file, line, column, key}. NULL: there are none (o may be NULL). */
struct value *origins_value(struct arena *a, const struct origins *o);
