/* SPDX-License-Identifier: MIT
 *
 * Executes a template's statements and collects their output. At an UNKNOWN condition or list of a
 * loop it stops: the rest cannot be known, and the result is UNKNOWN.
 */
#include "jinja/call.h"

void output_init(struct output *o)
{
	*o = (struct output){0};
	buf_init(&o->buf, TEXT_MAX);
}

void output_free(struct output *o)
{
	buf_free(&o->buf);
}

static void add_output(struct output *o, const char *p, size_t n)
{
	if (!n)
		return;
	buf_add(&o->buf, p, n);
	o->parts++;
	o->only = NULL;
}

static void stop_output(struct output *o, struct value *unknown)
{
	if (!o->unknown)
		o->unknown = unknown;
	o->flow = FLOW_STOP;
}

bool jinja_print(struct jinja *in, struct value *v, struct output *o, struct pos pos)
{
	if (v->type == VALUE_STR) {
		buf_add(&o->buf, v->s.p, v->s.n);
	} else if (v->type == VALUE_UNKNOWN) {
		if (!o->unknown)
			o->unknown = v;
	} else if (v->type == VALUE_INT) {
		buf_addf(&o->buf, "%lld", (long long)v->i);
	} else if (v->type != VALUE_NULL) { /* as in Ansible, null prints nothing */
		const struct value *u = value_find_type(v, VALUE_UNKNOWN);
		const struct value *un = value_find_type(v, VALUE_UNDEFINED);
		if (un)
			return jinja_undefined_error(in, un, pos) != NULL;
		if (u && !o->unknown)
			o->unknown = value_unknown(in->a, STR_FMT, STR_ARG(u->s));
		struct str s = u ? str_c("") : value_print(in->a, v);
		buf_add(&o->buf, s.p, s.n);
	}
	o->secret |= value_has_secret(v);
	o->only = o->parts++ ? NULL : v;
	if (o->buf.over)
		return jinja_fail(in, pos, "the text is longer than %d bytes", TEXT_MAX) != NULL;
	return true;
}

/* The output: the value itself if only one was printed, else text. */
struct value *output_value(struct jinja *in, struct output *o)
{
	if (o->only && o->flow != FLOW_STOP)
		return o->only;
	if (o->unknown)
		return value_unknown(in->a, STR_FMT, STR_ARG(o->unknown->s));
	struct value *v = value_str(in->a, buf_str(in->a, &o->buf));
	v->literal = true;
	v->secret = o->secret;
	return v;
}

static struct value *output_text(struct jinja *in, struct output *o)
{
	o->only = NULL;
	return output_value(in, o);
}

/* ---- assignment ---- */
bool jinja_assign(struct jinja *in, const struct node *target, struct value *v)
{
	if (target->kind == NODE_NAME) {
		scope_set(in, target->name, target->hash, v);
		return true;
	}
	if ((int)v->type == VALUE_OBJECT || v->type == VALUE_UNDEFINED)
		return jinja_undefined_error(in, v, target->pos) != NULL;
	if (target->kind == NODE_ATTR) {
		struct value *map = jinja_mutable(in, target->left);
		if (!map)
			return false;
		if (map->type != VALUE_MAP)
			return jinja_fail(in, target->pos,
				       "only a namespace takes attributes: set x = namespace()") !=
			       NULL;
		map_set(in->a, map, target->name, v);
		return true;
	}
	if (v->type != VALUE_LIST || v->list.n != target->n) {
		return jinja_fail(in, target->pos, "cannot unpack %s of %zu into %zu names",
			       value_type_name(v), v->type == VALUE_LIST ? v->list.n : 1,
			       target->n) != NULL;
	}
	for (size_t i = 0; i < target->n; i++)
		if (!jinja_assign(in, target->kid[i], jinja_child(in, v, v->list.v[i])))
			return false;
	return true;
}

static bool assign_or_stop(
	struct jinja *in, const struct node *target, struct value *v, struct output *o)
{
	if (v->type == VALUE_UNKNOWN && target->kind == NODE_TUPLE) {
		stop_output(o, v);
		return true;
	}
	return jinja_assign(in, target, v);
}

static bool run_set(struct jinja *in, const struct node *n, struct output *o)
{
	struct value *v = jinja_eval_any(in, n->right);
	return v && assign_or_stop(in, n->left, v, o);
}

