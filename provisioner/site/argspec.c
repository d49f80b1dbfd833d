/* SPDX-License-Identifier: MIT
 *
 * Checks the arguments of a role against its meta/argument_specs.yml: required ones, types,
 * choices. Changes no value; an unknown value passes.
 */
#include "site/resolve.h"

enum { SPEC_DEPTH = 8 };
struct spec {
	struct resolver *r;
	const char *role;
	struct err *e;
};

/* The place of a value. Its name is built only for an error, because there may be many items. */
struct arg_place {
	const struct arg_place *in;
	const char *key; /* NULL: an item of a list */
	size_t item;
};

static const char *place_name(struct arena *a, const struct arg_place *at)
{
	const char *in = at->in ? place_name(a, at->in) : NULL;
	if (!in)
		return at->key;
	return at->key ? arena_printf(a, "%s.%s", in, at->key)
		       : arena_printf(a, "%s[%zu]", in, at->item);
}

static bool is_text(const struct value *v)
{
	return v->type == VALUE_STR || v->type == VALUE_INT || v->type == VALUE_FLOAT ||
	       v->type == VALUE_BOOL;
}

static bool whole_number(const struct value *v)
{
	char *end;
	if (v->type == VALUE_INT)
		return true;
	if (v->type != VALUE_STR || v->s.n == 0)
		return false;
	strtoll(v->s.p, &end, 10);
	return *end == 0;
}

static bool real_number(const struct value *v)
{
	char *end;
	if (v->type != VALUE_STR || v->s.n == 0)
		return v->type == VALUE_FLOAT || v->type == VALUE_INT;
	strtod(v->s.p, &end);
	return *end == 0;
}

static bool type_fits(const struct value *v, const char *type)
{
	bool truth;
	if (strcmp(type, "int") == 0)
		return whole_number(v);
	if (strcmp(type, "float") == 0)
		return real_number(v);
	if (strcmp(type, "bool") == 0)
		return value_as_bool(v, &truth);
	if (strcmp(type, "list") == 0)
		return v->type == VALUE_LIST || is_text(v);
	if (strcmp(type, "dict") == 0)
		return v->type == VALUE_MAP;
	if (strcmp(type, "str") == 0 || strcmp(type, "path") == 0)
		return is_text(v);
	return true;
}

static bool fail_at(
	struct spec *s, const struct arg_place *at, const struct value *v, const char *must)
{
	return err_set(s->e, ERR_CONFIG, "role '%s': %s must be %s, not %s", s->role,
		place_name(s->r->a, at), must, v->secret ? "what is given" : value_type_name(v));
}

static bool choice_fits(struct spec *s, const struct value *choices, const struct value *v)
{
	struct str text = value_print(s->r->a, v);
	for (size_t i = 0; i < choices->list.n; i++)
		if (value_equal(choices->list.v[i], v) ||
			str_eq(value_print(s->r->a, choices->list.v[i]), text))
			return true;
	return false;
}

static bool check_map(struct spec *s, const struct value *options, const struct value *map,
	const struct arg_place *in, int depth);

static bool check_items(struct spec *s, const struct value *spec, const struct value *v,
	const struct arg_place *at, int depth)
{
	const struct value *sub = map_at(spec, "options");
	const char *elements = map_cstr(spec, "elements", NULL);
	for (size_t i = 0; v->type == VALUE_LIST && i < v->list.n; i++) {
		const struct value *x = v->list.v[i];
		const struct arg_place item = {.in = at, .item = i};
		if (x->type == VALUE_UNKNOWN)
			continue;
		if (elements && !type_fits(x, elements))
			return fail_at(s, &item, x, arena_printf(s->r->a, "of type %s", elements));
		if (sub && x->type == VALUE_MAP && !check_map(s, sub, x, &item, depth + 1))
			return false;
	}
	if (v->type == VALUE_MAP && sub)
		return check_map(s, sub, v, at, depth + 1);
	return true;
}

static bool check_one(struct spec *s, const struct value *spec, const struct value *v,
	const struct arg_place *at, int depth)
{
	const struct value *choices = map_at(spec, "choices");
	const char *type = map_cstr(spec, "type", "str");
	struct str shown;
	bool required;
	if (!option_bool(spec, "required", false, &required, s->e))
		return false;
	if (v->type == VALUE_UNKNOWN || (v->type == VALUE_NULL && !required))
		return true;
	if (!type_fits(v, type))
		return fail_at(s, at, v, arena_printf(s->r->a, "of type %s", type));
	if (choices && choices->type == VALUE_LIST && v->type != VALUE_LIST &&
		!choice_fits(s, choices, v)) {
		shown = value_print(s->r->a, choices);
		return fail_at(s, at, v, arena_printf(s->r->a, "one of %s", shown.p));
	}
	return depth >= SPEC_DEPTH || check_items(s, spec, v, at, depth);
}

static bool check_map(struct spec *s, const struct value *options, const struct value *map,
	const struct arg_place *in, int depth)
{
	for (size_t i = 0; options->type == VALUE_MAP && i < options->map.n; i++) {
		const struct map_entry *o = &options->map.e[i];
		const struct value *v = map_get(map, o->key);
		const struct arg_place at = {.in = in, .key = o->key.p};
		bool required;
		if (o->value->type != VALUE_MAP)
			continue;
		if (!option_bool(o->value, "required", false, &required, s->e))
			return false;
		if (!v && required)
			return err_set(s->e, ERR_CONFIG, "role '%s': %s is missing", s->role,
				place_name(s->r->a, &at));
		if (v && !check_one(s, o->value, v, &at, depth))
			return false;
	}
	return true;
}

bool argspec_check(struct resolver *r, const struct task *t, struct err *e)
{
	struct spec s = {r, t->role->role->name, e};
	const struct value *options = t->args;
	for (size_t i = 0; i < options->map.n; i++) {
		const struct map_entry *o = &options->map.e[i];
		struct value *v;
		bool needed;
		if (o->value->type != VALUE_MAP)
			continue;
		if (!option_bool(o->value, "required", false, &needed, e))
			return false;
		v = vars_value(r->v, o->key.p, e);
		if (!v && e->kind == ERR_UNDEFINED && !needed)
			*e = (struct err){0}; /* its use reports it */
		if (e->kind)
			return false;
		if (!v && needed)
			return err_set(e, ERR_CONFIG, "role '%s' needs the variable '%s': %s",
				s.role, o->key.p,
				map_cstr(o->value, "description", "see its argument_specs"));
		if (v && !check_one(&s, o->value, v, &(struct arg_place){.key = o->key.p}, 0)) {
			e->pos = v->pos;
			return false;
		}
	}
	return true;
}
