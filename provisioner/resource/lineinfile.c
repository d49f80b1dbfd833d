/* SPDX-License-Identifier: MIT
 *
 * lineinfile: one line of a text file, present or absent. Leaves every other line as it is.
 */
#include "host/path.h"
#include "resource/text_edit.h"
#include "resource/types.h"

static struct str param_text(const struct value *params, const char *key)
{
	const struct value *v = map_at(params, key);
	return v && v->type == VALUE_STR ? v->s : (struct str){NULL, 0};
}

static bool edit_text(void *ctx, struct arena *a, struct str in, struct str *out, struct err *e)
{
	return edit_line(a, in, ctx, out, e);
}

static bool edit_from(struct arena *a, const struct value *params, struct line_edit *le,
	struct pattern **regexp, struct pattern **anchor, struct err *e)
{
	struct str text = param_text(params, "regexp");
	bool backrefs = map_bool(params, "backrefs", false);
	struct str line = param_text(params, "line");
	/* with the newline of a block scalar the line would never be found again */
	if (line.n && line.p[line.n - 1] == '\n')
		line = str_dup(a, line.p, line.n - 1);
	*le = (struct line_edit){
		.line = line,
		.search = param_text(params, "search_string"),
		.backrefs = backrefs,
		.firstmatch = map_bool(params, "firstmatch", false),
		.absent = strcmp(map_cstr(params, "state", "present"), "absent") == 0,
	};
	if (text.p && !(*regexp = pattern_compile(a, text, backrefs ? PATTERN_SPANS : 0, e)))
		return err_prefix(e, "regexp");
	le->regexp = *regexp;
	if (!edit_place_of(a, params, &le->place, anchor, e))
		return err_prefix(e, "insertafter or insertbefore");
	le->anchor = *anchor;
	return true;
}

static bool observe_line(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct pattern *regexp = NULL, *anchor = NULL;
	struct line_edit le;
	bool ok = edit_from(h->a, params, &le, &regexp, &anchor, e) &&
		  text_observe(h, params, edit_text, &le, o, e);
	pattern_free(regexp);
	pattern_free(anchor);
	return ok;
}

static bool check_present(const struct value *params, struct errs *errs)
{
	const struct value *backrefs = map_at(params, "backrefs");
	bool ok = true;
	if (!map_at(params, "line"))
		ok = errs_add(errs, params->pos, "lineinfile needs line");
	if (map_bool(params, "backrefs", false) && !map_at(params, "regexp"))
		ok = errs_add(errs, backrefs->pos, "backrefs needs regexp");
	return ok;
}

static bool check_line(const struct value *params, struct errs *errs)
{
	bool absent = strcmp(map_cstr(params, "state", "present"), "absent") == 0;
	bool backrefs = map_bool(params, "backrefs", false);
	const struct value *search = map_at(params, "search_string");
	bool ok = pattern_check(params, "regexp", backrefs ? PATTERN_SPANS : 0, errs);
	ok = edit_place_check(params, errs) && ok;
	ok = check_validate(params, errs) && ok;
	if (search && map_at(params, "regexp"))
		ok = errs_add(
			errs, search->pos, "lineinfile takes regexp or search_string, not both");
	if (!absent)
		return check_present(params, errs) && ok;
	if (!map_at(params, "line") && !map_at(params, "regexp") && !search)
		ok = errs_add(errs, params->pos,
			"lineinfile with state: absent needs line, regexp or search_string");
	return ok;
}

static const struct field fields[] = {
	TEXT_PATH_FIELD,
	{.name = "line",
		.kind = FIELD_STR,
		.aliases = "value",
		.doc = "The line; with backrefs it may contain \\1 or \\g<name>."},
	{.name = "regexp",
		.kind = FIELD_STR,
		.aliases = "regex",
		.doc = "Which line is replaced (the last match); with state absent, which lines "
		       "are removed. Python's syntax, without look-around and backreferences in "
		       "the pattern."},
	{.name = "search_string",
		.kind = FIELD_STR,
		.doc = "Like regexp, but a plain text that the line contains."},
	{.name = "state",
		.kind = FIELD_ENUM,
		.choices = "present absent",
		.dflt = "present",
		.doc = "Whether the line exists."},
	{.name = "insertafter",
		.kind = FIELD_STR,
		.doc = "Where a new line goes: after the last line that matches this pattern, or "
		       "EOF (the default)."},
	{.name = "insertbefore",
		.kind = FIELD_STR,
		.doc = "Or before the last line that matches this pattern, or BOF."},
	{.name = "firstmatch",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Use the first matching line instead of the last."},
	{.name = "backrefs",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.aliases = "backref",
		.doc = "Insert groups of regexp into line; without a match nothing changes."},
	TEXT_CREATE_FIELD,
	WRITE_FIELDS,
	FILE_ATTR_FIELDS,
	{.name = NULL},
};

static bool apply_line(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	return text_apply(h, params, observe_line, o, e);
}

const struct restype restype_lineinfile = {
	.name = "lineinfile",
	.full_names = BUILTIN_NAMES("lineinfile"),
	.key = "path",
	.doc = "One line of a text file.",
	.example = "- lineinfile:\n    path: /etc/default/saslauthd\n    regexp: '^START='\n"
		   "    line: START=yes\n",
	.fields = fields,
	.returns = text_returns,
	.class = RES_FILE,
	.touches = RES_FILE | RES_SERVICE,
	.check = check_line,
	.foresee = text_foresee,
	.observe = observe_line,
	.apply = apply_line,
};
