/* SPDX-License-Identifier: MIT
 *
 * replace: replaces every match of a pattern in a text file. Leaves the rest as it is, and never
 * creates a file.
 */
#include "host/path.h"
#include "resource/text_edit.h"
#include "resource/types.h"

/* PATTERN flags: regexp works on lines; after and before work on the whole text. */
enum { LINE_FLAGS = PATTERN_SPANS | PATTERN_LINES, TEXT_FLAGS = PATTERN_SPANS | PATTERN_DOTALL };
enum { REPLACE_MAX = 1 << 20 }; /* each match costs time for the rest */

struct replacement {
	struct pattern *regexp, *after, *before;
	struct str with;
};

/* The range for matches: after the first match of `after`, up to the next one of `before`. */
static bool find_section(
	const struct replacement *r, const char *text, size_t n, size_t *from, size_t *to)
{
	struct span s[PATTERN_GROUPS];
	*from = 0;
	*to = n;
	if (r->after) {
		if (!pattern_search(r->after, text, false, s))
			return false;
		*from = (size_t)s[0].to;
	}
	if (!r->before)
		return true;
	if (!pattern_search(r->before, text + *from, *from > 0 && text[*from - 1] != '\n', s))
		return false;
	*to = *from + (size_t)s[0].from;
	return true;
}

/* As in re.sub: an empty match directly after another one counts. */
static bool substitute_matches(
	const struct replacement *r, const char *text, size_t n, struct buf *out, struct err *e)
{
	struct span s[PATTERN_GROUPS];
	for (size_t at = 0; at <= n;) {
		bool inside = at > 0 && text[at - 1] != '\n';
		if (!pattern_search(r->regexp, text + at, inside, s)) {
			buf_add(out, text + at, n - at);
			return true;
		}
		buf_add(out, text + at, (size_t)s[0].from);
		if (!pattern_expand(r->regexp, r->with, text + at, s, out, e))
			return false;
		at += (size_t)s[0].to;
		if (s[0].to > s[0].from)
			continue;
		if (at < n)
			buf_addc(out, text[at]);
		at++;
	}
	return true;
}

static bool edit_text(void *ctx, struct arena *a, struct str in, struct str *out, struct err *e)
{
	const struct replacement *r = ctx;
	size_t from, to;
	struct buf b;
	*out = in;
	if (in.n > REPLACE_MAX)
		return err_set(e, ERR_PERMANENT,
			"it is larger than %d bytes, the limit for replace", REPLACE_MAX);
	if (memchr(in.p, 0, in.n))
		return err_set(e, ERR_PERMANENT, "it contains NUL bytes, so it is not a text");
	if (!find_section(r, in.p, in.n, &from, &to))
		return true;
	buf_init(&b, EDIT_MAX);
	buf_add(&b, in.p, from);
	struct str part = str_dup(a, in.p + from, to - from);
	bool ok = substitute_matches(r, part.p, part.n, &b, e);
	buf_add(&b, in.p + to, in.n - to);
	if (b.over)
		ok = err_set(e, ERR_PERMANENT, "the edited text would be too large");
	*out = buf_str(a, &b);
	buf_free(&b);
	return ok;
}

static bool compile_param(struct arena *a, const struct value *params, const char *key,
	unsigned flags, struct pattern **out, struct err *e)
{
	const struct value *v = map_at(params, key);
	*out = NULL;
	if (!v || v->type != VALUE_STR)
		return true;
	*out = pattern_compile(a, v->s, flags, e);
	return *out || err_prefix(e, "%s", key);
}

static bool observe_replace(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct replacement r = {.with = str_c(map_cstr(params, "replace", ""))};
	bool ok = compile_param(h->a, params, "regexp", LINE_FLAGS, &r.regexp, e) &&
		  compile_param(h->a, params, "after", TEXT_FLAGS, &r.after, e) &&
		  compile_param(h->a, params, "before", TEXT_FLAGS, &r.before, e) &&
		  text_observe(h, params, edit_text, &r, o, e);
	pattern_free(r.regexp);
	pattern_free(r.after);
	pattern_free(r.before);
	return ok;
}

static bool check_replace(const struct value *params, struct errs *errs)
{
	bool ok = check_validate(params, errs);
	ok = pattern_check(params, "regexp", LINE_FLAGS, errs) && ok;
	ok = pattern_check(params, "after", TEXT_FLAGS, errs) && ok;
	return pattern_check(params, "before", TEXT_FLAGS, errs) && ok;
}

static const struct field fields[] = {
	TEXT_PATH_FIELD,
	{.name = "regexp",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "What is replaced, everywhere; ^ and $ match at every line. Python's "
		       "syntax, without look-around, lazy quantifiers and backreferences in the "
		       "pattern."},
	{.name = "replace",
		.kind = FIELD_STR,
		.doc = "The replacement, in which \\1 or \\g<name> insert groups. Default: "
		       "nothing."},
	{.name = "after",
		.kind = FIELD_STR,
		.doc = "Replace only after the first match of this pattern, in which '.' matches "
		       "newlines too and ^ and $ match at the ends of the text (start it with "
		       "(?m) for lines)."},
	{.name = "before",
		.kind = FIELD_STR,
		.doc = "Replace only before the next match of this pattern, which has the same "
		       "syntax."},
	WRITE_FIELDS,
	FILE_ATTR_FIELDS,
	{.name = NULL},
};

static bool apply_replace(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	return text_apply(h, params, observe_replace, o, e);
}

const struct restype restype_replace = {
	.name = "replace",
	.full_names = BUILTIN_NAMES("replace"),
	.key = "path",
	.doc = "Replaces every match of a pattern in a text file.",
	.example = "- replace:\n    path: /etc/hosts\n    regexp: '^127\\.0\\.1\\.1.*$'\n"
		   "    replace: 127.0.1.1 mx1.example.com mx1\n",
	.fields = fields,
	.returns = text_returns,
	.class = RES_FILE,
	.touches = RES_FILE | RES_SERVICE,
	.check = check_replace,
	.foresee = text_foresee,
	.observe = observe_replace,
	.apply = apply_replace,
};
