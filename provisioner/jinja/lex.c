/* SPDX-License-Identifier: MIT
 *
 * Divides a template into tokens, by Jinja2's rules for white space around tags.
 */
#include "jinja/ast.h"
#include "jinja/lex_private.h"

static const struct {
	const char *text;
	enum token_kind kind;
} operators[] = {
	/* longer operators first */
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

/* The position of byte i; i must not decrease between calls. */
struct pos lex_pos(struct lexer *l, size_t i)
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

bool lex_fail(struct lexer *l, size_t i, const char *what)
{
	return err_at(l->e, lex_pos(l, i), "%s", what);
}

void lex_add(struct lexer *l, enum token_kind kind, struct str text, struct pos pos)
{
	struct tokens *t = l->out;
	PUSH(l->a, t->v, t->n, t->cap, ((struct token){kind, text, pos}));
}

static bool text_at(const struct lexer *l, size_t i, const char *what)
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

/* Adds the text between two tags, `from` to `to`, without the white space that the tags strip. */
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
		lex_add(l, TOK_DATA, str_dup(l->a, l->text.p + from, to - from), lex_pos(l, from));
}

/* The offset after a tag's end mark at i (with `-` or `+` before it); 0: there is none. */
static size_t tag_end(struct lexer *l, size_t i, const char *end, bool trims)
{
	bool minus = text_at(l, i, "-") && text_at(l, i + 1, end);
	bool plus = trims && text_at(l, i, "+") && text_at(l, i + 1, end);
	if (!minus && !plus && !text_at(l, i, end))
		return 0;
	i += strlen(end) + (minus || plus);
	if (minus)
		l->strip = true;
	else if (!plus && trims && (l->flags & TEMPLATE_TRIM_BLOCKS) && text_at(l, i, "\n"))
		i++;
	return i;
}

