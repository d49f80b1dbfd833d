/* SPDX-License-Identifier: MIT
 *
 * A link over libssh2: connect, handshake, host key, login, one channel, one command. Each step is
 * taken when the socket is ready for it; nothing blocks, and no second channel is ever opened.
 */
#include <errno.h>
#include <libssh2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include "transport/auth.h"
#include "transport/connect.h"
#include "transport/guard.h"
#include "transport/hostkey.h"

enum {
	WINDOW = 2 << 20,  /* of the channel: enough for most observations without an adjustment */
	PACKET = 32 << 10, /* RFC 4253, 6.1: every implementation accepts it */
	READ_SIZE = 64 << 10,
};

enum state { HANDSHAKE, LOGIN, OPEN, EXEC, RUN, CLOSING, OVER };
enum turn { TURN_WAIT, TURN_ON, TURN_END };
struct ssh2 {
	struct link link;
	enum state state;
	const char *command;
	int fd;
	struct loop_watch *watch;
	struct connect *connect;
	LIBSSH2_SESSION *session;
	LIBSSH2_CHANNEL *channel;
	struct hostkeys *hostkeys;
	struct login *login;
	struct ssh_owner owner; /* what libssh2 hands its callbacks */
	struct guard guard;
	struct loop_timer *again; /* the next turn continues where this one stopped */
	int idle;                 /* turns without progress */
	bool eof_sent, closing;
	bool stepping; /* what the owner sends meanwhile is sent in the same step */
	struct link_end end;
};

static void report_end(struct ssh2 *s)
{
	if (s->state == OVER)
		return;
	s->state = OVER;
	if (s->watch)
		loop_fd_set(s->watch, 0);
	s->link.ev->end(s->link.ctx, &s->end);
}

/* Through this libssh2 reads. */
static ssize_t take_bytes(libssh2_socket_t fd, void *p, size_t n, int flags, void **abstract)
{
	struct ssh2 *s = ((struct ssh_owner *)*abstract)->ssh2;
	if (s->closing)
		return 0;
	if (s->guard.why[0])
		return -ECONNABORTED;
	bool host = fd == s->fd; /* else ssh-agent */
	if (host && n > s->guard.turn)
		n = s->guard.turn;
	errno = EAGAIN;
	ssize_t got = n ? recv(fd, p, n, flags) : -1;
	if (got < 0)
		return -errno;
	return !host || guard_take(&s->guard, p, (size_t)got) ? got : -ECONNABORTED;
}

/* libssh2's own message about its last call. */
static const char *session_reason(const struct ssh2 *s)
{
	char *text = NULL;
	if (s->guard.why[0])
		return s->guard.why;
	libssh2_session_last_error(s->session, &text, NULL, 0);
	return text && text[0] ? text : "the connection was closed";
}

static enum turn report_failure(struct ssh2 *s, const char *doing)
{
	err_set(&s->end.err, ERR_UNREACHABLE, "%s: %s: %s", s->link.label, doing,
		session_reason(s));
	return TURN_END;
}

/* libssh2 keeps errno from recv(2) and send(2). */
static int report_loss(struct ssh2 *s)
{
	err_set(&s->end.err, ERR_UNREACHABLE, "%s: the connection was lost: %s", s->link.label,
		s->guard.why[0]            ? s->guard.why
		: errno && errno != EAGAIN ? strerror(errno)
					   : "the host closed it");
	return -1;
}

/* ---- the steps ---- */

/* No common algorithm: the host has only RSA, or is hardened beyond libssh2. */
static bool nothing_in_common(int rc)
{
	switch (rc) {
	case LIBSSH2_ERROR_KEX_FAILURE:
	case LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE:
	case LIBSSH2_ERROR_METHOD_NONE:
	case LIBSSH2_ERROR_METHOD_NOT_SUPPORTED:
	case LIBSSH2_ERROR_HOSTKEY_INIT:
		return true;
	default:
		return false;
	}
}

