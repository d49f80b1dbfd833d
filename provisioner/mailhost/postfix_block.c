/* SPDX-License-Identifier: MIT
 *
 * Text between marker lines in master.cf: cut out of a file's text, and added at its end. Reads no
 * file and parses no service.
 */
#include "mailhost/postfix.h"
#include "mailhost/postfix_block.h"

enum { NAME_MOST = 60 };
static const char begin[] = "# BEGIN ", end[] = "# END ", note[] = " (managed; edits are lost)";

static bool name_valid(struct str name)
{
	bool ok = name.n > 0 && name.n <= NAME_MOST && strlen(name.p) == name.n;
	for (size_t i = 0; ok && i < name.n; i++)
		ok = name.p[i] >= ' ' && name.p[i] <= '~' && name.p[i] != '(';
	return ok;
}

static bool is_blank(struct str text)
{
	return text.n == strspn(text.p, " \t\r\n");
}

static bool text_valid(struct str text)
{
	if (strlen(text.p) != text.n || strstr(text.p, begin) || strstr(text.p, end))
		return false;
	return is_blank(text) || !strchr(" \t", text.p[strspn(text.p, "\n")]);
}

bool blocks_check(const struct value *blocks, struct errs *errs)
{
	bool ok = true;
	for (size_t i = 0; blocks && blocks->type == VALUE_MAP && i < blocks->map.n; i++) {
		const struct map_entry *b = &blocks->map.e[i];
		if (!name_valid(b->key))
			ok = errs_add(
				errs, b->key_pos, "'%s' is not a valid name for a block", b->key.p);
		if (b->value->type == VALUE_NULL || b->value->type == VALUE_UNKNOWN)
			continue;
		if (b->value->type != VALUE_STR)
			ok = errs_add(errs, b->value->pos, "block '%s' must be text, not %s",
				b->key.p, value_type_name(b->value));
		else if (!text_valid(b->value->s))
			ok = errs_add(errs, b->value->pos,
				"block '%s' must begin in the first column, and must not contain "
				"a NUL byte, '%s' or '%s'",
				b->key.p, begin, end);
	}
	return ok;
}

static bool is_marker(struct line line, const char *word, struct str name)
{
	size_t n = strlen(word);
	if (line.n < n + name.n || memcmp(line.p, word, n) != 0 ||
		memcmp(line.p + n, name.p, name.n) != 0)
		return false;
	n += name.n;
	return line.n == n ||
	       (line.n == n + sizeof(note) - 1 && memcmp(line.p + n, note, sizeof(note) - 1) == 0);
}

/* The name of the block that begins at the line; NULL: none of our blocks does. */
static const struct str *block_begins(const struct value *blocks, struct line line)
{
	for (size_t i = 0; i < blocks->map.n; i++)
		if (is_marker(line, begin, blocks->map.e[i].key))
			return &blocks->map.e[i].key;
	return NULL;
}

/* *rest: the text after the block's end; false: the block has no end. */
static bool skip_block(struct str *rest, struct str name)
{
	struct str at = *rest;
	struct line line;
	while (line_next(&at, &line))
		if (is_marker(line, end, name)) {
			*rest = at;
			return true;
		}
	return false;
}

struct str blocks_cut(struct arena *a, struct str text, const struct value *blocks)
{
	struct str rest = text, out;
	struct line line;
	bool cut = false;
	struct buf b;
	if (!blocks || blocks->type != VALUE_MAP)
		return text;
	buf_init(&b, FILE_MAX);
	while (line_next(&rest, &line)) {
		const struct str *name = block_begins(blocks, line);
		if (name && skip_block(&rest, *name)) {
			cut = true;
			continue;
		}
		buf_add(&b, line.p, line.n);
		buf_addc(&b, '\n');
	}
	out = buf_str(a, &b);
	buf_free(&b);
	return cut ? out : text;
}

struct str blocks_put(struct arena *a, struct str text, const struct value *blocks)
{
	struct buf b;
	struct str out;
	if (!blocks || blocks->type != VALUE_MAP)
		return text;
	buf_init(&b, FILE_MAX);
	buf_add(&b, text.p, text.n);
	for (size_t i = 0; i < blocks->map.n; i++) {
		const struct map_entry *e = &blocks->map.e[i];
		if (e->value->type != VALUE_STR || is_blank(e->value->s))
			continue;
		if (b.n && b.p[b.n - 1] != '\n')
			buf_addc(&b, '\n');
		buf_addf(&b, "%s%s%s\n", begin, e->key.p, note);
		buf_add(&b, e->value->s.p, e->value->s.n);
		buf_addf(&b, "%s%s%s\n", e->value->s.p[e->value->s.n - 1] == '\n' ? "" : "\n", end,
			e->key.p);
	}
	out = buf_str(a, &b);
	buf_free(&b);
	return out;
}
