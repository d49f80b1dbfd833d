/* SPDX-License-Identifier: MIT
 *
 * Field tables: the only description of a resource type, of the declared mail state, of a play.
 * Checking, defaults, documentation and output are loops over them.
 *
 * A table is an array of struct field that ends with {.name = NULL}.
 */
#pragma once
#include "value/value.h"

enum field_kind {
	FIELD_STR,   /* numbers and booleans are taken by their source text */
	FIELD_PATH,  /* absolute path */
	FIELD_BOOL,  /* true/false, yes/no, on/off, 1/0, also as text */
	FIELD_INT,   /* within min..max */
	FIELD_MODE,  /* "0644", 0644, "u=rw,g=r,o=": octal text or int; normalised to text "0644";
			symbolic text is kept */
	FIELD_SIZE,  /* bytes: 100M, 2G, 512k (1024-based), 0 = none; normalised to an int */
	FIELD_ENUM,  /* one of choices */
	FIELD_LIST,  /* of strings (a string alone, also comma separated with FIELD_COMMA); with
			`sub`: of maps */
	FIELD_MAP,   /* with `sub`: exactly these keys; without: any */
	FIELD_MAPOF, /* any keys; each value a map described by `sub` (null counts as {}) */
	FIELD_BLOB,  /* a file's content; text becomes a VALUE_BLOB */
	FIELD_ANY,
};
enum field_flags {
	FIELD_REQUIRED = 1,
	FIELD_SECRET = 2,   /* the value becomes secret */
	FIELD_NULLABLE = 4, /* null is a value of its own (otherwise null means: not given) */
	FIELD_COMMA = 8,    /* a list may be written "a,b" */
	FIELD_LATER = 16,   /* known, but not supported yet: using it is an error that says so */
	FIELD_ACTION =
		32, /* steers how, not what: no part of the desired state (backup, validate) */
	FIELD_PER_HOST = 64, /* a keyword that a template may give, another for each host */
};
struct field {
	const char *name;
	enum field_kind kind;
	unsigned flags;
	const char *aliases; /* other names, space separated, or NULL */
	const char *choices; /* ENUM: space separated */
	const char *dflt;    /* default as YAML plain text ("true", "0644", "rspamd"); NULL: none */
	int64_t min, max;    /* INT: when min < max */
	const struct field *sub;
	const char *doc; /* one or more sentences */
};

/* Checks `in` (a map) against the table and returns a new map with canonical names, typed values
 * and defaults; NULL when there was a problem, and then every problem is in `errs`, with position
 * and, for an unknown key, a suggestion. `what` names it in messages: "module 'file'", "mail".
 * An UNKNOWN value passes any kind. Keys absent and without a default stay absent. */
struct value *fields_check(struct arena *a, const struct field *table, const struct value *in,
	const char *what, struct errs *errs);
const struct field *field_find(const struct field *table, struct str name); /* aliases too */
