/* SPDX-License-Identifier: MIT
 *
 * For the agent's tests: the built agent as a child, a socket to it, messages made in a line, and a
 * folder for each test. Whatever goes wrong in here fails the running test.
 */
#pragma once
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "wire/wire.h"
#include <cmocka.h>

#define HELPER __attribute__((unused)) static
enum { PATIENCE_S = 30 };

static struct arena *a; /* of the running test */
static char *dir;       /* its folder; the agent's state is in dir/state */

struct peer {
	int fd;
	pid_t pid;
	struct buf in;
	struct value *hello;
};

/* ---- the test's folder ---- */

HELPER int test_setup(void **state)
{
	(void)state;
	a = arena_new();
	dir = arena_strdup(a, "/tmp/test_agent.XXXXXX");
	signal(SIGPIPE, SIG_IGN);
	return mkdtemp(dir) ? 0 : -1;
}

HELPER int test_teardown(void **state)
{
	const char *argv[] = {"rm", "-rf", dir, NULL};
	struct proc_result r;
	struct err e = {0};
	(void)state;
	proc_run(a, &(struct proc){.argv = argv, .uid = (uid_t)-1}, &r, &e);
	arena_free(a);
	return 0;
}

HELPER const char *in_dir(const char *name)
{
	return path_join(a, dir, name);
}

HELPER void put_file(const char *path, const char *text)
{
	struct err e = {0};
	struct file_attr attr = {0644, (uid_t)-1, (gid_t)-1};
	if (!file_replace(path, text, strlen(text), attr, &e))
		fail_msg("%s", e.msg);
}

HELPER const char *get_file(const char *path)
{
	struct err e = {0};
	struct str s;
	if (!file_read(a, path, FILE_MAX, &s, &e))
		fail_msg("%s", e.msg);
	return s.p;
}

