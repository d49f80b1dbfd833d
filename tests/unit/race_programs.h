/* SPDX-License-Identifier: MIT
 *
 * What the rows of test_race.c need on this machine: keys, a certificate, and stand-ins for
 * programs that are not installed.
 */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "host/args.h"

static char race_base[] = "/dev/shm/provision-race-XXXXXX";
static struct str race_keys[2]; /* bob's key.pem and root's */
static struct str race_pair;    /* a third key and its certificate */

/* Each reads and writes at the paths it is told, as the real one does. $B is race_base. */
static const struct {
	const char *program, *script;
	bool always; /* the real one would change this machine */
} race_stand_ins[] = {
	{"useradd",
		"while [ \"$1\" != --home ]; do shift; done\n"
		"mkdir \"$2\" && cp -R /etc/skel/. \"$2\"\n",
		true},
	{"postmap", "for f; do :; done\nf=${f#*:}\ncat \"$f\" >\"$f.db\"\n", false},
	{"makeuserdb", "cat \"$2\" >\"$2.dat\"\ncat \"$2\" >\"${2}shadow.dat\"\n", false},
	{"sievec", "cat \"$3\" >\"$4\"\n", false},
	{"certbot",
		"for word; do\n\tcase $word in\n\t--config-dir=*) dir=${word#*=} ;;\n"
		"\t--cert-name=*) name=${word#*=} ;;\n\t--server=*) server=${word#*=} ;;\n"
		"\tesac\ndone\nmkdir -p \"$dir/live/$name\" \"$dir/renewal\"\n"
		"cat $B/key >\"$dir/live/$name/privkey.pem\"\n"
		"cat $B/cert >\"$dir/live/$name/fullchain.pem\"\n"
		"echo \"server = $server\" >\"$dir/renewal/$name.conf\"\n",
		false},
};

static void race_must(bool ok, const char *what)
{
	if (!ok)
		fail_msg("%s: %s", what, strerror(errno));
}

static void race_put_file(const char *path, struct str text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
	race_must(fd >= 0 && write_all(fd, text.p, text.n) && close(fd) == 0, path);
}

static struct str race_openssl(struct arena *a, const char *const *argv, struct str input)
{
	struct proc p = {.argv = argv, .uid = (uid_t)-1, .input = input};
	struct proc_result r;
	struct err e = {0};
	if (!proc_run(a, &p, &r, &e) || r.status != 0)
		fail_msg("openssl: %s", e.kind ? e.msg : r.err_out.p);
	return r.out;
}

static void race_make_keys(struct arena *a)
{
	const char *key[] = {"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
		"ec_paramgen_curve:prime256v1", NULL};
	const char *cert[] = {"openssl", "req", "-x509", "-new", "-key", "/dev/stdin", "-days",
		"365", "-subj", "/CN=x.test", "-addext", "subjectAltName=DNS:x.test", NULL};
	struct str third = race_openssl(a, key, (struct str){0}), signs;
	for (size_t i = 0; i < ARRAY_LEN(race_keys); i++)
		race_keys[i] = race_openssl(a, key, (struct str){0});
	signs = race_openssl(a, cert, third);
	race_pair = str_printf(a, "%s%s", third.p, signs.p);
	race_put_file(arena_printf(a, "%s/key", race_base), third, 0600);
	race_put_file(arena_printf(a, "%s/cert", race_base), signs, 0600);
}

static bool race_stands_in;

/* Is there a program that the rows may call? */
static bool race_has(const char *program)
{
	for (size_t i = 0; i < ARRAY_LEN(race_stand_ins); i++)
		if (race_stand_ins[i].always && strcmp(race_stand_ins[i].program, program) == 0)
			return race_stands_in;
	return program_there(program);
}

/* In a folder that hides /usr/local/sbin from this process and its children, and is found first.
 * Where that cannot be, the rows of such programs are skipped. */
static void race_stand_in(struct arena *a)
{
	const char *at = arena_printf(a, "%s/bin", race_base);
	race_must(mkdir(at, 0755) == 0, at);
	for (size_t i = 0; i < ARRAY_LEN(race_stand_ins); i++)
		if (race_stand_ins[i].always || !program_there(race_stand_ins[i].program))
			race_put_file(path_join(a, at, race_stand_ins[i].program),
				str_printf(a, "#!/bin/sh\nB=%s\n%s", race_base,
					race_stand_ins[i].script),
				0755);
	race_stands_in = unshare(CLONE_NEWNS) == 0 &&
			 mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
			 mount(at, "/usr/local/sbin", NULL, MS_BIND, NULL) == 0;
	if (!race_stands_in)
		print_message("no stand-in for programs: %s\n", strerror(errno));
}
