/* SPDX-License-Identifier: MIT
 *
 * The reference in its three forms: a table of fields, paragraphs and code, with what each form
 * would take for a mark.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "reference/reference.h"

static const struct field sub[] = {
	{.name = "owner", .kind = FIELD_STR, .flags = FIELD_REQUIRED}, {.name = NULL}};
static const struct field fields[] = {
	{.name = "state",
		.kind = FIELD_ENUM,
		.choices = "present absent",
		.dflt = "present",
		.doc = "What to have. .hidden *is* <b>."},
	{.name = "path", .kind = FIELD_PATH, .flags = FIELD_REQUIRED, .aliases = "dest name"},
	{.name = "port", .kind = FIELD_INT, .min = 1, .max = 9, .flags = FIELD_NULLABLE},
	{.name = "lists", .kind = FIELD_MAPOF, .sub = sub, .doc = "By `name` and a_name."},
	{.name = NULL},
};

static void expect_text(enum form_kind kind, const char *want)
{
	struct buf b;
	buf_init(&b, 10000);
	struct form f = {.kind = kind, .out = &b};
	form_section(&f, "group");
	form_text(&f, "A %s's.", "table");
	form_fields(&f, fields);
	form_text(&f, "'So'.");
	form_code(&f, "yaml", ".a: \\n - `x`");
	assert_string_equal(b.p, want);
	buf_free(&b);
}

static void as_text(void **state)
{
	(void)state;
	expect_text(FORM_TEXT, "group\n\n"
			       "  A table's.\n"
			       "  state (one of present, absent; default present)\n"
			       "      What to have. .hidden *is* <b>.\n"
			       "  path (absolute path; required; also: dest, name)\n"
			       "  port (integer from 1 to 9, or null)\n"
			       "  lists (mapping by name)\n"
			       "      By `name` and a_name.\n"
			       "      owner (string; required)\n\n"
			       "  'So'.\n\n"
			       ".a: \\n - `x`\n");
}

static void as_markdown(void **state)
{
	(void)state;
	expect_text(FORM_MARKDOWN, "\n## group\n\n"
				   "A table's.\n\n"
				   "- `state` (one of present, absent; default present)\n\n"
				   "  What to have. .hidden \\*is\\* \\<b>.\n"
				   "- `path` (absolute path; required; also: dest, name)\n"
				   "- `port` (integer from 1 to 9, or null)\n"
				   "- `lists` (mapping by name)\n\n"
				   "  By `name` and a_name.\n"
				   "  - `owner` (string; required)\n\n"
				   "'So'.\n\n"
				   "```yaml\n.a: \\n - `x`\n```\n");
}

static void as_manual(void **state)
{
	(void)state;
	expect_text(FORM_MAN, ".Sh GROUP\n"
			      "A table's.\n"
			      ".Bl -tag -width Ds\n"
			      ".It Sy state\n(one of present, absent; default present)\n"
			      "What to have.\n\\&.hidden *is* <b>.\n"
			      ".It Sy path\n(absolute path; required; also: dest, name)\n"
			      ".It Sy port\n(integer from 1 to 9, or null)\n"
			      ".It Sy lists\n(mapping by name)\n"
			      "By name and a_name.\n"
			      ".Bl -tag -width Ds\n.It Sy owner\n(string; required)\n.El\n"
			      ".El\n"
			      ".Pp\n\\&'So'.\n"
			      ".Bd -literal -offset indent\n\\&.a: \\en \\- `x`\n.Ed\n");
}

/* Each name that completion offers has an entry, and what has none says so. */
static void every_name_has_an_entry(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	size_t n = 0;
	for (const char *const *name = reference_names(a); *name; name++, n++) {
		struct buf b;
		buf_init(&b, 1 << 24);
		struct form f = {.kind = FORM_TEXT, .out = &b, .a = a};
		assert_true(reference_entry(&f, *name));
		assert_true(b.n > 20 && !b.over);
		buf_free(&b);
	}
	assert_true(n > 200);
	struct form f = {.kind = FORM_TEXT, .a = a};
	assert_false(reference_entry(&f, "no_such_thing"));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_text),
		cmocka_unit_test(as_markdown),
		cmocka_unit_test(as_manual),
		cmocka_unit_test(every_name_has_an_entry),
	};
	return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
