/* SPDX-License-Identifier: MIT
 *
 * The three forms of the reference: text, Markdown (as GitHub reads it), mdoc(7).
 */
#include <time.h>
#include "reference/form.h"

enum { WIDTH = 96, INDENT = 4, MAN_WIDTH = 74 };

/* Words of n bytes of text, wrapped and indented. */
static void add_wrapped(struct buf *out, const char *text, size_t n, int indent, size_t width)
{
	size_t column = 0;
	for (const char *end = text + n; text < end;) {
		size_t len = strcspn(text, " \n");
		if (len > (size_t)(end - text))
			len = (size_t)(end - text);
		if (len && column && column + 1 + len > width) {
			buf_addc(out, '\n');
			column = 0;
		}
		if (len && column == 0) {
			buf_addf(out, "%*s", indent, "");
			column = (size_t)indent;
		} else if (len) {
			buf_addc(out, ' ');
			column++;
		}
		buf_add(out, text, len);
		column += len;
		text += len + (text + len < end);
	}
	if (column)
		buf_addc(out, '\n');
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Would Markdown take text[i] for a mark? */
static bool is_mark(const char *text, size_t i)
{
	char before = i ? text[i - 1] : ' ', next = text[i + 1];
	switch (text[i]) {
	case '\\':
	case '*':
	case '<':
		return true;
	case '_':
		return !is_letter(before) || !is_letter(next);
	case ']':
		return next == '(';
	case '&':
		return is_letter(next) || next == '#';
	case '#':
	case '>':
	case '+':
	case '-':
	case '=':
		return i == 0;
	default:
		return false;
	}
}

static void add_markdown(struct buf *out, const char *text)
{
	bool code = false;
	for (size_t i = 0; text[i]; i++) {
		if (text[i] == '`')
			code = !code;
		if (!code && is_mark(text, i))
			buf_addc(out, '\\');
		buf_addc(out, text[i] == '\n' ? ' ' : text[i]);
	}
}

/* Text as roff has it: no backquotes; `start`: a line begins here, and . and ' would be macros. */
static void add_roff(struct buf *out, const char *text, bool start, bool code)
{
	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			buf_adds(out, "\\&");
		start = *text == '\n';
		if (*text == '\\')
			buf_adds(out, "\\e");
		else if (*text == '-')
			buf_adds(out, "\\-");
		else if (code || *text != '`')
			buf_addc(out, *text);
	}
}

/* Each sentence begins a line, as mdoc(7) wants it, and no line is long. */
static void add_sentences(struct buf *out, const char *text)
{
	while (*text) {
		struct buf lines;
		size_t n = 0;
		while (text[n] && !(text[n] == '.' && text[n + 1] == ' '))
			n++;
		n += text[n] == '.';
		buf_init(&lines, 1 << 20);
		add_wrapped(&lines, text, n, 0, MAN_WIDTH);
		add_roff(out, lines.p, true, false);
		buf_free(&lines);
		text += n;
		text += strspn(text, " ");
	}
}

/* The day of the page: SOURCE_DATE_EPOCH, so that a build can be repeated; else, or where that is
 * no time, today. */
static void add_date(struct buf *out)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	char *end = NULL, text[64];
	time_t at = epoch ? (time_t)strtoll(epoch, &end, 10) : 0, now = time(NULL);
	struct tm tm;
	if (!epoch || end == epoch || *end || !gmtime_r(&at, &tm))
		gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%B %e, %Y", &tm);
	buf_addf(out, ".Dd %s\n", text);
}

static void add_upper(struct buf *out, const char *text)
{
	for (; *text; text++)
		buf_addc(out, *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text);
}

void form_page(struct form *f, const char *name, int section, const char *summary)
{
	struct buf *out = f->out;
	switch (f->kind) {
	case FORM_MAN:
		add_date(out);
		buf_adds(out, ".Dt ");
		add_upper(out, name);
		buf_addf(out, " %d\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", section, name);
		add_roff(out, summary, false, false);
		buf_addc(out, '\n');
		break;
	case FORM_MARKDOWN:
		buf_addf(out, "# %s\n\n", name);
		add_markdown(out, summary);
		buf_adds(out, "\n");
		break;
	default:
		buf_addf(out, "%s: %s\n", name, summary);
	}
	f->paragraph = true;
}

