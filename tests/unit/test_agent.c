/* SPDX-License-Identifier: MIT
 *
 * The agent's talk and its look at a host: HELLO, OBSERVE, what it refuses, and that observing
 * cannot write.
 */
#include "agent_peer.h"
#include "agent/session.h"

/* ---- the talk ---- */

static void hello_says_what_the_host_is(void **state)
{
	static const char *const facts[] = {"hostname", "fqdn", "domain", "nodename", "os_family",
		"distribution", "distribution_version", "distribution_major_version",
		"distribution_release", "kernel", "architecture", "system", "service_mgr",
		"pkg_mgr", "memtotal_mb", "processor_vcpus", "date_time", "interfaces",
		"all_ipv4_addresses", "default_ipv4", "default_ipv6", "dns", "mounts", "selinux",
		"user_id", "user_dir", "virtualization_type", "virtualization_role",
		"uptime_seconds", "lo"};
	struct peer p;
	(void)state;
	peer_start(&p);
	assert_int_equal(map_int(p.hello, "version", 0), WIRE_VERSION);
	assert_int_equal(map_int(p.hello, "uid", -1), geteuid());
	assert_int_equal(map_at(p.hello, "pending")->list.n, 0);
	assert_null(map_at(p.hello, "last"));
	for (size_t i = 0; i < ARRAY_LEN(facts); i++)
		if (!map_at(map_at(p.hello, "facts"), facts[i]))
			fail_msg("no fact '%s'", facts[i]);
	const struct value *lo = map_at(map_at(p.hello, "facts"), "lo");
	assert_string_equal(map_cstr(map_at(lo, "ipv4"), "address", ""), "127.0.0.1");
	assert_string_equal(map_cstr(map_at(lo, "ipv4"), "prefix", ""), "8");
	assert_true(map_at(map_at(p.hello, "facts"), "hostname")->literal);
	assert_false(is_there(in_dir("state"))); /* looking makes nothing */
	peer_send(&p, FRAME_BYE, value_map(a));
	assert_int_equal(peer_end(&p), 0);
}

static void the_end_of_input_ends_it(void **state)
{
	struct peer p;
	(void)state;
	peer_start(&p);
	assert_int_equal(peer_end(&p), 0);
	peer_start(&p);
	kill(p.pid, SIGTERM);
	assert_int_equal(peer_wait(&p), 0);
	peer_hang_up(&p);
}

static void nonsense_ends_it_with_a_reason(void **state)
{
	struct peer p;
	(void)state;
	peer_start(&p);
	assert_true(write_all(p.fd, "GET / HTTP/1.1\r\n", 16));
	assert_says(peer_until(&p, FRAME_FATAL), "msg", "invalid frame");
	assert_int_equal(peer_end(&p), 1);

	peer_start(&p);
	peer_send(&p, FRAME_STARTED, step_of(1, NULL, NULL));
	assert_says(peer_until(&p, FRAME_FATAL), "msg", "unexpected message STARTED");
	assert_int_equal(peer_end(&p), 1);
}

/* ---- observe ---- */

static void observing_finds_what_would_change(void **state)
{
	struct peer p;
	(void)state;
	put_file(in_dir("same"), "text\n");
	put_file(in_dir("other"), "old\n");
	peer_start(&p);
	const struct value *found = peer_observe(&p,
		list_of(copy_of(1, in_dir("same"), "text\n"), copy_of(2, in_dir("other"), "new\n"),
			copy_of(3, in_dir("none"), "new\n"), NULL));
	assert_int_equal(found->list.n, 3);
	assert_int_equal(changes_of(found->list.v[0]), 0);
	assert_int_equal(changes_of(found->list.v[1]), 1);
	const struct value *change = map_at(found->list.v[1], "changes")->list.v[0];
	assert_string_equal(map_cstr(change, "before", ""), "old\n");
	assert_int_equal(map_at(change, "after")->type, VALUE_BLOB);
	assert_true(changes_of(found->list.v[2]) >= 1);
	assert_int_equal(strlen(map_cstr(found->list.v[2], "digest", "")), SHA256_HEX - 1);
	assert_string_equal(get_file(in_dir("other")), "old\n");
	assert_int_equal(peer_end(&p), 0);
}

