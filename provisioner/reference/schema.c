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

enum templates { TEMPLATES_NONE, TEMPLATES_EVERYWHERE };
struct schema {
	struct arena *a;
	enum templates templates;
};

static struct value *text(struct schema *s, const char *t)
{
	return value_text(s->a, t);
}

static struct value *one(struct schema *s, const char *key, struct value *v)
{
	struct value *map = value_map(s->a);
	map_put(s->a, map, key, v);
	return map;
}

static struct value *type(struct schema *s, const char *name)
{
	return one(s, "type", text(s, name));
}

static struct value *pattern(struct schema *s, const char *regex)
{
	struct value *v = type(s, "string");
	map_put(s->a, v, "pattern", text(s, regex));
	return v;
}

static struct value *ref(struct schema *s, const char *name)
{
	return one(s, "$ref", value_printf(s->a, "#/definitions/%s", name));
}

/* A type that is a string, a number or a boolean: taken by its source text. */
static struct value *scalar(struct schema *s)
{
	struct value *list = value_list(s->a);
	list_add(s->a, list, text(s, "string"));
	list_add(s->a, list, text(s, "number"));
	list_add(s->a, list, text(s, "boolean"));
	return one(s, "type", list);
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
	return one(s, "enum", list);
}

static struct value *boolean(struct schema *s)
{
	struct value *any = value_list(s->a);
	list_add(s->a, any, type(s, "boolean"));
	list_add(s->a, any, one_of(s, "yes no on off true false y n t f 1 0"));
	list_add(s->a, any,
		pattern(s, "^([Yy][Ee][Ss]|[Nn][Oo]|[Oo][NnFf][Ff]?|[Tt][Rr][Uu][Ee]|"
			   "[Ff][Aa][Ll][Ss][Ee]|[YyNnTtFf])$"));
	struct value *number = type(s, "number"), *both = value_list(s->a);
	list_add(s->a, both, value_int(s->a, 0));
	list_add(s->a, both, value_int(s->a, 1));
	map_put(s->a, number, "enum", both);
	list_add(s->a, any, number);
	return one(s, "anyOf", any);
}

static struct value *integer(struct schema *s, const struct field *f)
{
	struct value *any = value_list(s->a), *number = type(s, "integer");
	if (f->min < f->max) {
		map_put(s->a, number, "minimum", value_int(s->a, f->min));
		map_put(s->a, number, "maximum", value_int(s->a, f->max));
	}
	list_add(s->a, any, number);
	list_add(s->a, any,
		pattern(s, f->kind == FIELD_SIZE ? "^[0-9]+ *([kKmMgGtT]([iI]?[bB])?|[bB])?$"
						 : "^[-+]?[0-9]+$"));
	return one(s, "anyOf", any);
}

static struct value *table_schema(struct schema *s, const struct field *table, bool whole);

/* v, or a template where those are evaluated. */
static struct value *or_template(struct schema *s, struct value *v)
{
	struct value *any = value_list(s->a);
	if (!s->templates)
		return v;
	list_add(s->a, any, v);
	list_add(s->a, any, ref(s, "template"));
	return one(s, "anyOf", any);
}

static struct value *list_schema(struct schema *s, const struct field *f)
{
	struct value *list = type(s, "array"), *any = value_list(s->a);
	if (f->sub) {
		map_put(s->a, list, "items", or_template(s, table_schema(s, f->sub, true)));
		return list;
	}
	map_put(s->a, list, "items", scalar(s));
	list_add(s->a, any, list);
	list_add(s->a, any, scalar(s));
	return one(s, "anyOf", any);
}

static struct value *map_schema(struct schema *s, const struct field *f)
{
	struct value *map = type(s, "object"), *any = value_list(s->a);
	if (f->kind == FIELD_MAP)
		return f->sub ? table_schema(s, f->sub, false) : map;
	if (!f->sub)
		return map;
	list_add(s->a, any, or_template(s, table_schema(s, f->sub, false)));
	list_add(s->a, any, type(s, "null"));
	map_put(s->a, map, "additionalProperties", one(s, "anyOf", any));
	return map;
}

