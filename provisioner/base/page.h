/* SPDX-License-Identifier: MIT
 *
 * Text for people. What came from a host or a file may hold characters that a terminal obeys; a
 * page shows them as \x1b or \u202e instead. Only a page can be printed (banned.h), and only the
 * functions here add to one, so text that has not been escaped cannot be printed.
 *
 *   p = page_new(color); page_addf(p, "%s: ", name); page_lines(p, 4, text); page_write(p, 1);
 */
#pragma once
#include "base/base.h"

enum paint { PAINT_PLAIN, PAINT_BOLD, PAINT_RED, PAINT_GREEN, PAINT_YELLOW, PAINT_CYAN };
struct page;
struct page *page_new(bool color); /* color: paints, on a terminal */
void page_free(struct page *p);
void page_clear(struct page *p);
void page_stream(struct page *p, int fd); /* what becomes long is written there meanwhile */
size_t page_size(const struct page *p);

/* The format is ours and goes out as it is. Of the arguments %s is shown on one line: a line end in
 * it as \n, a tab as a space. Conversions: s d u f %, with - width and precision. */
void page_addf(struct page *p, const char *fmt, ...) PRINTF(2, 3);
void page_vaddf(struct page *p, const char *fmt, va_list ap) PRINTF(2, 0);
void page_paintf(struct page *p, enum paint paint, const char *fmt, ...) PRINTF(3, 4);
void page_add(struct page *p, struct str text); /* as %s, with the NULs that may be in it */
/* Text of several lines; all but the first begin with `indent` blanks. Tabs stay. */
void page_lines(struct page *p, int indent, struct str text);
/* The same; when the page wraps, lines that are too long are parted between words. */
void page_prose(struct page *p, int indent, struct str text);
/* The page is for the terminal at fd, and wraps at its width; for anything else it does not. */
void page_wrap(struct page *p, int fd);
void page_paint(struct page *p, enum paint paint); /* of what follows */
void page_up(struct page *p); /* to the line above, which is taken off the terminal */
/* Cuts what was added since the page had `from` bytes to so many columns. */
void page_cut(struct page *p, size_t from, size_t columns);

struct buf page_buf(struct page *p); /* adds lines to the page; end it with page_buf_end */
void page_buf_end(struct buf *b);
bool page_write(struct page *p, int fd);                     /* and clears it */
struct str page_text(struct arena *a, const struct page *p); /* what it would write */
bool write_data(int fd, struct str bytes); /* a product: as it is, but shown on a terminal */
/* For signal handlers and before there is memory: a literal and nothing else. */
#define write_literal(fd, text) write_literal_(fd, "" text, sizeof(text) - 1)
void write_literal_(int fd, const char *text, size_t n);

/* Must this character be shown by its number? C0, DEL, C1, and what turns the direction of text or
 * ends a line (U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069). */
bool char_is_control(uint32_t code);
/* The code point of the well-formed character of `len` bytes at p. */
uint32_t char_code(const char *p, size_t len);