static void one_mistake_does_not_hide_the_others(void **state)
{
	struct peer p;
	(void)state;
	peer_start(&p);
	const struct value *found = peer_observe(
		&p, list_of(copy_of(1, in_dir("no/folder/here"), "x"), step_of(2, "nonesuch", NULL),
			    step_of(3, "copy", texts("dst", "/x", NULL)),
			    copy_of(4, in_dir("f"), "x"), NULL));
	assert_int_equal(found->list.n, 4);
	assert_says(found->list.v[0], "error", "no/folder");
	assert_says(found->list.v[0], "kind", "permanent");
	assert_says(found->list.v[1], "error", "nonesuch");
	assert_says(found->list.v[1], "kind", "config");
	assert_says(found->list.v[2], "error", "dst");
	assert_says(found->list.v[2], "kind", "config");
	assert_null(map_at(found->list.v[3], "error"));
	assert_int_equal(peer_end(&p), 0);
}

static void earlier_changes_may_make_what_is_missing(void **state)
{
	struct peer p;
	struct value *owned = texts("path", in_dir("f"), "owner", "no-such-user", NULL);
	(void)state;
	put_file(in_dir("f"), "");
	peer_start(&p);
	const struct value *found = peer_observe(&p, list_of(step_of(1, "file", owned), NULL));
	assert_says(found->list.v[0], "error", "no-such-user");
	/* a step that is not known yet may do anything, so also make the user */
	found = peer_observe(&p, list_of(step_of(2, NULL, NULL), step_of(3, "file", owned), NULL));
	assert_int_equal(found->list.n, 1);
	assert_null(map_at(found->list.v[0], "error"));
	assert_int_equal(changes_of(found->list.v[0]), 1);
	/* and it still may when more is observed */
	found = peer_observe(&p, list_of(step_of(4, "file", owned), NULL));
	assert_null(map_at(found->list.v[0], "error"));
	assert_int_equal(peer_end(&p), 0);
}

static void only_what_comes_before_counts(void **state)
{
	struct peer p;
	struct value *made = copy_of(3, in_dir("f"), "x");
	const char *lost = in_dir("no/folder/here");
	(void)state;
	peer_start(&p);
	peer_observe(&p, list_of(step_of(2, NULL, NULL), made, NULL));
	const struct value *found = peer_observe(&p, list_of(copy_of(1, lost, "x"), NULL));
	assert_says(found->list.v[0], "error", "no/folder");
	found = peer_observe(&p, list_of(copy_of(4, lost, "x"), NULL));
	assert_null(map_at(found->list.v[0], "error"));
	/* once it is applied, what was unknown before it is settled too */
	assert_string_equal(peer_apply(&p, "r", list_of(again(made, NULL, NULL), NULL), NULL, NULL),
		"3:changed done");
	found = peer_observe(&p, list_of(copy_of(4, lost, "x"), NULL));
	assert_says(found->list.v[0], "error", "no/folder");
	assert_int_equal(peer_end(&p), 0);
}

static struct value *probe_of(int id, const char *script)
{
	struct value *params = texts("cmd", script, NULL);
	map_put(a, params, "_probe", value_bool(a, true));
	return step_of(id, "shell", params);
}

static void a_probe_gives_its_result(void **state)
{
	struct peer p;
	(void)state;
	peer_start(&p);
	const struct value *found =
		peer_observe(&p, list_of(probe_of(1, "echo found >/dev/stdout 2>/dev/null"), NULL));
	assert_null(map_at(found->list.v[0], "error"));
	assert_string_equal(map_cstr(map_at(found->list.v[0], "result"), "stdout", ""), "found");
	assert_int_equal(changes_of(found->list.v[0]), 0);
	assert_int_equal(peer_end(&p), 0);
}

/* It may read what the step before it changes, so it is made when that is done, whatever came of
 * it. */
static void a_probe_waits_for_what_it_may_read(void **state)
{
	struct peer p;
	struct value *told = value_list(a);
	struct value *first = shell_of(1, "true"), *probe = probe_of(2, "echo found");
	(void)state;
	map_put(a, map_at(first, "params"), "creates", value_text(a, in_dir("made")));
	peer_start(&p);
	const struct value *found = peer_observe(&p, list_of(first, probe, NULL));
	const struct value *result = map_at(found->list.v[1], "result");
	assert_int_equal(map_at(result, "stdout")->type, VALUE_UNKNOWN);
	assert_int_equal(changes_of(found->list.v[1]), 0);
	assert_string_equal(
		peer_apply(&p, "r",
			list_of(again(first, NULL, NULL), again(probe, NULL, NULL), NULL), told,
			NULL),
		"1:changed 2:ok done");
	assert_string_equal(map_cstr(map_at(told->list.v[1], "result"), "stdout", ""), "found");
	/* not even sent: what was to come before came to nothing */
	peer_observe(&p, list_of(first, probe, NULL));
	told = value_list(a);
	assert_string_equal(
		peer_apply(&p, "r", list_of(again(probe, NULL, NULL), NULL), told, NULL),
		"2:ok done");
	assert_string_equal(map_cstr(map_at(told->list.v[0], "result"), "stdout", ""), "found");
	assert_int_equal(peer_end(&p), 0);
}

