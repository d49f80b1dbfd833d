/* SPDX-License-Identifier: MIT
 *
 * What is decided before and around a connection: known_hosts and key files. Opens no connection;
 * keys are made with ssh-keygen, and without it those cases are skipped.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "transport/hostkey.h"
#include "transport/keyfile.h"
#include "transport/sshconfig.h"

/* Two made-up keys of each type: the type's name and 8 bytes that stand for the key. */
static struct str key_of(struct arena *a, const char *type, char fill)
{
	size_t n = strlen(type);
	struct buf b;
	buf_init(&b, 256);
	buf_add(&b, "\0\0\0", 3);
	buf_addc(&b, (char)n);
	buf_adds(&b, type);
	for (int i = 0; i < 8; i++)
		buf_addc(&b, fill);
	struct str key = buf_str(a, &b);
	buf_free(&b);
	return key;
}

static char folder[64];

static const char *in_folder(struct arena *a, const char *name)
{
	return path_join(a, folder, name);
}

static void put_file(const char *path, const char *text)
{
	struct err e = {0};
	struct file_attr attr = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
	if (!file_replace(path, text, strlen(text), attr, &e))
		fail_msg("%s", e.msg);
}

/* {A} is ed25519 key a, {B} another one, {E} an ECDSA one, {R} an RSA one, each as base64. */
static const char *fill_keys(struct arena *a, const char *text)
{
	struct buf b;
	buf_init(&b, 1 << 16);
	for (; *text; text++) {
		struct str key = str_c("");
		if (strncmp(text, "{A}", 3) == 0)
			key = key_of(a, "ssh-ed25519", 'a');
		else if (strncmp(text, "{B}", 3) == 0)
			key = key_of(a, "ssh-ed25519", 'b');
		else if (strncmp(text, "{E}", 3) == 0)
			key = key_of(a, "ecdsa-sha2-nistp256", 'e');
		else if (strncmp(text, "{R}", 3) == 0)
			key = key_of(a, "ssh-rsa", 'r');
		if (key.n) {
			struct str text64 = base64(a, key.p, key.n);
			buf_add(&b, text64.p, text64.n);
			text += 2;
		} else {
			buf_addc(&b, *text);
		}
	}
	const char *out = buf_str(a, &b).p;
	buf_free(&b);
	return out;
}

enum verdict { ACCEPTED, UNKNOWN, CHANGED, REVOKED };
static const struct {
	const char *what, *lines, *address;
	int port;
	const char *type;
	char key;
	enum verdict verdict;
	const char *says; /* in the message */
} cases[] = {
	{"plain", "h ssh-ed25519 {A}\n", "h", 22, "ssh-ed25519", 'a', ACCEPTED, NULL},
	{"comment and blank lines", "# c\n\n \nh ssh-ed25519 {A} me@x\n", "h", 22, "ssh-ed25519",
		'a', ACCEPTED, NULL},
	{"one of several names", "x,10.0.0.1,h ssh-ed25519 {A}\n", "10.0.0.1", 22, "ssh-ed25519",
		'a', ACCEPTED, NULL},
	{"no newline at the end", "h ssh-ed25519 {A}", "h", 22, "ssh-ed25519", 'a', ACCEPTED, NULL},
	{"CR LF", "h ssh-ed25519 {A}\r\n", "h", 22, "ssh-ed25519", 'a', ACCEPTED, NULL},
	{"case of the name", "MX1.Example ssh-ed25519 {A}\n", "mx1.example", 22, "ssh-ed25519", 'a',
		ACCEPTED, NULL},
	{"port", "[h]:2222 ssh-ed25519 {A}\n", "h", 2222, "ssh-ed25519", 'a', ACCEPTED, NULL},
	{"another port's key", "[h]:2222 ssh-ed25519 {A}\n", "h", 22, "ssh-ed25519", 'a', UNKNOWN,
		"is not known"},
	{"the bare name serves for a port", "h ssh-ed25519 {A}\n", "h", 2222, "ssh-ed25519", 'a',
		ACCEPTED, NULL},
	{"but it does not make it changed", "h ssh-ed25519 {A}\n", "h", 2222, "ssh-ed25519", 'b',
		UNKNOWN, "is not known"},
	{"pattern", "*.example ssh-ed25519 {A}\n", "mx1.example", 22, "ssh-ed25519", 'a', ACCEPTED,
		NULL},
	{"pattern with ?", "mx? ssh-ed25519 {A}\n", "mx7", 22, "ssh-ed25519", 'a', ACCEPTED, NULL},
	{"pattern taken back", "*.example,!mx1.example ssh-ed25519 {A}\n", "mx1.example", 22,
		"ssh-ed25519", 'a', UNKNOWN, "is not known"},
	{"a hash that is none", "|1|c2FsdHNhbHRzYWx0c2FsdHNhbHQ=|{HASH}= ssh-ed25519 {A}\n", "h",
		22, "ssh-ed25519", 'a', UNKNOWN, "is not known"},
	{"unknown", "other ssh-ed25519 {A}\n", "h", 22, "ssh-ed25519", 'a', UNKNOWN,
		"(ED25519). Compare it"},
	{"changed", "x ssh-ed25519 {A}\nh ssh-ed25519 {A}\n", "h", 22, "ssh-ed25519", 'b', CHANGED,
		"known:2 has another key"},
	{"changed, with two lines", "h ssh-ed25519 {A}\nh ssh-ed25519 {B}\n", "h", 22,
		"ssh-ed25519", 'b', ACCEPTED, NULL},
	{"another type than the known one", "h ssh-ed25519 {A}\n", "h", 22, "ecdsa-sha2-nistp256",
		'e', CHANGED, "presents SHA256:"},
	{"a revoked key", "h ssh-ed25519 {A}\n@revoked * ssh-ed25519 {A}\n", "h", 22, "ssh-ed25519",
		'a', REVOKED, "is revoked"},
	{"another host's revoked key", "h ssh-ed25519 {A}\n@revoked x ssh-ed25519 {A}\n", "h", 22,
		"ssh-ed25519", 'a', ACCEPTED, NULL},
	{"an authority's key is no host's", "@cert-authority h ssh-ed25519 {A}\n", "h", 22,
		"ssh-ed25519", 'a', UNKNOWN, "is not known"},
	{"garbage in between",
		"\x80\xff|1|\n|1|\n|1||\nh\nh ssh-ed25519\nh ssh-ed25519 %%%\n@\n@x h\n"
		"h ssh-ed25519 {A}\n",
		"h", 22, "ssh-ed25519", 'a', ACCEPTED, NULL},
	{"an IPv6 address", "2001:db8::1 ssh-ed25519 {A}\n", "2001:db8::1", 22, "ssh-ed25519", 'a',
		ACCEPTED, NULL},
};