static enum turn make_handshake(struct ssh2 *s)
{
	int rc = libssh2_session_handshake(s->session, s->fd);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return TURN_WAIT;
	if (rc) {
		s->end.use_openssh = nothing_in_common(rc);
		return report_failure(s, rc == LIBSSH2_ERROR_BANNER_RECV
						 ? "no SSH server answers there"
						 : "the SSH handshake failed");
	}
	size_t n = 0;
	int type;
	const char *key = libssh2_session_hostkey(s->session, &n, &type);
	if (!key)
		return report_failure(s, "the host sent no key");
	if (!hostkeys_check(s->hostkeys, key, n, &s->end.err))
		return TURN_END;
	s->state = LOGIN;
	s->link.ev->progress(s->link.ctx, "logging in");
	return TURN_ON;
}

static enum turn log_in(struct ssh2 *s)
{
	switch (login_step(s->login, &s->end.err)) {
	case LOGIN_WAIT:
		return TURN_WAIT;
	case LOGIN_DONE:
		s->state = OPEN;
		return TURN_ON;
	case LOGIN_OPENSSH:
		s->end.use_openssh = true;
		return TURN_END;
	case LOGIN_REFUSED:
		break;
	}
	return TURN_END;
}

static enum turn open_channel(struct ssh2 *s)
{
	s->channel = libssh2_channel_open_ex(
		s->session, "session", sizeof "session" - 1, WINDOW, PACKET, NULL, 0);
	if (!s->channel && libssh2_session_last_errno(s->session) == LIBSSH2_ERROR_EAGAIN)
		return TURN_WAIT;
	if (!s->channel)
		return report_failure(s, "the host did not open a channel");
	s->state = EXEC;
	return TURN_ON;
}

static enum turn start_command(struct ssh2 *s)
{
	int rc = libssh2_channel_exec(s->channel, s->command);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return TURN_WAIT;
	if (rc)
		return report_failure(s, "the host did not run the command");
	s->state = RUN;
	s->guard.runs = true;
	s->link.ev->up(s->link.ctx);
	return TURN_ON;
}

static void step_session(struct ssh2 *s);

static void turn_comes(void *ctx)
{
	struct ssh2 *s = ctx;
	loop_timer_free(s->again);
	s->again = NULL;
	if (s->state != OVER)
		step_session(s);
}

static void next_turn(struct ssh2 *s)
{
	if (!s->again)
		s->again = loop_timer(s->link.loop, 0, turn_comes, s);
}

/* -1: ended; 0: no data; 1: something was delivered. */
static int read_stream(struct ssh2 *s, enum link_stream from)
{
	static char bytes[READ_SIZE];
	int id = from == LINK_ERR ? SSH_EXTENDED_DATA_STDERR : 0;
	errno = 0;
	ssize_t n = libssh2_channel_read_ex(s->channel, id, bytes, sizeof bytes);
	if (n == 0 || n == LIBSSH2_ERROR_EAGAIN)
		return 0;
	if (n < 0)
		return report_loss(s);
	s->guard.useful += (uint64_t)n;
	if (from == LINK_OUT)
		s->link.moved += (uint64_t)n;
	if (!s->link.ev->data(s->link.ctx, from, bytes, (size_t)n))
		return -1;
	return 1;
}

static int write_input(struct ssh2 *s)
{
	struct link *k = &s->link;
	if (link_all_sent(k)) {
		if (!k->last || s->eof_sent)
			return 0;
		s->eof_sent = libssh2_channel_send_eof(s->channel) != LIBSSH2_ERROR_EAGAIN;
		return s->eof_sent;
	}
	errno = 0;
	ssize_t n = libssh2_channel_write(s->channel, k->out.p + k->sent, k->out.n - k->sent);
	if (n == LIBSSH2_ERROR_EAGAIN)
		return 0;
	if (n < 0)
		return report_loss(s);
	link_sent(k, (size_t)n);
	return 1;
}

/* Reading one stream, or writing, takes packets of every kind off the socket, and the loop does not
 * wake us for those: so we wait for the socket only when libssh2 holds no unread packets. Data of a
 * kind that we never read does not block us. */
static bool all_taken(struct ssh2 *s, int idle)
{
	if (libssh2_poll_channel_read(s->channel, 0) > 0)
		return false;
	return idle > 1 || libssh2_poll_channel_read(s->channel, SSH_EXTENDED_DATA_STDERR) <= 0;
}