static struct value *packages_of(int id, const char *one, const char *two)
{
	struct value *params = value_map(a);
	map_put(a, params, "name", names(one, two));
	return step_of(id, "package", params);
}

/* A package wanted twice counts once, in however many OBSERVEs a plan was made: nothing else would
 * hold against the second look, and against a plan that was stored. */
static void a_package_is_planned_once(void **state)
{
	struct peer p;
	struct value *first = shell_of(1, "exit 1");
	struct value *one = packages_of(2, "no-such-thing-1", NULL);
	struct value *two = packages_of(3, "no-such-thing-1", "no-such-thing-2");
	(void)state;
	for (int rounds = 1; rounds <= 2; rounds++) {
		peer_start(&p);
		const struct value *found = NULL;
		if (rounds == 2) {
			peer_observe(&p, list_of(first, one, NULL));
			found = peer_observe(&p, list_of(two, NULL))->list.v[0];
		} else {
			found = peer_observe(&p, list_of(first, one, two, NULL))->list.v[2];
		}
		assert_int_equal(changes_of(found), 1);
		assert_string_equal(map_cstr(map_at(found, "changes")->list.v[0], "field", ""),
			"no-such-thing-2");
		assert_string_equal(
			peer_apply(&p, "r",
				list_of(again(first, NULL, NULL), again(one, NULL, NULL),
					again(two, NULL, NULL), NULL),
				NULL, NULL),
			"1:failed failed");
		assert_int_equal(peer_end(&p), 0);
	}
}

static struct value *unless_there(int id, const char *path)
{
	struct value *params = value_map(a);
	map_put(a, params, "cmd", value_text(a, "true"));
	map_put(a, params, "creates", value_text(a, path));
	return step_of(id, "command", params);
}

static struct value *add_notify(struct value *step, struct value *by)
{
	map_put(a, step, "handler", value_text(a, "handler"));
	map_put(a, step, "notified_by", by);
	return step;
}

/* A handler that runs before other steps makes what it makes when a step that notifies it changes
 * something: in one OBSERVE and in two, and when it is a handler that notifies it. */
static void a_flushed_handler_is_foreseen(void **state)
{
	struct peer p;
	struct value *by_1 = list_of(value_int(a, 1), NULL), *by_2 = list_of(value_int(a, 2), NULL);
	struct value *first = copy_of(1, in_dir("settings"), "x\n");
	struct value *handler = add_notify(copy_of(2, in_dir("built"), "y\n"), by_1);
	struct value *chain = add_notify(copy_of(3, in_dir("more"), "z\n"), by_2);
	struct value *built = unless_there(4, in_dir("built")),
		     *more = unless_there(5, in_dir("more"));
	const struct value *found;
	(void)state;
	for (int there = 0; there <= 1; there++) {
		int to_run = there ? 1 : 0;
		if (there)
			put_file(in_dir("settings"), "x\n");
		peer_start(&p);
		found = peer_observe(&p, list_of(first, handler, chain, built, more, NULL));
		assert_int_equal(
			found->list.n, there ? 3 : 5); /* who is not notified is not looked at */
		assert_int_equal(changes_of(found->list.v[found->list.n - 2]) > 0, to_run);
		assert_int_equal(changes_of(found->list.v[found->list.n - 1]) > 0, to_run);
		assert_int_equal(peer_end(&p), 0);
		peer_start(&p);
		peer_observe(&p, list_of(first, handler, chain, NULL));
		found = peer_observe(&p, list_of(built, more, NULL));
		assert_int_equal(changes_of(found->list.v[0]) > 0, to_run);
		assert_int_equal(changes_of(found->list.v[1]) > 0, to_run);
		assert_int_equal(peer_end(&p), 0);
	}
}

