/* SPDX-License-Identifier: MIT
 *
 * For the test of hostile hosts: a talk with the controller, up to where a lie begins, and that of
 * a good agent.
 */
#pragma once
#include "liar.h"

/* The next message of the controller. */
static enum frame_type read_frame(struct value **msg)
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

static void begin_session(void)
{
	put_bytes(WIRE_SYNC, sizeof(WIRE_SYNC) - 1);
}

static void send_hello(void)
{
	struct value *msg;
	begin_session();
	send_frame(FRAME_HELLO, make_hello());
	if (read_frame(&msg) == FRAME_BYE)
		_exit(0);
	asked_steps = map_at(msg, "steps");
}

/* Observed as it should be, and then asked to apply. */
static void accept_session(void)
{
	enum frame_type type;
	struct value *msg;
	send_hello();
	do {
		send_frame(FRAME_OBSERVED, observed_with(one_change("mode")));
		type = read_frame(&msg);
		asked_steps = map_at(msg, "steps");
	} while (type == FRAME_OBSERVE);
	if (type != FRAME_APPLY)
		_exit(0);
}

static void send_applied(const char *status)
{
	struct value *m = value_map(lm);
	map_put(lm, m, "status", value_text(lm, status));
	send_frame(FRAME_APPLIED, m);
}

/* Waits until all that are compared have come so far: each leaves a byte in a file. */
static void await_others(void)
{
	char program[PATH_MAX] = "";
	struct stat st = {0};
	int waited_us = 0;
	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		_exit(1);
	int fd =
		open(path_join(lm, path_dir(lm, program), "gate"), O_WRONLY | O_APPEND | O_CLOEXEC);
	if (!write_all(fd, "x", 1))
		_exit(1);
	while (fstat(fd, &st) == 0 && st.st_size < COMPARED) {
		usleep(GATE_US);
		waited_us += GATE_US;
		if (waited_us % (TRICKLE_US * 5) == 0)
			send_frame(FRAME_ALIVE, value_map(lm));
	}
	close(fd);
}

/* What a good agent says, all of it at once. */
static void be_honest(void)
{
	struct buf out;
	struct value *m = value_map(lm), *msg;
	accept_session();
	await_others();
	buf_init(&out, FRAME_MAX);
	for (int i = 1; i <= (int)asked_steps->list.n; i++) {
		frame_write(&out, FRAME_STARTED, of_id(i, NULL, NULL));
		frame_write(&out, FRAME_STEP, make_ended(i));
	}
	map_put(lm, m, "status", value_text(lm, "done"));
	frame_write(&out, FRAME_APPLIED, m);
	put_bytes(out.p, out.n);
	read_frame(&msg);
	_exit(0);
}

static void send_notes(size_t size)
{
	struct value *text = text_of_size(size, 'n');
	accept_session();
	if (size < NOTE_HUGE)
		await_others();
	send_frame(FRAME_STARTED, of_id(1, NULL, NULL));
	for (;;)
		tell_raw(FRAME_NOTE, of_id(1, "text", text));
}

static void changes_of(size_t size, char c)
{
	struct value *l = value_list(lm);
	accept_session();
	list_add(lm, l, make_change("x", text_of_size(size, c), value_null(lm)));
	for (int i = 1; i <= LIAR_STEPS; i++) {
		struct value *m = make_ended(i);
		map_put(lm, m, "changes", l);
		send_frame(FRAME_STEP, m);
	}
	stay_silent();
}
