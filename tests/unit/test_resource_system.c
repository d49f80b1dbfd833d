/* SPDX-License-Identifier: MIT
 *
 * What the types for packages, services, accounts and Postfix read and edit, apart from any host:
 * dpkg's status, systemctl's answers, account files, main.cf and master.cf. Nothing of this machine
 * is changed.
 */
#define MAY_PRINT
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "host/account.h"
#include "host/dpkg.h"
#include "host/path.h"
#include "host/policy_rc_d.h"
#include "mailhost/postfix_main.h"
#include "mailhost/postfix_master.h"
#include "resource/package.h"
#include "resource/types.h"
#include "host/systemd.h"
#include "host/logs.h"

enum { ROUNDS = 3000, LINES_MAX = 12 };

/* ---- packages ---- */

static const char status[] = "Package: zlib1g\n"
			     "Status: install ok installed\n"
			     "Architecture: amd64\n"
			     "Multi-Arch: same\n"
			     "Version: 1:1.2.13\n"
			     "\n"
			     "Package: zlib1g\n"
			     "Status: install ok half-configured\n"
			     "Architecture: i386\n"
			     "Version: 1:1.2.13\n"
			     "\n"
			     "Package: mailer\n"
			     "Status: hold ok installed\n"
			     "Architecture: all\n"
			     "Version: 3.7.11-0+deb12u1\n"
			     "Provides: mail-transport-agent, smtpd (= 2:1.0) , other:any\n"
			     "Conffiles:\n"
			     " /etc/mailer/main 0123456789abcdef0123456789abcdef\n"
			     " /etc/mailer/old 0123456789abcdef0123456789abcdef obsolete\n"
			     "Description: a line\n"
			     " Package: not-a-package\n"
			     "\n"
			     "Package: gone\n"
			     "Status: deinstall ok config-files\n"
			     "Architecture: amd64\n"
			     "Version: 1.0\n"
			     "Provides: never\n"
			     "Conffiles:\n"
			     " /etc/gone 0123456789abcdef0123456789abcdef\n"
			     "\n"
			     "Package: waiting\n"
			     "Status: install ok triggers-awaited\n"
			     "Version: 2";

static void test_dpkg(void **state)
{
	struct dpkg *d = dpkg_parse(str_c(status));
	(void)state;
	assert_true(package_installed(package_find(&d->all, "zlib1g", NULL)));
	assert_true(package_installed(package_find(&d->all, "zlib1g", "amd64")));
	assert_false(package_installed(package_find(&d->all, "zlib1g", "i386")));
	assert_string_equal(package_find(&d->all, "mailer", NULL)->version, "3.7.11-0+deb12u1");
	assert_true(package_installed(package_find(&d->all, "mailer", NULL)));
	assert_string_equal(package_find(&d->all, "gone", NULL)->state, "config-files");
	assert_true(package_installed(package_find(&d->all, "waiting", NULL)));
	assert_null(package_find(&d->all, "not-a-package", NULL));
	assert_null(package_find(&d->all, "mail", NULL));
	assert_true(package_provided(&d->all, "mail-transport-agent"));
	assert_true(package_provided(&d->all, "smtpd"));
	assert_true(package_provided(&d->all, "other"));
	assert_false(package_provided(&d->all, "never"));
	assert_true(d->interrupted);
	dpkg_free(d);
	d = dpkg_parse(str_c("Package: odd\nProvides: x\n")); /* without a status */
	assert_string_equal(package_find(&d->all, "odd", NULL)->state, "");
	assert_false(package_provided(&d->all, "x"));
	dpkg_free(d);
	d = dpkg_parse(str_c(""));
	assert_null(package_find(&d->all, "x", NULL));
	assert_false(d->interrupted);
	dpkg_free(d);
}

/* Only what an installed package still has comes back with it. */
static void test_conffiles(void **state)
{
	struct arena *a = arena_new();
	struct str text = str_c(status);
	(void)state;
	assert_string_equal(dpkg_conffile(a, text, "/etc/mailer/main"), "mailer");
	assert_null(dpkg_conffile(a, text, "/etc/mailer"));
	assert_null(dpkg_conffile(a, text, "/etc/mailer/mai"));
	assert_null(dpkg_conffile(a, text, "/etc/mailer/old"));
	assert_null(dpkg_conffile(a, text, "/etc/gone"));
	assert_null(dpkg_conffile(a, str_c(""), "/etc/mailer/main"));
	arena_free(a);
}

