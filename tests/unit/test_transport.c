/* SPDX-License-Identifier: MIT
 *
 * Connections from open to closed: the local kind, and a private sshd on the loopback address. The
 * agent at the other end is this program itself under the name agent-..., so that it can misbehave
 * on request. The sshd cases run in a mount namespace of their own, with empty folders in the place
 * of root's home, /run and /var/lib: nothing of the machine is changed. They need root and sshd and
 * are skipped without.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "transport/transport.h"

enum { PATIENCE_MS = 30000, BIG = 3 << 20 };

static struct arena *a; /* of the running test */
static char dir[64];    /* keys, known_hosts, the agent under its name */
static struct agent_image image;

/* ---- the agent that misbehaves on request ---- */

static void say(enum frame_type type, const struct value *msg)
{
	struct buf out;
	buf_init(&out, FRAME_MAX);
	frame_write(&out, type, msg);
	write_all(1, out.p, out.n);
	buf_free(&out);
}

static void say_hello(struct arena *mem, int version)
{
	struct value *m = value_map(mem), *facts = value_map(mem);
	map_put(mem, facts, "parent", value_int(mem, getppid()));
	map_put(mem, m, "version", value_int(mem, version));
	map_put(mem, m, "facts", facts);
	map_put(mem, m, "uid", value_int(mem, getuid()));
	map_put(mem, m, "user", value_text(mem, "test"));
	say(FRAME_HELLO, m);
}

static struct value *observed(struct arena *mem, size_t size)
{
	char *text = arena_alloc(mem, size + 1);
	memset(text, 'x', size);
	struct value *m = value_map(mem), *steps = value_list(mem), *s = value_map(mem);
	struct value *result = value_map(mem);
	map_put(mem, result, "text", value_str(mem, str_c(text)));
	map_put(mem, s, "id", value_int(mem, 1));
	map_put(mem, s, "result", result);
	list_add(mem, steps, s);
	map_put(mem, m, "steps", steps);
	return m;
}

static int obey(struct arena *mem, const struct value *msg)
{
	const struct value *step = map_at(msg, "steps")->list.v[0];
	const char *word = map_cstr(step, "type", "");
	if (strcmp(word, "echo") == 0)
		say(FRAME_OBSERVED, observed(mem, 10));
	if (strcmp(word, "big") == 0)
		say(FRAME_OBSERVED, observed(mem, BIG));
	if (strcmp(word, "garbage") == 0)
		write_all(1, "\xff\xff\xff\xff\xff", 5);
	if (strcmp(word, "unasked") == 0)
		say(FRAME_OBSERVE, msg);
	if (strcmp(word, "die") == 0) {
		write_all(2, "my last\x1b[1m words\n", 19);
		return 3;
	}
	return 0;
}

static int misbehave(void)
{
	struct arena *mem = arena_new();
	struct buf in;
	int rc = 0;
	bool over = false;
	buf_init(&in, FRAME_MAX);
	write_all(1, WIRE_SYNC, sizeof WIRE_SYNC - 1);
	say_hello(mem, getenv("AGENT_VERSION") ? 99 : WIRE_VERSION);
	while (!over) {
		static char bytes[1 << 16];
		ssize_t n = read(0, bytes, sizeof bytes);
		if (n <= 0)
			break;
		buf_add(&in, bytes, (size_t)n);
		enum frame_type type;
		struct value *msg;
		struct err e = {0};
		while (!over && frame_read(mem, &in, &type, &msg, &e) == FRAME_OK) {
			rc = type == FRAME_OBSERVE ? obey(mem, msg) : 0;
			over = rc || type == FRAME_BYE;
		}
	}
	buf_free(&in);
	arena_free(mem);
	return rc;
}

/* ---- one connection, watched ---- */

struct watched {
	struct loop *loop;
	struct transport *t;
	struct loop_timer *patience;
	const char *ask; /* sent after HELLO; NULL: close then */
	size_t payload;  /* sent with it */
	bool hold;       /* do nothing after HELLO */
	int hellos, answers, closed, *left;
	size_t answer_size;
	int64_t parent; /* the agent's */
	bool brought;
	struct err why;
	void (*on_hello)(struct watched *w);
};