static void known_hosts_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new();
		struct err e = {0};
		const char *file = in_folder(a, "known");
		put_file(file, fill_keys(a, cases[i].lines));
		for (int accept = 0; accept < 2; accept++) {
			struct target t = {.name = "mx1",
				.connection.address = cases[i].address,
				.connection.port = cases[i].port,
				.known_hosts = file,
				.accept_new = accept};
			struct str key = key_of(a, cases[i].type, cases[i].key);
			struct hostkeys *h = hostkeys_load(a, &t, "mx1 (h port 22)", &e);
			assert_non_null(h);
			bool ok = hostkeys_check(h, key.p, key.n, &e);
			bool want = cases[i].verdict == ACCEPTED ||
				    (accept && cases[i].verdict == UNKNOWN);
			if (ok != want)
				fail_msg("%s (accept_new %d): %d: %s", cases[i].what, accept, ok,
					e.msg);
			if (!want && !strstr(e.msg, cases[i].says))
				fail_msg("%s: '%s' does not say '%s'", cases[i].what, e.msg,
					cases[i].says);
			if (!want)
				assert_int_equal(e.kind, ERR_UNREACHABLE);
			e = (struct err){0};
		}
		arena_free(a);
	}
}

/* A name as ssh-keygen -H hashes it. */
static void known_hosts_hashed(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	struct err e = {0};
	const char *file = in_folder(a, "hashed");
	put_file(file, fill_keys(a, "[mx1.example]:2222 ssh-ed25519 {A}\n"));
	const char *argv[] = {"ssh-keygen", "-H", "-f", file, NULL};
	struct proc p = {.argv = argv, .uid = (uid_t)-1};
	struct proc_result r;
	if (!proc_run(a, &p, &r, &e))
		skip();
	if (r.status != 0) { /* it wants a real key */
		const char *gen[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
			in_folder(a, "hashed_key"), NULL};
		struct proc g = {.argv = gen, .uid = (uid_t)-1};
		assert_true(proc_run(a, &g, &r, &e) && r.status == 0);
		struct str pub;
		assert_true(file_read(a, in_folder(a, "hashed_key.pub"), 4096, &pub, &e));
		put_file(file, arena_printf(a, "[mx1.example]:2222 %s", pub.p));
		assert_true(proc_run(a, &p, &r, &e));
		assert_int_equal(r.status, 0);
	}
	struct str text, key;
	assert_true(file_read(a, file, 4096, &text, &e));
	assert_true(str_starts(text, "|1|"));
	const char *at = strstr(text.p, "AAAA");
	assert_true(base64_decode(a, (struct str){at, strcspn(at, " \n")}, &key));
	struct target t = {.name = "m",
		.connection.address = "mx1.example",
		.connection.port = 2222,
		.known_hosts = file};
	struct hostkeys *h = hostkeys_load(a, &t, "m", &e);
	assert_true(hostkeys_check(h, key.p, key.n, &e));
	t.connection.address = "mx2.example";
	h = hostkeys_load(a, &t, "m", &e);
	assert_false(hostkeys_check(h, key.p, key.n, &e));
	arena_free(a);
}

