/* SPDX-License-Identifier: MIT
 *
 * The lexer's numbers and strings, with Python's escapes.
 */
#include "jinja/lex_private.h"

static size_t skip_digits(const struct lexer *l, size_t i)
{
	while (i < l->text.n &&
		(text_is_digit(l->text.p[i]) || (l->text.p[i] == '_' && i + 1 < l->text.n &&
							text_is_digit(l->text.p[i + 1]))))
		i++;
	return i;
}

static bool is_base_digit(char c, int base)
{
	if (c >= 'a' && c <= 'f')
		return base == 16;
	if (c >= 'A' && c <= 'F')
		return base == 16;
	return c == '_' || (c >= '0' && c < (base < 10 ? '0' + base : '9' + 1));
}

/* The end of a number with a base, "0x1f"; `from`: there is none. */
static size_t end_of_based(const struct lexer *l, size_t from)
{
	const char *p = l->text.p;
	char c = from + 1 < l->text.n && p[from] == '0' ? (char)(p[from + 1] | 0x20) : 0;
	int base = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 0;
	size_t i = from + 2;
	if (!base || i >= l->text.n || !is_base_digit(p[i], base))
		return from;
	while (i < l->text.n && is_base_digit(p[i], base))
		i++;
	return i;
}

/* The end of ".5"; `i`: there is no fraction. */
static size_t end_of_fraction(const struct lexer *l, size_t i)
{
	if (i + 1 < l->text.n && l->text.p[i] == '.' && text_is_digit(l->text.p[i + 1]))
		return skip_digits(l, i + 1);
	return i;
}

/* The end of "e-5"; `i`: there is no exponent. */
static size_t end_of_exponent(const struct lexer *l, size_t i)
{
	size_t k = i + 1;
	if (i >= l->text.n || (l->text.p[i] | 0x20) != 'e')
		return i;
	if (k < l->text.n && (l->text.p[k] == '+' || l->text.p[k] == '-'))
		k++;
	return k < l->text.n && text_is_digit(l->text.p[k]) ? skip_digits(l, k) : i;
}

void lex_number(struct lexer *l)
{
	size_t from = l->i, i = end_of_based(l, from);
	struct pos pos = lex_pos(l, from);
	enum token_kind kind = TOK_INT;
	if (i == from) {
		size_t whole = i = skip_digits(l, from);
		/* 1.2 is a float, but the numbers in x.1.2 are attributes */
		if (from == 0 || l->text.p[from - 1] != '.')
			i = end_of_exponent(l, end_of_fraction(l, i));
		if (i > whole)
			kind = TOK_FLOAT;
	}
	char *copy = arena_alloc(l->a, i - from + 1);
	size_t n = 0;
	for (size_t k = from; k < i; k++)
		if (l->text.p[k] != '_')
			copy[n++] = l->text.p[k];
	lex_add(l, kind, (struct str){copy, n}, pos);
	l->i = i;
}

static void add_utf8(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_addc(b, (char)c);
	} else if (c < 0x800) {
		buf_addc(b, (char)(0xc0 | c >> 6));
		buf_addc(b, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_addc(b, (char)(0xe0 | c >> 12));
		buf_addc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_addc(b, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_addc(b, (char)(0xf0 | c >> 18));
		buf_addc(b, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_addc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_addc(b, (char)(0x80 | (c & 0x3f)));
	}
}

/* \xHH, \uHHHH, \UHHHHHHHH: i is after the letter. */
static bool hex_escape(struct lexer *l, struct buf *b, size_t *i, size_t to, int n)
{
	uint32_t c = 0;
	for (int k = 0; k < n; k++, (*i)++) {
		int d = *i < to ? hex_digit(l->text.p[*i]) : -1;
		if (d < 0 || c > 0x10ffff)
			return lex_fail(l, *i, "a hexadecimal escape in this string is cut short");
		c = c << 4 | (uint32_t)d;
	}
	if (!c || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return lex_fail(l, *i, "an escape in this string names no character");
	add_utf8(b, c);
	return true;
}

static bool octal_escape(struct lexer *l, struct buf *b, size_t *i, size_t to)
{
	uint32_t c = 0;
	for (int k = 0; k < 3 && *i < to && l->text.p[*i] >= '0' && l->text.p[*i] < '8'; k++)
		c = c << 3 | (uint32_t)(l->text.p[(*i)++] - '0');
	if (!c)
		return lex_fail(l, *i, "a string cannot contain a NUL character");
	add_utf8(b, c);
	return true;
}

/* An escape; i is at the letter after the backslash. Unknown ones stay, as in Python. */
static bool read_escape(struct lexer *l, struct buf *b, size_t *i, size_t to)
{
	static const char from[] = "nrtabfv", into[] = "\n\r\t\a\b\f\v";
	char c = l->text.p[*i];
	const char *known = c ? strchr(from, c) : NULL;
	if (c >= '0' && c < '8')
		return octal_escape(l, b, i, to);
	(*i)++;
	if (known)
		buf_addc(b, into[known - from]);
	else if (c == '\\' || c == '\'' || c == '"')
		buf_addc(b, c);
	else if (c == 'x' || c == 'u' || c == 'U')
		return hex_escape(l, b, i, to, c == 'x' ? 2 : c == 'u' ? 4 : 8);
	else if (c != '\n')
		buf_addf(b, "\\%c", c);
	return true;
}

static bool unescape_text(struct lexer *l, size_t from, size_t to, struct pos pos)
{
	struct buf b;
	bool ok = true;
	buf_init(&b, to - from + 8);
	for (size_t i = from; ok && i < to;) {
		if (l->text.p[i] != '\\') {
			buf_addc(&b, l->text.p[i++]);
			continue;
		}
		i++;
		ok = read_escape(l, &b, &i, to);
	}
	if (ok)
		lex_add(l, TOK_STRING, buf_str(l->a, &b), pos);
	buf_free(&b);
	return ok;
}

bool lex_string(struct lexer *l, bool keep)
{
	char quote = l->text.p[l->i];
	size_t from = l->i + 1, i = from;
	struct pos pos = lex_pos(l, l->i);
	bool escapes = false;
	while (i < l->text.n && l->text.p[i] != quote) {
		if (l->text.p[i] == '\\') {
			escapes = true;
			i++;
		}
		i++;
	}
	if (i >= l->text.n)
		return err_at(l->e, pos, "this string has no end: put a %c behind it", quote);
	l->i = i + 1;
	if (escapes && !keep)
		return unescape_text(l, from, i, pos);
	lex_add(l, TOK_STRING, str_dup(l->a, l->text.p + from, i - from), pos);
	return true;
}
