/* SPDX-License-Identifier: MIT
 *
 * Access lists and extended attributes survive what the file types write; no right grows.
 */
#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <cmocka.h>
#include "resource/resource.h"
#include "agent/restype.h"

/* ---- access lists and extended attributes ---- */

#define ACL "system.posix_acl_access" /* acl(5), as linux/posix_acl_xattr.h lays it out */

/* user::rw-, user:12345:rw-, group::r--, mask::rw-, other::--- */
static const unsigned char acl[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 6, 0, 0x39,
	0x30, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255, 0x10, 0, 6, 0, 255, 255, 255, 255, 0x20, 0, 0,
	0, 255, 255, 255, 255};

static bool has_rights(const char *path)
{
	unsigned char now[256];
	char word[16] = "";
	struct stat st;
	ssize_t n = getxattr(path, ACL, now, sizeof(now));
	return n == sizeof(acl) && memcmp(now, acl, sizeof(acl)) == 0 &&
	       getxattr(path, "user.origin", word, sizeof(word)) == 4 &&
	       memcmp(word, "ours", 4) == 0 && stat(path, &st) == 0 && (st.st_mode & 0777) == 0660;
}

/* The group's own rights stand in the list; in the mode there is its mask. */
static unsigned group_rights(const char *path)
{
	unsigned char now[256];
	struct stat st;
	ssize_t n = getxattr(path, ACL, now, sizeof(now));
	for (ssize_t i = 4; i + 8 <= n; i += 8)
		if (now[i] == 4)
			return now[i + 2];
	assert_int_equal(stat(path, &st), 0);
	return (st.st_mode >> 3) & 7;
}

static void apply_change(struct arena *a, const char *type, struct value *params)
{
	const struct restype *t = restype_find(str_c(type));
	struct host h = {.a = a};
	struct observation o;
	struct errs errs;
	struct err e = {0};
	errs_init(&errs, a);
	params = fields_check(a, t->fields, params, type, &errs);
	if (!params)
		fail_msg("%s: %s", type, errs.v[0].msg);
	observation_init(&h, &o);
	if (!t->observe(&h, params, &o, &e) || o.changes->list.n == 0 ||
		!t->apply(&h, params, &o, &e))
		fail_msg("%s: %s", type, e.kind ? e.msg : "nothing changed");
}

/* What a backup grants is what the file granted. */
static void remove_backups(const char *dir, const char *path)
{
	struct dirent *d;
	char name[PATH_MAX];
	DIR *folder = opendir(dir);
	assert_non_null(folder);
	while ((d = readdir(folder))) {
		snprintf(name, sizeof(name), "%s/%s", dir, d->d_name);
		if (d->d_name[0] == '.' || strcmp(name, path) == 0)
			continue;
		assert_true(has_rights(name));
		unlink(name);
	}
	closedir(folder);
}

static struct value *make_pairs(struct arena *a, const char *const *v)
{
	struct value *m = value_map(a);
	for (; *v; v += 2)
		map_put(a, m, v[0], value_text(a, v[1]));
	return m;
}

static void test_rights(void **state)
{
	static const struct {
		const char *type, *params[7];
	} cases[] = {
		{"copy", {"content", "k=2\n"}},
		{"copy", {"content", "k=2\n", "backup", "true"}},
		{"copy", {"content", "k=2\n", "validate", "grep -q k=2 %s"}},
		{"lineinfile", {"regexp", "^k=", "line", "k=2"}},
		{"blockinfile", {"block", "k=2"}},
		{"replace", {"regexp", "1", "replace", "2"}},
	};
	struct arena *a = arena_new();
	char dir[] = "/var/tmp/provision-rights-XXXXXX";
	(void)state;
	assert_non_null(mkdtemp(dir));
	const char *path = path_join(a, dir, "f");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct value *params = make_pairs(a, cases[i].params);
		bool is_copy = strcmp(cases[i].type, "copy") == 0;
		map_put(a, params, is_copy ? "dest" : "path", value_text(a, path));
		assert_true(file_replace(
			path, "k=1\n", 4, (struct file_attr){0640, (uid_t)-1, (gid_t)-1}, &e));
		if (setxattr(path, ACL, acl, sizeof(acl), 0) < 0 ||
			setxattr(path, "user.origin", "ours", 4, 0) < 0) {
			print_message("skipped: no access lists in /var/tmp\n");
			break;
		}
		apply_change(a, cases[i].type, params);
		if (!has_rights(path))
			fail_msg("%s: the rights of the file are others", cases[i].type);
		remove_backups(dir, path);
	}
	/* a declared mode is the mask then, as chmod(1) has it: no right grows */
	apply_change(a, "copy",
		make_pairs(a,
			(const char *const[]){"dest", path, "content", "x", "mode", "0640", NULL}));
	assert_int_equal(group_rights(path), 4);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rights),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
