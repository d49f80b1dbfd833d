/* SPDX-License-Identifier: MIT
 *
 * The two D-Bus messages (its specification's "Message Protocol") that read a unit's properties:
 * the request for all of them, and the reply. Values that are not needed are skipped, whatever
 * their type.
 */
#include "host/sdbus_message.h"

#define UNIT_INTERFACE "org.freedesktop.systemd1.Unit"

enum {
	CALL = 1,
	FIELD_OBJECT = 1,
	FIELD_INTERFACE = 2,
	FIELD_MEMBER = 3,
	FIELD_REPLY_SERIAL = 5,
	FIELD_SIGNATURE = 8,
	DEPTH_MAX = 32,
};

/* The needed properties; a reply has many more. */
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
	{"DropInPaths", offsetof(struct shown, dropins)},
	{"ConsistsOf", offsetof(struct shown, consists_of)},
};

/* ---- writing ---- */

static void pad_to(struct buf *b, size_t start, size_t to)
{
	while ((b->n - start) % to)
		buf_addc(b, 0);
}

static void put_u32(struct buf *b, size_t start, size_t value)
{
	uint32_t v = (uint32_t)value;
	pad_to(b, start, 4);
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
	pad_to(b, start, 8);
	buf_add(b, head, sizeof(head));
	if (type == 'g') {
		buf_addc(b, (char)strlen(value));
		buf_add(b, value, strlen(value) + 1);
	} else {
		put_text(b, start, value);
	}
}

/* org.freedesktop.DBus.Properties.GetAll(interface) */
void sdbus_put_question(struct buf *b, uint32_t serial, const char *path)
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
	fields = b->n - start - SDBUS_HEADER;
	pad_to(b, start, 8);
	body = b->n;
	put_text(b, start, UNIT_INTERFACE);
	uint32_t lengths[2] = {(uint32_t)(b->n - body), (uint32_t)fields};
	memcpy(b->p + start + 4, &lengths[0], sizeof(lengths[0]));
	memcpy(b->p + start + 12, &lengths[1], sizeof(lengths[1]));
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

/* One header field; only the reply serial is used. */
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
	buf_init(&b, SDBUS_MESSAGE_MAX);
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

static size_t alignment_of(char type)
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
	if (!get_u32(r, &n) || !skip_to(r, alignment_of(**sig)) || !pass_bytes(r, n))
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

/* Skips one value of the type at the start of *sig, and moves *sig after it. */
static bool pass_value(struct reader *r, const char **sig, int depth)
{
	struct str text;
	char c = **sig;
	if (!c || depth > DEPTH_MAX)
		return false;
	++*sig;
	if (!skip_to(r, alignment_of(c)))
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
		return strchr("ybnqiuxtd", c) && pass_bytes(r, alignment_of(c));
	}
}

/* ---- the answer ---- */

/* The variant of a needed property, as text. */
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

/* The whole length of the message that begins at p, from its first 16 bytes. */
bool sdbus_message_length(const unsigned char *p, size_t *out)
{
	uint32_t body, fields;
	memcpy(&body, p + 4, sizeof(body));
	memcpy(&fields, p + 12, sizeof(fields));
	if (p[0] != 'l' || p[3] != 1 || body > SDBUS_MESSAGE_MAX || fields > SDBUS_MESSAGE_MAX)
		return false;
	*out = SDBUS_HEADER + ((size_t)fields + 7) / 8 * 8 + body;
	return *out <= SDBUS_MESSAGE_MAX;
}

bool sdbus_read(
	struct arena *a, const unsigned char *msg, size_t n, uint32_t *serial, struct shown *out)
{
	uint32_t fields;
	size_t length;
	if (n < SDBUS_HEADER || !sdbus_message_length(msg, &length) || length != n)
		return false;
	memcpy(&fields, msg + 12, sizeof(fields));
	struct reader header = {msg, SDBUS_HEADER + (size_t)fields, SDBUS_HEADER};
	*serial = 0;
	while (header.at < header.n)
		if (!header_field(&header, serial))
			return false;
	if (msg[1] != SDBUS_RETURN)
		return false;
	struct reader body = {msg, n, (SDBUS_HEADER + (size_t)fields + 7) / 8 * 8};
	return get_properties(a, &body, out);
}
