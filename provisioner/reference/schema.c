/* SPDX-License-Identifier: MIT
 *
 * The JSON Schema of a site (draft-07), made from the tables that `check` works by. It takes what
 * the program takes, so it says less than `check`: a template may stand wherever one is evaluated,
 * and what is required may come from another layer of variables or from `args`.
 */
#include "reference/reference.h"
#include "agent/restype.h"
#include "jinja/jinja.h"
#include "mail/mail.h"
#include "site/listing.h"
#include "yaml/yaml.h"

struct schema {
	struct arena *a;
	bool templates; /* may one stand in each field, or only where FIELD_PER_HOST says so? */
};

static struct value *schema_text(struct schema *s, const char *t)
{
	return value_text(s->a, t);
}

static struct value *schema_of_one(struct schema *s, const char *key, struct value *v)
{
	struct value *map = value_map(s->a);
	map_put(s->a, map, key, v);
	return map;
}

static struct value *schema_type(struct schema *s, const char *name)
{
	return schema_of_one(s, "type", schema_text(s, name));
}

static struct value *schema_pattern(struct schema *s, const char *regex)
{
	struct value *v = schema_type(s, "string");
	map_put(s->a, v, "pattern", schema_text(s, regex));
	return v;
}

static struct value *schema_ref(struct schema *s, const char *name)
{
	return schema_of_one(s, "$ref", value_printf(s->a, "#/definitions/%s", name));
}

/* A type that is a string, a number or a boolean: taken by its source text. */
static struct value *schema_scalar(struct schema *s)
{
	struct value *list = value_list(s->a);
	list_add(s->a, list, schema_text(s, "string"));
	list_add(s->a, list, schema_text(s, "number"));
	list_add(s->a, list, schema_text(s, "boolean"));
	return schema_of_one(s, "type", list);
}

static struct value *one_of(struct schema *s, const char *words)
{
	struct value *list = value_list(s->a);
	static const char truths[] = " yes no on off true false ";
	bool truth = false;
	for (size_t n; *words; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		struct str word = str_dup(s->a, words, n);
		list_add(s->a, list, value_str(s->a, word));
		if (str_is(word, "null"))
			list_add(s->a, list, value_null(s->a));
		truth = truth || strstr(truths, arena_printf(s->a, " %s ", word.p));
	}
	if (truth) { /* YAML takes these words for booleans */
		list_add(s->a, list, value_bool(s->a, true));
		list_add(s->a, list, value_bool(s->a, false));
	}
	return schema_of_one(s, "enum", list);
}

static struct value *schema_boolean(struct schema *s)
{
	struct value *any = value_list(s->a);
	list_add(s->a, any, schema_type(s, "boolean"));
	list_add(s->a, any, one_of(s, "yes no on off true false y n t f 1 0"));
	list_add(s->a, any,
		schema_pattern(s, "^([Yy][Ee][Ss]|[Nn][Oo]|[Oo][NnFf][Ff]?|[Tt][Rr][Uu][Ee]|"
				  "[Ff][Aa][Ll][Ss][Ee]|[YyNnTtFf])$"));
	struct value *number = schema_type(s, "number"), *both = value_list(s->a);
	list_add(s->a, both, value_int(s->a, 0));
	list_add(s->a, both, value_int(s->a, 1));
	map_put(s->a, number, "enum", both);
	list_add(s->a, any, number);
	return schema_of_one(s, "anyOf", any);
}

static struct value *schema_integer(struct schema *s, const struct field *f)
{
	struct value *any = value_list(s->a), *number = schema_type(s, "integer");
	if (f->min < f->max) {
		map_put(s->a, number, "minimum", value_int(s->a, f->min));
		map_put(s->a, number, "maximum", value_int(s->a, f->max));
	}
	list_add(s->a, any, number);
	list_add(s->a, any,
		schema_pattern(s, f->kind == FIELD_SIZE ? "^[0-9]+ *([kKmMgGtT]([iI]?[bB])?|[bB])?$"
							: "^[-+]?[0-9]+$"));
	return schema_of_one(s, "anyOf", any);
}

