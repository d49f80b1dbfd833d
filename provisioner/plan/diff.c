/* SPDX-License-Identifier: MIT
 *
 * Prints changes: unified diffs by libgit2, attributes as "before -> after". Prints no secrets, and
 * only what was observed.
 */
#include "plan/plan.h"
#include <git2.h>

enum { SIDE_MAX = 16 << 10 }; /* bytes printed of an attribute */

static int diff_line(
	const git_diff_delta *d, const git_diff_hunk *h, const git_diff_line *l, void *ctx)
{
	struct buf *out = ctx;
	(void)d;
	(void)h;
	if (l->origin == GIT_DIFF_LINE_FILE_HDR)
		return 0;
	if (l->origin == '+' || l->origin == '-' || l->origin == ' ')
		buf_addc(out, l->origin);
	buf_add(out, l->content, l->content_len);
	return 0;
}

/* Once per process: it loads the CA certificates, which takes longer than a diff. */
static void open_libgit2(void)
{
	static bool open;
	if (!open && git_libgit2_init() < 0)
		panic("libgit2 could not be initialised");
	open = true;
}

struct str diff_text(struct arena *a, const char *path, struct str before, struct str after)
{
	git_patch *patch = NULL;
	git_diff_options opt;
	open_libgit2();
	git_diff_options_init(&opt, GIT_DIFF_OPTIONS_VERSION);
	opt.flags |= GIT_DIFF_FORCE_TEXT;
	struct buf out;
	buf_init(&out, 2 * FILE_MAX);
	if (git_patch_from_buffers(
		    &patch, before.p, before.n, path, after.p, after.n, path, &opt) ||
		!patch)
		panic("diff_text: libgit2 made no patch of %s", path);
	if (git_patch_num_hunks(patch))
		git_patch_print(patch, diff_line, &out);
	git_patch_free(patch);
	struct str text = buf_str(a, &out);
	buf_free(&out);
	return text;
}

/* A diff blocks the event loop and so all hosts: two completely different texts of this size take a
 * tenth of a second. */
enum { DIFF_LINES = 20000 };

static size_t count_lines(struct str s)
{
	size_t n = 0;
	for (const char *p = s.p; (p = memchr(p, '\n', s.n - (size_t)(p - s.p))); p++)
		n++;
	return n;
}

static enum paint line_paint(char c)
{
	switch (c) {
	case '+':
		return PAINT_GREEN;
	case '-':
		return PAINT_RED;
	case '@':
		return PAINT_CYAN;
	}
	return PAINT_PLAIN;
}

static void print_diff(struct page *out, struct str text, int indent)
{
	const char *p = text.p, *end = text.p + text.n;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl - p) : (size_t)(end - p);
		enum paint paint = n ? line_paint(*p) : PAINT_PLAIN;
		page_addf(out, "%*s", indent, "");
		if (paint != PAINT_PLAIN)
			page_paint(out, paint);
		page_lines(out, 0, (struct str){p, n});
		if (paint != PAINT_PLAIN)
			page_paint(out, PAINT_PLAIN);
		page_addf(out, "\n");
		p += n + 1;
	}
}

/* The bytes of a text or blob of a change; false: only the digest is known here. */
static bool bytes_of(
	const struct value *v, const struct value *params, const char *field, struct str *out)
{
	*out = str_c("");
	if (!v || v->type == VALUE_NULL)
		return true;
	if (v->type == VALUE_STR) {
		*out = v->s;
		return true;
	}
	if (v->type != VALUE_BLOB)
		return false;
	if (!v->blob.bytes.p && params && field) {
		const struct value *own = map_at(params, field);
		if (own && own->type == VALUE_BLOB &&
			memcmp(own->blob.sha, v->blob.sha, SHA256_LEN) == 0)
			v = own;
	}
	if (!v->blob.bytes.p)
		return v->blob.size == 0;
	*out = v->blob.bytes;
	return true;
}

static void print_blob_sizes(
	struct page *out, const struct value *before, const struct value *after)
{
	const struct value *both[2] = {before, after};
	for (int i = 0; i < 2; i++) {
		const struct value *v = both[i];
		if (i)
			page_addf(out, " -> ");
		if (!v || v->type == VALUE_NULL)
			page_addf(out, "absent");
		else if (v->type == VALUE_BLOB)
			page_addf(out, "%llu bytes", (unsigned long long)v->blob.size);
		else if (v->type == VALUE_STR)
			page_addf(out, "%zu bytes", v->s.n);
		else
			page_addf(out, "present");
	}
}

static void print_text(struct page *out, struct arena *a, const struct planned *p,
	const struct value *change, int indent, bool diff)
{
	const char *field = map_cstr(change, "field", "");
	const struct value *before = map_at(change, "before"), *after = map_at(change, "after");
	const struct value *own = p->step->params ? map_at(p->step->params, field) : NULL;
	struct str b, n;
	bool secret = p->step->no_log || p->step->no_diff || (before && before->secret) ||
		      (after && after->secret) || (own && value_has_secret(own));
	page_addf(out, "%*s", indent, "");
	page_addf(out, "%s: ", field);
	print_blob_sizes(out, before, after);
	if (secret) {
		page_addf(out, p->step->no_diff ? " (diff: false)\n"
						: " (diff hidden: it contains secrets)\n");
		return;
	}
	if (!bytes_of(before, NULL, NULL, &b) || !bytes_of(after, p->step->params, field, &n) ||
		!str_utf8(b) || !str_utf8(n)) {
		page_addf(out, " (no diff: too large or not text)\n");
		return;
	}
	size_t lines = count_lines(b) + count_lines(n);
	if (diff && lines > DIFF_LINES) {
		page_addf(out, " (no diff: %zu lines, and the limit is %d)\n", lines, DIFF_LINES);
		return;
	}
	page_addf(out, "\n");
	if (diff)
		print_diff(out, diff_text(a, planned_key(a, p), b, n), indent);
}

static void print_side(struct page *out, struct arena *a, const struct value *v, bool hide)
{
	if (!v || v->type == VALUE_NULL) {
		page_addf(out, "absent");
		return;
	}
	struct str t = hide || value_has_secret(v) ? str_c(SECRET_TEXT) : value_print(a, v);
	size_t n = t.n > SIDE_MAX ? SIDE_MAX : t.n;
	page_addf(out, "%.*s", (int)n, t.p);
	if (n < t.n)
		page_addf(out, "... (%zu bytes)", t.n);
}

void change_print(struct page *out, struct arena *a, const struct planned *p,
	const struct value *change, int indent, bool diff)
{
	const char *kind = map_cstr(change, "kind", "attr");
	const char *field = map_cstr(change, "field", "?");
	if (!strcmp(kind, "maybe")) /* printed by plan_unknown's caller */
		return;
	if (!strcmp(kind, "text")) {
		print_text(out, a, p, change, indent, diff);
		return;
	}
	bool hide = p->step->no_log;
	page_addf(out, "%*s", indent, "");
	page_addf(out, "%s: ", field);
	if (strcmp(kind, "run") != 0) {
		print_side(out, a, map_at(change, "before"), hide);
		page_addf(out, " -> ");
	}
	print_side(out, a, map_at(change, "after"), hide);
	page_addf(out, "\n");
}
