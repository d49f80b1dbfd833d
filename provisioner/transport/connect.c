/* SPDX-License-Identifier: MIT
 *
 * TCP connections for the event loop. A short-lived child process looks up names that are not
 * numeric addresses, because getaddrinfo(3) blocks; nothing here waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "transport/connect.h"

enum {
	ADDRESSES = 8,    /* addresses of one name that are tried */
	STAGGER_MS = 250, /* RFC 8305, section 5 */
	IDLE_S = 5,       /* of silence before the first keepalive probe */
	PROBE_S = 5,      /* between probes */
	PROBES = 3,       /* unanswered probes after which the connection counts as lost */
	LOST_MS = 20000,  /* the same for sent data that is not acknowledged */
};

struct answer {    /* what the look-up child writes into its pipe */
	int error; /* of getaddrinfo */
	unsigned n;
	socklen_t len[ADDRESSES];
	struct sockaddr_storage addr[ADDRESSES];
};
struct attempt {
	struct connect *c;
	int fd;
	struct loop_watch *watch;
};
struct connect {
	struct loop *loop;
	struct connect_to to;
	connect_fn *fn;
	void *ctx;
	struct answer found;
	size_t got; /* bytes of `found` read so far */
	pid_t resolver;
	int pipe;
	struct loop_watch *pipe_watch;
	struct loop_timer *timer;
	struct attempt attempt[ADDRESSES];
	unsigned started, pending;
	int last_errno;
};

static void stop_attempt(struct attempt *at)
{
	if (at->watch)
		loop_fd_free(at->watch);
	if (at->fd >= 0)
		close(at->fd);
	at->watch = NULL;
	at->fd = -1;
}

static void stop_resolver(struct connect *c)
{
	if (c->pipe_watch)
		loop_fd_free(c->pipe_watch);
	if (c->pipe >= 0)
		close(c->pipe);
	c->pipe_watch = NULL;
	c->pipe = -1;
	if (c->resolver > 0) {
		kill(c->resolver, SIGKILL);
		while (waitpid(c->resolver, NULL, 0) < 0 && errno == EINTR)
			;
	}
	c->resolver = 0;
}

static void stop_timer(struct connect *c)
{
	if (c->timer)
		loop_timer_free(c->timer);
	c->timer = NULL;
}

void connect_free(struct connect *c)
{
	if (!c)
		return;
	stop_resolver(c);
	stop_timer(c);
	for (unsigned i = 0; i < c->started; i++)
		stop_attempt(&c->attempt[i]);
}

static void fail_connect(struct connect *c, const char *why)
{
	struct err e = {0};
	err_set(&e, ERR_UNREACHABLE, "%s: cannot connect: %s", c->to.label, why);
	connect_free(c);
	c->fn(c->ctx, -1, &e);
}

/* The kernel's probes notice a cut connection within about 20 s; a host that is silent because it
 * works answers them. Frames are sent whole, so Nagle's delay would only add latency. */
static void set_options(int fd)
{
	int on = 1, idle = IDLE_S, probe = PROBE_S, probes = PROBES, lost = LOST_MS;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe, sizeof probe);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &lost, sizeof lost);
}

static void next_attempt(void *ctx);

