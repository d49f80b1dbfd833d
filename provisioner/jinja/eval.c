/* SPDX-License-Identifier: MIT
 *
 * Evaluates expressions. The only side effects are on the template's own variables. Work, depth and
 * memory are limited, since a template may come from anyone.
 */
#include "jinja/call.h"

struct value *jinja_fail(struct jinja *in, struct pos pos, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *msg = arena_vprintf(in->a, fmt, ap);
	va_end(ap);
	err_at(in->e, pos, "%s", msg);
	return NULL;
}

struct value *jinja_bool(struct jinja *in, bool b)
{
	return b ? in->yes : in->no;
}

enum { MEMORY_MAX = 256 << 20, SUGGEST_MAX = 1000 };

bool jinja_step(struct jinja *in, uint64_t n, struct pos pos)
{
	in->steps += n + 1;
	if (in->steps > JINJA_STEPS)
		return jinja_fail(in, pos, "this template needs too much work") != NULL;
	if ((in->steps & 1023) <= n && arena_size(in->a) - in->memory > MEMORY_MAX)
		return jinja_fail(in, pos, "this template needs too much memory (more than %d MB)",
			       MEMORY_MAX >> 20) != NULL;
	return true;
}

static const char *find_suggestion(struct jinja *in, const struct value *v)
{
	if (!v->src.p || !v->src.n)
		return NULL;
	if (v != in->missing) {
		const char *const *names = in->env->names ? in->env->names(in->env->ctx) : NULL;
		return names ? str_nearest(v->src.p, names) : NULL;
	}
	if (in->missing_in->map.n > SUGGEST_MAX)
		return NULL;
	const struct value *map = in->missing_in;
	const char **keys = ARENA_ARRAY(in->a, const char *, map->map.n + 1);
	for (size_t i = 0; i < map->map.n; i++)
		keys[i] = map->map.e[i].key.p;
	return str_nearest(v->src.p, keys);
}

static void say_undefined(struct jinja *in, const struct value *v, struct pos pos)
{
	const char *near = find_suggestion(in, v);
	if (v->pos.line)
		pos = v->pos;
	if (near)
		err_undefined(in->e, pos, STR_FMT " (did you mean '%s'?)", STR_ARG(v->s), near);
	else
		err_undefined(in->e, pos, STR_FMT, STR_ARG(v->s));
}

struct value *jinja_undefined_error(struct jinja *in, const struct value *v, struct pos pos)
{
	const struct jinja_env *env = in->env;
	bool first = in->e->kind == ERR_NONE;
	if ((int)v->type == VALUE_OBJECT)
		return jinja_fail(in, pos, "a macro or the loop itself is no value");
	say_undefined(in, v, pos);
	if (!first || !env->undefined || !env->undefined(env->ctx, in->e))
		return NULL;
	*in->e = (struct err){0};
	return value_unknown(in->a, "since a name is undefined");
}

/* `x if false` is undefined, but counts as an empty text where a value is needed. */
struct value *jinja_soft(struct jinja *in, struct value *v)
{
	return v && v->type == VALUE_UNDEFINED && v->literal ? in->empty : v;
}

bool jinja_truth(struct jinja *in, const struct value *v, struct pos pos, bool *out)
{
	if (v->type == VALUE_UNDEFINED && !v->literal) {
		jinja_undefined_error(in, v, pos);
		return false;
	}
	*out = (int)v->type == VALUE_OBJECT || (v->type != VALUE_UNDEFINED && value_true(v));
	return true;
}

/* ---- literals ---- */
static struct value *eval_list(struct jinja *in, const struct node *n)
{
	struct value *list = value_list(in->a);
	list->literal = true;
	list->pos = n->pos;
	for (size_t i = 0; i < n->n; i++) {
		struct value *v = jinja_soft(in, jinja_eval_any(in, n->kid[i]));
		v = parts_whole(in, v);
		if (!v)
			return NULL;
		if ((int)v->type == VALUE_OBJECT)
			return jinja_undefined_error(in, v, n->kid[i]->pos);
		list_add(in->a, list, v);
	}
	return list;
}

