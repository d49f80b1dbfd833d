/* SPDX-License-Identifier: MIT
 *
 * The undo log on disk: what a kill leaves, what earlier versions wrote, what is damaged.
 */
#include "lamp.h"

/* Two applies, each killed between the swap and the activation. */
static void kill_two_applies(struct peer *p)
{
	static const char *const contents[] = {"bad one\n", "bad two\n"};
	for (size_t i = 0; i < 2; i++) {
		struct value *conf = copy_of(1, in_dir("conf"), contents[i]);
		const char *mark = in_dir(i ? "two" : "one");
		peer_start(p);
		peer_observe(p, list_of(conf, NULL));
		send_apply(p, i ? "r2" : "r1",
			list_of(again(conf, "notify", names("light it", NULL)),
				fresh(shell_of(2, arena_printf(a, "touch %s; sleep 60", mark)),
					NULL, NULL),
				handler_of(4, "light it", in_dir("conf")), NULL));
		wait_for(mark);
		kill(p->pid, SIGKILL);
		peer_end(p);
		assert_string_equal(get_file(in_dir("conf")), contents[i]);
		assert_true(is_there(in_dir("state/undo")));
	}
}

/* The handler that is pending fails, and the files go back to what was verified last. */
static void expect_the_old_files(struct peer *p)
{
	peer_start(p);
	assert_int_equal(map_at(p->hello, "pending")->list.n, 1);
	assert_string_equal(
		peer_apply(p, "r3", list_of(handler_of(4, "light it", in_dir("conf")), NULL), NULL,
			NULL),
		"4:failed failed");
	assert_string_equal(get_file(in_dir("conf")), "good old\n");
	assert_string_equal(get_file(in_dir("running")), "good old\n");
	assert_false(is_there(in_dir("state/undo")));
	peer_end(p);
}

static void a_kill_loses_nothing(void **state)
{
	struct peer p;
	(void)state;
	set_up_files();
	kill_two_applies(&p);
	expect_the_old_files(&p);
}

static void give_the_state_its_old_names(void)
{
	assert_int_equal(rename(in_dir("state/undo"), in_dir("state/unproven")), 0);
	assert_int_equal(rename(in_dir("state/undo.d"), in_dir("state/proven")), 0);
}

static void expect_no_old_names(void)
{
	assert_false(is_there(in_dir("state/unproven")));
	assert_false(is_there(in_dir("state/proven")));
}

/* Earlier versions had other names for the undo log and its folder. */
static void the_log_of_an_earlier_version_is_taken_over(void **state)
{
	struct peer p;
	(void)state;
	set_up_files();
	kill_two_applies(&p);
	give_the_state_its_old_names();
	expect_the_old_files(&p);
	expect_no_old_names();
}

/* A kill amid that: some of the copies have moved. And a version that went back and forth: both
 * have a record of one file; the older copy is the one that was verified. */
static void a_log_that_is_half_taken_over_is_whole(void **state)
{
	struct peer p;
	(void)state;
	set_up_files();
	kill_two_applies(&p);
	give_the_state_its_old_names();
	assert_int_equal(rename(in_dir("state/proven"), in_dir("state/undo.d")), 0);
	assert_int_equal(mkdir(in_dir("state/proven"), 0700), 0);
	put_file(in_dir(arena_printf(a, "state/proven/%s", only_name(in_dir("state/undo.d")))),
		"not verified\n");
	put_file(in_dir("state/undo"), get_file(in_dir("state/unproven")));
	expect_the_old_files(&p);
	expect_no_old_names();
}

static size_t lines_of(const char *path)
{
	size_t n = 0;
	for (const char *p = get_file(path); (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

/* Each file adds its own line and no more: the file stays the same one, however many follow. */
static void records_are_appended(void **state)
{
	enum { FILES = 40 };
	struct peer p;
	struct stat first, last;
	struct value *steps = value_list(a), *apply = value_list(a);
	(void)state;
	for (int i = 0; i < FILES; i++) {
		list_add(a, steps, copy_of(2 * i + 1, in_dir(arena_printf(a, "f%d", i)), "x"));
		list_add(a, apply, again(steps->list.v[i], "notify", names("one", "two")));
		if (i == 0)
			list_add(a, apply,
				fresh(shell_of(2, arena_printf(a, "ln %s/state/undo %s/early", dir,
							  dir)),
					NULL, NULL));
	}
	list_add(a, apply, fresh(shell_of(2 * FILES, "false"), NULL, NULL));
	peer_start(&p);
	peer_observe(&p, steps);
	peer_apply(&p, "r", apply, NULL, NULL);
	assert_int_equal(lines_of(in_dir("state/undo")), 2 * FILES);
	assert_int_equal(stat(in_dir("early"), &first), 0);
	assert_int_equal(stat(in_dir("state/undo"), &last), 0);
	assert_int_equal(first.st_ino, last.st_ino);
	peer_end(&p);
}

/* A line that a kill cut short named a file that had not changed: it never was. */
static void a_line_cut_short_never_was(void **state)
{
	static const char *const ends[] = {"{\"handler\": \"light it\", \"pa", "{", "\1\2\3"};
	struct peer p;
	(void)state;
	set_up_files();
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct value *conf = copy_of(1, in_dir("conf"), "bad\n");
		struct value *beside = copy_of(2, in_dir("beside"), "new\n");
		peer_start(&p);
		peer_observe(&p, list_of(conf, beside, NULL));
		peer_apply(&p, "r1",
			list_of(again(conf, "notify", names("light it", NULL)),
				fresh(shell_of(3, "false"), NULL, NULL), NULL),
			NULL, NULL);
		peer_end(&p);
		const char *whole = get_file(in_dir("state/undo"));
		assert_int_equal(lines_of(in_dir("state/undo")), 1);
		put_file(in_dir("state/undo"), arena_printf(a, "%s%s", whole, ends[i]));
		peer_start(&p);
		peer_observe(&p, list_of(beside, NULL));
		assert_string_equal(
			peer_apply(&p, "r2",
				list_of(again(beside, "notify", names("light it", NULL)),
					handler_of(4, "light it", in_dir("conf")), NULL),
				NULL, NULL),
			"2:changed 4:failed failed");
		assert_string_equal(get_file(in_dir("conf")), "good old\n");
		assert_string_equal(get_file(in_dir("beside")), "old\n");
		assert_false(is_there(in_dir("state/undo")));
		peer_end(&p);
	}
}

/* A line in the middle is not a kill's work: a person has to look. */
static void a_damaged_record_stops_it(void **state)
{
	struct peer p;
	const struct value *end;
	(void)state;
	set_up_files();
	peer_start(&p);
	peer_apply(&p, "r1", list_of(fresh(shell_of(3, "true"), NULL, NULL), NULL), NULL, NULL);
	put_file(in_dir("state/undo"), "{\"handler\": \"ligh\n{\"handler\": \"x\"}\n");
	peer_apply(&p, "r2", list_of(fresh(shell_of(4, "true"), NULL, NULL), NULL), NULL, &end);
	assert_says(end, "error", "undo is damaged");
	peer_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_kill_loses_nothing, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(
			the_log_of_an_earlier_version_is_taken_over, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(
			a_log_that_is_half_taken_over_is_whole, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(records_are_appended, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(
			a_line_cut_short_never_was, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(
			a_damaged_record_stops_it, test_setup, test_teardown),
	};
	return cmocka_run_group_tests_name("undo_log", tests, NULL, NULL);
}