static struct value *table_schema(struct schema *s, const struct field *table, bool whole);

/* v, or a template where those are evaluated. */
static struct value *or_template(struct schema *s, struct value *v)
{
	struct value *any = value_list(s->a);
	if (!s->templates)
		return v;
	list_add(s->a, any, v);
	list_add(s->a, any, schema_ref(s, "template"));
	return schema_of_one(s, "anyOf", any);
}

static struct value *list_schema(struct schema *s, const struct field *f)
{
	struct value *list = schema_type(s, "array"), *any = value_list(s->a);
	if (f->sub) {
		map_put(s->a, list, "items", or_template(s, table_schema(s, f->sub, true)));
		return list;
	}
	map_put(s->a, list, "items", schema_scalar(s));
	list_add(s->a, any, list);
	list_add(s->a, any, schema_scalar(s));
	return schema_of_one(s, "anyOf", any);
}

static struct value *map_schema(struct schema *s, const struct field *f)
{
	struct value *map = schema_type(s, "object"), *any = value_list(s->a);
	if (f->kind == FIELD_MAP)
		return f->sub ? table_schema(s, f->sub, false) : map;
	if (!f->sub)
		return map;
	list_add(s->a, any, or_template(s, table_schema(s, f->sub, false)));
	list_add(s->a, any, schema_type(s, "null"));
	map_put(s->a, map, "additionalProperties", schema_of_one(s, "anyOf", any));
	return map;
}

static struct value *kind_schema(struct schema *s, const struct field *f)
{
	switch (f->kind) {
	case FIELD_PATH:
		return schema_pattern(s, "^/");
	case FIELD_BOOL:
		return schema_ref(s, "boolean");
	case FIELD_INT:
	case FIELD_SIZE:
		return schema_integer(s, f);
	case FIELD_MODE: {
		struct value *both = value_list(s->a);
		list_add(s->a, both, schema_text(s, "string"));
		list_add(s->a, both, schema_text(s, "integer"));
		return schema_of_one(s, "type", both);
	}
	case FIELD_ENUM:
		return one_of(s, f->choices);
	case FIELD_LIST:
		return list_schema(s, f);
	case FIELD_MAP:
	case FIELD_MAPOF:
		return map_schema(s, f);
	case FIELD_ANY:
		return value_map(s->a);
	default:
		return schema_scalar(s);
	}
}

/* As the check gives it where nothing is said; NULL: there is none. */
static struct value *default_of(struct schema *s, const struct field *f)
{
	struct field alone[] = {*f, {.name = NULL}};
	struct errs errs;
	errs_init(&errs, s->a);
	alone[0].flags &= ~(unsigned)(FIELD_REQUIRED | FIELD_SECRET);
	struct value *v = fields_check(s->a, alone, value_map(s->a), "default", &errs);
	return v ? map_at(v, f->name) : NULL;
}

/* What only another version serves may be written down as long as it asks for nothing. */
static struct value *later_schema(struct schema *s, struct value *dflt)
{
	struct value *list = value_list(s->a);
	list_add(s->a, list, value_null(s->a));
	if (dflt)
		list_add(s->a, list, dflt);
	return schema_of_one(s, "enum", list);
}

