/* SPDX-License-Identifier: MIT
 *
 * When the compiled form of a lookup table counts as stale: its time, its owner, who may read it.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "mailhost/types.h"

static size_t table_changes(struct host *h, const char *path, const char *format, const char *field)
{
	struct value *params = value_map(h->a);
	struct observation o;
	struct err e = {0};
	map_put(h->a, params, "path", value_text(h->a, path));
	map_put(h->a, params, "content", value_blob(h->a, str_c("k v\n")));
	map_put(h->a, params, "format", value_text(h->a, format));
	if (!restype_lookup_table.observe(h, params, &o, &e))
		fail_msg("%s", e.msg);
	assert_true(o.changes->list.n == 0 || observed_change(&o, field));
	return o.changes->list.n;
}

static void set_time(const char *path, long ns)
{
	const struct timespec times[2] = {{1000, ns}, {1000, ns}};
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Both files have to carry the same time, to the nanosecond. */
static void test_compiled_time(void **state)
{
	char dir[] = "/tmp/provision-test-XXXXXX";
	struct arena *a = arena_new();
	struct host h = {.a = a};
	struct file_attr attr = {0644, (uid_t)-1, (gid_t)-1};
	struct err e = {0};
	(void)state;
	assert_non_null(mkdtemp(dir));
	const char *path = path_join(a, dir, "t"), *db = path_join(a, dir, "t.db");
	assert_true(file_replace(path, "k v\n", 4, attr, &e));
	assert_int_equal(table_changes(&h, path, "hash", "compiled"), 1);
	assert_true(file_replace(db, "", 0, attr, &e));
	set_time(path, 5);
	set_time(db, 5);
	assert_int_equal(table_changes(&h, path, "hash", "compiled"), 0);
	set_time(db, 6);
	assert_int_equal(table_changes(&h, path, "hash", "compiled"), 1);
	set_time(db, 4);
	assert_int_equal(table_changes(&h, path, "hash", "compiled"), 1);
	set_time(db, 5);
	assert_int_equal(
		chmod(path, 0600), 0); /* what may be read in the one may be in the other */
	assert_int_equal(table_changes(&h, path, "hash", "compiled"), 1);
	assert_int_equal(chmod(db, 0600), 0);
	assert_int_equal(table_changes(&h, path, "hash", "compiled"), 0);
	assert_int_equal(unlink(db), 0);
	assert_int_equal(symlink(path, db), 0);
	assert_int_equal(table_changes(&h, path, "hash", "compiled"), 1);
	unlink(db);
	unlink(path);
	rmdir(dir);
	arena_free(a);
}

/* Password hashes are as private in what is looked up as in the source. */
static void test_compiled_passwords(void **state)
{
	char dir[] = "/tmp/provision-test-XXXXXX";
	struct arena *a = arena_new();
	struct host h = {.a = a};
	struct file_attr attr = {0600, (uid_t)-1, (gid_t)-1};
	struct err e = {0};
	const char *v[3];
	static const char *const ends[] = {"", ".dat", "shadow.dat"};
	(void)state;
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < 3; i++) {
		v[i] = arena_printf(a, "%s/userdb%s", dir, ends[i]);
		assert_true(file_replace(v[i], "k v\n", 4, attr, &e));
		set_time(v[i], 5);
	}
	assert_int_equal(table_changes(&h, v[0], "userdb", "compiled"), 0);
	for (size_t i = 1; i < 3; i++) {
		assert_int_equal(chmod(v[i], 0644), 0);
		assert_int_equal(table_changes(&h, v[0], "userdb", "compiled"), 1);
		assert_int_equal(chmod(v[i], 0600), 0);
		assert_int_equal(table_changes(&h, v[0], "userdb", "compiled"), 0);
	}
	for (size_t i = 0; i < 3; i++)
		unlink(v[i]);
	rmdir(dir);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compiled_time),
		cmocka_unit_test(test_compiled_passwords),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
