/* SPDX-License-Identifier: MIT
 *
 * Connections over SSH to a private sshd: logins, host keys, the agent's way there, connections
 * that are cut, and the fallback to the system's ssh.
 */
#include "private_sshd.h"
#include "watched.h"

/* libssh2 reads by this one: a short wait before lets data come between any two looks at it. */
static useconds_t before_recv;

ssize_t recv(int fd, void *bytes, size_t n, int flags)
{
	if (before_recv)
		usleep(before_recv);
	return recvfrom(fd, bytes, n, flags, NULL, NULL);
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
		t.connection.key_file = path_join(a, dir, users[i % 2]);
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
	write_script("known_hosts", "");
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

/* What comes while one stream is read is taken off the socket with it: it must not lie there. */
static void ssh_data_comes_late(void **state)
{
	(void)state;
	struct server s = start_sshd(ed25519_only, "");
	know(&s, "host_ed25519");
	for (int i = 0; i < 10; i++) {
		struct target t = remote(s.port);
		struct watched w = {.ask = "echo"};
		before_recv = (useconds_t)(500 * (i + 1));
		run(&w, &t, 1);
		before_recv = 0;
		expect(&w, ERR_NONE, NULL);
		assert_int_equal(w.answers, 1);
	}
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
	t.connection.key_file = path_join(a, dir, "other_ed25519");
	run(&w, &t, 1);
	expect(&w, ERR_UNREACHABLE, "refused the login of root: tried ");
	assert_non_null(strstr(w.why.msg, "it offers publickey"));
	t.connection.key_file = NULL;
	t.connection.password = "wrong";
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
	struct watched w = {.hold = true, .on_hello = kill_parent}, killed = {.ask = "kill"};
	know(&s, "host_ed25519");
	run(&w, &t, 1);
	expect(&w, ERR_TRANSIENT, "the connection was lost: ");
	assert_int_equal(w.hellos, 1);
	run(&killed, &t, 1);
	expect(&killed, ERR_TRANSIENT, "the agent ended (killed by SIGKILL)");
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
	assert_int_equal(run_argv(remove), 0);
	assert_int_equal(mkdir("/var/lib/provision", 0755), 0);
	assert_int_equal(mkdir("/var/lib/provision/bin", 0700), 0);
	assert_int_equal(chmod("/var/lib/provision/bin", 0777), 0);
	run(&open, &t, 1);
	expect(&open, ERR_NONE, NULL);
	assert_int_equal(access("/root/.cache/provision", F_OK), 0);
	assert_int_equal(run_argv(remove), 0);
	assert_int_equal(mkdir("/var/lib/provision", 0755), 0);
	assert_int_equal(mount("none", "/var/lib/provision", "tmpfs", MS_NOEXEC, "mode=0755"), 0);
	run(&noexec, &t, 1);
	expect(&noexec, ERR_NONE, NULL);
	assert_true(noexec.brought);
	assert_int_equal(umount("/var/lib/provision"), 0);
	assert_int_equal(run_argv(remove), 0);
	run(&mine, &t, 1);
	assert_true(mine.brought);
	const char *agent = arena_printf(a, "/var/lib/provision/bin/agent-%s", image.sha);
	assert_int_equal(chown(agent, 65534, 65534), 0);
	run(&kept, &t, 1);
	expect(&kept, ERR_NONE, NULL);
	assert_true(kept.brought);
	stop_sshd(&s);
}

/* An agent with the wrong content is replaced, whatever that content does. */
static void ssh_damaged_agent(void **state)
{
	static const char *const damages[] = {
		"truncate -s 1000 $f",
		"head -c 5000 /dev/urandom >$f",
		"printf '#!/bin/sh\\nexit 0\\n' >$f",
		"printf '#!/bin/sh\\nhead -c 100000 /dev/zero\\n' >$f",
		"printf '#!/bin/sh\\nprintf \"\\\\n\\\\001PROVISION-AGENT\\\\001\\\\nxxxxxxxx\"' "
		">$f",
		"printf '#!/bin/sh\\nprintf \"\\\\n\\\\001PROVISION-AGENT\\\\001\\\\n\"' >$f",
		"printf '#!/nowhere\\n' >$f",
	};
	(void)state;
	struct server s = start_sshd(ed25519_only, "");
	struct target t = remote(s.port);
	struct watched first = {0};
	const char *agent = arena_printf(a, "/var/lib/provision/bin/agent-%s", image.sha);
	know(&s, "host_ed25519");
	run(&first, &t, 1);
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct watched w = {0}, after = {0};
		/* in a copy: the agent before may still run, and its file cannot be written then */
		const char *damage[] = {"sh", "-c",
			arena_printf(a, "f=%s.new; cp -p %s $f && %s && mv $f %s", agent, agent,
				damages[i], agent),
			NULL};
		assert_int_equal(run_argv(damage), 0);
		run(&w, &t, 1);
		expect(&w, ERR_NONE, NULL);
		if (!w.brought || w.hellos != 1)
			fail_msg("%s: the agent was not brought anew", damages[i]);
		run(&after, &t, 1);
		expect(&after, ERR_NONE, NULL);
		assert_false(after.brought);
	}
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
		"for i in 1 2 3 4 5; do touch -d 2040-01-0$i agent-$i; done; touch other",
		NULL};
	assert_int_equal(run_argv(prepare), 0);
	run(&w, &t, 1);
	expect(&w, ERR_NONE, NULL);
	const char *check[] = {"sh", "-c",
		"cd /var/lib/provision/bin; test $(ls | wc -l) = 5 && test -e agent-3 -a -e "
		"agent-5 "
		"-a -e other -a ! -e agent-2",
		NULL};
	assert_int_equal(run_argv(check), 0);
	stop_sshd(&s);
}

