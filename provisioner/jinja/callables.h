/* SPDX-License-Identifier: MIT
 *
 * The tables of filters, tests, functions and methods: one row each, with all that is known of it.
 * The parser finds a name in them, a call is checked by its row, and the reference is made of them.
 */
#pragma once
#include "value/value.h"

struct call;
typedef struct value *call_fn(struct call *c);
struct callable {
	const char *name;
	call_fn *fn;
	/* names, space separated; !name: must be given; `*`: takes more; `**`: takes other names */
	const char *params;
	unsigned flags;
	const char *doc; /* one or more sentences */
	/* an expression, or a template, and its value as JSON */
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
/* All of a kind, sorted by name, NULL-terminated. */
const struct callable *const *callables(enum callables kind);
const char *const *callable_names(enum callables kind); /* of the same */
