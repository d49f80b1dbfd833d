/* SPDX-License-Identifier: MIT
 *
 * The global functions: range, dict, namespace, lookup and others. The environment implements
 * lookups.
 */
#include "jinja/call.h"

enum { RANGE_MAX = 1 << 22 };

static struct value *fn_range(struct call *c)
{
	int64_t from, to, step;
	if (!call_int(c, 0, 0, &from) || !call_int(c, 1, 0, &to) || !call_int(c, 2, 1, &step))
		return NULL;
	if (!c->arg[1]) {
		to = from;
		from = 0;
	}
	struct value *list = value_list(c->a);
	if (!step)
		return call_fail(c, "the step cannot be 0");
	for (int64_t i = from; step > 0 ? i < to : i > to;) {
		if (list->list.n == RANGE_MAX)
			return call_fail(c, "more than %d numbers", RANGE_MAX);
		list_add(c->a, list, value_int(c->a, i));
		if (__builtin_add_overflow(i, step, &i))
			break;
	}
	return list;
}

/* dict(a=1), dict([[k, v]]), dict(other, a=1), namespace(a=1) */
static struct value *fn_dict(struct call *c)
{
	struct value *map = value_map(c->a), *from = c->arg[0];
	if (from && from->type == VALUE_UNKNOWN)
		return from;
	if (from && from->type == VALUE_MAP) {
		map = value_shallow(c->a, from);
	} else if (from) {
		struct value *list = call_list(c, from);
		if (!list)
			return NULL;
		for (size_t i = 0; i < list->list.n; i++) {
			struct value *pair = list->list.v[i];
			if (pair->type == VALUE_UNKNOWN)
				return pair;
			if (pair->type != VALUE_LIST || pair->list.n != 2)
				return call_fail(c, "a list of pairs is needed");
			map_set(c->a, map, call_text(c, pair->list.v[0]), pair->list.v[1]);
		}
	}
	for (size_t i = 0; c->kwargs && i < c->kwargs->map.n; i++)
		map_set(c->a, map, c->kwargs->map.e[i].key, c->kwargs->map.e[i].value);
	map->literal = true;
	return map;
}

static struct object *object_new(struct call *c, enum object_kind kind)
{
	struct object *o = ARENA_NEW(c->a, struct object);
	o->v.type = (enum value_type)VALUE_OBJECT;
	o->v.literal = true;
	o->kind = kind;
	return o;
}

static struct value *fn_joiner(struct call *c)
{
	struct object *o = object_new(c, OBJECT_JOINER);
	o->sep = call_arg(c, 0, ", ");
	return &o->v;
}

static struct value *fn_cycler(struct call *c)
{
	struct object *o = object_new(c, OBJECT_CYCLER);
	o->items = c->rest->list.v;
	o->n = c->rest->list.n;
	return &o->v;
}

/* lookup('vars', 'name', ..., default=x): values of variables by name. */
static struct value *lookup_vars(struct call *c)
{
	struct value *list = value_list(c->a);
	list->literal = true;
	for (size_t i = 0; i < c->rest->list.n; i++) {
		struct str name = call_text(c, c->rest->list.v[i]);
		struct value *v = scope_lookup(c->in, name, hash64(name.p, name.n), false, c->pos);
		if (v && v->type == VALUE_UNDEFINED && c->kwargs && map_at(c->kwargs, "default"))
			v = map_at(c->kwargs, "default");
		if (v && (v->type == VALUE_UNDEFINED || (int)v->type == VALUE_OBJECT))
			return jinja_undefined_error(c->in, v, c->pos);
		if (!v)
			return NULL;
		list_add(c->a, list, v);
	}
	return list;
}

