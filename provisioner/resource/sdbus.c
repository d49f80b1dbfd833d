/* SPDX-License-Identifier: MIT
 *
 * The two messages of D-Bus (its specification's "Message Protocol" and "Authentication Protocol")
 * that reading a unit's properties takes. All questions go out together, the answers are matched by
 * their serial. Never calls a method that changes anything.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "resource/sdbus.h"

#define SOCKET_PATH "/run/systemd/private"
#define UNIT_PATH "/org/freedesktop/systemd1/unit/"
#define UNIT_INTERFACE "org.freedesktop.systemd1.Unit"

#define NOTHING                                        \
	{                                              \
		"", "", "", "", "", "", "", "", "", "" \
	}

enum {
	CALL = 1,
	METHOD_RETURN = 2,
	ERROR = 3,
	FIELD_OBJECT = 1,
	FIELD_INTERFACE = 2,
	FIELD_MEMBER = 3,
	FIELD_REPLY_SERIAL = 5,
	FIELD_SIGNATURE = 8,
	FIXED_HEADER = 16,
	MESSAGE_MAX = 1 << 20,
	BATCH = 64, /* units at a time: questions and answers fit into the socket's buffers */
	ANSWER_S = 3,
	NAME_LEN_MAX = 256,
	DEPTH_MAX = 32,
	LOGIN_MAX = 256,
};

/* The properties that count, of the many that come. */
static const struct property {
	const char *name;
	size_t offset;
} properties[] = {
	{"Id", offsetof(struct shown, id)},
	{"LoadState", offsetof(struct shown, load)},
	{"ActiveState", offsetof(struct shown, active)},
	{"SubState", offsetof(struct shown, sub)},
	{"UnitFileState", offsetof(struct shown, file_state)},
	{"NeedDaemonReload", offsetof(struct shown, need_reload)},
	{"ConsistsOf", offsetof(struct shown, consists_of)},
};

/* ---- writing ---- */

static void pad(struct buf *b, size_t start, size_t to)
{
	while ((b->n - start) % to)
		buf_addc(b, 0);
}

static void put_u32(struct buf *b, size_t start, size_t value)
{
	uint32_t v = (uint32_t)value;
	pad(b, start, 4);
	buf_add(b, &v, sizeof(v));
}

static void put_text(struct buf *b, size_t start, const char *s)
{
	put_u32(b, start, strlen(s));
	buf_add(b, s, strlen(s) + 1);
}

static void put_field(struct buf *b, size_t start, char code, char type, const char *value)
{
	const char head[] = {code, 1, type, 0};
	pad(b, start, 8);
	buf_add(b, head, sizeof(head));
	if (type == 'g') {
		buf_addc(b, (char)strlen(value));
		buf_add(b, value, strlen(value) + 1);
	} else {
		put_text(b, start, value);
	}
}

/* org.freedesktop.DBus.Properties.GetAll(interface) */
static void put_question(struct buf *b, uint32_t serial, const char *path)
{
	const char head[] = {'l', CALL, 0, 1};
	size_t start = b->n, fields, body;
	buf_add(b, head, sizeof(head));
	put_u32(b, start, 0); /* the body's length, below */
	put_u32(b, start, serial);
	put_u32(b, start, 0); /* the length of the fields, below */
	put_field(b, start, FIELD_OBJECT, 'o', path);
	put_field(b, start, FIELD_INTERFACE, 's', "org.freedesktop.DBus.Properties");
	put_field(b, start, FIELD_MEMBER, 's', "GetAll");
	put_field(b, start, FIELD_SIGNATURE, 'g', "s");
	fields = b->n - start - FIXED_HEADER;
	pad(b, start, 8);
	body = b->n;
	put_text(b, start, UNIT_INTERFACE);
	uint32_t lengths[2] = {(uint32_t)(b->n - body), (uint32_t)fields};
	memcpy(b->p + start + 4, &lengths[0], sizeof(lengths[0]));
	memcpy(b->p + start + 12, &lengths[1], sizeof(lengths[1]));
}

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

/* ---- reading ---- */

struct reader {
	const unsigned char *p;
	size_t n, at;
};

static bool skip_to(struct reader *r, size_t to)
{
	size_t at = (r->at + to - 1) / to * to;
	if (at > r->n)
		return false;
	r->at = at;
	return true;
}

