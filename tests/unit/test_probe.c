/* SPDX-License-Identifier: MIT
 *
 * Probes against daemons that answer wrongly, too much, too little, or with the secret.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "jinja/jinja.h"
#include "mailhost/health_check.h"
#include "yaml/yaml.h"

#define SECRET "abcdefgh12345678"

static struct arena *a;
static char dir[64];

typedef void daemon_fn(int fd);

/* ---- the daemons ---- */

static void send_text(int fd, const char *text)
{
	if (!write_all(fd, text, strlen(text)))
		_exit(0);
}

static void serve_greeting(int fd)
{
	send_text(fd, "220 here\r\n");
	pause();
}

static void never_ends(int fd)
{
	for (;;)
		send_text(fd, "250-more\r\n250-and more\r\n");
}

static void one_long_line(int fd)
{
	for (;;)
		send_text(fd, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

static void hangs_up(int fd)
{
	(void)fd;
}

static void is_silent(int fd)
{
	(void)fd;
	pause();
}

static void serve_colours(int fd)
{
	send_text(fd, "500 \033[2Jgone\007\r\n");
	pause();
}

static void tells_the_secret(int fd)
{
	send_text(fd, "500 I got " SECRET ", twice " SECRET "\r\n");
	pause();
}

static void tells_it_in_bytes(int fd)
{
	send_text(fd, "x" SECRET "xxxxxxxxxxxxxxxx");
	pause();
}

static void serve_refusal(int fd)
{
	send_text(fd, "554 no\r\n");
	pause();
}

static void half_a_line(int fd)
{
	send_text(fd, "220 her");
	pause();
}

/* ---- asking them ---- */

static pid_t start_server(daemon_fn *daemon)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", dir);
	unlink(at.sun_path);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 5), 0);
	pid_t pid = fork();
	if (pid == 0)
		setpgid(0, 0); /* so that all of it ends together */
	while (pid == 0) {
		int fd = accept(listener, NULL, NULL);
		if (fork() == 0) {
			daemon(fd);
			_exit(0);
		}
		close(fd);
	}
	close(listener);
	return pid;
}

static void end_server(pid_t pid)
{
	setpgid(pid, pid);
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static struct value *probe_of(const char *dialog)
{
	struct err e = {0};
	const char *text = arena_printf(a,
		"{\"name\": \"it\", \"address\": \"%s/socket\", \"secret\": \"%s/secret\", "
		"\"secret_pattern\": \"([a-z0-9]{16})\", \"dialog\": %s}",
		dir, dir, dialog);
	struct value *probe = json_parse(a, str_c(text), &e);
	if (!probe)
		fail_msg("%s", e.msg);
	return probe;
}

/* One attempt, and in it one second of silence, are enough. */
static bool is_hopeless(void *ctx)
{
	(void)ctx;
	return true;
}

static bool ask_daemon(daemon_fn *daemon, const char *dialog, struct err *e)
{
	struct host h = {.a = arena_new()};
	struct probe_patience patience = {.timeout_s = 20, .hopeless = is_hopeless};
	pid_t pid = start_server(daemon);
	*e = (struct err){0};
	bool ok = probe_run(&h, probe_of(dialog), &patience, e);
	end_server(pid);
	assert_true(arena_size(h.a) < 4096); /* what was tried in vain is not kept */
	arena_free(h.a);
	return ok;
}

static void assert_fails(daemon_fn *daemon, const char *dialog, const char *words)
{
	struct err e;
	assert_false(ask_daemon(daemon, dialog, &e));
	if (!strstr(e.msg, words))
		fail_msg("'%s' does not say '%s'", e.msg, words);
	if (strstr(e.msg, SECRET))
		fail_msg("the secret is told: %s", e.msg);
}

#define GREETING "[{\"expect\": \"^220 \", \"fail\": \"^5\"}]"

static void what_is_expected(void **state)
{
	struct err e;
	(void)state;
	if (!ask_daemon(serve_greeting, GREETING, &e))
		fail_msg("%s", e.msg);
}

static void what_is_not(void **state)
{
	(void)state;
	assert_fails(serve_refusal, GREETING, "refused; received '554 no'");
	assert_fails(hangs_up, GREETING, "the connection was closed");
	assert_fails(is_silent, GREETING, "no answer in time");
	assert_fails(half_a_line, GREETING, "no answer in time");
	assert_fails(serve_colours, GREETING, "received '500 ?[2Jgone?'");
}

static void too_many_words(void **state)
{
	(void)state;
	assert_fails(never_ends, GREETING, "the answer is too long; received '250-");
	assert_fails(one_long_line, GREETING, "the answer is too long");
}

static void the_secret_is_kept(void **state)
{
	(void)state;
	assert_fails(tells_the_secret,
		"[{\"send\": \"AUTH @SECRET@\\r\\n\", \"expect\": \"^220 \", \"fail\": \"^5\"}]",
		"sent 'AUTH @SECRET@', expected");
	const char *hex_of_it = "61626364656667683132333435363738";
	struct err e;
	assert_false(ask_daemon(tells_it_in_bytes,
		"[{\"send\": \"@SECRET@\", \"expect_hex\": \"00000000000000000000000000000000\"}]",
		&e));
	if (strstr(e.msg, hex_of_it))
		fail_msg("the secret is told: %s", e.msg);
}

static int set_up(void **state)
{
	struct err e = {0};
	struct file_attr attr = {0600, (uid_t)-1, (gid_t)-1};
	(void)state;
	a = arena_new();
	snprintf(dir, sizeof(dir), "/tmp/test_probe.XXXXXX");
	signal(SIGPIPE, SIG_IGN);
	return mkdtemp(dir) && file_replace(arena_printf(a, "%s/secret", dir), SECRET "\n",
				       sizeof(SECRET), attr, &e)
		       ? 0
		       : -1;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(arena_printf(a, "%s/secret", dir));
	unlink(arena_printf(a, "%s/socket", dir));
	rmdir(dir);
	arena_free(a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_expected),
		cmocka_unit_test(what_is_not),
		cmocka_unit_test(too_many_words),
		cmocka_unit_test(the_secret_is_kept),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
