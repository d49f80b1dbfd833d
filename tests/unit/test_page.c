/* SPDX-License-Identifier: MIT
 *
 * Pages: whatever a host or a file says, nothing that a terminal obeys comes out.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "plan/plan.h"
#include "report/report.h"
#include "agent/restype.h"
#include <cmocka.h>

/* The sequences that a person was deceived with: they must come out as their numbers. */
static const struct {
	const char *raw, *shown, *json;
} hostile[] = {
	{"\x1b[2J", "\\x1b[2J", "\\u001b[2J"},
	{"\x1b]0;title\a", "\\x1b]0;title\\x07", "\\u001b]0;title\\u0007"},
	{"back\b\r", "back\\x08\\x0d", "back\\u0008\\u000d"},
	{"del\x7f", "del\\x7f", "del\\u007f"},
	{"\xc2\x9b[31m", "\\u009b[31m", "\\u009b[31m"},
	{"\xc2\x85", "\\u0085", "\\u0085"},
	{"\xe2\x80\xae\xe2\x80\xaa", "\\u202e\\u202a", "\\u202e\\u202a"},
	{"\xe2\x81\xa6\xe2\x81\xa9", "\\u2066\\u2069", "\\u2066\\u2069"},
	{"\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "\\u200e\\u200f\\u061c", "\\u200e\\u200f\\u061c"},
	{"\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029", "\\u2028\\u2029"},
	{"\x9b[31m\xff\xc3", "\\x9b[31m\\xff\\xc3", "\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbd"},
	{"\xed\xa0\x80", "\\xed\\xa0\\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \\x", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \\x",
		"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \\\\x"},
};

static struct arena *a;

static int set_up(void **state)
{
	(void)state;
	a = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static const char *take_text(struct page *p)
{
	const char *text = page_text(a, p).p;
	page_clear(p);
	return text;
}

/* No control character but the line end and, where it was asked for, the tab. */
static void assert_harmless(const char *text)
{
	for (size_t i = 0, len, n = strlen(text); i < n; i += len) {
		len = str_utf8_len(text + i, n - i);
		if (len == 0)
			fail_msg("no UTF-8 at byte %zu of: %s", i, text);
		if (text[i] != '\n' && text[i] != '\t' && char_is_control(char_code(text + i, len)))
			fail_msg("a control character at byte %zu", i);
	}
}

static void text_is_escaped(void **state)
{
	(void)state;
	struct page *p = page_new(false);
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		page_addf(p, "%s", hostile[i].raw);
		assert_string_equal(take_text(p), hostile[i].shown);
		page_addf(p, STR_FMT, STR_ARG(str_c(hostile[i].raw)));
		assert_string_equal(take_text(p), hostile[i].shown);
		page_paintf(p, PAINT_RED, "<%s>", hostile[i].raw);
		assert_string_equal(take_text(p), arena_printf(a, "<%s>", hostile[i].shown));
		page_lines(p, 0, str_c(hostile[i].raw));
		assert_string_equal(take_text(p), hostile[i].shown);
	}
	page_free(p);
}

/* Every code point, as a character of its own. */
static void every_character(void **state)
{
	(void)state;
	struct page *p = page_new(false);
	for (uint32_t c = 1; c <= 0x10ffff; c += c < 0x3000 ? 1 : 0x101) {
		char raw[5] = {0};
		if (c < 0x80)
			snprintf(raw, sizeof(raw), "%c", (int)c);
		else if (c < 0x800)
			snprintf(raw, sizeof(raw), "%c%c", (int)(0xc0 | c >> 6),
				(int)(0x80 | (c & 63)));
		else if (c < 0x10000)
			snprintf(raw, sizeof(raw), "%c%c%c", (int)(0xe0 | c >> 12),
				(int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
		else
			snprintf(raw, sizeof(raw), "%c%c%c%c", (int)(0xf0 | c >> 18),
				(int)(0x80 | (c >> 12 & 63)), (int)(0x80 | (c >> 6 & 63)),
				(int)(0x80 | (c & 63)));
		page_addf(p, "%s", raw);
		page_lines(p, 0, str_c(raw));
		const char *text = take_text(p);
		assert_harmless(text);
		if (c >= 0x20 && !char_is_control(c) && (c < 0xd800 || c > 0xdfff))
			assert_string_equal(text, arena_printf(a, "%s%s", raw, raw));
	}
	page_free(p);
}

/* A host's text cannot begin a line of its own where one line is due. */
static void lines_are_not_forged(void **state)
{
	(void)state;
	struct page *p = page_new(false);
	page_addf(p, "mx1: %s\n", "x\nmx2 : ok=3 changed=0\tfailed=0");
	assert_string_equal(take_text(p), "mx1: x\\nmx2 : ok=3 changed=0 failed=0\n");
	page_addf(p, "mx1: ");
	page_lines(p, 4, str_c("x\nmx2 : ok=3\n\ty"));
	assert_string_equal(take_text(p), "mx1: x\n    mx2 : ok=3\n    \ty");
	page_add(p, (struct str){"a\0b", 3});
	assert_string_equal(take_text(p), "a\\x00b");
	page_free(p);
}

static void conversions_of_format(void **state)
{
	(void)state;
	struct page *p = page_new(false), *color = page_new(true);
	page_addf(p, "%-5s|%5s|%.2s|%.*s|%5.1f|%-4u|%d|%zu|%lld|%llu|%ld|%%", "\xc3\xa4", "b",
		"abc", 3, "x\xe2\x82\xac", 1.25, 7U, -3, (size_t)9, -5LL, 6ULL, -8L);
	assert_string_equal(take_text(p), "\xc3\xa4    |    b|ab|x|  1.2|7   |-3|9|-5|6|-8|%");
	page_addf(p, "%6s|%-6s|", "\x1b", "\x1b");
	assert_string_equal(take_text(p), "  \\x1b|\\x1b  |");
	page_addf(p, "%*s|", 3, "");
	assert_string_equal(take_text(p), "   |");
	page_addf(p, "keep ");
	page_addf(p, "%s",
		"\xc3\xa4\xc3\xa4"
		"abc");
	page_cut(p, 5, 3);
	assert_string_equal(take_text(p), "keep \xc3\xa4\xc3\xa4"
					  "a");
	page_paintf(color, PAINT_RED, "%s", "\x1b[32m");
	assert_string_equal(take_text(color), "\x1b[31m\\x1b[32m\x1b[0m");
	page_free(p);
	page_free(color);
}

static void json_has_escapes_of_its_own(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		struct value *m = value_map(a);
		buf_clear(&b);
		map_set(a, m, str_c(hostile[i].raw), value_text(a, hostile[i].raw));
		json_write(&b, m);
		assert_string_equal(buf_str(a, &b).p,
			arena_printf(a, "{\"%s\": \"%s\"}", hostile[i].json, hostile[i].json));
		assert_harmless(b.p);
	}
	buf_free(&b);
}

/* ---- what the reports write ---- */

/* All that every event of a run can carry, with `bad` in each place that a host or a file fills. */
static void report_all(struct report *r, const char *bad)
{
	struct plan *plan = plan_new(a);
	struct plan_target *hp = plan_target(plan, a, TARGET_HOST, bad);
	struct step *s = ARENA_NEW(a, struct step);
	struct value *changes = value_list(a), *result = value_map(a), *back = value_list(a);
	const char *const kinds[] = {"attr", "text", "run"};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct value *c = value_map(a);
		map_put(a, c, "field", value_text(a, bad));
		map_put(a, c, "kind", value_text(a, kinds[i]));
		map_put(a, c, "before", value_text(a, arena_printf(a, "%s\n", bad)));
		map_put(a, c, "after", value_text(a, arena_printf(a, "x%s\n", bad)));
		list_add(a, changes, c);
	}
	list_add(a, back, value_text(a, bad));
	map_put(a, result, "rolled_back", back);
	*s = (struct step){.id = 1,
		.task = 1,
		.name = bad,
		.item = bad,
		.pos = {bad, 1, 1},
		.type = restype_find(str_c("file")),
		.params = value_map(a),
		.message = bad,
		.changed = -1,
		.failed = -1};
	map_put(a, s->params, "path", value_text(a, bad));
	struct planned *p = plan_add(hp, s);
	p->observed = true;
	p->changes = changes;
	p->result = result;
	plan_freeze(plan);
	const struct host_stats stats = {.failed = 1};
	const struct event events[] = {
		{EVENT_PLAY, .text = bad, .count = 1},
		{EVENT_PROGRESS, .host = bad, .text = bad},
		{EVENT_NOTE, .host = bad, .text = bad},
		{EVENT_PLAN, .host = bad, .plan = hp},
		{EVENT_STEP, .host = bad, .step = p, .status = STEP_CHANGED},
		{EVENT_STEP, .host = bad, .step = p, .status = STEP_FAILED, .changes = changes,
			.error = bad},
		{EVENT_HOST, .host = bad, .stats = &stats, .error = bad},
		{EVENT_END, .whole = plan},
	};
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		report_event(r, &events[i]);
	p->error = bad;
	p->kind = PLANNED_FAILED;
	report_event(r, &events[3]);
	s->unknown = bad;
	p->kind = PLANNED_UNKNOWN;
	report_event(r, &events[3]);
	report_tick(r);
}

static const char *report_text(struct report_options o, const char *bad)
{
	char path[] = "/tmp/provision-page-XXXXXX";
	struct str text;
	struct err e = {0};
	o.fd = mkstemp(path);
	assert_true(o.fd >= 0);
	struct report *r = report_open(&o);
	report_all(r, bad);
	report_close(r);
	close(o.fd);
	assert_true(file_read(a, path, FILE_MAX, &text, &e));
	unlink(path);
	return text.p;
}

static void reports_are_harmless(void **state)
{
	(void)state;
	static const struct report_options modes[] = {{.diff = true, .verbosity = 2},
		{.diff = true, .verbosity = 2, .planning = true}, {.json = true}};
	for (size_t m = 0; m < ARRAY_LEN(modes); m++)
		for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
			const char *text = report_text(modes[m], hostile[i].raw);
			assert_harmless(text);
			assert_non_null(
				strstr(text, modes[m].json ? "\"event\"" : hostile[i].shown));
		}
}

