/* SPDX-License-Identifier: MIT
 *
 * The agent's apply: changes, what it refuses to touch, and what is left when it or
 * its connection dies in the middle.
 */
#include <poll.h>
#include "agent_peer.h"

/* ---- changes ---- */

static void a_plan_is_carried_out_once(void **state)
{
	struct peer p;
	struct stat st;
	struct value *copy = copy_of(1, in_dir("new"), "hello\n"), *told = value_list(a);
	struct value *other = copy_of(2, in_dir("old"), "after\n");
	(void)state;
	put_file(in_dir("old"), "before\n");
	peer_start(&p);
	peer_observe(&p, list_of(copy, other, NULL));
	assert_string_equal(
		peer_apply(&p, "run-1",
			list_of(again(copy, NULL, NULL), again(other, NULL, NULL), NULL), told,
			NULL),
		"1:changed 2:changed done");
	assert_null(map_at(told->list.v[0], "changes")); /* as observed: not said twice */
	assert_non_null(map_at(told->list.v[0], "result"));
	assert_string_equal(get_file(in_dir("new")), "hello\n");
	assert_string_equal(get_file(in_dir("old")), "after\n");
	const struct value *found = peer_observe(&p, list_of(copy, other, NULL));
	assert_int_equal(changes_of(found->list.v[0]) + changes_of(found->list.v[1]), 0);
	assert_string_equal(
		peer_apply(&p, "run-1",
			list_of(again(copy, NULL, NULL), again(other, NULL, NULL), NULL), NULL,
			NULL),
		"1:ok 2:ok done");
	assert_int_equal(stat(in_dir("state"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_true(is_there(in_dir("state/originals/run-1")));
	assert_int_equal(peer_end(&p), 0);

	peer_start(&p);
	assert_says(map_at(p.hello, "last"), "run", "run-1");
	assert_says(map_at(p.hello, "last"), "status", "done");
	assert_says(map_at(p.hello, "last"), "step", "step number 2");
	peer_end(&p);
}

static void the_started_frame_comes_before_the_change(void **state)
{
	struct peer p;
	enum frame_type type;
	(void)state;
	peer_start(&p);
	send_apply(&p, "r", list_of(fresh(shell_of(9, "echo one"), NULL, NULL), NULL));
	struct value *msg = peer_read(&p, &type);
	assert_int_equal(type, FRAME_STARTED);
	assert_int_equal(map_int(msg, "id", 0), 9);
	msg = peer_read(&p, &type);
	assert_int_equal(type, FRAME_STEP);
	assert_string_equal(map_cstr(map_at(msg, "result"), "stdout", ""), "one");
	assert_int_equal(changes_of(msg), 1); /* nobody had observed it */
	peer_read(&p, &type);
	assert_int_equal(type, FRAME_APPLIED);
	peer_end(&p);
}

static void only_the_planned_content_is_written(void **state)
{
	struct peer p;
	struct value *copy = copy_of(1, in_dir("f"), "planned\n"), *told = value_list(a);
	struct value *blobs = value_map(a);
	(void)state;
	map_put(a, blobs, "content", value_blob(a, str_c("something else\n")));
	peer_start(&p);
	peer_observe(&p, list_of(copy, NULL));
	assert_string_equal(
		peer_apply(&p, "r", list_of(again(copy, "blobs", blobs), NULL), told, NULL),
		"1:failed failed");
	assert_says(told->list.v[0], "error", "not the planned one");
	assert_string_equal(
		peer_apply(&p, "r", list_of(again(copy, "blobs", value_map(a)), NULL), NULL, NULL),
		"1:failed failed");
	assert_false(is_there(in_dir("f")));
	peer_end(&p);
}

static void a_run_has_a_harmless_name(void **state)
{
	static const char *const runs[] = {"", "../x", "a/b", ".hidden", "a b"};
	struct peer p;
	(void)state;
	peer_start(&p);
	for (size_t i = 0; i < ARRAY_LEN(runs); i++)
		assert_string_equal(
			peer_apply(&p, runs[i],
				list_of(fresh(shell_of(1, "true"), NULL, NULL), NULL), NULL, NULL),
			"failed");
	assert_false(is_there(in_dir("state")));
	peer_end(&p);
}

/* What the task says wins over the limit that programs have otherwise. */
static void a_timeout_ends_the_program(void **state)
{
	struct peer p;
	struct value *told = value_list(a);
	int64_t start = now_ms();
	(void)state;
	peer_start(&p);
	struct value *slow = fresh(shell_of(1, "sleep 60"), "timeout", value_int(a, 1));
	assert_string_equal(
		peer_apply(&p, "r1", list_of(slow, NULL), told, NULL), "1:failed failed");
	assert_says(told->list.v[0], "error", "ran longer than 1 s");
	assert_true(now_ms() - start >= 900);
	assert_int_equal(peer_end(&p), 0);
}

/* One that works with nothing to tell says that it lives; one with nothing to do says nothing. */
static void a_working_agent_shows_life(void **state)
{
	struct peer p;
	enum frame_type type;
	int alive = 0;
	(void)state;
	peer_start(&p);
	send_apply(&p, "r1", list_of(fresh(shell_of(1, "sleep 11"), NULL, NULL), NULL));
	do {
		peer_read(&p, &type);
		alive += type == FRAME_ALIVE;
	} while (type != FRAME_APPLIED);
	assert_in_range(alive, 1, 3);
	struct pollfd quiet = {p.fd, POLLIN, 0};
	assert_int_equal(poll(&quiet, 1, ALIVE_EVERY_MS + 3000), 0);
	assert_int_equal(peer_end(&p), 0);
}

static void the_constant_verdict_counts(void **state)
{
	struct peer p;
	struct value *quiet = shell_of(1, "echo x"), *loud = copy_of(2, in_dir("f"), "x\n");
	(void)state;
	put_file(in_dir("f"), "x\n");
	struct value *w1 = fresh(quiet, "changed", value_int(a, 0));
	struct value *w2 = again(loud, "changed", value_int(a, 1));
	map_put(a, w1, "notify", names("never", NULL));
	map_put(a, w2, "notify", names("always", NULL));
	peer_start(&p);
	peer_observe(&p, list_of(loud, NULL));
	const struct value *applied;
	assert_string_equal(
		peer_apply(&p, "r", list_of(w1, w2, NULL), NULL, &applied), "1:ok 2:changed done");
	assert_int_equal(map_at(applied, "pending")->list.n, 1);
	assert_string_equal(map_at(applied, "pending")->list.v[0]->s.p, "always");
	peer_end(&p);
}

static void a_failure_stops_the_rest(void **state)
{
	struct peer p;
	const struct value *applied;
	struct value *told = value_list(a);
	(void)state;
	peer_start(&p);
	struct value *bad = fresh(shell_of(1, "echo why >&2; exit 3"), NULL, NULL);
	struct value *next = fresh(shell_of(2, "touch made"), NULL, NULL);
	assert_string_equal(
		peer_apply(&p, "r1", list_of(bad, next, NULL), told, &applied), "1:failed failed");
	assert_says(applied, "error", "'step number 1' failed");
	assert_says(told->list.v[0], "error", "why");
	assert_int_equal(map_int(map_at(told->list.v[0], "result"), "rc", 0), 3);
	map_put(a, bad, "ignore_errors", value_bool(a, true));
	assert_string_equal(peer_apply(&p, "r2", list_of(bad, next, NULL), NULL, &applied),
		"1:failed 2:changed done");
	peer_end(&p);
}

/* ---- the host moved ---- */

static void a_host_that_moved_is_not_touched(void **state)
{
	struct peer p;
	const struct value *applied;
	struct value *one = copy_of(1, in_dir("a"), "new\n"),
		     *two = copy_of(2, in_dir("b"), "new\n");
	struct value *same = copy_of(3, in_dir("c"), "same\n"), *told = value_list(a);
	struct value *work = list_of(
		again(one, NULL, NULL), again(two, NULL, NULL), again(same, NULL, NULL), NULL);
	(void)state;
	put_file(in_dir("b"), "old\n");
	put_file(in_dir("c"), "same\n");
	peer_start(&p);
	peer_observe(&p, list_of(one, two, same, NULL));
	put_file(in_dir("b"), "edited by hand\n");
	assert_string_equal(peer_apply(&p, "r", work, told, &applied), "2:failed stale");
	assert_says(applied, "error", "'step number 2'");
	assert_says(applied, "error", in_dir("b"));
	const struct value *change = map_at(told->list.v[0], "changes")->list.v[0];
	assert_string_equal(map_cstr(change, "before", ""), "edited by hand\n");
	assert_false(is_there(in_dir("a")));
	assert_string_equal(get_file(in_dir("b")), "edited by hand\n");
	/* one that was as wanted and is not any more is as bad */
	put_file(in_dir("b"), "old\n");
	put_file(in_dir("c"), "drifted\n");
	assert_string_equal(peer_apply(&p, "r", work, NULL, &applied), "3:failed stale");
	assert_false(is_there(in_dir("a")));
	put_file(in_dir("c"), "same\n");
	assert_string_equal(
		peer_apply(&p, "r", work, NULL, &applied), "1:changed 2:changed 3:ok done");
	peer_end(&p);
}

static void an_earlier_change_explains_a_difference(void **state)
{
	struct peer p;
	struct value *told = value_list(a);
	/* the program of the first step writes the file of the second */
	struct value *program = shell_of(1, arena_printf(a, "echo other >%s", in_dir("f")));
	struct value *copy = copy_of(2, in_dir("f"), "wanted\n");
	(void)state;
	put_file(in_dir("f"), "wanted\n");
	peer_start(&p);
	const struct value *found = peer_observe(&p, list_of(program, copy, NULL));
	assert_int_equal(changes_of(found->list.v[1]), 0);
	assert_string_equal(
		peer_apply(&p, "r",
			list_of(again(program, NULL, NULL), again(copy, NULL, NULL), NULL), told,
			NULL),
		"1:changed 2:changed done");
	const struct value *change = map_at(told->list.v[1], "changes")->list.v[0];
	assert_string_equal(map_cstr(change, "before", ""), "other\n");
	assert_string_equal(get_file(in_dir("f")), "wanted\n");
	peer_end(&p);
}

/* ---- the agent or its connection dies ---- */

static void a_killed_agent_leaves_a_trace(void **state)
{
	struct peer p;
	struct value *copy = copy_of(1, in_dir("a"), "x"), *slow;
	struct value *params = texts("cmd", "touch started; sleep 1", "chdir", dir, NULL);
	(void)state;
	slow = fresh(step_of(2, "shell", params), NULL, NULL);
	peer_start(&p);
	peer_observe(&p, list_of(copy, NULL));
	send_apply(&p, "killed", list_of(again(copy, "notify", names("reload", NULL)), slow, NULL));
	wait_for(in_dir("started"));
	put_file(in_dir(".provision-aBc123"), "half");
	put_file(in_dir(".provision-settings"), "not a temporary");
	kill(p.pid, SIGKILL);
	assert_int_equal(peer_end(&p), 128 + SIGKILL);
	assert_string_equal(get_file(in_dir("a")), "x");

	peer_start(&p);
	assert_int_equal(map_at(p.hello, "pending")->list.n, 1);
	assert_says(map_at(p.hello, "last"), "run", "killed");
	assert_says(map_at(p.hello, "last"), "status", "interrupted");
	assert_says(map_at(p.hello, "last"), "step", "step number 2");
	assert_says(map_at(p.hello, "last"), "at", "T");
	assert_string_equal(
		peer_apply(&p, "next",
			list_of(fresh(shell_of(3, "true"), "handler", value_text(a, "reload")),
				NULL),
			NULL, NULL),
		"3:changed done");
	assert_false(is_there(in_dir(".provision-aBc123")));
	assert_true(is_there(in_dir(".provision-settings")));
	peer_end(&p);
}

static void a_cut_connection_does_not_stop_it(void **state)
{
	struct peer p;
	struct value *slow =
		fresh(shell_of(1, arena_printf(a, "touch %s/started; sleep 0.3", dir)), NULL, NULL);
	struct value *last = fresh(copy_of(2, in_dir("made"), "x"), NULL, NULL);
	(void)state;
	peer_start(&p);
	send_apply(&p, "cut", list_of(slow, last, NULL));
	wait_for(in_dir("started"));
	assert_int_equal(peer_end(&p), 0);
	assert_string_equal(get_file(in_dir("made")), "x");
	peer_start(&p);
	assert_says(map_at(p.hello, "last"), "run", "cut");
	assert_says(map_at(p.hello, "last"), "status", "done");
	peer_end(&p);
}

/* Nobody reads, nobody hangs up: as when a cable is pulled. */
static void a_silent_peer_does_not_hold_it_up(void **state)
{
	enum { STEPS = 40, SIZE = 100 * 1000 };
	struct peer p;
	struct value *work = value_list(a);
	char *script = arena_printf(a, "head -c %d /dev/zero | tr '\\0' x", SIZE);
	int small = 4096;
	(void)state;
	peer_start(&p);
	setsockopt(p.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (int i = 1; i <= STEPS; i++)
		list_add(a, work, fresh(shell_of(i, script), NULL, NULL));
	list_add(a, work, fresh(copy_of(STEPS + 1, in_dir("made"), "x"), NULL, NULL));
	send_apply(&p, "silent", work);
	wait_for(in_dir("made")); /* far more than a socket's buffer is waiting by now */
	struct value *told = value_list(a);
	assert_string_equal(map_cstr(take_applied(&p, told), "status", ""), "done");
	assert_int_equal(told->list.n, STEPS + 1);
	assert_int_equal(peer_end(&p), 0);
}

static void a_signal_lets_the_step_finish(void **state)
{
	struct peer p;
	const struct value *applied;
	struct value *told = value_list(a);
	struct value *slow = fresh(shell_of(1, arena_printf(a,
						       "touch %s/started; sleep 0.3; "
						       "touch %s/finished",
						       dir, dir)),
		NULL, NULL);
	(void)state;
	peer_start(&p);
	send_apply(&p, "r", list_of(slow, fresh(copy_of(2, in_dir("no"), "x"), NULL, NULL), NULL));
	wait_for(in_dir("started"));
	kill(p.pid, SIGTERM);
	applied = take_applied(&p, told);
	assert_string_equal(map_cstr(applied, "status", ""), "failed");
	assert_says(applied, "error", "interrupted by a signal before 'step number 2'");
	assert_int_equal(told->list.n, 1);
	assert_true(is_there(in_dir("finished")));
	assert_false(is_there(in_dir("no")));
	assert_int_equal(peer_end(&p), 0);
}

static void a_stop_begins_nothing_behind_its_step(void **state)
{
	struct peer p;
	struct value *told = value_list(a);
	const struct value *end;
	(void)state;
	peer_start(&p);
	send_apply(&p, "r",
		list_of(fresh(shell_of(1, "sleep 1"), "notify", names("later", NULL)),
			fresh(shell_of(2, "true"), NULL, NULL),
			fresh(copy_of(3, in_dir("x"), "x\n"), NULL, NULL), NULL));
	peer_until(&p, FRAME_STARTED);
	struct value *stop = value_map(a);
	map_put(a, stop, "after", value_int(a, 2));
	peer_send(&p, FRAME_STOP, stop);
	end = take_applied(&p, told);
	assert_int_equal(told->list.n, 2);
	assert_says(told->list.v[1], "status", "changed");
	assert_says(end, "status", "stopped");
	assert_says(end, "error", "stopped before 'step number 3'");
	assert_int_equal(map_at(end, "pending")->list.n, 1); /* the handler is owed */
	assert_false(is_there(in_dir("x")));
	/* One that comes too late stops nothing. */
	peer_send(&p, FRAME_STOP, stop);
	assert_string_equal(
		peer_apply(
			&p, "s", list_of(fresh(shell_of(4, "true"), NULL, NULL), NULL), NULL, NULL),
		"4:changed done");
	assert_int_equal(peer_end(&p), 0);
}

static void one_at_a_time(void **state)
{
	struct peer p, q;
	const struct value *applied;
	struct value *slow =
		fresh(shell_of(1, arena_printf(a, "touch %s/started; sleep 0.5", dir)), NULL, NULL);
	struct value *quick = fresh(copy_of(1, in_dir("f"), "x"), NULL, NULL);
	(void)state;
	peer_start(&p);
	send_apply(&p, "first", list_of(slow, NULL));
	wait_for(in_dir("started"));
	peer_start(&q);
	assert_says(map_at(q.hello, "last"), "status", "running");
	assert_string_equal(
		peer_apply(&q, "second", list_of(quick, NULL), NULL, &applied), "locked");
	assert_says(applied, "error", arena_printf(a, "run first, process %d", (int)p.pid));
	assert_false(is_there(in_dir("f")));
	take_applied(&p, value_list(a));
	assert_string_equal(
		peer_apply(&q, "second", list_of(quick, NULL), NULL, &applied), "1:changed done");
	peer_end(&p);
	peer_end(&q);
}

/* ---- what is kept ---- */

static void nothing_secret_is_kept(void **state)
{
	static const char secret[] = "s3cret-of-alice";
	struct peer p;
	struct value *copy = copy_of(1, in_dir("f"), arena_printf(a, "alice:%s\n", secret));
	struct value *told = value_list(a);
	(void)state;
	map_at(map_at(copy, "params"), "content")->secret = true;
	map_put(a, map_at(copy, "params"), "validate",
		value_text(a, "sh -c 'cat \"$0\" >&2; exit 1' %s"));
	peer_start(&p);
	peer_observe(&p, list_of(copy, NULL));
	assert_string_equal(peer_apply(&p, "r", list_of(again(copy, NULL, NULL), NULL), told, NULL),
		"1:failed failed");
	assert_says(told->list.v[0], "error", "********");
	assert_null(strstr(map_cstr(told->list.v[0], "error", ""), secret));
	assert_false(is_there(in_dir("f")));
	assert_null(strstr(get_file(in_dir("state/journal/r.jsonl")), secret));
	peer_end(&p);
}

static void old_runs_are_forgotten(void **state)
{
	struct peer p;
	(void)state;
	peer_start(&p);
	for (int i = 0; i < 25; i++) {
		struct value *copy =
			copy_of(i + 1, in_dir("f"), arena_printf(a, "version %d\n", i));
		peer_apply(&p, arena_printf(a, "run%02d", i),
			list_of(fresh(copy, NULL, NULL), NULL), NULL, NULL);
	}
	assert_false(is_there(in_dir("state/journal/run04.jsonl")));
	assert_true(is_there(in_dir("state/journal/run05.jsonl")));
	assert_true(is_there(in_dir("state/journal/run24.jsonl")));
	assert_false(is_there(in_dir("state/originals/run19")));
	assert_true(is_there(in_dir("state/originals/run24")));
	peer_end(&p);
	peer_start(&p);
	assert_says(map_at(p.hello, "last"), "run", "run24");
	peer_end(&p);
}

static void a_folder_that_others_write_to_is_refused(void **state)
{
	struct peer p;
	const struct value *applied;
	(void)state;
	mkdir(in_dir("state"), 0700);
	chmod(in_dir("state"), 0777);
	peer_start(&p);
	assert_string_equal(
		peer_apply(&p, "r", list_of(fresh(copy_of(1, in_dir("f"), "x"), NULL, NULL), NULL),
			NULL, &applied),
		"failed");
	assert_says(applied, "error", "others can write to");
	assert_false(is_there(in_dir("f")));
	peer_end(&p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_setup, test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_plan_is_carried_out_once),
		TEST(the_started_frame_comes_before_the_change),
		TEST(only_the_planned_content_is_written),
		TEST(a_run_has_a_harmless_name),
		TEST(a_timeout_ends_the_program),
		TEST(a_working_agent_shows_life),
		TEST(the_constant_verdict_counts),
		TEST(a_failure_stops_the_rest),
		TEST(a_host_that_moved_is_not_touched),
		TEST(an_earlier_change_explains_a_difference),
		TEST(a_killed_agent_leaves_a_trace),
		TEST(a_cut_connection_does_not_stop_it),
		TEST(a_silent_peer_does_not_hold_it_up),
		TEST(a_signal_lets_the_step_finish),
		TEST(a_stop_begins_nothing_behind_its_step),
		TEST(one_at_a_time),
		TEST(nothing_secret_is_kept),
		TEST(old_runs_are_forgotten),
		TEST(a_folder_that_others_write_to_is_refused),
	};
	return cmocka_run_group_tests_name("agent apply", tests, NULL, NULL);
}