/* ---- blocks with output as a value ---- */
static struct value *capture_body(struct jinja *in, const struct node *body, struct output *outer)
{
	struct output o;
	output_init(&o);
	scope_push(in, in->scope);
	bool ok = jinja_run(in, body, &o);
	scope_pop(in);
	struct value *v = ok ? output_text(in, &o) : NULL;
	if (o.flow == FLOW_STOP)
		stop_output(outer, v ? v : o.unknown);
	else if (o.flow != FLOW_ON)
		outer->flow = o.flow;
	output_free(&o);
	return v;
}

/* Applies a chain of filters, whose innermost operand is an empty constant, to v. */
static struct value *through_filters(struct jinja *in, const struct node *chain, struct value *v)
{
	if (chain->kind == NODE_CONST)
		return v;
	struct value *args, *named;
	struct value *in_v = through_filters(in, chain->left, v);
	if (!in_v || !jinja_args(in, chain->args, &args, &named))
		return NULL;
	if (chain->kind != NODE_FILTER || !chain->fn)
		return jinja_fail(
			in, chain->pos, "unknown filter '" STR_FMT "'", STR_ARG(chain->name));
	return jinja_apply(in, chain->fn, in_v, args, named, chain->pos);
}

static bool run_set_block(struct jinja *in, const struct node *n, struct output *o)
{
	struct value *v = capture_body(in, n->body, o);
	if (v && n->right)
		v = through_filters(in, n->right, v);
	return v && assign_or_stop(in, n->left, v, o);
}

static bool run_filter_block(struct jinja *in, const struct node *n, struct output *o)
{
	struct value *v = capture_body(in, n->body, o);
	if (v)
		v = through_filters(in, n->right, v);
	return v && jinja_print(in, v, o, n->pos);
}

/* ---- conditions and loops ---- */
static bool run_if(struct jinja *in, const struct node *n, struct output *o)
{
	for (;;) {
		bool b;
		struct value *v = jinja_eval_any(in, n->left);
		if (!v)
			return false;
		if (v->type == VALUE_UNKNOWN) {
			stop_output(o, v);
			return true;
		}
		if (!jinja_truth(in, v, n->left->pos, &b))
			return false;
		if (b)
			return jinja_run(in, n->body, o);
		if (!n->flag) /* no elif */
			return jinja_run(in, n->orelse, o);
		n = n->orelse;
	}
}

/* The items for which the loop's own condition is true; false: an error, or *unknown is set. */
static bool loop_filter(struct jinja *in, const struct node *n, struct value **items, size_t *count,
	struct value **unknown)
{
	size_t kept = 0;
	scope_push(in, in->scope);
	size_t start = in->vars_n;
	for (size_t i = 0; i < *count && !*unknown; i++) {
		bool b;
		in->vars_n = start;
		struct value *v = NULL;
		if (jinja_assign(in, n->left, items[i]))
			v = jinja_eval_any(in, n->third);
		if (!v) {
			scope_pop(in);
			return false;
		}
		if (v->type == VALUE_UNKNOWN) {
			*unknown = v;
		} else if (!jinja_truth(in, v, n->third->pos, &b)) {
			scope_pop(in);
			return false;
		} else if (b) {
			items[kept++] = items[i];
		}
	}
	scope_pop(in);
	*count = kept;
	return true;
}

static bool loop_body(struct jinja *in, const struct node *n, struct object *loop, struct output *o)
{
	static const struct str loop_name = {"loop", 4};
	uint64_t hash = hash64("loop", 4);
	bool ok = true;
	scope_push(in, in->scope);
	size_t start = in->vars_n;
	for (loop->i = 0; ok && loop->i < loop->n; loop->i++) {
		struct value *item = loop->items[loop->i];
		in->vars_n = start;
		scope_set(in, loop_name, hash, &loop->v);
		if (item->type == VALUE_UNKNOWN && n->left->kind == NODE_TUPLE) {
			stop_output(o, item);
			break;
		}
		ok = jinja_step(in, 0, n->pos) && jinja_assign(in, n->left, item) &&
		     jinja_run(in, n->body, o);
		if (o->flow == FLOW_BREAK || o->flow == FLOW_STOP)
			break;
		o->flow = FLOW_ON;
	}
	if (o->flow == FLOW_BREAK)
		o->flow = FLOW_ON;
	scope_pop(in);
	return ok;
}

