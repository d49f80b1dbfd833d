/* SPDX-License-Identifier: MIT
 *
 * Edits of a text by lines: what lineinfile and blockinfile would leave of it. Pure: text in, text
 * out. Lines keep their ends as they are; one that is added ends in a newline.
 */
#pragma once
#include "host/regex.h"
#include "resource/resource.h"

enum { EDIT_MAX = 16 << 20 }; /* no larger file is edited */

enum edit_place {
	PLACE_EOF,
	PLACE_BOF,
	PLACE_AFTER,  /* behind the line that `anchor` matches, else at the end */
	PLACE_BEFORE, /* before it, else at the end */
};
struct line_edit {
	struct str line;              /* p NULL: none (absent with a pattern) */
	const struct pattern *regexp; /* which line is meant, or NULL */
	struct str search;            /* the same by a plain text; p NULL: none */
	enum edit_place place;
	const struct pattern *anchor;
	bool backrefs, firstmatch, absent;
};
bool edit_line(struct arena *a, struct str in, const struct line_edit *edit, struct str *out,
	struct err *e);

struct block_edit {
	struct str begin, end; /* the marker lines */
	struct str block;      /* empty: the block goes away */
	enum edit_place place;
	const struct pattern *anchor;
};
void edit_block(struct arena *a, struct str in, const struct block_edit *edit, struct str *out);

/* Which place the parameters insertafter and insertbefore name; the anchor is compiled when they
 * hold a pattern, and is the caller's to free. */
bool edit_place_of(struct arena *a, const struct value *params, enum edit_place *place,
	struct pattern **anchor, struct err *e);
/* For a type's check: both given, or a pattern that is not supported. */
bool edit_place_check(const struct value *params, struct errs *errs);

/* What lineinfile, blockinfile and replace share of observing: finds the file (links that are meant
 * followed), reads it, lets `edit` make the new text, and notes content and attributes. */
typedef bool text_edit_fn(
	void *ctx, struct arena *a, struct str in, struct str *out, struct err *e);
bool text_observe(struct host *h, const struct value *params, text_edit_fn *edit, void *ctx,
	struct observation *o, struct err *e);
/* `observe` is that of the type. */
typedef bool text_observe_fn(
	struct host *h, const struct value *params, struct observation *o, struct err *e);
/* For restype.foresee. */
void text_foresee(const struct value *params, const struct observation *o, struct foresight *f);
bool text_apply(struct host *h, const struct value *params, text_observe_fn *observe,
	struct observation *o, struct err *e);

/* The fields that they share, before those of WRITE_FIELDS, and what register sees. */
#define TEXT_PATH_FIELD                                                             \
	{                                                                           \
		.name = "path", .kind = FIELD_PATH, .flags = FIELD_REQUIRED,        \
		.aliases = "dest destfile name",                                    \
		.doc = "The file. A link is followed, unless it is another user's." \
	}
#define TEXT_CREATE_FIELD                                              \
	{                                                              \
		.name = "create", .kind = FIELD_BOOL, .dflt = "false", \
		.doc = "Make the file when it is not there."           \
	}
extern const struct field text_returns[];