static struct value *eval_dict(struct jinja *in, const struct node *n)
{
	struct value *map = value_map(in->a);
	map->literal = true;
	map->pos = n->pos;
	for (size_t i = 0; i + 1 < n->n; i += 2) {
		struct value *key = jinja_eval(in, n->kid[i]);
		struct value *v = key ? jinja_soft(in, jinja_eval_any(in, n->kid[i + 1])) : NULL;
		v = parts_whole(in, v);
		if (!key || !v)
			return NULL;
		if (key->type == VALUE_UNKNOWN)
			return key;
		if (key->type == VALUE_LIST || key->type == VALUE_MAP)
			return jinja_fail(
				in, n->kid[i]->pos, "%s cannot be a key", value_type_name(key));
		if ((int)v->type == VALUE_OBJECT)
			return jinja_undefined_error(in, v, n->kid[i + 1]->pos);
		map_set(in->a, map, value_print(in->a, key), v);
	}
	return map;
}

/* ---- operators ---- */
static struct value *eval_sign(struct jinja *in, const struct node *n)
{
	struct value *v = jinja_eval(in, n->left);
	if (!v || v->type == VALUE_UNKNOWN)
		return v;
	if (v->type == VALUE_FLOAT)
		return value_float(in->a, n->kind == NODE_NEG ? -v->f : v->f);
	if (v->type != VALUE_INT && v->type != VALUE_BOOL)
		return jinja_fail(in, n->pos, "%s has no sign", value_type_name(v));
	int64_t i = v->type == VALUE_BOOL ? v->b : v->i;
	if (n->kind == NODE_NEG && i == INT64_MIN)
		return jinja_fail(in, n->pos, "the number is too large");
	return value_int(in->a, n->kind == NODE_NEG ? -i : i);
}

static struct value *eval_not(struct jinja *in, const struct node *n)
{
	bool b;
	struct value *v = jinja_eval_any(in, n->left);
	if (!v || v->type == VALUE_UNKNOWN)
		return v;
	return jinja_truth(in, v, n->left->pos, &b) ? jinja_bool(in, !b) : NULL;
}

/* Evaluates an operand after an unknown one, which might short-circuit it: an error in it is
 * therefore ignored. NULL: it has no value. */
static struct value *eval_perhaps(struct jinja *in, const struct node *n)
{
	struct err unseen = {0}, *e = in->e;
	in->e = &unseen;
	struct value *v = jinja_eval_any(in, n);
	in->e = e;
	return v && v->type != VALUE_UNDEFINED ? v : NULL;
}

/* and, or: returns the deciding operand. An unknown one is skipped, since a later one may
 * decide. */
static struct value *eval_logic(struct jinja *in, const struct node *n)
{
	struct value *v = NULL, *unknown = NULL;
	for (size_t i = 0; i < n->n; i++) {
		bool b;
		v = unknown ? eval_perhaps(in, n->kid[i]) : jinja_eval_any(in, n->kid[i]);
		if (!v && unknown)
			continue;
		if (!v)
			return NULL;
		if (v->type == VALUE_UNKNOWN) {
			unknown = unknown ? unknown : v;
			continue;
		}
		if (i + 1 == n->n && !unknown)
			break; /* the last operand is the result in any case */
		if (!jinja_truth(in, v, n->kid[i]->pos, &b))
			return NULL;
		if (b == (n->kind == NODE_OR))
			return v;
	}
	return unknown ? unknown : v;
}

static struct value *keys_of(struct jinja *in, struct value *v, struct pos pos)
{
	if (is_parts(v))
		return parts_names(in, v);
	if (v && (v->type == VALUE_UNDEFINED || (int)v->type == VALUE_OBJECT))
		return jinja_undefined_error(in, v, pos);
	return v;
}

/* For uses of a lazy map that need only its keys. */
struct value *jinja_eval_keys(struct jinja *in, const struct node *n)
{
	return keys_of(in, jinja_soft(in, jinja_eval_any(in, n)), n->pos);
}

struct value *jinja_holder(struct jinja *in, struct value *v, struct value *name, struct pos pos)
{
	struct value *keys = keys_of(in, v, pos);
	if (!is_parts(v) || name->type != VALUE_STR)
		return keys;
	struct value *shown = jinja_compare(in, TOK_IN, name, keys, pos);
	if (!shown || (shown->type == VALUE_BOOL && !shown->b && !parts_item(in, v, name->s, pos)))
		return NULL;
	return keys;
}

static struct value *eval_holder(struct jinja *in, const struct node *n, struct value *name)
{
	return jinja_holder(in, jinja_soft(in, jinja_eval_any(in, n)), name, n->pos);
}

