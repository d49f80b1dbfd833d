/* SPDX-License-Identifier: MIT
 *
 * Tests of texts.
 */
#include "jinja/call.h"

static struct value *t_lower(struct call *c)
{
	struct str s = call_text(c, c->v);
	return call_yes(c, str_eq(s, text_lower(c->a, s)) && !str_eq(s, text_upper(c->a, s)));
}

static struct value *t_upper(struct call *c)
{
	struct str s = call_text(c, c->v);
	return call_yes(c, str_eq(s, text_upper(c->a, s)) && !str_eq(s, text_lower(c->a, s)));
}

static struct value *t_abs(struct call *c)
{
	return call_yes(c, str_starts(call_text(c, c->v), "/"));
}

static struct value *test_match(struct call *c, bool start, bool end)
{
	struct regex_match m;
	struct str s = call_text(c, c->v);
	unsigned flags = call_bool(c, 1, false) ? REGEX_IGNORECASE : 0;
	flags |= call_bool(c, 2, false) ? REGEX_MULTILINE : 0;
	struct str pattern = call_arg(c, 0, "");
	if (start || end) /* at the start, as re.match */
		pattern = str_printf(
			c->a, "\\A(?:" STR_FMT ")%s", STR_ARG(pattern), end ? "\\Z" : "");
	struct regex *r = regex_get(c, pattern, flags);
	int found = r ? regex_match(c, r, s, 0, false, &m) : -1;
	return found < 0 ? NULL : call_yes(c, found > 0);
}

static struct value *t_match(struct call *c)
{
	return test_match(c, true, false);
}

static struct value *t_search(struct call *c)
{
	return test_match(c, false, false);
}

static struct value *t_regex(struct call *c)
{
	struct str how = call_arg(c, 3, "search");
	return test_match(c, !str_is(how, "search"), str_is(how, "fullmatch"));
}

const struct callable tests_text[] = {
	{"abs", t_abs, "", 0, "Is it an absolute path?", "'/etc' is abs", "true"},
	{"lower", t_lower, "", 0, "Is the text in lower case?", "'mx1' is lower", "true"},
	{"match", t_match, "!pattern ignorecase multiline", 0,
		"Does the pattern match at the beginning of the text?",
		"'mx1.example.com' is match('mx[0-9]')", "true"},
	{"regex", t_regex, "!pattern ignorecase multiline match_type", 0,
		"Does the pattern match? match_type: search (default; anywhere), match (at the "
		"beginning) or fullmatch (all of the text).",
		"'mx1' is regex('x[0-9]', match_type='fullmatch')", "false"},
	{"search", t_search, "!pattern ignorecase multiline", 0,
		"Does the pattern match anywhere in the text?",
		"'mx1.example.com' is search('example')", "true"},
	{"upper", t_upper, "", 0, "Is the text in upper case?", "'MX1' is upper", "true"},
	{"version", test_version, "!version operator strict version_type", 0,
		"Does the comparison of two versions hold? operator: == (default), !=, <, <=, >, "
		">= or eq, ne, lt, le, gt, ge. version_type: loose (default), or semver for "
		"semantic versioning, as with strict.",
		"'3.7.11' is version('3.7.2', '>=')", "true"},
	{"version_compare", test_version, "!version operator strict version_type", 0,
		"The same as version.", "'1.9' is version_compare('1.10', '<')", "true"},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
