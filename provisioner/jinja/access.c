/* SPDX-License-Identifier: MIT
 *
 * Access to parts of values: attributes, items and slices. A part inherits the marks of its
 * container.
 */
#include "jinja/call.h"

/* Gives a part the literal and secret marks of its container. */
struct value *jinja_child(struct jinja *in, const struct value *parent, struct value *v)
{
	bool plain = v->type != VALUE_STR && v->type != VALUE_LIST && v->type != VALUE_MAP;
	bool literal = v->literal || plain || !parent->literal;
	if (v->type == VALUE_STR && !literal && (!v->s.n || !memchr(v->s.p, '{', v->s.n)))
		literal = true;
	if (literal && (v->secret || !parent->secret))
		return v;
	struct value *copy = ARENA_NEW(in->a, struct value);
	*copy = *v;
	copy->literal |= parent->literal;
	copy->secret |= parent->secret;
	return copy;
}

/* Joined, not formatted: `is defined` may be evaluated for each of ten thousand mailboxes. */
static struct value *missing_key(struct arena *a, struct pos pos, struct str name)
{
	struct value *v = ARENA_NEW(a, struct value);
	*v = (struct value){.type = VALUE_UNDEFINED, .pos = pos};
	v->s = str_between(a, "'", name, "' is undefined: map has no such key");
	return v;
}

void jinja_missing(struct jinja *in, const struct value *map, struct str name)
{
	if (in->env->missing)
		in->env->missing(in->env->ctx, map, str_dup(in->env->a, name.p, name.n));
}

static struct value *make_undefined(
	struct jinja *in, struct pos pos, struct value *obj, struct str name)
{
	in->made_undefined = true;
	struct value *v;
	if (obj->type == VALUE_MAP)
		v = missing_key(in->a, pos, name);
	else
		v = value_undefined(in->a, pos,
			"'" STR_FMT "' is undefined: %s has no such attribute", STR_ARG(name),
			value_type_name(obj));
	if (obj->type == VALUE_MAP) {
		jinja_missing(in, obj, name);
		v->src = name;
		in->missing = v;
		in->missing_in = obj;
	}
	return v;
}

static struct value *loop_attr(struct jinja *in, struct object *o, struct str name, struct pos pos)
{
	int64_t i = (int64_t)o->i, n = (int64_t)o->n;
	if (str_is(name, "index"))
		return value_int(in->a, i + 1);
	if (str_is(name, "index0"))
		return value_int(in->a, i);
	if (str_is(name, "first"))
		return jinja_bool(in, i == 0);
	if (str_is(name, "last"))
		return jinja_bool(in, i == n - 1);
	if (str_is(name, "length"))
		return value_int(in->a, n);
	if (str_is(name, "revindex"))
		return value_int(in->a, n - i);
	if (str_is(name, "revindex0"))
		return value_int(in->a, n - i - 1);
	if (str_is(name, "depth"))
		return value_int(in->a, (int64_t)o->depth + 1);
	if (str_is(name, "depth0"))
		return value_int(in->a, (int64_t)o->depth);
	if (str_is(name, "previtem") && i > 0)
		return o->items[i - 1];
	if (str_is(name, "nextitem") && i < n - 1)
		return o->items[i + 1];
	in->made_undefined = true;
	return value_undefined(in->a, pos, "'loop." STR_FMT "' is undefined", STR_ARG(name));
}

struct value *jinja_attr(struct jinja *in, struct value *obj, struct str name, struct pos pos)
{
	if (obj->type == VALUE_UNKNOWN || obj->type == VALUE_UNDEFINED)
		return obj;
	if ((int)obj->type == VALUE_OBJECT) {
		struct object *o = (struct object *)obj;
		if (o->kind == OBJECT_LOOP)
			return loop_attr(in, o, name, pos);
		if (o->kind == OBJECT_PARTS)
			return parts_item(in, obj, name, pos);
		return jinja_fail(in, pos, "a macro has no attributes");
	}
	if (obj->type == VALUE_MAP) {
		struct value *v = map_get(obj, name);
		if (v)
			return jinja_child(in, obj, v);
	}
	if (jinja_method(obj, name))
		return jinja_fail(
			in, pos, "'" STR_FMT "' is a method: write it with ()", STR_ARG(name));
	return make_undefined(in, pos, obj, name);
}

static struct value *item_at(struct jinja *in, struct value *obj, int64_t i, struct pos pos)
{
	int64_t n = obj->type == VALUE_LIST ? (int64_t)obj->list.n : (int64_t)text_chars(obj->s);
	int64_t k = i < 0 ? i + n : i;
	if (k < 0 || k >= n) {
		in->made_undefined = true;
		return value_undefined(in->a, pos, "there is no item %lld: %s has %lld",
			(long long)i, value_type_name(obj), (long long)n);
	}
	if (obj->type == VALUE_LIST)
		return jinja_child(in, obj, obj->list.v[k]);
	size_t at = text_offset(obj->s, (size_t)k);
	struct value *v = value_str(in->a, str_dup(in->a, obj->s.p + at, text_next(obj->s, at)));
	v->literal = true;
	v->secret = obj->secret;
	return v;
}

