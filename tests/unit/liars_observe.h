/* SPDX-License-Identifier: MIT
 *
 * For the test of hostile hosts: what an agent may do instead of observing.
 */
#pragma once
#include "liars_before.h"

LIE(observe_silent)
{
	send_hello();
	stay_silent();
}
LIE(observe_stopped)
{
	send_hello();
	raise(SIGSTOP);
}
LIE(observe_exit)
{
	send_hello();
	_exit(0);
}
LIE(observe_killed)
{
	send_hello();
	raise(SIGKILL);
}
LIE(observe_closed)
{
	send_hello();
	close(1);
	stay_silent();
}
LIE(observe_errors)
{
	send_hello();
	send_endlessly(2, "an error\n");
}
LIE(observe_trickle)
{
	send_hello();
	put_bytes("\0\0\x40\0\x03", 5);
	send_byte_by_byte("x", 1);
}
LIE(observe_garbage)
{
	send_hello();
	send_endlessly(1, "\xde\xad\xbe\xef");
}
LIE(observe_hello)
{
	send_hello();
	send_frame(FRAME_HELLO, make_hello());
	stay_silent();
}
LIE(observe_note)
{
	send_hello();
	for (;;)
		send_frame(FRAME_NOTE, of_id(1, "text", value_text(lm, "flood")));
}
LIE(observe_alive)
{
	send_hello();
	for (;; usleep(TRICKLE_US))
		send_frame(FRAME_ALIVE, value_map(lm));
}
LIE(observe_alive_flood)
{
	send_hello();
	for (;;)
		send_frame(FRAME_ALIVE, value_map(lm));
}
LIE(observe_applied)
{
	send_hello();
	send_applied("done");
	stay_silent();
}
LIE(observe_foreign)
{
	struct value *m;
	send_hello();
	m = observed_with(one_change("mode"));
	map_put(lm, map_at(m, "steps")->list.v[0], "id", value_int(lm, 4711));
	send_frame(FRAME_OBSERVED, m);
	stay_silent();
}
LIE(observe_twice)
{
	struct value *m;
	send_hello();
	m = observed_with(one_change("mode"));
	list_add(lm, map_at(m, "steps"), map_at(m, "steps")->list.v[0]);
	send_frame(FRAME_OBSERVED, m);
	stay_silent();
}
LIE(observe_missing)
{
	struct value *m = value_map(lm);
	send_hello();
	map_put(lm, m, "steps", value_list(lm));
	send_frame(FRAME_OBSERVED, m);
	stay_silent();
}
LIE(observe_shape)
{
	send_hello();
	tell_raw(FRAME_OBSERVED, value_int(lm, 1));
	stay_silent();
}
LIE(observe_text)
{
	struct value *l = value_list(lm), *m = value_map(lm), *list = value_list(lm);
	send_hello();
	list_add(lm, l, make_change("mode", text_of_size(11 << 20, 1), value_null(lm)));
	list_add(lm, list, of_id(1, "changes", l));
	map_put(lm, m, "steps", list);
	send_frame(FRAME_OBSERVED, m);
	stay_silent();
}
LIE(observe_huge)
{
	send_hello();
	put_bytes("\3\xff\xff\xff\x03", 5);
	send_endlessly(1, "xxxxxxxxxxxxxxxx");
}
LIE(observe_changes)
{
	struct value *l = value_list(lm), *m = value_map(lm);
	send_hello();
	for (int i = 0; i < 100000; i++)
		list_add(lm, l, make_change("mode", value_text(lm, "a"), value_text(lm, "b")));
	map_put(lm, m, "steps", value_list(lm));
	map_put(lm, m, "x", l);
	tell_raw(FRAME_OBSERVED, m);
	stay_silent();
}
/* As many results as fit in one answer, and none that is to be changed. */
LIE(observe_results)
{
	struct value *m, *steps, *result = many_keys(400);
	send_hello();
	m = observed_with(value_list(lm));
	steps = map_at(m, "steps");
	for (size_t i = 0; i < steps->list.n; i++)
		map_put(lm, steps->list.v[i], "result", result);
	tell_raw(FRAME_OBSERVED, m);
	stay_silent();
}