static void asked(struct watched *w)
{
	struct value *m = value_map(a), *steps = value_list(a), *s = value_map(a);
	struct value *params = value_map(a);
	char *text = arena_alloc(a, w->payload + 1);
	memset(text, 'y', w->payload);
	map_put(a, params, "text", value_str(a, str_c(text)));
	map_put(a, s, "id", value_int(a, 1));
	map_put(a, s, "type", value_text(a, w->ask));
	map_put(a, s, "params", params);
	list_add(a, steps, s);
	map_put(a, m, "steps", steps);
	transport_send(w->t, FRAME_OBSERVE, m);
}

static void progress(void *ctx, const char *what)
{
	struct watched *w = ctx;
	assert_int_equal(w->closed, 0);
	w->brought |= strcmp(what, "sending the agent") == 0;
}

static void frame(void *ctx, enum frame_type type, struct value *msg)
{
	struct watched *w = ctx;
	assert_int_equal(w->closed, 0);
	if (type == FRAME_HELLO) {
		w->hellos++;
		w->parent = map_int(map_at(msg, "facts"), "parent", 0);
		if (w->on_hello)
			w->on_hello(w);
		if (w->ask)
			asked(w);
		else if (!w->hold)
			transport_close(w->t);
	} else if (type == FRAME_OBSERVED) {
		w->answers++;
		const struct value *step = map_at(msg, "steps")->list.v[0];
		w->answer_size = strlen(map_cstr(map_at(step, "result"), "text", ""));
		transport_close(w->t);
	}
}

static void closed(void *ctx, const struct err *why)
{
	struct watched *w = ctx;
	assert_int_equal(w->closed, 0);
	w->closed++;
	w->why = *why;
	if (--*w->left == 0)
		loop_stop(w->loop);
}

static void out_of_patience(void *ctx)
{
	loop_stop(ctx);
}

static void open_watched(struct watched *w, const struct target *t, struct loop *l, int *left)
{
	static const struct transport_events events = {progress, frame, closed};
	w->loop = l;
	w->left = left;
	w->t = transport_open(l, a, t, &image, &events, w);
	assert_int_equal(w->closed, 0);
}

/* Runs n connections to their ends. */
static void run(struct watched *w, const struct target *t, int n)
{
	struct loop *l = loop_new();
	int left = n;
	for (int i = 0; i < n; i++)
		open_watched(&w[i], &t[i], l, &left);
	loop_timer(l, PATIENCE_MS, out_of_patience, l);
	loop_run(l);
	loop_free(l);
	if (left)
		fail_msg("%d of %d did not end within %d ms", left, n, PATIENCE_MS);
}

static void expect(const struct watched *w, enum err_kind kind, const char *says)
{
	if (w->why.kind != kind || (says && !strstr(w->why.msg, says)))
		fail_msg("ended with kind %d, '%s'; not %d, '%s'", w->why.kind, w->why.msg, kind,
			says ? says : "");
}

static struct target local(void)
{
	return (struct target){.name = "me", .kind = "local"};
}

/* ---- local ---- */

static void local_hello_and_bye(void **state)
{
	(void)state;
	struct target t = local();
	struct watched w = {0};
	run(&w, &t, 1);
	expect(&w, ERR_NONE, NULL);
	assert_int_equal(w.hellos, 1);
}

static void local_large_both_ways(void **state)
{
	(void)state;
	struct target t = local();
	struct watched w = {.ask = "big", .payload = BIG};
	run(&w, &t, 1);
	expect(&w, ERR_NONE, NULL);
	assert_int_equal(w.answer_size, BIG);
}

static void local_bad_frames(void **state)
{
	(void)state;
	struct target t = local();
	struct watched garbage = {.ask = "garbage"}, dead = {.ask = "die"};
	run(&garbage, &t, 1);
	expect(&garbage, ERR_PERMANENT, "me (this machine): a message of the agent is wrong: ");
	run(&dead, &t, 1);
	expect(&dead, ERR_TRANSIENT, "the agent ended (exit status 3): my last[1m words");
}