static void known_hosts_written(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	struct err e = {0};
	const char *file = in_folder(a, "new/sub/known_hosts");
	struct target t = {.name = "m",
		.connection.address = "h",
		.connection.port = 2222,
		.known_hosts = file,
		.accept_new = true};
	struct str key = key_of(a, "ssh-ed25519", 'a'), text;
	for (int i = 0; i < 2; i++) {
		struct hostkeys *h = hostkeys_load(a, &t, "m", &e);
		assert_true(hostkeys_check(h, key.p, key.n, &e));
	}
	assert_true(file_read(a, file, 4096, &text, &e));
	assert_string_equal(text.p, fill_keys(a, "[h]:2222 ssh-ed25519 {A}\n"));
	struct stat st;
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	put_file(file, "# no newline");
	struct hostkeys *h = hostkeys_load(a, &t, "m", &e);
	assert_true(hostkeys_check(h, key.p, key.n, &e));
	assert_true(file_read(a, file, 4096, &text, &e));
	assert_string_equal(text.p, fill_keys(a, "# no newline\n[h]:2222 ssh-ed25519 {A}\n"));
	arena_free(a);
}

static void methods_by_key(void **state)
{
	(void)state;
	static const struct {
		const char *lines, *begin;
	} want[] = {
		{"", "ssh-ed25519,ecdsa-sha2-nistp256,"},
		{"h ecdsa-sha2-nistp256 {E}\n", "ecdsa-sha2-nistp256,ssh-ed25519,"},
		{"h ssh-rsa {R}\nh ecdsa-sha2-nistp256 {E}\n", "ecdsa-sha2-nistp256,"},
		{"h ssh-rsa {R}\n", NULL},
		{"@cert-authority * ssh-ed25519 {A}\n", NULL},
		{"@revoked * ssh-rsa {R}\n", "ssh-ed25519,"},
		{"x ssh-rsa {R}\n", "ssh-ed25519,"},
	};
	struct arena *a = arena_new();
	struct err e = {0};
	const char *file = in_folder(a, "methods");
	struct target t = {.name = "m", .connection.address = "h", .known_hosts = file};
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		put_file(file, fill_keys(a, want[i].lines));
		const char *list = hostkeys_methods(a, hostkeys_load(a, &t, "m", &e));
		if (!want[i].begin)
			assert_null(list);
		else if (!list || strncmp(list, want[i].begin, strlen(want[i].begin)) != 0)
			fail_msg("%s: %s", want[i].lines, list ? list : "(none)");
	}
	arena_free(a);
}

static void fingerprints_as_ssh(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	/* echo -n abc | sha256sum | xxd -r -p | base64 */
	assert_string_equal(
		key_fingerprint(a, "abc", 3), "SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0");
	assert_string_equal(key_type(a, "\0\0\0\3rsa!", 8).p, "rsa");
	assert_string_equal(key_type(a, "\0\0\0\4rsa", 7).p, "");
	assert_string_equal(key_type(a, "\xff\xff\xff\xff", 4).p, "");
	assert_string_equal(key_type(a, "", 0).p, "");
	arena_free(a);
}

/* ---- key files ---- */

