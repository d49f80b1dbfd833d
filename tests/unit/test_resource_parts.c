/* SPDX-License-Identifier: MIT
 *
 * What the resource types are made of, piece by piece: the list of types, words, modes, paths,
 * originals, secrets. What a type does as a whole is in test_resource.c's cases.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "host/held.h"
#include "host/path.h"
#include "mailhost/mailing_list.h"
#include "host/regex.h"
#include "resource/resource.h"
#include "host/logs.h"
#include "agent/restype.h"

enum { TEXT_LIMIT = 1 << 20 };

static void must_hold(bool ok, const char *what)
{
	if (!ok)
		fail_msg("%s: %s", what, strerror(errno));
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	must_hold(fd >= 0 && write_all(fd, text, strlen(text)), path);
	close(fd);
}

static void test_find(void **state)
{
	(void)state;
	assert_string_equal(restype_find(str_c("ansible.builtin.copy"))->name, "copy");
	assert_string_equal(restype_find(str_c("ansible.legacy.file"))->name, "file");
	assert_non_null(restype_find(str_c("stat")));
	assert_null(restype_find(str_c("")));
	assert_null(restype_find(str_c("ansible.builtin.")));
	assert_null(restype_find(str_c("flie")));
	assert_null(restype_find(str_c("community.general.copy")));
	assert_null(restype_find(str_c("ansible.builtin.dkim_keys")));
	assert_non_null(restype_find(str_c("community.crypto.x509_certificate")));
	assert_string_equal(restype_nearest(str_c("lineinfiel")), "lineinfile");
	assert_string_equal(restype_nearest(str_c("ansible.builtin.comand")), "command");
}

/* Every row is whole: a key among its fields, verbs. */
static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; restypes[i]; i++) {
		const struct restype *t = restypes[i];
		assert_non_null(t->doc);
		assert_true(!t->key || field_find(t->fields, str_c(t->key)));
		assert_true(t->lowers_to || t->observe);
		assert_true(t->lowers_to || t->probe || t->apply);
		assert_ptr_equal(restype_find(str_c(t->name)), t);
		for (const struct field *f = t->fields; f->name; f++)
			assert_non_null(f->doc);
	}
}

