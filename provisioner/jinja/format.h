/* SPDX-License-Identifier: MIT
 *
 * Private to jinja/: shared by % and str.format.
 */
#pragma once
#include "jinja/call.h"

enum { WIDTH_MAX = 10000, PRECISION_MAX = 300 };

struct format_spec {
	char fill[5];
	char align; /* < > ^ =; 0: by the value's type */
	char sign;  /* + or blank; 0: only a minus */
	bool alternate, comma;
	int width, precision; /* -1: not given */
	char type;
};

/* Formats a value by its conversion; `percent`: by the rules of the % operator. */
bool format_value(struct call *c, struct buf *b, const struct format_spec *s, const struct value *v,
	bool percent);
void format_text(struct buf *b, const struct format_spec *s, struct str text);
/* Reads the number at *i; 0 if there is none. false with an error: it is above max. */
bool format_digits(struct call *c, struct str fmt, size_t *i, int *out, int max);
