/* SPDX-License-Identifier: MIT
 *
 * The words that start the agent: ssh's command line, sudo's, the script for the host, and the
 * marks in what comes back. Runs none of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "transport/bootstrap.h"
#include "transport/openssh.h"

static const char *join_words(struct arena *a, const char *const *argv)
{
	struct buf b;
	buf_init(&b, 1 << 14);
	for (size_t i = 0; argv[i]; i++)
		buf_addf(&b, "%s%s", i ? "\n" : "", argv[i]);
	const char *text = buf_str(a, &b).p;
	buf_free(&b);
	return text;
}

static void openssh_words(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	struct err e = {0};
	struct target t = {.name = "m",
		.connection.kind = "ssh",
		.connection.address = "h",
		.connection.port = 2222,
		.connection.user = "u",
		.connection.key_file = "/k y",
		.known_hosts = "/known",
		.timeout_s = 7,
		.connection.ssh_args =
			" -o  'ProxyJump=a b' -J\"x'y\" c\\ d -o StrictHostKeyChecking=no"};
	const char *text = join_words(a, openssh_argv(a, &t, "the command", &e));
	assert_string_equal(text,
		"ssh\n-o\nBatchMode=yes\n-o\nStrictHostKeyChecking=yes\n"
		"-o\nUserKnownHostsFile=\"/known\"\n-o\nGlobalKnownHostsFile=/dev/null\n"
		"-o\nProxyJump=a b\n-Jx'y\nc d\n-o\nStrictHostKeyChecking=no\n"
		"-o\nConnectTimeout=7\n-o\nServerAliveInterval=5\n-o\nServerAliveCountMax=3\n"
		"-o\nLogLevel=ERROR\n-T\n-x\n-p\n2222\n-l\nu\n-o\nIdentitiesOnly=yes\n-i\n/k y\n"
		"--\nh\nthe command");
	t.connection.ssh_args = "-o 'ProxyJump";
	assert_null(openssh_argv(a, &t, "c", &e));
	assert_int_equal(e.kind, ERR_CONFIG);
	arena_free(a);
}

static void words_refused(void **state)
{
	(void)state;
	static const struct target bad[] = {
		{.name = "m", .connection.kind = "ssh", .connection.address = "-oProxyCommand=x"},
		{.name = "m", .connection.kind = "ssh", .connection.address = "a b"},
		{.name = "m", .connection.kind = "ssh", .connection.address = ""},
		{.name = "m", .connection.kind = "ssh", .connection.address = NULL},
		{.name = "m",
			.connection.kind = "ssh",
			.connection.address = "h",
			.connection.user = "-x"},
		{.name = "m",
			.connection.kind = "ssh",
			.connection.address = "h",
			.connection.user = "a'b"},
		{.name = "m",
			.connection.kind = "ssh",
			.connection.address = "h",
			.connection.become_user = "a;b"},
		{.name = "m",
			.connection.kind = "ssh",
			.connection.address = "h",
			.connection.port = 70000},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = {0};
		if (target_check(&bad[i], &e))
			fail_msg("case %zu was taken", i);
		assert_int_equal(e.kind, ERR_CONFIG);
	}
	struct err e = {0};
	struct target good = {.name = "m",
		.connection.kind = "ssh",
		.connection.address = "fe80::1%eth0",
		.connection.user = "DOMAIN\\user"};
	assert_true(target_check(&good, &e));
}

/* ---- bootstrap ---- */

static void sudo_words(void **state)
{
	(void)state;
	static const struct {
		const char *login, *to, *password, *words;
		bool become;
	} want[] = {
		{"admin", NULL, NULL, "", false},
		{"root", NULL, NULL, "", true},
		{"admin", NULL, NULL, "sudo\n-H\n-n\n-u\nroot\n--", true},
		{"admin", "mail", "p", "sudo\n-H\n-S\n-p\n[x]\n-u\nmail\n--", true},
		{"root", "mail", NULL, "sudo\n-H\n-n\n-u\nmail\n--", true},
	};
	struct arena *a = arena_new();
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const char *argv[BECOME_ARGS];
		struct target t = {.connection.become = want[i].become,
			.connection.become_user = want[i].to,
			.connection.become_password = want[i].password};
		become_argv(a, &t, want[i].login, "[x]", argv);
		assert_string_equal(join_words(a, argv), want[i].words);
	}
	arena_free(a);
}

/* A mark is found however the bytes are cut, and what stands before it is gone. */
static void marks_in_pieces(void **state)
{
	(void)state;
	static const char text[] = "banner\n\001PROVISION-\nx" WIRE_NEED "mid" WIRE_SYNC "frames";
	for (size_t size = 1; size < sizeof text; size++) {
		struct buf in;
		int need = 0, sync = 0;
		buf_init(&in, 1 << 20);
		for (size_t at = 0; at < sizeof text - 1 && !sync; at += size) {
			size_t left = sizeof text - 1 - at;
			buf_add(&in, text + at, left < size ? left : size);
			enum boot_event event;
			while (!sync && (event = bootstrap_scan(&in)) != BOOT_MORE) {
				need += event == BOOT_NEED;
				sync += event == BOOT_SYNC;
			}
		}
		assert_int_equal(need, 1);
		assert_int_equal(sync, 1);
		assert_true(in.n == 0 || strncmp("frames", in.p, in.n) == 0);
		buf_free(&in);
	}
}

static void too_much_noise(void **state)
{
	(void)state;
	struct buf in;
	buf_init(&in, 1 << 20);
	for (int i = 0; i <= BOOT_NOISE_MAX; i++)
		buf_addc(&in, 'x');
	assert_int_equal(bootstrap_scan(&in), BOOT_NOISE);
	buf_free(&in);
}

/* The command goes through the login shell's single quotes, whatever shell that is. */
static void command_is_quotable(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	struct agent_image img = {.bytes = str_c("x")};
	snprintf(img.sha, sizeof img.sha, "%064d", 1);
	struct target t = {.name = "m",
		.connection.kind = "ssh",
		.connection.address = "h",
		.connection.user = "root"};
	const char *text = bootstrap_command(a, &t, &img, "[x]", false);
	const char *start = strchr(text, '\'');
	assert_true(strncmp(text, "exec sh -c 'sha=$1 ", 19) == 0);
	const char *end = strchr(start + 1, '\'');
	assert_string_equal(end, arena_printf(a, "' sh '%s' '' 1 ''", img.sha));
	assert_string_equal(end - 14, arena_printf(a, "exec \"$d/$f\"; %s", end));
	text = bootstrap_command(a, &t, &img, "[x]", true);
	assert_true(str_ends(str_c(text), " '' 1 'anew'"));
	img.bytes = (struct str){"\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\267\0", 20};
	text = bootstrap_command(a, &t, &img, "[x]", true);
	assert_true(str_ends(str_c(text), " 'aarch64' 20 'anew'"));
	assert_null(strchr(text, '#'));
	assert_null(strchr(text, '\t'));
	assert_null(strchr(text, '!'));
	assert_null(strchr(text, '\n'));
	assert_null(strstr(text, "\\\\"));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openssh_words),
		cmocka_unit_test(words_refused),
		cmocka_unit_test(sudo_words),
		cmocka_unit_test(marks_in_pieces),
		cmocka_unit_test(too_much_noise),
		cmocka_unit_test(command_is_quotable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
