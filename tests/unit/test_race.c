/* SPDX-License-Identifier: MIT
 *
 * Races of a local user: while root's types work in a folder of his, he swaps it for a link to
 * root's own, 1,000 rounds for each type. Half of the swaps wait for a certain event in the folder
 * (inotify), half come without a pause. What the link leads to must never change.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/place.h"
#include "lang/lang.h"
#include "resource/look.h"

enum { BOB = 61234, ROUNDS = 1000, EVENTS = 12, TEXT_LIMIT = 1 << 20 };

/* home/dir is bob's folder, home/away his link to victim/. */
static char base[] = "/dev/shm/provision-race-XXXXXX";
static int home = -1;

static void must(bool ok, const char *what)
{
	if (!ok)
		fail_msg("%s: %s", what, strerror(errno));
}

/* ---- bob ---- */

static struct shared {
	_Atomic bool over; /* the verb is done */
	_Atomic unsigned swaps;
} * shared;
static int to_bob[2], to_root[2];

static void say(const int *pipe_ends)
{
	if (write(pipe_ends[1], "", 1) != 1)
		_exit(2);
}

static void hear(const int *pipe_ends)
{
	char c;
	if (read(pipe_ends[0], &c, 1) != 1)
		_exit(2);
}

static void swap(void)
{
	if (renameat2(home, "dir", home, "away", RENAME_EXCHANGE) == 0)
		shared->swaps++;
}

