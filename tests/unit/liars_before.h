/* SPDX-License-Identifier: MIT
 *
 * For the test of hostile hosts: what an agent may do instead of a HELLO.
 */
#pragma once
#include "liar_talk.h"

#define LIE(name) static void lie_##name(void)

LIE(pre_silent)
{
	stay_silent();
}
LIE(pre_exit)
{
	_exit(3);
}
LIE(pre_noise)
{
	send_endlessly(1, "You have new mail.\n");
}
LIE(pre_errors)
{
	send_endlessly(2, "motd\n");
}
LIE(pre_trickle)
{
	send_byte_by_byte("motd\n", 5);
}
LIE(pre_need_twice)
{
	put_bytes(WIRE_NEED WIRE_NEED, 2 * (sizeof(WIRE_NEED) - 1));
	stay_silent();
}
LIE(pre_unread)
{
	put_bytes(WIRE_NEED, sizeof(WIRE_NEED) - 1);
	stay_silent();
}
LIE(hello_length)
{
	begin_session();
	put_bytes("\xff\xff\xff\xff\x01", 5);
	stay_silent();
}
LIE(hello_empty)
{
	begin_session();
	put_bytes("\0\0\0\0\x01", 5);
	stay_silent();
}
LIE(hello_type)
{
	begin_session();
	put_bytes("\0\0\0\x10\x7f", 5);
	stay_silent();
}
LIE(hello_half)
{
	begin_session();
	put_bytes("\0\0\1\0\x01half", 9);
	stay_silent();
}
LIE(hello_errors)
{
	begin_session();
	send_endlessly(2, "x\n");
}
LIE(hello_trickle)
{
	begin_session();
	put_bytes("\0\0\x40\0\x01", 5);
	send_byte_by_byte("x", 1);
}
LIE(hello_version)
{
	struct value *m = make_hello();
	map_put(lm, m, "version", value_int(lm, 99));
	begin_session();
	send_frame(FRAME_HELLO, m);
	stay_silent();
}
LIE(hello_late)
{
	begin_session();
	send_frame(FRAME_STEP, make_ended(1));
	stay_silent();
}
LIE(hello_huge)
{
	struct value *m = make_hello();
	map_put(lm, map_at(m, "facts"), "x", text_of_size(63 << 20, 'x'));
	begin_session();
	tell_raw(FRAME_HELLO, m);
	stay_silent();
}
LIE(hello_nulls)
{
	struct value *m = make_hello(), *l = value_list(lm);
	for (int i = 0; i < 900000; i++)
		list_add(lm, l, value_null(lm));
	map_put(lm, map_at(m, "facts"), "x", l);
	begin_session();
	tell_raw(FRAME_HELLO, m);
	stay_silent();
}
LIE(hello_facts)
{
	struct value *m = make_hello();
	map_put(lm, m, "facts", many_keys(25000));
	begin_session();
	tell_raw(FRAME_HELLO, m);
	stay_silent();
}
LIE(hello_deep)
{
	struct value *m = make_hello(), *l = value_list(lm);
	for (int i = 0; i < 40; i++) {
		struct value *outer = value_list(lm);
		list_add(lm, outer, l);
		l = outer;
	}
	map_put(lm, map_at(m, "facts"), "x", l);
	begin_session();
	tell_raw(FRAME_HELLO, m);
	stay_silent();
}
LIE(hello_unknown)
{
	struct value *m = make_hello();
	map_put(lm, map_at(m, "facts"), "x", value_unknown(lm, "y"));
	begin_session();
	tell_raw(FRAME_HELLO, m);
	stay_silent();
}
LIE(hello_count)
{
	begin_session();
	put_bytes("\0\0\0\x08\x01\0\x06\xff\xff\xff\xff\x0f", 12);
	stay_silent();
}
LIE(hello_fatal)
{
	struct value *m = value_map(lm);
	map_put(lm, m, "msg", value_text(lm, "\x1b[2J\xc2\x9b no \xe2\x80\xae"));
	begin_session();
	send_frame(FRAME_FATAL, m);
	stay_silent();
}