static void key_files(void **state)
{
	(void)state;
	static const struct {
		const char *args[10];
		const char *kind;
		bool served, encrypted, blob;
	} keys[] = {
		{{"-t", "ed25519", "-N", ""}, "ed25519", true, false, true},
		{{"-t", "ecdsa", "-b", "384", "-N", ""}, "ECDSA", true, false, true},
		{{"-t", "rsa", "-b", "2048", "-N", ""}, "RSA", false, false, true},
		{{"-t", "ed25519", "-N", "secret"}, "ed25519", true, true, true},
		{{"-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""}, "RSA", false, false, false},
		{{"-t", "ecdsa", "-m", "PEM", "-N", ""}, "ECDSA", true, false, false},
		{{"-t", "ecdsa", "-m", "PEM", "-N", "secret"}, "PEM", false, true, false},
	};
	struct arena *a = arena_new();
	struct err e = {0};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *path = in_folder(a, arena_printf(a, "key%zu", i));
		const char *argv[16] = {"ssh-keygen", "-q", "-f", path};
		for (size_t n = 0; keys[i].args[n]; n++)
			argv[4 + n] = keys[i].args[n];
		struct proc p = {.argv = argv, .uid = (uid_t)-1};
		struct proc_result r;
		if (!proc_run(a, &p, &r, &e))
			skip();
		assert_int_equal(r.status, 0);
		struct keyfile k;
		assert_true(keyfile_look(a, path, &k, &e));
		assert_true(k.found);
		assert_string_equal(k.kind, keys[i].kind);
		assert_int_equal(k.served, keys[i].served);
		assert_int_equal(k.encrypted, keys[i].encrypted);
		assert_int_equal(k.blob.p != NULL, keys[i].blob);
	}
	put_file(in_folder(a, "key0-cert.pub"), "x");
	struct keyfile k;
	assert_true(keyfile_look(a, in_folder(a, "key0"), &k, &e));
	assert_false(k.served); /* a certificate is ssh's business */
	arena_free(a);
}

static void no_key_files(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "hello\n", "-----BEGIN OPENSSH PRIVATE KEY-----",
		"-----BEGIN OPENSSH PRIVATE KEY-----\n\n-----END OPENSSH PRIVATE KEY-----\n",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA//8=\n-----END x\n",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA/////w==\n-----END x\n"};
	struct arena *a = arena_new();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct keyfile k;
		struct err e = {0};
		put_file(in_folder(a, "garbage"), texts[i]);
		assert_false(keyfile_look(a, in_folder(a, "garbage"), &k, &e));
		assert_non_null(strstr(e.msg, "is not a private key"));
	}
	struct keyfile k;
	struct err e = {0};
	assert_true(keyfile_look(a, in_folder(a, "absent"), &k, &e));
	assert_false(k.found);
	arena_free(a);
}

/* ---- ssh_config ---- */

static void ssh_config(void **state)
{
	(void)state;
	static const struct {
		const char *text, *found; /* after the file's name; NULL: nothing */
	} want[] = {
		{"", NULL},
		{"Host *\n  ForwardAgent yes\n  ServerAliveInterval 5\n", NULL},
		{"ProxyJump gate\n", ":1 sets ProxyJump"},
		{"# c\n\nHost other mx1.*\n\tproxycommand = nc %h\n", ":4 sets proxycommand"},
		{"Host other\nProxyJump gate\nHost mx2.*\nHostName 10.0.0.1\n", NULL},
		{"Host * !mx1.example\nProxyJump gate\n", NULL},
		{"Host \"mx1.example\"\nHostKeyAlias=x", ":2 sets HostKeyAlias"},
		{"Host *\nUser deploy\nPort 2222\nIdentityFile ~/k\n", NULL}, /* settled below */
		{"Match host x,*.example\nProxyJump gate\n", ":2 sets ProxyJump"},
		{"Match host mx1.example exec true\nProxyJump gate\n", NULL},
		{"Match user root\nProxyJump gate\nMatch all\nHostName y\n", ":4 sets HostName"},
		{"Host mx1.example\nInclude conf.d/*\n", "conf.d/jump:1 sets ProxyJump"},
		{"Host other\nInclude conf.d/*\n", NULL},
		{"Include config\nInclude config\n", NULL},
		{"Host \"mx1\nHost\nMatch\nInclude\n=\n\"\n", NULL},
	};
	struct arena *a = arena_new();
	struct err e = {0};
	const char *before = getenv("HOME");
	setenv("HOME", folder, 1);
	assert_true(mkdirs(in_folder(a, ".ssh/conf.d"), 0700, &e));
	put_file(in_folder(a, ".ssh/conf.d/jump"), "ProxyJump gate\n");
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct target t = {.name = "m",
			.connection.address = "mx1.example",
			.connection.user = "root",
			.connection.port = 22,
			.connection.key_file = "/k",
			.known_hosts = "/h"};
		put_file(in_folder(a, ".ssh/config"), want[i].text);
		const char *found = sshconfig_for_ssh(a, &t);
		if (!found != !want[i].found || (found && !strstr(found, want[i].found)))
			fail_msg("case %zu: %s", i, found ? found : "nothing");
	}
	setenv("HOME", before ? before : "/", 1);
	arena_free(a);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/provision-hostkey-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	struct err e = {0};
	const char *argv[] = {"rm", "-rf", folder, NULL};
	struct proc p = {.argv = argv, .uid = (uid_t)-1};
	struct proc_result r;
	bool ok = proc_run(a, &p, &r, &e);
	arena_free(a);
	return ok ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_hosts_cases),
		cmocka_unit_test(known_hosts_hashed),
		cmocka_unit_test(known_hosts_written),
		cmocka_unit_test(methods_by_key),
		cmocka_unit_test(fingerprints_as_ssh),
		cmocka_unit_test(key_files),
		cmocka_unit_test(no_key_files),
		cmocka_unit_test(ssh_config),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
