/* SPDX-License-Identifier: MIT
 *
 * Fuzzes lineinfile's edit and the patterns under it: the first byte chooses the flags, the rest is
 * split at NULs into text, line, regexp and anchor. A second edit must change nothing more where
 * Ansible's rules promise it.
 */
#include "resource/text_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str next_part(struct arena *a, const uint8_t **p, const uint8_t *end)
{
	const uint8_t *nul = *p < end ? memchr(*p, 0, (size_t)(end - *p)) : NULL;
	const uint8_t *to = nul ? nul : end;
	struct str s = str_dup(a, (const char *)*p, (size_t)(to - *p));
	*p = nul ? nul + 1 : end;
	return s;
}

/* A line that stands alone and is looked for as it is must be found again. */
static void must_converge(struct arena *a, const struct line_edit *edit, struct str once)
{
	struct str twice;
	struct err e = {0};
	bool plain = !edit->regexp && !edit->search.p && !edit->anchor;
	if (!plain || memchr(edit->line.p, '\n', edit->line.n) ||
		(edit->line.n && edit->line.p[edit->line.n - 1] == '\r'))
		return;
	if (!edit_line(a, once, edit, &twice, &e) || !str_eq(once, twice))
		panic("the second edit changes the text again");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	const uint8_t *p = data, *end = data + size;
	unsigned flags = size ? *p++ : 0;
	struct err e = {0};
	struct str out, in = next_part(a, &p, end);
	struct line_edit edit = {.place = (enum edit_place)(flags & 3),
		.backrefs = flags & 4,
		.firstmatch = flags & 8,
		.absent = flags & 16};
	edit.line = next_part(a, &p, end);
	struct str regexp = next_part(a, &p, end), anchor = next_part(a, &p, end);
	struct pattern *r = NULL, *c = NULL;
	if (regexp.n && regexp.n < 200)
		r = pattern_compile(a, regexp, flags & 4 ? PATTERN_SPANS : 0, &e);
	if (anchor.n && anchor.n < 200)
		c = pattern_compile(a, anchor, 0, &(struct err){0});
	edit.regexp = r;
	edit.anchor = c;
	edit.backrefs = edit.backrefs && r;
	if (edit_line(a, in, &edit, &out, &e))
		must_converge(a, &edit, out);
	pattern_free(r);
	pattern_free(c);
	arena_free(a);
	return 0;
}