static struct value *eval_compare(struct jinja *in, const struct node *n)
{
	struct value *l = jinja_eval(in, n->left), *unknown = NULL;
	for (size_t i = 0; l && i < n->n; i++) {
		bool keys = n->kid_op[i] == TOK_IN || n->kid_op[i] == TOK_NOT_IN;
		struct value *r = keys ? eval_holder(in, n->kid[i], l) : jinja_eval(in, n->kid[i]);
		struct value *v = r ? jinja_compare(in, n->kid_op[i], l, r, n->pos) : NULL;
		if (!v)
			return NULL;
		if (v->type == VALUE_UNKNOWN)
			unknown = v;
		else if (!v->b)
			return v;
		l = r;
	}
	if (!l)
		return NULL;
	return unknown ? unknown : in->yes;
}

static struct value *eval_concat(struct jinja *in, const struct node *n)
{
	struct buf b;
	struct value *unknown = NULL;
	bool secret = false, ok = true;
	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; ok && i < n->n; i++) {
		struct value *v = jinja_eval(in, n->kid[i]);
		ok = v != NULL;
		if (!ok)
			break;
		const struct value *u = value_find_type(v, VALUE_UNKNOWN);
		if (u) {
			unknown = u == v ? v : value_unknown(in->a, STR_FMT, STR_ARG(u->s));
			continue;
		}
		struct str s = v->type == VALUE_STR ? v->s : value_print(in->a, v);
		secret |= value_has_secret(v);
		buf_add(&b, s.p, s.n);
	}
	struct value *v = NULL;
	if (ok && b.over)
		jinja_fail(in, n->pos, "the text is too long");
	else if (ok)
		v = unknown ? unknown : value_str(in->a, buf_str(in->a, &b));
	buf_free(&b);
	if (v && v != unknown) {
		v->literal = true;
		v->secret = secret;
	}
	return v;
}

static struct value *eval_cond(struct jinja *in, const struct node *n)
{
	bool b;
	struct value *v = jinja_eval_any(in, n->right);
	if (!v || v->type == VALUE_UNKNOWN)
		return v;
	if (!jinja_truth(in, v, n->right->pos, &b))
		return NULL;
	if (b)
		return jinja_eval_any(in, n->left);
	if (n->third)
		return jinja_eval_any(in, n->third);
	v = value_undefined(
		in->a, n->pos, "the condition is false and there is no 'else' with another value");
	v->literal = true; /* see jinja_soft() */
	return v;
}

static struct value *eval_math(struct jinja *in, const struct node *n)
{
	struct value *l = jinja_eval(in, n->left);
	struct value *r = l ? jinja_eval(in, n->right) : NULL;
	return r ? jinja_math(in, n->op, l, r, n->right->kind == NODE_TUPLE, n->pos) : NULL;
}

static struct value *eval_filter(struct jinja *in, const struct node *n)
{
	struct value *args, *named;
	if (!n->fn)
		return jinja_fail(in, n->pos, "unknown %s '" STR_FMT "'",
			n->kind == NODE_TEST ? "test" : "filter", STR_ARG(n->name));
	struct value *v = jinja_eval_any(in, n->left);
	if (!v || !jinja_args(in, n->args, &args, &named))
		return NULL;
	if ((int)v->type == VALUE_OBJECT) {
		if (n->kind == NODE_TEST && str_is(n->name, "defined"))
			return in->yes;
		if (!is_parts(v))
			return jinja_undefined_error(in, v, n->left->pos);
	}
	/* an existing name is defined, even if its value is unknown */
	if (n->kind == NODE_TEST && v->type == VALUE_UNKNOWN && n->left->kind == NODE_NAME &&
		(str_is(n->name, "defined") || str_is(n->name, "undefined")))
		return jinja_bool(in, str_is(n->name, "defined"));
	return jinja_apply(in, n->fn, v, args, named, n->pos);
}

static struct value *raw_item(struct jinja *in, const struct node *n)
{
	struct value *obj = jinja_eval_raw(in, n->left);
	if (!obj)
		return NULL;
	struct value *v;
	if (n->kind == NODE_ATTR) {
		v = jinja_attr(in, obj, n->name, n->pos);
	} else {
		struct value *key = jinja_eval(in, n->right);
		v = key ? jinja_item(in, obj, key, n->pos) : NULL;
	}
	if (v && v->type == VALUE_STR && !v->literal)
		return jinja_resolve(in, v);
	return v;
}

