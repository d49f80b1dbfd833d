/* SPDX-License-Identifier: MIT
 *
 * Text for people. Text of a host or a file may contain control characters that change what a
 * terminal shows; a page shows them as \x1b or \u202e instead. Only pages can be printed
 * (banned.h), and only the functions here add to one, so text that was not escaped cannot be
 * printed.
 *
 *   p = page_new(color); page_addf(p, "%s: ", name); page_lines(p, 4, text); page_write(p, 1);
 */
#pragma once
#include "base/base.h"

enum paint { PAINT_PLAIN, PAINT_BOLD, PAINT_RED, PAINT_GREEN, PAINT_YELLOW, PAINT_CYAN };
struct page;
struct page *page_new(bool color); /* color: page_paint adds colors */
void page_free(struct page *p);
void page_clear(struct page *p);
void page_stream(struct page *p, int fd); /* a long page is written to fd while it grows */
size_t page_size(const struct page *p);

/* The format itself is not escaped. %s is shown on one line: a newline as \n, a tab as a space.
 * Conversions: s d u f %, with the flag -, width and precision. */
void page_addf(struct page *p, const char *fmt, ...) PRINTF(2, 3);
void page_vaddf(struct page *p, const char *fmt, va_list ap) PRINTF(2, 0);
void page_paintf(struct page *p, enum paint paint, const char *fmt, ...) PRINTF(3, 4);
void page_add(struct page *p, struct str text); /* like %s; may contain NULs */
/* Text of several lines; `indent` blanks before each line but the first. Keeps tabs. */
void page_lines(struct page *p, int indent, struct str text);
/* The same; a page that wraps breaks long lines between words. */
void page_prose(struct page *p, int indent, struct str text);
/* If fd is a terminal, the page wraps at its width; otherwise not at all. */
void page_wrap(struct page *p, int fd);
void page_paint(struct page *p, enum paint paint); /* of what is added from now on */
void page_up(struct page *p);                      /* moves the cursor up and clears that line */
/* Shortens what was added after the page had `from` bytes to so many columns. */
void page_cut(struct page *p, size_t from, size_t columns);

/* a buffer that adds lines to the page; end it with page_buf_end */
struct buf page_buf(struct page *p);
void page_buf_end(struct buf *b);
bool page_write(struct page *p, int fd); /* and clears the page; false: the write failed */
struct str page_text(struct arena *a, const struct page *p); /* what page_write would write */
/* the product of a command: unchanged, but escaped on a terminal */
bool write_data(int fd, struct str bytes);
/* A string literal, for signal handlers and before memory can be allocated. */
#define write_literal(fd, text) write_literal_(fd, "" text, sizeof(text) - 1)
void write_literal_(int fd, const char *text, size_t n);

/* Must this character be escaped? C0, DEL, C1, and characters that change the direction of text or
 * end a line (U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069). */
bool char_is_control(uint32_t code);
/* The code point of the well-formed UTF-8 character of `len` bytes at p. */
uint32_t char_code(const char *p, size_t len);