static void test_words(void **state)
{
	static const struct {
		const char *line;
		const char *words; /* joined by '|'; NULL: an error */
	} cases[] = {
		{"", ""},
		{"  \t\n ", ""},
		{"a b  c", "a|b|c"},
		{"a 'b c' \"d e\"", "a|b c|d e"},
		{"''", ""},
		{"a '' b", "a||b"},
		{"a\\ b c", "a b|c"},
		{"a'b'\"c\"d", "abcd"},
		{"\"a\\\"b\" '\\'", "a\"b|\\"},
		{"\"\\$x \\y\"", "$x \\y"},
		{"a\\\nb", "ab"},
		{"a \\\n b", "a|b"},
		{"$HOME `x` *", "$HOME|`x`|*"},
		{"# no comment", "#|no|comment"},
		{"a 'b", NULL},
		{"a \"b", NULL},
		{"a \\", NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new();
		const char **argv;
		struct err e = {0};
		bool ok = split_words(a, str_c(cases[i].line), &argv, &e);
		assert_int_equal(ok, cases[i].words != NULL);
		const char *joined = "";
		for (size_t j = 0; ok && argv[j]; j++)
			joined = arena_printf(a, "%s%s%s", joined, j ? "|" : "", argv[j]);
		if (ok)
			assert_string_equal(joined, cases[i].words);
		arena_free(a);
	}
}

static void test_modes(void **state)
{
	static const struct {
		const char *text;
		mode_t now, out;
		bool dir, bad;
	} cases[] = {
		{"0644", 0, 0644, false, false},
		{"4755", 0, 04755, false, false},
		{"u=rw,g=r,o=", 0777, 0640, false, false},
		{"u=rwX,g=rX,o=", 0644, 0640, false, false},
		{"u=rwX,g=rX,o=", 0755, 0750, false, false},
		{"u=rwX,g=rX,o=", 0600, 0750, true, false},
		{"g-w", 0664, 0644, false, false},
		{"a+x", 0644, 0755, false, false},
		{"+w", 0444, 0644, false, false},
		{"u+s,g+s,+t", 0755, 07755, true, false},
		{"g=u", 0640, 0660, false, false},
		{"u=rw,go=", 0777, 0600, false, false},
		{"go-rwx", 0777, 0700, false, false},
		{"", 0644, 0, false, true},
		{"rw", 0644, 0, false, true},
		{"u=z", 0644, 0, false, true},
		{"0999", 0644, 0, false, true},
		{"77777", 0644, 0, false, true},
		{"u=rw,", 0644, 0, false, true},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		mode_t out;
		bool ok = mode_parse(cases[i].text, cases[i].now, cases[i].dir, &out);
		assert_int_equal(ok, !cases[i].bad);
		if (ok)
			assert_int_equal(out, cases[i].out);
	}
}

static void test_paths(void **state)
{
	struct arena *a = arena_new();
	(void)state;
	assert_string_equal(clean_path(a, "/a//b/./c/"), "/a/b/c");
	assert_string_equal(clean_path(a, "/"), "/");
	assert_string_equal(clean_path(a, "a/"), "a");
	assert_true(path_is_root("/"));
	assert_true(path_is_root("//."));
	assert_true(path_is_root("/etc/.."));
	assert_true(path_is_root("/../x/../"));
	assert_false(path_is_root("/etc"));
	arena_free(a);
}

/* The first original of a run is kept, whole; a second write keeps the first one's. */
static void test_originals(void **state)
{
	char dir[] = "/tmp/provision-test-XXXXXX";
	struct arena *a = arena_new();
	struct err e = {0};
	struct str kept;
	struct stat st;
	(void)state;
	must_hold(mkdtemp(dir) != NULL, "temporary folder");
	const char *path = path_join(a, dir, "x%y");
	struct host h = {.a = a, .originals = path_join(a, dir, "kept")};
	write_text(path, "one");
	must_hold(chmod(path, 0640) == 0, path);
	assert_true(write_file(&h, path, str_c("two"), value_map(a), 0600, &e));
	assert_true(write_file(&h, path, str_c("three"), value_map(a), 0600, &e));
	/* "/" is written %2F there, "%" %25 */
	const char *name = arena_printf(a, "%%2Ftmp%%2F%s%%2Fx%%25y", path_base(dir));
	const char *original = path_join(a, h.originals, name);
	assert_true(file_read(a, original, 100, &kept, &e));
	assert_string_equal(kept.p, "one");
	assert_int_equal(stat(original, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	struct value *refusing = value_map(a);
	struct observation o;
	map_put(a, refusing, "validate", value_text(a, "false %s"));
	observation_init(&h, &o);
	observe_content(&h, &o, NULL, str_c("bad"), false);
	assert_false(apply_content(&h, path, refusing, &o, &e));
	assert_true(file_read(a, path, 100, &kept, &(struct err){0}));
	assert_string_equal(kept.p, "three");
	must_hold(unlink(path) == 0 && unlink(original) == 0 && rmdir(h.originals) == 0 &&
			  rmdir(dir) == 0,
		"removing what the test made");
	arena_free(a);
}

/* Two steps of one second each keep what they replaced. */
static void test_backups(void **state)
{
	static const char *const texts[] = {"one", "two", "three"};
	char dir[] = "/tmp/provision-test-XXXXXX";
	const char *kept[ARRAY_LEN(texts)];
	struct arena *a = arena_new();
	struct host h = {.a = a};
	struct observation o;
	struct err e = {0};
	struct str text;
	(void)state;
	must_hold(mkdtemp(dir) != NULL, "temporary folder");
	const char *path = path_join(a, dir, "x");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		write_text(path, texts[i]);
		observation_init(&h, &o);
		assert_true(write_backup(&h, path, &o, &e));
		kept[i] = map_cstr(o.result, "backup_file", "");
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_true(file_read(a, kept[i], 100, &text, &e));
		assert_string_equal(text.p, texts[i]);
		must_hold(unlink(kept[i]) == 0, kept[i]);
	}
	must_hold(unlink(path) == 0 && rmdir(dir) == 0, "removing what the test made");
	arena_free(a);
}

/* A secret content never shows, neither what comes nor what was there. */
static void test_secrets(void **state)
{
	struct arena *a = arena_new();
	struct host h = {.a = a};
	struct observation o;
	(void)state;
	observation_init(&h, &o);
	struct str before = str_c("old-secret");
	observe_content(&h, &o, &before, str_c("new-secret"), true);
	struct buf b;
	buf_init(&b, TEXT_LIMIT);
	value_encode(&b, o.changes, 0);
	assert_null(memmem(b.p, b.n, "old-secret", 10));
	assert_null(memmem(b.p, b.n, "new-secret", 10));
	assert_true(value_has_secret(o.changes));
	buf_free(&b);
	arena_free(a);
}

/* Python's patterns: what they find in a line, and where. */
static const struct {
	const char *pattern, *text;
	unsigned flags;
	const char *found; /* "from-to from-to..." of the groups; NULL: no match; "!":
			      refused */
} pattern_cases[] = {
	{"b+", "abbc\n", 0, "1-3"},
	{"^a(.*)$", "abc\n", PATTERN_SPANS, "0-3 1-3"},
	{"c\\s*$", "abc\n", PATTERN_SPANS, "2-4"},
	{"^$", "\n", PATTERN_SPANS, "0-0"},
	{"(?:a|b)(c)", "abc", PATTERN_SPANS, "1-3 2-3"},
	{"(x)?b", "abc", PATTERN_SPANS, "1-2 -1--1"},
	{"[]^-]+", "a-^]b", 0, "1-4"},
	{"[^]]", "]]x", 0, "2-3"},
	{"[\\w.-]+@", "<a.b-c_d@e>", 0, "1-9"},
	{"\\.\\*\\/", "x.*/", 0, "1-4"},
	{"\\x41\\t", "A\t", 0, "0-2"},
	{"\\bcat\\b", "concat cat", 0, "7-10"},
	{"a{", "a{2", 0, "0-2"},
	{"a{2}", "aa", 0, "0-2"},
	{"a{,2}b", "aaab", 0, "1-4"},
	{"x", "abc", 0, NULL},
	{"\\D+\\S", "12ab 3", 0, "2-6"},
	{"(?i)ABC", "xabc", 0, "1-4"},
	{"^b$", "a\nb\nc", PATTERN_LINES, "2-3"},
	{"a.b", "a\nb", 0, NULL},
	{"a.b", "a\nb", PATTERN_DOTALL, "0-3"},
	{"a.b", "a\nb", PATTERN_DOTALL | PATTERN_LINES, "0-3"},
	{"a[^x]b", "a\nb", PATTERN_LINES, "0-3"},
	{"(?=a)", "", 0, "!"},
	{"(?<!a)b", "", 0, "!"},
	{"(a)\\1", "", 0, "!"},
	{"a*?", "", PATTERN_SPANS, "!"},
	{"a++", "", 0, "!"},
	{"a**", "", 0, "!"},
	{"*a", "", 0, "!"},
	{"(a", "", 0, "!"},
	{"a)", "", 0, "!"},
	{"[a", "", 0, "!"},
	{"[z-a]", "", 0, "!"},
	{"a\\", "", 0, "!"},
	{"a{3,2}", "", 0, "!"},
	{"a{300}", "", 0, "!"},
	{"((a?){60}){60}", "", 0, "!"},
	{"\\p{L}", "", 0, "!"},
	{"[\xc3\xa9]", "", 0, "!"},
};

static void test_patterns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pattern_cases); i++) {
		struct arena *a = arena_new();
		struct err e = {0};
		struct span s[PATTERN_GROUPS];
		const char *want = pattern_cases[i].found, *got = NULL;
		struct pattern *p = pattern_compile(
			a, str_c(pattern_cases[i].pattern), pattern_cases[i].flags, &e);
		if (!p)
			got = e.kind == ERR_CONFIG ? "!" : "another error";
		else if (pattern_search(p, pattern_cases[i].text, false, s))
			got = arena_printf(a, "%zd-%zd", s[0].from, s[0].to);
		if (got && want && p && strchr(want, ' '))
			got = arena_printf(a, "%s %zd-%zd", got, s[1].from, s[1].to);
		if (!got != !want || (got && strcmp(got, want) != 0))
			fail_msg("%s in %s: %s", pattern_cases[i].pattern, pattern_cases[i].text,
				got ? got : "nothing");
		pattern_free(p);
		arena_free(a);
	}
}