static void test_package_names(void **state)
{
	static const struct {
		const char *text, *name, *arch, *version; /* name NULL: refused */
	} cases[] = {
		{"postfix", "postfix", NULL, NULL},
		{"g++", "g++", NULL, NULL},
		{"libc6:i386", "libc6", "i386", NULL},
		{"postfix=3.7*", "postfix", NULL, "3.7*"},
		{"libc6:i386=2.36-9+deb12u4", "libc6", "i386", "2.36-9+deb12u4"},
		{"", NULL, NULL, NULL},
		{"-y", NULL, NULL, NULL},
		{"--option=x", NULL, NULL, NULL},
		{"a b", NULL, NULL, NULL},
		{"lib*", NULL, NULL, NULL},
		{"acl-", NULL, NULL, NULL},
		{"php-=8", NULL, NULL, NULL},
		{"libc6-:i386", NULL, NULL, NULL},
		{"[a-z]", NULL, NULL, NULL},
		{"./x.deb", NULL, NULL, NULL},
		{"a/stable", NULL, NULL, NULL},
		{"a=", NULL, NULL, NULL},
		{"a:", NULL, NULL, NULL},
		{"a=1 b", NULL, NULL, NULL},
	};
	struct arena *a = arena_new();
	struct package_want w;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool ok = package_want_parse(a, str_c(cases[i].text), &w);
		if (ok != (cases[i].name != NULL))
			fail_msg("'%s'", cases[i].text);
		if (!ok)
			continue;
		assert_string_equal(w.name, cases[i].name);
		assert_string_equal(w.arch ? w.arch : "", cases[i].arch ? cases[i].arch : "");
		assert_string_equal(
			w.version ? w.version : "", cases[i].version ? cases[i].version : "");
	}
	arena_free(a);
}

/* ---- policy-rc.d ---- */

static int policy_answer(const char *folder, const char *service, const char *action)
{
	struct arena *a = arena_new();
	struct proc_result r;
	struct err e = {0};
	const char *argv[] = {
		path_join(a, folder, "policy-rc.d"), "--quiet", service, action, NULL};
	struct proc p = {.argv = argv, .uid = (uid_t)-1};
	if (!proc_run(a, &p, &r, &e))
		fail_msg("%s", e.msg);
	arena_free(a);
	return r.status;
}

static bool file_holds(const char *folder, const char *name, const char *text)
{
	struct arena *a = arena_new();
	struct err e = {0};
	struct str s;
	bool found;
	assert_true(file_read_opt(a, path_join(a, folder, name), 4096, &s, &found, &e));
	bool same = text ? found && str_is(s, text) : !found;
	arena_free(a);
	return same;
}

static void test_policy(void **state)
{
	static const char own[] = "#!/bin/sh\nexit 7\n";
	const char *const running[] = {"ssh", "x;touch /tmp/bad", "dbus-org.x@1", NULL};
	char dir[] = "/tmp/provision-test-XXXXXX";
	struct arena *a = arena_new();
	struct file_attr attr = {0755, (uid_t)-1, (gid_t)-1};
	struct err e = {0};
	(void)state;
	assert_non_null(mkdtemp(dir));
	const char *path = path_join(a, dir, "policy-rc.d"), *held = path_join(a, dir, "held");
	assert_true(policy_begin(dir, held, 101, running, &e));
	assert_int_equal(policy_answer(dir, "postfix", "start"), 101);
	assert_int_equal(policy_answer(dir, "postfix.service", "restart"), 101);
	assert_int_equal(policy_answer(dir, "postfix.service", "stop"), 0);
	assert_int_equal(policy_answer(dir, "ssh.service", "restart"), 0);
	assert_int_equal(policy_answer(dir, "ssh", "start"), 0);
	assert_int_equal(policy_answer(dir, "logrotate.timer", "start"), 0);
	assert_true(policy_end(dir, &e));
	assert_true(file_holds(dir, "policy-rc.d", NULL));
	assert_true(policy_end(dir, &e)); /* nothing to do */
	/* what was to start and was kept from it: no stop, and nothing that was let through */
	assert_true(file_holds(dir, "held", "postfix\npostfix.service\n"));

	assert_true(file_replace(path, own, sizeof(own) - 1, attr, &e));
	assert_true(policy_end(dir, &e)); /* not ours */
	assert_true(policy_begin(dir, held, 101, NULL, &e));
	assert_int_equal(policy_answer(dir, "ssh", "start"), 101);
	assert_true(policy_begin(dir, held, 102, NULL, &e)); /* the run before was killed */
	assert_int_equal(policy_answer(dir, "ssh", "start"), 102);
	assert_true(policy_end(dir, &e));
	assert_true(file_holds(dir, "policy-rc.d", own));
	assert_true(file_holds(dir, "policy-rc.d.provision-saved", NULL));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(held), 0);
	assert_int_equal(rmdir(dir), 0);
	arena_free(a);
}

