/* SPDX-License-Identifier: MIT
 *
 * Private to parse.c: the tables of parts.c, which say what key of the manifest each member of
 * state.h is.
 */
#pragma once
#include "mail/state.h"

enum mail_part_kind {
	PART_TEXT,
	PART_TEXTS,
	PART_FLAG,
	PART_NUMBER,
	PART_WORD,  /* an enum: the number of the word in `words` */
	PART_VALUE, /* struct value *, of any type */
	PART_MAP,   /* struct value *; NULL if it is not a map */
	PART_ENTRY, /* const struct map_entry *, with the place of the key */
	PART_SUB,   /* the members of another table */
};
struct mail_part {
	struct str key; /* p NULL: the end of the table */
	enum mail_part_kind kind;
	size_t offset;
	const char *words;           /* WORD: the field's choices; the first stands for none */
	const struct mail_part *sub; /* SUB */
};
extern const struct mail_part mail_parts[], mail_domain_parts[], mail_box_parts[],
	mail_list_parts[], mail_out_parts[], mail_pair_parts[];
