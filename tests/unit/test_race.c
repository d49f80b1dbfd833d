/* SPDX-License-Identifier: MIT
 *
 * Races of a local user: while root's types work in a folder of his, he swaps it for a link to
 * root's own, 1,000 rounds for each type; where a program is called that takes minutes, so these
 * have 100 but in make test-all. Half of the swaps wait for a certain event in the folder
 * (inotify), half come without a pause. What the link leads to must never change, and none of it
 * may come into his folder. One row alone: test_race 'NAME'.
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
#include "jinja/jinja.h"
#include "host/x509.h"
#include "race_programs.h"
#include "race_rows.h"
#include "yaml/yaml.h"
#include "agent/restype.h"

enum { BOB = 61234, ROUNDS = 1000, PROGRAM_ROUNDS = 100, EVENTS = 12, TEXT_LIMIT = 1 << 20 };

/* race_base/home/dir is bob's folder, home/away his link to race_base/victim. */
static int home = -1;

/* ---- bob ---- */

static struct shared {
	_Atomic bool over; /* the verb is done */
	_Atomic unsigned swaps;
} * shared;
static int to_bob[2], to_root[2];

static void send_signal(const int *pipe_ends)
{
	if (write(pipe_ends[1], "", 1) != 1)
		_exit(2);
}

static void await_signal(const int *pipe_ends)
{
	char c;
	if (read(pipe_ends[0], &c, 1) != 1)
		_exit(2);
}

static void swap_places(void)
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
	send_signal(to_root);
	while (n > 0 && !shared->over) {
		struct pollfd ready[] = {{in, POLLIN, 0}, {to_bob[0], POLLIN, 0}};
		poll(ready, 2, -1);
		ssize_t got = ready[0].revents ? read(in, events, sizeof(events)) : 0;
		for (char *p = events; p < events + got; n--)
			p += sizeof(struct inotify_event) + ((struct inotify_event *)p)->len;
	}
	if (n <= 0)
		swap_places();
	close(in);
}

/* With pauses of some microseconds: the kernel walks no path while a folder is renamed. */
static void swap_on_and_on(unsigned n)
{
	send_signal(to_root);
	while (!shared->over) {
		int64_t until = clock_us(CLOCK_MONOTONIC) + (n = n * 29 % 97);
		swap_places();
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
		await_signal(to_bob);
		if (round % 2)
			swap_on_and_on((unsigned)round);
		else
			swap_at_event(1 + round / 2 % EVENTS);
		await_signal(to_bob);
		while (is_swapped())
			renameat2(home, "dir", home, "away", RENAME_EXCHANGE);
		send_signal(to_root);
	}
}

/* ---- what stands in both folders ---- */

static const char *const files[] = {"target", "target.txt", "tree/leaf", "key.pem",
	".provision-abcdef", "x.test.dkim.key", "x.test.dkim.txt", "x.sieve", "tree/l",
	"tree/l.config", "tree/l.declared"};
static const char ed25519[] = /* the key of 64 zero bytes */
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
	"\n";

#define ROOTS "root's own\n"

static struct str text_of(const char *name, uid_t owner)
{
	if (strcmp(name, "key.pem") == 0)
		return race_keys[!owner];
	if (strstr(name, "dkim.key"))
		return str_c(ed25519);
	return str_c(owner ? "old\n" : "old\n" ROOTS);
}

