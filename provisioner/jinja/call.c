/* SPDX-License-Identifier: MIT
 *
 * Calls: binds arguments to the parameters of filters, tests, functions, methods and macros, and
 * handles secret, unknown and undefined values, so that the implementations need not.
 */
#include "jinja/call.h"

/* ---- binding ---- */
static const char *next_param(const char *p, const char **name, size_t *n, bool *must)
{
	while (*p == ' ')
		p++;
	*must = *p == '!';
	p += *must;
	*name = p;
	*n = strcspn(p, " ");
	return p + *n;
}

static struct value *take_named(struct value *named, const char *name, size_t n, size_t *taken)
{
	struct value *v = named ? map_get(named, (struct str){name, n}) : NULL;
	if (v)
		(*taken)++;
	return v;
}

static struct value *signature_error(struct call *c, const char *what)
{
	return call_fail(
		c, "%s; its parameters: %s", what, *c->fn->params ? c->fn->params : "none");
}

static bool is_param(const char *params, struct str name)
{
	const char *p;
	size_t n;
	bool must;
	while (*(params = next_param(params, &p, &n, &must)) || n)
		if (n == name.n && memcmp(p, name.p, n) == 0)
			return true;
	return false;
}

/* Named arguments that are not in params: puts them into kwargs, or reports an error. */
static bool bind_rest(struct call *c, struct value *named, bool others)
{
	c->kwargs = value_map(c->a);
	for (size_t i = 0; i < named->map.n; i++) {
		struct str key = named->map.e[i].key;
		if (is_param(c->fn->params, key))
			continue;
		if (!others)
			return signature_error(
				       c, arena_printf(c->a, "has no parameter '" STR_FMT "'",
						  STR_ARG(key))) != NULL;
		map_set(c->a, c->kwargs, key, named->map.e[i].value);
	}
	return true;
}

static bool bind_arguments(struct call *c, struct value *args, struct value *named)
{
	const char *p = c->fn->params, *name;
	size_t i = 0, used = 0, n, taken = 0, given = args ? args->list.n : 0;
	bool must, more = false, others = false;
	while (*(p = next_param(p, &name, &n, &must)) || n) {
		if (n == 1 && *name == '*') {
			more = true;
			continue;
		}
		if (n == 2 && name[0] == '*') {
			others = true;
			continue;
		}
		if (i >= CALL_ARGS)
			panic("'%s' has more than %d parameters", c->fn->name, CALL_ARGS);
		if (used < given && !more)
			c->arg[i] = args->list.v[used++];
		else
			c->arg[i] = take_named(named, name, n, &taken);
		if (!c->arg[i] && must)
			return signature_error(c, arena_printf(c->a, "'%.*s' is missing", (int)n,
							  name)) != NULL;
		i++;
	}
	if (used < given && !more)
		return signature_error(c, "too many arguments") != NULL;
	c->rest = used < given ? value_list(c->a) : c->in->nothing;
	for (; used < given; used++)
		list_add(c->a, c->rest, args->list.v[used]);
	return !named || taken == named->map.n ? true : bind_rest(c, named, others);
}

/* ---- undefined, unknown, secret ---- */
/* The first of input and arguments with this type. */
static struct value *find_input(struct call *c, struct value *args, struct value *named, int type)
{
	if (c->v && (int)c->v->type == type)
		return c->v;
	for (size_t i = 0; args && i < args->list.n; i++)
		if ((int)args->list.v[i]->type == type)
			return args->list.v[i];
	for (size_t i = 0; named && i < named->map.n; i++)
		if ((int)named->map.e[i].value->type == type)
			return named->map.e[i].value;
	return NULL;
}

static bool any_secret(const struct value *v, bool deep)
{
	return v && (deep ? value_has_secret(v) : v->secret);
}

static struct value *mark_secret(
	struct call *c, struct value *r, struct value *args, struct value *named)
{
	if (r->type == VALUE_BOOL || r->type == VALUE_NULL) /* conditions must stay usable */
		return r;
	bool container = r->type == VALUE_LIST || r->type == VALUE_MAP;
	bool scalar = c->v && c->v->type != VALUE_LIST && c->v->type != VALUE_MAP;
	/* items of a list keep their own marks; text made from a list has the marks of all */
	bool secret = any_secret(c->v, !container && !scalar);
	secret |= !container && (any_secret(args, true) || any_secret(named, true));
	if (!secret || r->secret)
		return r;
	struct value *copy = ARENA_NEW(c->a, struct value);
	*copy = *r;
	copy->secret = true;
	return copy;
}

