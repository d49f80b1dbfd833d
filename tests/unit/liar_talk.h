/* SPDX-License-Identifier: MIT
 *
 * For the test of hostile hosts: a talk with the controller, up to where a lie begins, and that of
 * a good agent.
 */
#pragma once
#include "liar.h"

/* The next message of the controller. */
static enum frame_type hear(struct value **msg)
{
	static struct buf in;
	enum frame_type type;
	struct err e = {0};
	static char bytes[1 << 16];
	if (!in.limit)
		buf_init(&in, FRAME_MAX);
	while (frame_read(lm, &in, &type, msg, &e) != FRAME_OK) {
		ssize_t n = read(0, bytes, sizeof(bytes));
		if (n <= 0 || e.kind)
			_exit(0);
		buf_add(&in, bytes, (size_t)n);
	}
	return type;
}

static void begin(void)
{
	put(WIRE_SYNC, sizeof(WIRE_SYNC) - 1);
}

static void greet(void)
{
	struct value *msg;
	begin();
	tell(FRAME_HELLO, hello());
	if (hear(&msg) == FRAME_BYE)
		_exit(0);
	asked_steps = map_at(msg, "steps");
}

/* Observed as it should be, and then asked to apply. */
static void agree(void)
{
	struct value *msg;
	greet();
	tell(FRAME_OBSERVED, observed_with(one_change("mode")));
	if (hear(&msg) != FRAME_APPLY)
		_exit(0);
}

static void applied(const char *status)
{
	struct value *m = value_map(lm);
	map_put(lm, m, "status", value_text(lm, status));
	tell(FRAME_APPLIED, m);
}

/* What a good agent says, all of it at once. */
static void behave(void)
{
	struct buf out;
	struct value *m = value_map(lm), *msg;
	agree();
	buf_init(&out, FRAME_MAX);
	for (int i = 1; i <= LIAR_STEPS; i++) {
		frame_write(&out, FRAME_STARTED, of_id(i, NULL, NULL));
		frame_write(&out, FRAME_STEP, ended(i));
	}
	map_put(lm, m, "status", value_text(lm, "done"));
	frame_write(&out, FRAME_APPLIED, m);
	put(out.p, out.n);
	hear(&msg);
	_exit(0);
}

static void notes(size_t size)
{
	struct value *text = text_of_size(size, 'n');
	agree();
	tell(FRAME_STARTED, of_id(1, NULL, NULL));
	for (;;)
		tell_raw(FRAME_NOTE, of_id(1, "text", text));
}

static void changes_of(size_t size, char c)
{
	struct value *l = value_list(lm);
	agree();
	list_add(lm, l, change("x", text_of_size(size, c), value_null(lm)));
	for (int i = 1; i <= LIAR_STEPS; i++) {
		struct value *m = ended(i);
		map_put(lm, m, "changes", l);
		tell(FRAME_STEP, m);
	}
	stay_silent();
}
