/* SPDX-License-Identifier: MIT
 *
 * Handlers in the agent: run once, remembered when something fails before they ran, and forgotten;
 * and loops, of tasks and of handlers.
 */
#include "agent_peer.h"

static struct value *handler_of(int id, const char *name, const char *script)
{
	return fresh(shell_of(id, script), "handler", value_text(a, name));
}

static void a_handler_runs_once(void **state)
{
	struct peer p;
	const struct value *applied;
	struct value *one = copy_of(1, in_dir("a"), "x"), *two = copy_of(2, in_dir("b"), "x");
	struct value *reload = handler_of(3, "reload", arena_printf(a, "echo x >>%s/ran", dir));
	struct value *other = handler_of(4, "other", arena_printf(a, "echo y >>%s/ran", dir));
	(void)state;
	peer_start(&p);
	peer_observe(&p, list_of(one, two, NULL));
	assert_string_equal(
		peer_apply(&p, "r",
			list_of(again(one, "notify", names("reload", NULL)),
				again(two, "notify", names("reload", NULL)), reload, other, NULL),
			NULL, &applied),
		"1:changed 2:changed 3:changed 4:skipped done");
	assert_int_equal(map_at(applied, "pending")->list.n, 0);
	assert_string_equal(get_file(in_dir("ran")), "x\n");
	assert_false(is_there(in_dir("state/pending")));
	assert_string_equal(
		peer_apply(&p, "r2", list_of(reload, NULL), NULL, NULL), "3:skipped done");
	/* what the controller itself did may notify too */
	struct value *msg = value_map(a), *told = value_list(a);
	map_put(a, msg, "run", value_text(a, "r3"));
	map_put(a, msg, "notified", names("other", NULL));
	map_put(a, msg, "steps", list_of(reload, other, NULL));
	peer_send(&p, FRAME_APPLY, msg);
	take_applied(&p, told);
	assert_string_equal(map_cstr(told->list.v[0], "status", ""), "skipped");
	assert_string_equal(map_cstr(told->list.v[1], "status", ""), "changed");
	peer_end(&p);
}

static void a_handler_is_remembered_after_a_failure(void **state)
{
	struct peer p;
	const struct value *applied;
	struct value *copy = copy_of(1, in_dir("a"), "x");
	struct value *reload =
		handler_of(3, "role : reload \"it\"\n", arena_printf(a, "echo x >>%s/ran", dir));
	(void)state;
	peer_start(&p);
	peer_observe(&p, list_of(copy, NULL));
	assert_string_equal(
		peer_apply(&p, "r1",
			list_of(again(copy, "notify", list_of(map_at(reload, "handler"), NULL)),
				fresh(shell_of(2, "false"), NULL, NULL), reload, NULL),
			NULL, &applied),
		"1:changed 2:failed failed");
	assert_int_equal(map_at(applied, "pending")->list.n, 1);
	peer_end(&p);

	peer_start(&p);
	assert_int_equal(map_at(p.hello, "pending")->list.n, 1);
	assert_string_equal(map_at(p.hello, "pending")->list.v[0]->s.p, "role : reload \"it\"\n");
	assert_says(map_at(p.hello, "last"), "status", "failed");
	assert_says(map_at(p.hello, "last"), "step", "step number 2");
	peer_observe(&p, list_of(copy, NULL));
	assert_string_equal(
		peer_apply(&p, "r2", list_of(again(copy, NULL, NULL), reload, NULL), NULL, NULL),
		"1:ok 3:changed done");
	assert_string_equal(get_file(in_dir("ran")), "x\n");
	peer_end(&p);
}

/* It is owed no longer: neither it nor what it would have to prove is kept. */
static void a_handler_is_dropped(void **state)
{
	struct peer p;
	const struct value *applied;
	struct value *copy = copy_of(1, in_dir("a"), "x");
	struct value *reload = handler_of(3, "reload", arena_printf(a, "echo x >>%s/ran", dir));
	(void)state;
	peer_start(&p);
	peer_observe(&p, list_of(copy, NULL));
	peer_apply(&p, "r1",
		list_of(again(copy, "notify", names("reload", NULL)),
			fresh(shell_of(2, "false"), NULL, NULL), NULL),
		NULL, &applied);
	assert_int_equal(map_at(applied, "pending")->list.n, 1);
	assert_true(is_there(in_dir("state/undo")));
	map_put(a, reload, "dropped", value_bool(a, true));
	assert_string_equal(
		peer_apply(&p, "r2", list_of(reload, NULL), NULL, &applied), "3:skipped done");
	assert_int_equal(map_at(applied, "pending")->list.n, 0);
	assert_false(is_there(in_dir("state/undo")));
	assert_false(is_there(in_dir("ran")));
	peer_end(&p);
}