/* Makes a lazy map complete for a filter that cannot handle one. */
static void take_whole(struct jinja *in, struct value **v, struct value *args, struct value *named)
{
	*v = parts_whole(in, *v);
	for (size_t i = 0; args && i < args->list.n; i++)
		args->list.v[i] = parts_whole(in, args->list.v[i]);
	for (size_t i = 0; named && i < named->map.n; i++)
		named->map.e[i].value = parts_whole(in, named->map.e[i].value);
}

struct value *jinja_apply(struct jinja *in, const struct callable *fn, struct value *v,
	struct value *args, struct value *named, struct pos pos)
{
	if (!(fn->flags & CALL_PARTS))
		take_whole(in, &v, args, named);
	struct call c = {.in = in, .a = in->a, .fn = fn, .pos = pos, .v = v};
	if (!(fn->flags & CALL_UNDEFINED))
		v = c.v = jinja_soft(in, v);
	struct value *bad = find_input(&c, args, named, VALUE_UNDEFINED);
	if (bad && !(fn->flags & CALL_UNDEFINED))
		return jinja_undefined_error(in, bad, pos);
	struct value *unknown = find_input(&c, args, named, VALUE_UNKNOWN);
	if (unknown && !(fn->flags & CALL_UNKNOWN))
		return unknown;
	if (!jinja_step(in, 0, pos) || !bind_arguments(&c, args, named))
		return NULL;
	bool failed_before = in->e->kind != ERR_NONE;
	struct value *r = fn->fn(&c);
	if (!r || (!failed_before && in->e->kind != ERR_NONE))
		return NULL;
	if (c.unknown && r->type != VALUE_UNKNOWN)
		return value_unknown(in->a, STR_FMT, STR_ARG(c.unknown->s));
	if (fn->flags & CALL_PLAIN || r->type == VALUE_UNKNOWN || r->type == VALUE_UNDEFINED)
		return r;
	if (!r->literal && r != v)
		r->literal = true; /* no template in a new value */
	return mark_secret(&c, r, args, named);
}

/* ---- calls within a template ---- */
static struct value *loop_method(
	struct jinja *in, struct object *o, struct str name, struct value *args, struct pos pos)
{
	size_t n = args ? args->list.n : 0;
	if (str_is(name, "cycle") && n)
		return args->list.v[o->i % n];
	if (str_is(name, "changed")) {
		struct value *now = args ? args : in->none;
		bool changed = !o->last || !value_equal(o->last, now);
		o->last = now;
		return jinja_bool(in, changed);
	}
	return jinja_fail(in, pos, "the loop has no method '" STR_FMT "' with %zu arguments",
		STR_ARG(name), n);
}

static struct value *call_object(
	struct jinja *in, struct object *o, struct value *args, struct value *named, struct pos pos)
{
	switch (o->kind) {
	case OBJECT_MACRO:
		return jinja_run_macro(in, o, args, named, pos);
	case OBJECT_LOOP:
		return jinja_loop_again(in, o, args, pos);
	case OBJECT_JOINER: {
		bool first = o->i++ == 0;
		struct value *v = value_str(in->a, first ? str_c("") : o->sep);
		v->literal = true;
		return v;
	}
	default:
		return jinja_fail(in, pos, "this cannot be called");
	}
}

static struct value *call_method(struct jinja *in, const struct node *n)
{
	const struct node *target = n->left;
	struct value *args, *named;
	struct value *obj = jinja_eval_any(in, target->left);
	if (!obj || !jinja_args(in, n->args, &args, &named))
		return NULL;
	if (obj->type == VALUE_UNDEFINED)
		return jinja_undefined_error(in, obj, target->pos);
	if (obj->type == VALUE_UNKNOWN)
		return obj;
	if (is_parts(obj)) {
		struct value *r = parts_method(in, obj, target->name, args, n->pos);
		if (r)
			return r;
		obj = parts_whole(in, obj);
	}
	if ((int)obj->type == VALUE_OBJECT) {
		struct object *o = (struct object *)obj;
		if (o->kind == OBJECT_LOOP)
			return loop_method(in, o, target->name, args, n->pos);
		if (o->kind == OBJECT_CYCLER && str_is(target->name, "next") && o->n)
			return o->items[o->i++ % o->n];
		return jinja_fail(
			in, n->pos, "this has no method '" STR_FMT "'", STR_ARG(target->name));
	}
	const struct callable *fn = jinja_method(obj, target->name);
	if (!fn)
		return jinja_fail(in, target->pos, "%s has no method '" STR_FMT "'",
			value_type_name(obj), STR_ARG(target->name));
	if (fn->flags & CALL_CHANGES && !(obj = jinja_mutable(in, target->left)))
		return NULL;
	return jinja_apply(in, fn, obj, args, named, target->pos);
}