static void openssh_serves(void **state)
{
	(void)state;
	struct server s = start_sshd(rsa_only, "");
	struct target t = remote(s.port);
	struct watched rsa_host = {.ask = "big", .payload = BIG}, unknown = {0}, refused = {0};
	struct watched changed = {0};
	know(&s, "host_rsa");
	run(&rsa_host, &t, 1); /* libssh2 cannot check an RSA key: known by it alone */
	expect(&rsa_host, ERR_NONE, NULL);
	assert_int_equal(rsa_host.answer_size, BIG);
	write_script("known_hosts", "");
	run(&unknown, &t, 1); /* nothing in common in the handshake */
	expect(&unknown, ERR_UNREACHABLE, "ssh refused the host key");
	make_key("rsa", "host2_rsa");
	know(&s, "host2_rsa");
	run(&changed, &t, 1);
	expect(&changed, ERR_UNREACHABLE, "HOST KEY CHANGED: ");
	know(&s, "host_rsa");
	make_key("ed25519", "other_ed25519");
	t.connection.key_file = path_join(a, dir, "other_ed25519");
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
	t.connection.key_file = path_join(a, dir, "id_rsa");
	run(&key, &t, 1);
	expect(&key, ERR_NONE, NULL);
	assert_int_equal(key.answers, 1);
	t.connection.ssh_args = "-o Compression=no";
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
		t.connection.key_file = NULL;
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

/* libssh2 1.10 forgets a number of every ECDSA key that it reads; the sanitizer sees only the last
 * function of libcrypto. What we allocate there ourselves is tested in test_hostkey.c. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:CRYPTO_zalloc\n";
}

int main(int argc, char **argv)
{
	(void)argc;
	if (strncmp(path_base(argv[0]), "agent-", 6) == 0)
		return break_protocol();
	const struct CMUnitTest tests[] = {
		CASE(ssh_logs_in),
		CASE(ssh_host_keys),
		CASE(ssh_data_comes_late),
		CASE(ssh_wrong_key),
		CASE(ssh_noise),
		CASE(ssh_no_shell),
		CASE(ssh_is_cut),
		CASE(ssh_bad_folders),
		CASE(ssh_damaged_agent),
		CASE(ssh_old_agents),
		CASE(openssh_serves),
		CASE(openssh_for_an_rsa_key),
		CASE(ssh_agent_keys),
		CASE(many_at_once),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