/* Runs the loop over one list; depth counts the recursive calls. */
static bool loop_over(
	struct jinja *in, const struct node *n, struct value *v, size_t depth, struct output *o)
{
	struct value *unknown = NULL;
	struct call c = {.in = in, .a = in->a, .pos = n->right->pos};
	struct value *list = v->type == VALUE_UNKNOWN ? v : call_list(&c, v);
	if (!list)
		return false;
	if (list->type == VALUE_UNKNOWN) {
		stop_output(o, list);
		return true;
	}
	struct object loop = {.v.type = (enum value_type)VALUE_OBJECT, .kind = OBJECT_LOOP};
	loop.loop = n;
	loop.n = list->list.n;
	loop.depth = depth;
	loop.scope = in->scope;
	loop.items = ARENA_ARRAY(in->a, struct value *, loop.n);
	for (size_t i = 0; i < loop.n; i++)
		loop.items[i] = jinja_child(in, v, list->list.v[i]);
	if (n->third && !loop_filter(in, n, loop.items, &loop.n, &unknown))
		return false;
	if (unknown) {
		stop_output(o, unknown);
		return true;
	}
	if (loop.n)
		return loop_body(in, n, &loop, o);
	scope_push(in, in->scope);
	bool ok = jinja_run(in, n->orelse, o);
	scope_pop(in);
	return ok;
}

static bool run_for(struct jinja *in, const struct node *n, struct output *o)
{
	struct value *v = jinja_eval_keys(in, n->right);
	return v && loop_over(in, n, v, 0, o);
}

/* loop(list) within a recursive loop: returns the output for that list. */
struct value *jinja_loop_again(
	struct jinja *in, struct object *loop, struct value *args, struct pos pos)
{
	struct output o;
	if (!loop->loop->flag || !args || args->list.n != 1)
		return jinja_fail(in, pos, "only a loop marked 'recursive' takes loop(list)");
	if (in->nesting >= JINJA_DEPTH || in->scope + 4 >= SCOPES_MAX)
		return jinja_fail(in, pos, "this loop calls itself without an end");
	if (args->list.v[0]->type == VALUE_UNDEFINED)
		return jinja_undefined_error(in, args->list.v[0], pos);
	output_init(&o);
	in->nesting++;
	scope_push(in, loop->scope);
	bool ok = loop_over(in, loop->loop, args->list.v[0], loop->depth + 1, &o);
	scope_pop(in);
	in->nesting--;
	struct value *v = ok ? output_text(in, &o) : NULL;
	output_free(&o);
	return v;
}

/* ---- macros, include, with ---- */
static struct object *macro_object(struct jinja *in, const struct node *n)
{
	struct object *m = ARENA_NEW(in->a, struct object);
	m->v.type = (enum value_type)VALUE_OBJECT;
	m->kind = OBJECT_MACRO;
	m->macro = n->macro;
	m->scope = in->scope;
	return m;
}

static bool run_call_block(struct jinja *in, const struct node *n, struct output *o)
{
	struct value *args, *named;
	struct value *f = jinja_eval_any(in, n->left->left);
	if (!f)
		return false;
	struct object *m = (struct object *)f;
	if ((int)f->type != VALUE_OBJECT || m->kind != OBJECT_MACRO)
		return jinja_fail(in, n->pos, "this is no macro of the template") != NULL;
	if (!jinja_args(in, n->left->args, &args, &named))
		return false;
	struct object with_caller = *m;
	with_caller.caller = macro_object(in, n);
	struct value *v = jinja_run_macro(in, &with_caller, args, named, n->pos);
	return v && jinja_print(in, v, o, n->pos);
}

static bool include_text(struct jinja *in, const struct node *n, struct str name, struct output *o)
{
	struct str text;
	const char *file = name.p;
	if (in->nesting >= JINJA_DEPTH)
		return jinja_fail(in, n->pos, "templates include one another without an end") !=
		       NULL;
	name = str_dup(in->env->a, name.p, name.n); /* positions of values may refer to it */
	file = name.p;
	if (!in->env->include(in->env->ctx, name, n->pos.file, &text, &file, in->e)) {
		if (!in->e->pos.line)
			in->e->pos = n->pos;
		return false;
	}
	struct pos pos = {file, 1, 1};
	const struct template *t = template_parse_marked(
		in->a, text, pos, in->flags | TEMPLATE_STRIP_NEWLINE, in->marks, in->e);
	if (!t)
		return false;
	in->nesting++;
	scope_push(in, n->op == TOK_NOT_IN ? -1 : in->scope);
	bool ok = jinja_run(in, t->body, o);
	scope_pop(in);
	in->nesting--;
	return ok;
}