static struct value *eval_node(struct jinja *in, const struct node *n, bool raw)
{
	switch (n->kind) {
	case NODE_CONST:
		return n->value ? n->value : in->empty;
	case NODE_NAME:
		return scope_lookup(in, n->name, n->hash, raw, n->pos);
	case NODE_ATTR:
	case NODE_ITEM:
		return raw_item(in, n);
	case NODE_SLICE:
		return jinja_slice(in, n);
	case NODE_LIST:
	case NODE_TUPLE:
		return eval_list(in, n);
	case NODE_DICT:
		return eval_dict(in, n);
	case NODE_NOT:
		return eval_not(in, n);
	case NODE_NEG:
	case NODE_POS:
		return eval_sign(in, n);
	case NODE_MATH:
		return eval_math(in, n);
	case NODE_AND:
	case NODE_OR:
		return eval_logic(in, n);
	case NODE_COMPARE:
		return eval_compare(in, n);
	case NODE_CONCAT:
		return eval_concat(in, n);
	case NODE_COND:
		return eval_cond(in, n);
	case NODE_FILTER:
	case NODE_TEST:
		return eval_filter(in, n);
	case NODE_CALL:
		return jinja_call(in, n);
	default:
		panic("a statement where an expression belongs (%d)", (int)n->kind);
	}
}

struct value *jinja_eval_raw(struct jinja *in, const struct node *n)
{
	if (in->depth >= EVAL_DEPTH)
		return jinja_fail(in, n->pos, "this expression is nested too deeply");
	if (!jinja_step(in, 0, n->pos))
		return NULL;
	in->depth++;
	struct value *v = eval_node(in, n, true);
	in->depth--;
	return v;
}

struct value *jinja_eval_any(struct jinja *in, const struct node *n)
{
	if (n->kind == NODE_NAME) {
		if (!jinja_step(in, 0, n->pos))
			return NULL;
		return scope_lookup(in, n->name, n->hash, false, n->pos);
	}
	struct value *v = jinja_eval_raw(in, n);
	if (v && (n->kind == NODE_ATTR || n->kind == NODE_ITEM))
		return jinja_resolve(in, v);
	return v;
}

struct value *jinja_eval(struct jinja *in, const struct node *n)
{
	struct value *v = parts_whole(in, jinja_soft(in, jinja_eval_any(in, n)));
	if (v && (v->type == VALUE_UNDEFINED || (int)v->type == VALUE_OBJECT))
		return jinja_undefined_error(in, v, n->pos);
	return v;
}

/* An argument may be a part of an object; an undefined value from a deeper lookup is an error. */
static struct value *eval_argument(struct jinja *in, const struct node *n)
{
	struct value *v = jinja_eval_any(in, n);
	if (v && (int)v->type == VALUE_OBJECT && !is_parts(v))
		return jinja_undefined_error(in, v, n->pos);
	return v;
}

/* The argument after '*': a list of positional arguments. */
static bool spread_list(struct jinja *in, const struct node *n, struct value *list)
{
	struct value *v = jinja_eval(in, n);
	if (!v)
		return false;
	if (v->type != VALUE_LIST)
		return jinja_fail(in, n->pos, "a list is needed after '*'") != NULL;
	for (size_t i = 0; i < v->list.n; i++)
		list_add(in->a, list, jinja_child(in, v, v->list.v[i]));
	return true;
}

/* The argument after '**': a map of named arguments. */
static bool spread_map(struct jinja *in, const struct node *n, struct value *named)
{
	struct value *v = jinja_eval(in, n);
	if (!v)
		return false;
	if (v->type != VALUE_MAP)
		return jinja_fail(in, n->pos, "a mapping is needed after '**'") != NULL;
	for (size_t i = 0; i < v->map.n; i++)
		map_set(in->a, named, v->map.e[i].key, v->map.e[i].value);
	return true;
}

/* Evaluates a call's arguments: a list, and a map if some are named. */
bool jinja_args(struct jinja *in, const struct args *a, struct value **list, struct value **named)
{
	*list = *named = NULL;
	if (!a)
		return true;
	*list = value_list(in->a);
	list_reserve(in->a, *list, a->n);
	for (size_t i = 0; i < a->n; i++) {
		struct value *v = eval_argument(in, a->v[i]);
		if (!v)
			return false;
		list_add(in->a, *list, v);
	}
	if (a->star && !spread_list(in, a->star, *list))
		return false;
	if (a->named_n || a->star_star)
		*named = value_map(in->a);
	for (size_t i = 0; i < a->named_n; i++) {
		struct value *v = eval_argument(in, a->named[i].value);
		if (!v)
			return false;
		map_set(in->a, *named, a->named[i].name, v);
	}
	return !a->star_star || spread_map(in, a->star_star, *named);
}
