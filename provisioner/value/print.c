/* SPDX-License-Identifier: MIT
 *
 * Values as text, as Python's str() and repr() give it, which templates rely on. Does not hide
 * secrets: the text is for files.
 */
#include <math.h>
#include "value/print.h"

/* The fewest digits that give the same number when read. */
static int print_shortest(double f, char *out, size_t size)
{
	int digits = 1;
	for (; digits < 17; digits++) {
		snprintf(out, size, "%.*e", digits - 1, f);
		if (strtod(out, NULL) == f)
			return digits;
	}
	snprintf(out, size, "%.*e", digits - 1, f);
	return digits;
}

void print_float(struct buf *b, double f)
{
	char text[64];
	if (isnan(f)) {
		buf_adds(b, "nan");
		return;
	}
	if (isinf(f)) {
		buf_adds(b, f < 0 ? "-inf" : "inf");
		return;
	}
	int digits = print_shortest(f, text, sizeof(text));
	int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
	if (exponent < -4 || exponent >= 16) {
		buf_adds(b, text);
		return;
	}
	int decimals = digits - 1 - exponent;
	buf_addf(b, "%.*f", decimals > 1 ? decimals : 1, f);
}

static void print_quoted(struct buf *b, struct str s)
{
	bool single = s.n && memchr(s.p, '\'', s.n), both = single && memchr(s.p, '"', s.n);
	char quote = single && !both ? '"' : '\'';
	buf_addc(b, quote);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '\\' || c == (unsigned char)quote)
			buf_addf(b, "\\%c", c);
		else if (c == '\n')
			buf_adds(b, "\\n");
		else if (c == '\r')
			buf_adds(b, "\\r");
		else if (c == '\t')
			buf_adds(b, "\\t");
		else if (c < 0x20 || c == 0x7f)
			buf_addf(b, "\\x%02x", c);
		else
			buf_addc(b, (char)c);
	}
	buf_addc(b, quote);
}

static void print_value(struct buf *b, const struct value *v, bool quoted);

static void print_items(struct buf *b, const struct value *v)
{
	if (v->type == VALUE_LIST) {
		buf_addc(b, '[');
		for (size_t i = 0; i < v->list.n; i++) {
			buf_adds(b, i ? ", " : "");
			print_value(b, v->list.v[i], true);
		}
		buf_addc(b, ']');
		return;
	}
	buf_addc(b, '{');
	for (size_t i = 0; i < v->map.n; i++) {
		buf_adds(b, i ? ", " : "");
		print_quoted(b, v->map.e[i].key);
		buf_adds(b, ": ");
		print_value(b, v->map.e[i].value, true);
	}
	buf_addc(b, '}');
}

static void print_blob(struct buf *b, const struct value *v, bool quoted)
{
	char digest[SHA256_HEX];
	if (v->blob.bytes.p && quoted) {
		print_quoted(b, v->blob.bytes);
	} else if (v->blob.bytes.p) {
		buf_add(b, v->blob.bytes.p, v->blob.bytes.n);
	} else {
		hex(v->blob.sha, SHA256_LEN, digest);
		buf_addf(b, "sha256:%s", digest);
	}
}

static void print_value(struct buf *b, const struct value *v, bool quoted)
{
	switch (v->type) {
	case VALUE_NULL:
		buf_adds(b, "None");
		break;
	case VALUE_BOOL:
		buf_adds(b, v->b ? "True" : "False");
		break;
	case VALUE_INT:
		buf_addf(b, "%lld", (long long)v->i);
		break;
	case VALUE_FLOAT:
		print_float(b, v->f);
		break;
	case VALUE_STR:
		if (quoted)
			print_quoted(b, v->s);
		else
			buf_add(b, v->s.p, v->s.n);
		break;
	case VALUE_BLOB:
		print_blob(b, v, quoted);
		break;
	case VALUE_UNKNOWN:
		buf_addf(b, "(unknown " STR_FMT ")", STR_ARG(v->s));
		break;
	case VALUE_UNDEFINED:
		buf_addf(b, "(undefined: " STR_FMT ")", STR_ARG(v->s));
		break;
	default:
		print_items(b, v);
	}
}

struct str value_print(struct arena *a, const struct value *v)
{
	struct buf b;
	if (v->type == VALUE_STR)
		return v->s;
	buf_init(&b, FILE_MAX);
	print_value(&b, v, false);
	struct str s = buf_str(a, &b);
	buf_free(&b);
	return s;
}
