/* SPDX-License-Identifier: MIT
 *
 * The conversation with systemd on its private socket (D-Bus specification, "Authentication
 * Protocol"): all questions go out together, the answers are matched by their serial. Never calls
 * a method that changes anything.
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
	BATCH = 64, /* units at a time: questions and answers fit into the socket's buffers */
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

static int dial(void)
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

/* Who we are is told by the socket. The answer is "DATA" and "OK <guid>". Questions have to wait
 * for it: systemd leaves what came together with the login lying until more comes. */
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

/* The next whole message is at the start of `in`. */
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

/* An error is an answer too; signals that systemd sends to everybody are not. */
static bool read_answers(struct arena *a, int fd, struct buf *in, struct shown *out, size_t n)
{
	size_t length;
	for (size_t got = 0; got < n;) {
		struct shown s = SHOWN_NOTHING;
		uint32_t serial;
		if (!next_message(fd, in, &length))
			return false;
		const unsigned char *msg = (const unsigned char *)in->p;
		if (sdbus_read(a, msg, length, &serial, &s) && serial >= 1 && serial <= n)
			out[serial - 1] = s;
		got += msg[1] == SDBUS_RETURN || msg[1] == SDBUS_ERROR;
		buf_consume(in, length);
	}
	return true;
}

static void put_questions(struct arena *a, struct buf *b, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sdbus_put_question(b, (uint32_t)i + 1, unit_path(a, names[i]));
}

static bool show_batch(struct arena *a, const char *const *names, size_t n, struct shown *out)
{
	struct buf question, in;
	int fd = dial();
	if (fd < 0)
		return false;
	buf_init(&question, SDBUS_MESSAGE_MAX);
	buf_init(&in, (size_t)SDBUS_MESSAGE_MAX * 4);
	put_questions(a, &question, names, n);
	bool ok = log_in(fd, &in) && write_all(fd, question.p, question.n) &&
		  read_answers(a, fd, &in, out, n);
	buf_free(&question);
	buf_free(&in);
	close(fd);
	for (size_t i = 0; ok && i < n; i++)
		ok = out[i].id[0] && out[i].active[0];
	return ok;
}

bool sdbus_show(struct arena *a, const char *const *names, size_t n, struct shown *out)
{
	for (size_t i = 0; i < n; i++) {
		out[i] = (struct shown)SHOWN_NOTHING;
		if (strlen(names[i]) >= NAME_LEN_MAX)
			return false;
	}
	for (size_t at = 0; at < n; at += BATCH)
		if (!show_batch(a, names + at, n - at < BATCH ? n - at : BATCH, out + at))
			return false;
	return true;
}
