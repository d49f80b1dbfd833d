/* SPDX-License-Identifier: MIT
 *
 * Structs described by a table of their members: writing one into a map, reading it back, and
 * checking the map are loops over the table.
 *
 *   record_fields(members, USE, fields, ARRAY_LEN(fields), more);   the table that checks the map
 *   record_put(a, members, USE, &s, map);  record_take(a, members, USE, map, &s);
 */
#pragma once
#include "value/field.h"

enum member_kind {
	MEMBER_TEXT,    /* const char *; NULL is omitted */
	MEMBER_BOOL,    /* bool; omitted if it has its field's default, as numbers are */
	MEMBER_INT,     /* int */
	MEMBER_NUMBER,  /* uint32_t */
	MEMBER_VALUE,   /* struct value *; NULL is omitted */
	MEMBER_TEXTS,   /* const char *const *, NULL-terminated; omitted if NULL or empty */
	MEMBER_NUMBERS, /* const uint32_t *, 0-terminated; omitted if NULL or empty */
};
struct member {
	struct field field; /* its key in the map, and which values are valid */
	enum member_kind kind;
	size_t offset;
	unsigned uses; /* bits defined by the table's owner: which maps contain it */
};

/* Copies to `out`, which has `room` entries, the fields of this use, then those of `more` (NULL, or
 * ended by a field without a name), then an end. */
void record_fields(const struct member *table, unsigned use, struct field *out, size_t room,
	const struct field *more);
void record_put(struct arena *a, const struct member *table, unsigned use, const void *record,
	struct value *map);
/* Reads a map that record_fields' table has checked; the struct borrows its texts and values. */
void record_take(struct arena *a, const struct member *table, unsigned use, const struct value *map,
	void *record);
