/* SPDX-License-Identifier: MIT
 *
 * A link over a local process: the agent itself ("local") or the system's ssh ("openssh"). Never
 * waits for the process; when a link is freed, a running agent loses its pipes, and ssh is
 * terminated.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "transport/link.h"

enum { READ_SIZE = 64 << 10, PIPE_SIZE = 1 << 20 };

extern char **environ;

struct stream {
	struct child *child;
	enum link_stream which;
	int fd;
	struct loop_watch *watch;
};
struct child {
	struct link link;
	pid_t pid;
	int in, pidfd;
	struct loop_watch *in_watch, *exit_watch;
	struct stream out, err;
	bool ended, exited; /* reported; reaped */
	int status;         /* from waitpid(2) */
};

static void close_fd(int *fd, struct loop_watch **watch)
{
	if (*watch)
		loop_fd_free(*watch);
	if (*fd >= 0)
		close(*fd);
	*watch = NULL;
	*fd = -1;
}

static void report_end(struct child *c, const struct err *e)
{
	if (c->ended)
		return;
	c->ended = true;
	struct link_end end = {.status = -1};
	if (c->exited && WIFEXITED(c->status))
		end.status = WEXITSTATUS(c->status);
	const char *name =
		c->exited && WIFSIGNALED(c->status) ? sigabbrev_np(WTERMSIG(c->status)) : NULL;
	if (name)
		snprintf(end.signal, sizeof end.signal, "%s", name);
	if (e)
		end.err = *e;
	c->link.ev->end(c->link.ctx, &end);
}

static void input_ready(void *ctx, unsigned events)
{
	struct child *c = ctx;
	struct link *k = &c->link;
	(void)events;
	while (c->in >= 0 && !link_all_sent(k)) {
		ssize_t n = write(c->in, k->out.p + k->sent, k->out.n - k->sent);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) /* the process no longer reads; its exit status explains it */
			close_fd(&c->in, &c->in_watch);
		else
			link_sent(k, (size_t)n);
	}
	if (c->in < 0)
		return;
	if (link_all_sent(k) && k->last)
		close_fd(&c->in, &c->in_watch);
	else
		loop_fd_set(c->in_watch, link_all_sent(k) ? 0 : LOOP_WRITE);
}

/* The link ends when both streams are closed and the process is gone, so that no output is lost. */
static void end_when_over(struct child *c)
{
	if (c->exited && c->out.fd < 0 && c->err.fd < 0)
		report_end(c, NULL);
}

static void watch_output(struct child *c, unsigned events)
{
	if (c->out.watch)
		loop_fd_set(c->out.watch, events);
	if (c->err.watch)
		loop_fd_set(c->err.watch, events);
}

static void child_resume(struct link *k)
{
	watch_output((struct child *)k, LOOP_READ);
}

static void output_ready(void *ctx, unsigned events)
{
	struct stream *s = ctx;
	struct child *c = s->child;
	static char bytes[READ_SIZE];
	(void)events;
	ssize_t n = read(s->fd, bytes, sizeof bytes);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_fd(&s->fd, &s->watch);
		end_when_over(c);
		return;
	}
	if (s->which == LINK_OUT)
		c->link.moved += (uint64_t)n;
	if (!c->ended && !c->link.ev->data(c->link.ctx, s->which, bytes, (size_t)n))
		c->ended = true;
	if (c->link.paused)
		watch_output(c, 0);
}

/* Programs that still hold the streams open then are not waited for, but data already in the pipes
 * is read. */