struct value *jinja_call(struct jinja *in, const struct node *n)
{
	struct value *args, *named;
	if (n->left->kind == NODE_ATTR)
		return call_method(in, n);
	if (n->left->kind != NODE_NAME)
		return jinja_fail(in, n->pos, "this cannot be called");
	struct var *var = scope_find(in, n->left->name, n->left->hash);
	const struct callable *fn = var ? NULL : jinja_function(n->left->name);
	if (!fn && !(var && (int)var->v->type == VALUE_OBJECT))
		return jinja_fail(in, n->pos, "there is no function or macro '" STR_FMT "'",
			STR_ARG(n->left->name));
	struct value *object = var ? var->v : NULL; /* arguments may move the variables */
	if (!jinja_args(in, n->args, &args, &named))
		return NULL;
	if (fn)
		return jinja_apply(in, fn, NULL, args, named, n->pos);
	return call_object(in, (struct object *)object, args, named, n->pos);
}

/* ---- changing lists and maps in place ---- */
static bool is_owned(const struct jinja *in, const struct value *v)
{
	for (size_t i = in->owned_n; i > 0; i--)
		if (in->owned[i - 1] == v)
			return true;
	return false;
}

/* A copy that may be changed; values that the template has not created must not be. */
static struct value *own_value(struct jinja *in, struct value *v)
{
	if (is_owned(in, v) || (v->type != VALUE_LIST && v->type != VALUE_MAP))
		return v;
	struct value *copy = value_shallow(in->a, v);
	copy->secret = v->secret;
	copy->literal = v->literal;
	PUSH(NULL, in->owned, in->owned_n, in->owned_cap, copy);
	return copy;
}

static struct value *own_name(struct jinja *in, const struct node *n)
{
	struct value *v = scope_lookup(in, n->name, n->hash, false, n->pos);
	if (!v)
		return NULL;
	if (v->type == VALUE_UNDEFINED || (int)v->type == VALUE_OBJECT)
		return jinja_undefined_error(in, v, n->pos);
	struct value *mine = own_value(in, v);
	if (mine == v)
		return v;
	struct var *var = scope_find(in, n->name, n->hash);
	for (size_t i = 0; !var && i < in->cache_n; i++)
		if (in->cache[i].hash == n->hash && str_eq(in->cache[i].name, n->name))
			var = &in->cache[i];
	if (var)
		var->v = mine;
	return mine;
}

static struct value *own_part(struct jinja *in, const struct node *n)
{
	struct value *parent = jinja_mutable(in, n->left);
	struct value *key = NULL, *v;
	if (!parent)
		return NULL;
	if (n->kind == NODE_ITEM && !(key = jinja_eval(in, n->right)))
		return NULL;
	v = key ? jinja_item(in, parent, key, n->pos) : jinja_attr(in, parent, n->name, n->pos);
	if (v && (v->type == VALUE_UNDEFINED || (int)v->type == VALUE_OBJECT))
		return jinja_undefined_error(in, v, n->pos);
	if (!v || v->type == VALUE_UNKNOWN)
		return v;
	struct value *mine = own_value(in, v);
	if (mine == v)
		return v;
	if (parent->type == VALUE_MAP) {
		struct str k = !key                     ? n->name
			       : key->type == VALUE_STR ? key->s
							: value_print(in->a, key);
		map_set(in->a, parent, k, mine);
	} else if (parent->type == VALUE_LIST && key && key->type == VALUE_INT) {
		int64_t i = key->i < 0 ? key->i + (int64_t)parent->list.n : key->i;
		parent->list.v[i] = mine; /* in range: jinja_item has checked it */
	}
	return mine;
}

struct value *jinja_mutable(struct jinja *in, const struct node *target)
{
	if (target->kind == NODE_NAME)
		return own_name(in, target);
	if (target->kind == NODE_ATTR || target->kind == NODE_ITEM)
		return own_part(in, target);
	struct value *v = jinja_eval(in, target);
	return v && v->type != VALUE_UNKNOWN ? own_value(in, v) : v;
}
