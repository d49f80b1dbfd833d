/* SPDX-License-Identifier: MIT
 *
 * Parses a line of the journal: a flat JSON map. Rejects everything else, including truncated
 * lines. Only for the agent's own files, not for data of a peer.
 */
#include "agent/session.h"

struct line {
	struct arena *a;
	const char *p; /* NUL-terminated */
};

static bool take_char(struct line *l, char c)
{
	l->p += strspn(l->p, " ");
	if (*l->p != c)
		return false;
	l->p++;
	return true;
}

static void put_code(struct buf *out, unsigned long code)
{
	if (code < 0x80) {
		buf_addc(out, (char)code);
		return;
	}
	if (code < 0x800) {
		buf_addc(out, (char)(0xc0 | code >> 6));
	} else {
		buf_addc(out, (char)(0xe0 | code >> 12));
		buf_addc(out, (char)(0x80 | (code >> 6 & 0x3f)));
	}
	buf_addc(out, (char)(0x80 | (code & 0x3f)));
}

/* The escapes that json_quote writes: \n, \t, \", \\, and \uXXXX for other control characters. */
static bool read_escape(struct line *l, struct buf *out)
{
	char c = *l->p++;
	if (c == 'n' || c == 't' || c == '"' || c == '\\') {
		buf_addc(out, c == 'n' ? '\n' : c == 't' ? '\t' : c);
		return true;
	}
	if (c != 'u' || strspn(l->p, "0123456789abcdef") < 4)
		return false;
	char digits[5] = {l->p[0], l->p[1], l->p[2], l->p[3], 0};
	unsigned long code = strtoul(digits, NULL, 16);
	if (code == 0 || !char_is_control((uint32_t)code))
		return false;
	put_code(out, code);
	l->p += 4;
	return true;
}

static bool read_text(struct line *l, struct str *out)
{
	struct buf b;
	bool ok = take_char(l, '"');
	buf_init(&b, strlen(l->p) + 1);
	while (ok && *l->p && *l->p != '"') {
		if (*l->p == '\\') {
			l->p++;
			ok = *l->p && read_escape(l, &b);
		} else {
			buf_addc(&b, *l->p++);
		}
	}
	*out = buf_str(l->a, &b);
	buf_free(&b);
	return ok && take_char(l, '"');
}

static bool read_texts(struct line *l, struct value **out)
{
	struct str s;
	*out = value_list(l->a);
	if (take_char(l, ']'))
		return true;
	do {
		if (!read_text(l, &s))
			return false;
		list_add(l->a, *out, value_str(l->a, s));
	} while (take_char(l, ','));
	return take_char(l, ']');
}

static bool take_word(struct line *l, const char *w)
{
	if (strncmp(l->p, w, strlen(w)) != 0)
		return false;
	l->p += strlen(w);
	return true;
}

static bool read_number(struct line *l, struct value **out)
{
	char *end;
	long long i = strtoll(l->p, &end, 10);
	if (end == l->p)
		return false;
	l->p = end;
	*out = value_int(l->a, i);
	return true;
}

static bool read_item(struct line *l, struct value **out)
{
	struct str s;
	l->p += strspn(l->p, " ");
	if (*l->p == '"') {
		if (!read_text(l, &s))
			return false;
		*out = value_str(l->a, s);
		return true;
	}
	if (take_char(l, '['))
		return read_texts(l, out);
	bool yes = take_word(l, "true");
	if (yes || take_word(l, "false")) {
		*out = value_bool(l->a, yes);
		return true;
	}
	return read_number(l, out);
}

bool journal_parse(struct arena *a, struct str s, struct value **out)
{
	struct line l = {a, s.p};
	struct str key;
	struct value *v;
	*out = value_map(a);
	if (strlen(s.p) != s.n || !take_char(&l, '{'))
		return false;
	do {
		if (!read_text(&l, &key) || !take_char(&l, ':') || !read_item(&l, &v))
			return false;
		map_set(a, *out, key, v);
	} while (take_char(&l, ','));
	return take_char(&l, '}') && *l.p == 0;
}
