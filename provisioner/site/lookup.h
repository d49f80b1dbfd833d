/* SPDX-License-Identifier: MIT
 *
 * Shared by the files of lookups: one call of a lookup.
 */
#pragma once
#include "site/vars.h"

struct call {
	struct vars *v;
	const struct value *args, *kwargs;
	struct err *e;
	struct value *out;
};
const char *lookup_arg(const struct call *c, size_t i);
struct value *lookup_text(struct arena *a, struct str s); /* never a template */
/* Appends v, or its items down to `depth` nested lists. */
void lookup_flatten(struct arena *a, struct value *out, struct value *v, int depth);

/* lookup_file.c */
bool lookup_file(struct call *c);
bool lookup_template(struct call *c);
bool lookup_fileglob(struct call *c);
bool lookup_first_found(struct call *c);