static void local_other_version(void **state)
{
	(void)state;
	struct target t = local();
	struct watched w = {0};
	setenv("AGENT_VERSION", "99", 1);
	run(&w, &t, 1);
	unsetenv("AGENT_VERSION");
	expect(&w, ERR_PERMANENT, "speaks version 99");
	assert_int_equal(w.hellos, 0);
}

static const char *script(const char *name, const char *text)
{
	struct err e = {0};
	struct file_attr attr = {.mode = 0700, .uid = (uid_t)-1, .gid = (gid_t)-1};
	const char *path = path_join(a, dir, name);
	if (!file_replace(path, text, strlen(text), attr, NULL, NULL, &e))
		fail_msg("%s", e.msg);
	return path;
}

static void local_program_is_no_agent(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum err_kind kind;
		const char *says;
	} programs[] = {
		{"#!/bin/sh\necho one; echo two >&2; printf 'three\\377\\n' >&2; exit 7\n",
			ERR_UNREACHABLE, "could not be started: two | three? (exit status 7)"},
		{"#!/bin/sh\necho 'only here'; exit 1\n", ERR_UNREACHABLE, "only here"},
		{"#!/bin/sh\nexit 0\n", ERR_UNREACHABLE, "it said nothing"},
		{"#!/bin/sh\nhead -c 100000 /dev/zero | tr '\\0' x; sleep 60\n", ERR_UNREACHABLE,
			"prints more than 64 KB"},
		{"#!/bin/sh\nprintf '\\n\\001PROVISION-NEED\\001\\n"
		 "\\n\\001PROVISION-NEED\\001\\n'; sleep 60\n",
			ERR_PERMANENT, "a second time"},
		{"#!/bin/sh\nprintf '\\n\\001PROVISION-AGENT\\001\\nxxxxxxxx'; sleep 60\n",
			ERR_PERMANENT, "is wrong"},
		{"#!/bin/sh\nprintf '\\n\\001PROVISION-AGENT\\001\\n'; echo sorry >&2\n",
			ERR_PERMANENT, "the agent ended (exit status 0): sorry"},
		{"#!/nowhere\n", ERR_UNREACHABLE, "cannot run"},
	};
	struct target t = local();
	struct agent_image saved = image;
	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		struct watched w = {0};
		image.path = script(arena_printf(a, "program%zu", i), programs[i].text);
		run(&w, &t, 1);
		expect(&w, programs[i].kind, programs[i].says);
	}
	image = saved;
}

/* Noise before the mark is skipped, also a mark that comes in pieces. */
static void local_noise_is_skipped(void **state)
{
	(void)state;
	struct target t = local();
	struct watched w = {0};
	struct agent_image saved = image;
	image.path = script("noise",
		arena_printf(a,
			"#!/bin/sh\nseq 1 5000\nprintf '\\n\\001PROVISION-'\nsleep 0.1\nexec %s\n",
			saved.path));
	run(&w, &t, 1);
	image = saved;
	expect(&w, ERR_NONE, NULL);
	assert_int_equal(w.hellos, 1);
}

static void closed_at_once(void **state)
{
	(void)state;
	struct target t = local();
	struct watched w = {0};
	struct loop *l = loop_new();
	int left = 1;
	open_watched(&w, &t, l, &left);
	transport_close(w.t);
	transport_close(w.t);
	assert_int_equal(w.closed, 0);
	loop_run(l);
	loop_free(l);
	assert_int_equal(w.closed, 1);
	expect(&w, ERR_NONE, NULL);
}

static void targets_refused(void **state)
{
	(void)state;
	static const struct {
		struct target t;
		const char *says;
	} bad[] = {
		{{.name = "m", .address = "h", .kind = "telnet"}, "'telnet'"},
		{{.name = "m", .address = "-oProxyCommand=x"}, "is no address"},
		{{.name = "m", .address = "h", .key_file = "/nonexistent/key"}, "is not there"},
		{{.name = "m", .address = "h", .kind = "openssh", .ssh_args = "'"}, "has no end"},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct watched w = {0};
		run(&w, &bad[i].t, 1);
		expect(&w, ERR_CONFIG, bad[i].says);
	}
}

