/* SPDX-License-Identifier: MIT
 *
 * Python regular expressions translated to POSIX ones and run by the C library. Never guesses: a
 * construct that would mean something else there is an error.
 */
#include "host/regex_parts.h"

/* STATES_MAX: size after expansion of the repeats (the C library expands them, and takes minutes
 * for nested ones). */
enum {
	REPEAT_MAX = 255,
	SET = 256,
	DEPTH_MAX = 32,
	STATES_MAX = 512,
};

struct translation {
	struct arena *a;
	const char *p, *end;
	struct buf out;
	struct pattern *pat;
	unsigned flags;
	int ours; /* groups opened in the output */
	int open;
	bool icase, atom;           /* atom: something that a quantifier may follow */
	size_t size[DEPTH_MAX + 1]; /* size of each open group after expansion of its repeats */
	size_t last;                /* size of the last atom */
};

static bool refuse_syntax(struct err *e, const char *what)
{
	return err_set(e, ERR_CONFIG, "%s is not supported in a pattern here", what);
}

/* A quantifier may follow now. */
static void add_atom(struct translation *t, size_t size)
{
	t->atom = true;
	t->last = size;
	t->size[t->open] += size;
}

/* ---- characters ---- */

static void emit_literal(struct translation *t, char c)
{
	if (c == '^' || c == '\\')
		buf_addf(&t->out, "\\%c", c);
	else if (strchr(".[]()*+?{}|$", c))
		buf_addf(&t->out, "[%c]", c);
	else
		buf_addc(&t->out, c);
	add_atom(t, 1);
}

static void set_add_class(bool *set, char class)
{
	char lower = (char)(class | 0x20);
	for (int c = 1; c < SET; c++)
		if (pattern_class(lower, c) == (class == lower))
			set[c] = true;
}

/* The order keeps ']', '^', '[' and '-' from having a special meaning. */
static void emit_members(struct translation *t, const bool *set, bool caret_may_lead)
{
	size_t start = t->out.n;
	if (set[']'])
		buf_addc(&t->out, ']');
	for (int c = 1; c < SET; c++)
		if (set[c] && !strchr("]^[-", c))
			buf_addc(&t->out, (char)c);
	if (set['['])
		buf_addc(&t->out, '[');
	bool alone = t->out.n == start && !caret_may_lead;
	if (set['-'] && set['^'] && alone)
		buf_adds(&t->out, "-^");
	else if (set['^'])
		buf_addc(&t->out, '^');
	if (set['-'] && !(set['^'] && alone))
		buf_addc(&t->out, '-');
}

/* An empty set and '^' alone have no bracket form. A negated set matches newlines too in Python;
 * with PATTERN_LINES the C library's does not. */
static void emit_set(struct translation *t, const bool *set, bool negated)
{
	size_t n = 0;
	for (int c = 1; c < SET; c++)
		n += set[c];
	bool newline = negated && !set['\n'] && (t->flags & PATTERN_LINES);
	if (n == 1 && set['^'] && !negated) {
		buf_adds(&t->out, "\\^");
	} else {
		if (newline) {
			t->ours++;
			buf_addc(&t->out, '(');
		}
		buf_adds(&t->out, negated ? "[^" : "[");
		emit_members(t, set, negated);
		buf_adds(&t->out, newline ? "]|\n)" : "]");
	}
	add_atom(t, 1);
}

/* \n, \t, \x41 and escaped punctuation: one character. Leaves p after it. */
static bool escaped_char(struct translation *t, char *c, struct err *e)
{
	static const char letters[] = "ntrfva", chars[] = "\n\t\r\f\v\a";
	char k = *t->p++;
	const char *at = strchr(letters, k);
	if (k == 'x') {
		int hi = t->p < t->end ? hex_digit(t->p[0]) : -1;
		int lo = hi >= 0 && t->p + 1 < t->end ? hex_digit(t->p[1]) : -1;
		if (lo < 0 || hi * 16 + lo == 0)
			return err_set(e, ERR_CONFIG, "'\\x' needs two hexadecimal digits, not 00");
		*c = (char)(hi * 16 + lo);
		t->p += 2;
		return true;
	}
	*c = at && k ? chars[at - letters] : k;
	if (!at && (pattern_class('w', k) && k != '_'))
		return err_set(e, ERR_CONFIG, "'\\%c' is not supported in a pattern here", k);
	return true;
}