static bool run_include(struct jinja *in, const struct node *n, struct output *o)
{
	struct value *v = jinja_eval(in, n->left);
	if (!v)
		return false;
	if (v->type == VALUE_UNKNOWN) {
		stop_output(o, v);
		return true;
	}
	if (!in->env->include)
		return jinja_fail(in, n->pos, "include is not available here") != NULL;
	size_t count = v->type == VALUE_LIST ? v->list.n : 1;
	for (size_t i = 0; i < count; i++) {
		struct value *name = v->type == VALUE_LIST ? v->list.v[i] : v;
		if (name->type != VALUE_STR)
			return jinja_fail(in, n->pos,
				       "include needs the name of a template, not %s",
				       value_type_name(name)) != NULL;
		struct str text;
		const char *file;
		struct err e = {0};
		bool may_miss = n->flag || i + 1 < count;
		if (may_miss &&
			!in->env->include(in->env->ctx, name->s, n->pos.file, &text, &file, &e))
			continue;
		return include_text(in, n, name->s, o);
	}
	return true;
}

static bool run_with(struct jinja *in, const struct node *n, struct output *o)
{
	bool ok = true;
	struct value **v = ARENA_ARRAY(in->a, struct value *, n->n);
	for (size_t i = 0; ok && i + 1 < n->n; i += 2)
		ok = (v[i] = jinja_eval_any(in, n->kid[i + 1])) != NULL;
	if (!ok)
		return false;
	scope_push(in, in->scope);
	for (size_t i = 0; ok && i + 1 < n->n; i += 2)
		ok = assign_or_stop(in, n->kid[i], v[i], o);
	if (ok && o->flow == FLOW_ON)
		ok = jinja_run(in, n->body, o);
	scope_pop(in);
	return ok;
}

static bool run_print(struct jinja *in, const struct node *n, struct output *o)
{
	struct value *v = jinja_eval(in, n->left);
	return v && jinja_print(in, v, o, n->left->pos);
}

static bool run_node(struct jinja *in, const struct node *n, struct output *o)
{
	switch (n->kind) {
	case NODE_TEXT:
		add_output(o, n->name.p, n->name.n);
		return true;
	case NODE_PRINT:
		return run_print(in, n, o);
	case NODE_IF:
		return run_if(in, n, o);
	case NODE_FOR:
		return run_for(in, n, o);
	case NODE_SET:
		return run_set(in, n, o);
	case NODE_SET_BLOCK:
		return run_set_block(in, n, o);
	case NODE_MACRO:
		scope_set(in, n->name, n->hash, &macro_object(in, n)->v);
		return true;
	case NODE_CALL_BLOCK:
		return run_call_block(in, n, o);
	case NODE_FILTER_BLOCK:
		return run_filter_block(in, n, o);
	case NODE_INCLUDE:
		return run_include(in, n, o);
	case NODE_WITH:
		return run_with(in, n, o);
	case NODE_DO:
		return jinja_eval_any(in, n->left) != NULL;
	case NODE_BREAK:
	case NODE_CONTINUE:
		o->flow = n->kind == NODE_BREAK ? FLOW_BREAK : FLOW_CONTINUE;
		return true;
	default:
		panic("an expression where a statement belongs (%d)", (int)n->kind);
	}
}

bool jinja_run(struct jinja *in, const struct node *body, struct output *o)
{
	if (in->depth >= EVAL_DEPTH || in->scope + 4 >= SCOPES_MAX)
		return jinja_fail(in, body ? body->pos : (struct pos){0},
			       "the template is nested too deeply") != NULL;
	in->depth += 4; /* it uses more stack than an expression */
	bool ok = true;
	for (; ok && body && o->flow == FLOW_ON; body = body->next)
		ok = run_node(in, body, o);
	in->depth -= 4;
	return ok;
}
