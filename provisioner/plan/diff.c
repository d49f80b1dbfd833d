/* SPDX-License-Identifier: MIT
 *
 * Shows changes to people: unified diffs by libgit2, attributes as "before -> after". Never shows a
 * secret, and never more than what was observed.
 */
#include "plan/plan.h"
#include <git2.h>

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

struct str diff_text(struct arena *a, const char *path, struct str before, struct str after)
{
	git_patch *patch = NULL;
	git_diff_options opt;
	git_libgit2_init();
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
	git_libgit2_shutdown();
	struct str text = buf_str(a, &out);
	buf_free(&out);
	return text;
}

static void pad(struct buf *out, int n)
{
	while (n-- > 0)
		buf_addc(out, ' ');
}

static const char *line_color(char c)
{
	switch (c) {
	case '+':
		return "\033[32m";
	case '-':
		return "\033[31m";
	case '@':
		return "\033[36m";
	}
	return NULL;
}

/* Control bytes of a host's file must not reach the terminal as commands. */
static void add_visible(struct buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			buf_addf(out, "\\x%02x", c);
		else
			buf_addc(out, (char)c);
	}
}

static void print_diff(struct buf *out, struct str text, int indent, bool color)
{
	const char *p = text.p, *end = text.p + text.n;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl - p) : (size_t)(end - p);
		const char *c = color && n ? line_color(*p) : NULL;
		pad(out, indent);
		if (c)
			buf_adds(out, c);
		add_visible(out, p, n);
		if (c)
			buf_adds(out, "\033[0m");
		buf_addc(out, '\n');
		p += n + 1;
	}
}

/* The bytes behind a text or blob of a change; false when only its digest is known here. */
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

static void print_blob_sizes(struct buf *out, const struct value *before, const struct value *after)
{
	const struct value *both[2] = {before, after};
	for (int i = 0; i < 2; i++) {
		const struct value *v = both[i];
		if (i)
			buf_adds(out, " -> ");
		if (!v || v->type == VALUE_NULL)
			buf_adds(out, "absent");
		else if (v->type == VALUE_BLOB)
			buf_addf(out, "%llu bytes", (unsigned long long)v->blob.size);
		else if (v->type == VALUE_STR)
			buf_addf(out, "%zu bytes", v->s.n);
		else
			buf_adds(out, "present");
	}
}

static void print_text(struct buf *out, struct arena *a, const struct planned *p,
	const struct value *change, const char *field, int indent, bool diff, bool color)
{
	const struct value *before = map_at(change, "before"), *after = map_at(change, "after");
	const struct value *own = p->step->params ? map_at(p->step->params, field) : NULL;
	struct str b, n;
	bool secret = p->step->no_log || p->step->no_diff || (before && before->secret) ||
		      (after && after->secret) || (own && value_has_secret(own));
	pad(out, indent);
	buf_addf(out, "%s: ", field);
	print_blob_sizes(out, before, after);
	if (secret) {
		buf_adds(out, p->step->no_diff ? " (diff: false)\n"
					       : " (diff hidden: it holds secrets)\n");
		return;
	}
	if (!bytes_of(before, NULL, NULL, &b) || !bytes_of(after, p->step->params, field, &n) ||
		!str_utf8(b) || !str_utf8(n)) {
		buf_adds(out, " (no diff: too large or not text)\n");
		return;
	}
	buf_addc(out, '\n');
	if (diff)
		print_diff(out, diff_text(a, planned_key(a, p), b, n), indent, color);
}

static void print_side(struct buf *out, struct arena *a, const struct value *v, bool hide)
{
	if (!v || v->type == VALUE_NULL) {
		buf_adds(out, "absent");
		return;
	}
	struct str t = hide || value_has_secret(v) ? str_c(SECRET_TEXT) : value_print(a, v);
	add_visible(out, t.p, t.n);
}

void change_print(struct buf *out, struct arena *a, const struct planned *p,
	const struct value *change, int indent, bool diff, bool color)
{
	const char *kind = map_cstr(change, "kind", "attr");
	const char *field = map_cstr(change, "field", "?");
	if (!strcmp(kind, "maybe")) /* plan_unknown gives its words */
		return;
	if (!strcmp(kind, "text")) {
		print_text(out, a, p, change, field, indent, diff, color);
		return;
	}
	bool hide = p->step->no_log;
	pad(out, indent);
	buf_addf(out, "%s: ", field);
	if (strcmp(kind, "run") != 0) {
		print_side(out, a, map_at(change, "before"), hide);
		buf_adds(out, " -> ");
	}
	print_side(out, a, map_at(change, "after"), hide);
	buf_addc(out, '\n');
}
