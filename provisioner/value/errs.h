/* SPDX-License-Identifier: MIT
 *
 * Sources and problems: what is wrong with a site, each problem with its place, shown together.
 */
#pragma once
#include "base/page.h"

/* The text of a file, kept so that a problem can show its line. */
void source_add(const char *file, struct str text); /* the text must outlive the run */
/* Its lines are shown without their values from now on: it is broken, so which of them are secret
 * cannot be told. */
void source_hide(const char *file);
void source_hide_line(struct pos pos); /* only this one */
struct errs {                          /* problems of a run, shown together */
	struct arena *a;
	struct err *v;
	size_t n, cap;
	size_t dropped;   /* past ERRS_MAX */
	struct err *warn; /* warnings stand apart: `n` alone says whether something is wrong */
	size_t n_warn, cap_warn, dropped_warn;
};
enum { ERRS_MAX = 50 }; /* of each kind */
void errs_init(struct errs *e, struct arena *a);
bool errs_add(struct errs *e, struct pos pos, const char *fmt, ...) PRINTF(3, 4); /* false */
/* With a second place; `what` outlives the run: "the quote begins here". */
bool errs_add_also(struct errs *e, struct pos pos, struct pos also, const char *what,
	const char *fmt, ...) PRINTF(5, 6);
void errs_warn(struct errs *e, struct pos pos, const char *fmt, ...) PRINTF(3, 4);
bool errs_take(struct errs *e, const struct err *one); /* false; a warning stays one */
void errs_join(struct errs *e, const struct errs *more);
#define errs_add(...) always_false(errs_add(__VA_ARGS__))
#define errs_take(...) always_false(errs_take(__VA_ARGS__))
/* "file:12:7: message" ("warning: " before it), the line, a caret; sorted by place; to `out`. */
void errs_print(const struct errs *e, struct page *out);
/* One JSON object a line: event (error, warning), file, line, column, message. */
void errs_json(const struct errs *e, struct buf *out);
void err_print(const struct err *e, struct page *out); /* one */