HELPER bool is_there(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

HELPER void wait_for(const char *path)
{
	for (int i = 0; i < PATIENCE_S * 100; i++) {
		if (is_there(path))
			return;
		usleep(10 * 1000);
	}
	fail_msg("%s did not come", path);
}

/* ---- the agent ---- */

HELPER const char *agent_path(void)
{
	char self[PATH_MAX];
	const char *given = getenv("PROVISION_AGENT");
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (given || n < 0)
		return given;
	self[n] = 0;
	return path_join(a, dirname(dirname(self)), "provision-agent");
}

HELPER struct value *peer_read(struct peer *p, enum frame_type *type)
{
	char chunk[65536];
	struct value *msg;
	struct err e = {0};
	enum frame_status got;
	while ((got = frame_read(a, &p->in, type, &msg, &e)) == FRAME_MORE) {
		ssize_t n = read(p->fd, chunk, sizeof(chunk));
		if (n <= 0)
			fail_msg("the agent said no more");
		buf_add(&p->in, chunk, (size_t)n);
	}
	if (got == FRAME_BAD)
		fail_msg("%s", e.msg);
	return msg;
}

HELPER struct value *peer_until(struct peer *p, enum frame_type wanted)
{
	enum frame_type type;
	struct value *msg;
	do {
		msg = peer_read(p, &type);
		if (type == FRAME_FATAL && wanted != FRAME_FATAL)
			fail_msg("FATAL: %s", map_cstr(msg, "msg", ""));
	} while (type != wanted);
	return msg;
}

HELPER void skip_sync(struct peer *p)
{
	char mark[sizeof(WIRE_SYNC) - 1];
	for (size_t n = 0; n < sizeof(mark);) {
		ssize_t r = read(p->fd, mark + n, sizeof(mark) - n);
		if (r <= 0)
			fail_msg("the agent (%s) did not start", agent_path());
		n += (size_t)r;
	}
	assert_memory_equal(mark, WIRE_SYNC, sizeof(mark));
}

HELPER void peer_start(struct peer *p)
{
	int ends[2];
	struct timeval patience = {PATIENCE_S, 0};
	const char *path = agent_path(), *state = in_dir("state");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	*p = (struct peer){.fd = ends[0], .pid = fork()};
	if (p->pid == 0) {
		dup2(ends[1], 0);
		dup2(ends[1], 1);
		setenv("PROVISION_STATE", state, 1);
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	buf_init(&p->in, (size_t)FRAME_MAX * 2);
	skip_sync(p);
	p->hello = peer_until(p, FRAME_HELLO);
}

HELPER void peer_send(struct peer *p, enum frame_type type, const struct value *msg)
{
	struct buf b;
	buf_init(&b, (size_t)FRAME_MAX * 2);
	frame_write(&b, type, msg);
	assert_true(write_all(p->fd, b.p, b.n));
	buf_free(&b);
}

HELPER int peer_wait(struct peer *p)
{
	int status = 0;
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The connection breaks; what the agent does then is its own. */
HELPER void peer_hang_up(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	buf_free(&p->in);
}

HELPER int peer_end(struct peer *p)
{
	peer_hang_up(p);
	return peer_wait(p);
}

/* ---- messages ---- */

/* A map of texts: "path", "/x", "mode", "0644", NULL. */
HELPER struct value *texts(const char *key, ...)
{
	struct value *map = value_map(a);
	va_list args;
	va_start(args, key);
	for (; key; key = va_arg(args, const char *))
		map_put(a, map, key, value_text(a, va_arg(args, const char *)));
	va_end(args);
	return map;
}

HELPER struct value *list_of(struct value *item, ...)
{
	struct value *list = value_list(a);
	va_list args;
	va_start(args, item);
	for (; item; item = va_arg(args, struct value *))
		list_add(a, list, item);
	va_end(args);
	return list;
}

HELPER struct value *step_of(int id, const char *type, struct value *params)
{
	struct value *step = value_map(a);
	map_put(a, step, "id", value_int(a, id));
	if (type)
		map_put(a, step, "type", value_text(a, type));
	if (params)
		map_put(a, step, "params", params);
	return step;
}

HELPER struct value *copy_of(int id, const char *dest, const char *content)
{
	struct value *params = texts("dest", dest, "mode", "0644", NULL);
	map_put(a, params, "content", value_blob(a, str_c(content)));
	return step_of(id, "copy", params);
}

HELPER struct value *shell_of(int id, const char *script)
{
	return step_of(id, "shell", texts("cmd", script, NULL));
}

/* As a step of APPLY, after it was observed: the contents, and what else it should say. */
HELPER struct value *again(const struct value *step, const char *key, struct value *v)
{
	struct value *out = value_map(a), *blobs = value_map(a);
	const struct value *params = map_at(step, "params");
	map_put(a, out, "id", map_at(step, "id"));
	map_put(a, out, "name", value_printf(a, "step number %d", (int)map_int(step, "id", 0)));
	if (params && map_at(params, "content")) {
		map_put(a, blobs, "content", map_at(params, "content"));
		map_put(a, out, "blobs", blobs);
	}
	if (key)
		map_put(a, out, key, v);
	return out;
}

/* As a step of APPLY that no OBSERVE had: it brings everything. */
HELPER struct value *fresh(const struct value *step, const char *key, struct value *v)
{
	struct value *out = again(step, key, v);
	map_put(a, out, "type", map_at(step, "type"));
	map_put(a, out, "params", map_at(step, "params"));
	return out;
}

HELPER struct value *names(const char *one, const char *two)
{
	struct value *list = list_of(value_text(a, one), NULL);
	if (two)
		list_add(a, list, value_text(a, two));
	return list;
}

HELPER const struct value *peer_observe(struct peer *p, struct value *steps)
{
	struct value *msg = value_map(a);
	map_put(a, msg, "steps", steps);
	peer_send(p, FRAME_OBSERVE, msg);
	return map_at(peer_until(p, FRAME_OBSERVED), "steps");
}

HELPER void send_apply(struct peer *p, const char *run, struct value *steps)
{
	struct value *msg = value_map(a);
	map_put(a, msg, "run", value_text(a, run));
	map_put(a, msg, "steps", steps);
	peer_send(p, FRAME_APPLY, msg);
}

/* Reads to APPLIED; `told` gets the STEP messages. */
HELPER const struct value *take_applied(struct peer *p, struct value *told)
{
	enum frame_type type;
	for (;;) {
		struct value *msg = peer_read(p, &type);
		if (type == FRAME_FATAL)
			fail_msg("FATAL: %s", map_cstr(msg, "msg", ""));
		if (type == FRAME_STEP)
			list_add(a, told, msg);
		if (type == FRAME_APPLIED)
			return msg;
	}
}

/* The statuses of the steps and of the whole, as "1:changed 2:ok done". */
HELPER const char *peer_apply(struct peer *p, const char *run, struct value *steps,
	struct value *told, const struct value **applied)
{
	const char *text = "";
	const struct value *end;
	if (!told)
		told = value_list(a);
	send_apply(p, run, steps);
	end = take_applied(p, told);
	for (size_t i = 0; i < told->list.n; i++)
		text = arena_printf(a, "%s%d:%s ", text, (int)map_int(told->list.v[i], "id", 0),
			map_cstr(told->list.v[i], "status", ""));
	if (applied)
		*applied = end;
	return arena_printf(a, "%s%s", text, map_cstr(end, "status", ""));
}

HELPER size_t changes_of(const struct value *entry)
{
	const struct value *changes = map_at(entry, "changes");
	return changes ? changes->list.n : 0;
}

HELPER void assert_says(const struct value *map, const char *key, const char *words)
{
	const char *text = map_cstr(map, key, "(nothing)");
	if (!strstr(text, words))
		fail_msg("%s: '%s' does not say '%s'", key, text, words);
}