struct value *jinja_item(struct jinja *in, struct value *obj, struct value *key, struct pos pos)
{
	if (obj->type == VALUE_UNKNOWN || obj->type == VALUE_UNDEFINED)
		return obj;
	if (key->type == VALUE_UNKNOWN)
		return key;
	if (key->type == VALUE_UNDEFINED || (int)key->type == VALUE_OBJECT)
		return jinja_undefined_error(in, key, pos);
	if (key->type == VALUE_INT && (obj->type == VALUE_LIST || obj->type == VALUE_STR))
		return item_at(in, obj, key->i, pos);
	if ((int)obj->type == VALUE_OBJECT)
		return jinja_attr(in, obj, value_print(in->a, key), pos);
	if (obj->type == VALUE_MAP) {
		struct str k = key->type == VALUE_STR ? key->s : value_print(in->a, key);
		struct value *v = map_get(obj, k);
		return v ? jinja_child(in, obj, v) : make_undefined(in, pos, obj, k);
	}
	return make_undefined(in, pos, obj, value_print(in->a, key));
}

/* ---- slices ---- */
/* A bound of a slice, clipped as in Python. */
static bool slice_bound(
	struct jinja *in, const struct node *n, int64_t dflt, int64_t *out, struct value **unknown)
{
	*out = dflt;
	if (!n)
		return true;
	struct value *v = jinja_eval(in, n);
	if (!v)
		return false;
	if (v->type == VALUE_UNKNOWN)
		*unknown = v;
	else if (v->type == VALUE_INT || v->type == VALUE_BOOL)
		*out = v->type == VALUE_INT ? v->i : v->b;
	else if (v->type != VALUE_NULL)
		return jinja_fail(in, n->pos, "a slice needs whole numbers, not %s",
			       value_type_name(v)) != NULL;
	return true;
}

static int64_t clip_index(int64_t i, int64_t n, int64_t low, int64_t high)
{
	if (i < 0)
		i = i < -n ? -1 : i + n;
	return i < low ? low : i > high ? high : i;
}

static struct value *slice_text(
	struct jinja *in, struct value *obj, int64_t from, int64_t to, int64_t step)
{
	struct buf b;
	buf_init(&b, obj->s.n + 1);
	if (step == 1) {
		size_t i = text_offset(obj->s, (size_t)from);
		size_t end = to > from ? text_offset(obj->s, (size_t)to) : i;
		buf_add(&b, obj->s.p + i, end - i);
	} else {
		struct value *chars = text_chars_list(in, obj->s);
		for (int64_t i = from; step > 0 ? i < to : i > to; i += step)
			buf_add(&b, chars->list.v[i]->s.p, chars->list.v[i]->s.n);
	}
	struct value *v = value_str(in->a, buf_str(in->a, &b));
	buf_free(&b);
	return v;
}

static struct value *slice_list(
	struct jinja *in, struct value *obj, int64_t from, int64_t to, int64_t step)
{
	struct value *v = value_list(in->a);
	for (int64_t i = from; step > 0 ? i < to : i > to; i += step)
		list_add(in->a, v, jinja_child(in, obj, obj->list.v[i]));
	return v;
}

struct value *jinja_slice(struct jinja *in, const struct node *n)
{
	struct value *obj = jinja_eval(in, n->left), *unknown = NULL;
	int64_t step, from, to;
	if (!obj || obj->type == VALUE_UNKNOWN)
		return obj;
	if (obj->type != VALUE_LIST && obj->type != VALUE_STR)
		return jinja_fail(in, n->pos, "%s cannot be sliced", value_type_name(obj));
	int64_t len = obj->type == VALUE_LIST ? (int64_t)obj->list.n : (int64_t)text_chars(obj->s);
	if (!slice_bound(in, n->kid[2], 1, &step, &unknown))
		return NULL;
	if (!step || step > INT32_MAX || step < -INT32_MAX)
		return jinja_fail(in, n->pos, "a slice cannot have this step");
	int64_t low = step > 0 ? 0 : -1, high = step > 0 ? len : len - 1;
	if (!slice_bound(in, n->kid[0], step > 0 ? 0 : len, &from, &unknown) ||
		!slice_bound(in, n->kid[1], step > 0 ? len : INT64_MIN, &to, &unknown))
		return NULL;
	if (unknown)
		return unknown;
	from = clip_index(from, len, low, high);
	to = to == INT64_MIN ? -1 : clip_index(to, len, low, high);
	struct value *v = obj->type == VALUE_STR ? slice_text(in, obj, from, to, step)
						 : slice_list(in, obj, from, to, step);
	v->literal = true;
	v->secret = obj->secret;
	return v;
}