/* ---- services ---- */

static void write_dated(const char *path, time_t when, const char *text)
{
	char stamp[32];
	struct tm tm;
	FILE *f = fopen(path, "a");
	assert_non_null(f);
	strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", localtime_r(&when, &tm));
	fprintf(f, "%s %s\n", stamp, text);
	assert_int_equal(fclose(f), 0);
}

/* Lines written since, those of an older file as of one that was rotated; never another's file. */
static void test_log_file(void **state)
{
	char dir[] = "/tmp/provision-log-XXXXXX";
	struct arena *a = arena_new();
	struct host h = {.a = a};
	struct timespec mono;
	time_t now = time(NULL);
	(void)state;
	assert_non_null(mkdtemp(dir));
	const char *path = path_join(a, dir, "log"), *link = path_join(a, dir, "link");
	write_dated(path, now - 60, "error: an old one");
	struct unit_log log = unit_log_open(&h, "no-such-unit", path);
	write_dated(path, now, "error: a new one");
	assert_true(str_ends(unit_log_lines(&h, &log), " error: a new one\n"));
	assert_null(strstr(unit_log_lines(&h, &log).p, "old"));
	assert_non_null(strstr(unit_log_words(&h, &log, NULL, 500), "a new one"));
	assert_null(unit_log_words(&h, &log, "fatal", 500));
	clock_gettime(CLOCK_MONOTONIC, &mono);
	log = unit_log_from(&h, "no-such-unit", path, ((int64_t)mono.tv_sec - 30) * 1000000);
	assert_true(str_ends(unit_log_lines(&h, &log), " error: a new one\n"));
	assert_null(strstr(unit_log_lines(&h, &log).p, "old"));
	assert_int_equal(truncate(path, 0), 0);
	log = unit_log_open(&h, "no-such-unit", path);
	log.at = 4000;
	write_dated(path, now, "error: rotated");
	assert_true(str_ends(unit_log_lines(&h, &log), " error: rotated\n"));
	assert_int_equal(symlink(path, link), 0);
	log = unit_log_open(&h, "no-such-unit", link);
	log.at = 0;
	assert_null(strstr(unit_log_lines(&h, &log).p, "rotated"));
	unlink(path);
	unlink(link);
	rmdir(dir);
	arena_free(a);
}

static const char shown[] =
	"Type=oneshot\nResult=success\nId=postfix.service\nPartOf=\nLoadState=loaded\n"
	"ActiveState=active\nSubState=exited\nUnitFileState=enabled\nNeedDaemonReload=no\n"
	"\n"
	"Type=\nId=nope.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n"
	"UnitFileState=\nNeedDaemonReload=no\n"
	"\n"
	"Type=simple\nId=crashing.service\nLoadState=loaded\nActiveState=activating\n"
	"SubState=auto-restart\nUnitFileState=disabled\nNeedDaemonReload=yes\n"
	"\n"
	"Type=simple\nId=masked.service\nLoadState=masked\nActiveState=inactive\nSubState=dead\n"
	"UnitFileState=masked\n"
	"\n"
	"Type=simple\nId=ssh.service\nLoadState=loaded\nActiveState=active\nSubState=running\n"
	"UnitFileState=static\n"
	"\n"
	"Type=forking\nId=postfix@-.service\nPartOf=postfix.service\nLoadState=loaded\n"
	"ActiveState=failed\nSubState=failed\nUnitFileState=enabled-runtime\n";