/* ---- sockets that are no sshd ---- */

static int listener(int backlog, int *port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof addr;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, n), 0);
	if (backlog)
		assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &n), 0);
	*port = ntohs(addr.sin_port);
	return fd;
}

static struct target remote(int port)
{
	return (struct target){.name = "mx1",
		.address = "127.0.0.1",
		.port = port,
		.user = "root",
		.key_file = path_join(a, dir, "id_ed25519"),
		.known_hosts = path_join(a, dir, "known_hosts")};
}

static void make_key(const char *type, const char *name);

static void nobody_listens(void **state)
{
	(void)state;
	int port, fd = listener(0, &port);
	make_key("ed25519", "id_ed25519");
	struct target t = remote(port);
	struct watched w = {0};
	run(&w, &t, 1);
	close(fd);
	expect(&w, ERR_UNREACHABLE, "cannot connect: Connection refused");
	t.address = "no-such-name.invalid";
	w = (struct watched){0};
	run(&w, &t, 1);
	expect(&w, ERR_UNREACHABLE, "cannot connect: ");
}

static void a_silent_host_times_out(void **state)
{
	(void)state;
	int port, fd = listener(8, &port);
	make_key("ed25519", "id_ed25519");
	struct target t = remote(port);
	struct watched w = {0};
	t.timeout_s = 1;
	int64_t start = loop_now_ms();
	run(&w, &t, 1);
	close(fd);
	expect(&w, ERR_UNREACHABLE, "no answer within 1 s (while connecting)");
	assert_in_range(loop_now_ms() - start, 900, 5000);
}

/* Something else listens there; it talks, then hangs up. */
static void no_ssh_server(void **state)
{
	(void)state;
	int port, fd = listener(8, &port);
	make_key("ed25519", "id_ed25519");
	pid_t pid = fork();
	if (pid == 0) {
		int c = accept(fd, NULL, NULL);
		write_all(c, "220 mx1 ESMTP\r\n421 bye\r\n", 24);
		_exit(0);
	}
	struct target t = remote(port);
	struct watched w = {0};
	t.timeout_s = 3;
	run(&w, &t, 1);
	waitpid(pid, NULL, 0);
	close(fd);
	expect(&w, ERR_UNREACHABLE, "mx1 (127.0.0.1 port ");
}

/* ---- a private sshd ---- */

static int run_program(const char *const *argv)
{
	struct proc p = {.argv = argv, .uid = (uid_t)-1, .timeout_s = 60};
	struct proc_result r;
	struct err e = {0};
	return proc_run(a, &p, &r, &e) ? r.status : -1;
}

static void make_key(const char *type, const char *name)
{
	const char *path = path_join(a, dir, name);
	const char *argv[] = {"ssh-keygen", "-q", "-t", type, "-N", "", "-f", path, NULL};
	if (access(path, R_OK) != 0 && run_program(argv) != 0)
		skip();
}

struct server {
	pid_t pid;
	int port;
};
static bool isolated; /* the mounts below are in place */

/* Empty folders over those that sshd, the login and the agent would use; only this process and its
 * children see them. */
static bool isolate(void)
{
	static const char *const over[] = {"/run", "/var/lib", "/root"};
	if (isolated)
		return true;
	if (geteuid() != 0 || access("/usr/sbin/sshd", X_OK) != 0 || unshare(CLONE_NEWNS) != 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(over); i++)
		if (mount("none", over[i], "tmpfs", 0, "mode=0755") != 0)
			return false;
	isolated = mkdir("/run/sshd", 0755) == 0;
	return isolated;
}

static bool answers(int port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0;
	close(fd);
	return ok;
}

