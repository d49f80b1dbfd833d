/* SPDX-License-Identifier: MIT
 *
 * For the transport's tests: an agent that does what a real one must not. The test's own program
 * runs it when its name begins with agent-.
 */
#pragma once
#include <signal.h>
#include <unistd.h>
#include "wire/wire.h"

enum { BIG = 3 << 20 };

__attribute__((unused)) static void send_message(enum frame_type type, const struct value *msg)
{
	struct buf out;
	buf_init(&out, FRAME_MAX);
	frame_write(&out, type, msg);
	write_all(1, out.p, out.n);
	buf_free(&out);
}

__attribute__((unused)) static void say_hello(struct arena *mem, int version)
{
	struct value *m = value_map(mem), *facts = value_map(mem);
	map_put(mem, facts, "parent", value_int(mem, getppid()));
	map_put(mem, m, "version", value_int(mem, version));
	map_put(mem, m, "facts", facts);
	map_put(mem, m, "uid", value_int(mem, getuid()));
	map_put(mem, m, "user", value_text(mem, "test"));
	send_message(FRAME_HELLO, m);
}

__attribute__((unused)) static struct value *answer_observe(struct arena *mem, size_t size)
{
	char *text = arena_alloc(mem, size + 1);
	memset(text, 'x', size);
	struct value *m = value_map(mem), *steps = value_list(mem), *s = value_map(mem);
	struct value *result = value_map(mem);
	map_put(mem, result, "text", value_str(mem, str_c(text)));
	map_put(mem, s, "id", value_int(mem, 1));
	map_put(mem, s, "result", result);
	list_add(mem, steps, s);
	map_put(mem, m, "steps", steps);
	return m;
}

__attribute__((unused)) static int answer_message(struct arena *mem, const struct value *msg)
{
	const struct value *step = map_at(msg, "steps")->list.v[0];
	const char *word = map_cstr(step, "type", "");
	if (strcmp(word, "echo") == 0)
		send_message(FRAME_OBSERVED, answer_observe(mem, 10));
	if (strcmp(word, "big") == 0)
		send_message(FRAME_OBSERVED, answer_observe(mem, BIG));
	if (strcmp(word, "garbage") == 0)
		write_all(1, "\xff\xff\xff\xff\xff", 5);
	if (strcmp(word, "unasked") == 0)
		send_message(FRAME_OBSERVE, msg);
	if (strcmp(word, "die") == 0) {
		write_all(2, "my last\x1b[1m words\n", 19);
		return 3;
	}
	if (strcmp(word, "kill") == 0)
		raise(SIGKILL);
	return 0;
}

__attribute__((unused)) static int break_protocol(void)
{
	struct arena *mem = arena_new();
	struct buf in;
	int rc = 0;
	bool over = false;
	buf_init(&in, FRAME_MAX);
	write_all(1, WIRE_SYNC, sizeof WIRE_SYNC - 1);
	say_hello(mem, getenv("AGENT_VERSION") ? 99 : WIRE_VERSION);
	while (!over) {
		static char bytes[1 << 16];
		ssize_t n = read(0, bytes, sizeof bytes);
		if (n <= 0)
			break;
		buf_add(&in, bytes, (size_t)n);
		enum frame_type type;
		struct value *msg;
		struct err e = {0};
		while (!over && frame_read(mem, &in, &type, &msg, &e) == FRAME_OK) {
			rc = type == FRAME_OBSERVE ? answer_message(mem, msg) : 0;
			over = rc || type == FRAME_BYE;
		}
	}
	buf_free(&in);
	arena_free(mem);
	return rc;
}
