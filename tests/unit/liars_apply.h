/* SPDX-License-Identifier: MIT
 *
 * For the test of hostile hosts: what an agent may do instead of applying.
 */
#pragma once
#include "liars_observe.h"

LIE(apply_silent)
{
	accept_session();
	stay_silent();
}
LIE(apply_stopped)
{
	accept_session();
	send_frame(FRAME_STARTED, of_id(1, NULL, NULL));
	raise(SIGSTOP);
}
LIE(apply_nothing)
{
	accept_session();
	send_applied("done");
	stay_silent();
}
LIE(apply_missing)
{
	accept_session();
	send_frame(FRAME_STEP, make_ended(1));
	send_applied("done");
	stay_silent();
}
LIE(apply_status)
{
	accept_session();
	send_applied("splendid");
	stay_silent();
}
LIE(apply_foreign)
{
	accept_session();
	send_frame(FRAME_STEP, make_ended(4711));
	stay_silent();
}
LIE(apply_step_flood)
{
	accept_session();
	for (;;)
		send_frame(FRAME_STEP, make_ended(1));
}
LIE(apply_started_flood)
{
	accept_session();
	for (;;)
		send_frame(FRAME_STARTED, of_id(1, NULL, NULL));
}
LIE(apply_late)
{
	accept_session();
	send_frame(FRAME_STEP, make_ended(1));
	send_frame(FRAME_STARTED, of_id(1, NULL, NULL));
	stay_silent();
}
LIE(apply_note_early)
{
	accept_session();
	send_frame(FRAME_NOTE, of_id(1, "text", value_text(lm, "x")));
	stay_silent();
}
LIE(apply_notes)
{
	send_notes(20);
}
LIE(apply_notes_large)
{
	send_notes(8000);
}
LIE(apply_note_huge)
{
	send_notes(NOTE_HUGE);
}
LIE(apply_alive)
{
	accept_session();
	for (;; usleep(TRICKLE_US))
		send_frame(FRAME_ALIVE, value_map(lm));
}
LIE(apply_results)
{
	accept_session();
	for (int i = 1; i <= LIAR_STEPS; i++) {
		struct value *m = make_ended(i), *result = value_map(lm);
		map_put(lm, result, "stdout", text_of_size(4 << 20, 'r'));
		map_put(lm, m, "result", result);
		send_frame(FRAME_STEP, m);
	}
	stay_silent();
}
LIE(apply_keys)
{
	struct value *result = many_keys(3000);
	accept_session();
	for (int i = 1; i <= LIAR_STEPS; i++) {
		struct value *m = make_ended(i);
		map_put(lm, m, "result", result);
		send_frame(FRAME_STEP, m);
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
	accept_session();
	for (int i = 1; i <= LIAR_STEPS; i++)
		send_frame(FRAME_STEP, make_ended(i));
	send_applied("done");
	send_applied("done");
	stay_silent();
}
LIE(apply_half)
{
	accept_session();
	put_bytes("\0\0\1\0\x07half", 9);
	_exit(0);
}
LIE(apply_garbage)
{
	accept_session();
	send_endlessly(1, "\xde\xad\xbe\xef");
}
LIE(apply_observed)
{
	accept_session();
	send_frame(FRAME_OBSERVED, observed_with(one_change("x")));
	stay_silent();
}
