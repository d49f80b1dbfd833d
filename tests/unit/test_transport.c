/* SPDX-License-Identifier: MIT
 *
 * Connections from open to closed without an SSH server: the local kind, and sockets where nobody
 * or something else answers.
 */
#include "private_sshd.h"
#include "transport/guard.h"
#include "watched.h"

static struct target local_target(void)
{
	return (struct target){.name = "me", .connection.kind = "local"};
}

/* ---- local ---- */

static void local_hello_and_bye(void **state)
{
	(void)state;
	struct target t = local_target();
	struct watched w = {0};
	run(&w, &t, 1);
	expect(&w, ERR_NONE, NULL);
	assert_int_equal(w.hellos, 1);
}

static void local_large_both_ways(void **state)
{
	(void)state;
	struct target t = local_target();
	struct watched w = {.ask = "big", .payload = BIG};
	run(&w, &t, 1);
	expect(&w, ERR_NONE, NULL);
	assert_int_equal(w.answer_size, BIG);
}

static void local_bad_frames(void **state)
{
	(void)state;
	struct target t = local_target();
	struct watched garbage = {.ask = "garbage"}, dead = {.ask = "die"};
	struct watched killed = {.ask = "kill"};
	run(&garbage, &t, 1);
	expect(&garbage, ERR_PERMANENT, "me (this machine): invalid message from the agent: ");
	run(&dead, &t, 1);
	expect(&dead, ERR_TRANSIENT, "the agent ended (exit status 3): my last\x1b[1m words");
	run(&killed, &t, 1);
	expect(&killed, ERR_TRANSIENT, "the agent ended (killed by SIGKILL)");
}

static void local_other_version(void **state)
{
	(void)state;
	struct target t = local_target();
	struct watched w = {0};
	setenv("AGENT_VERSION", "99", 1);
	run(&w, &t, 1);
	unsetenv("AGENT_VERSION");
	expect(&w, ERR_PERMANENT, "uses version 99");
	assert_int_equal(w.hellos, 0);
}

static void local_program_is_no_agent(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum err_kind kind;
		const char *says;
	} programs[] = {
		{"#!/bin/sh\necho one; echo two >&2; printf 'three\\377\\n' >&2; exit 7\n",
			ERR_UNREACHABLE, "could not be started: two | three\xff (exit status 7)"},
		{"#!/bin/sh\necho 'only here'; exit 1\n", ERR_UNREACHABLE, "only here"},
		{"#!/bin/sh\nexit 0\n", ERR_UNREACHABLE, "it printed nothing"},
		{"#!/bin/sh\nhead -c 100000 /dev/zero | tr '\\0' x; sleep 60\n", ERR_UNREACHABLE,
			"prints more than 64 KB"},
		{"#!/bin/sh\nprintf '\\n\\001PROVISION-NEED\\001\\n"
		 "\\n\\001PROVISION-NEED\\001\\n'; sleep 60\n",
			ERR_PERMANENT, "a second time"},
		{"#!/bin/sh\nprintf '\\n\\001PROVISION-AGENT\\001\\nxxxxxxxx'; sleep 60\n",
			ERR_PERMANENT, "invalid message"},
		{"#!/bin/sh\nprintf '\\n\\001PROVISION-AGENT\\001\\n'; echo sorry >&2\n",
			ERR_PERMANENT, "the agent ended (exit status 0): sorry"},
		{"#!/nowhere\n", ERR_UNREACHABLE, "cannot run"},
	};
	struct target t = local_target();
	struct agent_image saved = image;
	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		struct watched w = {0};
		image.path = write_script(arena_printf(a, "program%zu", i), programs[i].text);
		run(&w, &t, 1);
		expect(&w, programs[i].kind, programs[i].says);
	}
	image = saved;
}

/* Noise before the mark is skipped, also a mark that comes in pieces. */
static void local_noise_is_skipped(void **state)
{
	(void)state;
	struct target t = local_target();
	struct watched w = {0};
	struct agent_image saved = image;
	image.path = write_script("noise",
		arena_printf(a,
			"#!/bin/sh\nseq 1 5000\nprintf '\\n\\001PROVISION-'\nsleep 0.1\nexec %s\n",
			saved.path));
	run(&w, &t, 1);
	image = saved;
	expect(&w, ERR_NONE, NULL);
	assert_int_equal(w.hellos, 1);
}

/* sudo's part played by a script: it reads the password as sudo -S does, a byte at a time. */
static const char fake_sudo[] =
	"#!/bin/sh\n"
	"while [ \"$1\" != -- ]; do\n"
	"	case $1 in -p) prompt=$2; shift;; -n) quiet=1;; -u) user=$2; shift;; esac; shift\n"
	"done\n"
	"shift; [ \"$user\" = somebody ] || exit 9\n"
	"[ \"$quiet\" ] && { echo 'sudo: a password is required' >&2; exit 1; }\n"
	"echo 'We trust you have received the usual lecture.' >&2\n"
	"for try in 1 2 3; do\n"
	"	printf '%s' \"$prompt\" >&2; IFS= read -r word\n"
	"	[ \"$word\" = 'se cret' ] && exec \"$@\"\n"
	"	echo 'Sorry, try again.' >&2\n"
	"done\n"
	"exit 1\n";

