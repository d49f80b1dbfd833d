/* SPDX-License-Identifier: MIT
 *
 * Problems of a run, collected and shown together with the line they stand in. Never lets bytes of
 * a file or a host reach a terminal as control characters.
 */
#include "value/mask.h"

enum {
	LINE_MOST = 120, /* characters shown of a source line */
	CARET_FROM = 80, /* in a longer line the caret stands about here */
};

/* File name -> text, for the whole run: the names are copies, the texts belong to their readers. */
static struct arena *kept;
static struct value *sources;

void source_add(const char *file, struct str text)
{
	struct value *known;

	if (!kept) {
		kept = arena_new();
		sources = value_map(kept);
	}
	known = map_at(sources, file);
	if (known)
		known->s = text;
	else
		map_put(kept, sources, file, value_str(kept, text));
}

static bool source_line(struct pos pos, struct str *out)
{
	const struct value *text = sources && pos.file ? map_at(sources, pos.file) : NULL;
	if (!text || pos.line == 0)
		return false;
	const char *p = text->s.p, *end = p + text->s.n;
	for (uint32_t line = 1; line < pos.line; line++) {
		const char *nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
		if (!nl)
			return false;
		p = nl + 1;
	}
	const char *nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	*out = (struct str){p, (size_t)((nl ? nl : end) - p)};
	if (out->n && out->p[out->n - 1] == '\r')
		out->n--;
	return true;
}

/* One character, as a terminal may see it; returns the bytes it took. */
static size_t show_char(struct buf *out, const char *p, size_t n)
{
	unsigned char c = (unsigned char)*p;
	size_t len = str_utf8_len(p, n);
	if (c < 0x20 || c == 0x7f)
		buf_addc(out, c == '\t' ? ' ' : '?');
	else if (len == 0 || (c == 0xc2 && (unsigned char)p[1] < 0xa0))
		buf_addc(out, '?'); /* no UTF-8, or a control character of the second set */
	else
		buf_add(out, p, len);
	return len ? len : 1;
}

static void show_message(struct buf *out, const char *msg)
{
	size_t n = strlen(msg);
	for (size_t i = 0; i < n;) {
		if (msg[i] == '\n') {
			buf_adds(out, "\n    ");
			i++;
		} else {
			i += show_char(out, msg + i, n - i);
		}
	}
}

static size_t count_chars(struct str s)
{
	size_t chars = 0;
	for (size_t i = 0, len; i < s.n; i += len ? len : 1, chars++)
		len = str_utf8_len(s.p + i, s.n - i);
	return chars;
}

static size_t skip_chars(struct str s, size_t chars)
{
	size_t i = 0;
	for (size_t len; chars > 0 && i < s.n; chars--, i += len ? len : 1)
		len = str_utf8_len(s.p + i, s.n - i);
	return i;
}

/* The line with a caret below; of a long one the part around the caret. */
static void show_line(struct buf *out, struct pos pos)
{
	struct str line;
	if (!source_line(pos, &line))
		return;
	struct arena *a = arena_new();
	line = mask_secrets(a, line);
	size_t chars = count_chars(line), col = pos.col ? pos.col : 1, first = 0;
	if (col > chars + 1)
		col = chars + 1;
	if (chars > LINE_MOST && col > CARET_FROM)
		first = col - CARET_FROM;
	if (first && chars - first < LINE_MOST)
		first = chars - LINE_MOST;
	size_t at = skip_chars(line, first);
	buf_adds(out, first ? "    ..." : "    ");
	for (size_t shown = 0; at < line.n && shown < LINE_MOST; shown++)
		at += show_char(out, line.p + at, line.n - at);
	buf_adds(out, at < line.n ? "...\n" : "\n");
	buf_addf(out, "%*s^\n", (int)(4 + (first ? 3 : 0) + col - 1 - first), "");
	arena_free(a);
}

void err_print(const struct err *e, struct buf *out)
{
	if (e->pos.file) {
		show_message(out, e->pos.file);
		if (e->pos.line)
			buf_addf(out, ":%u:%u", e->pos.line, e->pos.col ? e->pos.col : 1);
		buf_adds(out, ": ");
	}
	show_message(out, e->msg);
	buf_addc(out, '\n');
	show_line(out, e->pos);
}

void errs_init(struct errs *e, struct arena *a)
{
	*e = (struct errs){.a = a};
}

bool(errs_take)(struct errs *e, const struct err *one)
{
	if (one->kind == ERR_NONE)
		return false;
	if (e->n == ERRS_MAX) {
		e->dropped++;
		return false;
	}
	if (e->n == e->cap) {
		size_t cap = e->cap ? e->cap * 2 : 4;
		struct err *wider = ARENA_ARRAY(e->a, struct err, cap);
		if (e->n)
			memcpy(wider, e->v, e->n * sizeof(*wider));
		e->v = wider;
		e->cap = cap;
	}
	e->v[e->n++] = *one;
	return false;
}

bool(errs_add)(struct errs *e, struct pos pos, const char *fmt, ...)
{
	struct err one = {0};
	struct arena *a = arena_new();
	va_list ap;
	va_start(ap, fmt);
	err_at(&one, pos, "%s", arena_vprintf(a, fmt, ap));
	va_end(ap);
	arena_free(a);
	return errs_take(e, &one);
}

static int by_place(const void *a, const void *b)
{
	const struct err *x = *(const struct err *const *)a, *y = *(const struct err *const *)b;
	int c = strcmp(x->pos.file ? x->pos.file : "", y->pos.file ? y->pos.file : "");
	if (c == 0 && x->pos.line != y->pos.line)
		c = x->pos.line < y->pos.line ? -1 : 1;
	if (c == 0 && x->pos.col != y->pos.col)
		c = x->pos.col < y->pos.col ? -1 : 1;
	return c ? c : (x > y) - (x < y); /* as they came */
}

void errs_print(const struct errs *e, struct buf *out)
{
	const struct err *sorted[ERRS_MAX];
	for (size_t i = 0; i < e->n; i++)
		sorted[i] = &e->v[i];
	qsort(sorted, e->n, sizeof(sorted[0]), by_place);
	for (size_t i = 0; i < e->n; i++)
		err_print(sorted[i], out);
	if (e->dropped)
		buf_addf(out, "and %zu more\n", e->dropped);
}