/* ---- [...] ---- */

/* One member: a character in *c, or a class that was added to the set (*c 0). */
static bool set_member(struct translation *t, bool *set, char *c, struct err *e)
{
	*c = *t->p++;
	if ((unsigned char)*c >= 0x80)
		return refuse_syntax(e, "a character beyond ASCII in [...]");
	if (*c != '\\')
		return true;
	if (t->p == t->end)
		return err_set(e, ERR_CONFIG, "the pattern has an unclosed '['");
	if (strchr("dswDSW", *t->p)) {
		set_add_class(set, *t->p++);
		*c = 0;
		return true;
	}
	if (*t->p == 'b') {
		t->p++;
		*c = '\b';
		return true;
	}
	return escaped_char(t, c, e);
}

static bool set_item(struct translation *t, bool *set, struct err *e)
{
	char from, to;
	if (!set_member(t, set, &from, e))
		return false;
	if (from)
		set[(unsigned char)from] = true;
	if (t->end - t->p < 2 || t->p[0] != '-' || t->p[1] == ']')
		return true;
	t->p++;
	if (!set_member(t, set, &to, e))
		return false;
	if (!from || !to || from > to)
		return err_set(e, ERR_CONFIG, "the pattern has a bad range in [...]");
	for (int c = (unsigned char)from; c <= (unsigned char)to; c++)
		set[c] = true;
	return true;
}

static bool translate_bracket(struct translation *t, struct err *e)
{
	bool set[SET] = {false}, negated = false, first = true;
	if (t->p < t->end && *t->p == '^') {
		negated = true;
		t->p++;
	}
	for (; t->p < t->end && (*t->p != ']' || first); first = false)
		if (!set_item(t, set, e))
			return false;
	if (t->p == t->end)
		return err_set(e, ERR_CONFIG, "the pattern has an unclosed '['");
	t->p++;
	emit_set(t, set, negated);
	return true;
}

/* ---- groups ---- */

static bool group_open(struct translation *t, bool captures, struct str name, struct err *e)
{
	if (t->open == DEPTH_MAX)
		return err_set(
			e, ERR_CONFIG, "the pattern has more than %d nested groups", DEPTH_MAX);
	t->ours++;
	t->size[++t->open] = 1;
	t->atom = false;
	buf_addc(&t->out, '(');
	if (!captures)
		return true;
	if (t->pat->groups + 1 == PATTERN_GROUPS)
		return err_set(
			e, ERR_CONFIG, "the pattern has more than %d groups", PATTERN_GROUPS - 1);
	int n = ++t->pat->groups;
	t->pat->group[n] = t->ours;
	t->pat->name[n] = name;
	return true;
}

static bool named_group(struct translation *t, struct err *e)
{
	const char *from = t->p;
	while (t->p < t->end && pattern_class('w', (unsigned char)*t->p))
		t->p++;
	if (t->p == t->end || *t->p != '>' || t->p == from)
		return err_set(e, ERR_CONFIG, "the pattern has a bad group name after '(?P<'");
	struct str name = str_dup(t->a, from, (size_t)(t->p - from));
	t->p++;
	return group_open(t, true, name, e);
}

/* (?i) and the like, which Python allows only at the start. */
static bool pattern_letters(struct translation *t, struct err *e)
{
	for (; t->p < t->end && *t->p != ')'; t->p++) {
		if (*t->p == 'i')
			t->icase = true;
		else if (*t->p == 'm')
			t->flags |= PATTERN_LINES;
		else if (*t->p == 's')
			t->flags |= PATTERN_DOTALL;
		else if (!strchr("au", *t->p))
			return refuse_syntax(e, "this kind of (?...)");
	}
	if (t->p == t->end)
		return err_set(e, ERR_CONFIG, "the pattern has an unclosed '('");
	t->p++;
	return t->out.n == 0 ||
	       err_set(e, ERR_CONFIG, "flags such as (?i) that are not at the start");
}

