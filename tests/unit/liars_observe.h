/* SPDX-License-Identifier: MIT
 *
 * For the test of hostile hosts: what an agent may do instead of observing.
 */
#pragma once
#include "liars_before.h"

LIE(observe_silent)
{
	greet();
	stay_silent();
}
LIE(observe_stopped)
{
	greet();
	raise(SIGSTOP);
}
LIE(observe_exit)
{
	greet();
	_exit(0);
}
LIE(observe_killed)
{
	greet();
	raise(SIGKILL);
}
LIE(observe_closed)
{
	greet();
	close(1);
	stay_silent();
}
LIE(observe_errors)
{
	greet();
	flood(2, "an error\n");
}
LIE(observe_trickle)
{
	greet();
	put("\0\0\x40\0\x03", 5);
	trickle("x", 1);
}
LIE(observe_garbage)
{
	greet();
	flood(1, "\xde\xad\xbe\xef");
}
LIE(observe_hello)
{
	greet();
	tell(FRAME_HELLO, hello());
	stay_silent();
}
LIE(observe_note)
{
	greet();
	for (;;)
		tell(FRAME_NOTE, of_id(1, "text", value_text(lm, "flood")));
}
LIE(observe_alive)
{
	greet();
	for (;; usleep(TRICKLE_US))
		tell(FRAME_ALIVE, value_map(lm));
}
LIE(observe_alive_flood)
{
	greet();
	for (;;)
		tell(FRAME_ALIVE, value_map(lm));
}
LIE(observe_applied)
{
	greet();
	applied("done");
	stay_silent();
}
LIE(observe_foreign)
{
	struct value *m;
	greet();
	m = observed_with(one_change("mode"));
	map_put(lm, map_at(m, "steps")->list.v[0], "id", value_int(lm, 4711));
	tell(FRAME_OBSERVED, m);
	stay_silent();
}
LIE(observe_twice)
{
	struct value *m;
	greet();
	m = observed_with(one_change("mode"));
	list_add(lm, map_at(m, "steps"), map_at(m, "steps")->list.v[0]);
	tell(FRAME_OBSERVED, m);
	stay_silent();
}
LIE(observe_missing)
{
	struct value *m = value_map(lm);
	greet();
	map_put(lm, m, "steps", value_list(lm));
	tell(FRAME_OBSERVED, m);
	stay_silent();
}
LIE(observe_shape)
{
	greet();
	tell_raw(FRAME_OBSERVED, value_int(lm, 1));
	stay_silent();
}
LIE(observe_text)
{
	struct value *l = value_list(lm), *m = value_map(lm), *list = value_list(lm);
	greet();
	list_add(lm, l, change("mode", text_of_size(11 << 20, 1), value_null(lm)));
	list_add(lm, list, of_id(1, "changes", l));
	map_put(lm, m, "steps", list);
	tell(FRAME_OBSERVED, m);
	stay_silent();
}
LIE(observe_huge)
{
	greet();
	put("\3\xff\xff\xff\x03", 5);
	flood(1, "xxxxxxxxxxxxxxxx");
}
LIE(observe_changes)
{
	struct value *l = value_list(lm), *m = value_map(lm);
	greet();
	for (int i = 0; i < 100000; i++)
		list_add(lm, l, change("mode", value_text(lm, "a"), value_text(lm, "b")));
	map_put(lm, m, "steps", value_list(lm));
	map_put(lm, m, "x", l);
	tell_raw(FRAME_OBSERVED, m);
	stay_silent();
}
/* As many results as fit in one answer, and none that is to be changed. */
LIE(observe_results)
{
	struct value *m, *steps, *result = many_keys(400);
	greet();
	m = observed_with(value_list(lm));
	steps = map_at(m, "steps");
	for (size_t i = 0; i < steps->list.n; i++)
		map_put(lm, steps->list.v[i], "result", result);
	tell_raw(FRAME_OBSERVED, m);
	stay_silent();
}
