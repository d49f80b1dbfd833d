/* SPDX-License-Identifier: MIT
 *
 * Frames over the descriptors that the transport provides. Never hangs on a dead peer: sending does
 * not block, and waiting is limited.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "agent/session.h"

enum {
	/* our descriptors start here, so that children do not inherit them as 0 to 2 */
	FIRST_FD = 10,
	READ_CHUNK = 64 << 10,
	WRITE_CHUNK = 4096,      /* PIPE_BUF: a writable pipe takes this much without blocking */
	BACKLOG_MAX = 128 << 20, /* a peer with a larger backlog counts as dead */
	STALL_MS = 120 * 1000,   /* as does a peer that reads nothing for this long */
};

/* The open stream. A fork waits until the ALIVE thread is outside the allocator, whose lock the
 * child would inherit. The child sends nothing, so its own forks need not wait. */
static struct stream *fork_stream;

static void before_fork(void)
{
	if (fork_stream)
		pthread_mutex_lock(&fork_stream->lock);
}

static void after_fork_in_parent(void)
{
	if (fork_stream)
		pthread_mutex_unlock(&fork_stream->lock);
}

static void after_fork_in_child(void)
{
	fork_stream = NULL;
}

static int move_away(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
}

static int watch_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool stream_open(struct stream *s)
{
	*s = (struct stream){.in = move_away(0), .out = move_away(1), .signals = watch_signals()};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool ok = s->in >= 0 && s->out >= 0 && s->signals >= 0 && null >= 0;
	if (ok)
		ok = dup2(null, 0) == 0 && dup2(null, 1) == 1;
	if (null > 2)
		close(null);
	buf_init(&s->rx, (size_t)FRAME_MAX + 2 * READ_CHUNK);
	buf_init(&s->tx, BACKLOG_MAX);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->started, NULL);
	fork_stream = s;
	return pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0 && ok;
}

void stream_close(struct stream *s)
{
	pthread_mutex_lock(&s->lock); /* never released: the thread must not send any more */
	fork_stream = NULL;
	close(s->in);
	close(s->out);
	close(s->signals);
	buf_free(&s->rx);
	buf_free(&s->tx);
}