static struct value *kind_schema(struct schema *s, const struct field *f)
{
	switch (f->kind) {
	case FIELD_PATH:
		return pattern(s, "^/");
	case FIELD_BOOL:
		return ref(s, "boolean");
	case FIELD_INT:
	case FIELD_SIZE:
		return integer(s, f);
	case FIELD_MODE: {
		struct value *both = value_list(s->a);
		list_add(s->a, both, text(s, "string"));
		list_add(s->a, both, text(s, "integer"));
		return one(s, "type", both);
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
		return scalar(s);
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
	return one(s, "enum", list);
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
		list_add(s->a, any, type(s, "null"));
		if (s->templates || f->flags & FIELD_PER_HOST)
			list_add(s->a, any, ref(s, "template"));
		out = one(s, "anyOf", any);
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
	struct value *out = type(s, "object"), *props = value_map(s->a);
	struct value *required = value_list(s->a);
	for (; table->name; table++) {
		struct value *v = field_schema(s, table);
		map_put(s->a, props, table->name, v);
		add_aliases(s, props, table->aliases, v);
		if (whole && table->flags & FIELD_REQUIRED && !table->aliases)
			list_add(s->a, required, text(s, table->name));
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
	struct value *any = value_list(s->a), *pairs = pattern(s, "=");
	if (!free)
		return pairs;
	if (free->kind != FIELD_ENUM)
		return type(s, "string");
	list_add(s->a, any, one_of(s, free->choices));
	list_add(s->a, any, pairs);
	return one(s, "anyOf", any);
}

static struct value *module_schema(struct schema *s, const char *doc, const struct field *fields,
	const struct field *free, bool any_key)
{
	struct value *params = table_schema(s, fields, false), *any = value_list(s->a);
	if (any_key)
		map_put(s->a, params, "additionalProperties", value_bool(s->a, true));
	list_add(s->a, any, params);
	list_add(s->a, any, text_params(s, free));
	list_add(s->a, any, type(s, "null"));
	struct value *out = one(s, "anyOf", any);
	map_put(s->a, out, "description", text(s, doc));
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
		map_put(s->a, props, t->name, ref(s, name));
		add_aliases(s, props, t->aliases, ref(s, name));
		add_aliases(s, props, t->full_names, ref(s, name));
	}
	for (size_t i = 0; site_action_row(i, &action); i++) {
		const char *name = arena_printf(s->a, "action.%s", action.name);
		map_put(s->a, definitions, name,
			module_schema(s, action.doc, action.fields,
				action.free_form
					? field_find(action.fields, str_c(action.free_form))
					: NULL,
				action.any_key));
		map_put(s->a, props, action.name, ref(s, name));
		add_aliases(s, props,
			arena_printf(s->a, "ansible.builtin.%s ansible.legacy.%s", action.name,
				action.name),
			ref(s, name));
	}
}

/* ---- plays and tasks ---- */
/* A keyword whose value has a definition of its own. */
static void refine(struct schema *s, struct value *props, const char *key, const char *definition)
{
	struct value *was = map_at(props, key), *v = ref(s, definition), *any = value_list(s->a);
	struct value *out = one(s, "anyOf", any);
	list_add(s->a, any, v);
	list_add(s->a, any, type(s, "null"));
	map_put(s->a, out, "description", map_at(was, "description"));
	map_put(s->a, props, key, out);
}

static struct value *task_schema(struct schema *s, struct value *definitions)
{
	struct value *out, *props;
	s->templates = TEMPLATES_NONE;
	out = table_schema(s, site_task_fields(), false);
	props = map_at(out, "properties");
	refine(s, props, "block", "tasks");
	s->templates = TEMPLATES_EVERYWHERE;
	add_modules(s, props, definitions);
	map_put(s->a, out, "patternProperties", one(s, "^with_", value_map(s->a)));
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
	s->templates = TEMPLATES_NONE;
	struct value *out = table_schema(s, site_play_fields(), true);
	for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
		refine(s, map_at(out, "properties"), tasks[i], "tasks");
	refine(s, map_at(out, "properties"), "mail", "mail");
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
		list_add(s->a, list, text(s, names[i]));
		list_add(s->a, any, one(s, "required", list));
		map_put(s->a, props, names[i], type(s, "string"));
	}
	map_put(s->a, out, "if", one(s, "anyOf", any));
	map_put(s->a, out, "then", one(s, "properties", props));
	map_put(s->a, out, "else", ref(s, "play"));
	return out;
}

struct value *reference_schema(struct arena *a)
{
	struct schema s = {.a = a};
	struct value *out = value_map(a), *definitions = value_map(a);
	struct value *tasks = type(&s, "array");
	map_put(a, out, "$schema", text(&s, "http://json-schema.org/draft-07/schema#"));
	map_put(a, out, "title", text(&s, "A site of provision"));
	map_put(a, out, "type", text(&s, "array"));
	map_put(a, out, "items", entry_schema(&s));
	map_put(a, definitions, "template", pattern(&s, "\\{[{%]"));
	map_put(a, definitions, "boolean", boolean(&s));
	map_put(a, definitions, "play", play_schema(&s));
	map_put(a, tasks, "items", ref(&s, "task"));
	map_put(a, definitions, "tasks", tasks);
	map_put(a, definitions, "task", task_schema(&s, definitions));
	map_put(a, definitions, "mail", mail_schema(&s));
	map_put(a, out, "definitions", definitions);
	return out;
}
