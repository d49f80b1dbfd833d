/* SPDX-License-Identifier: MIT
 *
 * For the transport's tests: connections that write down what happened to them, run to their end.
 */
#pragma once
#include "transport_folder.h"

enum { PATIENCE_MS = 30000 };

struct watched {
	struct loop *loop;
	struct transport *t;
	struct loop_timer *patience;
	const char *ask; /* sent after HELLO; NULL: close then */
	size_t payload;  /* sent with it */
	bool hold;       /* do nothing after HELLO */
	int hellos, answers, closed, *left;
	size_t answer_size;
	int64_t parent; /* the agent's */
	bool brought;
	struct err why;
	void (*on_hello)(struct watched *w);
};

HELPER void asked(struct watched *w)
{
	struct value *m = value_map(a), *steps = value_list(a), *s = value_map(a);
	struct value *params = value_map(a);
	char *text = arena_alloc(a, w->payload + 1);
	memset(text, 'y', w->payload);
	map_put(a, params, "text", value_str(a, str_c(text)));
	map_put(a, s, "id", value_int(a, 1));
	map_put(a, s, "type", value_text(a, w->ask));
	map_put(a, s, "params", params);
	list_add(a, steps, s);
	map_put(a, m, "steps", steps);
	transport_send(w->t, FRAME_OBSERVE, m);
}

HELPER void progress(void *ctx, const char *what)
{
	struct watched *w = ctx;
	assert_int_equal(w->closed, 0);
	w->brought |= strcmp(what, "sending the agent") == 0;
}

HELPER void frame(void *ctx, enum frame_type type, struct value *msg)
{
	struct watched *w = ctx;
	assert_int_equal(w->closed, 0);
	if (type == FRAME_HELLO) {
		w->hellos++;
		w->parent = map_int(map_at(msg, "facts"), "parent", 0);
		if (w->on_hello)
			w->on_hello(w);
		if (w->ask)
			asked(w);
		else if (!w->hold)
			transport_close(w->t);
	} else if (type == FRAME_OBSERVED) {
		w->answers++;
		const struct value *step = map_at(msg, "steps")->list.v[0];
		w->answer_size = strlen(map_cstr(map_at(step, "result"), "text", ""));
		transport_close(w->t);
	}
}

HELPER void closed(void *ctx, const struct err *why)
{
	struct watched *w = ctx;
	assert_int_equal(w->closed, 0);
	w->closed++;
	w->why = *why;
	if (--*w->left == 0)
		loop_stop(w->loop);
}

HELPER void out_of_patience(void *ctx)
{
	loop_stop(ctx);
}

HELPER void open_watched(struct watched *w, const struct target *t, struct loop *l, int *left)
{
	static const struct transport_events events = {progress, frame, closed};
	w->loop = l;
	w->left = left;
	w->t = transport_open(l, a, t, &image, &events, w);
	assert_int_equal(w->closed, 0);
}

/* Runs n connections to their ends. */
HELPER void run(struct watched *w, const struct target *t, int n)
{
	struct loop *l = loop_new();
	int left = n;
	for (int i = 0; i < n; i++)
		open_watched(&w[i], &t[i], l, &left);
	loop_timer(l, PATIENCE_MS, out_of_patience, l);
	loop_run(l);
	loop_free(l);
	if (left)
		fail_msg("%d of %d did not end within %d ms", left, n, PATIENCE_MS);
}

HELPER void expect(const struct watched *w, enum err_kind kind, const char *says)
{
	if (w->why.kind != kind || (says && !strstr(w->why.msg, says)))
		fail_msg("ended with kind %d, '%s'; not %d, '%s'", w->why.kind, w->why.msg, kind,
			says ? says : "");
}