static struct value *field_schema(struct schema *s, const struct field *f)
{
	struct value *dflt = default_of(s, f), *out;
	if (f->flags & FIELD_LATER) {
		out = later_schema(s, dflt);
	} else if (f->kind == FIELD_ANY) {
		out = value_map(s->a);
	} else {
		struct value *any = value_list(s->a);
		list_add(s->a, any, kind_schema(s, f));
		list_add(s->a, any, schema_type(s, "null"));
		if (s->templates || f->flags & FIELD_PER_HOST)
			list_add(s->a, any, schema_ref(s, "template"));
		out = schema_of_one(s, "anyOf", any);
	}
	if (f->doc)
		map_put(s->a, out, "description",
			value_printf(s->a, "%s%s%s", f->doc,
				f->flags & FIELD_REQUIRED ? " Required." : "",
				f->flags & FIELD_LATER ? " Not supported yet." : ""));
	if (dflt)
		map_put(s->a, out, "default", dflt);
	return out;
}

static void add_aliases(struct schema *s, struct value *props, const char *words, struct value *v)
{
	for (size_t n; words && *words; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		map_set(s->a, props, str_dup(s->a, words, n), v);
	}
}

/* whole: it comes from one place, so what is required has to be there. */
static struct value *table_schema(struct schema *s, const struct field *table, bool whole)
{
	struct value *out = schema_type(s, "object"), *props = value_map(s->a);
	struct value *required = value_list(s->a);
	for (; table->name; table++) {
		struct value *v = field_schema(s, table);
		map_put(s->a, props, table->name, v);
		add_aliases(s, props, table->aliases, v);
		if (whole && table->flags & FIELD_REQUIRED && !table->aliases)
			list_add(s->a, required, schema_text(s, table->name));
	}
	map_put(s->a, out, "properties", props);
	map_put(s->a, out, "additionalProperties", value_bool(s->a, false));
	if (required->list.n)
		map_put(s->a, out, "required", required);
	return out;
}

/* ---- modules ---- */
/* A text in the place of parameters: k=v, or what `free` takes; NULL: that only. */
static struct value *text_params(struct schema *s, const struct field *free)
{
	struct value *any = value_list(s->a), *pairs = schema_pattern(s, "=");
	if (!free)
		return pairs;
	if (free->kind != FIELD_ENUM)
		return schema_type(s, "string");
	list_add(s->a, any, one_of(s, free->choices));
	list_add(s->a, any, pairs);
	return schema_of_one(s, "anyOf", any);
}

static struct value *module_schema(struct schema *s, const char *doc, const struct field *fields,
	const struct field *free, bool any_key)
{
	struct value *params = table_schema(s, fields, false), *any = value_list(s->a);
	if (any_key)
		map_put(s->a, params, "additionalProperties", value_bool(s->a, true));
	list_add(s->a, any, params);
	list_add(s->a, any, text_params(s, free));
	list_add(s->a, any, schema_type(s, "null"));
	struct value *out = schema_of_one(s, "anyOf", any);
	map_put(s->a, out, "description", schema_text(s, doc));
	return out;
}

static void add_modules(struct schema *s, struct value *props, struct value *definitions)
{
	struct site_action action;
	for (size_t i = 0; restypes[i]; i++) {
		const struct restype *t = restypes[i];
		const char *name = arena_printf(s->a, "type.%s", t->name);
		map_put(s->a, definitions, name,
			module_schema(s, t->doc, t->fields,
				field_find(t->fields, str_c("_raw_params")), false));
		map_put(s->a, props, t->name, schema_ref(s, name));
		add_aliases(s, props, t->aliases, schema_ref(s, name));
		add_aliases(s, props, t->full_names, schema_ref(s, name));
	}
	for (size_t i = 0; site_action_row(i, &action); i++) {
		const char *name = arena_printf(s->a, "action.%s", action.name);
		map_put(s->a, definitions, name,
			module_schema(s, action.doc, action.fields,
				action.free_form
					? field_find(action.fields, str_c(action.free_form))
					: NULL,
				action.any_key));
		map_put(s->a, props, action.name, schema_ref(s, name));
		add_aliases(s, props,
			arena_printf(s->a, "ansible.builtin.%s ansible.legacy.%s", action.name,
				action.name),
			schema_ref(s, name));
	}
}

