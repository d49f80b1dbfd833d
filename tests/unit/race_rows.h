/* SPDX-License-Identifier: MIT
 *
 * What test_race.c does in a folder that a local user swaps meanwhile: each type of the registry
 * has a row, or a reason why it cannot be raced.
 */
#pragma once
#include "host/path.h"

/* $D: the user's folder, $N: the round, $K: a key and its certificate as a YAML text. `program`:
 * what the row calls; NULL: nothing. */
struct race_row {
	const char *name, *type, *program, *params;
};

static const struct race_row race_types[] = {
	{"copy", "copy", NULL,
		"{dest: $D/target, content: \"new $N\\n\", owner: '61234', mode: '0600', "
		"backup: true}"},
	{"copy of a remote file", "copy", NULL,
		"{src: $D/tree/leaf, dest: $D/copied, remote_src: true, owner: '61234'}"},
	{"copy that follows", "copy", NULL,
		"{dest: $D/target, content: \"new $N\\n\", follow: true, owner: '61234'}"},
	{"copy into new folders", "copy", NULL,
		"{dest: $D/new/, content: \"x\\n\", _original_basename: n}"},
	{"file: attributes", "file", NULL,
		"{path: $D/target, state: file, owner: '61234', mode: '0604'}"},
	{"file: touch", "file", NULL, "{path: $D/target, state: touch}"},
	{"file: touch anew", "file", NULL, "{path: $D/fresh, state: touch, owner: '61234'}"},
	{"file: directory", "file", NULL,
		"{path: $D/made/deep, state: directory, owner: '61234', mode: '0700'}"},
	{"file: recurse", "file", NULL,
		"{path: $D/tree, state: directory, recurse: true, owner: '61234', mode: "
		"'u=rwX,go='}"},
	{"file: link", "file", NULL,
		"{path: $D/link, state: link, src: /etc/passwd, owner: '61234'}"},
	{"file: hard", "file", NULL,
		"{path: $D/second, state: hard, src: $D/target, owner: '61234'}"},
	{"file: absent", "file", NULL, "{path: $D/target, state: absent}"},
	{"file: absent folder", "file", NULL, "{path: $D/tree, state: absent}"},
	{"lineinfile", "lineinfile", NULL, "{path: $D/target, line: new $N, owner: '61234'}"},
	{"blockinfile", "blockinfile", NULL, "{path: $D/target, block: new $N, owner: '61234'}"},
	{"replace", "replace", NULL, "{path: $D/target, regexp: old, replace: new $N}"},
	{"file_set", "file_set", NULL, "{path: $D, files: {target: \"n $N\\n\", more: x}}"},
	{"command", "command", "touch", "{argv: [touch, made], chdir: $D}"},
	{"postfix_main", "postfix_main", NULL, "{path: $D/main.cf, settings: {mail_name: x$N}}"},
	{"postfix_master", "postfix_master", NULL,
		"{path: $D/master.cf, services: {x/unix: {command: pipe, options: {a: $N}}}}"},
	{"lookup_table", "lookup_table", "postmap",
		"{path: $D/target, entries: {a: b$N}, owner: '61234'}"},
	{"lookup_table: userdb", "lookup_table", "makeuserdb",
		"{path: $D/target, entries: {a: b$N}, format: userdb, owner: '61234'}"},
	{"sieve_script", "sieve_script", "sievec", "{path: $D/x.sieve, content: \"# $N\\n\"}"},
	{"user", "user", "useradd", "{name: provision-race, home: $D/made}"},
	{"random_secret", "random_secret", NULL, "{path: $D/secret, owner: '61234'}"},
	{"maildirs", "maildirs", NULL, "{root: $D, mailboxes: [tree/alice], owner: '61234'}"},
	{"mailing_lists", "mailing_lists", NULL,
		"{root: $D/tree, hostname: mx.x.test, port: 10028, lists: [{address: l@x.test, "
		"owner: o@x.test, members: [a@x.test]}]}"},
	{"mailing_lists: majordomo", "mailing_lists", NULL,
		"{root: $D, engine: majordomo, lists: [{address: l@tree, owner: o@x.test, members: "
		"[a@x.test]}]}"},
	{"mailing_lists: closed", "mailing_lists", NULL,
		"{root: $D, engine: majordomo, lists: []}"},
	{"dkim_keys", "dkim_keys", NULL,
		"{folder: $D, owner: '61234', mode: '0640', keys: [{domain: x.test, selector: "
		"dkim, algorithm: ed25519}]}"},
	{"openssl_privatekey", "openssl_privatekey", "openssl",
		"{path: $D/made.key, type: ECC, owner: '61234'}"},
	{"openssl_privatekey: absent", "openssl_privatekey", NULL,
		"{path: $D/key.pem, state: absent}"},
	{"x509_certificate", "x509_certificate", "openssl",
		"{path: $D/site.pem, privatekey_path: $D/key.pem, common_name: x.test, owner: "
		"'61234'}"},
	{"certificates", "certificates", "openssl", "{path: $D, given: {x.test: \"$K\"}}"},
	{"certificates: by ACME", "certificates", "certbot",
		"{path: $D, certbot: $D/tree, acme: [x.test], state: obtained}"},
	{"certificates: others", "certificates", NULL, "{path: $D, state: obtained}"},
};

/* A type that is not here has a row. */
static const struct {
	const char *type, *why;
} race_not[] = {
	{"template", "is a copy when it comes to the host"},
	{"stat", "only looks"},
	{"slurp", "only looks"},
	{"shell", "is a command: only its words are the shell's"},
	{"package", "apt-get and dpkg work in root's own folders"},
	{"apt", "apt-get and dpkg work in root's own folders"},
	{"service", "the service manager does it, in root's own folders"},
	{"systemd", "the service manager does it, in root's own folders"},
	{"activation", "touches no file: it runs the commands of the play and talks to the daemon"},
	{"installed_services", "its one file, the list of what is held, lies in /run"},
	{"group", "groupadd, groupmod and groupdel do it, in /etc"},
	{"hostname", "its files lie in /etc"},
};

/* Rows whose program goes by a path: in a folder of his nothing is done at all. */
static const char *const race_refused[] = {"sieve_script", "user", "certificates: by ACME"};
