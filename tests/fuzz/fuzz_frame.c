/* SPDX-License-Identifier: MIT
 *
 * Fuzzes what reads a peer's bytes: frames, fed in two pieces (what is accepted must be accepted
 * again from its own encoding), and the steps in them as the agent takes them.
 */
#include "agent/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The steps of a message, as OBSERVE and APPLY bring them. */
static void take_steps(struct arena *a, enum frame_type type, const struct value *msg)
{
	const struct value *steps = map_at(msg, "steps");
	unsigned char digest[SHA256_LEN];
	for (size_t i = 0; i < steps->list.n; i++) {
		const struct agent_step *step = step_read(
			a, steps->list.v[i], type == FRAME_APPLY ? STEP_APPLY : STEP_OBSERVE);
		if (step->bad.kind == ERR_NONE)
			step_key(a, step);
		redact(a, step, "a message that may quote it");
		if (map_at(steps->list.v[i], "changes"))
			step_digest(map_at(steps->list.v[i], "changes"), digest);
	}
}

static void read_again(struct arena *a, enum frame_type type, const struct value *msg)
{
	struct buf b;
	struct value *again;
	enum frame_type got;
	struct err e = {0};
	buf_init(&b, (size_t)FRAME_MAX + 16);
	frame_write(&b, type, msg);
	if (frame_read(a, &b, &got, &again, &e) != FRAME_OK || got != type || b.n)
		panic("%s was accepted, its own encoding is not: %s", frame_name(type), e.msg);
	buf_free(&b);
}

static void read_frames(struct arena *a, const uint8_t *data, size_t size)
{
	struct buf in;
	enum frame_type type;
	struct value *msg;
	struct err e = {0};
	size_t first = size ? data[0] % size : 0;
	buf_init(&in, 1 << 20);
	buf_add(&in, data, first);
	if (frame_read(a, &in, &type, &msg, &e) == FRAME_MORE)
		buf_add(&in, data + first, size - first);
	while (frame_read(a, &in, &type, &msg, &e) == FRAME_OK) {
		read_again(a, type, msg);
		if (map_at(msg, "steps"))
			take_steps(a, type, msg);
	}
	buf_free(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	read_frames(a, data, size);
	arena_free(a);
	return 0;
}