static void attempt_ready(void *ctx, unsigned events)
{
	struct attempt *at = ctx;
	struct connect *c = at->c;
	(void)events;
	int error = 0;
	socklen_t len = sizeof error;
	if (getsockopt(at->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error) {
		c->last_errno = error;
		stop_attempt(at);
		c->pending--;
		stop_timer(c);
		next_attempt(c);
		return;
	}
	int fd = at->fd;
	at->fd = -1;
	loop_fd_free(at->watch);
	at->watch = NULL;
	connect_free(c);
	c->fn(c->ctx, fd, NULL);
}

static bool start_attempt(struct connect *c)
{
	unsigned i = c->started++;
	struct attempt *at = &c->attempt[i];
	const struct sockaddr_storage *addr = &c->found.addr[i];
	*at = (struct attempt){.c = c, .fd = -1};
	at->fd = socket(addr->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (at->fd < 0) {
		c->last_errno = errno;
		return false;
	}
	set_options(at->fd);
	if (connect(at->fd, (const struct sockaddr *)addr, c->found.len[i]) < 0 &&
		errno != EINPROGRESS) {
		c->last_errno = errno;
		stop_attempt(at);
		return false;
	}
	at->watch = loop_fd(c->loop, at->fd, LOOP_WRITE, attempt_ready, at);
	c->pending++;
	return true;
}

/* Starts the next address; when it is the last one, its own error is reported. */
static void next_attempt(void *ctx)
{
	struct connect *c = ctx;
	stop_timer(c);
	while (c->started < c->found.n && !start_attempt(c))
		;
	if (c->pending == 0)
		fail_connect(c, strerror(c->last_errno ? c->last_errno : EHOSTUNREACH));
	else if (c->started < c->found.n)
		c->timer = loop_timer(c->loop, STAGGER_MS, next_attempt, c);
}

static void look_up(const char *address, int port, int flags, struct answer *out)
{
	struct addrinfo *list, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
	char service[16];
	snprintf(service, sizeof service, "%d", port);
	*out = (struct answer){0};
	out->error = getaddrinfo(address, service, &hints, &list);
	if (out->error)
		return;
	for (struct addrinfo *ai = list; ai && out->n < ADDRESSES; ai = ai->ai_next) {
		if (ai->ai_addrlen > sizeof out->addr[0])
			continue;
		memcpy(&out->addr[out->n], ai->ai_addr, ai->ai_addrlen);
		out->len[out->n++] = ai->ai_addrlen;
	}
	freeaddrinfo(list);
}

static void take_resolved(struct connect *c)
{
	bool whole = c->got == sizeof c->found;
	stop_resolver(c);
	if (!whole)
		fail_connect(c, "the name could not be looked up");
	else if (c->found.error)
		fail_connect(c, gai_strerror(c->found.error));
	else
		next_attempt(c);
}

static void resolver_ready(void *ctx, unsigned events)
{
	struct connect *c = ctx;
	(void)events;
	char *at = (char *)&c->found + c->got;
	ssize_t n = read(c->pipe, at, sizeof c->found - c->got);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->got += (size_t)n;
	if (n <= 0 || c->got == sizeof c->found)
		take_resolved(c);
}

static void start_resolver(struct connect *c)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		fail_connect(c, strerror(errno));
		return;
	}
	c->resolver = fork();
	if (c->resolver == 0) {
		struct answer found;
		look_up(c->to.address, c->to.port, AI_NUMERICSERV | AI_ADDRCONFIG, &found);
		_exit(write_all(ends[1], &found, sizeof found) ? 0 : 1);
	}
	close(ends[1]);
	c->pipe = ends[0];
	if (c->resolver < 0) {
		fail_connect(c, strerror(errno));
		return;
	}
	fcntl(c->pipe, F_SETFL, O_NONBLOCK);
	c->pipe_watch = loop_fd(c->loop, c->pipe, LOOP_READ, resolver_ready, c);
}

static void begin_connect(void *ctx)
{
	struct connect *c = ctx;
	stop_timer(c);
	look_up(c->to.address, c->to.port, AI_NUMERICHOST | AI_NUMERICSERV, &c->found);
	if (c->found.error == 0)
		next_attempt(c);
	else
		start_resolver(c);
}

struct connect *connect_start(
	struct loop *l, struct arena *a, const struct connect_to *to, connect_fn *fn, void *ctx)
{
	struct connect *c = ARENA_NEW(a, struct connect);
	*c = (struct connect){.loop = l, .to = *to, .fn = fn, .ctx = ctx, .pipe = -1};
	c->timer = loop_timer(l, 0, begin_connect, c);
	return c;
}
