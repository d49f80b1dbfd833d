/* SPDX-License-Identifier: MIT
 *
 * Sources and problems: what is wrong with a site, each problem with its position. A run shows them
 * together.
 */
#pragma once
#include "base/page.h"

/* Registers the text of a file, so that a problem can show its line. */
/* text must stay valid until the end of the run */
void source_add(const char *file, struct str text);
/* From now on hides the values of the file's lines: it cannot be parsed, so it is unknown which
 * values are secret. */
void source_hide(const char *file);
void source_hide_line(struct pos pos); /* only this line */
struct errs {                          /* the problems of a run */
	struct arena *a;
	struct err *v;
	size_t n, cap;
	size_t dropped;   /* number of those beyond ERRS_MAX */
	struct err *warn; /* warnings, separately: n > 0 means that something is wrong */
	size_t n_warn, cap_warn, dropped_warn;
};
enum { ERRS_MAX = 50 }; /* of each kind */
void errs_init(struct errs *e, struct arena *a);
/* returns false */
bool errs_add(struct errs *e, struct pos pos, const char *fmt, ...) PRINTF(3, 4);
/* With a second position; `what` has static lifetime: "the quote begins here". */
bool errs_add_also(struct errs *e, struct pos pos, struct pos also, const char *what,
	const char *fmt, ...) PRINTF(5, 6);
void errs_warn(struct errs *e, struct pos pos, const char *fmt, ...) PRINTF(3, 4);
/* copies it; a warning stays a warning; returns false */
bool errs_take(struct errs *e, const struct err *one);
void errs_join(struct errs *e, const struct errs *more);
#define errs_add(...) always_false(errs_add(__VA_ARGS__))
#define errs_take(...) always_false(errs_take(__VA_ARGS__))
/* Adds to `out`, sorted by position: "file:12:7: message" (a warning with "warning: " before it),
 * the line, and a caret. */
void errs_print(const struct errs *e, struct page *out);
/* Adds one JSON object per line: event (error, warning), file, line, column, message. */
void errs_json(const struct errs *e, struct buf *out);
void err_print(const struct err *e, struct page *out); /* prints one problem */
bool names_secret(struct str key); /* mask.c: does the key's name say that its value is secret? */
/* "file:12:7: what", the line, and a caret, each after `indent` blanks. */
void place_print(struct page *out, int indent, struct pos pos, const char *what);
/* The first of `n` lines of a known file from pos on that contains the text, with the column of the
 * text; pos itself if there is none. */
struct pos source_find(struct pos pos, struct str text, size_t n);
