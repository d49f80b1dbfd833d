/* SPDX-License-Identifier: MIT
 *
 * Checks a map against a table of fields: names, kinds, limits, defaults. Reports every problem,
 * does not change its input, and shows no content of secret fields. The result shares bytes and
 * unchecked parts with the input.
 */
#include "value/field_kind.h"

enum { KNOWN_MOST = 12 }; /* up to this number of known keys are listed for an unknown key */

static size_t table_len(const struct field *table)
{
	size_t n = 0;
	while (table[n].name)
		n++;
	return n;
}

const struct field *field_find(const struct field *table, struct str name)
{
	for (; table->name; table++)
		if (str_is(name, table->name) || word_in(table->aliases, name))
			return table;
	return NULL;
}

/* All names and aliases; NULL-terminated. */
static const char *const *all_names(struct arena *a, const struct field *table)
{
	size_t n = 0, room = 1;
	for (const struct field *f = table; f->name; f++)
		room += 1 + (f->aliases ? strlen(f->aliases) : 0);
	const char **names = ARENA_ARRAY(a, const char *, room);
	for (const struct field *f = table; f->name; f++) {
		names[n++] = f->name;
		for (const char *w = f->aliases; w && *w;) {
			size_t len = strcspn(w, " ");
			if (len)
				names[n++] = str_dup(a, w, len).p;
			w += len + (w[len] == ' ');
		}
	}
	return names;
}

static struct pos pos_of(const struct map_entry *m, const struct value *in)
{
	if (m->key_pos.line)
		return m->key_pos;
	return m->value->pos.line ? m->value->pos : in->pos;
}

static const char *known_keys(struct arena *a, const struct field *table)
{
	const char *text = "";
	if (table_len(table) > KNOWN_MOST)
		return "";
	for (; table->name; table++)
		text = arena_printf(a, "%s%s%s", text, *text ? ", " : "", table->name);
	return arena_printf(a, " (it has: %s)", text);
}

static void report_unknown(struct check *c, const struct field *table, const struct map_entry *m,
	const struct value *in, const char *what)
{
	const char *near = str_nearest(m->key.p, all_names(c->a, table));
	const char *hint =
		near ? arena_printf(c->a, " (did you mean '%s'?)", near) : known_keys(c->a, table);
	errs_add(c->errs, pos_of(m, in), "unknown key '" STR_FMT "' in %s%s", STR_ARG(m->key), what,
		hint);
}

/* The entry for a field, by its name or an alias; both at once are a problem. */
static const struct map_entry *find_given(
	struct check *c, const struct field *f, const struct value *in, const char *what)
{
	const struct map_entry *found = map_entry(in, str_c(f->name));
	for (size_t i = 0; f->aliases && i < in->map.n; i++) {
		const struct map_entry *m = &in->map.e[i];
		if (m == found || !word_in(f->aliases, m->key))
			continue;
		if (found)
			errs_add(c->errs, pos_of(m, in),
				"'" STR_FMT "' and '" STR_FMT "' are the same key in %s; leave one",
				STR_ARG(found->key), STR_ARG(m->key), what);
		else
			found = m;
	}
	return found;
}

static struct value *mark_secret(struct arena *a, const struct value *v)
{
	struct value *c = value_shallow(a, v);
	c->secret = true;
	if (c->type == VALUE_LIST)
		for (size_t i = 0; i < c->list.n; i++)
			c->list.v[i] = mark_secret(a, c->list.v[i]);
	else if (c->type == VALUE_MAP)
		for (size_t i = 0; i < c->map.n; i++)
			c->map.e[i].value = mark_secret(a, c->map.e[i].value);
	return c;
}

static struct value *default_of(struct check *c, const struct field *f, const char *name)
{
	if (!f->dflt)
		return NULL;
	struct value *v = field_default(c->a, f);
	if (f->flags & FIELD_SECRET)
		v = mark_secret(c->a, v);
	return v->type == VALUE_NULL ? v : field_convert(c, f, v, name);
}

/* A FIELD_LATER field may be given with a value that requests nothing. */
static bool asks_for_later(
	struct check *c, const struct field *f, const struct value *v, const char *name)
{
	if (!(f->flags & FIELD_LATER) || v->type == VALUE_NULL)
		return false;
	const struct value *dflt = default_of(c, f, name);
	return !dflt || !value_equal(v, dflt);
}

static struct value *check_given(struct check *c, const struct field *f, struct value *in,
	const struct map_entry *m, const char *name, bool *ok)
{
	struct value *v = value_shallow(c->a, in);
	if (!v->pos.line)
		v->pos = m->key_pos;
	if (f->flags & FIELD_SECRET)
		v = mark_secret(c->a, v);
	/* null: only where the field allows it */
	struct value *typed = v->type == VALUE_NULL ? v : field_convert(c, f, v, name);
	if (!typed) {
		*ok = false;
		return NULL;
	}
	if (asks_for_later(c, f, typed, name)) {
		errs_add(c->errs, m->key_pos.line ? m->key_pos : v->pos,
			"'%s' is not supported yet by this version; leave it out", name);
		*ok = false;
	}
	return typed;
}

static void check_field(struct check *c, const struct field *f, const struct value *in,
	const char *what, struct value *out, bool *ok)
{
	const struct map_entry *m = find_given(c, f, in, what);
	const char *name = field_path(c, what, f->name);
	bool null = m && m->value->type == VALUE_NULL && !(f->flags & FIELD_NULLABLE);
	struct value *v;
	if (m && !null) {
		v = check_given(c, f, m->value, m, name, ok);
	} else if (f->flags & FIELD_REQUIRED) {
		errs_add(c->errs, m ? pos_of(m, in) : in->pos, "'%s' is missing in %s", f->name,
			what);
		*ok = false;
		return;
	} else {
		v = default_of(c, f, name);
		if (v)
			v->pos = (struct pos){0};
	}
	if (v)
		map_set_at(c->a, out, str_c(f->name), m ? m->key_pos : (struct pos){0}, v);
}

struct value *check_map(
	struct check *c, const struct field *table, const struct value *in, const char *what)
{
	size_t before = c->errs->n + c->errs->dropped;
	bool ok = true;
	struct value *out = value_map(c->a);
	out->pos = in->pos;
	out->secret = in->secret;
	for (size_t i = 0; i < in->map.n; i++)
		if (!field_find(table, in->map.e[i].key))
			report_unknown(c, table, &in->map.e[i], in, what);
	for (const struct field *f = table; f->name; f++)
		check_field(c, f, in, what, out, &ok);
	return ok && c->errs->n + c->errs->dropped == before ? out : NULL;
}

struct value *fields_check(struct arena *a, const struct field *table, const struct value *in,
	const char *what, struct errs *errs)
{
	struct check c = {a, errs};
	if (in->type == VALUE_UNKNOWN)
		return value_shallow(a, in);
	if (in->type == VALUE_NULL) {
		struct value *empty = value_map(a);
		empty->pos = in->pos;
		return check_map(&c, table, empty, what);
	}
	if (in->type != VALUE_MAP) {
		errs_add(errs, in->pos, "%s must be a mapping, not %s", what, value_type_name(in));
		return NULL;
	}
	return check_map(&c, table, in, what);
}
