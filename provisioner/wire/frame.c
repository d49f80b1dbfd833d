/* SPDX-License-Identifier: MIT
 *
 * Writes and reads whole frames, and checks each by the table of its type. Trusts no length, type
 * or value of a peer, and holds at most FRAME_MAX of its data.
 */
#include "wire/frame.h"

enum { LENGTH_BYTES = 4, HEAD_BYTES = LENGTH_BYTES + 1 };

static void put_length(char *p, size_t n)
{
	for (int i = 0; i < LENGTH_BYTES; i++)
		p[i] = (char)(n >> (8 * (LENGTH_BYTES - 1 - i)));
}

static size_t get_length(const char *p)
{
	size_t n = 0;
	for (int i = 0; i < LENGTH_BYTES; i++)
		n = n << 8 | (unsigned char)p[i];
	return n;
}

static bool put_frame(struct buf *out, enum frame_type type, const struct value *msg)
{
	size_t at = out->n;
	char head[HEAD_BYTES] = {0, 0, 0, 0, (char)type};
	bool full = out->over;
	buf_add(out, head, sizeof(head));
	value_encode(out, msg, type == FRAME_APPLY ? CODEC_BLOBS : 0);
	size_t n = out->n - at;
	if (!full && n > LENGTH_BYTES + frame_max(type)) {
		out->n = at;
		out->over = false; /* `over` now refers to this message only */
		return false;
	}
	if (out->over)
		return false;
	put_length(out->p + at, n - LENGTH_BYTES);
	return true;
}

/* A message that is too large is replaced by FATAL with the reason: without it the peer would wait
 * forever. */
void frame_write(struct buf *out, enum frame_type type, const struct value *msg)
{
	if (!wire_fields(type))
		panic("frame_write: there is no frame type %d", (int)type);
	if (put_frame(out, type, msg) || out->over)
		return;
	struct arena *a = arena_new();
	struct value *fatal = value_map(a);
	map_put(a, fatal, "msg",
		value_printf(a, "%s is larger than a frame may be (%zu KiB)", frame_name(type),
			frame_max(type) >> 10));
	put_frame(out, FRAME_FATAL, fatal);
	arena_free(a);
}

/* Messages contain no UNKNOWN values, except in the results of probes that wait for earlier
 * changes. */
static bool may_wait(enum frame_type type, const struct map_entry *m)
{
	return type == FRAME_OBSERVED && str_is(m->key, "result") && m->value->type == VALUE_MAP &&
	       !value_find_type(m->value, VALUE_UNDEFINED);
}

static bool is_known(const struct value *v)
{
	return !value_find_type(v, VALUE_UNKNOWN) && !value_find_type(v, VALUE_UNDEFINED);
}

static bool step_known(enum frame_type type, const struct value *step)
{
	if (step->type != VALUE_MAP)
		return is_known(step);
	for (size_t i = 0; i < step->map.n; i++)
		if (!may_wait(type, &step->map.e[i]) && !is_known(step->map.e[i].value))
			return false;
	return true;
}

static bool all_known(enum frame_type type, const struct value *msg, struct err *e)
{
	bool ok = true;
	for (size_t i = 0; ok && i < msg->map.n; i++) {
		const struct value *v = msg->map.e[i].value;
		bool steps = str_is(msg->map.e[i].key, "steps") && v->type == VALUE_LIST;
		for (size_t k = 0; steps && ok && k < v->list.n; k++)
			ok = step_known(type, v->list.v[k]);
		ok = ok && (steps || is_known(v));
	}
	return ok || err_set(e, ERR_PERMANENT, "it contains an unknown value");
}

static bool check_message(struct arena *a, enum frame_type type, const struct value *raw,
	struct value **msg, struct err *e)
{
	struct errs errs;
	errs_init(&errs, a);
	*msg = fields_check(a, wire_fields(type), raw, "the message", &errs);
	if (*msg)
		return true;
	return err_set(e, ERR_PERMANENT, "%s",
		errs.n ? errs.v[0].msg : "it does not have the fields of its type");
}

static bool decode_message(struct arena *a, enum frame_type type, struct str bytes, size_t room,
	struct value **msg, struct err *e)
{
	struct value *raw;
	if (!value_decode_within(a, bytes.p, bytes.n,
		    frame_memory(type) < room ? frame_memory(type) : room, &raw, e))
		return false;
	if (raw->type != VALUE_MAP)
		return err_set(e, ERR_PERMANENT, "it is %s, not a mapping", value_type_name(raw));
	return all_known(type, raw, e) && check_message(a, type, raw, msg, e);
}

static enum frame_status refuse_frame(struct err *e, const char *what)
{
	err_set(e, ERR_PERMANENT, "received an invalid frame: %s", what);
	return FRAME_BAD;
}

/* What is wrong with the header of the first frame; NULL: nothing so far. */
static const char *head_fault(const struct buf *in)
{
	size_t n = in->n >= LENGTH_BYTES ? get_length(in->p) : 2;
	if (n > FRAME_MAX)
		return "it is larger than a frame may be";
	if (n < 2)
		return "it is empty";
	if (in->n < HEAD_BYTES)
		return NULL;
	enum frame_type type = (enum frame_type)(unsigned char)in->p[LENGTH_BYTES];
	if (!wire_fields(type))
		return "its type is unknown";
	if (n > frame_max(type))
		return "it is larger than a frame of its type may be";
	return NULL;
}

static bool is_whole(const struct buf *in)
{
	return in->n >= HEAD_BYTES && in->n >= LENGTH_BYTES + get_length(in->p);
}

bool frame_waits(const struct buf *in)
{
	return is_whole(in) || head_fault(in) || in->over;
}

enum frame_status frame_read_within(struct arena *a, struct buf *in, size_t room,
	enum frame_type *type, struct value **msg, struct err *e)
{
	const char *fault = head_fault(in);
	if (fault)
		return refuse_frame(e, fault);
	if (in->over)
		return refuse_frame(e, "it is larger than a frame may be");
	if (!is_whole(in))
		return FRAME_MORE;
	size_t n = get_length(in->p);
	*type = (enum frame_type)(unsigned char)in->p[4];
	struct str bytes = {in->p + HEAD_BYTES, n - 1};
	if (!decode_message(a, *type, bytes, room, msg, e)) {
		err_prefix(e, "received an invalid frame (%s)", frame_name(*type));
		return FRAME_BAD;
	}
	buf_consume(in, LENGTH_BYTES + n);
	return FRAME_OK;
}

enum frame_status frame_read(
	struct arena *a, struct buf *in, enum frame_type *type, struct value **msg, struct err *e)
{
	return frame_read_within(a, in, SIZE_MAX, type, msg, e);
}

bool frame_is_next(const struct buf *in, enum frame_type type)
{
	return in->n >= HEAD_BYTES && (unsigned char)in->p[LENGTH_BYTES] == type &&
	       in->n >= LENGTH_BYTES + get_length(in->p);
}
