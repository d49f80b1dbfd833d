/* SPDX-License-Identifier: MIT
 *
 * Private to the lexer: its state.
 */
#pragma once
#include "jinja/lex.h"
#include "jinja/text.h"

struct lexer {
	struct arena *a;
	struct str text;
	size_t i;
	struct pos base;
	size_t at; /* line and col are those of this byte */
	uint32_t line, col;
	unsigned flags;
	struct tokens *out;
	struct err *e;
	const char *mark[MARKS];
	bool strip; /* the last tag ended with "-": skip white space after it */
};

/* position of byte i; i must not decrease between calls */
struct pos lex_pos(struct lexer *l, size_t i);
bool lex_fail(struct lexer *l, size_t i, const char *what);
void lex_add(struct lexer *l, enum token_kind kind, struct str text, struct pos pos);
void lex_number(struct lexer *l);
bool lex_string(struct lexer *l, bool keep); /* keep: do not resolve backslashes */
