/* SPDX-License-Identifier: MIT
 *
 * What a run leaves on the host for the next one, and in which order: by the list of runs, whatever
 * the clock says. What a kill leaves half-made is found and removed.
 */
#include <utime.h>
#include "agent_peer.h"

static void run_once(const char *run, int version)
{
	struct peer p;
	struct value *copy = copy_of(1, in_dir("f"), arena_printf(a, "version %d\n", version));
	peer_start(&p);
	assert_string_equal(peer_apply(&p, run, list_of(fresh(copy, NULL, NULL), NULL), NULL, NULL),
		"1:changed done");
	peer_end(&p);
}

static const char *journal_of(const char *run)
{
	return in_dir(arena_printf(a, "state/journal/%s.jsonl", run));
}

static void set_year(const char *path, int years)
{
	time_t t = time(NULL) + years * 31536000L;
	struct utimbuf times = {t, t};
	assert_int_equal(utime(path, &times), 0);
}

/* As a kill in the middle of a step leaves it, with a temporary of each kind. */
static void interrupt_run(const char *run, const char *name)
{
	put_file(journal_of(run),
		arena_printf(a,
			"{\"event\": \"start\"}\n{\"event\": \"begin\", \"name\": \"%s\", "
			"\"dirs\": [\"%s\"]}\n",
			name, in_dir("")));
}

static void assert_last(const char *run, const char *status)
{
	struct peer p;
	peer_start(&p);
	assert_says(map_at(p.hello, "last"), "run", run);
	assert_says(map_at(p.hello, "last"), "status", status);
	peer_end(&p);
}

/* The clock is set back by a year between two runs. */
static void the_clock_is_set_back(void **state)
{
	(void)state;
	for (int i = 0; i < 22; i++) {
		run_once(arena_printf(a, "old%02d", i), i);
		set_year(journal_of(arena_printf(a, "old%02d", i)), 1);
	}
	set_year(in_dir("state/originals/old21"), 1);
	run_once("new1", 100);
	assert_last("new1", "done");
	run_once("new2", 101);
	assert_last("new2", "done");
	assert_true(is_there(journal_of("new1"))); /* it is not the first to be forgotten */
	assert_true(is_there(in_dir("state/originals/new1")));
	assert_false(is_there(journal_of("old03")));
	assert_true(is_there(journal_of("old04")));
	assert_false(is_there(in_dir("state/originals/old18")));
	interrupt_run("new2", "half a step");
	assert_last("new2", "interrupted");
	put_file(in_dir(".provision-FCkkMA"), "secret");
	run_once("new3", 102);
	assert_false(is_there(in_dir(".provision-FCkkMA")));
}

/* A run goes on in a second APPLY after another has been here. */
static void a_run_that_comes_again_is_the_last(void **state)
{
	(void)state;
	run_once("r1", 1);
	run_once("r2", 2);
	run_once("r1", 3);
	assert_last("r1", "done");
	assert_string_equal(get_file(in_dir("state/runs")), "r2\nr1\n");
}

/* What an older version left has no list: then time is all there is. A damaged list is none. */
static void without_a_list_time_counts(void **state)
{
	(void)state;
	run_once("r1", 1);
	run_once("r2", 2);
	run_once("r3", 3);
	set_year(journal_of("r2"), 1);
	remove(in_dir("state/runs"));
	assert_last("r2", "done");
	run_once("r4", 4);
	assert_string_equal(get_file(in_dir("state/runs")), "r1\nr3\nr2\nr4\n");
	put_file(in_dir("state/runs"), "../../etc\n.x\nr3\nnone\n\nno end");
	assert_last("r3", "done");
}

/* Killed between the list and the journal: the run before it is the last that did something. */
static void a_run_without_a_journal_did_nothing(void **state)
{
	(void)state;
	run_once("r1", 1);
	put_file(in_dir("state/runs"), "r1\nr2\n");
	assert_last("r1", "done");
}

static void a_kill_leaves_no_temporary(void **state)
{
	static const char *const left[] = {".provision-abcdef", ".provision-9c101c52d9e0ca4c",
		"state/.provision-abcdef", "state/originals/r1/.provision-abcdef",
		"state/undo.d/.provision-abcdef"};
	(void)state;
	run_once("r0", 0);
	run_once("r1", 1);
	mkdir(in_dir("state/undo.d"), 0700);
	for (size_t i = 0; i < ARRAY_LEN(left); i++)
		assert_int_equal(symlink("somewhere", in_dir(left[i])), 0);
	interrupt_run("r1", "half a step");
	if (geteuid() == 0)
		assert_int_equal(
			mkdir("/run/.provAbCdEf", 0700) | mkdir("/run/.provAbCdEf/u", 0700), 0);
	run_once("r2", 2);
	for (size_t i = 0; i < ARRAY_LEN(left); i++)
		if (is_there(in_dir(left[i])))
			fail_msg("%s is still there", left[i]);
	assert_false(is_there("/run/.provAbCdEf"));
}

/* A link's temporary lies in the folder that the link leads to. */
static void a_link_is_followed_to_its_folder(void **state)
{
	struct peer p;
	(void)state;
	mkdir(in_dir("real"), 0755);
	put_file(in_dir("real/f"), "old\n");
	assert_int_equal(symlink("real/f", in_dir("f")), 0);
	struct value *copy = copy_of(1, in_dir("f"), "new\n");
	map_put(a, map_at(copy, "params"), "follow", value_bool(a, true));
	peer_start(&p);
	assert_string_equal(
		peer_apply(&p, "r1", list_of(fresh(copy, NULL, NULL), NULL), NULL, NULL),
		"1:changed done");
	peer_end(&p);
	const char *dirs = strstr(get_file(journal_of("r1")), "\"dirs\"");
	assert_non_null(strstr(dirs, in_dir("real")));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_setup, test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_clock_is_set_back),
		TEST(a_run_that_comes_again_is_the_last),
		TEST(without_a_list_time_counts),
		TEST(a_run_without_a_journal_did_nothing),
		TEST(a_kill_leaves_no_temporary),
		TEST(a_link_is_followed_to_its_folder),
	};
	return cmocka_run_group_tests_name("agent runs", tests, NULL, NULL);
}