static bool starts_with(const struct translation *t, const char *word)
{
	size_t n = strlen(word);
	return (size_t)(t->end - t->p) >= n && memcmp(t->p, word, n) == 0;
}

static bool translate_parenthesis(struct translation *t, struct err *e)
{
	if (!starts_with(t, "?"))
		return group_open(t, true, str_c(""), e);
	t->p++;
	if (starts_with(t, ":")) {
		t->p++;
		return group_open(t, false, str_c(""), e);
	}
	if (starts_with(t, "P<")) {
		t->p += 2;
		return named_group(t, e);
	}
	if (starts_with(t, "=") || starts_with(t, "!") || starts_with(t, "<"))
		return refuse_syntax(e, "look-around, (?=...), (?!...), (?<=...) and (?<!...),");
	return pattern_letters(t, e);
}

static bool parenthesis_close(struct translation *t, struct err *e)
{
	if (t->open == 0)
		return err_set(e, ERR_CONFIG, "the pattern has a ')' without its '('");
	buf_addc(&t->out, ')');
	size_t size = t->size[t->open--];
	add_atom(t, size);
	return true;
}

/* ---- quantifiers ---- */

/* {n}, {n,}, {,m}, {n,m}; anything else is a literal brace, as in Python. */
static bool read_braces(struct translation *t, bool *literal, struct err *e)
{
	const char *p = t->p;
	char *end;
	unsigned long n[2] = {0, 0};
	bool given[2] = {false, false}, comma = false;
	for (int i = 0; i < 2; i++) {
		given[i] = p < t->end && *p >= '0' && *p <= '9';
		if (given[i]) {
			n[i] = strtoul(p, &end, 10);
			p = end;
		}
		if (i == 0 && p < t->end && *p == ',') {
			comma = true;
			p++;
		} else {
			break;
		}
	}
	*literal = p >= t->end || *p != '}' || (!given[0] && !comma);
	if (*literal)
		return true;
	if (n[0] > REPEAT_MAX || n[1] > REPEAT_MAX)
		return err_set(e, ERR_CONFIG, "the pattern has a repeat of more than %d times",
			REPEAT_MAX);
	if (given[1] && n[1] < n[0])
		return err_set(
			e, ERR_CONFIG, "the pattern has a repeat whose first number is larger");
	t->p = p + 1;
	size_t times = n[0] > n[1] ? n[0] : n[1];
	t->size[t->open] += t->last * times;
	if (t->size[t->open] > STATES_MAX)
		return err_set(e, ERR_CONFIG, "the repeats in the pattern's groups are too large");
	buf_addf(&t->out, "{%lu", n[0]);
	if (comma)
		buf_addc(&t->out, ',');
	if (given[1])
		buf_addf(&t->out, "%lu", n[1]);
	buf_addc(&t->out, '}');
	return true;
}

/* A second '?' makes it lazy: this changes which text matches, but not whether one does. */
static bool translate_quantifier(struct translation *t, char c, struct err *e)
{
	bool literal = false;
	if (c == '{' && !read_braces(t, &literal, e))
		return false;
	if (literal) {
		emit_literal(t, '{');
		return true;
	}
	if (!t->atom)
		return err_set(e, ERR_CONFIG, "the pattern has a '%c' with nothing to repeat", c);
	if (c != '{')
		buf_addc(&t->out, c);
	t->atom = false;
	if (!starts_with(t, "?"))
		return !starts_with(t, "+") || refuse_syntax(e, "a possessive quantifier");
	t->p++;
	return !(t->flags & PATTERN_SPANS) ||
	       refuse_syntax(e, "a lazy quantifier ('*?', '+?', '\?\?')");
}

/* ---- the whole ---- */

static void emit_any(struct translation *t)
{
	bool all = t->flags & PATTERN_DOTALL, lines = t->flags & PATTERN_LINES;
	buf_adds(&t->out, !all ? "[^\n]" : lines ? "(.|\n)" : ".");
	t->ours += all && lines;
	add_atom(t, 1);
}

