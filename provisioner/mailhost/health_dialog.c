/* SPDX-License-Identifier: MIT
 *
 * One dialog with a daemon: lines or bytes sent and expected over TCP or a Unix socket. Resolves no
 * names.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "host/regex.h"
#include "mailhost/health_dialog.h"

enum {
	SLICE_MS = 1000, /* between two checks whether waiting is still useful */
	LINE_MAX = 64 << 10,
	RECEIVED_MAX = 1 << 20, /* bytes in one dialog: a correct answer is shorter */
	SHOWN_MAX = 200,
	SECRET_FILE_MAX = 64 << 10,
};

/* A TLS ClientHello (RFC 8446 4.1.2) for TLS 1.1 to 1.3 with the usual suites for RSA and ECDSA
 * certificates. A daemon that answers with a ServerHello has a certificate and its key. */
static const char client_hello[] =
	"16030100b8010000b4030370726f766973696f6e2061736b73207768657468657220796f75207365"
	"727665000026130113021303c02bc02fc02cc030cca9cca8c009c013c00ac014009c009d002f0035"
	"009e003301000065000a00080006001d00170018000b00020100000d001a00180403050306030807"
	"08040805080604010501060102030201002b000706030403030302003300260024001d0020090000"
	"0000000000000000000000000000000000000000000000000000000000";

struct place {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un path;
	};
	socklen_t n;
};
struct dialog {
	struct host *h;
	const struct value *probe;
	const struct probe_patience *patience;
	const char *secret; /* or NULL */
	int fd;
	int64_t deadline;
	struct buf in;
	size_t received_n;    /* bytes in total */
	bool ended;           /* the daemon closed the connection */
	bool answered;        /* it sent something, even if the wrong thing */
	const char *sent;     /* the last text sent, for messages: without the secret */
	const char *received; /* the last line received; or NULL */
};

/* ---- where ---- */

static bool read_port(const char *text, in_port_t *port)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	*port = htons((in_port_t)n);
	return text[0] >= '0' && text[0] <= '9' && *end == 0 && n > 0 && n <= UINT16_MAX;
}

static bool read_path(const char *text, struct place *p)
{
	size_t n = strlen(text);
	if (n >= sizeof(p->path.sun_path))
		return false;
	p->path.sun_family = AF_UNIX;
	memcpy(p->path.sun_path, text, n + 1);
	p->n = sizeof(p->path);
	return true;
}

static bool place_read(const char *text, struct place *p)
{
	char host[INET6_ADDRSTRLEN + 1];
	const char *colon = strrchr(text, ':'), *start = text;
	*p = (struct place){0};
	if (text[0] == '/')
		return read_path(text, p);
	if (!colon)
		return false;
	bool v6 = text[0] == '[' && colon > text && colon[-1] == ']';
	start += v6;
	size_t n = (size_t)(colon - start) - v6;
	if (n >= sizeof(host))
		return false;
	memcpy(host, start, n);
	host[n] = 0;
	if (v6) {
		p->v6.sin6_family = AF_INET6;
		p->n = sizeof(p->v6);
		return inet_pton(AF_INET6, host, &p->v6.sin6_addr) == 1 &&
		       read_port(colon + 1, &p->v6.sin6_port);
	}
	p->v4.sin_family = AF_INET;
	p->n = sizeof(p->v4);
	return inet_pton(AF_INET, host, &p->v4.sin_addr) == 1 &&
	       read_port(colon + 1, &p->v4.sin_port);
}

bool probe_address(const char *text)
{
	struct place place;
	return place_read(text, &place);
}

bool probe_hex(struct arena *a, const char *text, struct str *out)
{
	size_t n = strlen(text);
	char *p = arena_alloc(a, n / 2 + 1);
	if (n == 0 || n % 2)
		return false;
	for (size_t i = 0; i < n; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
		if (high < 0 || low < 0)
			return false;
		p[i / 2] = (char)(high << 4 | low);
	}
	*out = (struct str){p, n / 2};
	return true;
}

/* ---- words for messages ---- */

static const char *without_secret(struct dialog *d, const char *text)
{
	const char *at = d->secret ? strstr(text, d->secret) : NULL;
	if (!at)
		return text;
	return arena_printf(d->h->a, "%.*s%s%s", (int)(at - text), text, SECRET_TEXT,
		without_secret(d, at + strlen(d->secret)));
}

