/* SPDX-License-Identifier: MIT
 *
 * Places: which paths lead somewhere, through which links; what is made and what is left alone;
 * and the temporaries beside a place.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/place.h"

enum { OTHER = 65534 };

static char top[] = "/tmp/provision-place-XXXXXX";
static struct arena *a;

static const char *in_top(const char *name)
{
	return path_join(a, top, name);
}

static void link_of(uid_t owner, const char *name, const char *target)
{
	assert_int_equal(symlink(target, in_top(name)), 0);
	assert_int_equal(lchown(in_top(name), owner, (gid_t)-1), 0);
}

static int set_up(void **state)
{
	struct err e = {0};
	struct file_attr attr = {0644, (uid_t)-1, (gid_t)-1};
	(void)state;
	a = arena_new();
	if (!mkdtemp(top) || !mkdirs(in_top("real/deep"), 0755, &e) ||
		!file_replace(in_top("real/file"), "x", 1, attr, &e))
		return 1;
	link_of(geteuid(), "ours", "real");
	link_of(geteuid(), "absolute", in_top("real"));
	link_of(geteuid(), "round", "round");
	link_of(geteuid(), "nowhere", "not/there");
	link_of(geteuid(), "real/up", "../ours/deep");
	if (geteuid() == 0) {
		link_of(OTHER, "others", "real");
		link_of(geteuid(), "through", "others/deep");
	}
	return 0;
}

static bool remove_entry(void *name)
{
	return unlink(in_top(name)) == 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"real/file", "real/up", "ours", "absolute", "round",
		"nowhere", "others", "through"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		remove_entry((void *)(uintptr_t)names[i]);
	rmdir(in_top("real/deep"));
	rmdir(in_top("real"));
	int rc = rmdir(top);
	arena_free(a);
	return rc;
}

/* ---- walks ---- */

static void test_walks(void **state)
{
	static const struct {
		const char *path, *leads_to; /* a folder; NULL: nothing is there */
		const char *error;
		bool root; /* only root can set it up */
	} rows[] = {
		{"real/deep/x", "real/deep", NULL, false},
		{"real//./deep///x", "real/deep", NULL, false},
		{"real/deep/../x", "real", NULL, false},
		{"real/deep/", "real", NULL, false},
		{"ours/deep/x", "real/deep", NULL, false},
		{"absolute/x", "real", NULL, false},
		{"ours/up/x", "real/deep", NULL, false},
		{"real/up/../x", "real", NULL, false},
		{"ours", ".", NULL, false}, /* the name itself is not followed */
		{"real/none/x", NULL, NULL, false},
		{"ours/none/x", NULL, NULL, false},
		{"real/file/x", NULL, NULL, false},
		{"ours/file/x", NULL, NULL, false},
		{"nowhere/x", NULL, NULL, false},
		{"round/x", NULL, "more than 40 symbolic links", false},
		{"others/x", NULL, "others is a symbolic link of user 65534", true},
		{"through/x", NULL, "others is a symbolic link of user 65534", true},
		{"others", ".", NULL, true},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct place p;
		struct err e = {0};
		struct stat want, got;
		bool there;
		if (rows[i].root && geteuid() != 0)
			continue;
		bool ok = place_find(in_top(rows[i].path), &p, &there, &e);
		if (ok != !rows[i].error || (!ok && !strstr(e.msg, rows[i].error)))
			fail_msg("%s: %s", rows[i].path, e.msg);
		if (there != (rows[i].leads_to != NULL))
			fail_msg("%s: %sthere", rows[i].path, there ? "" : "not ");
		if (there) {
			assert_int_equal(stat(in_top(rows[i].leads_to), &want), 0);
			assert_int_equal(fstat(p.dir, &got), 0);
			if (want.st_ino != got.st_ino)
				fail_msg("%s leads elsewhere", rows[i].path);
		}
		place_close(&p);
	}
}

/* The folder of the test lies in /tmp, which everybody can write to, but is sticky. */
static void test_guarded(void **state)
{
	static const struct {
		const char *path;
		mode_t mode; /* of real/ */
		uid_t owner;
		bool guarded;
	} rows[] = {
		{"real/deep", 0755, 0, true},
		{"real", 0755, 0, true},
		{"ours/deep", 0755, 0, true},
		{"real/up", 0755, 0, true},
		{"real/none/deeper", 0755, 0, true},
		{"real/deep", 0775, 0, false},
		{"real/deep", 0757, 0, false},
		{"real/deep", 01777, 0, true},
		{"real", 01777, 0, false},
		{"real/none", 01777, 0, false},
		{"ours/deep", 0757, 0, false},
		{"real/up", 0757, 0, false},
		{"real/deep", 0755, OTHER, false},
		{"real", 0755, OTHER, false},
		{"real/none", 0755, OTHER, false},
		{"real/file/x", 0755, 0, false},
		{"others/deep", 0755, 0, false},
	};
	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {0};
		assert_int_equal(chown(in_top("real"), rows[i].owner, (gid_t)-1), 0);
		assert_int_equal(chmod(in_top("real"), rows[i].mode), 0);
		bool guarded = folder_is_guarded(in_top(rows[i].path), &e);
		assert_int_equal(chown(in_top("real"), 0, (gid_t)-1), 0);
		assert_int_equal(chmod(in_top("real"), 0755), 0);
		if (guarded != rows[i].guarded || guarded != !e.kind)
			fail_msg("%s, %04o of %u: %s", rows[i].path, (unsigned)rows[i].mode,
				(unsigned)rows[i].owner, e.msg);
	}
}