static void write_authorized(void)
{
	static const char *const users[] = {"id_ed25519", "id_ecdsa", "id_rsa"};
	struct buf all;
	buf_init(&all, 1 << 16);
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		struct str text;
		struct err e = {0};
		assert_true(file_read(a, path_join(a, dir, arena_printf(a, "%s.pub", users[i])),
			1 << 14, &text, &e));
		buf_add(&all, text.p, text.n);
	}
	script("authorized", all.p);
	buf_free(&all);
}

/* `host_keys`: names of key files; `more`: lines for its configuration. */
static struct server start_sshd(const char *const *host_keys, const char *more)
{
	if (!isolate())
		skip();
	struct server s;
	make_key("ed25519", "id_ed25519");
	make_key("ecdsa", "id_ecdsa");
	make_key("rsa", "id_rsa");
	write_authorized();
	int fd = listener(0, &s.port);
	close(fd);
	const char *conf = arena_printf(a,
		"Port %d\nListenAddress 127.0.0.1\nAuthorizedKeysFile %s/authorized\nPidFile none\n"
		"StrictModes no\nUsePAM no\nPermitRootLogin yes\nLogLevel ERROR\n%s\n",
		s.port, dir, more);
	for (size_t i = 0; host_keys[i]; i++) {
		make_key(strchr(host_keys[i], '_') + 1, host_keys[i]);
		conf = arena_printf(a, "%sHostKey %s/%s\n", conf, dir, host_keys[i]);
	}
	const char *path = script("sshd_config", conf), *log = path_join(a, dir, "sshd.log");
	s.pid = fork();
	if (s.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM); /* also when a case fails half-way */
		execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-f", path, "-E", log,
			(char *)NULL);
		_exit(1);
	}
	for (int i = 0; i < 200 && !answers(s.port); i++)
		usleep(20000);
	return s;
}

static void stop_sshd(const struct server *s)
{
	kill(s->pid, SIGTERM);
	waitpid(s->pid, NULL, 0);
}

static const char *const ed25519_only[] = {"host_ed25519", NULL};
static const char *const usual_keys[] = {"host_ed25519", "host_ecdsa", NULL};
static const char *const rsa_only[] = {"host_rsa", NULL};

static void know(const struct server *s, const char *host_key)
{
	struct str pub;
	struct err e = {0};
	assert_true(file_read(
		a, path_join(a, dir, arena_printf(a, "%s.pub", host_key)), 1 << 14, &pub, &e));
	script("known_hosts", arena_printf(a, "[127.0.0.1]:%d %s", s->port, pub.p));
}

static void ssh_logs_in(void **state)
{
	(void)state;
	struct server s = start_sshd(usual_keys, "");
	static const char *const users[] = {"id_ed25519", "id_ecdsa"};
	static const char *const hosts[] = {"host_ed25519", "host_ecdsa"};
	for (size_t i = 0; i < 4; i++) {
		struct target t = remote(s.port);
		struct watched w = {.ask = "big", .payload = BIG};
		know(&s, hosts[i / 2]);
		t.key_file = path_join(a, dir, users[i % 2]);
		run(&w, &t, 1);
		expect(&w, ERR_NONE, NULL);
		assert_int_equal(w.answers, 1);
		assert_int_equal(w.answer_size, BIG);
		assert_int_equal(w.brought, i == 0); /* it stays for the next time */
	}
	stop_sshd(&s);
}

static void ssh_host_keys(void **state)
{
	(void)state;
	struct server s = start_sshd(ed25519_only, "");
	struct target t = remote(s.port);
	struct watched unknown = {0}, accepted = {0}, known = {0}, changed = {0};
	script("known_hosts", "");
	run(&unknown, &t, 1);
	expect(&unknown, ERR_UNREACHABLE, "is not known: SHA256:");
	assert_non_null(strstr(unknown.why.msg, "--accept-new-host-keys"));
	t.accept_new = true;
	run(&accepted, &t, 1);
	expect(&accepted, ERR_NONE, NULL);
	t.accept_new = false;
	run(&known, &t, 1);
	expect(&known, ERR_NONE, NULL);
	make_key("ed25519", "host2_ed25519");
	know(&s, "host2_ed25519");
	t.accept_new = true; /* takes a new key, never another one */
	run(&changed, &t, 1);
	expect(&changed, ERR_UNREACHABLE, "HOST KEY CHANGED");
	assert_non_null(strstr(changed.why.msg, "known_hosts:1 "));
	assert_int_equal(changed.hellos, 0);
	stop_sshd(&s);
}