static void local_through_sudo(void **state)
{
	(void)state;
	static const struct {
		const char *password;
		enum err_kind kind;
		const char *says;
	} tries[] = {
		{"se cret", ERR_NONE, ""},
		{"wrong", ERR_CONFIG, "sudo refused the password"},
		{NULL, ERR_CONFIG, "sudo needs a password; give it with -K"},
	};
	const char *path = getenv("PATH");
	write_script("sudo", fake_sudo);
	setenv("PATH", arena_printf(a, "%s:%s", dir, path), 1);
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		struct target t = local_target();
		struct watched w = {.ask = "big", .payload = BIG};
		t.connection.become = true;
		t.connection.become_user = "somebody";
		t.connection.become_password = tries[i].password;
		run(&w, &t, 1);
		expect(&w, tries[i].kind, tries[i].says);
		assert_int_equal(w.answer_size, tries[i].kind ? 0 : BIG);
		assert_null(strstr(w.why.msg, "wrong"));
	}
	setenv("PATH", path, 1);
}

static void closed_at_once(void **state)
{
	(void)state;
	struct target t = local_target();
	struct watched w = {0};
	struct loop *l = loop_new();
	int left = 1;
	open_watched(&w, &t, l, &left);
	transport_close(w.t);
	transport_close(w.t);
	assert_int_equal(w.closed, 0);
	loop_run(l);
	loop_free(l);
	assert_int_equal(w.closed, 1);
	expect(&w, ERR_NONE, NULL);
}

static void targets_refused(void **state)
{
	(void)state;
	static const struct {
		struct target t;
		const char *says;
	} bad[] = {
		{{.name = "m", .connection.address = "h", .connection.kind = "telnet"}, "'telnet'"},
		{{.name = "m", .connection.address = "-oProxyCommand=x"}, "is not a valid address"},
		{{.name = "m",
			 .connection.address = "h",
			 .connection.key_file = "/nonexistent/key"},
			"does not exist"},
		{{.name = "m",
			 .connection.address = "h",
			 .connection.kind = "openssh",
			 .connection.ssh_args = "'"},
			"unclosed quote"},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct watched w = {0};
		run(&w, &bad[i].t, 1);
		expect(&w, ERR_CONFIG, bad[i].says);
	}
}

/* ---- sockets that are no sshd ---- */

static void nobody_listens(void **state)
{
	(void)state;
	int port, fd = listener(0, &port);
	make_key("ed25519", "id_ed25519");
	struct target t = remote(port);
	struct watched w = {0};
	run(&w, &t, 1);
	close(fd);
	expect(&w, ERR_UNREACHABLE, "cannot connect: Connection refused");
	t.connection.address = "no-such-name.invalid";
	w = (struct watched){0};
	run(&w, &t, 1);
	expect(&w, ERR_UNREACHABLE, "cannot connect: ");
}

/* libssh2 takes packets of any kind, and keeps them: bytes that the command did not write. */
static void what_comes_beside_the_agent_is_bounded(void **state)
{
	static const char zeros[1 << 16];
	struct guard bad = {.runs = true}, good = {.runs = true};
	size_t n = 0;
	(void)state;
	assert_true(
		guard_take(&bad, "SSH-2.0-x\r\n", 11) && guard_take(&good, "SSH-2.0-x\r\n", 11));
	while (guard_take(&bad, zeros, sizeof(zeros)) && n <= GUARD_OTHER_BYTES)
		n += sizeof(zeros);
	assert_true(n <= GUARD_OTHER_BYTES);
	assert_non_null(strstr(bad.why, "beside the agent's"));
	for (n = 0; n < 4 * (size_t)GUARD_OTHER_BYTES; n += sizeof(zeros)) {
		good.useful += sizeof(zeros);
		assert_true(guard_take(&good, zeros, sizeof(zeros)));
	}
}

static void a_silent_host_times_out(void **state)
{
	(void)state;
	int port, fd = listener(8, &port);
	make_key("ed25519", "id_ed25519");
	struct target t = remote(port);
	struct watched w = {0};
	t.timeout_s = 1;
	int64_t start = now_ms();
	run(&w, &t, 1);
	close(fd);
	expect(&w, ERR_UNREACHABLE, "no answer within 1 s (while connecting)");
	assert_true(now_ms() - start >= 900);
}

/* Something else listens there; it talks, then hangs up. */
static void no_ssh_server(void **state)
{
	(void)state;
	int port, fd = listener(8, &port);
	make_key("ed25519", "id_ed25519");
	pid_t pid = fork();
	if (pid == 0) {
		int c = accept(fd, NULL, NULL);
		write_all(c, "220 mx1 ESMTP\r\n421 bye\r\n", 24);
		_exit(0);
	}
	struct target t = remote(port);
	struct watched w = {0};
	t.timeout_s = 3;
	run(&w, &t, 1);
	waitpid(pid, NULL, 0);
	close(fd);
	expect(&w, ERR_UNREACHABLE, "mx1 (127.0.0.1 port ");
}

int main(int argc, char **argv)
{
	(void)argc;
	if (strncmp(path_base(argv[0]), "agent-", 6) == 0)
		return break_protocol();
	const struct CMUnitTest tests[] = {
		CASE(local_hello_and_bye),
		CASE(local_large_both_ways),
		CASE(local_bad_frames),
		CASE(local_other_version),
		CASE(local_program_is_no_agent),
		CASE(local_noise_is_skipped),
		CASE(local_through_sudo),
		CASE(closed_at_once),
		CASE(targets_refused),
		CASE(nobody_listens),
		CASE(what_comes_beside_the_agent_is_bounded),
		CASE(a_silent_host_times_out),
		CASE(no_ssh_server),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