/* ---- plays and tasks ---- */
/* A keyword whose value has a definition of its own. */
static void refine_schema(
	struct schema *s, struct value *props, const char *key, const char *definition)
{
	struct value *was = map_at(props, key), *v = schema_ref(s, definition),
		     *any = value_list(s->a);
	struct value *out = schema_of_one(s, "anyOf", any);
	list_add(s->a, any, v);
	list_add(s->a, any, schema_type(s, "null"));
	map_put(s->a, out, "description", map_at(was, "description"));
	map_put(s->a, props, key, out);
}

static struct value *task_schema(struct schema *s, struct value *definitions)
{
	struct value *out, *props;
	s->templates = false;
	out = table_schema(s, site_task_fields(), false);
	props = map_at(out, "properties");
	refine_schema(s, props, "block", "tasks");
	s->templates = true;
	add_modules(s, props, definitions);
	map_put(s->a, out, "patternProperties", schema_of_one(s, "^with_", value_map(s->a)));
	return out;
}

/* The mail state; its keys have their examples with them. */
static struct value *mail_schema(struct schema *s)
{
	struct value *out = table_schema(s, mail_fields, false), *props = map_at(out, "properties");
	struct errs errs;
	errs_init(&errs, s->a);
	for (const struct mail_example *m = mail_examples; m->key; m++) {
		struct value *key = map_at(props, m->key), *list = value_list(s->a);
		struct value *v = yaml_parse(s->a, "example", str_c(m->yaml), &errs);
		if (!key || !v)
			continue;
		list_add(s->a, list, v);
		map_put(s->a, key, "examples", list);
	}
	return out;
}

static struct value *play_schema(struct schema *s)
{
	static const char *const tasks[] = {"pre_tasks", "tasks", "post_tasks", "handlers"};
	s->templates = false;
	struct value *out = table_schema(s, site_play_fields(), true);
	for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
		refine_schema(s, map_at(out, "properties"), tasks[i], "tasks");
	refine_schema(s, map_at(out, "properties"), "mail", "mail");
	return out;
}

/* An entry of a site: a play, or import_playbook with what stands beside it. */
static struct value *entry_schema(struct schema *s)
{
	static const char *const names[] = {"import_playbook", "ansible.builtin.import_playbook",
		"ansible.legacy.import_playbook"};
	struct value *any = value_list(s->a), *props = value_map(s->a), *out = value_map(s->a);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct value *list = value_list(s->a);
		list_add(s->a, list, schema_text(s, names[i]));
		list_add(s->a, any, schema_of_one(s, "required", list));
		map_put(s->a, props, names[i], schema_type(s, "string"));
	}
	map_put(s->a, out, "if", schema_of_one(s, "anyOf", any));
	map_put(s->a, out, "then", schema_of_one(s, "properties", props));
	map_put(s->a, out, "else", schema_ref(s, "play"));
	return out;
}

struct value *reference_schema(struct arena *a)
{
	struct schema s = {.a = a};
	struct value *out = value_map(a), *definitions = value_map(a);
	struct value *tasks = schema_type(&s, "array");
	map_put(a, out, "$schema", schema_text(&s, "http://json-schema.org/draft-07/schema#"));
	map_put(a, out, "title", schema_text(&s, "A site of provision"));
	map_put(a, out, "type", schema_text(&s, "array"));
	map_put(a, out, "items", entry_schema(&s));
	map_put(a, definitions, "template", schema_pattern(&s, "\\{[{%]"));
	map_put(a, definitions, "boolean", schema_boolean(&s));
	map_put(a, definitions, "play", play_schema(&s));
	map_put(a, tasks, "items", schema_ref(&s, "task"));
	map_put(a, definitions, "tasks", tasks);
	map_put(a, definitions, "task", task_schema(&s, definitions));
	map_put(a, definitions, "mail", mail_schema(&s));
	map_put(a, out, "definitions", definitions);
	return out;
}