static bool is_swapped(void)
{
	struct stat st;
	return fstatat(home, "dir", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

/* Swaps once, at the n-th event. */
static void swap_at_event(int n)
{
	char events[4096];
	int in = inotify_init1(IN_CLOEXEC);
	if (inotify_add_watch(in, "dir", IN_ALL_EVENTS) < 0)
		_exit(3);
	say(to_root);
	while (n > 0 && !shared->over) {
		struct pollfd ready[] = {{in, POLLIN, 0}, {to_bob[0], POLLIN, 0}};
		poll(ready, 2, -1);
		ssize_t got = ready[0].revents ? read(in, events, sizeof(events)) : 0;
		for (char *p = events; p < events + got; n--)
			p += sizeof(struct inotify_event) + ((struct inotify_event *)p)->len;
	}
	if (n <= 0)
		swap();
	close(in);
}

/* With pauses of some microseconds: the kernel walks no path while a folder is renamed. */
static void swap_on_and_on(unsigned n)
{
	say(to_root);
	while (!shared->over) {
		int64_t until = clock_us(CLOCK_MONOTONIC) + (n = n * 29 % 97);
		swap();
		while (!shared->over && clock_us(CLOCK_MONOTONIC) < until)
			;
	}
}

/* Each round begins when he is ready, and ends with his folder in its place again. */
_Noreturn static void be_bob(void)
{
	if (fchdir(home) < 0 || setgid(BOB) < 0 || setuid(BOB) < 0)
		_exit(1);
	close(to_bob[1]);
	for (int round = 1;; round++) {
		hear(to_bob);
		if (round % 2)
			swap_on_and_on((unsigned)round);
		else
			swap_at_event(1 + round / 2 % EVENTS);
		hear(to_bob);
		while (is_swapped())
			renameat2(home, "dir", home, "away", RENAME_EXCHANGE);
		say(to_root);
	}
}

/* ---- what stands in both folders ---- */

static const char *const files[] = {"target", "target.txt", "tree/leaf", "key.pem",
	".provision-abcdef", "x.test.dkim.key", "x.test.dkim.txt"};
static const char ed25519[] = /* the key of 64 zero bytes */
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
	"\n";

static void put_files(int folder, uid_t owner)
{
	must(mkdirat(folder, "tree", 0755) == 0, "tree");
	must(fchownat(folder, "tree", owner, owner, 0) == 0, "tree");
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const char *text = strstr(files[i], "dkim.key") ? ed25519 : "old\n";
		int fd = openat(folder, files[i], O_WRONLY | O_CREAT | O_EXCL, 0644);
		must(fd >= 0 && write_all(fd, text, strlen(text)), files[i]);
		must(fchown(fd, owner, owner) == 0, files[i]);
		close(fd);
	}
}

static bool remove_entry(
	void *ctx, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	(void)ctx;
	return unlinkat(dirfd, name, S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0) == 0 ||
	       err_errno(e, "%s", name);
}

static void refill(const char *dir)
{
	struct tree t = {.visit = remove_entry, .children_first = true};
	struct err e = {0};
	if (!tree_walk(dir, &t, &e))
		fail_msg("%s", e.msg);
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	put_files(fd, BOB);
	must(fchown(fd, BOB, BOB) == 0 && fchmod(fd, 0755) == 0, "dir");
	close(fd);
}

static void note(struct buf *b, const char *name, const struct stat *st)
{
	buf_addf(b, "%s ino %lu mode %o uid %u mtime %ld.%09ld ctime %ld.%09ld\n", name,
		(unsigned long)st->st_ino, st->st_mode, st->st_uid, (long)st->st_mtim.tv_sec,
		st->st_mtim.tv_nsec, (long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

static bool note_entry(void *ctx, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	(void)dirfd;
	(void)e;
	note(ctx, name, st);
	return true;
}

/* Everything about the victim's folder that a change would leave a trace in. */
static const char *snapshot(struct arena *a, const char *victim)
{
	struct buf b;
	struct stat st;
	struct err e = {0};
	struct tree t = {.visit = note_entry, .ctx = &b};
	buf_init(&b, TEXT_LIMIT);
	must(lstat(victim, &st) == 0, victim);
	note(&b, ".", &st);
	if (!tree_walk(victim, &t, &e))
		fail_msg("%s", e.msg);
	const char *text = buf_str(a, &b).p;
	buf_free(&b);
	return text;
}

/* ---- what root does ---- */

typedef void work_fn(struct arena *a, const char *dir, int round);

static void do_mkdirs(struct arena *a, const char *dir, int round)
{
	struct err e = {0};
	(void)round;
	mkdirs(path_join(a, dir, "new/deep"), 0755, &e);
}

static void do_put_back(struct arena *a, const char *dir, int round)
{
	struct err e = {0};
	bool found;
	if (round % 4 < 2)
		copy_as_it_is(a, arena_printf(a, "%s/kept", base), path_join(a, dir, "target"),
			&found, &e);
	else
		copy_as_it_is(a, arena_printf(a, "%s/kept-link", base), path_join(a, dir, "target"),
			&found, &e);
}

static void do_remove(struct arena *a, const char *dir, int round)
{
	struct err e = {0};
	(void)round;
	remove_name(path_join(a, dir, "target"), false, &e);
}

static void do_tidy(struct arena *a, const char *dir, int round)
{
	(void)a;
	(void)round;
	remove_temporaries(dir);
}

static const struct row {
	const char *name, *type, *params; /* $D: bob's folder, $N: the round */
	work_fn *work;
} rows[] = {
	{"copy", "copy",
		"{dest: $D/target, content: \"new $N\\n\", owner: '61234', mode: '0600', "
		"backup: true}",
		NULL},
	{"copy of a remote file", "copy",
		"{src: $D/tree/leaf, dest: $D/copied, remote_src: true, owner: '61234'}", NULL},
	{"copy that follows", "copy",
		"{dest: $D/target, content: \"new $N\\n\", follow: true, owner: '61234'}", NULL},
	{"copy into new folders", "copy",
		"{dest: $D/new/, content: \"x\\n\", _original_basename: n}", NULL},
	{"file: attributes", "file", "{path: $D/target, state: file, owner: '61234', mode: '0604'}",
		NULL},
	{"file: touch", "file", "{path: $D/target, state: touch}", NULL},
	{"file: touch anew", "file", "{path: $D/fresh, state: touch, owner: '61234'}", NULL},
	{"file: directory", "file",
		"{path: $D/made/deep, state: directory, owner: '61234', mode: '0700'}", NULL},
	{"file: recurse", "file",
		"{path: $D/tree, state: directory, recurse: true, owner: '61234', mode: "
		"'u=rwX,go='}",
		NULL},
	{"file: link", "file", "{path: $D/link, state: link, src: /etc/passwd, owner: '61234'}",
		NULL},
	{"file: hard", "file", "{path: $D/second, state: hard, src: $D/target, owner: '61234'}",
		NULL},
	{"file: absent", "file", "{path: $D/target, state: absent}", NULL},
	{"file: absent folder", "file", "{path: $D/tree, state: absent}", NULL},
	{"lineinfile", "lineinfile", "{path: $D/target, line: new $N, owner: '61234'}", NULL},
	{"blockinfile", "blockinfile", "{path: $D/target, block: new $N, owner: '61234'}", NULL},
	{"replace", "replace", "{path: $D/target, regexp: old, replace: new $N}", NULL},
	{"file_set", "file_set", "{path: $D, files: {target: \"n $N\\n\", more: x}}", NULL},
	{"random_secret", "random_secret", "{path: $D/secret, owner: '61234'}", NULL},
	{"maildirs", "maildirs", "{root: $D, mailboxes: [tree/alice], owner: '61234'}", NULL},
	{"mailing_lists", "mailing_lists",
		"{root: $D/tree, hostname: mx.x.test, port: 10028, lists: [{address: l@x.test, "
		"owner: o@x.test, members: [a@x.test]}]}",
		NULL},
	{"dkim_keys", "dkim_keys",
		"{folder: $D, owner: '61234', mode: '0640', keys: [{domain: x.test, selector: "
		"dkim, "
		"algorithm: ed25519}]}",
		NULL},
	{"openssl_privatekey", "openssl_privatekey", "{path: $D/key.pem, state: absent}", NULL},
	{"folders made", NULL, NULL, do_mkdirs},
	{"put back", NULL, NULL, do_put_back},
	{"removed again", NULL, NULL, do_remove},
	{"temporaries", NULL, NULL, do_tidy},
};

static const char *filled(struct arena *a, const char *text, const char *dir, int round)
{
	struct buf b;
	buf_init(&b, TEXT_LIMIT);
	for (const char *p = text; *p; p++) {
		if (*p == '$' && p[1] == 'D')
			buf_adds(&b, dir);
		else if (*p == '$' && p[1] == 'N')
			buf_addf(&b, "%d", round);
		else
			buf_addc(&b, *p);
		p += *p == '$';
	}
	const char *out = buf_str(a, &b).p;
	buf_free(&b);
	return out;
}

static void do_verbs(struct arena *a, const struct row *r, struct value *params)
{
	const struct restype *type = restype_find(str_c(r->type));
	struct host h = {.a = a, .originals = arena_printf(a, "%s/originals", base)};
	struct observation o;
	struct err e = {0};
	observation_init(&h, &o);
	if (type->observe(&h, params, &o, &e))
		type->apply(&h, params, &o, &e); /* an error is as good as a change in his folder */
}

static struct value *params_of(struct arena *a, const struct row *r, const char *dir, int round)
{
	struct errs errs;
	errs_init(&errs, a);
	struct value *v = yaml_parse(a, r->name, str_c(filled(a, r->params, dir, round)), &errs);
	const struct restype *type = restype_find(str_c(r->type));
	struct value *params = v ? fields_check(a, type->fields, v, r->name, &errs) : NULL;
	if (!params || errs.n)
		fail_msg("%s: %s", r->name, errs.n ? errs.v[0].msg : "no parameters");
	return params;
}

static void one_round(const struct row *r, const char *dir, int round)
{
	struct arena *a = arena_new();
	struct value *params = r->type ? params_of(a, r, dir, round) : NULL;
	refill(dir);
	shared->over = false;
	say(to_bob);
	hear(to_root);
	if (round % 4 < 2) /* as the agent does a step */
		folders_hold();
	if (r->type)
		do_verbs(a, r, params);
	else
		r->work(a, dir, round);
	if (round % 4 < 2)
		folders_release();
	shared->over = true;
	say(to_bob);
	hear(to_root);
	arena_free(a);
}

static void test_races(void **state)
{
	struct arena *a = arena_new();
	const char *dir = arena_printf(a, "%s/home/dir", base);
	const char *victim = arena_printf(a, "%s/victim", base);
	size_t failed = 0;
	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *before = snapshot(a, victim);
		int64_t since = now_ms();
		bool same = true;
		shared->swaps = 0;
		for (int n = 0; n < ROUNDS && same; n++)
			same = (one_round(&rows[i], dir, n),
				strcmp(before, snapshot(a, victim)) == 0);
		print_message("%-24s %6u swaps, %5lld ms\n", rows[i].name, shared->swaps,
			(long long)(now_ms() - since));
		if (!same)
			print_error("%s: root changed what bob's link leads to\n", rows[i].name);
		failed += !same;
		assert_true(!same || shared->swaps > ROUNDS / 2);
	}
	arena_free(a);
	assert_int_equal(failed, 0);
}

/* ---- set up ---- */

static pid_t bob;

static int set_up(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	struct arena *a = arena_new();
	umask(022);
	must(mkdtemp(base) && chmod(base, 0755) == 0, "base");
	const char *victim = arena_printf(a, "%s/victim", base);
	const char *at = arena_printf(a, "%s/home", base);
	must(mkdir(victim, 0755) == 0 && mkdir(at, 0755) == 0, "folders");
	must(mkdir(path_join(a, at, "dir"), 0755) == 0, "dir");
	must(symlink("../victim", path_join(a, at, "away")) == 0, "away");
	must(lchown(path_join(a, at, "away"), BOB, BOB) == 0 && chown(at, BOB, BOB) == 0, "owner");
	must(symlink("/etc/hostname", arena_printf(a, "%s/kept-link", base)) == 0, "kept-link");
	int fd = open(arena_printf(a, "%s/kept", base), O_WRONLY | O_CREAT, 0640);
	must(fd >= 0 && write_all(fd, "kept\n", 5) && close(fd) == 0, "kept");
	fd = open(victim, O_RDONLY | O_DIRECTORY);
	put_files(fd, 0);
	close(fd);
	home = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(home >= 0 && shared != MAP_FAILED, "shared");
	must(pipe2(to_bob, O_CLOEXEC) == 0 && pipe2(to_root, O_CLOEXEC) == 0, "pipes");
	bob = fork();
	if (bob == 0)
		be_bob();
	arena_free(a);
	return 0;
}

static int tear_down(void **state)
{
	struct tree t = {.visit = remove_entry, .children_first = true};
	struct err e = {0};
	(void)state;
	if (bob <= 0)
		return 0;
	kill(bob, SIGKILL);
	waitpid(bob, NULL, 0);
	return tree_walk(base, &t, &e) && rmdir(base) == 0 ? 0 : 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_races)};
	return cmocka_run_group_tests_name("race", tests, set_up, tear_down);
}
