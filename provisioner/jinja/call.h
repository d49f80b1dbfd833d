/* SPDX-License-Identifier: MIT
 *
 * Private to jinja/: what the functions of filters, tests, functions and methods are written with,
 * and their tables.
 */
#pragma once
#include "jinja/callables.h"
#include "jinja/evaluator.h"
#include "jinja/text.h"

/* ---- callables: filters, tests, functions, methods ---- */
enum { CALL_ARGS = 10 };
enum call_flags {
	CALL_UNDEFINED = 1, /* takes undefined values */
	CALL_UNKNOWN = 2,   /* looks at unknown values itself */
	CALL_PLAIN = 4,   /* the result is no secret although the input is, or has its own marks */
	CALL_CHANGES = 8, /* a method that changes its object */
	CALL_PARTS = 16,  /* takes a map that is made in parts as it is */
};
struct call {
	struct jinja *in;
	struct arena *a;
	const struct callable *fn;
	struct pos pos;
	struct value *v;              /* what it is applied to; NULL for a function */
	struct value *arg[CALL_ARGS]; /* in the order of params; NULL: not given */
	struct value *rest;           /* list: the positional arguments past params */
	struct value *kwargs;         /* map: the named ones that params has not */
	const struct value *unknown;  /* set when an UNKNOWN was met: the result is UNKNOWN */
};
const struct callable *jinja_filter(struct str name);
const struct callable *jinja_test(struct str name);
struct value *test_version(struct call *c);
const struct callable *jinja_function(struct str name);
const struct callable *jinja_method(const struct value *obj, struct str name);
/* Binds the arguments, deals with undefined, unknown and secret ones, and calls. */
struct value *jinja_apply(struct jinja *in, const struct callable *fn, struct value *v,
	struct value *args, struct value *named, struct pos pos);

extern const struct callable filters_text[], filters_path[], filters_list[], filters_map[],
	filters_data[], filters_set[], filters_crypt[], filters_number[], filters_regex[],
	filters_select[], tests_kind[], tests_compare[], tests_text[], tests_result[], functions[],
	str_methods[], list_methods[], map_methods[];

/* What the functions of the tables are written with. */
struct value *call_fail(struct call *c, const char *fmt, ...) PRINTF(2, 3);
struct value *call_str(struct call *c, struct str s);
struct value *call_buf(struct call *c, struct buf *b); /* takes the text and frees the buffer */
struct str call_text(struct call *c, const struct value *v); /* as printed */
bool call_int(struct call *c, int i, int64_t dflt, int64_t *out);
bool call_bool(struct call *c, int i, bool dflt);
struct str call_arg(struct call *c, int i, const char *dflt);
/* The items of a list, the keys of a map, the characters of a string. */
struct value *call_list(struct call *c, struct value *v);
bool call_unknown(struct call *c, const struct value *v); /* is it (or is one in it) UNKNOWN? */
bool call_truth(struct call *c, const struct value *v);
struct value *call_yes(struct call *c, bool b); /* true or false */
struct value *call_path(struct call *c, struct value *v, const struct value *path); /* a.b.0 */

/* ops.c: true and false are whole numbers, too, as in Python: 1 and 0. */
bool jinja_is_int(const struct value *v);
bool jinja_is_number(const struct value *v);
int64_t jinja_int(const struct value *v); /* of what jinja_is_int() holds for */

/* Python's "%..." and str.format. */
struct value *format_percent(
	struct call *c, struct str fmt, struct value *list, const struct value *map);
struct value *format_braces(
	struct call *c, struct str fmt, struct value *list, const struct value *map);

/* The order-keeping set of values that unique, difference and others use. */
struct value_set {
	struct arena *a;
	struct value *map;
};
void set_init(struct value_set *s, struct arena *a);
bool set_add(struct value_set *s, struct call *c, const struct value *v); /* false: was there */
bool set_has(struct value_set *s, struct call *c, const struct value *v);

/* What an item is sorted by: an attribute perhaps, in lower case when cases count the same. */
struct value *call_sort_key(
	struct call *c, struct value *v, const struct value *attribute, bool case_sensitive);
struct value *call_no_items(struct call *c); /* undefined: an empty list has no such item */
/* Sorting, stable; keys and values of the same length; false with an error. */
bool call_sort(struct call *c, struct value **keys, struct value **values, size_t n, bool reverse);

/* ---- regular expressions (PCRE2, Python's dialect) ---- */
enum regex_flags { REGEX_IGNORECASE = 1, REGEX_MULTILINE = 2, REGEX_START = 4, REGEX_ALL = 8 };
struct regex_match {
	size_t *at; /* pairs of offsets, (size_t)-1: not taken part */
	size_t n;   /* groups, the whole included */
};
struct regex *regex_get(struct call *c, struct str pattern, unsigned flags);
/* 1 found, 0 not, -1 error set. The match is good until the next call. */
int regex_match(struct call *c, struct regex *r, struct str s, size_t from, bool not_empty,
	struct regex_match *m);
int regex_group(struct regex *r, struct str name); /* number or name; -1: none */
void regex_free(struct regex *r);

/* ---- Python's random.Random(seed), for random and shuffle ---- */
struct python_random {
	uint32_t mt[624];
	int i;
};
void random_seed_text(struct python_random *r, struct str seed);
void random_seed_int(struct python_random *r, uint64_t seed);
uint64_t random_below(struct python_random *r, uint64_t n);
