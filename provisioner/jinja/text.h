/* SPDX-License-Identifier: MIT
 *
 * Private to jinja/: text by characters, as Python's str has it.
 */
#pragma once
#include "jinja/jinja.h"

enum { TEXT_MAX = 64 << 20 }; /* bytes of any text that is made */
struct call;
struct jinja;

size_t text_chars(struct str s);
size_t text_offset(struct str s, size_t chars); /* of a character, in bytes; at most s.n */
size_t text_next(struct str s, size_t i); /* length in bytes of the character at i; at least 1 */
struct str text_sub(struct str s, size_t from, size_t to); /* bytes; borrows: no NUL behind */
struct value *text_chars_list(struct jinja *in, struct str s);
bool text_find(struct str s, struct str what, size_t from, size_t *at);
struct str text_upper(struct arena *a, struct str s);
struct str text_lower(struct arena *a, struct str s);
struct str text_title(struct arena *a, struct str s);
struct str text_capitalize(struct arena *a, struct str s);
struct str text_title_method(struct arena *a, struct str s); /* Python's own title() */
bool text_is_space(char c);
bool text_is_digit(char c); /* 0 to 9 */
/* Python's: off both ends (sides: 1 left, 2 right); chars.p NULL: white space. */
struct str text_strip(struct arena *a, struct str s, struct str chars, int sides);
struct str text_replace(struct call *c, struct str s, struct str from, struct str to, int64_t max);
struct value *text_split(struct call *c, struct str s, struct str sep, int64_t max, bool right);
struct value *text_lines(struct jinja *in, struct str s, bool keep);
bool text_number(
	struct str s, bool *is_int, int64_t *i, double *f); /* as Python's int(), float() */
bool text_join(struct call *c, struct buf *b, struct value *list, struct str sep);
