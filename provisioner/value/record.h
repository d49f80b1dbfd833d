/* SPDX-License-Identifier: MIT
 *
 * A C struct whose members are described by one table: written into a map, read back, and checked,
 * by loops over it.
 *
 *   record_fields(members, USE, fields, ARRAY_LEN(fields), more);   the table that checks the map
 *   record_put(a, members, USE, &s, map);  record_take(a, members, USE, map, &s);
 */
#pragma once
#include "value/field.h"

enum member_kind {
	MEMBER_TEXT,    /* const char *; NULL is left out */
	MEMBER_BOOL,    /* the default of its field is left out, of numbers too */
	MEMBER_INT,     /* int */
	MEMBER_NUMBER,  /* uint32_t */
	MEMBER_VALUE,   /* struct value *; NULL is left out */
	MEMBER_TEXTS,   /* const char *const *, NULL-terminated; NULL and none are left out */
	MEMBER_NUMBERS, /* const uint32_t *, 0-terminated; NULL and none are left out */
};
struct member {
	struct field field; /* its name in the map, and what is valid there */
	enum member_kind kind;
	size_t offset;
	unsigned uses; /* bits of its owner's: of which maps it is part */
};

/* Puts the fields of the members of this use into out, once, then those of `more` (NULL: none; else
 * it ends with a field without a name), and an end. */
void record_fields(const struct member *table, unsigned use, struct field *out, size_t room,
	const struct field *more);
void record_put(struct arena *a, const struct member *table, unsigned use, const void *record,
	struct value *map);
/* From a map that was checked by record_fields' table; borrows its texts and values. */
void record_take(struct arena *a, const struct member *table, unsigned use, const struct value *map,
	void *record);
