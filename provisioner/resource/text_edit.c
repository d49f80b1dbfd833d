/* SPDX-License-Identifier: MIT
 *
 * Edits of a text by lines. Opens no file.
 */
#include "resource/text_edit.h"

struct line {
	const char *p; /* what a pattern sees: with its newline and a NUL */
	size_t n;      /* without the newline */
	bool newline;
};
struct lines {
	struct line *v;
	size_t n;
};

static struct lines split_lines(struct arena *a, struct str in)
{
	struct lines l = {0};
	for (size_t i = 0; i < in.n; i++)
		l.n += in.p[i] == '\n';
	char *p = arena_alloc(a, in.n + l.n + 2);
	l.v = ARENA_ARRAY(a, struct line, l.n + 1);
	l.n = 0;
	for (size_t at = 0; at < in.n;) {
		const char *nl = memchr(in.p + at, '\n', in.n - at);
		size_t n = nl ? (size_t)(nl - in.p) - at : in.n - at;
		size_t whole = n + (nl != NULL);
		memcpy(p, in.p + at, whole);
		l.v[l.n++] = (struct line){p, n, nl != NULL};
		p += whole + 1;
		at += whole;
	}
	return l;
}

static void add_line(struct buf *b, const struct line *l)
{
	buf_add(b, l->p, l->n + l->newline);
}

static void add_range(struct buf *b, const struct lines *l, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		add_line(b, &l->v[i]);
}

/* Before a new line is added, the last one must end in a newline. */
static void end_line(struct buf *b)
{
	if (b->n && b->p[b->n - 1] != '\n')
		buf_addc(b, '\n');
}

static void add_new(struct buf *b, struct str text)
{
	end_line(b);
	buf_add(b, text.p, text.n);
	end_line(b);
}

/* Compares without the line end, "\n" or "\r\n". */
static bool same_line(const struct line *l, struct str text)
{
	size_t n = l->n;
	while (n && l->p[n - 1] == '\r')
		n--;
	return n == text.n && memcmp(l->p, text.p, n) == 0;
}

/* ---- one line ---- */

struct found {
	ssize_t line;   /* the wanted line: by regexp, by search, or by its text */
	ssize_t anchor; /* the last (or first) line that the anchor matches */
	bool by_pattern;
	struct span spans[PATTERN_GROUPS];
};

static bool is_meant(const struct line_edit *edit, const struct line *l, struct span *spans)
{
	if (edit->regexp)
		return pattern_search(edit->regexp, l->p, false, spans);
	if (edit->search.p)
		return memmem(l->p, l->n + l->newline, edit->search.p, edit->search.n) != NULL;
	return false;
}

static void find_meant(const struct lines *l, const struct line_edit *edit, struct found *f)
{
	struct span spans[PATTERN_GROUPS];
	for (size_t i = 0; i < l->n; i++) {
		if (!is_meant(edit, &l->v[i], spans))
			continue;
		f->line = (ssize_t)i;
		f->by_pattern = true;
		memcpy(f->spans, spans, sizeof(spans));
		if (edit->firstmatch)
			return;
	}
}

static void find_place(const struct lines *l, const struct line_edit *edit, struct found *f)
{
	for (size_t i = 0; i < l->n; i++) {
		if (same_line(&l->v[i], edit->line)) {
			f->line = (ssize_t)i;
		} else if (edit->anchor && pattern_search(edit->anchor, l->v[i].p, false, NULL)) {
			f->anchor = (ssize_t)i;
			if (edit->firstmatch)
				return;
		}
	}
}

static bool replace_line(struct buf *b, const struct lines *l, const struct line_edit *edit,
	const struct found *f, struct err *e)
{
	size_t at = (size_t)f->line;
	add_range(b, l, 0, at);
	size_t start = b->n;
	if (edit->backrefs && f->by_pattern) {
		if (!pattern_expand(edit->regexp, edit->line, l->v[at].p, f->spans, b, e))
			return false;
	} else {
		buf_add(b, edit->line.p, edit->line.n);
	}
	if (b->n == start || b->p[b->n - 1] != '\n') /* the groups may have been empty */
		buf_addc(b, '\n');
	add_range(b, l, at + 1, l->n);
	return true;
}

static void insert_line(
	struct buf *b, const struct lines *l, const struct line_edit *edit, const struct found *f)
{
	size_t at = l->n;
	if (edit->place == PLACE_BOF)
		at = 0;
	else if (f->anchor >= 0)
		at = (size_t)f->anchor + (edit->place == PLACE_AFTER);
	bool there = edit->place == PLACE_AFTER && f->anchor >= 0 && at < l->n &&
		     same_line(&l->v[at], edit->line);
	add_range(b, l, 0, at);
	if (!there) {
		end_line(b);
		buf_add(b, edit->line.p, edit->line.n);
		if (edit->line.n == 0 || edit->line.p[edit->line.n - 1] != '\n')
			buf_addc(b, '\n');
	}
	add_range(b, l, at, l->n);
}

