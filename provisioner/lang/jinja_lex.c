/* SPDX-License-Identifier: MIT
 *
 * Cuts a template into tokens, with Jinja2's rules for white space around tags. Never looks at
 * what the tokens mean together.
 */
#include "lang/jinja.h"

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
	bool strip; /* the last tag ended with - : white space after it goes */
};

static const struct {
	const char *text;
	enum token_kind kind;
} operators[] = {
	/* the longer ones first */
	{"//", TOK_FLOORDIV},
	{"**", TOK_POW},
	{"==", TOK_EQ},
	{"!=", TOK_NE},
	{"<=", TOK_LE},
	{">=", TOK_GE},
	{"+", TOK_ADD},
	{"-", TOK_SUB},
	{"*", TOK_MUL},
	{"/", TOK_DIV},
	{"%", TOK_MOD},
	{"~", TOK_TILDE},
	{"<", TOK_LT},
	{">", TOK_GT},
	{"=", TOK_ASSIGN},
	{".", TOK_DOT},
	{",", TOK_COMMA},
	{":", TOK_COLON},
	{"|", TOK_PIPE},
	{"(", TOK_LPAREN},
	{")", TOK_RPAREN},
	{"[", TOK_LBRACKET},
	{"]", TOK_RBRACKET},
	{"{", TOK_LBRACE},
	{"}", TOK_RBRACE},
};

const char *token_name(enum token_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (operators[i].kind == kind)
			return operators[i].text;
	switch (kind) {
	case TOK_END:
		return "the end of the text";
	case TOK_DATA:
		return "text";
	case TOK_PRINT_BEGIN:
		return "{{";
	case TOK_PRINT_END:
		return "}}";
	case TOK_BLOCK_BEGIN:
		return "{%";
	case TOK_BLOCK_END:
		return "%}";
	case TOK_NAME:
		return "a name";
	case TOK_STRING:
		return "a string";
	case TOK_INT:
	case TOK_FLOAT:
		return "a number";
	default:
		return "an operator";
	}
}

/* The position of byte i; asked for in rising order. */
static struct pos pos_of(struct lexer *l, size_t i)
{
	for (; l->at < i; l->at++) {
		unsigned char c = (unsigned char)l->text.p[l->at];
		if (c == '\n') {
			l->line++;
			l->col = 0;
		} else if ((c & 0xc0) != 0x80) {
			l->col++;
		}
	}
	if (!l->base.line)
		return (struct pos){l->base.file, 0, 0};
	uint32_t first = l->base.col ? l->base.col : 1;
	return (struct pos){l->base.file, l->base.line + l->line, first + l->col};
}

static bool lex_fail(struct lexer *l, size_t i, const char *what)
{
	return err_at(l->e, pos_of(l, i), "%s", what);
}

static void token_add(struct lexer *l, enum token_kind kind, struct str text, struct pos pos)
{
	struct tokens *t = l->out;
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 32;
		struct token *v = ARENA_ARRAY(l->a, struct token, cap);
		if (t->n)
			memcpy(v, t->v, t->n * sizeof(*v));
		t->v = v;
		t->cap = cap;
	}
	t->v[t->n++] = (struct token){kind, text, pos};
}

static bool at(const struct lexer *l, size_t i, const char *what)
{
	size_t n = strlen(what);
	return l->text.n - i >= n && memcmp(l->text.p + i, what, n) == 0;
}

static size_t skip_space(const struct lexer *l, size_t i)
{
	while (i < l->text.n && text_is_space(l->text.p[i]))
		i++;
	return i;
}

