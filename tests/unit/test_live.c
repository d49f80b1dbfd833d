/* SPDX-License-Identifier: MIT
 *
 * The lines of the busy hosts: which stand there, in which order, and how many are taken back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>
#include "report/report_private.h"

static struct arena *a;
static struct live *live;
static int out[2];

static int set_up(void **state)
{
	(void)state;
	a = arena_new();
	assert_int_equal(pipe(out), 0);
	live = live_new(out[1], true);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	live_free(live);
	close(out[0]);
	close(out[1]);
	arena_free(a);
	return 0;
}

/* What was written since the last time. */
static const char *read_written(void)
{
	char text[4096];
	write_literal(out[1], "."); /* so that there is something to read */
	ssize_t n = read(out[0], text, sizeof(text));
	assert_true(n > 0);
	return str_dup(a, text, (size_t)n - 1).p;
}

/* The hosts of the lines, in their order, and what each does. */
static const char *read_screen(void)
{
	struct buf b;
	live_show(live, true);
	const char *p = read_written();
	buf_init(&b, 4096);
	for (const char *end; (end = strchr(p, '\n')); p = end + 1) {
		const char *name = strstr(p, "  "), *text = end;
		while (text > p && text[-1] != ' ')
			text--;
		name += strspn(name, " ");
		buf_addf(&b, "%.*s=%.*s ", (int)strcspn(name, " "), name, (int)(end - text), text);
	}
	const char *s = buf_str(a, &b).p;
	buf_free(&b);
	return s;
}

static size_t count_ups(const char *p)
{
	size_t n = 0;
	for (; (p = strstr(p, "\x1b[A")); p++)
		n++;
	return n;
}

static void hosts_come_and_go(void **state)
{
	(void)state;
	live_set(live, "h1", "one");
	live_set(live, "h2", "two");
	live_set(live, "h3", "three");
	assert_string_equal(read_screen(), "h1=one h2=two h3=three ");
	live_set(live, "h2", "more");
	assert_string_equal(read_screen(), "h1=one h2=more h3=three ");
	live_set(live, "h1", NULL);
	assert_string_equal(read_screen(), "h2=more h3=three ");
	live_set(live, "nobody", NULL);
	live_set(live, "h1", "again");
	assert_string_equal(read_screen(), "h2=more h3=three h1=again ");
	live_set(live, "h3", NULL);
	assert_string_equal(read_screen(), "h2=more h1=again ");
	live_set(live, "h1", NULL);
	live_set(live, "h2", NULL);
	assert_string_equal(read_screen(), "");
}

/* As many lines are taken back as stand there, once. */
static void lines_are_taken_back(void **state)
{
	(void)state;
	live_set(live, "h1", "one");
	live_set(live, "h2", "two");
	live_show(live, true);
	assert_int_equal(count_ups(read_written()), 0);
	live_show(live, true);
	assert_int_equal(count_ups(read_written()), 2);
	live_hide(live);
	assert_int_equal(count_ups(read_written()), 2);
	live_hide(live);
	assert_int_equal(count_ups(read_written()), 0);
}

/* No terminal says its size here: 24 lines of 80 columns, and two lines stay free. */
static void no_more_than_the_terminal_has(void **state)
{
	char names[30][8];
	const char *end;
	(void)state;
	for (int i = 0; i < 30; i++) {
		snprintf(names[i], sizeof(names[i]), "h%d", i);
		live_set(live, names[i],
			"0123456789012345678901234567890123456789012345678901234567");
	}
	live_show(live, true);
	const char *p = read_written();
	size_t lines = 0;
	for (; (end = strchr(p, '\n')); p = end + 1, lines++)
		assert_true(end - p <= 79);
	assert_int_equal(lines, 22);
}

/* Not again at once, unless it must be; never where nothing is drawn. */
static void not_too_often(void **state)
{
	const char *text;
	double seconds;
	(void)state;
	live_set(live, "h1", "one");
	live_show(live, true);
	assert_string_not_equal(read_written(), "");
	live_show(live, false);
	assert_string_equal(read_written(), "");
	assert_null(live_overdue(live, &text, &seconds));
	live_free(live);
	assert_int_equal(count_ups(read_written()), 1);
	live = live_new(out[1], false);
	live_set(live, "h1", "one");
	live_show(live, true);
	assert_string_equal(read_written(), "");
	assert_null(live_overdue(live, &text, &seconds)); /* it was said just now */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(hosts_come_and_go),
		TEST(lines_are_taken_back),
		TEST(no_more_than_the_terminal_has),
		TEST(not_too_often),
	};
	return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
