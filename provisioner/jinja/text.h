/* SPDX-License-Identifier: MIT
 *
 * Private to jinja/: operations on the characters of UTF-8 text, as Python's str has them.
 */
#pragma once
#include "jinja/jinja.h"

enum { TEXT_MAX = 64 << 20 }; /* maximum size in bytes of a text that a template makes */
struct call;
struct jinja;

size_t text_chars(struct str s);
size_t text_offset(struct str s, size_t chars); /* byte offset of a character; at most s.n */
size_t text_next(struct str s, size_t i);       /* bytes of the character at i; at least 1 */
struct str text_sub(struct str s, size_t from, size_t to); /* borrows bytes of s: no NUL follows */
struct value *text_chars_list(struct jinja *in, struct str s);
/* *at: byte offset of the first match at or after `from`; false: none. */
bool text_find(struct str s, struct str what, size_t from, size_t *at);
struct str text_upper(struct arena *a, struct str s);
struct str text_lower(struct arena *a, struct str s);
struct str text_title(struct arena *a, struct str s);
struct str text_capitalize(struct arena *a, struct str s);
struct str text_title_method(struct arena *a, struct str s); /* Python's str.title() */
bool text_is_space(char c);
bool text_is_digit(char c); /* 0 to 9 */
/* Python's str.strip; sides: 1 left, 2 right, 3 both; chars.p NULL: white space. */
struct str text_strip(struct arena *a, struct str s, struct str chars, int sides);
struct str text_replace(struct call *c, struct str s, struct str from, struct str to, int64_t max);
struct value *text_split(struct call *c, struct str s, struct str sep, int64_t max, bool right);
struct value *text_lines(struct jinja *in, struct str s, bool keep);
/* Parses as Python's int() and float() do. */
bool text_number(struct str s, bool *is_int, int64_t *i, double *f);
bool text_join(struct call *c, struct buf *b, struct value *list, struct str sep);