/* The text between two tags, `from` to `to`, after what the tags strip. */
static void data_add(struct lexer *l, size_t from, size_t to, char sign, bool is_block)
{
	if (l->strip)
		while (from < to && text_is_space(l->text.p[from]))
			from++;
	l->strip = false;
	if (sign == '-') {
		while (to > from && text_is_space(l->text.p[to - 1]))
			to--;
	} else if (sign != '+' && is_block && (l->flags & TEMPLATE_LSTRIP_BLOCKS)) {
		size_t k = to;
		while (k > from && text_is_space(l->text.p[k - 1]) && l->text.p[k - 1] != '\n')
			k--;
		if (k == 0 || (k > 0 && l->text.p[k - 1] == '\n'))
			to = k;
	}
	if (from < to)
		token_add(l, TOK_DATA, str_dup(l->a, l->text.p + from, to - from), pos_of(l, from));
}

/* Where a tag's end sign stands (`-` or `+` before it included), the place after it; 0: not here.
 */
static size_t tag_end(struct lexer *l, size_t i, const char *end, bool trims)
{
	bool minus = at(l, i, "-") && at(l, i + 1, end);
	bool plus = trims && at(l, i, "+") && at(l, i + 1, end);
	if (!minus && !plus && !at(l, i, end))
		return 0;
	i += strlen(end) + (minus || plus);
	if (minus)
		l->strip = true;
	else if (!plus && trims && (l->flags & TEMPLATE_TRIM_BLOCKS) && at(l, i, "\n"))
		i++;
	return i;
}

static bool is_name_start(unsigned char c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t digits(const struct lexer *l, size_t i)
{
	while (i < l->text.n &&
		(is_digit(l->text.p[i]) ||
			(l->text.p[i] == '_' && i + 1 < l->text.n && is_digit(l->text.p[i + 1]))))
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

static void number(struct lexer *l)
{
	size_t from = l->i, i = l->i;
	struct pos pos = pos_of(l, from);
	enum token_kind kind = TOK_INT;
	char c = i + 1 < l->text.n && l->text.p[i] == '0' ? (char)(l->text.p[i + 1] | 0x20) : 0;
	int base = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 0;
	if (base && i + 2 < l->text.n && is_base_digit(l->text.p[i + 2], base)) {
		for (i += 2; i < l->text.n && is_base_digit(l->text.p[i], base);)
			i++;
	} else {
		i = digits(l, i);
		/* 1.2 is a float, but in x.1.2 the numbers are attributes */
		bool after_dot = from > 0 && l->text.p[from - 1] == '.';
		if (!after_dot && i + 1 < l->text.n && l->text.p[i] == '.' &&
			is_digit(l->text.p[i + 1])) {
			i = digits(l, i + 1);
			kind = TOK_FLOAT;
		}
		if (!after_dot && i < l->text.n && (l->text.p[i] | 0x20) == 'e') {
			size_t k = i + 1;
			if (k < l->text.n && (l->text.p[k] == '+' || l->text.p[k] == '-'))
				k++;
			if (k < l->text.n && is_digit(l->text.p[k])) {
				i = digits(l, k);
				kind = TOK_FLOAT;
			}
		}
	}
	char *copy = arena_alloc(l->a, i - from + 1);
	size_t n = 0;
	for (size_t k = from; k < i; k++)
		if (l->text.p[k] != '_')
			copy[n++] = l->text.p[k];
	token_add(l, kind, (struct str){copy, n}, pos);
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

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \xHH, \uHHHH, \UHHHHHHHH: i stands behind the letter. */
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
		return lex_fail(l, *i, "a string cannot hold a NUL character");
	add_utf8(b, c);
	return true;
}

/* The escape behind a backslash; i stands on the letter. Unknown ones stay, as in Python. */
static bool escape(struct lexer *l, struct buf *b, size_t *i, size_t to)
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

static bool unescape(struct lexer *l, size_t from, size_t to, struct pos pos)
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
		ok = escape(l, &b, &i, to);
	}
	if (ok)
		token_add(l, TOK_STRING, buf_str(l->a, &b), pos);
	buf_free(&b);
	return ok;
}

static bool string(struct lexer *l, bool keep)
{
	char quote = l->text.p[l->i];
	size_t from = l->i + 1, i = from;
	struct pos pos = pos_of(l, l->i);
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
		return unescape(l, from, i, pos);
	token_add(l, TOK_STRING, str_dup(l->a, l->text.p + from, i - from), pos);
	return true;
}