static void drain_stream(struct stream *s)
{
	while (s->fd >= 0 && !s->child->ended) {
		char bytes[4096];
		ssize_t n = read(s->fd, bytes, sizeof bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (!s->child->link.ev->data(s->child->link.ctx, s->which, bytes, (size_t)n))
			s->child->ended = true;
	}
	close_fd(&s->fd, &s->watch);
}

static void exit_ready(void *ctx, unsigned events)
{
	struct child *c = ctx;
	int status = 0;
	(void)events;
	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	c->exited = true;
	c->status = status;
	close_fd(&c->pidfd, &c->exit_watch);
	drain_stream(&c->err);
	drain_stream(&c->out);
	end_when_over(c);
}

static void child_flush(struct link *k)
{
	input_ready(k, LOOP_WRITE);
}

static void child_free(struct link *k)
{
	struct child *c = (struct child *)k;
	close_fd(&c->in, &c->in_watch);
	close_fd(&c->out.fd, &c->out.watch);
	close_fd(&c->err.fd, &c->err.watch);
	close_fd(&c->pidfd, &c->exit_watch);
	/* An agent in the middle of a plan finishes it, then ends because its pipes are closed. */
	bool agent = target_is_local(k->target);
	if (c->pid > 0 && !c->exited && !agent) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	buf_free(&k->out);
}

/* ---- starting ---- */

/* pipes[0]: its input, [1]: its output, [2]: its errors; [n][0] is the reading end, [n][1] the
 * writing end. */
static int spawn_child(pid_t *pid, const char *const *argv, int pipes[3][2])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, dfl;
	sigemptyset(&none);
	sigemptyset(&dfl);
	sigaddset(&dfl, SIGPIPE);
	sigaddset(&dfl, SIGINT);
	sigaddset(&dfl, SIGTERM);
	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_adddup2(&actions, pipes[i][i == 0 ? 0 : 1], i);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &dfl);
	posix_spawnattr_setpgroup(&attr, 0); /* we handle the terminal's ^C, not the child */
	posix_spawnattr_setflags(
		&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	/* posix_spawnp does not change the strings; its type is older than const. */
	int rc = posix_spawnp(
		pid, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static void watch_stream(struct child *c, struct stream *s, enum link_stream which, int fd)
{
	*s = (struct stream){.child = c, .which = which, .fd = fd};
	s->watch = loop_fd(c->link.loop, fd, LOOP_READ, output_ready, s);
}

static bool open_pipes(int pipes[3][2])
{
	for (int i = 0; i < 3; i++)
		pipes[i][0] = pipes[i][1] = -1;
	for (int i = 0; i < 3; i++) {
		if (pipe2(pipes[i], O_CLOEXEC) < 0)
			return false;
		int ours = pipes[i][i == 0 ? 1 : 0];
		fcntl(ours, F_SETFL, fcntl(ours, F_GETFL) | O_NONBLOCK);
		fcntl(ours, F_SETPIPE_SZ,
			PIPE_SIZE); /* a larger pipe saves turns; a refusal is fine */
	}
	return true;
}

static void close_pipes(int pipes[3][2], bool ours_too)
{
	for (int i = 0; i < 3; i++) {
		int theirs = i == 0 ? 0 : 1;
		if (pipes[i][theirs] >= 0)
			close(pipes[i][theirs]);
		if (ours_too && pipes[i][!theirs] >= 0)
			close(pipes[i][!theirs]);
	}
}

/* false, errno set: it could not be started. */
static bool start_child(struct child *c, const char *const *argv)
{
	int pipes[3][2];
	int rc = open_pipes(pipes) ? spawn_child(&c->pid, argv, pipes) : errno;
	if (rc == 0) {
		c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
		rc = c->pidfd < 0 ? errno : 0;
	}
	close_pipes(pipes, rc != 0);
	if (rc) {
		errno = rc;
		return false;
	}
	c->in = pipes[0][1];
	c->in_watch = loop_fd(c->link.loop, c->in, 0, input_ready, c);
	watch_stream(c, &c->out, LINK_OUT, pipes[1][0]);
	watch_stream(c, &c->err, LINK_ERR, pipes[2][0]);
	c->exit_watch = loop_fd(c->link.loop, c->pidfd, LOOP_READ, exit_ready, c);
	return true;
}

struct link *child_open(const struct link *base, const char *const *argv)
{
	static const struct link_ops ops = {child_flush, child_resume, child_free};
	struct child *c = ARENA_NEW(base->a, struct child);
	*c = (struct child){.link = *base, .in = -1, .pidfd = -1};
	c->out.fd = c->err.fd = -1;
	c->link.ops = &ops;
	if (!start_child(c, argv)) {
		struct err e = {0};
		err_set(&e, ERR_UNREACHABLE, "%s: cannot run %s: %s", base->label, argv[0],
			strerror(errno));
		report_end(c, &e);
	}
	return &c->link;
}
