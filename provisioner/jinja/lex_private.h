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
	size_t at; /* place up to which line and col are counted */
	uint32_t line, col;
	unsigned flags;
	struct tokens *out;
	struct err *e;
	const char *mark[MARKS];
	bool strip; /* the last tag ended with - : white space after it goes */
};

struct pos lex_pos(struct lexer *l, size_t i); /* of byte i; asked for in rising order */
bool lex_fail(struct lexer *l, size_t i, const char *what);
void lex_add(struct lexer *l, enum token_kind kind, struct str text, struct pos pos);
void lex_number(struct lexer *l);
bool lex_string(struct lexer *l, bool keep); /* keep: backslashes stay */
