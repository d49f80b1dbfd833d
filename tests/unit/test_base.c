/* SPDX-License-Identifier: MIT
 *
 * Floor 0: strings, buffers, errors, digests, files and processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/base.h"
#include <cmocka.h>

static struct arena *a;
static char dir[] = "/tmp/test_base.XXXXXX";

static int set_up(void **state)
{
	(void)state;
	a = arena_new();
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	const char *argv[] = {"rm", "-rf", dir, NULL};
	struct proc_result r;
	struct err e = {0};
	(void)state;
	proc_run(a, &(struct proc){.argv = argv, .uid = (uid_t)-1}, &r, &e);
	arena_free(a);
	return 0;
}

static void strings_compare(void **state)
{
	(void)state;
	assert_true(str_eq(str_c("abc"), str_dup(a, "abcd", 3)));
	assert_false(str_is(str_c("abc"), "ab"));
	assert_int_equal(str_cmp(str_c("a"), str_c("ab")), -1);
	assert_int_equal(str_cmp(str_c("b"), str_c("ab")), 1);
	assert_int_equal(str_cmp(str_c("\xff"), str_c("a")), 1);
	assert_true(str_starts(str_c("mail.example"), "mail"));
	assert_false(str_starts(str_c("ma"), "mail"));
	assert_true(str_ends(str_c("main.cf"), ".cf"));
	assert_string_equal(str_trim(a, str_c(" \t a b\r\n")).p, "a b");
	assert_int_equal(str_trim(a, str_c(" \n ")).n, 0);
	assert_string_equal(str_printf(a, "%d-%s", 7, "x").p, "7-x");
}

static void nearest_word(void **state)
{
	static const char *const words[] = {
		"spam_filter", "hostname", "srs", "dkim", "domains", NULL};
	static const struct {
		const char *word, *nearest;
	} cases[] = {{"spam_fliter", "spam_filter"}, {"hostnam", "hostname"}, {"dikm", "dkim"},
		{"domain", "domains"}, {"srs", "srs"}, {"xyz", NULL}, {"", NULL}, {"s", NULL},
		{"password", NULL}, {"spf", NULL}, {"host", NULL}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got = str_nearest(cases[i].word, words);
		if (cases[i].nearest)
			assert_string_equal(got ? got : "(none)", cases[i].nearest);
		else
			assert_null(got);
	}
}

static void utf8_is_checked(void **state)
{
	static const char *const good[] = {"", "plain", "\xc3\xa4", "\xe2\x82\xac",
		"\xf0\x9f\x93\xa8", "\xef\xbf\xbd", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80",
		"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "a\xff"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(str_utf8(str_c(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(str_utf8(str_c(bad[i])));
	assert_false(str_utf8((struct str){"a\0b", 3}));
}

static void buffer_stays_at_its_limit(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 10);
	buf_adds(&b, "12345");
	buf_addf(&b, "%s", "678");
	assert_false(b.over);
	buf_adds(&b, "9abc");
	assert_true(b.over);
	assert_int_equal(b.n, 10);
	assert_string_equal(b.p, "123456789a");
	buf_consume(&b, 4);
	assert_string_equal(b.p, "56789a");
	assert_true(b.over);
	assert_string_equal(buf_str(a, &b).p, "56789a");
	buf_clear(&b);
	assert_false(b.over);
	buf_free(&b);
	buf_init(&b, 1 << 20);
	assert_string_equal(buf_str(a, &b).p, "");
	buf_addf(&b, "%5000d", 1);
	assert_int_equal(b.n, 5000);
	buf_free(&b);
}

static void first_error_is_kept(void **state)
{
	struct err e = {0};
	(void)state;
	assert_false(err_set(&e, ERR_TRANSIENT, "the lock of %s is held\n", "mx1"));
	assert_false(err_set(&e, ERR_CONFIG, "second"));
	assert_int_equal(e.kind, ERR_TRANSIENT);
	assert_string_equal(e.msg, "the lock of mx1 is held");
	err_prefix(&e, "host %d", 1);
	assert_string_equal(e.msg, "host 1: the lock of mx1 is held");
	e = (struct err){0};
	err_prefix(&e, "nothing to prefix");
	assert_int_equal(e.kind, ERR_NONE);
	errno = ENOENT;
	err_errno(&e, "cannot open %s", "x");
	assert_string_equal(e.msg, "cannot open x: No such file or directory");
	assert_false(err_set(NULL, ERR_CONFIG, "nobody asks"));
}

static void long_message_is_cut_between_characters(void **state)
{
	struct err e = {0};
	struct buf b;
	(void)state;
	buf_init(&b, 4096);
	buf_addc(&b, 'x');
	for (int i = 0; i < 1000; i++)
		buf_adds(&b, "\xe2\x82\xac");
	err_set(&e, ERR_PERMANENT, "%s", b.p);
	assert_true(str_utf8(str_c(e.msg)));
	assert_in_range(strlen(e.msg), sizeof(e.msg) - 8, sizeof(e.msg) - 1);
	buf_free(&b);
}

static void digest_is(const char *text, size_t n, const char *expected)
{
	unsigned char out[SHA256_LEN];
	char digits[SHA256_HEX];
	sha256(text, n, out);
	hex(out, sizeof(out), digits);
	assert_string_equal(digits, expected);
}

/* FIPS 180-4's examples, and every length around a block given in two parts. */
static void sha256_digests(void **state)
{
	unsigned char one[SHA256_LEN], two[SHA256_LEN];
	char *million = arena_alloc(a, 1000000);
	(void)state;
	digest_is("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest_is("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	memset(million, 'a', 1000000);
	digest_is(million, 1000000,
		"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	for (size_t n = 0; n < 200; n++) {
		struct sha256 s;
		sha256(million, n, one);
		sha256_init(&s);
		sha256_add(&s, million, n / 3);
		sha256_add(&s, million, n - n / 3);
		sha256_end(&s, two);
		assert_memory_equal(one, two, SHA256_LEN);
	}
}

/* RFC 4648, section 10. */
static void base64_both_ways(void **state)
{
	static const char *const cases[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"}};
	static const char *const bad[] = {
		"Zg=", "Zg", "Z===", "====", "Zm9v=", "Zg==Zg==", "Zh==", "Zm9v!", "Zm9vYmF"};
	struct str out;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str s = base64(a, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(s.p, cases[i][1]);
		assert_true(base64_decode(a, s, &out));
		assert_string_equal(out.p, cases[i][0]);
	}
	assert_true(base64_decode(a, str_c("Zm9v\nYmFy\n"), &out));
	assert_string_equal(out.p, "foobar");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(base64_decode(a, str_c(bad[i]), &out));
}

static void hashes_differ(void **state)
{
	(void)state;
	assert_true(hash64("a", 1) == hash64("a", 1));
	assert_true(hash64("a", 1) != hash64("b", 1));
	assert_true(hash64("", 0) != hash64("\0", 1));
	assert_true(hash64("12345678", 8) != hash64("12345678\0", 9));
}

static struct file_attr attr_of_mode(mode_t m)
{
	return (struct file_attr){m, (uid_t)-1, (gid_t)-1};
}

static size_t entries_starting_with_dot_provision(void)
{
	const char *argv[] = {"find", dir, "-name", ".provision-*", NULL};
	struct proc_result r;
	struct err e = {0};
	assert_true(proc_run(a, &(struct proc){.argv = argv, .uid = (uid_t)-1}, &r, &e));
	return r.out.n;
}

static bool refuse_file(void *ctx, const char *tmp, struct err *e)
{
	struct stat st;
	assert_int_equal(stat(tmp, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	*(int *)ctx += 1;
	return err_set(e, ERR_PERMANENT, "the checker refuses it");
}

static void file_is_replaced_atomically(void **state)
{
	char *path = path_join(a, dir, "file"), *link_path = path_join(a, dir, "link");
	struct err e = {0};
	struct str s;
	struct stat st;
	int called = 0;
	(void)state;
	assert_true(file_replace(path, "one", 3, attr_of_mode(0640), &e));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(symlink(path, link_path), 0);
	assert_true(file_replace(link_path, "two", 3, attr_of_mode(0600), &e));
	assert_int_equal(lstat(link_path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_true(file_read(a, path, 100, &s, &e));
	assert_string_equal(s.p, "one");
	assert_false(file_replace_valid(
		path, str_c("new"), attr_of_mode(0640), refuse_file, &called, &e));
	assert_int_equal(called, 1);
	assert_string_equal(e.msg, "the checker refuses it");
	assert_true(file_read(a, path, 100, &s, &e));
	assert_string_equal(s.p, "one");
	e = (struct err){0};
	assert_false(file_replace(dir, "x", 1, attr_of_mode(0600), &e));
	assert_non_null(strstr(e.msg, "cannot replace"));
	assert_int_equal(entries_starting_with_dot_provision(), 0);
}

static void file_reading_is_bounded(void **state)
{
	char *path = path_join(a, dir, "large"), *fifo = path_join(a, dir, "fifo");
	struct err e = {0};
	struct str s;
	bool found;
	(void)state;
	assert_true(file_replace(path, "0123456789", 10, attr_of_mode(0600), &e));
	assert_true(file_read(a, path, 10, &s, &e));
	assert_false(file_read(a, path, 9, &s, &e));
	assert_non_null(strstr(e.msg, "larger than 9 bytes"));
	e = (struct err){0};
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_false(file_read(a, fifo, 9, &s, &e));
	assert_non_null(strstr(e.msg, "not a regular file"));
	e = (struct err){0};
	assert_true(file_read_opt(a, path_join(a, dir, "none"), 9, &s, &found, &e));
	assert_false(found);
	assert_false(file_read(a, path_join(a, dir, "none"), 9, &s, &e));
	assert_non_null(strstr(e.msg, "No such file"));
	e = (struct err){0};
	assert_true(file_read(a, "/proc/self/status", 65536, &s, &e));
	assert_true(str_starts(s, "Name:"));
}

static void folders_and_paths(void **state)
{
	struct err e = {0};
	struct stat st;
	(void)state;
	char *deep = path_join(a, dir, "a/b/c");
	assert_true(mkdirs(deep, 0755, &e));
	assert_true(mkdirs(deep, 0755, &e));
	assert_int_equal(stat(deep, &st), 0);
	assert_true(file_replace(path_join(a, dir, "a/f"), "", 0, attr_of_mode(0600), &e));
	assert_false(mkdirs(path_join(a, dir, "a/f/g"), 0755, &e));
	assert_string_equal(path_join(a, "/etc", "/x"), "/x");
	assert_string_equal(path_join(a, "/etc/", "x"), "/etc/x");
	assert_string_equal(path_join(a, "", "x"), "x");
	assert_string_equal(path_base("/etc/main.cf"), "main.cf");
	assert_string_equal(path_dir(a, "/etc//main.cf"), "/etc");
	assert_string_equal(path_dir(a, "/etc"), "/");
	assert_string_equal(path_dir(a, "x"), ".");
}

static bool run_proc(struct proc p, struct proc_result *r, struct err *e)
{
	*e = (struct err){0};
	return proc_run(a, &p, r, e);
}

#define SH(script) ((const char *[]){"sh", "-c", (script), NULL})
#define STAY .uid = (uid_t)-1

static void process_results(void **state)
{
	struct proc_result r;
	struct err e;
	(void)state;
	struct proc p = {.argv = SH("echo out; echo err >&2; exit 3"), STAY};
	assert_true(run_proc(p, &r, &e));
	assert_int_equal(r.status, 3);
	assert_string_equal(r.out.p, "out\n");
	assert_string_equal(r.err_out.p, "err\n");
	assert_false(r.timed_out || r.cut);
	assert_true(run_proc((struct proc){.argv = SH("kill -TERM $$"), STAY}, &r, &e));
	assert_int_equal(r.status, 128 + SIGTERM);
	p = (struct proc){.argv = (const char *[]){"cat", NULL}, .input = str_c("given"), STAY};
	assert_true(run_proc(p, &r, &e));
	assert_string_equal(r.out.p, "given");
	assert_true(run_proc((struct proc){.argv = SH("cat; pwd"), .dir = "/usr", STAY}, &r, &e));
	assert_string_equal(r.out.p, "/usr\n");
	assert_false(run_proc(
		(struct proc){.argv = (const char *[]){"no-such-program", NULL}, STAY}, &r, &e));
	assert_non_null(strstr(e.msg, "no-such-program: not found"));
	assert_false(run_proc((struct proc){.argv = SH("true"), .dir = "/none", STAY}, &r, &e));
	assert_string_equal(e.msg, "cannot run /usr/bin/sh in /none: No such file or directory");
}

static void process_environment(void **state)
{
	const char *added[] = {"EXTRA=1", "TERM=vt100", NULL};
	struct proc_result r;
	struct err e;
	int fd = open("/dev/null", O_RDONLY);
	(void)state;
	assert_int_equal(setenv("http_proxy", "http://proxy.test", 1), 0);
	assert_int_equal(setenv("LANGUAGE", "de", 1), 0);
	assert_int_equal(setenv("LC_TIME", "de_DE", 1), 0);
	struct proc p = {.argv = (const char *[]){"env", NULL}, .env = added, STAY};
	assert_true(run_proc(p, &r, &e));
	assert_non_null(strstr(r.out.p, "http_proxy=http://proxy.test\n"));
	assert_null(strstr(r.out.p, "LANGUAGE="));
	assert_null(strstr(r.out.p, "LC_TIME="));
	assert_non_null(strstr(r.out.p, "EXTRA=1\n"));
	assert_non_null(strstr(r.out.p, "TERM=vt100\n"));
	assert_null(strstr(r.out.p, "dumb"));
	assert_non_null(strstr(r.out.p, "LC_ALL=C.UTF-8\n"));
	p.users = true;
	assert_true(run_proc(p, &r, &e));
	assert_non_null(strstr(r.out.p, "LANGUAGE=de\n"));
	assert_non_null(strstr(r.out.p, "LC_TIME=de_DE\n"));
	assert_null(strstr(r.out.p, "LC_ALL=C.UTF-8\n"));
	assert_int_equal(unsetenv("LANGUAGE") | unsetenv("LC_TIME") | unsetenv("http_proxy"), 0);
	assert_int_equal(dup2(fd, 77), 77);
	assert_true(run_proc((struct proc){.argv = SH("ls /proc/self/fd"), STAY}, &r, &e));
	assert_null(strstr(r.out.p, "77"));
	close(77);
	close(fd);
}

static void process_output_is_bounded(void **state)
{
	struct proc_result r;
	struct err e;
	(void)state;
	struct proc p = {.argv = SH("head -c 300000 /dev/zero"), .max_output = 1000, STAY};
	assert_true(run_proc(p, &r, &e));
	assert_int_equal(r.status, 0);
	assert_true(r.cut);
	assert_int_equal(r.out.n, 1000);
}

/* A program that never stops writing, and what it started, end with the time. */
static void process_time_limit(void **state)
{
	struct proc_result r;
	struct err e;
	time_t before = time(NULL);
	(void)state;
	struct proc p = {.argv = SH("sleep 100 & yes"), .timeout_s = 1, .max_output = 10, STAY};
	assert_true(run_proc(p, &r, &e));
	assert_true(r.timed_out);
	assert_int_equal(r.status, 128 + SIGTERM);
	assert_true(time(NULL) - before < 5);
}

/* A daemon that keeps our pipes open keeps nobody waiting. */
static void process_leaves_daemon_behind(void **state)
{
	struct proc_result r;
	struct err e;
	time_t before = time(NULL);
	(void)state;
	assert_true(run_proc((struct proc){.argv = SH("sleep 4 & echo started"), STAY}, &r, &e));
	assert_string_equal(r.out.p, "started\n");
	assert_true(time(NULL) - before < 3);
}

static void count_line(void *ctx, struct str line)
{
	assert_int_equal(line.p[line.n], 0);
	*(int *)ctx += 1;
}

static void process_lines_while_it_runs(void **state)
{
	struct proc_result r;
	struct err e;
	int lines = 0;
	(void)state;
	struct proc p = {
		.argv = SH("echo a; echo b; printf c"), .line = count_line, .ctx = &lines, STAY};
	assert_true(run_proc(p, &r, &e));
	assert_int_equal(lines, 2);
	assert_string_equal(r.out.p, "a\nb\nc");
}

static void process_drops_to_user(void **state)
{
	struct proc_result r;
	struct err e;
	(void)state;
	if (geteuid() != 0)
		skip();
	struct proc p = {.argv = SH("id -u; id -G; echo $HOME"), .uid = 65534};
	assert_true(run_proc(p, &r, &e));
	assert_string_equal(r.out.p, "65534\n65534\n/nonexistent\n");
	p.uid = 54321;
	assert_false(run_proc(p, &r, &e));
	assert_string_equal(e.msg, "cannot run sh: no user has the id 54321");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_compare),
		cmocka_unit_test(nearest_word),
		cmocka_unit_test(utf8_is_checked),
		cmocka_unit_test(buffer_stays_at_its_limit),
		cmocka_unit_test(first_error_is_kept),
		cmocka_unit_test(long_message_is_cut_between_characters),
		cmocka_unit_test(sha256_digests),
		cmocka_unit_test(base64_both_ways),
		cmocka_unit_test(hashes_differ),
		cmocka_unit_test(file_is_replaced_atomically),
		cmocka_unit_test(file_reading_is_bounded),
		cmocka_unit_test(folders_and_paths),
		cmocka_unit_test(process_results),
		cmocka_unit_test(process_environment),
		cmocka_unit_test(process_output_is_bounded),
		cmocka_unit_test(process_time_limit),
		cmocka_unit_test(process_leaves_daemon_behind),
		cmocka_unit_test(process_lines_while_it_runs),
		cmocka_unit_test(process_drops_to_user),
	};
	return cmocka_run_group_tests_name("base", tests, set_up, tear_down);
}
