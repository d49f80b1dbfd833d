/* SPDX-License-Identifier: MIT
 *
 * For the transport's tests: a private sshd on the loopback address. It runs in a mount namespace
 * with empty folders in the place of root's home, /run and /var/lib: nothing of the machine is
 * changed. It needs root and sshd; without, the case is skipped.
 */
#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "transport_folder.h"

HELPER int listener(int backlog, int *port)
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

HELPER struct target remote(int port)
{
	return (struct target){.name = "mx1",
		.connection.address = "127.0.0.1",
		.connection.port = port,
		.connection.user = "root",
		.connection.key_file = path_join(a, dir, "id_ed25519"),
		.known_hosts = path_join(a, dir, "known_hosts")};
}

struct server {
	pid_t pid;
	int port;
};
static bool isolated; /* the mounts below are in place */

/* Empty folders over those that sshd, the login and the agent would use; only this process and its
 * children see them. */
HELPER bool isolate(void)
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

HELPER bool answers(int port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0;
	close(fd);
	return ok;
}

HELPER void write_authorized(void)
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
	write_script("authorized", all.p);
	buf_free(&all);
}

/* `host_keys`: names of key files; `more`: lines for its configuration. */
HELPER struct server start_sshd(const char *const *host_keys, const char *more)
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
	const char *path = write_script("sshd_config", conf), *log = path_join(a, dir, "sshd.log");
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

HELPER void stop_sshd(const struct server *s)
{
	kill(s->pid, SIGTERM);
	waitpid(s->pid, NULL, 0);
}

static const char *const ed25519_only[] = {"host_ed25519", NULL};
static const char *const usual_keys[] = {"host_ed25519", "host_ecdsa", NULL};
static const char *const rsa_only[] = {"host_rsa", NULL};

HELPER void know(const struct server *s, const char *host_key)
{
	struct str pub;
	struct err e = {0};
	assert_true(file_read(
		a, path_join(a, dir, arena_printf(a, "%s.pub", host_key)), 1 << 14, &pub, &e));
	write_script("known_hosts", arena_printf(a, "[127.0.0.1]:%d %s", s->port, pub.p));
}
