/* SPDX-License-Identifier: MIT
 *
 * The frames of a connection, in both directions: takes one in a turn of the loop, in memory of its
 * own. Does not interpret them.
 */
#include "transport/transport_private.h"

enum { BYTES_MAX = 32 << 20 /* total size of the frames from one agent */ };

static bool check_hello(struct transport *t, enum frame_type type, const struct value *msg)
{
	if (t->phase != PHASE_HELLO)
		return true;
	if (type == FRAME_FATAL) /* it sends the reason; its end follows */
		return true;
	int64_t version = map_int(msg, "version", 0);
	if ((type != FRAME_HELLO || version != WIRE_VERSION) && transport_start_anew(t))
		return false;
	if (type != FRAME_HELLO) {
		transport_fail(t, ERR_PERMANENT, "the agent began with %s instead of HELLO",
			frame_name(type));
		return false;
	}
	if (version != WIRE_VERSION) {
		transport_fail(t, ERR_PERMANENT,
			"the agent uses version %lld of the protocol, not %d", (long long)version,
			WIRE_VERSION);
		return false;
	}
	transport_enter(t, PHASE_RUN, "connected");
	return true;
}

static void hand_over(struct transport *t, enum frame_type type, struct value *msg)
{
	t->alive = true;
	if (type == FRAME_OBSERVED || type == FRAME_APPLIED) {
		t->awaiting = false;
		limits_set(t, 0);
	}
	if (check_hello(t, type, msg))
		t->ev.on_frame(t->ctx, type, msg);
}

/* Checking a message copies some of it, and the receiver keeps a copy: this leaves
 * room for both. */
static void take_frame(struct transport *t)
{
	struct arena *mem = arena_new();
	enum frame_type type;
	struct value *msg;
	struct err e = {0};
	size_t before = t->in.n;
	enum frame_status got = frame_read_within(mem, &t->in, t->room / 5 * 2, &type, &msg, &e);
	t->bytes += before - t->in.n;
	if (got == FRAME_OK && t->bytes <= BYTES_MAX) {
		hand_over(t, type, msg);
	} else if (got == FRAME_OK) {
		transport_fail(
			t, ERR_PERMANENT, "the agent has sent more than %d MB", BYTES_MAX >> 20);
	} else if (got == FRAME_BAD && (t->phase != PHASE_HELLO || !transport_start_anew(t))) {
		transport_fail(t, ERR_PERMANENT, "invalid message from the agent: %s", e.msg);
	}
	arena_free(mem);
	if (t->in.n == 0)
		buf_free(&t->in); /* its memory may be large */
}

bool talks(const struct transport *t)
{
	return t->phase == PHASE_HELLO || t->phase == PHASE_RUN;
}

/* One frame in a turn. While more frames wait, nothing is read; the end comes after the last. */
void talk_turn(struct transport *t)
{
	if (talks(t))
		take_frame(t);
	bool more = talks(t) && frame_waits(&t->in), paused = t->link && t->link->paused;
	if (more)
		in_next_turn(t);
	else if (t->end)
		transport_link_over(t, t->end);
	if (t->restarting)
		return;
	if (t->link && t->phase != PHASE_ENDED)
		t->link->paused = more;
	if (paused && t->link && !more && !t->end && t->phase != PHASE_ENDED)
		t->link->ops->resume(t->link);
}

void transport_room(struct transport *t, size_t bytes)
{
	t->room = bytes;
}

static void await_work(struct transport *t, const char *doing)
{
	t->awaiting = true;
	t->doing = doing;
	limits_begin(t);
}

void transport_send(struct transport *t, enum frame_type type, const struct value *msg)
{
	if (t->phase >= PHASE_CLOSING)
		return;
	if (t->phase < PHASE_HELLO) {
		frame_write(&t->held, type, msg);
		return;
	}
	frame_write(&t->link->out, type, msg);
	if (type == FRAME_OBSERVE || type == FRAME_APPLY)
		await_work(t, type == FRAME_OBSERVE ? "observing" : "applying");
	transport_flush(t);
}
