/* SPDX-License-Identifier: MIT
 *
 * Reference text made from tables of fields. Says what a table says and nothing of its own, so that
 * the documentation cannot differ from the check.
 */
#include "value/field.h"

enum { DOC_WIDTH = 96, DOC_INDENT = 4, DOC_DEPTH = 8 };

static const char *kind_name(const struct field *f)
{
	static const char *const names[] = {[FIELD_STR] = "string",
		[FIELD_PATH] = "absolute path",
		[FIELD_BOOL] = "boolean",
		[FIELD_INT] = "integer",
		[FIELD_MODE] = "mode",
		[FIELD_SIZE] = "size",
		[FIELD_ENUM] = "one of",
		[FIELD_LIST] = "list",
		[FIELD_MAP] = "mapping",
		[FIELD_MAPOF] = "mapping",
		[FIELD_BLOB] = "text",
		[FIELD_ANY] = "any value"};
	if (f->kind == FIELD_LIST && f->sub)
		return "list of mappings";
	if (f->kind == FIELD_MAPOF)
		return "mapping by name";
	return names[f->kind];
}

static void add_choices(struct buf *out, const char *words)
{
	for (const char *w = words; *w; w++) {
		if (*w == ' ')
			buf_adds(out, ", ");
		else
			buf_addc(out, *w);
	}
}

static void add_facts(struct buf *out, const struct field *f)
{
	buf_addf(out, " (%s", kind_name(f));
	if (f->choices) {
		buf_adds(out, f->kind == FIELD_ENUM ? " " : ", or ");
		add_choices(out, f->choices);
	}
	if (f->min < f->max)
		buf_addf(out, " from %lld to %lld", (long long)f->min, (long long)f->max);
	buf_adds(out, f->flags & FIELD_COMMA ? ", or comma separated" : "");
	buf_adds(out, f->flags & FIELD_NULLABLE ? ", or null" : "");
	buf_adds(out, f->flags & FIELD_REQUIRED ? "; required" : "");
	if (f->dflt)
		buf_addf(out, "; default %s", *f->dflt ? f->dflt : "''");
	buf_adds(out, f->flags & FIELD_SECRET ? "; secret" : "");
	buf_adds(out, f->flags & FIELD_LATER ? "; not supported yet" : "");
	buf_addc(out, ')');
	if (f->aliases) {
		buf_adds(out, ", also: ");
		add_choices(out, f->aliases);
	}
	buf_addc(out, '\n');
}

/* Words, wrapped at DOC_WIDTH. */
static void add_wrapped(struct buf *out, const char *text, int indent)
{
	size_t column = 0;
	while (*text) {
		size_t n = strcspn(text, " \n");
		if (n && column && column + 1 + n > DOC_WIDTH) {
			buf_addc(out, '\n');
			column = 0;
		}
		if (n && column == 0) {
			buf_addf(out, "%*s", indent, "");
			column = (size_t)indent;
		} else if (n) {
			buf_addc(out, ' ');
			column++;
		}
		buf_add(out, text, n);
		column += n;
		text += n + (text[n] != 0);
	}
	if (column)
		buf_addc(out, '\n');
}

void fields_doc(struct buf *out, const struct field *table, int indent)
{
	if (indent > DOC_DEPTH * DOC_INDENT)
		return; /* a table that holds itself */
	for (const struct field *f = table; f->name; f++) {
		buf_addf(out, "%*s%s", indent, "", f->name);
		add_facts(out, f);
		if (f->doc)
			add_wrapped(out, f->doc, indent + DOC_INDENT);
		if (f->sub)
			fields_doc(out, f->sub, indent + DOC_INDENT);
	}
}
