/* SPDX-License-Identifier: MIT
 *
 * Lazy maps of the environment, such as `vars` and `hostvars`: hostvars['a'].b evaluates one
 * variable of one host, and an error in another variable does not matter.
 */
#include "jinja/call.h"

struct value *parts_new(struct jinja *in, struct str path)
{
	struct object *o = ARENA_NEW(in->a, struct object);
	o->v.type = (enum value_type)VALUE_OBJECT;
	o->v.literal = true;
	o->kind = OBJECT_PARTS;
	o->path = str_dup(in->a, path.p, path.n);
	return &o->v;
}

bool is_parts(const struct value *v)
{
	return v && (int)v->type == VALUE_OBJECT &&
	       ((const struct object *)v)->kind == OBJECT_PARTS;
}

static struct value *ask_part(struct jinja *in, const struct value *parts, struct str key)
{
	const struct object *o = (const struct object *)parts;
	const struct jinja_env *env = in->env;
	struct str deeper = {0};
	struct value *v = env->part(env->ctx, o->path, str_dup(env->a, key.p, key.n), &deeper);
	if (deeper.n)
		return parts_new(in, deeper);
	if (v && v->type == VALUE_UNDEFINED)
		in->made_undefined = true;
	return v;
}

struct value *parts_item(
	struct jinja *in, const struct value *parts, struct str key, struct pos pos)
{
	struct value *v = ask_part(in, parts, key);
	if (v)
		return v;
	in->made_undefined = true;
	return value_undefined(in->a, pos,
		"'" STR_FMT "' is undefined: " STR_FMT " has no such key", STR_ARG(key),
		STR_ARG(((const struct object *)parts)->path));
}

struct value *parts_names(struct jinja *in, const struct value *parts)
{
	const struct object *o = (const struct object *)parts;
	const char *const *names = in->env->parts(in->env->ctx, o->path);
	struct value *list = value_list(in->a);
	list->literal = true;
	for (; names && *names; names++) {
		struct value *name = value_text(in->a, *names);
		name->literal = true;
		list_add(in->a, list, name);
	}
	return list;
}

struct value *parts_whole(struct jinja *in, struct value *v)
{
	if (!is_parts(v))
		return v;
	struct value *names = parts_names(in, v), *map = value_map(in->a);
	map->literal = true;
	for (size_t i = 0; i < names->list.n; i++) {
		struct value *part = parts_whole(in, ask_part(in, v, names->list.v[i]->s));
		if (part)
			map_append(in->a, map, names->list.v[i]->s, (struct pos){0}, part);
	}
	return map;
}

struct value *parts_method(struct jinja *in, const struct value *parts, struct str name,
	const struct value *args, struct pos pos)
{
	size_t n = args ? args->list.n : 0;
	if (str_is(name, "keys") && n == 0)
		return parts_names(in, parts);
	if (!str_is(name, "get") || n == 0 || n > 2)
		return NULL;
	if (args->list.v[0]->type == VALUE_UNKNOWN)
		return args->list.v[0];
	struct value *v = parts_item(in, parts, value_print(in->a, args->list.v[0]), pos);
	if (v->type == VALUE_UNDEFINED)
		return n == 2 ? args->list.v[1] : in->none;
	return v;
}