static void put_files(int folder, uid_t owner)
{
	race_must(mkdirat(folder, "tree", 0755) == 0, "tree");
	race_must(fchownat(folder, "tree", owner, owner, 0) == 0, "tree");
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct str text = text_of(files[i], owner);
		int fd = openat(folder, files[i], O_WRONLY | O_CREAT | O_EXCL, 0644);
		race_must(fd >= 0 && write_all(fd, text.p, text.n), files[i]);
		race_must(fchown(fd, owner, owner) == 0, files[i]);
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

static void refill_folder(const char *dir)
{
	struct tree t = {.visit = remove_entry, .children_first = true};
	struct err e = {0};
	if (!tree_walk(dir, &t, &e))
		fail_msg("%s", e.msg);
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	put_files(fd, BOB);
	race_must(fchown(fd, BOB, BOB) == 0 && fchmod(fd, 0755) == 0, "dir");
	close(fd);
}

static void describe_entry(struct buf *b, const char *name, const struct stat *st)
{
	buf_addf(b, "%s ino %lu mode %o uid %u mtime %ld.%09ld ctime %ld.%09ld\n", name,
		(unsigned long)st->st_ino, st->st_mode, st->st_uid, (long)st->st_mtim.tv_sec,
		st->st_mtim.tv_nsec, (long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

static bool note_entry(void *ctx, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	(void)dirfd;
	(void)e;
	describe_entry(ctx, name, st);
	return true;
}

/* Everything about the victim's folder that a change would leave a trace in. */
static const char *take_snapshot(struct arena *a, const char *victim)
{
	struct buf b;
	struct stat st;
	struct err e = {0};
	struct tree t = {.visit = note_entry, .ctx = &b};
	buf_init(&b, TEXT_LIMIT);
	race_must(lstat(victim, &st) == 0, victim);
	describe_entry(&b, ".", &st);
	if (!tree_walk(victim, &t, &e))
		fail_msg("%s", e.msg);
	const char *text = buf_str(a, &b).p;
	buf_free(&b);
	return text;
}

/* Is it root's own text, or a certificate of root's key? */
static bool is_roots(struct arena *a, struct str text)
{
	struct cert_info c;
	struct key_info k;
	if (strstr(text.p, ROOTS))
		return true;
	return key_read(a, race_keys[1], &k) && cert_read(a, text, &c) && str_eq(c.key.id, k.id);
}

static bool look_for_roots(
	void *ctx, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	struct arena *a = arena_new();
	const char *path = arena_printf(a, "/proc/self/fd/%d/%s", dirfd, name);
	struct str text;
	(void)ctx;
	bool ok = !S_ISREG(st->st_mode) ||
		  (file_read(a, path, TEXT_LIMIT, &text, e) &&
			  (!is_roots(a, text) || err_set(e, ERR_PERMANENT, "%s", name)));
	arena_free(a);
	return ok;
}

/* In his folder, when it is in its place again. */
static bool has_roots(const char *dir)
{
	struct tree t = {.visit = look_for_roots};
	struct err e = {0};
	return !tree_walk(dir, &t, &e);
}

/* ---- what root does ---- */

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
		copy_as_it_is(a, arena_printf(a, "%s/kept", race_base), path_join(a, dir, "target"),
			&found, &e);
	else
		copy_as_it_is(a, arena_printf(a, "%s/kept-link", race_base),
			path_join(a, dir, "target"), &found, &e);
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

static const struct {
	const char *name;
	void (*work)(struct arena *a, const char *dir, int round);
} deeds[] = {
	{"folders made", do_mkdirs},
	{"put back", do_put_back},
	{"removed again", do_remove},
	{"temporaries", do_tidy},
};

/* As it stands between quotes in YAML. */
static void add_quoted(struct buf *b, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\n')
			buf_adds(b, "\\n");
		else
			buf_addc(b, text.p[i]);
	}
}

static const char *fill_text(struct arena *a, const char *text, const char *dir, int round)
{
	struct buf b;
	buf_init(&b, TEXT_LIMIT);
	for (const char *p = text; *p; p++) {
		if (*p == '$' && p[1] == 'D')
			buf_adds(&b, dir);
		else if (*p == '$' && p[1] == 'N')
			buf_addf(&b, "%d", round);
		else if (*p == '$' && p[1] == 'K')
			add_quoted(&b, race_pair);
		else
			buf_addc(&b, *p);
		p += *p == '$';
	}
	const char *out = buf_str(a, &b).p;
	buf_free(&b);
	return out;
}

static size_t done; /* rounds of a row in which its change was made */

static void do_verbs(struct arena *a, const struct race_row *r, struct value *params)
{
	const struct restype *type = restype_find(str_c(r->type));
	struct host h = {.a = a, .originals = arena_printf(a, "%s/originals", race_base)};
	struct observation o;
	struct err e = {0};
	observation_init(&h, &o);
	/* an error is as good as a change in his folder */
	done += type->observe(&h, params, &o, &e) && o.changes->list.n &&
		type->apply(&h, params, &o, &e);
}

static struct value *params_of(
	struct arena *a, const struct race_row *r, const char *dir, int round)
{
	struct errs errs;
	errs_init(&errs, a);
	struct value *v = yaml_parse(a, r->name, str_c(fill_text(a, r->params, dir, round)), &errs);
	const struct restype *type = restype_find(str_c(r->type));
	struct value *params = v ? fields_check(a, type->fields, v, r->name, &errs) : NULL;
	if (!params || errs.n)
		fail_msg("%s: %s", r->name, errs.n ? errs.v[0].msg : "no parameters");
	return params;
}

/* Row i of the types, and then of the deeds. */
static void one_round(size_t i, const char *dir, int round)
{
	struct arena *a = arena_new();
	const struct race_row *r = i < ARRAY_LEN(race_types) ? &race_types[i] : NULL;
	struct value *params = r ? params_of(a, r, dir, round) : NULL;
	refill_folder(dir);
	shared->over = false;
	send_signal(to_bob);
	await_signal(to_root);
	if (round % 4 < 2) /* as the agent does a step */
		folders_hold();
	if (r)
		do_verbs(a, r, params);
	else
		deeds[i - ARRAY_LEN(race_types)].work(a, dir, round);
	if (round % 4 < 2)
		folders_release();
	shared->over = true;
	send_signal(to_bob);
	await_signal(to_root);
	arena_free(a);
}

static bool is_refused(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(race_refused); i++)
		if (strcmp(race_refused[i], name) == 0)
			return true;
	return false;
}

static int rounds_of(const char *program)
{
	const char *all = getenv("PROVISION_TEST_ALL");
	return program && (!all || !all[0] || strcmp(all, "0") == 0) ? PROGRAM_ROUNDS : ROUNDS;
}

static void test_race(void **state)
{
	size_t i = *(size_t *)*state;
	const char *program = i < ARRAY_LEN(race_types) ? race_types[i].program : NULL;
	int rounds = rounds_of(program);
	if (geteuid() != 0 || (program && !race_has(program)))
		skip();
	struct arena *a = arena_new();
	const char *dir = arena_printf(a, "%s/home/dir", race_base);
	const char *victim = arena_printf(a, "%s/victim", race_base);
	const char *before = take_snapshot(a, victim);
	bool same = true, told = false;
	shared->swaps = 0;
	done = 0;
	for (int n = 0; n < rounds && same && !told; n++) {
		one_round(i, dir, n);
		same = strcmp(before, take_snapshot(a, victim)) == 0;
		told = has_roots(dir);
	}
	arena_free(a);
	if (!same)
		fail_msg("root changed what bob's link leads to");
	if (told)
		fail_msg("bob got what his link leads to");
	assert_true(shared->swaps > (unsigned)rounds / 2);
	if (i < ARRAY_LEN(race_types))
		assert_int_equal(done == 0, is_refused(race_types[i].name));
}

static void every_type_is_raced_or_cannot_be(void **state)
{
	(void)state;
	for (size_t i = 0; restypes[i]; i++) {
		size_t raced = 0, not = 0;
		for (size_t k = 0; k < ARRAY_LEN(race_types); k++)
			raced += strcmp(race_types[k].type, restypes[i]->name) == 0;
		for (size_t k = 0; k < ARRAY_LEN(race_not); k++)
			not += strcmp(race_not[k].type, restypes[i]->name) == 0;
		if (!raced == !not )
			fail_msg("%s has to have a row in race_rows.h, or a reason there why it "
				 "needs none",
				restypes[i]->name);
	}
}

/* ---- set up ---- */

static pid_t bob;

static struct arena *whole;

static int set_up(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	struct arena *a = whole = arena_new();
	umask(022);
	race_must(mkdtemp(race_base) && chmod(race_base, 0755) == 0, "base");
	const char *victim = arena_printf(a, "%s/victim", race_base);
	const char *at = arena_printf(a, "%s/home", race_base);
	race_must(mkdir(victim, 0755) == 0 && mkdir(at, 0755) == 0, "folders");
	race_must(mkdir(path_join(a, at, "dir"), 0755) == 0, "dir");
	race_must(symlink("../victim", path_join(a, at, "away")) == 0, "away");
	race_must(lchown(path_join(a, at, "away"), BOB, BOB) == 0 && chown(at, BOB, BOB) == 0,
		"owner");
	race_must(symlink("/etc/hostname", arena_printf(a, "%s/kept-link", race_base)) == 0,
		"kept-link");
	race_put_file(arena_printf(a, "%s/kept", race_base), str_c("kept\n"), 0640);
	race_make_keys(a);
	race_stand_in(a);
	int fd = open(victim, O_RDONLY | O_DIRECTORY);
	put_files(fd, 0);
	close(fd);
	home = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	race_must(home >= 0 && shared != MAP_FAILED, "shared");
	race_must(pipe2(to_bob, O_CLOEXEC) == 0 && pipe2(to_root, O_CLOEXEC) == 0, "pipes");
	bob = fork();
	if (bob == 0)
		be_bob();
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
	arena_free(whole);
	return tree_walk(race_base, &t, &e) && rmdir(race_base) == 0 ? 0 : 1;
}

int main(void)
{
	enum { ROWS = ARRAY_LEN(race_types) + ARRAY_LEN(deeds) };
	struct CMUnitTest tests[ROWS + 1] = {cmocka_unit_test(every_type_is_raced_or_cannot_be)};
	size_t number[ROWS];
	for (size_t i = 0; i < ROWS; i++) {
		bool type = i < ARRAY_LEN(race_types);
		number[i] = i;
		tests[i + 1] = (struct CMUnitTest){
			.name = type ? race_types[i].name : deeds[i - ARRAY_LEN(race_types)].name,
			.test_func = test_race,
			.initial_state = &number[i]};
	}
	return cmocka_run_group_tests_name("race", tests, set_up, tear_down);
}
