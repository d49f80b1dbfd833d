/* SPDX-License-Identifier: MIT
 *
 * The dialog with systemd on its private socket (D-Bus specification, "Authentication Protocol"):
 * sends all requests together and matches the replies by their serial. Never calls a method that
 * changes anything.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "host/sdbus_message.h"

#define SOCKET_PATH "/run/systemd/private"
#define UNIT_PATH "/org/freedesktop/systemd1/unit/"
enum {
	BATCH = 64, /* units at a time: requests and replies fit into the socket's buffers */
	ANSWER_S = 3,
	NAME_LEN_MAX = 256,
	LOGIN_MAX = 256,
};

/* "postfix@-.service" -> ".../unit/postfix_40_2d_2eservice" */
static const char *unit_path(struct arena *a, const char *name)
{
	struct buf b;
	buf_init(&b, 4096);
	buf_adds(&b, UNIT_PATH);
	for (const char *p = name; *p; p++) {
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
		bool digit = *p >= '0' && *p <= '9' && p > name;
		if (letter || digit)
			buf_addc(&b, *p);
		else
			buf_addf(&b, "_%02x", (unsigned char)*p);
	}
	const char *path = buf_str(a, &b).p;
	buf_free(&b);
	return path;
}

static int open_socket(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};
	struct timeval limit = {.tv_sec = ANSWER_S};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
		connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool read_more(int fd, struct buf *in)
{
	char chunk[16384];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int ready;
	do
		ready = poll(&p, 1, ANSWER_S * 1000);
	while (ready < 0 && errno == EINTR);
	ssize_t n = ready > 0 ? read(fd, chunk, sizeof(chunk)) : -1;
	if (n <= 0)
		return false;
	buf_add(in, chunk, (size_t)n);
	return !in->over;
}

/* The kernel tells systemd who we are. The replies are "DATA" and "OK <guid>". Requests have to
 * wait for them: systemd does not read data that arrived together with the login until more comes.
 */
static bool log_in(int fd, struct buf *in)
{
	static const char login[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
	if (!write_all(fd, login, sizeof(login) - 1))
		return false;
	for (int lines = 0; lines < 2;) {
		char *end = in->n ? memchr(in->p, '\n', in->n) : NULL;
		if (!end) {
			if (in->n > LOGIN_MAX || !read_more(fd, in))
				return false;
			continue;
		}
		if (lines++ == 1 && strncmp(in->p, "OK ", 3) != 0)
			return false;
		buf_consume(in, (size_t)(end - in->p) + 1);
	}
	return true;
}

/* Waits until the next whole message is at the start of `in`. */
static bool next_message(int fd, struct buf *in, size_t *length)
{
	*length = SDBUS_HEADER;
	while (in->n < *length)
		if (!read_more(fd, in))
			return false;
	if (!sdbus_message_length((const unsigned char *)in->p, length))
		return false;
	while (in->n < *length)
		if (!read_more(fd, in))
			return false;
	return true;
}

/* One dialog: BATCH requests are sent together, and the next ones when all have replies. */
struct sdbus_talk {
	struct arena *a;
	const char *const *names;
	size_t n, sent, answered;
	struct shown *answer;
	bool *there; /* of each: has its reply arrived? */
	struct buf in;
	int fd; /* -1: over */
};

void sdbus_end(struct sdbus_talk *t)
{
	if (!t || t->fd < 0)
		return;
	close(t->fd);
	t->fd = -1;
	buf_free(&t->in);
}

static bool send_questions(struct sdbus_talk *t)
{
	struct buf question;
	size_t end = t->n - t->sent < BATCH ? t->n : t->sent + BATCH;
	buf_init(&question, SDBUS_MESSAGE_MAX);
	for (size_t i = t->sent; i < end; i++)
		sdbus_put_question(&question, (uint32_t)i + 1, unit_path(t->a, t->names[i]));
	bool ok = !question.over && write_all(t->fd, question.p, question.n);
	buf_free(&question);
	t->sent = end;
	return ok;
}

/* An error is a reply, too; signals that systemd broadcasts are not. */
static bool read_answer(struct sdbus_talk *t)
{
	struct shown s = SHOWN_NOTHING;
	uint32_t serial;
	size_t length;
	if (!next_message(t->fd, &t->in, &length))
		return false;
	const unsigned char *msg = (const unsigned char *)t->in.p;
	bool whole = sdbus_read(t->a, msg, length, &serial, &s);
	if (msg[1] == SDBUS_RETURN || msg[1] == SDBUS_ERROR) {
		t->answered++;
		if (whole && serial >= 1 && serial <= t->sent) {
			t->answer[serial - 1] = s;
			t->there[serial - 1] = true;
		}
	}
	buf_consume(&t->in, length);
	return true;
}

struct sdbus_talk *sdbus_ask(struct arena *a, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) >= NAME_LEN_MAX)
			return NULL;
	struct sdbus_talk *t = ARENA_NEW(a, struct sdbus_talk);
	*t = (struct sdbus_talk){.a = a,
		.names = names,
		.n = n,
		.answer = ARENA_ARRAY(a, struct shown, n),
		.there = ARENA_ARRAY(a, bool, n),
		.fd = n ? open_socket() : -1};
	if (t->fd < 0)
		return NULL;
	buf_init(&t->in, (size_t)SDBUS_MESSAGE_MAX * 4);
	if (log_in(t->fd, &t->in) && send_questions(t))
		return t;
	sdbus_end(t);
	return NULL;
}

bool sdbus_answer(struct sdbus_talk *t, size_t i, struct shown *out)
{
	while (!t->there[i] && t->fd >= 0) {
		bool more = t->answered < t->sent || (t->sent < t->n && send_questions(t));
		if (!more || !read_answer(t))
			sdbus_end(t);
	}
	*out = t->answer[i];
	return t->there[i] && out->id[0] && out->active[0];
}

bool sdbus_show(struct arena *a, const char *const *names, size_t n, struct shown *out)
{
	struct sdbus_talk *t = sdbus_ask(a, names, n);
	bool ok = t != NULL || n == 0;
	for (size_t i = 0; ok && i < n; i++)
		ok = sdbus_answer(t, i, &out[i]);
	sdbus_end(t);
	return ok;
}