bool stream_interrupted(struct stream *s)
{
	struct signalfd_siginfo info;
	if (!s->interrupted && read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		s->interrupted = true;
	return s->interrupted;
}

static void lose_peer(struct stream *s)
{
	s->broken = true;
	buf_free(&s->tx);
}

/* Writes without waiting, and without O_NONBLOCK: other processes may share the descriptor. */
static ssize_t put_bytes(int fd, const char *p, size_t n)
{
	ssize_t w = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (w >= 0 || errno != ENOTSOCK)
		return w;
	struct pollfd ready = {fd, POLLOUT, 0};
	if (poll(&ready, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, p, n < WRITE_CHUNK ? n : WRITE_CHUNK);
}

static void push_pending(struct stream *s)
{
	while (!s->broken && s->sent < s->tx.n) {
		ssize_t w = put_bytes(s->out, s->tx.p + s->sent, s->tx.n - s->sent);
		if (w >= 0)
			s->sent += (size_t)w;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
		else if (errno != EINTR)
			lose_peer(s);
	}
	if (s->sent * 2 < s->tx.n || s->broken) /* moving it each time is quadratic */
		return;
	buf_consume(&s->tx, s->sent);
	s->sent = 0;
}

void stream_flush(struct stream *s)
{
	pthread_mutex_lock(&s->lock);
	push_pending(s);
	while (!s->broken && s->sent < s->tx.n) {
		struct pollfd ready = {s->out, POLLOUT, 0};
		int n = poll(&ready, 1, STALL_MS);
		if (n == 0 || (n < 0 && errno != EINTR))
			lose_peer(s);
		else
			push_pending(s);
	}
	pthread_mutex_unlock(&s->lock);
}

static void send_locked(struct stream *s, enum frame_type type, const struct value *msg)
{
	if (s->broken)
		return;
	frame_write(&s->tx, type, msg);
	if (s->tx.over)
		lose_peer(s);
	push_pending(s);
	s->said_ms = now_ms();
}

void stream_send(struct stream *s, enum frame_type type, const struct value *msg)
{
	pthread_mutex_lock(&s->lock);
	send_locked(s, type, msg);
	pthread_mutex_unlock(&s->lock);
}

/* Sends ALIVE if nothing else is waiting to be sent. */
static void show_life(struct stream *s)
{
	static const struct value nothing = {.type = VALUE_MAP};
	pthread_mutex_lock(&s->lock);
	if (s->busy && s->sent == s->tx.n && now_ms() - s->said_ms >= ALIVE_EVERY_MS)
		send_locked(s, FRAME_ALIVE, &nothing);
	pthread_mutex_unlock(&s->lock);
}

static void *send_pulses(void *ctx)
{
	struct stream *s = ctx;
	pthread_mutex_lock(&s->lock);
	s->pulsing = true;
	pthread_cond_signal(&s->started);
	pthread_mutex_unlock(&s->lock);
	for (;;) {
		usleep(ALIVE_EVERY_MS * 1000 / 2);
		show_life(ctx);
	}
	return NULL;
}

void stream_busy(struct stream *s, bool busy)
{
	pthread_t thread;
	pthread_mutex_lock(&s->lock);
	s->busy = busy;
	s->said_ms = now_ms();
	pthread_mutex_unlock(&s->lock);
	if (s->pulsing || pthread_create(&thread, NULL, send_pulses, s) != 0)
		return;
	pthread_detach(thread);
	/* The thread allocates while it starts, without our lock: no fork may happen until then. */
	pthread_mutex_lock(&s->lock);
	while (!s->pulsing)
		pthread_cond_wait(&s->started, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

void stream_raw(struct stream *s, const char *text)
{
	if (!s->broken)
		buf_adds(&s->tx, text);
}

bool stream_stopped(struct stream *s, uint32_t *after)
{
	char chunk[WRITE_CHUNK];
	struct pollfd ready = {s->in, POLLIN, 0};
	if (s->rx.n < sizeof(chunk) && poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN)) {
		ssize_t n = read(s->in, chunk, sizeof(chunk));
		if (n > 0)
			buf_add(&s->rx, chunk, (size_t)n);
	}
	if (!frame_is_next(&s->rx, FRAME_STOP))
		return false;
	struct arena *a = arena_new();
	enum frame_type type;
	struct value *msg;
	struct err e = {0};
	bool ok = frame_read(a, &s->rx, &type, &msg, &e) == FRAME_OK;
	if (ok)
		*after = (uint32_t)map_int(msg, "after", 0);
	arena_free(a);
	return ok;
}

/* false: the input ended, or a signal arrived. */
static bool fill_input(struct stream *s)
{
	char chunk[READ_CHUNK];
	struct pollfd ready[] = {{s->in, POLLIN, 0}, {s->signals, POLLIN, 0}};
	if (poll(ready, 2, -1) < 0)
		return errno == EINTR;
	if (stream_interrupted(s))
		return false;
	if (!ready[0].revents)
		return true;
	ssize_t n = read(s->in, chunk, sizeof(chunk));
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	buf_add(&s->rx, chunk, (size_t)n);
	return n > 0;
}

enum stream_status stream_read(
	struct stream *s, struct arena *a, enum frame_type *type, struct value **msg, struct err *e)
{
	for (;;) {
		enum frame_status got = frame_read(a, &s->rx, type, msg, e);
		if (got == FRAME_BAD)
			return STREAM_BAD;
		if (got == FRAME_OK)
			break;
		if (!fill_input(s))
			return STREAM_END;
	}
	if (s->rx.n == 0)
		buf_free(&s->rx); /* frees the memory of a large frame; the limit stays */
	return STREAM_FRAME;
}
