/* SPDX-License-Identifier: MIT
 *
 * Field tables: the only description of the parameters of a resource type, of the declared mail
 * state, and of a play's keywords. Checks, defaults, documentation and output are loops over them.
 *
 * A table is an array of struct field that ends with {.name = NULL}.
 */
#pragma once
#include "value/value.h"

enum field_kind {
	FIELD_STR,   /* numbers and booleans are accepted, as written */
	FIELD_PATH,  /* absolute path */
	FIELD_BOOL,  /* true/false, yes/no, on/off, 1/0, also as text */
	FIELD_INT,   /* within min..max */
	FIELD_MODE,  /* "0644", 0644, "u=rw,g=r,o=": octal text or int; normalised to text "0644";
			symbolic text is kept */
	FIELD_SIZE,  /* bytes: 100M, 2G, 512k (1024-based), 0 = none; normalised to an int */
	FIELD_ENUM,  /* one of choices */
	FIELD_LIST,  /* of strings (a string alone, also comma separated with FIELD_COMMA); with
			`sub`: of maps */
	FIELD_MAP,   /* with `sub`: only its keys; without: any keys */
	FIELD_MAPOF, /* any keys; each value a map described by `sub` (null counts as {}) */
	FIELD_BLOB,  /* a file's content; a text becomes a VALUE_BLOB */
	FIELD_ANY,
};
enum field_flags {
	FIELD_REQUIRED = 1,
	FIELD_SECRET = 2,   /* the value becomes secret */
	FIELD_NULLABLE = 4, /* null is a valid value (otherwise null means: not given) */
	FIELD_COMMA = 8,    /* a list may be written "a,b" */
	FIELD_LATER = 16,   /* known, but not supported yet: using it is an error */
	FIELD_ACTION =
		32, /* affects how, not what: not part of the wanted state (backup, validate) */
	FIELD_PER_HOST = 64,  /* a keyword whose value may be a template, evaluated for each host */
	FIELD_SETTINGS = 128, /* settings of another program, in its own words */
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

/* Checks the map `in` against the table. Returns a new map with canonical names, typed values and
 * defaults. On problems returns NULL; `errs` then holds each one with its position and, for an
 * unknown key, a suggestion. `what` names the map in messages: "module 'file'", "mail". UNKNOWN is
 * valid for every kind. A key that is absent and has no default stays absent. */
struct value *fields_check(struct arena *a, const struct field *table, const struct value *in,
	const char *what, struct errs *errs);
/* by name or alias; NULL: none */
const struct field *field_find(const struct field *table, struct str name);