/* A turn reads each stream once and writes once; then the other connections have their turns. */
static enum turn exchange_data(struct ssh2 *s)
{
	int out = s->link.paused ? 0 : read_stream(s, LINK_OUT);
	int err = out < 0 ? -1 : s->link.paused ? 0 : read_stream(s, LINK_ERR);
	int in = err < 0 ? -1 : write_input(s);
	if (in < 0)
		return TURN_END;
	s->idle = out == 0 && err == 0 && in == 0 ? s->idle + 1 : 0;
	if (s->link.paused && s->idle)
		return TURN_WAIT;
	if (!s->idle || !all_taken(s, s->idle)) {
		next_turn(s);
		return TURN_WAIT;
	}
	if (!libssh2_channel_eof(s->channel))
		return TURN_WAIT;
	s->state = CLOSING;
	return TURN_ON;
}

/* The exit status comes after the end of the streams, and before the close. */
static enum turn await_close(struct ssh2 *s)
{
	if (libssh2_channel_wait_closed(s->channel) == LIBSSH2_ERROR_EAGAIN)
		return TURN_WAIT;
	char *name = NULL;
	libssh2_channel_get_exit_signal(s->channel, &name, NULL, NULL, NULL, NULL, NULL);
	if (name)
		snprintf(s->end.signal, sizeof s->end.signal, "%s", name);
	else
		s->end.status = libssh2_channel_get_exit_status(s->channel);
	libssh2_free(s->session, name);
	return TURN_END;
}

static enum turn one_step(struct ssh2 *s)
{
	switch (s->state) {
	case HANDSHAKE:
		return make_handshake(s);
	case LOGIN:
		return log_in(s);
	case OPEN:
		return open_channel(s);
	case EXEC:
		return start_command(s);
	case RUN:
		return exchange_data(s);
	case CLOSING:
		return await_close(s);
	case OVER:
		break;
	}
	return TURN_WAIT;
}

/* sshd leaves Nagle's algorithm on, so its next small packet waits until the one before is
 * acknowledged; a delayed acknowledgment (tcp(7), TCP_QUICKACK) would cost 40 ms per login. */