static void test_units(void **state)
{
	const char *const names[] = {
		"postfix", "nope", "crashing", "masked", "sshd.service", "cut"};
	struct arena *a = arena_new();
	struct unit u[6];
	(void)state;
	unit_parse(a, str_c(shown), names, 5, u);
	assert_false(u[0].running); /* what it stands for has failed */
	assert_string_equal(u[0].trouble, "postfix@-.service");
	assert_int_equal(u[0].enabled, UNIT_ENABLED);
	assert_false(u[1].found);
	assert_false(u[2].running);
	assert_true(u[2].need_reload);
	assert_string_equal(u[2].trouble, "crashing.service");
	assert_int_equal(u[2].enabled, UNIT_DISABLED);
	assert_true(u[3].masked);
	assert_int_equal(u[3].enabled, UNIT_DISABLED);
	assert_true(u[4].running);
	assert_string_equal(u[4].id, "ssh.service");
	assert_int_equal(u[4].enabled, UNIT_FIXED);
	unit_parse(a, str_c("Id=a.service\nLoadState=loaded\nActiveState=active\n"), names, 6, u);
	assert_true(u[0].running);
	assert_false(u[5].found);
	unit_parse(a,
		str_c("Id=a.service\nLoadState=loaded\nUnitFileState=enabled-runtime\n\n"
		      "Id=b.service\nLoadState=masked\nActiveState=active\n"
		      "UnitFileState=masked-runtime\n"),
		names, 2, u);
	assert_int_equal(u[0].enabled, UNIT_RUNTIME); /* the next boot would not start it */
	assert_true(u[1].masked && u[1].running);
	assert_true(unit_name_valid("postfix@-.service"));
	assert_false(unit_name_valid("-H"));
	assert_false(unit_name_valid("a b"));
	assert_false(unit_name_valid("../x"));
	assert_false(unit_name_valid(""));
	arena_free(a);
}

/* ---- accounts ---- */

static void test_accounts(void **state)
{
	struct arena *a = arena_new();
	struct accounts all;
	(void)state;
	accounts_parse(a,
		str_c("root:x:0:0:root:/root:/bin/bash\n"
		      "broken:x:0\n"
		      "minus:x:-1:0::/:/bin/sh\n"
		      "+::::::\n"
		      "vmail:x:5000:5001:Mail, all of it:/var/vmail:/usr/sbin/nologin"),
		str_c("root:x:0:\nmail:x:8:vmail,root\nvmail:x:5001:\nbad:x:y:\n"),
		str_c("root:*:1:0:99999:7:::\nvmail:$6$salt$hash:1:0:99999:7:::\nnobody\n"), &all);
	assert_int_equal(all.n_users, 2);
	assert_int_equal(all.n_groups, 3);
	const struct account_user *u = account_user(&all, "vmail");
	assert_non_null(u);
	assert_int_equal(u->gid, 5001);
	assert_string_equal(u->comment, "Mail, all of it");
	assert_string_equal(u->password, "$6$salt$hash");
	assert_string_equal(account_group(&all, "mail")->members[1], "root");
	assert_null(account_group(&all, "mail")->members[2]);
	assert_string_equal(account_group(&all, "5001")->name, "vmail");
	assert_null(account_group(&all, "5002"));
	assert_null(account_user(&all, "broken"));
	assert_true(account_name_valid("_rspamd"));
	assert_true(account_name_valid("host$"));
	assert_false(account_name_valid("-r"));
	assert_false(account_name_valid("a:b"));
	assert_false(account_name_valid("1st"));
	assert_false(account_name_valid(""));
	arena_free(a);
}

/* ---- Postfix ---- */

/* A file of lines drawn from a few, in any order: comments, continuations, ours and others. */
static struct str random_text(struct arena *a, const char *const *lines, size_t n, unsigned *seed)
{
	struct buf b;
	buf_init(&b, 1 << 16);
	for (int i = rand_r(seed) % LINES_MAX; i > 0; i--)
		buf_addf(&b, "%s\n", lines[(size_t)rand_r(seed) % n]);
	struct str s = b.n ? buf_str(a, &b) : str_c("");
	buf_free(&b);
	return s;
}

