/* SPDX-License-Identifier: MIT
 *
 * Activation as a transaction, in the agent: what goes back when a handler does not prove what it
 * brings about, what is remembered, and what a kill in the middle leaves.
 */
#include "lamp.h"

static void what_fails_goes_back(void **state)
{
	struct peer p;
	struct stat st;
	struct value *conf = copy_of(1, in_dir("conf"), "bad\n"), *told = value_list(a);
	struct value *beside = copy_of(2, in_dir("beside"), "new\n");
	struct value *made = copy_of(3, in_dir("made"), "new\n");
	struct timespec times[2] = {{1000, 0}, {2000, 123}};
	const struct value *end;
	(void)state;
	set_up_files();
	utimensat(AT_FDCWD, in_dir("conf"), times, 0);
	peer_start(&p);
	peer_observe(&p, list_of(conf, beside, made, NULL));
	assert_string_equal(peer_apply(&p, "r",
				    list_of(again(conf, "notify", names("light it", NULL)),
					    again(beside, "notify", names("light it", "another")),
					    again(made, "notify", names("light it", NULL)),
					    handler_of(4, "light it", in_dir("conf")), NULL),
				    told, &end),
		"1:changed 2:changed 3:changed 4:failed failed");
	assert_says(told->list.v[3], "error", "probe 'light'");
	assert_says(told->list.v[3], "error", "rolled back: ");
	assert_int_equal(map_at(map_at(told->list.v[3], "result"), "rolled_back")->list.n, 3);
	assert_string_equal(get_file(in_dir("conf")), "good old\n");
	assert_int_equal(stat(in_dir("conf"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_mtim.tv_sec, 2000);
	assert_int_equal(st.st_mtim.tv_nsec, 123);
	assert_string_equal(get_file(in_dir("beside")), "old\n");
	assert_false(is_there(in_dir("made")));
	assert_string_equal(get_file(in_dir("running")), "good old\n");
	assert_false(is_there(in_dir("state/undo")));
	/* what only those files owed is not due any more */
	assert_int_equal(map_at(end, "pending")->list.n, 0);
	const struct value *found = peer_observe(&p, list_of(conf, beside, made, NULL));
	for (size_t i = 0; i < 3; i++)
		assert_true(changes_of(found->list.v[i]) > 0);
	peer_end(&p);
}

static void what_succeeds_is_proven(void **state)
{
	struct peer p;
	struct value *conf = copy_of(1, in_dir("conf"), "good new\n");
	(void)state;
	set_up_files();
	peer_start(&p);
	peer_observe(&p, list_of(conf, NULL));
	assert_string_equal(peer_apply(&p, "r",
				    list_of(again(conf, "notify", names("light it", NULL)),
					    handler_of(4, "light it", in_dir("conf")), NULL),
				    NULL, NULL),
		"1:changed 4:changed done");
	assert_string_equal(get_file(in_dir("running")), "good new\n");
	assert_false(is_there(in_dir("state/undo")));
	peer_end(&p);
}

/* One that is not even begun proves nothing either. */
static void what_cannot_be_looked_at_goes_back(void **state)
{
	struct peer p;
	struct value *conf = copy_of(1, in_dir("conf"), "good new\n"), *told = value_list(a);
	struct value *params = texts("name", "no-such-service-anywhere", NULL);
	const struct value *end;
	(void)state;
	set_up_files();
	peer_start(&p);
	peer_observe(&p, list_of(conf, NULL));
	assert_string_equal(peer_apply(&p, "r",
				    list_of(again(conf, "notify", names("gone", NULL)),
					    fresh(step_of(4, "activation", params), "handler",
						    value_text(a, "gone")),
					    NULL),
				    told, &end),
		"1:changed 4:failed failed");
	assert_says(told->list.v[1], "error", "no service 'no-such-service-anywhere'");
	assert_says(told->list.v[1], "error", "rolled back: ");
	assert_string_equal(get_file(in_dir("conf")), "good old\n");
	peer_end(&p);
}

/* One that took the file before the other failed takes the old one again. */
static void who_shares_a_file_takes_the_old_one_again(void **state)
{
	struct peer p;
	struct value *conf = copy_of(1, in_dir("conf"), "good new\n");
	struct value *bad = activation_of(5, in_dir("conf")), *told = value_list(a);
	(void)state;
	set_up_files();
	map_put(a, map_at(bad, "params"), "check",
		list_of(value_text(a, "sh -c 'echo error: it smokes; echo key: 1234'"), NULL));
	peer_start(&p);
	peer_observe(&p, list_of(conf, NULL));
	assert_string_equal(peer_apply(&p, "r",
				    list_of(again(conf, "notify", names("first", "second")),
					    handler_of(4, "first", in_dir("conf")),
					    fresh(bad, "handler", value_text(a, "second")), NULL),
				    told, NULL),
		"1:changed 4:changed 5:failed failed");
	assert_says(told->list.v[2], "error", "error: it smokes; rolled back");
	assert_string_equal(get_file(in_dir("conf")), "good old\n");
	assert_string_equal(get_file(in_dir("running")), "good old\n");
	peer_end(&p);
}

/* A proven configuration that names a shared file (a certificate) goes back with that file: by
 * itself it would be broken. */
static void what_was_proven_with_it_goes_back_too(void **state)
{
	struct peer p;
	struct value *conf = copy_of(1, in_dir("conf"), "good new\n"), *told = value_list(a);
	struct value *shared = copy_of(2, in_dir("certificate"), "new\n");
	struct value *other = copy_of(3, in_dir("other"), "bad\n");
	const struct value *back;
	(void)state;
	set_up_files();
	put_file(in_dir("other"), "never good\n");
	peer_start(&p);
	peer_observe(&p, list_of(conf, shared, other, NULL));
	assert_string_equal(peer_apply(&p, "r",
				    list_of(again(conf, "notify", names("first", NULL)),
					    again(shared, "notify", names("first", "second")),
					    again(other, "notify", names("second", NULL)),
					    handler_of(4, "first", in_dir("conf")),
					    handler_of(5, "second", in_dir("other")), NULL),
				    told, NULL),
		"1:changed 2:changed 3:changed 4:changed 5:failed failed");
	back = map_at(map_at(told->list.v[4], "result"), "rolled_back");
	assert_int_equal(back->list.n, 3);
	assert_string_equal(get_file(in_dir("conf")), "good old\n");
	assert_false(is_there(in_dir("certificate")));
	assert_false(is_there(in_dir("state/undo")));
	assert_string_equal(get_file(in_dir("reloads")), "x\nx\nx\nx\n");
	peer_end(&p);
}

/* It is known after a kill too; and forgotten when the last of them has proven itself. */
static void what_is_shared_is_kept_until_all_are_proven(void **state)
{
	struct peer p;
	struct value *conf = copy_of(1, in_dir("conf"), "good new\n");
	struct value *shared = copy_of(2, in_dir("certificate"), "new\n");
	(void)state;
	for (int i = 1; i >= 0; i--) {
		set_up_files();
		unlink(in_dir("certificate"));
		peer_start(&p);
		peer_observe(&p, list_of(conf, shared, NULL));
		assert_string_equal(
			peer_apply(&p, "r1",
				list_of(again(conf, "notify", names("first", NULL)),
					again(shared, "notify", names("first", "second")),
					handler_of(4, "first", in_dir("conf")),
					fresh(shell_of(5, "false"), NULL, NULL), NULL),
				NULL, NULL),
			"1:changed 2:changed 4:changed 5:failed failed");
		peer_end(&p);
		peer_start(&p);
		peer_apply(&p, "r2",
			list_of(handler_of(6, "second", in_dir(i ? "conf" : "beside")), NULL), NULL,
			NULL);
		assert_string_equal(get_file(in_dir("conf")), i ? "good new\n" : "good old\n");
		assert_int_equal(is_there(in_dir("certificate")), i);
		if (i)
			assert_false(is_there(in_dir("state/undo")));
		peer_end(&p);
	}
}

/* A handler that is owed for more than files stays due. */
static void what_is_no_file_stays_owed(void **state)
{
	struct peer p;
	struct value *conf = copy_of(1, in_dir("conf"), "bad\n");
	const struct value *end;
	(void)state;
	set_up_files();
	peer_start(&p);
	peer_observe(&p, list_of(conf, NULL));
	assert_string_equal(
		peer_apply(&p, "r",
			list_of(again(conf, "notify", names("light it", NULL)),
				fresh(shell_of(2, "true"), "notify", names("light it", NULL)),
				handler_of(4, "light it", in_dir("conf")), NULL),
			NULL, &end),
		"1:changed 2:changed 4:failed failed");
	assert_string_equal(get_file(in_dir("conf")), "good old\n");
	assert_int_equal(map_at(end, "pending")->list.n, 1);
	peer_end(&p);
}

/* Nothing helps: it is said, and the handler stays due. */
static void a_rollback_that_fails_is_said(void **state)
{
	struct peer p;
	struct value *conf = copy_of(1, in_dir("conf"), "bad\n"), *told = value_list(a);
	const struct value *end;
	(void)state;
	set_up_files();
	put_file(in_dir("conf"), "never worked\n");
	peer_start(&p);
	peer_observe(&p, list_of(conf, NULL));
	assert_string_equal(peer_apply(&p, "r",
				    list_of(again(conf, "notify", names("light it", NULL)),
					    handler_of(4, "light it", in_dir("conf")), NULL),
				    told, &end),
		"1:changed 4:failed failed");
	assert_says(told->list.v[1], "error", "probe 'light'");
	assert_says(told->list.v[1], "error", "/conf; lamp fails its check with those files too");
	assert_string_equal(get_file(in_dir("conf")), "never worked\n");
	assert_int_equal(map_at(end, "pending")->list.n, 1);
	peer_end(&p);
}

/* Worse: it served with what was put back, and does no longer. */
static void a_rollback_that_does_not_help_is_said(void **state)
{
	struct peer p;
	struct value *conf = copy_of(1, in_dir("conf"), "good new\n"), *told = value_list(a);
	struct value *worse = copy_of(2, in_dir("conf"), "bad\n");
	struct value *broken = handler_of(5, "light it", "/none");
	const struct value *end;
	(void)state;
	set_up_files();
	peer_start(&p);
	peer_observe(&p, list_of(conf, NULL));
	peer_apply(&p, "r1",
		list_of(again(conf, "notify", names("light it", NULL)),
			handler_of(4, "light it", in_dir("conf")), NULL),
		NULL, NULL);
	put_file(in_dir("running"), "dark\n");
	peer_observe(&p, list_of(worse, NULL));
	assert_string_equal(
		peer_apply(&p, "r2",
			list_of(again(worse, "notify", names("light it", NULL)), broken, NULL),
			told, &end),
		"2:changed 5:failed failed");
	assert_says(told->list.v[1], "error", "THE ROLLBACK DID NOT HELP");
	assert_says(told->list.v[1], "error",
		"lamp, which passed its check with them before, fails it now");
	assert_string_equal(get_file(in_dir("conf")), "good new\n");
	assert_int_equal(map_at(end, "pending")->list.n, 1);
	peer_end(&p);
}

/* What was there before is a folder now: the file cannot go back. */
static void what_cannot_go_back_is_said(void **state)
{
	struct peer p;
	struct value *conf = copy_of(1, in_dir("conf"), "bad\n"), *told = value_list(a);
	const char *in_the_way =
		arena_printf(a, "cd %s && rm conf running && mkdir -p conf/x", dir);
	(void)state;
	set_up_files();
	peer_start(&p);
	peer_observe(&p, list_of(conf, NULL));
	assert_string_equal(peer_apply(&p, "r",
				    list_of(again(conf, "notify", names("light it", NULL)),
					    fresh(shell_of(2, in_the_way), NULL, NULL),
					    handler_of(4, "light it", in_dir("conf")), NULL),
				    told, NULL),
		"1:changed 2:changed 4:failed failed");
	assert_says(told->list.v[2], "error", "THE ROLLBACK FAILED: cannot replace");
	assert_says(told->list.v[2], "error", "put back: nothing");
	assert_string_equal(get_file(arena_printf(a, "%s/state/undo.d/%s", dir,
				    only_name(in_dir("state/undo.d")))),
		"good old\n");
	peer_end(&p);
}

/* Other handlers take no part in it. */
static void an_ordinary_handler_keeps_nothing(void **state)
{
	struct peer p;
	struct value *conf = copy_of(1, in_dir("conf"), "bad\n");
	(void)state;
	set_up_files();
	peer_start(&p);
	peer_observe(&p, list_of(conf, NULL));
	assert_string_equal(
		peer_apply(&p, "r",
			list_of(again(conf, "notify", names("light it", NULL)),
				fresh(shell_of(4, "false"), "handler", value_text(a, "light it")),
				NULL),
			NULL, NULL),
		"1:changed 4:failed failed");
	assert_string_equal(get_file(in_dir("conf")), "bad\n");
	assert_false(is_there(in_dir("state/undo")));
	peer_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_fails_goes_back, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(what_succeeds_is_proven, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_looked_at_goes_back, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(
			who_shares_a_file_takes_the_old_one_again, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(
			what_was_proven_with_it_goes_back_too, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_shared_is_kept_until_all_are_proven, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_no_file_stays_owed, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(
			a_rollback_that_fails_is_said, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(
			a_rollback_that_does_not_help_is_said, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(
			what_cannot_go_back_is_said, test_setup, test_teardown),
		cmocka_unit_test_setup_teardown(
			an_ordinary_handler_keeps_nothing, test_setup, test_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