static void acknowledge_now(const struct ssh2 *s)
{
	int on = 1;
	setsockopt(s->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

static void step_session(struct ssh2 *s)
{
	enum turn next = TURN_ON;
	s->stepping = true;
	s->guard.turn = GUARD_TURN;
	while (next == TURN_ON)
		next = one_step(s);
	s->stepping = false;
	if (next == TURN_END && s->guard.why[0] && s->state < RUN) {
		s->end = (struct link_end){.status = -1};
		report_failure(
			s, s->guard.greeted ? "the login failed" : "no SSH server answers there");
	}
	if (next == TURN_END) {
		report_end(s);
	} else if (s->state != OVER && s->watch) {
		int dir = libssh2_session_block_directions(s->session);
		unsigned events = s->link.paused ? 0 : LOOP_READ;
		if (dir & LIBSSH2_SESSION_BLOCK_OUTBOUND)
			events |= LOOP_WRITE;
		loop_fd_set(s->watch, events);
		acknowledge_now(s);
	}
}

static void socket_ready(void *ctx, unsigned events)
{
	struct ssh2 *s = ctx;
	(void)events;
	s->idle = 0;
	step_session(s);
}

/* ---- beginning and end ---- */

static void take_socket(void *ctx, int fd, const struct err *why)
{
	struct ssh2 *s = ctx;
	if (fd < 0) {
		s->end.err = *why;
		report_end(s);
		return;
	}
	s->fd = fd;
	s->watch = loop_fd(s->link.loop, fd, LOOP_READ, socket_ready, s);
	step_session(s);
}

/* Counter mode and SHA-2 only: they are fast with the processor's own instructions, and the only
 * ones in libssh2 that the prefix truncation attack of 2023 (Terrapin) does not affect. The key
 * exchange starts with P-256, because sshd's own curve25519 takes 6 ms longer. */
static bool set_methods(struct ssh2 *s)
{
	const char *hostkey = hostkeys_methods(s->link.a, s->hostkeys);
	const struct {
		int method;
		const char *list;
	} prefs[] = {
		{LIBSSH2_METHOD_HOSTKEY, hostkey},
		{LIBSSH2_METHOD_KEX,
			"ecdh-sha2-nistp256,curve25519-sha256,curve25519-sha256@libssh.org,"
			"ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group16-sha512,"
			"diffie-hellman-group18-sha512,diffie-hellman-group14-sha256,"
			"diffie-hellman-group-exchange-sha256"},
		{LIBSSH2_METHOD_CRYPT_CS, "aes128-ctr,aes256-ctr,aes192-ctr"},
		{LIBSSH2_METHOD_CRYPT_SC, "aes128-ctr,aes256-ctr,aes192-ctr"},
		{LIBSSH2_METHOD_MAC_CS, "hmac-sha2-256,hmac-sha2-512"},
		{LIBSSH2_METHOD_MAC_SC, "hmac-sha2-256,hmac-sha2-512"},
		{LIBSSH2_METHOD_COMP_CS, "none"},
		{LIBSSH2_METHOD_COMP_SC, "none"},
	};
	for (size_t i = 0; hostkey && i < ARRAY_LEN(prefs); i++)
		libssh2_session_method_pref(s->session, prefs[i].method, prefs[i].list);
	if (hostkey)
		return true;
	s->end.use_openssh = true;
	return err_set(&s->end.err, ERR_UNREACHABLE,
		"%s: known_hosts has only keys that libssh2 cannot check (RSA or a certificate)",
		s->link.label);
}

static bool prepare_session(struct ssh2 *s)
{
	const struct link *k = &s->link;
	s->owner.ssh2 = s;
	s->session = libssh2_session_init_ex(NULL, NULL, NULL, &s->owner);
	if (!s->session)
		panic("libssh2: out of memory");
	/* libssh2 takes functions of any type here */
	union {
		ssize_t (*call)(libssh2_socket_t, void *, size_t, int, void **);
		void *any;
	} reader = {take_bytes};
	libssh2_session_callback_set(s->session, LIBSSH2_CALLBACK_RECV, reader.any);
	libssh2_session_set_blocking(s->session, 0);
	s->hostkeys = hostkeys_load(k->a, k->target, k->label, &s->end.err);
	if (!s->hostkeys || !set_methods(s))
		return false;
	s->login = login_new(k->a, k->target, k->label, s->session, &s->end.err);
	if (!s->login)
		return false;
	s->end.use_openssh = login_needs_openssh(s->login, &s->end.err);
	return !s->end.use_openssh;
}

static void ssh2_flush(struct link *k)
{
	struct ssh2 *s = (struct ssh2 *)k;
	s->idle = 0;
	if (s->state == RUN && !s->stepping)
		step_session(s);
}

static void ssh2_resume(struct link *k)
{
	struct ssh2 *s = (struct ssh2 *)k;
	s->idle = 0;
	next_turn(s);
}

/* Frees at once, in any state: after shutdown(2) libssh2 finds the connection gone and does not
 * insist on an orderly end. Data sent before is still delivered. */
static void ssh2_free(struct link *k)
{
	struct ssh2 *s = (struct ssh2 *)k;
	s->closing = true;
	loop_timer_free(s->again);
	connect_free(s->connect);
	if (s->watch)
		loop_fd_free(s->watch);
	if (s->fd >= 0)
		shutdown(s->fd, SHUT_RDWR);
	login_free(s->login);
	if (s->channel)
		libssh2_channel_free(s->channel);
	while (s->session && libssh2_session_free(s->session) == LIBSSH2_ERROR_EAGAIN)
		;
	if (s->fd >= 0)
		close(s->fd);
	buf_free(&k->out);
}

struct link *ssh2_open(const struct link *base, const char *command)
{
	static const struct link_ops ops = {ssh2_flush, ssh2_resume, ssh2_free};
	static bool ready;
	if (!ready && libssh2_init(0) != 0)
		panic("libssh2 could not be initialised");
	ready = true;
	struct ssh2 *s = ARENA_NEW(base->a, struct ssh2);
	*s = (struct ssh2){.link = *base, .state = HANDSHAKE, .command = command, .fd = -1};
	s->end.status = -1;
	s->link.ops = &ops;
	if (prepare_session(s))
		s->connect = connect_start(s->link.loop, s->link.a,
			&(struct connect_to){s->link.label, s->link.target->connection.address,
				target_port(s->link.target)},
			take_socket, s);
	else
		report_end(s);
	return &s->link;
}
