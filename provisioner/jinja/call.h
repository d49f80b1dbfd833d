/* SPDX-License-Identifier: MIT
 *
 * Private to jinja/: the interface for implementing filters, tests, functions and methods, and
 * their tables.
 */
#pragma once
#include "jinja/callables.h"
#include "jinja/evaluator.h"
#include "jinja/text.h"

/* ---- callables: filters, tests, functions, methods ---- */
enum { CALL_ARGS = 10 };
enum call_flags {
	CALL_UNDEFINED = 1, /* accepts undefined values */
	CALL_UNKNOWN = 2,   /* handles unknown values itself */
	/* the function itself marks its result as secret or literal, where needed */
	CALL_PLAIN = 4,
	CALL_CHANGES = 8, /* a method that changes its object */
	CALL_PARTS = 16,  /* accepts a lazy map (parts.c) without making it whole */
};
struct call {
	struct jinja *in;
	struct arena *a;
	const struct callable *fn;
	struct pos pos;
	struct value *v; /* what a filter, test or method is applied to; function: NULL */
	struct value *arg[CALL_ARGS]; /* in the order of params; NULL: not given */
	struct value *rest;           /* list: positional arguments beyond params */
	struct value *kwargs;         /* map: named arguments that are not in params */
	const struct value *unknown;  /* set if an UNKNOWN was used: the result is UNKNOWN */
};
const struct callable *jinja_filter(struct str name);
const struct callable *jinja_test(struct str name);
struct value *test_version(struct call *c);
const struct callable *jinja_function(struct str name);
const struct callable *jinja_method(const struct value *obj, struct str name);
/* Binds the arguments to params, handles undefined, unknown and secret ones, and calls fn. */
struct value *jinja_apply(struct jinja *in, const struct callable *fn, struct value *v,
	struct value *args, struct value *named, struct pos pos);

extern const struct callable filters_text[], filters_path[], filters_list[], filters_map[],
	filters_data[], filters_set[], filters_crypt[], filters_number[], filters_regex[],
	filters_select[], tests_kind[], tests_compare[], tests_text[], tests_result[], functions[],
	str_methods[], list_methods[], map_methods[];

/* For the implementations; NULL and false mean that an error is set. */
struct value *call_fail(struct call *c, const char *fmt, ...) PRINTF(2, 3);
struct value *call_str(struct call *c, struct str s);
struct value *call_buf(struct call *c, struct buf *b); /* copies the text and frees the buffer */
struct str call_text(struct call *c, const struct value *v); /* as it would be printed */
bool call_int(struct call *c, int i, int64_t dflt, int64_t *out);
bool call_bool(struct call *c, int i, bool dflt);
struct str call_arg(struct call *c, int i, const char *dflt);
/* A list of the items of a list, the keys of a map, or the characters of a string. */
struct value *call_list(struct call *c, struct value *v);
bool call_unknown(struct call *c, const struct value *v); /* is v, or anything in it, UNKNOWN? */
bool call_truth(struct call *c, const struct value *v);
struct value *call_yes(struct call *c, bool b); /* a boolean */
/* the value at a path such as a.b.0 */
struct value *call_path(struct call *c, struct value *v, const struct value *path);

/* ops.c: true and false are integers too, 1 and 0, as in Python. */
bool jinja_is_int(const struct value *v);
bool jinja_is_number(const struct value *v);
int64_t jinja_int(const struct value *v); /* only if jinja_is_int() */

/* Python's % operator and str.format. */
struct value *format_percent(
	struct call *c, struct str fmt, struct value *list, const struct value *map);
struct value *format_braces(
	struct call *c, struct str fmt, struct value *list, const struct value *map);

/* A set that keeps the order of insertion, for unique, difference and others. */
struct value_set {
	struct arena *a;
	struct value *map;
};
void set_init(struct value_set *s, struct arena *a);
/* false: it was in the set */
bool set_add(struct value_set *s, struct call *c, const struct value *v);
bool set_has(struct value_set *s, struct call *c, const struct value *v);

/* The key by which an item is sorted: the item or its attribute, in lower case unless case
 * matters. */
struct value *call_sort_key(
	struct call *c, struct value *v, const struct value *attribute, bool case_sensitive);
struct value *call_no_items(struct call *c); /* the undefined result for an empty list */
/* Sorts values by keys, stably; both have n items. false: error. */
bool call_sort(struct call *c, struct value **keys, struct value **values, size_t n, bool reverse);

/* ---- regular expressions (PCRE2, with Python's dialect) ---- */
enum regex_flags { REGEX_IGNORECASE = 1, REGEX_MULTILINE = 2, REGEX_START = 4, REGEX_ALL = 8 };
struct regex_match {
	size_t *at; /* pairs of offsets; (size_t)-1: the group did not match */
	size_t n;   /* number of groups, with group 0 */
};
/* The compiled pattern, from a cache that owns it. NULL: the pattern is invalid, an error is
 * set. */
struct regex *regex_get(struct call *c, struct str pattern, unsigned flags);
/* 1: it matched, 0: it did not, -1: error. The match is valid until the next call. */
int regex_match(struct call *c, struct regex *r, struct str s, size_t from, bool not_empty,
	struct regex_match *m);
int regex_group(struct regex *r, struct str name); /* by number or name; -1: there is none */
void regex_free(struct regex *r);

/* ---- the generator of Python's random.Random(seed), for random and shuffle ---- */
struct python_random {
	uint32_t mt[624];
	int i;
};
void random_seed_text(struct python_random *r, struct str seed);
void random_seed_int(struct python_random *r, uint64_t seed);
/* A number from 0 to n - 1; n 0: 0. */
uint64_t random_below(struct python_random *r, uint64_t n);
