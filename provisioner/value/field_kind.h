/* SPDX-License-Identifier: MIT
 *
 * Private to value/: between the check of a map and the conversion of one value.
 */
#pragma once
#include "value/field.h"

struct check {
	struct arena *a;
	struct errs *errs;
};

bool word_in(const char *words, struct str word); /* of space separated words */

/* The value in the kind's own form, or NULL when it has none; the problems are in c->errs. `name`
 * is what messages call it. Null, where the field does not keep it, is a problem here. */
struct value *field_convert(
	struct check *c, const struct field *f, const struct value *v, const char *name);
struct value *field_default(struct arena *a, const struct field *f); /* raw, from f->dflt */
struct value *check_map(
	struct check *c, const struct field *table, const struct value *in, const char *what);
/* "mail" and "dkim" make "mail.dkim"; within "module 'file'" a key stands for itself. */
const char *field_path(struct check *c, const char *what, const char *key);
