/* SPDX-License-Identifier: MIT
 *
 * A table of fields as a list: says what the table says and nothing of its own, so that the
 * reference cannot differ from the check.
 */
#include "reference/form.h"

enum { DEPTH_MOST = 8, FACTS_MOST = 1 << 16 };

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
	buf_adds(out, kind_name(f));
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
	if (f->aliases) {
		buf_adds(out, "; also: ");
		add_choices(out, f->aliases);
	}
}

void form_field(struct form *f, const struct field *field)
{
	struct buf facts;
	buf_init(&facts, FACTS_MOST);
	add_facts(&facts, field);
	form_item(f, field->name, facts.p);
	buf_free(&facts);
	if (field->doc)
		form_text(f, "%s", field->doc);
	if (field->sub)
		form_fields(f, field->sub);
}

void form_fields(struct form *f, const struct field *table)
{
	if (!table->name || f->depth > DEPTH_MOST)
		return; /* a table that holds itself ends, too */
	form_list(f);
	for (; table->name; table++)
		form_field(f, table);
	form_list_end(f);
}

int first_sentence(const char *doc)
{
	int n = 0;
	while (doc[n] && doc[n] != '\n' && !(doc[n] == '.' && strchr(" \n", doc[n + 1])))
		n++;
	return n;
}