static void remove_lines(struct buf *b, const struct lines *l, const struct line_edit *edit)
{
	for (size_t i = 0; i < l->n; i++) {
		bool gone = edit->regexp || edit->search.p ? is_meant(edit, &l->v[i], NULL)
							   : same_line(&l->v[i], edit->line);
		if (!gone)
			add_line(b, &l->v[i]);
	}
}

bool edit_line(struct arena *a, struct str in, const struct line_edit *edit, struct str *out,
	struct err *e)
{
	struct lines l = split_lines(a, in);
	struct found f = {.line = -1, .anchor = -1};
	struct buf b;
	bool ok = true;
	buf_init(&b, (size_t)2 * EDIT_MAX);
	if (!edit->absent) {
		find_meant(&l, edit, &f);
		if (f.line < 0)
			find_place(&l, edit, &f);
	}
	if (edit->absent)
		remove_lines(&b, &l, edit);
	else if (f.line >= 0)
		ok = replace_line(&b, &l, edit, &f, e);
	else if (edit->backrefs) /* without a match there is nothing to insert */
		buf_add(&b, in.p, in.n);
	else
		insert_line(&b, &l, edit, &f);
	if (b.over)
		ok = err_set(e, ERR_PERMANENT, "the edited text would be too large");
	*out = buf_str(a, &b);
	buf_free(&b);
	return ok;
}

/* ---- a block ---- */

/* The lines begin..end of the existing block; both 0 when there is none. */
static bool find_block(
	const struct lines *l, const struct block_edit *edit, size_t *from, size_t *to)
{
	ssize_t begin = -1, end = -1;
	for (size_t i = 0; i < l->n; i++) {
		if (same_line(&l->v[i], edit->begin))
			begin = (ssize_t)i;
		if (same_line(&l->v[i], edit->end))
			end = (ssize_t)i;
	}
	if (begin < 0 || end < 0)
		return false;
	*from = (size_t)(begin < end ? begin : end);
	*to = (size_t)(begin < end ? end : begin) + 1;
	return true;
}

static size_t block_place(const struct lines *l, const struct block_edit *edit)
{
	size_t at = l->n;
	if (edit->place == PLACE_BOF)
		return 0;
	for (size_t i = 0; edit->anchor && i < l->n; i++)
		if (pattern_search(edit->anchor, l->v[i].p, false, NULL))
			at = i + (edit->place == PLACE_AFTER);
	return at;
}

void edit_block(struct arena *a, struct str in, const struct block_edit *edit, struct str *out)
{
	struct lines l = split_lines(a, in);
	struct buf b;
	size_t from, to;
	bool there = find_block(&l, edit, &from, &to);
	*out = in;
	if (!there && edit->block.n == 0)
		return;
	if (!there)
		from = to = block_place(&l, edit);
	buf_init(&b, in.n + edit->block.n + edit->begin.n + edit->end.n + 8);
	add_range(&b, &l, 0, from);
	if (edit->block.n) {
		add_new(&b, edit->begin);
		add_new(&b, edit->block);
		add_new(&b, edit->end);
	}
	add_range(&b, &l, to, l.n);
	*out = buf_str(a, &b);
	buf_free(&b);
}

/* ---- parameters ---- */

bool edit_place_of(struct arena *a, const struct value *params, enum edit_place *place,
	struct pattern **anchor, struct err *e)
{
	const struct value *after = map_at(params, "insertafter");
	const struct value *before = map_at(params, "insertbefore");
	const struct value *v = after ? after : before;
	*place = PLACE_EOF;
	*anchor = NULL;
	if (!v || v->type != VALUE_STR || (after && str_is(v->s, "EOF")))
		return true;
	if (str_is(v->s, "BOF")) {
		*place = PLACE_BOF;
		return true;
	}
	*place = after ? PLACE_AFTER : PLACE_BEFORE;
	*anchor = pattern_compile(a, v->s, 0, e);
	return *anchor != NULL;
}

bool edit_place_check(const struct value *params, struct errs *errs)
{
	static const char *const keys[] = {"insertafter", "insertbefore"};
	const struct value *before = map_at(params, "insertbefore");
	bool ok = true;
	if (before && map_at(params, "insertafter"))
		ok = errs_add(
			errs, before->pos, "a task takes insertafter or insertbefore, not both");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		ok = pattern_check(params, keys[i], 0, errs) && ok;
	return ok;
}
