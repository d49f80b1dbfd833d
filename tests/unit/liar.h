/* SPDX-License-Identifier: MIT
 *
 * For the test of hostile hosts: agents that lie, one a name. The test's own program is put in the
 * place of ssh; the host's address is the name of what it does.
 */
#pragma once
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "wire/wire.h"

enum {
	GOOD = 10,
	LIAR_STEPS = 200,
	COMPARED = GOOD + 2, /* the good ones, and two that flood */
	TRICKLE_US = 200000,
	GATE_US = 10000,
	NOTE_HUGE = 60000,
};

static struct arena *lm; /* a liar's own memory */
static const struct value *asked_steps;

static void put_bytes(const void *p, size_t n)
{
	if (!write_all(1, p, n))
		_exit(0);
}

static void send_frame(enum frame_type type, struct value *msg)
{
	struct buf out;
	buf_init(&out, (size_t)2 * FRAME_MAX);
	frame_write(&out, type, msg);
	put_bytes(out.p, out.n);
	buf_free(&out);
}

/* A frame around any value, true to its length alone. */
static void tell_raw(enum frame_type type, const struct value *v)
{
	struct buf body;
	char head[5] = {0, 0, 0, 0, (char)type};
	buf_init(&body, (size_t)2 * FRAME_MAX);
	value_encode(&body, v, 0);
	for (int i = 0; i < 4; i++)
		head[i] = (char)((body.n + 1) >> (24 - 8 * i));
	put_bytes(head, sizeof(head));
	put_bytes(body.p, body.n);
	buf_free(&body);
}

static struct value *of_id(int id, const char *key, struct value *v)
{
	struct value *m = value_map(lm);
	map_put(lm, m, "id", value_int(lm, id));
	if (key)
		map_put(lm, m, key, v);
	return m;
}

static struct value *text_of_size(size_t n, char c)
{
	char *p = arena_alloc(lm, n + 1);
	memset(p, c, n);
	return value_str(lm, (struct str){p, n});
}

static struct value *many_keys(int n)
{
	struct value *m = value_map(lm);
	for (int i = 0; i < n; i++)
		map_put(lm, m, arena_printf(lm, "k%d", i), value_null(lm));
	return m;
}

static void stay_silent(void)
{
	for (;;)
		pause();
}

static void send_byte_by_byte(const char *p, size_t n)
{
	for (size_t i = 0;; i++, usleep(TRICKLE_US))
		put_bytes(p + i % n, 1);
}

static void send_endlessly(int fd, const char *text)
{
	for (;;)
		if (!write_all(fd, text, strlen(text)))
			_exit(0);
}

static struct value *make_hello(void)
{
	struct value *m = value_map(lm);
	map_put(lm, m, "version", value_int(lm, WIRE_VERSION));
	map_put(lm, m, "facts", value_map(lm));
	map_put(lm, m, "uid", value_int(lm, 0));
	map_put(lm, m, "user", value_text(lm, "root"));
	return m;
}

static struct value *make_change(const char *field, struct value *before, struct value *after)
{
	struct value *c = value_map(lm);
	map_put(lm, c, "field", value_text(lm, field));
	map_put(lm, c, "kind", value_text(lm, "attr"));
	map_put(lm, c, "before", before);
	map_put(lm, c, "after", after);
	return c;
}

static struct value *observed_with(struct value *changes)
{
	struct value *m = value_map(lm), *list = value_list(lm);
	for (size_t i = 0; i < asked_steps->list.n; i++) {
		struct value *s = value_map(lm);
		map_put(lm, s, "id", map_at(asked_steps->list.v[i], "id"));
		map_put(lm, s, "changes", changes);
		map_put(lm, s, "result", value_map(lm));
		list_add(lm, list, s);
	}
	map_put(lm, m, "steps", list);
	return m;
}

static struct value *one_change(const char *field)
{
	struct value *l = value_list(lm);
	list_add(lm, l, make_change(field, value_text(lm, "0644"), value_text(lm, "0600")));
	return l;
}

static struct value *make_ended(int id)
{
	return of_id(id, "status", value_text(lm, "changed"));
}