static struct value *look_up(struct call *c)
{
	struct str name = builtin_name(call_text(c, c->arg[0]));
	if (str_is(name, "vars"))
		return lookup_vars(c);
	if (!c->in->env->plugin)
		return call_fail(c, "lookup '" STR_FMT "' is not available here", STR_ARG(name));
	const struct jinja_env *env = c->in->env;
	struct value *args = value_copy(env->a, c->rest); /* the plugin may keep them */
	struct value *kwargs = value_copy(env->a, c->kwargs ? c->kwargs : value_map(c->a));
	args->literal = kwargs->literal = true;
	name = str_dup(env->a, name.p, name.n);
	struct value *v = env->plugin(env->ctx, name.p, args, kwargs, c->in->e);
	if (v)
		return v;
	if (c->in->e->kind == ERR_NONE)
		return call_fail(c, "lookup '%s' gave nothing", name.p);
	if (!c->in->e->pos.line)
		c->in->e->pos = c->pos;
	return NULL;
}

static struct value *fn_query(struct call *c)
{
	return look_up(c);
}

/* One result is returned as it is, several texts are joined by commas; wantlist=true: as query. */
static struct value *fn_lookup(struct call *c)
{
	struct value *v = look_up(c);
	struct value *want = c->kwargs ? map_at(c->kwargs, "wantlist") : NULL;
	if (!v || v->type != VALUE_LIST || (want && call_truth(c, want)))
		return v;
	if (v->list.n == 1)
		return jinja_child(c->in, v, v->list.v[0]);
	for (size_t i = 0; i < v->list.n; i++)
		if (v->list.v[i]->type != VALUE_STR)
			return v;
	struct buf b;
	buf_init(&b, TEXT_MAX);
	text_join(c, &b, v, str_c(","));
	struct value *joined = call_buf(c, &b);
	if (joined)
		joined->secret = value_has_secret(v);
	return joined;
}

static struct value *fn_undef(struct call *c)
{
	c->in->made_undefined = true;
	struct str hint = call_arg(c, 0, "a value must be given here");
	return value_undefined(c->a, c->pos, STR_FMT, STR_ARG(hint));
}

const struct callable functions[] = {
	{"cycler", fn_cycler, "*", CALL_PLAIN,
		"An object whose next() returns the arguments in turn, again and again.",
		"cycler('odd', 'even').next()", "\"odd\""},
	{"dict", fn_dict, "mapping * **", CALL_PLAIN | CALL_UNKNOWN,
		"A mapping made of another, or of a list of pairs, and of the named "
		"arguments.",
		"dict(a=1, b=2)", "{\"a\": 1, \"b\": 2}"},
	{"joiner", fn_joiner, "sep", CALL_PLAIN,
		"A function that returns empty text the first time and sep (', ') each time "
		"after.",
		"{% set comma = joiner() %}{{ comma() }}a{{ comma() }}b", "\"a, b\""},
	{"lookup", fn_lookup, "!name * **", CALL_PLAIN,
		"What a lookup gives: one value as it is, several texts joined with commas; with "
		"wantlist=true a list.",
		"lookup('vars', 'nothing_here', default='none')", "\"none\""},
	{"namespace", fn_dict, "mapping * **", CALL_PLAIN | CALL_UNKNOWN,
		"A mapping whose keys `set` can change within a loop.",
		"{% set n = namespace(sum=0) %}{% for i in [1, 2] %}{% set n.sum = n.sum + i %}{% "
		"endfor %}{{ n.sum }}",
		"\"3\""},
	{"q", fn_query, "!name * **", CALL_PLAIN, "The same as query.",
		"q('vars', 'nothing_here', default='none')", "[\"none\"]"},
	{"query", fn_query, "!name * **", CALL_PLAIN, "What a lookup gives, as a list.",
		"query('vars', 'nothing_here', default='none')", "[\"none\"]"},
	{"range", fn_range, "!start stop step", 0,
		"The whole numbers from start (0) to below stop, by step (1).", "range(1, 4)",
		"[1, 2, 3]"},
	{"undef", fn_undef, "hint", CALL_PLAIN,
		"A value that is undefined, with a hint for the message of the error.",
		"undef(hint='name the host') is defined", "false"},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