static void ssh_wrong_key(void **state)
{
	(void)state;
	struct server s = start_sshd(ed25519_only, "");
	struct target t = remote(s.port);
	struct watched w = {0};
	know(&s, "host_ed25519");
	make_key("ed25519", "other_ed25519");
	t.key_file = path_join(a, dir, "other_ed25519");
	run(&w, &t, 1);
	expect(&w, ERR_UNREACHABLE, "refused the login of root: tried ");
	assert_non_null(strstr(w.why.msg, "it offers publickey"));
	t.key_file = NULL;
	t.password = "wrong";
	w = (struct watched){0};
	run(&w, &t, 1);
	expect(&w, ERR_UNREACHABLE, "tried the password");
	stop_sshd(&s);
}

/* Login scripts that print, on both streams; the agent's marks are found all the same. */
static void ssh_noise(void **state)
{
	(void)state;
	struct server s = start_sshd(ed25519_only,
		"ForceCommand seq 1 3000; seq 1 3000 >&2; eval \"$SSH_ORIGINAL_COMMAND\"");
	struct target t = remote(s.port);
	struct watched w = {.ask = "echo"};
	know(&s, "host_ed25519");
	run(&w, &t, 1);
	expect(&w, ERR_NONE, NULL);
	assert_int_equal(w.answers, 1);
	stop_sshd(&s);
}

static void ssh_no_shell(void **state)
{
	(void)state;
	struct server s =
		start_sshd(ed25519_only, "ForceCommand echo 'This account is closed.'; exit 4");
	struct target t = remote(s.port);
	struct watched w = {0};
	know(&s, "host_ed25519");
	run(&w, &t, 1);
	expect(&w, ERR_UNREACHABLE, "This account is closed. (exit status 4)");
	stop_sshd(&s);
}

static void kill_parent(struct watched *w)
{
	kill((pid_t)w->parent, SIGKILL);
}

static void ssh_is_cut(void **state)
{
	(void)state;
	struct server s = start_sshd(ed25519_only, "");
	struct target t = remote(s.port);
	struct watched w = {.hold = true, .on_hello = kill_parent};
	know(&s, "host_ed25519");
	run(&w, &t, 1);
	expect(&w, ERR_TRANSIENT, "the connection was lost: ");
	assert_int_equal(w.hellos, 1);
	stop_sshd(&s);
}

/* The folder first in line is not used when others may write to it, or when programs may not run
 * there; a file of the agent's name that somebody else left there is not run. */
static void ssh_bad_folders(void **state)
{
	(void)state;
	struct server s = start_sshd(ed25519_only, "");
	struct target t = remote(s.port);
	struct watched open = {0}, noexec = {0}, mine = {0}, kept = {0};
	know(&s, "host_ed25519");
	const char *remove[] = {"rm", "-rf", "/var/lib/provision", "/root/.cache", NULL};
	assert_int_equal(run_program(remove), 0);
	assert_int_equal(mkdir("/var/lib/provision", 0755), 0);
	assert_int_equal(mkdir("/var/lib/provision/bin", 0700), 0);
	assert_int_equal(chmod("/var/lib/provision/bin", 0777), 0);
	run(&open, &t, 1);
	expect(&open, ERR_NONE, NULL);
	assert_int_equal(access("/root/.cache/provision", F_OK), 0);
	assert_int_equal(run_program(remove), 0);
	assert_int_equal(mkdir("/var/lib/provision", 0755), 0);
	assert_int_equal(mount("none", "/var/lib/provision", "tmpfs", MS_NOEXEC, "mode=0755"), 0);
	run(&noexec, &t, 1);
	expect(&noexec, ERR_NONE, NULL);
	assert_true(noexec.brought);
	assert_int_equal(umount("/var/lib/provision"), 0);
	assert_int_equal(run_program(remove), 0);
	run(&mine, &t, 1);
	assert_true(mine.brought);
	const char *agent = arena_printf(a, "/var/lib/provision/bin/agent-%s", image.sha);
	assert_int_equal(chown(agent, 65534, 65534), 0);
	run(&kept, &t, 1);
	expect(&kept, ERR_NONE, NULL);
	assert_true(kept.brought);
	stop_sshd(&s);
}