void form_section(struct form *f, const char *title)
{
	struct buf *out = f->out;
	if (f->kind == FORM_MAN) {
		buf_adds(out, ".Sh ");
		add_upper(out, title);
	} else if (f->kind == FORM_MARKDOWN) {
		buf_adds(out, "\n## ");
		add_markdown(out, title);
	} else {
		buf_addf(out, "%s%s", out->n ? "\n" : "", title);
	}
	buf_addc(out, '\n');
	f->paragraph = f->kind != FORM_MAN;
}

void form_text(struct form *f, const char *fmt, ...)
{
	char *text;
	va_list ap;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		panic("out of memory");
	va_end(ap);
	if (f->kind == FORM_MAN) {
		if (f->paragraph)
			buf_adds(f->out, ".Pp\n");
		add_sentences(f->out, text);
	} else if (f->kind == FORM_MARKDOWN) {
		buf_addf(f->out, "\n%*s", 2 * f->depth, "");
		add_markdown(f->out, text);
		buf_addc(f->out, '\n');
	} else {
		buf_adds(f->out, f->paragraph && !f->depth ? "\n" : "");
		add_wrapped(
			f->out, text, strlen(text), f->depth ? 2 + f->depth * INDENT : 2, WIDTH);
	}
	f->paragraph = true;
	free(text);
}

void form_code(struct form *f, const char *language, const char *text)
{
	struct buf *out = f->out;
	size_t n = strlen(text);
	const char *end = n && text[n - 1] == '\n' ? "" : "\n";
	if (f->kind == FORM_MAN) {
		buf_adds(out, ".Bd -literal -offset indent\n");
		add_roff(out, text, true, true);
		buf_addf(out, "%s.Ed\n", end);
	} else if (f->kind == FORM_MARKDOWN) {
		buf_addf(out, "\n```%s\n%s%s```\n", language, text, end);
	} else {
		buf_addf(out, "\n%s%s", text, end);
	}
	f->paragraph = true;
}

void form_words(struct form *f, const char *const *words)
{
	struct buf line;
	buf_init(&line, 1 << 16);
	for (size_t i = 0; words[i]; i++)
		if (f->kind == FORM_TEXT)
			buf_addf(&line, "%s%s", i ? " " : "", words[i]);
		else
			buf_addf(&line, "%s`%s`", i ? ", " : "", words[i]);
	form_text(f, "%s", line.p ? line.p : "");
	buf_free(&line);
}

void form_list(struct form *f)
{
	if (f->kind == FORM_MAN)
		buf_adds(f->out, ".Bl -tag -width Ds\n");
	else if (f->kind == FORM_MARKDOWN && f->depth == 0)
		buf_addc(f->out, '\n');
	f->depth++;
}

void form_list_end(struct form *f)
{
	f->depth--;
	if (f->kind == FORM_MAN)
		buf_adds(f->out, ".El\n");
	f->paragraph = true;
}

void form_item_mdoc(struct form *f, const char *line)
{
	buf_addf(f->out, ".It %s\n", line);
	f->paragraph = false;
}

void form_item(struct form *f, const char *name, const char *facts)
{
	struct buf *out = f->out;
	int indent = f->depth - 1;
	if (f->kind == FORM_MAN) {
		buf_adds(out, ".It Sy ");
		add_roff(out, name, false, true);
		buf_addc(out, '\n');
		if (facts) {
			buf_addc(out, '(');
			add_roff(out, facts, false, false);
			buf_adds(out, ")\n");
		}
	} else if (f->kind == FORM_MARKDOWN) {
		buf_addf(out, "%*s- `%s`", 2 * indent, "", name);
		if (facts) {
			buf_adds(out, " (");
			add_markdown(out, facts);
			buf_addc(out, ')');
		}
		buf_addc(out, '\n');
	} else {
		buf_addf(out, "%*s%s", 2 + indent * INDENT, "", name);
		if (facts)
			buf_addf(out, " (%s)", facts);
		buf_addc(out, '\n');
	}
	f->paragraph = false;
}
