/* SPDX-License-Identifier: MIT
 *
 * Writes values as JSON (RFC 8259), without secrets and contents of files. Values that JSON does
 * not have become {"unknown": ...}, {"undefined": ...}, or null for a number that is not finite.
 */
#include <math.h>
#include "value/print.h"

void json_quote(struct buf *b, struct str s)
{
	buf_addc(b, '"');
	for (size_t i = 0, len; i < s.n; i += len ? len : 1) {
		unsigned char c = (unsigned char)s.p[i];
		len = str_utf8_len(s.p + i, s.n - i);
		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (c == '\n')
			buf_adds(b, "\\n");
		else if (c == '\t')
			buf_adds(b, "\\t");
		else if (len == 0 && c)
			buf_adds(b, "\xef\xbf\xbd");
		else if (char_is_control(len ? char_code(s.p + i, len) : c))
			buf_addf(b, "\\u%04x", len ? char_code(s.p + i, len) : c);
		else
			buf_add(b, s.p + i, len);
	}
	buf_addc(b, '"');
}

/* indent < 0: one line. */
static void add_newline(struct buf *b, int indent)
{
	if (indent < 0)
		return;
	buf_addf(b, "\n%*s", indent, "");
}

static void write_value(struct buf *b, const struct value *v, int indent);

static void write_list(struct buf *b, const struct value *v, int indent)
{
	int inner = indent < 0 ? -1 : indent + 2;
	buf_addc(b, '[');
	for (size_t i = 0; i < v->list.n; i++) {
		buf_adds(b, i == 0 ? "" : indent < 0 ? ", " : ",");
		add_newline(b, inner);
		write_value(b, v->list.v[i], inner);
	}
	if (v->list.n)
		add_newline(b, indent);
	buf_addc(b, ']');
}

static void write_map(struct buf *b, const struct value *v, int indent)
{
	int inner = indent < 0 ? -1 : indent + 2;
	buf_addc(b, '{');
	for (size_t i = 0; i < v->map.n; i++) {
		buf_adds(b, i == 0 ? "" : indent < 0 ? ", " : ",");
		add_newline(b, inner);
		json_quote(b, v->map.e[i].key);
		buf_adds(b, ": ");
		write_value(b, v->map.e[i].value, inner);
	}
	if (v->map.n)
		add_newline(b, indent);
	buf_addc(b, '}');
}

static void write_special(struct buf *b, const struct value *v)
{
	char digest[SHA256_HEX];
	if (v->type == VALUE_BLOB) {
		hex(v->blob.sha, SHA256_LEN, digest);
		buf_addf(b, "{\"sha256\": \"%s\", \"size\": %llu}", digest,
			(unsigned long long)v->blob.size);
		return;
	}
	buf_adds(b, v->type == VALUE_UNKNOWN ? "{\"unknown\": " : "{\"undefined\": ");
	json_quote(b, v->s);
	buf_addc(b, '}');
}

static void write_value(struct buf *b, const struct value *v, int indent)
{
	if (v->secret) {
		json_quote(b, str_c(SECRET_TEXT));
		return;
	}
	switch (v->type) {
	case VALUE_NULL:
		buf_adds(b, "null");
		break;
	case VALUE_BOOL:
		buf_adds(b, v->b ? "true" : "false");
		break;
	case VALUE_INT:
		buf_addf(b, "%lld", (long long)v->i);
		break;
	case VALUE_FLOAT:
		if (isfinite(v->f))
			print_float(b, v->f);
		else
			buf_adds(b, "null");
		break;
	case VALUE_STR:
		json_quote(b, v->s);
		break;
	case VALUE_LIST:
		write_list(b, v, indent);
		break;
	case VALUE_MAP:
		write_map(b, v, indent);
		break;
	default:
		write_special(b, v);
	}
}

void json_write(struct buf *b, const struct value *v)
{
	write_value(b, v, -1);
}

void json_write_pretty(struct buf *b, const struct value *v, int indent)
{
	write_value(b, v, indent < 0 ? 0 : indent);
}