/* Old agents go, the newest stay. */
static void ssh_old_agents(void **state)
{
	(void)state;
	struct server s = start_sshd(ed25519_only, "");
	struct target t = remote(s.port);
	struct watched w = {0};
	know(&s, "host_ed25519");
	const char *prepare[] = {"sh", "-c",
		"rm -rf /var/lib/provision; mkdir -p /var/lib/provision/bin; "
		"cd /var/lib/provision/bin; chmod 700 .; "
		"for i in 1 2 3 4 5; do touch -d 2020-01-0$i agent-$i; done; touch other",
		NULL};
	assert_int_equal(run_program(prepare), 0);
	run(&w, &t, 1);
	expect(&w, ERR_NONE, NULL);
	const char *check[] = {"sh", "-c",
		"cd /var/lib/provision/bin; test $(ls | wc -l) = 5 && test -e agent-3 -a -e "
		"agent-5 "
		"-a -e other -a ! -e agent-2",
		NULL};
	assert_int_equal(run_program(check), 0);
	stop_sshd(&s);
}

static void openssh_serves(void **state)
{
	(void)state;
	struct server s = start_sshd(rsa_only, "");
	struct target t = remote(s.port);
	struct watched rsa_host = {.ask = "big", .payload = BIG}, unknown = {0}, refused = {0};
	know(&s, "host_rsa");
	run(&rsa_host, &t, 1); /* libssh2 cannot check an RSA key: known by it alone */
	expect(&rsa_host, ERR_NONE, NULL);
	assert_int_equal(rsa_host.answer_size, BIG);
	script("known_hosts", "");
	run(&unknown, &t, 1); /* nothing in common in the handshake */
	expect(&unknown, ERR_UNREACHABLE, "ssh refused the host key");
	know(&s, "host_rsa");
	make_key("ed25519", "other_ed25519");
	t.key_file = path_join(a, dir, "other_ed25519");
	run(&refused, &t, 1);
	expect(&refused, ERR_UNREACHABLE, "ssh could not log in: ");
	stop_sshd(&s);
}

static void openssh_for_an_rsa_key(void **state)
{
	(void)state;
	struct server s = start_sshd(ed25519_only, "");
	struct target t = remote(s.port);
	struct watched key = {.ask = "echo"}, args = {.ask = "echo"}, cut = {0};
	know(&s, "host_ed25519");
	t.key_file = path_join(a, dir, "id_rsa");
	run(&key, &t, 1);
	expect(&key, ERR_NONE, NULL);
	assert_int_equal(key.answers, 1);
	t.ssh_args = "-o Compression=no";
	run(&args, &t, 1);
	expect(&args, ERR_NONE, NULL);
	cut.hold = true;
	cut.on_hello = kill_parent;
	run(&cut, &t, 1);
	expect(&cut, ERR_TRANSIENT, "the agent ended (exit status 255)");
	stop_sshd(&s);
}