/* One line without control characters, which a terminal would interpret. */
static const char *show_line(struct arena *a, const char *text)
{
	size_t n = strcspn(text, "\r\n");
	char *out = arena_printf(a, "%.*s", (int)(n < SHOWN_MAX ? n : SHOWN_MAX), text);
	for (char *p = out; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return out;
}

static const char *shown_bytes(const struct dialog *d)
{
	char text[2 * SHOWN_MAX + 1];
	const char *secret = d->secret;
	if (d->in.n == 0)
		return NULL;
	if (secret && memmem(d->in.p, d->in.n, secret, strlen(secret)))
		return SECRET_TEXT;
	hex(d->in.p, d->in.n < SHOWN_MAX ? d->in.n : SHOWN_MAX, text);
	return arena_strdup(d->h->a, text);
}

static bool report_failure(struct dialog *d, const char *expected, const char *what, struct err *e)
{
	struct arena *a = d->h->a;
	const char *sent =
		d->sent ? arena_printf(a, "sent '%s', ", show_line(a, without_secret(d, d->sent)))
			: "";
	const char *received = d->received ? arena_printf(a, "; received '%s'",
						     show_line(a, without_secret(d, d->received)))
					   : "";
	return err_set(e, ERR_PERMANENT, "%sexpected '%s', %s%s", sent, expected, what, received);
}

/* ---- bytes ---- */

static bool wait_for(struct dialog *d, short events)
{
	struct pollfd p = {.fd = d->fd, .events = events};
	for (;;) {
		int64_t left = d->deadline - now_ms();
		int n = left > 0 ? poll(&p, 1, (int)(left < SLICE_MS ? left : SLICE_MS)) : 0;
		if (n > 0)
			return true;
		if (left <= 0 || (n < 0 && errno != EINTR) ||
			(n == 0 && probe_hopeless(d->patience)))
			return false;
	}
}

static bool dial_place(struct dialog *d, struct err *e)
{
	struct place place;
	const char *address = map_cstr(d->probe, "address", "");
	int failure = 0;
	socklen_t n = sizeof(failure);
	if (!place_read(address, &place))
		return err_set(e, ERR_CONFIG, "'%s' is not an address", address);
	d->fd = socket(place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->fd < 0)
		return err_errno(e, "cannot create a socket");
	if (connect(d->fd, &place.any, place.n) == 0)
		return true;
	if (errno != EINPROGRESS)
		return err_errno(e, "cannot connect");
	if (!wait_for(d, POLLOUT))
		return err_set(e, ERR_PERMANENT, "cannot connect: no answer");
	if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &failure, &n) == 0 && failure == 0)
		return true;
	errno = failure;
	return err_errno(e, "cannot connect");
}

static bool send_all(struct dialog *d, struct str s, struct err *e)
{
	while (s.n > 0) {
		ssize_t n = send(d->fd, s.p, s.n, MSG_NOSIGNAL);
		if (n >= 0)
			s = (struct str){s.p + n, s.n - (size_t)n};
		else if (errno == EAGAIN ? !wait_for(d, POLLOUT) : errno != EINTR)
			return report_failure(
				d, "to be read", "but the connection is closed or stuck", e);
	}
	return true;
}

static bool too_long(const struct dialog *d)
{
	return d->in.over || d->received_n > RECEIVED_MAX;
}

/* Receives more of the answer; false at its end, or when the time is up. */
static bool receive_more(struct dialog *d)
{
	char chunk[4096];
	for (;;) {
		if (too_long(d) || !wait_for(d, POLLIN))
			return false;
		ssize_t n = recv(d->fd, chunk, sizeof(chunk), 0);
		if (n > 0) {
			d->answered = true;
			d->received_n += (size_t)n;
			buf_add(&d->in, chunk, (size_t)n);
			return true;
		}
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		d->ended = true;
		return false;
	}
}

static const char *why_no_more(const struct dialog *d)
{
	if (too_long(d))
		return "the answer is too long";
	return d->ended ? "the connection was closed" : "no answer in time";
}

static bool take_line(struct dialog *d, const char **line)
{
	const char *end;
	while (!(end = d->in.n ? memchr(d->in.p, '\n', d->in.n) : NULL))
		if (!receive_more(d))
			return false;
	size_t n = (size_t)(end - d->in.p);
	*line = str_dup(d->h->a, d->in.p, n && d->in.p[n - 1] == '\r' ? n - 1 : n).p;
	buf_consume(&d->in, n + 1);
	return true;
}

/* ---- the dialog ---- */

static struct pattern *pattern_of(struct dialog *d, const struct value *v, struct err *e)
{
	return v ? pattern_compile(d->h->a, v->s, 0, e) : NULL;
}

static bool expect_line(struct dialog *d, const struct value *turn, struct err *e)
{
	const struct value *wanted = map_at(turn, "expect");
	struct pattern *expect = pattern_of(d, wanted, e);
	struct pattern *fail = pattern_of(d, map_at(turn, "fail"), e);
	bool ok = false;
	d->received = NULL;
	while (e->kind == ERR_NONE && !ok) {
		const char *line;
		if (!take_line(d, &line)) {
			report_failure(d, wanted->s.p, why_no_more(d), e);
			break;
		}
		d->received = line;
		ok = pattern_search(expect, line, false, NULL);
		if (!ok && fail && pattern_search(fail, line, false, NULL))
			report_failure(d, wanted->s.p, "refused", e);
	}
	pattern_free(expect);
	pattern_free(fail);
	return ok;
}