/* ---- the lock of a mailing list ---- */
/* A process that has locked the file before this returns, and keeps it. */
static pid_t lock_holder(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), ready[2];
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	pid_t pid;
	char c;
	must_hold(fd >= 0 && pipe(ready) == 0, path);
	pid = fork();
	must_hold(pid >= 0, "fork");
	if (pid == 0) {
		if (fcntl(fd, F_SETLK, &lock) == 0 && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	must_hold(read(ready[0], &c, 1) == 1, "the lock");
	close(fd);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

/* An engine that never lets go of a list ends the run, not the patience. */
static void test_list_lock(void **state)
{
	struct arena *a = arena_new();
	char root[] = "/tmp/provision-list-XXXXXX";
	struct mlist l = {.a = a, .address = "l@x.test", .name = "l", .domain = "x.test"};
	struct mlist_owner who = {(uid_t)-1, (gid_t)-1};
	struct value *add = value_map(a);
	struct err e = {0};
	time_t begun = time(NULL);
	const char *file;
	pid_t holder;
	int home;
	(void)state;
	must_hold(mkdtemp(root) != NULL, root);
	file = path_join(a, root, "l");
	write_text(file, "b@x.test\n");
	holder = lock_holder(file);
	home = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	map_set(a, add, str_c("c@x.test"), value_null(a));
	assert_false(mlist_subscribe(&mlist_majordomo, &l, home, add, &who, &e));
	assert_int_equal(e.kind, ERR_TRANSIENT);
	assert_non_null(strstr(e.msg, "has kept its file l locked"));
	assert_true(time(NULL) - begun < 15);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	assert_true(mlist_subscribe(&mlist_majordomo, &l, home, add, &who, &e));
	must_hold(unlink(file) == 0 && rmdir(root) == 0, root);
	close(home);
	arena_free(a);
}

static bool are_held(struct arena *a, const char *file, const char *names)
{
	struct args held = {0};
	struct err e = {0};
	struct buf b;
	assert_true(held_read(a, file, &held, &e));
	buf_init(&b, 4096);
	for (size_t i = 0; i < held.n; i++)
		buf_addf(&b, "%s ", held.v[i]);
	bool same = str_is(buf_str(a, &b), names);
	buf_free(&b);
	return same;
}

static void test_held_units(void **state)
{
	char dir[] = "/tmp/provision-test-XXXXXX";
	struct arena *a = arena_new();
	struct args before = {0}, after = {0};
	struct err e = {0};
	(void)state;
	assert_non_null(mkdtemp(dir));
	const char *file = path_join(a, dir, "held");
	assert_true(are_held(a, file, ""));
	args_add(a, &before, "ssh.service");
	args_add(a, &after, "ssh.service");
	assert_true(held_add_new(a, file, &before, &after, &e));
	assert_true(are_held(a, file, ""));
	args_add(a, &after, "exim4-base.timer");
	args_add(a, &after, "dovecot.service");
	assert_true(held_add_new(a, file, &before, &after, &e));
	assert_true(held_add_new(a, file, &before, &after, &e)); /* each once */
	assert_true(are_held(a, file, "exim4-base.timer dovecot.service "));
	/* the policy's script adds names as it is given them; what is none is passed over */
	write_text(file, "a\n../b\na\n--now\n\nc.timer");
	assert_true(are_held(a, file, "a c.timer "));
	assert_true(held_forget(file, &e) && held_forget(file, &e));
	assert_int_equal(rmdir(dir), 0);
	arena_free(a);
}

/* What tells of trouble, whole lines, the last ones first taken; not what stands around it. */
static void test_words_of_a_log(void **state)
{
	static const char before[] = "2026-01-01 error of long ago\n";
	char file[] = "/tmp/test_log.XXXXXX";
	struct arena *a = arena_new();
	struct host h = {.a = a};
	struct buf b;
	(void)state;
	must_hold(close(mkstemp(file)) == 0, file);
	buf_init(&b, 1 << 16);
	buf_adds(&b, before);
	buf_adds(&b, "Reloading dovecot\nFailed at step NAMESPACE spawning doveadm\n");
	for (int i = 0; i < 100; i++)
		buf_addf(&b, "imap-login: Disconnected: auth was ready, waited %d secs\n", i);
	buf_adds(&b, "Control process exited, code=exited, status=226/NAMESPACE\n"
		     "Reload failed for dovecot\n");
	write_text(file, buf_str(a, &b).p);
	struct unit_log log = {.file = file, .at = (int64_t)strlen(before), .stamp = ""};
	assert_string_equal(unit_log_words(&h, &log, NULL, 480),
		"Failed at step NAMESPACE spawning doveadm; Reload failed for dovecot");
	assert_string_equal(unit_log_words(&h, &log, NULL, 30), "Reload failed for dovecot");
	assert_string_equal(unit_log_words(&h, &log, "^Control", 30),
		"Control process exited, code=exited, status=226/NAMESPACE");
	assert_null(unit_log_words(&h, &log, "^nothing", 480));
	buf_free(&b);
	unlink(file);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_held_units),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_words_of_a_log),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_originals),
		cmocka_unit_test(test_backups),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_list_lock),
	};
	return cmocka_run_group_tests_name("resource parts", tests, NULL, NULL);
}