static bool is_name_start(unsigned char c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static void take_name(struct lexer *l)
{
	size_t from = l->i;
	struct pos pos = lex_pos(l, from);
	while (l->i < l->text.n &&
		(is_name_start((unsigned char)l->text.p[l->i]) || text_is_digit(l->text.p[l->i])))
		l->i++;
	lex_add(l, TOK_NAME, str_dup(l->a, l->text.p + from, l->i - from), pos);
}

/* Tracks open brackets; false: a bracket closes none. */
static bool count_bracket(struct lexer *l, char *open, size_t *n, enum token_kind kind)
{
	char c = l->text.p[l->i];
	if (kind == TOK_LPAREN || kind == TOK_LBRACKET || kind == TOK_LBRACE) {
		if (*n == JINJA_DEPTH)
			return lex_fail(l, l->i, "too many brackets inside one another");
		open[(*n)++] = kind == TOK_LPAREN ? ')' : kind == TOK_LBRACKET ? ']' : '}';
	} else if (kind == TOK_RPAREN || kind == TOK_RBRACKET || kind == TOK_RBRACE) {
		if (*n == 0 && c == '}')
			return lex_fail(l, l->i, "a single '}': a tag ends with '}}' or '%}'");
		if (*n == 0)
			return err_at(
				l->e, lex_pos(l, l->i), "unexpected '%c': nothing is open", c);
		if (open[--*n] != c)
			return err_at(l->e, lex_pos(l, l->i), "unexpected '%c': expected '%c'", c,
				open[*n]);
	}
	return true;
}

static bool take_operator(struct lexer *l, char *open, size_t *n)
{
	for (size_t k = 0; k < ARRAY_LEN(operators); k++) {
		if (!text_at(l, l->i, operators[k].text))
			continue;
		if (!count_bracket(l, open, n, operators[k].kind))
			return false;
		struct pos pos = lex_pos(l, l->i);
		lex_add(l, operators[k].kind, str_c(operators[k].text), pos);
		l->i += strlen(operators[k].text);
		return true;
	}
	unsigned char c = (unsigned char)l->text.p[l->i];
	return err_at(l->e, lex_pos(l, l->i),
		c >= 0x20 && c < 0x7f ? "unexpected character '%c'" : "unexpected byte 0x%02x", c);
}

/* Adds tokens up to `end` (NULL: the end of the text), and a token of `end_kind` for it. */
static bool take_expression(struct lexer *l, const char *end, enum token_kind end_kind, bool keep)
{
	char open[JINJA_DEPTH];
	size_t n = 0, start = l->i;
	struct pos begin = lex_pos(l, start);
	for (;;) {
		l->i = skip_space(l, l->i);
		size_t after = end && n == 0 ? tag_end(l, l->i, end, end_kind == TOK_BLOCK_END) : 0;
		if (after) {
			lex_add(l, end_kind, str_c(end), lex_pos(l, l->i));
			l->i = after;
			return true;
		}
		if (l->i >= l->text.n)
			break;
		char c = l->text.p[l->i];
		if (c == '"' || c == '\'') {
			if (!lex_string(l, keep))
				return false;
		} else if (text_is_digit(c)) {
			lex_number(l);
		} else if (is_name_start((unsigned char)c)) {
			take_name(l);
		} else if (!take_operator(l, open, &n)) {
			return false;
		}
	}
	if (n)
		return err_at(l->e, lex_pos(l, l->i), "expected '%c' before the end of the text",
			open[n - 1]);
	if (end)
		return err_at(l->e, begin, "this tag has no end: '%s' is missing", end);
	return true;
}

static size_t mark_len(const struct lexer *l, enum mark mark)
{
	return strlen(l->mark[mark]);
}

/* Is {% raw %} at i? Returns the offset after it; 0: no. */
static size_t raw_begin(struct lexer *l, size_t i)
{
	i += mark_len(l, MARK_BLOCK_BEGIN);
	i = skip_space(l, i + (text_at(l, i, "-") || text_at(l, i, "+")));
	if (!text_at(l, i, "raw"))
		return 0;
	i = skip_space(l, i + 3);
	bool minus = text_at(l, i, "-") && text_at(l, i + 1, l->mark[MARK_BLOCK_END]);
	if (!minus && !text_at(l, i, l->mark[MARK_BLOCK_END]))
		return 0;
	l->strip = minus;
	return i + minus + mark_len(l, MARK_BLOCK_END);
}

/* The byte after a mark at i, which may control white space. */
static char sign_behind(const struct lexer *l, size_t i, enum mark mark)
{
	i += mark_len(l, mark);
	return i < l->text.n ? l->text.p[i] : 0;
}

/* Adds the text of a raw block that begins at `from`; it ends with {% endraw %}. */
static bool raw_text(struct lexer *l, size_t start, size_t from)
{
	for (size_t i = from; i + 1 < l->text.n; i++) {
		if (!text_at(l, i, l->mark[MARK_BLOCK_BEGIN]))
			continue;
		char sign = sign_behind(l, i, MARK_BLOCK_BEGIN);
		size_t k = i + mark_len(l, MARK_BLOCK_BEGIN);
		k = skip_space(l, k + (sign == '-' || sign == '+'));
		if (!text_at(l, k, "endraw"))
			continue;
		bool strip = l->strip;
		k = skip_space(l, k + 6);
		size_t after = tag_end(l, k, l->mark[MARK_BLOCK_END], true);
		if (!after)
			continue;
		bool strip_after = l->strip && text_at(l, k, "-");
		l->strip = strip;
		data_add(l, from, i, sign, true);
		l->strip = strip_after;
		l->i = after;
		return true;
	}
	return err_at(l->e, lex_pos(l, start),
		"this raw block has no end: '%s endraw %s' is missing", l->mark[MARK_BLOCK_BEGIN],
		l->mark[MARK_BLOCK_END]);
}

static bool skip_comment(struct lexer *l, size_t start)
{
	const char *end = l->mark[MARK_COMMENT_END];
	size_t from = start + mark_len(l, MARK_COMMENT_BEGIN);
	for (size_t i = from; i < l->text.n; i++) {
		if (!text_at(l, i, end))
			continue;
		bool sign = i > from && (l->text.p[i - 1] == '-' || l->text.p[i - 1] == '+');
		l->i = tag_end(l, i - sign, end, true);
		return true;
	}
	return err_at(l->e, lex_pos(l, start), "this comment has no end: '%s' is missing", end);
}

/* Reads a tag at i; `text`: where the text before it began. */
static bool take_tag(struct lexer *l, size_t text, size_t i, enum mark mark)
{
	char sign = sign_behind(l, i, mark);
	bool has_sign = sign == '-' || sign == '+', print = mark == MARK_PRINT_BEGIN;
	data_add(l, text, i, sign, !print);
	if (mark == MARK_COMMENT_BEGIN)
		return skip_comment(l, i);
	if (!print) {
		size_t raw = raw_begin(l, i);
		if (raw)
			return raw_text(l, i, raw);
	}
	lex_add(l, print ? TOK_PRINT_BEGIN : TOK_BLOCK_BEGIN, str_c(""), lex_pos(l, i));
	l->i = i + mark_len(l, mark) + has_sign;
	if (print)
		return take_expression(l, l->mark[MARK_PRINT_END], TOK_PRINT_END,
			l->flags & TEMPLATE_KEEP_BACKSLASH);
	return take_expression(l, l->mark[MARK_BLOCK_END], TOK_BLOCK_END, false);
}

/* The longest mark at i that begins a tag; MARKS: none. */
static enum mark tag_at(const struct lexer *l, size_t i)
{
	static const enum mark begins[] = {MARK_PRINT_BEGIN, MARK_BLOCK_BEGIN, MARK_COMMENT_BEGIN};
	enum mark found = MARKS;
	for (size_t k = 0; k < ARRAY_LEN(begins); k++)
		if (text_at(l, i, l->mark[begins[k]]) &&
			(found == MARKS || mark_len(l, begins[k]) > mark_len(l, found)))
			found = begins[k];
	return found;
}

static bool lex_template(struct lexer *l)
{
	char first[] = {l->mark[MARK_PRINT_BEGIN][0], l->mark[MARK_BLOCK_BEGIN][0],
		l->mark[MARK_COMMENT_BEGIN][0]};
	bool alike = first[0] == first[1] && first[1] == first[2];
	size_t text = 0, i = 0;
	while (i < l->text.n) {
		if (alike) {
			const char *p = memchr(l->text.p + i, first[0], l->text.n - i);
			if (!p)
				break;
			i = (size_t)(p - l->text.p);
		}
		enum mark mark = memchr(first, l->text.p[i], sizeof(first)) ? tag_at(l, i) : MARKS;
		if (mark == MARKS) {
			i++;
			continue;
		}
		if (!take_tag(l, text, i, mark))
			return false;
		text = i = l->i;
	}
	data_add(l, text, l->text.n, 0, false);
	return true;
}

/* Converts line ends to \n, as Jinja2 does. */
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

static bool lexer_open(struct lexer *l, struct str text, const struct template_marks *marks)
{
	static const char *const usual[MARKS] = {"{{", "}}", "{%", "%}", "{#", "#}"};
	l->text = unix_lines(l->a, text);
	*l->out = (struct tokens){0};
	for (int i = 0; i < MARKS; i++)
		l->mark[i] = marks && marks->text[i] ? marks->text[i] : usual[i];
	return text.n <= TEXT_MAX ||
	       err_at(l->e, l->base, "this template is too large (%zu bytes)", text.n);
}

bool jinja_lex(struct arena *a, struct str text, struct pos pos, const struct template *t,
	struct tokens *out, struct err *e)
{
	struct lexer l = {.a = a, .base = pos, .flags = t->flags, .out = out, .e = e};
	if (!lexer_open(&l, text, &t->marks) || !lex_template(&l))
		return false;
	lex_add(&l, TOK_END, str_c(""), lex_pos(&l, l.text.n));
	return true;
}

bool jinja_lex_expression(
	struct arena *a, struct str text, struct pos pos, struct tokens *out, struct err *e)
{
	struct lexer l = {.a = a, .base = pos, .out = out, .e = e};
	if (!lexer_open(&l, text, NULL) || !take_expression(&l, NULL, TOK_END, false))
		return false;
	lex_add(&l, TOK_END, str_c(""), lex_pos(&l, l.text.n));
	return true;
}