static bool expect_bytes(struct dialog *d, const char *wanted, struct err *e)
{
	struct str bytes;
	if (!probe_hex(d->h->a, wanted, &bytes))
		return err_set(e, ERR_CONFIG, "expect_hex takes pairs of hexadecimal digits");
	d->received = NULL;
	while (d->in.n < bytes.n)
		if (!receive_more(d))
			break;
	d->received = shown_bytes(d);
	if (d->in.n < bytes.n)
		return report_failure(d, wanted, why_no_more(d), e);
	if (memcmp(d->in.p, bytes.p, bytes.n) != 0)
		return report_failure(d, wanted, "got another answer", e);
	buf_clear(&d->in);
	return true;
}

/* With the secret inserted, and bytes decoded from hexadecimal digits. */
static bool to_send(struct dialog *d, const struct value *turn, struct str *out, struct err *e)
{
	const char *text = map_cstr(turn, "send", NULL), *digits = map_cstr(turn, "send_hex", NULL);
	const char *at = text ? strstr(text, SECRET_PLACE) : NULL;
	d->sent = text ? text : digits;
	if (digits)
		return probe_hex(d->h->a, digits, out) ||
		       err_set(e, ERR_CONFIG, "send_hex takes pairs of hexadecimal digits");
	*out = map_at(turn, "send")->s;
	if (at && !d->secret)
		return err_set(
			e, ERR_CONFIG, SECRET_PLACE " is in send, but the probe has no secret");
	if (at)
		*out = str_printf(d->h->a, "%.*s%s%s", (int)(at - text), text, d->secret,
			at + strlen(SECRET_PLACE));
	return true;
}

/* Expects a handshake record with a ServerHello. */
static bool expect_tls(struct dialog *d, struct err *e)
{
	static const char wanted[] = "a TLS ServerHello";
	enum { HANDSHAKE = 0x16, SERVER_HELLO = 2, RECORD_HEAD = 5 };
	struct str hello;
	if (!probe_hex(d->h->a, client_hello, &hello) || !send_all(d, hello, e))
		return false;
	d->sent = "a TLS ClientHello";
	d->received = NULL;
	while (d->in.n <= RECORD_HEAD)
		if (!receive_more(d))
			break;
	d->received = shown_bytes(d);
	if (d->in.n <= RECORD_HEAD)
		return report_failure(d, wanted, why_no_more(d), e);
	if (d->in.p[0] != HANDSHAKE || d->in.p[RECORD_HEAD] != SERVER_HELLO)
		return report_failure(d, wanted, "TLS was refused", e);
	return true;
}

static bool take_turn(struct dialog *d, const struct value *turn, struct err *e)
{
	struct str bytes;
	const char *wanted = map_cstr(turn, "expect_hex", NULL);
	if (map_at(turn, "send") || map_at(turn, "send_hex"))
		if (!to_send(d, turn, &bytes, e) || !send_all(d, bytes, e))
			return false;
	if (map_bool(turn, "tls", false))
		return expect_tls(d, e);
	if (wanted)
		return expect_bytes(d, wanted, e);
	return !map_at(turn, "expect") || expect_line(d, turn, e);
}

static bool read_secret(struct dialog *d, struct err *e)
{
	const char *path = map_cstr(d->probe, "secret", NULL);
	struct span spans[PATTERN_GROUPS];
	struct str text;
	if (!path)
		return true;
	if (!file_read(d->h->a, path, SECRET_FILE_MAX, &text, e))
		return false;
	struct pattern *p = pattern_compile(
		d->h->a, map_at(d->probe, "secret_pattern")->s, PATTERN_SPANS | PATTERN_LINES, e);
	if (!p)
		return false;
	bool found = pattern_search(p, text.p, false, spans) && spans[1].to > spans[1].from;
	if (found)
		d->secret = str_dup(
			d->h->a, text.p + spans[1].from, (size_t)(spans[1].to - spans[1].from))
				    .p;
	pattern_free(p);
	return found || err_set(e, ERR_PERMANENT, "no secret in %s matches secret_pattern", path);
}

static bool hold_dialog(struct dialog *d, struct err *e)
{
	const struct value *turns = map_at(d->probe, "dialog");
	bool ok = read_secret(d, e) && dial_place(d, e);
	for (size_t i = 0; ok && turns && i < turns->list.n; i++)
		ok = take_turn(d, turns->list.v[i], e);
	return ok;
}

bool probe_dialog(struct host *h, const struct value *probe, const struct probe_patience *patience,
	int64_t deadline, bool *answered, struct err *e)
{
	struct dialog d = {
		.h = h, .probe = probe, .patience = patience, .fd = -1, .deadline = deadline};
	buf_init(&d.in, LINE_MAX);
	bool ok = hold_dialog(&d, e);
	if (d.fd >= 0)
		close(d.fd);
	buf_free(&d.in);
	*answered = d.answered || d.ended;
	return ok;
}
