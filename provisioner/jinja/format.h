/* SPDX-License-Identifier: MIT
 *
 * Private to jinja/: what the two ways of formatting share.
 */
#pragma once
#include "jinja/call.h"

enum { WIDTH_MAX = 10000, PRECISION_MAX = 300 };

struct format_spec {
	char fill[5];
	char align; /* < > ^ =, 0: by type */
	char sign;  /* + or space, 0: only minus */
	bool alternate, comma;
	int width, precision; /* -1: not given */
	char type;
};

/* A value by its conversion; `percent`: the rules of the % operator. */
bool format_value(struct call *c, struct buf *b, const struct format_spec *s, const struct value *v,
	bool percent);
void format_text(struct buf *b, const struct format_spec *s, struct str text);
/* The number at *i, 0 when there is none; false with an error above max. */
bool format_digits(struct call *c, struct str fmt, size_t *i, int *out, int max);