/* '$' also matches before a newline at the end of the text. */
static void emit_end(struct translation *t)
{
	t->atom = false;
	if (t->flags & PATTERN_LINES) {
		buf_addc(&t->out, '$');
		return;
	}
	buf_adds(&t->out, "(\n?$)");
	t->ours++;
	if (t->pat->ends < ENDS_MAX)
		t->pat->end[t->pat->ends++] = t->ours;
}

static bool translate_backslash(struct translation *t, struct err *e)
{
	bool set[SET] = {false};
	char c;
	if (t->p == t->end)
		return err_set(e, ERR_CONFIG, "the pattern ends in a backslash");
	if (strchr("dswDSW", *t->p)) {
		set_add_class(set, *t->p++);
		emit_set(t, set, false);
		return true;
	}
	t->atom = false;
	if (*t->p == 'b' || *t->p == 'B') {
		buf_addf(&t->out, "\\%c", *t->p++);
		return true;
	}
	if (*t->p == 'A' || *t->p == 'Z') {
		if (t->flags & PATTERN_LINES)
			return refuse_syntax(e, "\\A or \\Z");
		buf_addc(&t->out, *t->p++ == 'A' ? '^' : '$');
		return true;
	}
	if (*t->p >= '0' && *t->p <= '9')
		return refuse_syntax(e, "a backreference or octal escape");
	if (!escaped_char(t, &c, e))
		return false;
	emit_literal(t, c);
	return true;
}

static bool translate_one(struct translation *t, struct err *e)
{
	char c = *t->p++;
	switch (c) {
	case '\\':
		return translate_backslash(t, e);
	case '[':
		return translate_bracket(t, e);
	case '(':
		return translate_parenthesis(t, e);
	case ')':
		return parenthesis_close(t, e);
	case '*':
	case '+':
	case '?':
	case '{':
		return translate_quantifier(t, c, e);
	case '.':
		emit_any(t);
		return true;
	case '$':
		emit_end(t);
		return true;
	case '^':
	case '|':
		buf_addc(&t->out, c);
		t->atom = false;
		return true;
	default:
		emit_literal(t, c);
		return true;
	}
}

static bool translate_pattern(struct translation *t, struct err *e)
{
	while (t->p < t->end)
		if (!translate_one(t, e))
			return false;
	if (t->open)
		return err_set(e, ERR_CONFIG, "the pattern has an unclosed '('");
	return !t->out.over || err_set(e, ERR_CONFIG, "the pattern is too long");
}

static bool compile_pattern(struct translation *t, struct err *e)
{
	char why[200];
	int flags = REG_EXTENDED | (t->icase ? REG_ICASE : 0);
	if (t->flags & PATTERN_LINES)
		flags |= REG_NEWLINE;
	int rc = regcomp(&t->pat->re, buf_str(t->a, &t->out).p, flags);
	if (rc == 0)
		return true;
	regerror(rc, &t->pat->re, why, sizeof(why));
	return err_set(e, ERR_CONFIG, "the pattern is not valid: %s", why);
}

struct pattern *pattern_compile(struct arena *a, struct str text, unsigned flags, struct err *e)
{
	struct translation t = {.a = a, .p = text.p, .end = text.p + text.n, .flags = flags};
	if (text.n > PATTERN_MAX) {
		err_set(e, ERR_CONFIG, "the pattern is longer than %d bytes", PATTERN_MAX);
		return NULL;
	}
	if (memchr(text.p, 0, text.n)) {
		err_set(e, ERR_CONFIG, "the pattern contains a NUL character");
		return NULL;
	}
	t.pat = ARENA_NEW(a, struct pattern);
	buf_init(&t.out, (size_t)PATTERN_MAX * SET);
	bool ok = translate_pattern(&t, e) && compile_pattern(&t, e);
	buf_free(&t.out);
	return ok ? t.pat : NULL;
}

bool pattern_check(const struct value *params, const char *key, unsigned flags, struct errs *errs)
{
	const struct value *v = map_at(params, key);
	struct err e = {0};
	if (!v || v->type != VALUE_STR)
		return true;
	struct pattern *p = pattern_compile(errs->a, v->s, flags, &e);
	pattern_free(p);
	return p || errs_add(errs, v->pos, "%s: %s", key, e.msg);
}