static size_t count_text(struct str text, const char *what)
{
	size_t n = 0;
	for (const char *at = text.p; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

static void test_main_cf_properties(void **state)
{
	static const char *const lines[] = {"ours = 1", "ours=2", "gone = x", "other = 1",
		"other = 2", "# note", "  # note in", "", "  more", "\tmore"};
	struct arena *all = arena_new();
	struct value *settings = value_map(all);
	unsigned seed = 1;
	(void)state;
	map_put(all, settings, "ours", value_text(all, "1"));
	map_put(all, settings, "gone", value_null(all));
	map_put(all, settings, "new", value_bool(all, true));
	for (int i = 0; i < ROUNDS; i++) {
		struct arena *a = arena_new();
		struct str text = random_text(a, lines, ARRAY_LEN(lines), &seed);
		struct str once = main_cf_edit(a, text, settings, NULL);
		struct str twice = main_cf_edit(a, once, settings, NULL);
		if (!str_eq(once, twice))
			fail_msg("edited twice:\n%s----\n%s----\n%s", text.p, once.p, twice.p);
		assert_int_equal(count_text(once, "ours"), 1);
		assert_int_equal(count_text(once, "gone"), 0);
		assert_int_equal(count_text(once, "new = yes"), 1);
		assert_int_equal(count_text(once, "other"), count_text(text, "other"));
		assert_int_equal(count_text(once, "# note"), count_text(text, "# note"));
		arena_free(a);
	}
	arena_free(all);
}

static void test_master_cf_properties(void **state)
{
	static const char *const lines[] = {"ours unix - - - - - x -o a=1", "ours unix - - y - - x",
		"ours inet - - y - - x", "gone unix - - y - - x", "other unix - - y - - x",
		"# note", "  # note in", "", "  -o b=2", "\t-o { c = 3 }", "short"};
	struct arena *all = arena_new();
	struct value *services = value_map(all), *ours = value_map(all);
	unsigned seed = 1;
	(void)state;
	map_put(all, ours, "command", value_text(all, "x -o a=1"));
	map_put(all, services, "ours/unix", ours);
	map_put(all, services, "gone/unix", value_null(all));
	for (int i = 0; i < ROUNDS; i++) {
		struct arena *a = arena_new();
		struct str text = random_text(a, lines, ARRAY_LEN(lines), &seed);
		struct str once = master_cf_edit(a, text, services);
		struct str twice = master_cf_edit(a, once, services);
		if (!str_eq(once, twice))
			fail_msg("edited twice:\n%s----\n%s----\n%s", text.p, once.p, twice.p);
		assert_int_equal(count_text(once, "gone"), 0);
		assert_int_equal(count_text(once, "ours inet"), count_text(text, "ours inet"));
		assert_int_equal(count_text(once, "other"), count_text(text, "other"));
		assert_int_equal(count_text(once, "# note"), count_text(text, "# note"));
		arena_free(a);
	}
	arena_free(all);
}

/* Of what Postfix ships, services inside it come back; no port, no pipe, none that is named. */
static void test_master_cf_complete(void **state)
{
	static const char shipped[] = "smtp inet n - y - - smtpd\n"
				      "# smtp inet n - y - 1 postscreen\n"
				      "pickup unix n - y 60 1 pickup\n"
				      "cleanup unix n - y - 0 cleanup\n"
				      "relay unix - - y - - smtp\n"
				      "        -o syslog_name=postfix/$service_name\n"
				      "uucp unix - n n - - pipe\n  flags=Fqhu user=uucp\n"
				      "flush unix n - y 1000? 0 flush\n";
	struct arena *a = arena_new();
	struct value *services = value_map(a);
	(void)state;
	map_put(a, services, "flush/unix", value_null(a));
	struct str had = str_c("pickup fifo n - n 60 1 pickup");
	struct str got = master_cf_complete(a, had, had, str_c(shipped), services);
	assert_string_equal(got.p,
		"pickup fifo n - n 60 1 pickup\n"
		"cleanup unix n - y - 0 cleanup\n"
		"relay unix - - y - - smtp -o syslog_name=postfix/$service_name\n");
	assert_ptr_equal(master_cf_complete(a, had, got, str_c(shipped), services).p, had.p);
	assert_ptr_equal(master_cf_complete(a, got, got, str_c(shipped), services).p, got.p);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dpkg),
		cmocka_unit_test(test_conffiles),
		cmocka_unit_test(test_package_names),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_log_file),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_main_cf_properties),
		cmocka_unit_test(test_master_cf_properties),
		cmocka_unit_test(test_master_cf_complete),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
