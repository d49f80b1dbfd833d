/* SPDX-License-Identifier: MIT
 *
 * The tables of filters, tests, functions and methods: one row each, used for lookup, for checking
 * arguments, and for the documentation.
 */
#pragma once
#include "value/value.h"

struct call;
typedef struct value *call_fn(struct call *c);
struct callable {
	const char *name;
	call_fn *fn;
	/* names, separated by blanks; !name: required; `*`: further arguments; `**`: other names */
	const char *params;
	unsigned flags;
	const char *doc; /* one or more sentences */
	/* an expression or a template, and its value as JSON; a test checks it */
	const char *example, *result;
};
enum callables {
	CALL_FILTERS,
	CALL_TESTS,
	CALL_FUNCTIONS,
	CALL_STR_METHODS,
	CALL_LIST_METHODS,
	CALL_MAP_METHODS,
	CALL_KINDS
};
/* All of one kind, sorted by name; NULL-terminated. */
const struct callable *const *callables(enum callables kind);
const char *const *callable_names(enum callables kind); /* of the same */
