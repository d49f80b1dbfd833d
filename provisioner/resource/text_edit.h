/* SPDX-License-Identifier: MIT
 *
 * Edits of a text by lines: the results of lineinfile and blockinfile. Pure: text in, text out.
 * Lines keep their ends; an added line ends in a newline.
 */
#pragma once
#include "host/regex.h"
#include "resource/resource.h"

enum { EDIT_MAX = 16 << 20 }; /* larger files are not edited */

enum edit_place {
	PLACE_EOF,
	PLACE_BOF,
	PLACE_AFTER,  /* after the line that `anchor` matches, else at the end */
	PLACE_BEFORE, /* before it, else at the end */
};
struct line_edit {
	struct str line;              /* p NULL: none (absent with a pattern) */
	const struct pattern *regexp; /* selects the line, or NULL */
	struct str search;            /* selects it by a plain text; p NULL: none */
	enum edit_place place;
	const struct pattern *anchor;
	bool backrefs, firstmatch, absent;
};
bool edit_line(struct arena *a, struct str in, const struct line_edit *edit, struct str *out,
	struct err *e);

struct block_edit {
	struct str begin, end; /* the marker lines */
	struct str block;      /* empty: the block is removed */
	enum edit_place place;
	const struct pattern *anchor;
};
void edit_block(struct arena *a, struct str in, const struct block_edit *edit, struct str *out);

/* The place that the parameters insertafter and insertbefore name; when they hold a pattern, the
 * anchor is compiled and the caller frees it. */
bool edit_place_of(struct arena *a, const struct value *params, enum edit_place *place,
	struct pattern **anchor, struct err *e);
/* For a type's check: reports both given, or an unsupported pattern. */
bool edit_place_check(const struct value *params, struct errs *errs);

/* The observe of lineinfile, blockinfile and replace: finds the file (following trusted links),
 * reads it, calls `edit` for the new text, and reports content and attributes. */
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

/* The fields that they share, before those of WRITE_FIELDS, and the fields of their results. */
#define TEXT_PATH_FIELD                                                                   \
	{                                                                                 \
		.name = "path", .kind = FIELD_PATH, .flags = FIELD_REQUIRED,              \
		.aliases = "dest destfile name",                                          \
		.doc = "The file. A link is followed, unless it belongs to another user." \
	}
#define TEXT_CREATE_FIELD                                              \
	{                                                              \
		.name = "create", .kind = FIELD_BOOL, .dflt = "false", \
		.doc = "Create the file when it does not exist."       \
	}
extern const struct field text_returns[];