/* The keys in ssh-agent; with an RSA key alone in it ssh takes over. */
static void ssh_agent_keys(void **state)
{
	(void)state;
	struct server s = start_sshd(ed25519_only, "");
	const char *sock = path_join(a, dir, "agent.sock");
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(open("/dev/null", O_WRONLY), 1);
		execlp("ssh-agent", "ssh-agent", "-D", "-a", sock, (char *)NULL);
		_exit(1);
	}
	for (int i = 0; i < 200 && access(sock, F_OK) != 0; i++)
		usleep(20000);
	setenv("SSH_AUTH_SOCK", sock, 1);
	setenv("HOME", dir, 1);
	know(&s, "host_ed25519");
	static const char *const keys[] = {"id_rsa", "id_ed25519"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct target t = remote(s.port);
		struct watched w = {.ask = "echo"};
		const char *env[] = {arena_printf(a, "SSH_AUTH_SOCK=%s", sock), NULL};
		const char *argv[] = {"ssh-add", "-q", path_join(a, dir, keys[i]), NULL};
		struct proc p = {.argv = argv, .env = env, .uid = (uid_t)-1};
		struct proc_result r;
		struct err e = {0};
		assert_true(proc_run(a, &p, &r, &e) && r.status == 0);
		t.key_file = NULL;
		run(&w, &t, 1);
		expect(&w, ERR_NONE, NULL);
		assert_int_equal(w.answers, 1);
	}
	unsetenv("SSH_AUTH_SOCK");
	unsetenv("HOME");
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	stop_sshd(&s);
}

/* Twelve at once, two of them dead: those delay and spoil nothing. */
static void many_at_once(void **state)
{
	(void)state;
	enum { N = 12 };
	struct server s = start_sshd(ed25519_only, "MaxStartups 100");
	struct target t[N];
	struct watched w[N] = {0};
	int silent, nobody, fd = listener(8, &silent), none = listener(0, &nobody);
	know(&s, "host_ed25519");
	for (int i = 0; i < N; i++) {
		t[i] = remote(i == 3 ? silent : i == 7 ? nobody : s.port);
		t[i].timeout_s = i == 3 ? 4 : 20;
		w[i].ask = "echo";
	}
	run(w, t, N);
	for (int i = 0; i < N; i++) {
		expect(&w[i], i == 3 || i == 7 ? ERR_UNREACHABLE : ERR_NONE, NULL);
		assert_int_equal(w[i].answers, i != 3 && i != 7);
	}
	close(fd);
	close(none);
	stop_sshd(&s);
}

/* ---- the tests' frame ---- */

static int each_set_up(void **state)
{
	(void)state;
	a = arena_new();
	return 0;
}

static int each_tear_down(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static int set_up(void **state)
{
	static struct arena *all;
	struct err e = {0};
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/provision-transport-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	*state = all = arena_new();
	setenv("PROVISION_AGENT", "/proc/self/exe", 1);
	if (!agent_image_load(all, &image, &e))
		fail_msg("%s", e.msg);
	image.path = path_join(all, dir, "agent-local");
	struct file_attr attr = {.mode = 0700, .uid = (uid_t)-1, .gid = (gid_t)-1};
	return file_replace(image.path, image.bytes.p, image.bytes.n, attr, NULL, NULL, &e) ? 0
											    : -1;
}

static int tear_down(void **state)
{
	a = *state;
	const char *argv[] = {"rm", "-rf", dir, NULL};
	int rc = run_program(argv);
	arena_free(a);
	return rc;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, each_set_up, each_tear_down)

int main(int argc, char **argv)
{
	(void)argc;
	if (strncmp(path_base(argv[0]), "agent-", 6) == 0)
		return misbehave();
	const struct CMUnitTest tests[] = {
		CASE(local_hello_and_bye),
		CASE(local_large_both_ways),
		CASE(local_bad_frames),
		CASE(local_other_version),
		CASE(local_program_is_no_agent),
		CASE(local_noise_is_skipped),
		CASE(closed_at_once),
		CASE(targets_refused),
		CASE(nobody_listens),
		CASE(a_silent_host_times_out),
		CASE(no_ssh_server),
		CASE(ssh_logs_in),
		CASE(ssh_host_keys),
		CASE(ssh_wrong_key),
		CASE(ssh_noise),
		CASE(ssh_no_shell),
		CASE(ssh_is_cut),
		CASE(ssh_bad_folders),
		CASE(ssh_old_agents),
		CASE(openssh_serves),
		CASE(openssh_for_an_rsa_key),
		CASE(ssh_agent_keys),
		CASE(many_at_once),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