static bool get_u32(struct reader *r, uint32_t *out)
{
	if (!skip_to(r, 4) || r->n - r->at < 4)
		return false;
	memcpy(out, r->p + r->at, 4);
	r->at += 4;
	return true;
}

static bool get_text(struct reader *r, struct str *out)
{
	uint32_t n;
	if (!get_u32(r, &n) || n >= r->n - r->at || r->p[r->at + n] != 0)
		return false;
	*out = (struct str){(const char *)r->p + r->at, n};
	r->at += (size_t)n + 1;
	return true;
}

/* A signature: its length in one byte. */
static bool get_signature(struct reader *r, struct str *out)
{
	if (r->n - r->at < 2)
		return false;
	size_t n = r->p[r->at];
	if (n + 2 > r->n - r->at || r->p[r->at + 1 + n] != 0)
		return false;
	*out = (struct str){(const char *)r->p + r->at + 1, n};
	r->at += n + 2;
	return true;
}

/* One header field; only the serial that is answered counts. */
static bool header_field(struct reader *r, uint32_t *serial)
{
	struct str type, text;
	if (!skip_to(r, 8) || r->at == r->n)
		return false;
	unsigned code = r->p[r->at++];
	if (!get_signature(r, &type))
		return false;
	if (str_is(type, "u"))
		return code == FIELD_REPLY_SERIAL ? get_u32(r, serial) : get_u32(r, &(uint32_t){0});
	if (str_is(type, "g"))
		return get_signature(r, &text);
	return (str_is(type, "s") || str_is(type, "o")) && get_text(r, &text);
}

static bool get_list(struct arena *a, struct reader *r, const char **out)
{
	struct str text;
	struct buf b;
	uint32_t n;
	if (!get_u32(r, &n) || n > r->n - r->at)
		return false;
	struct reader list = {r->p, r->at + n, r->at};
	bool ok = true;
	buf_init(&b, MESSAGE_MAX);
	while (ok && list.at < list.n) {
		ok = get_text(&list, &text);
		if (ok)
			buf_addf(&b, "%s%s", b.n ? " " : "", text.p);
	}
	*out = b.n ? buf_str(a, &b).p : "";
	buf_free(&b);
	r->at += n;
	return ok;
}

/* ---- values of any type, to pass over ---- */

static size_t alignment(char type)
{
	if (strchr("ygv", type))
		return 1;
	if (strchr("nq", type))
		return 2;
	return strchr("xtd({", type) ? 8 : 4;
}

/* One complete type at the start of *sig: "a{sv}", "(so)", "s". */
static bool type_end(const char **sig, int depth)
{
	char c = **sig;
	if (!c || depth > DEPTH_MAX)
		return false;
	++*sig;
	if (c == 'a')
		return type_end(sig, depth + 1);
	if (c != '(' && c != '{')
		return strchr("ybnqiuxtdsogvh", c) != NULL;
	for (char end = c == '(' ? ')' : '}'; **sig != end;)
		if (!type_end(sig, depth + 1))
			return false;
	++*sig;
	return true;
}

static bool pass_bytes(struct reader *r, size_t n)
{
	if (n > r->n - r->at)
		return false;
	r->at += n;
	return true;
}

static bool pass_value(struct reader *r, const char **sig, int depth);

static bool pass_array(struct reader *r, const char **sig, int depth)
{
	uint32_t n;
	if (!get_u32(r, &n) || !skip_to(r, alignment(**sig)) || !pass_bytes(r, n))
		return false;
	return type_end(sig, depth + 1);
}

static bool pass_struct(struct reader *r, const char **sig, char end, int depth)
{
	while (**sig != end)
		if (!pass_value(r, sig, depth + 1))
			return false;
	++*sig;
	return true;
}

static bool pass_variant(struct reader *r, int depth)
{
	struct str type;
	if (!get_signature(r, &type))
		return false;
	const char *sig = type.p;
	return pass_value(r, &sig, depth + 1);
}

/* One value of the type at the start of *sig, which moves on behind it. */
static bool pass_value(struct reader *r, const char **sig, int depth)
{
	struct str text;
	char c = **sig;
	if (!c || depth > DEPTH_MAX)
		return false;
	++*sig;
	if (!skip_to(r, alignment(c)))
		return false;
	switch (c) {
	case 'a':
		return pass_array(r, sig, depth);
	case '(':
		return pass_struct(r, sig, ')', depth);
	case '{':
		return pass_struct(r, sig, '}', depth);
	case 'v':
		return pass_variant(r, depth);
	case 's':
	case 'o':
		return get_text(r, &text);
	case 'g':
		return get_signature(r, &text);
	case 'h':
		return pass_bytes(r, 4);
	default:
		/* as long as they are aligned */
		return strchr("ybnqiuxtd", c) && pass_bytes(r, alignment(c));
	}
}