static void name(struct lexer *l)
{
	size_t from = l->i;
	struct pos pos = pos_of(l, from);
	while (l->i < l->text.n &&
		(is_name_start((unsigned char)l->text.p[l->i]) || is_digit(l->text.p[l->i])))
		l->i++;
	token_add(l, TOK_NAME, str_dup(l->a, l->text.p + from, l->i - from), pos);
}

/* Keeps account of open brackets; false on one that closes nothing. */
static bool bracket(struct lexer *l, char *open, size_t *n, enum token_kind kind)
{
	char c = l->text.p[l->i];
	if (kind == TOK_LPAREN || kind == TOK_LBRACKET || kind == TOK_LBRACE) {
		if (*n == JINJA_DEPTH)
			return lex_fail(l, l->i, "too many brackets inside one another");
		open[(*n)++] = kind == TOK_LPAREN ? ')' : kind == TOK_LBRACKET ? ']' : '}';
	} else if (kind == TOK_RPAREN || kind == TOK_RBRACKET || kind == TOK_RBRACE) {
		if (*n == 0)
			return err_at(l->e, pos_of(l, l->i), "unexpected '%c': nothing is open", c);
		if (open[--*n] != c)
			return err_at(l->e, pos_of(l, l->i), "unexpected '%c': expected '%c'", c,
				open[*n]);
	}
	return true;
}

static bool operator(struct lexer *l, char *open, size_t *n)
{
	for (size_t k = 0; k < ARRAY_LEN(operators); k++) {
		if (!at(l, l->i, operators[k].text))
			continue;
		if (!bracket(l, open, n, operators[k].kind))
			return false;
		struct pos pos = pos_of(l, l->i);
		token_add(l, operators[k].kind, str_c(operators[k].text), pos);
		l->i += strlen(operators[k].text);
		return true;
	}
	unsigned char c = (unsigned char)l->text.p[l->i];
	return err_at(l->e, pos_of(l, l->i),
		c >= 0x20 && c < 0x7f ? "unexpected character '%c'" : "unexpected byte 0x%02x", c);
}

/* Tokens up to `end` (NULL: the end of the text), which is added as `end_kind`. */
static bool expression(struct lexer *l, const char *end, enum token_kind end_kind, bool keep)
{
	char open[JINJA_DEPTH];
	size_t n = 0, start = l->i;
	struct pos begin = pos_of(l, start);
	for (;;) {
		l->i = skip_space(l, l->i);
		size_t after = end && n == 0 ? tag_end(l, l->i, end, end_kind == TOK_BLOCK_END) : 0;
		if (after) {
			token_add(l, end_kind, str_c(end), pos_of(l, l->i));
			l->i = after;
			return true;
		}
		if (l->i >= l->text.n)
			break;
		char c = l->text.p[l->i];
		if (c == '"' || c == '\'') {
			if (!string(l, keep))
				return false;
		} else if (is_digit(c)) {
			number(l);
		} else if (is_name_start((unsigned char)c)) {
			name(l);
		} else if (!operator(l, open, &n)) {
			return false;
		}
	}
	if (n)
		return err_at(l->e, pos_of(l, l->i), "expected '%c' before the end of the text",
			open[n - 1]);
	if (end)
		return err_at(l->e, begin, "this tag has no end: '%s' is missing", end);
	return true;
}

/* {% raw %} at i? Gives the place behind it. */
static size_t raw_begin(struct lexer *l, size_t i)
{
	i = skip_space(l, i + 2 + (at(l, i + 2, "-") || at(l, i + 2, "+")));
	if (!at(l, i, "raw"))
		return 0;
	i = skip_space(l, i + 3);
	bool minus = at(l, i, "-%}");
	if (!minus && !at(l, i, "%}"))
		return 0;
	l->strip = minus;
	return i + (minus ? 3 : 2);
}