static void observing_cannot_write(void **state)
{
	static const char *const attempts[] = {"echo x > new", "echo x >> old", "rm old",
		"mkdir folder", "ln -s a link", "ln old hard", "mv old away", "truncate -s 0 old",
		"mkfifo pipe", "cp old copy"};
	struct peer p;
	struct value *steps = value_list(a);
	(void)state;
	put_file(in_dir("old"), "kept\n");
	peer_start(&p);
	if (!map_bool(p.hello, "landlock", false)) {
		peer_end(&p);
		print_message("no Landlock in this kernel\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++)
		list_add(a, steps,
			probe_of(
				(int)i + 1, arena_printf(a, "cd %s && { %s; }", dir, attempts[i])));
	const struct value *found = peer_observe(&p, steps);
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++)
		if (!map_at(found->list.v[i], "error"))
			fail_msg("'%s' was allowed", attempts[i]);
	assert_string_equal(get_file(in_dir("old")), "kept\n");
	struct proc_result r;
	struct err e = {0};
	const char *argv[] = {"ls", "-A", dir, NULL};
	assert_true(proc_run(a, &(struct proc){.argv = argv, .uid = (uid_t)-1}, &r, &e));
	assert_string_equal(r.out.p, "old\n");
	assert_int_equal(peer_end(&p), 0);
}

/* The plan makes the account first: the probe is not made by anyone else, and does not fail. */
static void a_probe_waits_for_its_user(void **state)
{
	struct peer p;
	(void)state;
	if (geteuid() != 0)
		skip();
	peer_start(&p);
	struct value *first = packages_of(1, "no-such-thing-1", NULL);
	struct value *probe = probe_of(2, "id -un");
	map_put(a, probe, "user", value_text(a, "no-such-user"));
	const struct value *found = peer_observe(&p, list_of(first, probe, NULL));
	const struct value *out = map_at(map_at(found->list.v[1], "result"), "stdout");
	assert_null(map_at(found->list.v[1], "error"));
	assert_non_null(out);
	assert_int_equal(out->type, VALUE_UNKNOWN);
	assert_int_equal(peer_end(&p), 0);
}

static void a_step_may_have_a_user(void **state)
{
	struct peer p;
	(void)state;
	if (geteuid() != 0)
		skip();
	chmod(dir, 0755);
	put_file(in_dir("secret"), "x");
	chmod(in_dir("secret"), 0600);
	peer_start(&p);
	struct value *who = probe_of(1, "id -un; cat secret 2>&1 || true; echo $HOME");
	struct value *nobody = probe_of(2, "true"), *copy = copy_of(3, in_dir("mine"), "x\n");
	map_put(a, map_at(who, "params"), "chdir", value_text(a, dir));
	map_put(a, who, "user", value_text(a, "nobody"));
	map_put(a, nobody, "user", value_text(a, "no-such-user"));
	map_put(a, copy, "user", value_text(a, "nobody"));
	const struct value *found = peer_observe(&p, list_of(who, nobody, copy, NULL));
	assert_says(map_at(found->list.v[0], "result"), "stdout", "nobody\n");
	assert_says(map_at(found->list.v[0], "result"), "stdout", "Permission denied");
	assert_says(map_at(found->list.v[0], "result"), "stdout", "/nonexistent");
	assert_says(found->list.v[1], "error", "no user 'no-such-user'");
	const struct value *applied;
	struct value *told = value_list(a);
	assert_string_equal(
		peer_apply(&p, "r", list_of(again(copy, NULL, NULL), NULL), told, &applied),
		"3:failed failed");
	assert_says(told->list.v[0], "error", "ermission denied");
	chmod(dir, 0777);
	found = peer_observe(&p, list_of(copy, NULL));
	assert_string_equal(
		peer_apply(&p, "r", list_of(again(copy, NULL, NULL), NULL), NULL, &applied),
		"3:changed done");
	struct stat st;
	assert_int_equal(stat(in_dir("mine"), &st), 0);
	assert_int_not_equal(st.st_uid, 0);
	assert_int_equal(peer_end(&p), 0);
}

static void thousands_of_steps_are_quick(void **state)
{
	enum { STEPS = 3000 };
	struct peer p;
	struct value *steps = value_list(a), *work = value_list(a), *told = value_list(a);
	(void)state;
	for (int i = 1; i <= STEPS; i++) {
		struct value *step = copy_of(i, in_dir(arena_printf(a, "f%d", i % 50)), "same\n");
		if (i <= 50)
			put_file(in_dir(arena_printf(a, "f%d", i % 50)), "same\n");
		list_add(a, steps, step);
		list_add(a, work, again(step, NULL, NULL));
	}
	peer_start(&p);
	assert_int_equal(peer_observe(&p, steps)->list.n, STEPS);
	send_apply(&p, "many", work);
	assert_string_equal(map_cstr(take_applied(&p, told), "status", ""), "done");
	assert_int_equal(told->list.n, STEPS);
	assert_int_equal(peer_end(&p), 0);
}

/* ---- the journal's lines ---- */

static void only_whole_lines_are_read(void **state)
{
	static const char good[] =
		"{\"event\": \"begin\", \"name\": \"a \\\"b\\\"\\n\\u0001\", \"step\": 7, "
		"\"dirs\": [\"/etc\", \"/x\"], \"yes\": true}";
	static const char *const bad[] = {"", "{", "{}", "{\"a\"}", "{\"a\": }", "{\"a\": \"b\"",
		"{\"a\": \"b\"} ", "{\"a\": \"\\x\"}", "{\"a\": \"\\u00\"}", "{\"a\": [\"b\"}",
		"{\"a\": [1]}", "[\"a\"]", "{\"a\": null}", "{\"a\": \"\\u0000\"}", "{\"a\": \"\\"};
	struct value *v;
	(void)state;
	assert_true(journal_parse(a, str_c(good), &v));
	assert_string_equal(map_cstr(v, "name", ""), "a \"b\"\n\001");
	assert_int_equal(map_int(v, "step", 0), 7);
	assert_int_equal(map_at(v, "dirs")->list.n, 2);
	for (size_t n = 0; n + 1 < sizeof(good); n++)
		assert_false(journal_parse(a, str_dup(a, good, n), &v));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (journal_parse(a, str_c(bad[i]), &v))
			fail_msg("taken: %s", bad[i]);
}

static const char *find_hidden(struct value *params, const char *text)
{
	return redact(a, &(struct agent_step){.want = {.params = params}}, text);
}

static void secrets_are_taken_out_of_messages(void **state)
{
	struct value *params = texts("name", "alice", "password", "correct-horse", NULL);
	(void)state;
	map_at(params, "password")->secret = true;
	assert_string_equal(find_hidden(params, "useradd: correct-horse? alice: correct-horse"),
		"useradd: ********? alice: ********");
	struct value *content = value_blob(a, str_c("a:b\nalice:{PLAIN}hunter2000\n"));
	content->secret = true;
	map_put(a, params, "content", content);
	assert_string_equal(find_hidden(params, "line 2: alice:{PLAIN}hunter2000 is bad"),
		"line 2: ******** is bad");
	assert_string_equal(find_hidden(params, "bad word hunter2000"), "bad word ********");
	assert_string_equal(find_hidden(texts("name", "alice", NULL), "alice"), "alice");
	struct value *environment = texts("http_proxy", "http://u:hunter3000@proxy", NULL);
	map_at(environment, "http_proxy")->secret = true;
	struct agent_step proxied = {.want = {.params = params, .environment = environment}};
	assert_string_equal(
		redact(a, &proxied, "to http://u:hunter3000@proxy failed"), "to ******** failed");
	/* an error's message ends somewhere: what is left of a secret there is one still */
	struct err e = {0};
	size_t room = sizeof(e.msg) - 1;
	err_set(&e, ERR_PERMANENT, "%*s%s", (int)(room - 6), "bad: ", "hunter2000");
	assert_non_null(strstr(e.msg, "bad: hunte"));
	assert_null(strstr(find_hidden(params, e.msg), "hunt"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_setup, test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(hello_says_what_the_host_is),
		TEST(the_end_of_input_ends_it),
		TEST(nonsense_ends_it_with_a_reason),
		TEST(observing_finds_what_would_change),
		TEST(one_mistake_does_not_hide_the_others),
		TEST(earlier_changes_may_make_what_is_missing),
		TEST(only_what_comes_before_counts),
		TEST(a_probe_gives_its_result),
		TEST(a_probe_waits_for_what_it_may_read),
		TEST(a_package_is_planned_once),
		TEST(a_flushed_handler_is_foreseen),
		TEST(observing_cannot_write),
		TEST(a_probe_waits_for_its_user),
		TEST(a_step_may_have_a_user),
		TEST(thousands_of_steps_are_quick),
		TEST(only_whole_lines_are_read),
		TEST(secrets_are_taken_out_of_messages),
	};
	return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