static void test_bad_paths(void **state)
{
	struct place p;
	struct err e = {0};
	bool there;
	char *name = arena_alloc(a, PATH_MAX + 2);
	(void)state;
	assert_false(place_find("", &p, &there, &e));
	memset(name, 'n', NAME_MAX + 1);
	e = (struct err){0};
	assert_false(place_find(in_top(name), &p, &there, &e));
	memset(name, 'n', PATH_MAX + 1);
	e = (struct err){0};
	assert_false(place_find(name, &p, &there, &e));
	assert_non_null(strstr(e.msg, "too long"));
}

static void test_mkdirs(void **state)
{
	struct err e = {0};
	struct stat st;
	(void)state;
	assert_true(mkdirs(in_top("ours/deep/a/b"), 0711, &e));
	assert_int_equal(stat(in_top("real/deep/a/b"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_true(mkdirs(in_top("real/deep/a/b/"), 0711, &e));
	assert_false(mkdirs(in_top("nowhere/a"), 0755, &e)); /* not at the end of a dead link */
	assert_int_equal(lstat(in_top("not"), &st), -1);
	e = (struct err){0};
	assert_false(mkdirs(in_top("real/file/a"), 0755, &e));
	assert_non_null(strstr(e.msg, "a file is there"));
	if (geteuid() == 0) {
		e = (struct err){0};
		assert_false(mkdirs(in_top("others/new"), 0755, &e));
		assert_int_equal(lstat(in_top("real/new"), &st), -1);
	}
	assert_int_equal(rmdir(in_top("real/deep/a/b")), 0);
	assert_int_equal(rmdir(in_top("real/deep/a")), 0);
}

/* While folders are held, a path that leads elsewhere now leads to the folder of before. */
static void test_held(void **state)
{
	struct place p;
	struct err e = {0};
	struct stat before, after;
	(void)state;
	folders_hold();
	assert_true(place_open(in_top("real/deep/x"), &p, &e));
	assert_int_equal(fstat(p.dir, &before), 0);
	assert_int_equal(rename(in_top("real/deep"), in_top("real/moved")), 0);
	assert_int_equal(mkdir(in_top("real/deep"), 0755), 0);
	struct place again;
	assert_true(place_open(in_top("real/deep/x"), &again, &e));
	assert_int_equal(fstat(again.dir, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	place_close(&again);
	folders_forget(); /* p stays open, but nobody is led there any more */
	assert_true(place_open(in_top("real/deep/x"), &again, &e));
	assert_int_equal(fstat(again.dir, &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	assert_int_equal(fstat(p.dir, &after), 0);
	place_close(&again);
	place_close(&p);
	folders_release();
	assert_int_equal(rmdir(in_top("real/deep")), 0);
	assert_int_equal(rename(in_top("real/moved"), in_top("real/deep")), 0);
}

/* ---- temporaries ---- */

static void test_temporaries(void **state)
{
	static const struct {
		const char *name;
		char kind; /* f, l, d */
		bool stays;
	} rows[] = {
		{".provision-abcdef", 'f', false},
		{".provision-AZ09__", 'l', false},
		{".provision-0123456789abcdef", 'l', false}, /* of a version before */
		{"main.cf.provision-link", 'l', false},
		{"main.cf.provision-link", 'f', true},
		{".provision-abcdef", 'd', true},
		{".provision-abcdefg", 'f', true},
		{".provision-0123456789ABCDEF", 'f', true},
		{"x.provision-abcdef", 'f', true},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *path = path_join(a, in_top("real/deep"), rows[i].name);
		struct stat st;
		int rc = rows[i].kind == 'f'   ? mknod(path, S_IFREG | 0600, 0)
			 : rows[i].kind == 'l' ? symlink("/etc/passwd", path)
					       : mkdir(path, 0700);
		assert_int_equal(rc, 0);
		remove_temporaries(in_top("real/deep"));
		if ((lstat(path, &st) == 0) != rows[i].stays)
			fail_msg("%s %c", rows[i].name, rows[i].kind);
		remove(path);
	}
}

/* Each kind of temporary that is made is one of those that are found again. */
static void test_made_and_found(void **state)
{
	struct place p, from;
	struct err e = {0};
	char name[TEMPORARY_MAX];
	(void)state;
	assert_true(place_open(in_top("real/deep/x"), &p, &e));
	assert_true(place_open(in_top("real/file"), &from, &e));
	int fd = place_temp_file(&p, name, &e);
	assert_true(fd >= 0);
	close(fd);
	assert_true(place_temp_link(&p, "target", name, &e));
	assert_true(place_temp_name(&p, &from, name, &e));
	remove_temporaries(in_top("real/deep"));
	assert_int_equal(unlinkat(p.dir, name, 0), -1);
	place_close(&from);
	place_close(&p);
	assert_int_equal(rmdir(in_top("real/deep")), 0); /* it is empty */
	assert_int_equal(mkdir(in_top("real/deep"), 0755), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walks),
		cmocka_unit_test(test_guarded),
		cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_mkdirs),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_temporaries),
		cmocka_unit_test(test_made_and_found),
	};
	return cmocka_run_group_tests_name("place", tests, set_up, tear_down);
}