/* On a terminal the live lines move the cursor: those sequences are ours, and no others come. */
static void live_lines_are_harmless(void **state)
{
	(void)state;
	struct buf rest;
	const char *p = report_text((struct report_options){.tty = true}, "\x1b[2Jbad\xc2\x9b");
	buf_init(&rest, 1 << 20);
	while (*p) {
		size_t ours = strncmp(p, "\x1b[A\x1b[2K", 7) == 0 ? 7 : 0;
		if (!ours)
			buf_addc(&rest, *p);
		p += ours ? ours : 1;
	}
	assert_harmless(rest.p);
	assert_non_null(strstr(rest.p, "\\x1b[2Jbad\\u009b"));
	buf_free(&rest);
}

/* A terminal of so many columns; -1: there is none. */
static int open_terminal(unsigned short columns)
{
	struct winsize size = {.ws_row = 24, .ws_col = columns};
	int fd = posix_openpt(O_RDWR | O_NOCTTY);
	if (fd >= 0 && ioctl(fd, TIOCSWINSZ, &size) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static const char *wrap_text(unsigned short columns, const char *begin, const char *text)
{
	struct page *p = page_new(true);
	int fd = open_terminal(columns);
	assert_true(fd >= 0);
	page_wrap(p, fd);
	page_paintf(p, PAINT_RED, "%s", begin);
	page_prose(p, 4, str_c(text));
	const char *shown = page_text(a, p).p;
	page_free(p);
	close(fd);
	return shown;
}

/* Paint takes no columns, and a word is never cut, however long. */
static void prose_wraps_at_the_width_of_a_terminal(void **state)
{
	(void)state;
	static const char text[] = "one two three four five six seven eight nine\nten";
#define RED(t) "\033[31m" t "\033[0m"
	assert_string_equal(wrap_text(40, "site.yml:1:2: ", text),
		RED("site.yml:1:2: ") "one two three four five\n"
				      "    six seven eight nine\n"
				      "    ten");
	assert_string_equal(wrap_text(200, "x: ", text),
		RED("x: ") "one two three four five six seven eight nine\n    ten");
	assert_string_equal(wrap_text(39, "x: ", text),
		RED("x: ") "one two three four five six seven eight nine\n    ten");
	assert_string_equal(wrap_text(40, "x: ", "a-word-that-is-longer-than-the-terminal-is b"),
		RED("x: ") "a-word-that-is-longer-than-the-terminal-is\n    b");
	assert_string_equal(
		wrap_text(40, "", "\xc3\xa4\xc3\xa4\xc3\xa4 ccc ddd eee fff ggg hhh iii jjj kkk"),
		RED("") "\xc3\xa4\xc3\xa4\xc3\xa4 ccc ddd eee fff ggg hhh iii jjj kkk");
#undef RED
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(text_is_escaped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_character, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lines_are_not_forged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(conversions_of_format, set_up, tear_down),
		cmocka_unit_test_setup_teardown(json_has_escapes_of_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reports_are_harmless, set_up, tear_down),
		cmocka_unit_test_setup_teardown(live_lines_are_harmless, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			prose_wraps_at_the_width_of_a_terminal, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
