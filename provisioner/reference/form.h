/* SPDX-License-Identifier: MIT
 *
 * Floor 7.5: the reference, made of the tables that the program itself works by. What there is to
 * say is written once, in the terms of this header, and comes out as text for a terminal, as
 * Markdown, or as a manual page (mdoc(7)).
 *
 *   struct form f = {.kind = FORM_MARKDOWN, .out = &buf, .a = a};
 *   form_section(&f, "Parameters"); form_list(&f); form_item(&f, "path", "string"); ...
 *   form_list_end(&f);
 *
 * In texts `backquotes` hold code; all else is shown as it is.
 */
#pragma once
#include "value/field.h"

enum form_kind { FORM_TEXT, FORM_MARKDOWN, FORM_MAN };
struct form {
	enum form_kind kind;
	struct buf *out;
	struct arena *a;
	int depth;      /* of lists */
	bool paragraph; /* mdoc: the next text is not the first of its section or item */
};

/* The beginning of a page: its name, the manual's section, what it is in a few words. */
void form_page(struct form *f, const char *name, int section, const char *summary);
void form_section(struct form *f, const char *title);              /* of a page */
void form_text(struct form *f, const char *fmt, ...) PRINTF(2, 3); /* a paragraph */
/* Lines as they are; language: "yaml", "" for none. A missing newline at the end is added. */
void form_code(struct form *f, const char *language, const char *text);
void form_words(struct form *f, const char *const *words); /* a paragraph of names */
/* A list of named things, which may stand within an item of another. */
void form_list(struct form *f);
void form_item(struct form *f, const char *name, const char *facts); /* facts: NULL, none */
void form_item_mdoc(struct form *f, const char *line); /* the same, the macros given */
void form_list_end(struct form *f);

/* fields.c: a table of fields as a list. */
void form_fields(struct form *f, const struct field *table);
void form_field(struct form *f, const struct field *field); /* one of a list that is begun */
/* Length of the first sentence, its full stop left out; one within a word, main.cf, ends none. */
int first_sentence(const char *doc);
