/* SPDX-License-Identifier: MIT
 *
 * Collects the problems of a run and shows them together, each with its source line. Hides
 * passwords in such lines.
 */
#include "value/mask.h"

enum {
	LINE_MOST = 120, /* maximum number of characters shown of a source line */
	CARET_FROM = 80, /* column of the caret in longer lines */
	LINE_INDENT = 4, /* of a source line below its place */
};

/* File name -> text, for the whole run. The names are copies; the texts belong to their readers. */
static struct arena *kept;
static struct value *sources, *hidden_lines;

void source_add(const char *file, struct str text)
{
	struct value *known;
	if (!kept) {
		kept = arena_new();
		sources = value_map(kept);
		hidden_lines = value_map(kept);
	}
	known = map_at(sources, file);
	if (known)
		*known = (struct value){.type = VALUE_STR, .s = text};
	else
		map_put(kept, sources, file, value_str(kept, text));
}

void source_hide(const char *file)
{
	struct value *known = sources ? map_at(sources, file) : NULL;
	if (known)
		known->secret = true;
}

static const char *line_name(struct arena *a, struct pos pos)
{
	return arena_printf(a, "%u:%s", pos.line, pos.file);
}

void source_hide_line(struct pos pos)
{
	if (sources)
		map_put(kept, hidden_lines, line_name(kept, pos), value_null(kept));
}