/* ---- the answer ---- */

/* The variant of a property that counts, as text. */
static bool get_variant(struct arena *a, struct reader *r, const char **out)
{
	struct str type, text;
	uint32_t yes;
	if (!get_signature(r, &type))
		return false;
	if (str_is(type, "as"))
		return get_list(a, r, out);
	if (str_is(type, "b") && get_u32(r, &yes)) {
		*out = yes ? "yes" : "no";
		return true;
	}
	if (!str_is(type, "s") || !get_text(r, &text))
		return false;
	*out = str_dup(a, text.p, text.n).p;
	return true;
}

/* a{sv} */
static bool get_properties(struct arena *a, struct reader *r, struct shown *out)
{
	uint32_t n;
	struct str name;
	if (!get_u32(r, &n) || !skip_to(r, 8) || n > r->n - r->at)
		return false;
	for (size_t end = r->at + n; r->at < end;) {
		size_t i = 0;
		if (!skip_to(r, 8) || !get_text(r, &name))
			return false;
		while (i < ARRAY_LEN(properties) && !str_is(name, properties[i].name))
			i++;
		bool counts = i < ARRAY_LEN(properties);
		const char **to =
			counts ? (const char **)(void *)((char *)out + properties[i].offset) : NULL;
		if (counts ? !get_variant(a, r, to) : !pass_variant(r, 0))
			return false;
	}
	return true;
}

/* The whole length of the message that begins at p, once its first 16 bytes are there. */
static bool message_length(const unsigned char *p, size_t *out)
{
	uint32_t body, fields;
	memcpy(&body, p + 4, sizeof(body));
	memcpy(&fields, p + 12, sizeof(fields));
	if (p[0] != 'l' || p[3] != 1 || body > MESSAGE_MAX || fields > MESSAGE_MAX)
		return false;
	*out = FIXED_HEADER + ((size_t)fields + 7) / 8 * 8 + body;
	return true;
}

bool sdbus_read(
	struct arena *a, const unsigned char *msg, size_t n, uint32_t *serial, struct shown *out)
{
	uint32_t fields;
	size_t length;
	if (n < FIXED_HEADER || !message_length(msg, &length) || length != n)
		return false;
	memcpy(&fields, msg + 12, sizeof(fields));
	struct reader header = {msg, FIXED_HEADER + (size_t)fields, FIXED_HEADER};
	*serial = 0;
	while (header.at < header.n)
		if (!header_field(&header, serial))
			return false;
	if (msg[1] != METHOD_RETURN)
		return false;
	struct reader body = {msg, n, (FIXED_HEADER + (size_t)fields + 7) / 8 * 8};
	return get_properties(a, &body, out);
}

/* ---- the conversation ---- */

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
	*length = FIXED_HEADER;
	while (in->n < *length)
		if (!read_more(fd, in))
			return false;
	if (!message_length((const unsigned char *)in->p, length))
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
		struct shown s = NOTHING;
		uint32_t serial;
		if (!next_message(fd, in, &length))
			return false;
		const unsigned char *msg = (const unsigned char *)in->p;
		if (sdbus_read(a, msg, length, &serial, &s) && serial >= 1 && serial <= n)
			out[serial - 1] = s;
		got += msg[1] == METHOD_RETURN || msg[1] == ERROR;
		buf_consume(in, length);
	}
	return true;
}

static void put_questions(struct arena *a, struct buf *b, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_question(b, (uint32_t)i + 1, unit_path(a, names[i]));
}

static bool show_batch(struct arena *a, const char *const *names, size_t n, struct shown *out)
{
	struct buf question, in;
	int fd = dial();
	if (fd < 0)
		return false;
	buf_init(&question, MESSAGE_MAX);
	buf_init(&in, (size_t)MESSAGE_MAX * 4);
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
		out[i] = (struct shown)NOTHING;
		if (strlen(names[i]) >= NAME_LEN_MAX)
			return false;
	}
	for (size_t at = 0; at < n; at += BATCH)
		if (!show_batch(a, names + at, n - at < BATCH ? n - at : BATCH, out + at))
			return false;
	return true;
}
