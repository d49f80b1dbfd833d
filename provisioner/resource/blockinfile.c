/* SPDX-License-Identifier: MIT
 *
 * blockinfile: a block of lines between two marker lines. Leaves everything outside as it is.
 */
#include "host/path.h"
#include "resource/text_edit.h"
#include "resource/types.h"

#define MARK "{mark}"

static bool edit_text(void *ctx, struct arena *a, struct str in, struct str *out, struct err *e)
{
	(void)e;
	edit_block(a, in, ctx, out);
	return true;
}

static struct str marker_line(
	struct arena *a, const struct value *params, const char *key, const char *dflt)
{
	const char *text = map_cstr(params, "marker", "# " MARK " ANSIBLE MANAGED BLOCK");
	const char *at = strstr(text, MARK);
	if (!at)
		return str_c(text);
	return str_printf(a, "%.*s%s%s", (int)(at - text), text, map_cstr(params, key, dflt),
		at + strlen(MARK));
}

static bool observe_block(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	bool absent = strcmp(map_cstr(params, "state", "present"), "absent") == 0;
	struct pattern *anchor = NULL;
	struct block_edit be = {
		.begin = marker_line(h->a, params, "marker_begin", "BEGIN"),
		.end = marker_line(h->a, params, "marker_end", "END"),
		.block = str_c(absent ? "" : map_cstr(params, "block", "")),
	};
	bool ok = edit_place_of(h->a, params, &be.place, &anchor, e);
	be.anchor = anchor;
	ok = ok && text_observe(h, params, edit_text, &be, o, e);
	pattern_free(anchor);
	return ok;
}

static bool check_block(const struct value *params, struct errs *errs)
{
	const struct value *m = map_at(params, "marker");
	bool ok = edit_place_check(params, errs);
	ok = check_validate(params, errs) && ok;
	if (m && m->type == VALUE_STR && !strstr(m->s.p, MARK))
		ok = errs_add(
			errs, m->pos, "marker needs '" MARK "', which stands for BEGIN and END");
	if (m && m->type == VALUE_STR && strchr(m->s.p, '\n'))
		ok = errs_add(errs, m->pos, "marker must be one line");
	return ok;
}

static const struct field fields[] = {
	TEXT_PATH_FIELD,
	{.name = "block",
		.kind = FIELD_STR,
		.aliases = "content",
		.doc = "The lines; an empty block means state: absent."},
	{.name = "state",
		.kind = FIELD_ENUM,
		.choices = "present absent",
		.dflt = "present",
		.doc = "Whether the block exists."},
	{.name = "marker",
		.kind = FIELD_STR,
		.doc = "The marker line; {mark} becomes marker_begin or marker_end. Default: "
		       "'# {mark} ANSIBLE MANAGED BLOCK'."},
	{.name = "marker_begin",
		.kind = FIELD_STR,
		.dflt = "BEGIN",
		.doc = "Replaces {mark} in the first marker line."},
	{.name = "marker_end",
		.kind = FIELD_STR,
		.dflt = "END",
		.doc = "Replaces {mark} in the last marker line."},
	{.name = "insertafter",
		.kind = FIELD_STR,
		.doc = "Where a new block goes: after the last line that matches this pattern, or "
		       "EOF (the default)."},
	{.name = "insertbefore",
		.kind = FIELD_STR,
		.doc = "Or before the last line that matches this pattern, or BOF."},
	TEXT_CREATE_FIELD,
	WRITE_FIELDS,
	FILE_ATTR_FIELDS,
	{.name = NULL},
};

static bool apply_block(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	return text_apply(h, params, observe_block, o, e);
}

const struct restype restype_blockinfile = {
	.name = "blockinfile",
	.full_names = BUILTIN_NAMES("blockinfile"),
	.key = "path",
	.doc = "A block of lines between two markers in a text file.",
	.example = "- blockinfile:\n    path: /etc/hosts\n    block: |\n      192.0.2.10 "
		   "mx1.example.com\n",
	.fields = fields,
	.returns = text_returns,
	.class = RES_FILE,
	.touches = RES_FILE | RES_SERVICE,
	.check = check_block,
	.foresee = text_foresee,
	.observe = observe_block,
	.apply = apply_block,
};