static struct str shown_text(struct arena *a, struct str line, struct pos pos)
{
	const struct value *known = map_at(sources, pos.file);
	bool alone = map_at(hidden_lines, line_name(a, pos));
	if (alone || (known && known->secret))
		return mask_values(a, line, alone);
	return mask_secrets(a, line);
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

/* Adds as many blanks as the text has columns. */
static void show_blank(struct page *out, struct str text)
{
	struct page *p = page_new(false);
	struct arena *a = arena_new();
	page_addf(p, "%.*s", (int)text.n, text.p);
	page_addf(out, "%*s", (int)count_chars(page_text(a, p)), "");
	arena_free(a);
	page_free(p);
}

/* The line with a caret below; of a long line the part around the caret. */
static void show_line(struct page *out, int indent, struct pos pos)
{
	struct str line;
	if (!source_line(pos, &line))
		return;
	struct arena *a = arena_new();
	line = shown_text(a, line, pos);
	size_t chars = count_chars(line), col = pos.col ? pos.col : 1, first = 0;
	if (col > chars + 1)
		col = chars + 1;
	if (chars > LINE_MOST && col > CARET_FROM)
		first = col - CARET_FROM;
	if (first && chars - first < LINE_MOST)
		first = chars - LINE_MOST;
	size_t at = skip_chars(line, first), caret = skip_chars(line, col - 1);
	size_t end = skip_chars(line, first + LINE_MOST);
	page_addf(out, "%*s%s", indent, "", first ? "..." : "");
	page_addf(out, "%.*s", (int)(end - at), line.p + at);
	page_addf(out, end < line.n ? "...\n" : "\n");
	page_addf(out, "%*s", indent + (first ? 3 : 0), "");
	show_blank(out, (struct str){line.p + at, caret - at});
	page_addf(out, "^\n");
	arena_free(a);
}

static void show_place(struct page *out, struct pos pos)
{
	page_addf(out, "%s", pos.file);
	if (pos.line)
		page_addf(out, ":%u:%u", pos.line, pos.col ? pos.col : 1);
	page_addf(out, ": ");
}

void place_print(struct page *out, int indent, struct pos pos, const char *what)
{
	page_addf(out, "%*s", indent, "");
	show_place(out, pos);
	page_addf(out, "%s\n", what);
	show_line(out, indent + LINE_INDENT, pos);
}

void err_print(const struct err *e, struct page *out)
{
	if (e->pos.file)
		show_place(out, e->pos);
	page_addf(out, "%s", e->warning ? "warning: " : "");
	page_prose(out, 4, str_c(e->msg));
	page_addf(out, "\n");
	show_line(out, LINE_INDENT, e->pos);
	if (!e->also.what)
		return;
	place_print(out, 0, e->also.pos, e->also.what);
}

struct pos source_find(struct pos pos, struct str text, size_t n)
{
	struct pos at = pos;
	struct str line;
	for (size_t i = 0; i < n && source_line(at, &line); i++, at.line++) {
		const char *found = memmem(line.p, line.n, text.p, text.n);
		if (!found)
			continue;
		at.col = (uint32_t)count_chars((struct str){line.p, (size_t)(found - line.p)}) + 1;
		return at;
	}
	return pos;
}

void errs_init(struct errs *e, struct arena *a)
{
	*e = (struct errs){.a = a};
}

static void push_problem(
	struct arena *a, struct err **v, size_t *n, size_t *cap, const struct err *one)
{
	PUSH(a, *v, *n, *cap, *one);
}

bool(errs_take)(struct errs *e, const struct err *one)
{
	if (one->kind == ERR_NONE)
		return false;
	if (one->warning && e->n_warn == ERRS_MAX)
		e->dropped_warn++;
	else if (one->warning)
		push_problem(e->a, &e->warn, &e->n_warn, &e->cap_warn, one);
	else if (e->n == ERRS_MAX)
		e->dropped++;
	else
		push_problem(e->a, &e->v, &e->n, &e->cap, one);
	return false;
}

void errs_join(struct errs *e, const struct errs *more)
{
	for (size_t i = 0; i < more->n; i++)
		errs_take(e, &more->v[i]);
	for (size_t i = 0; i < more->n_warn; i++)
		errs_take(e, &more->warn[i]);
	e->dropped += more->dropped;
	e->dropped_warn += more->dropped_warn;
}

static void PRINTF(4, 0)
	add_text(struct errs *e, struct err one, struct pos pos, const char *fmt, va_list ap)
{
	struct arena *a = arena_new();
	err_at(&one, pos, "%s", arena_vprintf(a, fmt, ap));
	arena_free(a);
	errs_take(e, &one);
}

bool(errs_add)(struct errs *e, struct pos pos, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_text(e, (struct err){0}, pos, fmt, ap);
	va_end(ap);
	return false;
}

bool errs_add_also(
	struct errs *e, struct pos pos, struct pos also, const char *what, const char *fmt, ...)
{
	struct err one = {0};
	va_list ap;
	one.also.pos = also;
	one.also.what = what;
	va_start(ap, fmt);
	add_text(e, one, pos, fmt, ap);
	va_end(ap);
	return false;
}

void errs_warn(struct errs *e, struct pos pos, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_text(e, (struct err){.warning = true}, pos, fmt, ap);
	va_end(ap);
}

static void put_place(struct arena *a, struct value *m, struct pos pos)
{
	if (pos.file)
		map_put(a, m, "file", value_text(a, pos.file));
	if (pos.line) {
		map_put(a, m, "line", value_int(a, pos.line));
		map_put(a, m, "column", value_int(a, pos.col));
	}
}

static int by_place(const void *a, const void *b)
{
	const struct err *x = *(const struct err *const *)a, *y = *(const struct err *const *)b;
	int c = strcmp(x->pos.file ? x->pos.file : "", y->pos.file ? y->pos.file : "");
	if (c == 0 && x->pos.line != y->pos.line)
		c = x->pos.line < y->pos.line ? -1 : 1;
	if (c == 0 && x->pos.col != y->pos.col)
		c = x->pos.col < y->pos.col ? -1 : 1;
	if (c == 0 && x->warning != y->warning)
		c = x->warning ? 1 : -1;
	return c ? c : (x > y) - (x < y); /* in order of arrival */
}

/* Errors and warnings together, sorted by position. */
static size_t sort_all(const struct errs *e, const struct err *sorted[2 * ERRS_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < e->n; i++)
		sorted[n++] = &e->v[i];
	for (size_t i = 0; i < e->n_warn; i++)
		sorted[n++] = &e->warn[i];
	qsort(sorted, n, sizeof(sorted[0]), by_place);
	return n;
}

void errs_print(const struct errs *e, struct page *out)
{
	const struct err *sorted[2 * ERRS_MAX];
	size_t n = sort_all(e, sorted);
	for (size_t i = 0; i < n; i++)
		err_print(sorted[i], out);
	if (e->dropped)
		page_addf(out, "and %zu more\n", e->dropped);
	if (e->dropped_warn)
		page_addf(out, "and %zu more warning%s\n", e->dropped_warn,
			e->dropped_warn == 1 ? "" : "s");
}

void errs_json(const struct errs *e, struct buf *out)
{
	const struct err *sorted[2 * ERRS_MAX];
	size_t n = sort_all(e, sorted);
	struct arena *a = arena_new();
	for (size_t i = 0; i < n; i++) {
		struct value *m = value_map(a);
		map_put(a, m, "event", value_text(a, sorted[i]->warning ? "warning" : "error"));
		put_place(a, m, sorted[i]->pos);
		map_put(a, m, "message", value_text(a, sorted[i]->msg));
		if (sorted[i]->also.what) {
			struct value *also = value_map(a);
			put_place(a, also, sorted[i]->also.pos);
			map_put(a, also, "message", value_text(a, sorted[i]->also.what));
			map_put(a, m, "also", also);
		}
		json_write(out, m);
		buf_addc(out, '\n');
	}
	arena_free(a);
}