/* The text of a raw block from `from` on; it ends with {% endraw %}. */
static bool raw_text(struct lexer *l, size_t start, size_t from)
{
	for (size_t i = from; i + 1 < l->text.n; i++) {
		if (!at(l, i, "{%"))
			continue;
		char sign = i + 2 < l->text.n ? l->text.p[i + 2] : 0;
		size_t k = skip_space(l, i + 2 + (sign == '-' || sign == '+'));
		if (!at(l, k, "endraw"))
			continue;
		bool strip = l->strip;
		k = skip_space(l, k + 6);
		size_t after = tag_end(l, k, "%}", true);
		if (!after)
			continue;
		bool strip_after = l->strip && at(l, k, "-");
		l->strip = strip;
		data_add(l, from, i, sign, true);
		l->strip = strip_after;
		l->i = after;
		return true;
	}
	return lex_fail(l, start, "this raw block has no end: '{% endraw %}' is missing");
}

static bool comment(struct lexer *l, size_t start)
{
	for (size_t i = start + 2; i + 1 < l->text.n; i++) {
		if (!at(l, i, "#}"))
			continue;
		bool sign = i > start + 2 && (l->text.p[i - 1] == '-' || l->text.p[i - 1] == '+');
		l->i = tag_end(l, i - sign, "#}", true);
		return true;
	}
	return lex_fail(l, start, "this comment has no end: '#}' is missing");
}

/* One tag at i, `text` being where the text before it began. */
static bool tag(struct lexer *l, size_t text, size_t i)
{
	char kind = l->text.p[i + 1];
	char sign = i + 2 < l->text.n ? l->text.p[i + 2] : 0;
	bool has_sign = sign == '-' || sign == '+';
	data_add(l, text, i, sign, kind != '{');
	if (kind == '#')
		return comment(l, i);
	if (kind == '%') {
		size_t raw = raw_begin(l, i);
		if (raw)
			return raw_text(l, i, raw);
	}
	token_add(l, kind == '{' ? TOK_PRINT_BEGIN : TOK_BLOCK_BEGIN, str_c(""), pos_of(l, i));
	l->i = i + 2 + has_sign;
	if (kind == '{')
		return expression(l, "}}", TOK_PRINT_END, l->flags & TEMPLATE_KEEP_BACKSLASH);
	return expression(l, "%}", TOK_BLOCK_END, false);
}

static bool lex_template(struct lexer *l)
{
	size_t text = 0, i = 0;
	while (i < l->text.n) {
		const char *p = memchr(l->text.p + i, '{', l->text.n - i);
		if (!p)
			break;
		i = (size_t)(p - l->text.p);
		char c = i + 1 < l->text.n ? l->text.p[i + 1] : 0;
		if (c != '{' && c != '%' && c != '#') {
			i++;
			continue;
		}
		if (!tag(l, text, i))
			return false;
		text = i = l->i;
	}
	data_add(l, text, l->text.n, 0, false);
	return true;
}

/* Jinja2 knows one line end. */
static struct str unix_lines(struct arena *a, struct str s)
{
	if (!s.n || !memchr(s.p, '\r', s.n))
		return s;
	char *copy = arena_alloc(a, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n')
			continue;
		copy[n++] = s.p[i] == '\r' ? '\n' : s.p[i];
	}
	return (struct str){copy, n};
}

bool jinja_lex(struct arena *a, struct str text, struct pos pos, unsigned flags, enum lex_mode mode,
	struct tokens *out, struct err *e)
{
	struct lexer l = {.a = a, .base = pos, .flags = flags, .out = out, .e = e};
	l.text = unix_lines(a, text);
	*out = (struct tokens){0};
	if (text.n > TEXT_MAX)
		return err_at(e, pos, "this template is too large (%zu bytes)", text.n);
	bool ok = mode == LEX_TEMPLATE ? lex_template(&l) : expression(&l, NULL, TOK_END, false);
	if (ok)
		token_add(&l, TOK_END, str_c(""), pos_of(&l, l.text.n));
	return ok;
}
