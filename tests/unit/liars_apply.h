/* SPDX-License-Identifier: MIT
 *
 * For the test of hostile hosts: what an agent may do instead of applying.
 */
#pragma once
#include "liars_observe.h"

LIE(apply_silent)
{
	agree();
	stay_silent();
}
LIE(apply_stopped)
{
	agree();
	tell(FRAME_STARTED, of_id(1, NULL, NULL));
	raise(SIGSTOP);
}
LIE(apply_nothing)
{
	agree();
	applied("done");
	stay_silent();
}
LIE(apply_missing)
{
	agree();
	tell(FRAME_STEP, ended(1));
	applied("done");
	stay_silent();
}
LIE(apply_status)
{
	agree();
	applied("splendid");
	stay_silent();
}
LIE(apply_foreign)
{
	agree();
	tell(FRAME_STEP, ended(4711));
	stay_silent();
}
LIE(apply_step_flood)
{
	agree();
	for (;;)
		tell(FRAME_STEP, ended(1));
}
LIE(apply_started_flood)
{
	agree();
	for (;;)
		tell(FRAME_STARTED, of_id(1, NULL, NULL));
}
LIE(apply_late)
{
	agree();
	tell(FRAME_STEP, ended(1));
	tell(FRAME_STARTED, of_id(1, NULL, NULL));
	stay_silent();
}
LIE(apply_note_early)
{
	agree();
	tell(FRAME_NOTE, of_id(1, "text", value_text(lm, "x")));
	stay_silent();
}
LIE(apply_notes)
{
	notes(20);
}
LIE(apply_notes_large)
{
	notes(8000);
}
LIE(apply_note_huge)
{
	notes(NOTE_HUGE);
}
LIE(apply_alive)
{
	agree();
	for (;; usleep(TRICKLE_US))
		tell(FRAME_ALIVE, value_map(lm));
}
LIE(apply_results)
{
	agree();
	for (int i = 1; i <= LIAR_STEPS; i++) {
		struct value *m = ended(i), *result = value_map(lm);
		map_put(lm, result, "stdout", text_of_size(4 << 20, 'r'));
		map_put(lm, m, "result", result);
		tell(FRAME_STEP, m);
	}
	stay_silent();
}
LIE(apply_keys)
{
	struct value *result = many_keys(3000);
	agree();
	for (int i = 1; i <= LIAR_STEPS; i++) {
		struct value *m = ended(i);
		map_put(lm, m, "result", result);
		tell(FRAME_STEP, m);
	}
	stay_silent();
}
LIE(apply_changes)
{
	changes_of(5 << 20, 2);
}
LIE(apply_texts)
{
	changes_of(1 << 20, 'x');
}
LIE(apply_twice)
{
	agree();
	for (int i = 1; i <= LIAR_STEPS; i++)
		tell(FRAME_STEP, ended(i));
	applied("done");
	applied("done");
	stay_silent();
}
LIE(apply_half)
{
	agree();
	put("\0\0\1\0\x07half", 9);
	_exit(0);
}
LIE(apply_garbage)
{
	agree();
	flood(1, "\xde\xad\xbe\xef");
}
LIE(apply_observed)
{
	agree();
	tell(FRAME_OBSERVED, observed_with(one_change("x")));
	stay_silent();
}
