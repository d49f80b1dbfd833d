/* SPDX-License-Identifier: MIT
 *
 * Private to value/: the interface between the check of a map and the conversion of one value.
 */
#pragma once
#include "value/field.h"

struct check {
	struct arena *a;
	struct errs *errs;
};

/* is it one of the words, which blanks separate? */
bool word_in(const char *words, struct str word);

/* Converts the value to the canonical form of the field's kind. NULL: it is invalid, and c->errs
 * holds the problems, which call it `name`. null is invalid unless the field is FIELD_NULLABLE. */
struct value *field_convert(
	struct check *c, const struct field *f, const struct value *v, const char *name);
/* f->dflt, not converted yet */
struct value *field_default(struct arena *a, const struct field *f);
struct value *check_map(
	struct check *c, const struct field *table, const struct value *in, const char *what);
/* The name of a key in messages: "mail.dkim" for "mail" and "dkim"; within "module 'file'" the key
 * alone. */
const char *field_path(struct check *c, const char *what, const char *key);