static void a_handler_with_a_loop_runs_whole(void **state)
{
	struct peer p;
	struct value *copy = copy_of(1, in_dir("a"), "x");
	(void)state;
	peer_start(&p);
	peer_observe(&p, list_of(copy, NULL));
	assert_string_equal(
		peer_apply(&p, "r",
			list_of(again(copy, "notify", names("reload", "other")),
				handler_of(2, "reload", arena_printf(a, "echo 2 >>%s/ran", dir)),
				handler_of(3, "reload", arena_printf(a, "echo 3 >>%s/ran", dir)),
				handler_of(4, "other", "true"), NULL),
			NULL, NULL),
		"1:changed 2:changed 3:changed 4:changed done");
	assert_string_equal(get_file(in_dir("ran")), "2\n3\n");
	peer_end(&p);
}

static struct value *item_of(struct value *step, int64_t loop)
{
	map_put(a, step, "loop", value_int(a, loop));
	return step;
}

static void a_loop_fails_when_its_last_item_is_done(void **state)
{
	struct peer p;
	const struct value *applied;
	struct value *bad = fresh(shell_of(1, "exit 3"), NULL, NULL);
	struct value *good = fresh(shell_of(2, "touch good"), NULL, NULL);
	struct value *worse = fresh(shell_of(3, "exit 4"), NULL, NULL);
	struct value *next = fresh(shell_of(4, "touch made"), NULL, NULL);
	(void)state;
	peer_start(&p);
	assert_string_equal(peer_apply(&p, "r1",
				    list_of(item_of(bad, 7), item_of(good, 7), item_of(worse, 7),
					    item_of(next, 8), NULL),
				    NULL, &applied),
		"1:failed 2:changed 3:failed failed");
	assert_says(applied, "error", "'step number 1' failed");
	map_put(a, worse, "ignore_errors", value_bool(a, true));
	assert_string_equal(peer_apply(&p, "r2", list_of(bad, worse, good, NULL), NULL, NULL),
		"1:failed 3:failed 2:changed failed");
	peer_end(&p);
}

static void a_handler_of_which_an_item_failed_stays_pending(void **state)
{
	struct peer p;
	const struct value *applied;
	struct value *copy = copy_of(1, in_dir("a"), "x");
	struct value *bad = item_of(handler_of(2, "reload", "false"), 7);
	struct value *good = item_of(handler_of(3, "reload", "true"), 7);
	(void)state;
	peer_start(&p);
	peer_observe(&p, list_of(copy, NULL));
	assert_string_equal(
		peer_apply(&p, "r",
			list_of(again(copy, "notify", names("reload", NULL)), bad, good, NULL),
			NULL, &applied),
		"1:changed 2:failed 3:changed failed");
	assert_int_equal(map_at(applied, "pending")->list.n, 1);
	peer_end(&p);
}

static void a_handler_that_fails_stays_pending(void **state)
{
	struct peer p;
	const struct value *applied;
	struct value *copy = copy_of(1, in_dir("a"), "x");
	(void)state;
	peer_start(&p);
	peer_observe(&p, list_of(copy, NULL));
	assert_string_equal(peer_apply(&p, "r1",
				    list_of(again(copy, "notify", names("reload", NULL)),
					    handler_of(2, "reload", "exit 1"), NULL),
				    NULL, &applied),
		"1:changed 2:failed failed");
	assert_int_equal(map_at(applied, "pending")->list.n, 1);
	peer_end(&p);
}
int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_setup, test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_handler_runs_once),
		TEST(a_handler_is_remembered_after_a_failure),
		TEST(a_handler_is_dropped),
		TEST(a_handler_with_a_loop_runs_whole),
		TEST(a_loop_fails_when_its_last_item_is_done),
		TEST(a_handler_of_which_an_item_failed_stays_pending),
		TEST(a_handler_that_fails_stays_pending),
	};
	return cmocka_run_group_tests_name("agent handlers", tests, NULL, NULL);
}
