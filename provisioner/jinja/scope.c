/* SPDX-License-Identifier: MIT
 *
 * Names: the template's own variables in nested scopes, and the environment's variables, resolved
 * once per evaluation. Also resolves templates in values. Does not change the environment's values.
 */
#include "jinja/call.h"

struct jinja *jinja_new(const struct jinja_env *env, struct arena *a, struct err *e)
{
	struct jinja *in = malloc(sizeof(*in));
	if (!in)
		panic("out of memory");
	memset(in, 0, offsetof(struct jinja, scopes));
	in->env = env;
	in->a = a;
	in->e = e;
	in->scope = -1;
	in->flags = TEMPLATE_TRIM_BLOCKS;
	in->memory = arena_size(a);
	in->yes = value_bool(a, true);
	in->no = value_bool(a, false);
	in->none = value_null(a);
	in->empty = value_str(a, str_c(""));
	in->nothing = value_list(a);
	in->yes->literal = in->no->literal = in->none->literal = in->empty->literal = true;
	scope_push(in, -1);
	return in;
}

void jinja_free(struct jinja *in)
{
	for (size_t i = 0; i < in->regex_n; i++)
		regex_free(in->regex[i]);
	free(in->vars);
	free(in->cache);
	free(in->owned);
	free(in);
}

void scope_push(struct jinja *in, int parent)
{
	if (in->scope + 1 >= SCOPES_MAX)
		panic("scopes are nested deeper than the evaluation may be");
	in->scopes[++in->scope] = (struct scope){in->vars_n, parent};
}

void scope_pop(struct jinja *in)
{
	in->vars_n = in->scopes[in->scope--].start;
}

static bool is_name(const struct var *v, struct str name, uint64_t hash)
{
	return v->hash == hash && str_eq(v->name, name);
}

void scope_set(struct jinja *in, struct str name, uint64_t hash, struct value *v)
{
	for (size_t i = in->scopes[in->scope].start; i < in->vars_n; i++)
		if (is_name(&in->vars[i], name, hash)) {
			in->vars[i].v = v;
			return;
		}
	PUSH(NULL, in->vars, in->vars_n, in->vars_cap,
		((struct var){.name = name, .hash = hash, .v = v}));
}

struct var *scope_find(struct jinja *in, struct str name, uint64_t hash)
{
	for (int d = in->scope; d >= 0; d = in->scopes[d].parent) {
		size_t end = d == in->scope ? in->vars_n : in->scopes[d + 1].start;
		for (size_t i = end; i > in->scopes[d].start; i--)
			if (is_name(&in->vars[i - 1], name, hash))
				return &in->vars[i - 1];
	}
	return NULL;
}

static bool is_template_value(const struct value *v)
{
	return v->type == VALUE_STR && !v->literal && text_is_template(v->s);
}

static size_t cache_find(struct jinja *in, struct str name, uint64_t hash)
{
	size_t i = 0;
	while (i < in->cache_n && !is_name(&in->cache[i], name, hash))
		i++;
	return i;
}

/* Adds a variable of the environment to the cache, resolved; its parts stay raw. */
static bool cache_add(struct jinja *in, struct str name, uint64_t hash, struct value *v)
{
	size_t i = in->cache_n;
	PUSH(NULL, in->cache, in->cache_n, in->cache_cap,
		((struct var){.name = name, .hash = hash, .raw = true}));
	bool text = is_template_value(v);
	struct value *r = text ? jinja_resolve(in, v) : v;
	if (!r)
		return false;
	in->cache[i].v = r;
	in->cache[i].raw = !text && (r->type == VALUE_LIST || r->type == VALUE_MAP) && !r->literal;
	return true;
}

static struct value *refers_to_itself(struct jinja *in, struct str name, struct pos pos)
{
	return jinja_fail(in, pos, "the variable '" STR_FMT "' refers to itself", STR_ARG(name));
}

/* The environment may keep the name, so it gets a copy in its own arena. */
static struct value *ask_environment(struct jinja *in, struct str *name)
{
	if (!in->env->lookup)
		return NULL;
	if (in->a != in->env->a)
		*name = str_dup(in->env->a, name->p, name->n);
	struct value *v = in->env->lookup(in->env->ctx, *name);
	if (v && v->type == VALUE_UNDEFINED)
		in->made_undefined = true;
	return v;
}

/* The value of a variable; UNDEFINED: there is none; NULL: error. */
struct value *scope_lookup(
	struct jinja *in, struct str name, uint64_t hash, bool raw, struct pos pos)
{
	struct var *var = scope_find(in, name, hash);
	if (var)
		return var->v;
	size_t i = cache_find(in, name, hash);
	if (i == in->cache_n) {
		struct str parts = {0};
		if (in->env->part)
			in->env->part(in->env->ctx, str_c(""), name, &parts);
		if (parts.n)
			return parts_new(in, parts);
		struct value *v = ask_environment(in, &name);
		if (!v) {
			in->made_undefined = true;
			v = value_undefined(
				in->a, pos, "'" STR_FMT "' is undefined", STR_ARG(name));
			v->src = name; /* for a suggestion */
			return v;
		}
		if (!cache_add(in, name, hash, v))
			return NULL;
	}
	if (!in->cache[i].v)
		return refers_to_itself(in, name, pos);
	if (in->cache[i].raw && !raw) {
		if (in->cache[i].busy)
			return refers_to_itself(in, name, pos);
		in->cache[i].busy = true;
		struct value *v = jinja_resolve(in, in->cache[i].v);
		in->cache[i].busy = false;
		if (!v)
			return NULL;
		in->cache[i].v = v;
		in->cache[i].raw = false;
	}
	return in->cache[i].v;
}

/* ---- values with templates in them ---- */
static bool has_template(const struct value *v, int depth)
{
	if (v->literal || depth > JINJA_DEPTH)
		return false;
	if (v->type == VALUE_STR)
		return text_is_template(v->s);
	if (v->type == VALUE_LIST) {
		for (size_t i = 0; i < v->list.n; i++)
			if (has_template(v->list.v[i], depth + 1))
				return true;
	} else if (v->type == VALUE_MAP) {
		for (size_t i = 0; i < v->map.n; i++)
			if (text_is_template(v->map.e[i].key) ||
				has_template(v->map.e[i].value, depth + 1))
				return true;
	}
	return false;
}

bool jinja_has_template(const struct value *v)
{
	return has_template(v, 0);
}

/* The same value, marked as containing no template. */
struct value *jinja_literal(struct arena *a, struct value *v)
{
	if (v->literal)
		return v;
	struct value *copy = ARENA_NEW(a, struct value);
	*copy = *v;
	copy->literal = true;
	return copy;
}

/* "{{ x }}" gives the value itself, without converting it to text, which may be long. */
static struct value *only_print(struct jinja *in, const struct node *n)
{
	struct value *v = jinja_eval(in, n->left);
	const struct value *un = NULL;
	if (v && (in->made_undefined || v->type == VALUE_UNDEFINED))
		un = value_find_type(v, VALUE_UNDEFINED);
	return un ? jinja_undefined_error(in, un, n->left->pos) : v;
}

static struct value *run_text(struct jinja *in, const struct node *body)
{
	struct output o;
	if (body && !body->next && body->kind == NODE_PRINT)
		return only_print(in, body);
	output_init(&o);
	struct value *r = jinja_run(in, body, &o) ? output_value(in, &o) : NULL;
	output_free(&o);
	return r;
}

static size_t newlines_at_end(struct str s)
{
	size_t n = 0;
	while (n < s.n && s.p[s.n - 1 - n] == '\n')
		n++;
	return n;
}

struct value *keep_newlines(struct arena *a, struct value *v, struct str source)
{
	size_t want = newlines_at_end(source);
	size_t have = v->type == VALUE_STR ? newlines_at_end(v->s) : want;
	if (have >= want)
		return v;
	struct value *longer = ARENA_NEW(a, struct value);
	*longer = *v;
	size_t more = want - have;
	char *p = arena_alloc(a, v->s.n + more + 1);
	memcpy(p, v->s.p, v->s.n);
	memcpy(p + v->s.n, source.p + source.n - more, more);
	longer->s = (struct str){p, v->s.n + more};
	return longer;
}

bool jinja_omits_whole(struct jinja *in, const struct value *v, struct pos pos)
{
	const char *omit = in->env->omit;
	if (!omit || v->type != VALUE_STR || !memchr(v->s.p, omit[0], v->s.n) ||
		str_is(v->s, omit) || !strstr(v->s.p, omit))
		return true;
	jinja_fail(in, pos,
		"`omit` is a part of a longer text here: it leaves out a parameter or an item, "
		"whole");
	return false;
}

static struct value *resolve_text(struct jinja *in, struct value *v, struct str s)
{
	struct template t = {.flags = TEMPLATE_TRIM_BLOCKS | TEMPLATE_KEEP_BACKSLASH};
	struct tokens tokens;
	struct str source = s;
	if (in->nesting >= JINJA_DEPTH)
		return jinja_fail(in, v->pos, "variables refer to one another without an end");
	if (s.n && s.p[s.n - 1] == '\n')
		s.n--; /* as in Jinja2; added again below */
	if (!jinja_lex(in->a, s, v->pos, &t, &tokens, in->e) ||
		!jinja_parse(in->a, &tokens, &t.body, in->e))
		return NULL;
	in->nesting++;
	scope_push(in, -1);
	struct value *r = run_text(in, t.body);
	scope_pop(in);
	in->nesting--;
	if (!r)
		return NULL;
	r = keep_newlines(in->a, r, source);
	if (!jinja_omits_whole(in, r, v->pos))
		return NULL;
	struct value *copy = ARENA_NEW(in->a, struct value);
	*copy = *r;
	copy->pos = v->pos;
	copy->literal = true;
	copy->secret |= v->secret;
	return copy;
}

static struct value *resolve_list(struct jinja *in, struct value *v)
{
	struct value *r = value_list(in->a);
	for (size_t i = 0; i < v->list.n; i++) {
		struct value *item = jinja_resolve(in, v->list.v[i]);
		if (!item)
			return NULL;
		list_add(in->a, r, item);
	}
	return r;
}

static struct value *resolve_map(struct jinja *in, struct value *v)
{
	struct value *r = value_map(in->a);
	for (size_t i = 0; i < v->map.n; i++) {
		const struct map_entry *m = &v->map.e[i];
		struct str key = m->key;
		if (text_is_template(key)) {
			struct value at = {.type = VALUE_STR, .pos = m->key_pos, .s = key};
			struct value *k = resolve_text(in, &at, key);
			if (!k)
				return NULL;
			if (k->type == VALUE_UNKNOWN)
				return k;
			key = value_print(in->a, k);
		}
		struct value *item = jinja_resolve(in, m->value);
		if (!item)
			return NULL;
		map_set(in->a, r, key, item);
		r->map.e[r->map.n - 1].key_pos = m->key_pos;
	}
	return r;
}

/* Evaluates all templates in v; the result is literal. */
struct value *jinja_resolve(struct jinja *in, struct value *v)
{
	if (v->literal || (int)v->type == VALUE_OBJECT)
		return v;
	if (v->type == VALUE_STR)
		return text_is_template(v->s) ? resolve_text(in, v, v->s) : v;
	if (v->type != VALUE_LIST && v->type != VALUE_MAP)
		return v;
	if (!jinja_step(in, v->type == VALUE_LIST ? v->list.n : v->map.n, v->pos))
		return NULL;
	if (!has_template(v, 0))
		return jinja_literal(in->a, v);
	if (in->depth >= EVAL_DEPTH)
		return jinja_fail(in, v->pos, "nested too deeply");
	in->depth++;
	struct value *r = v->type == VALUE_LIST ? resolve_list(in, v) : resolve_map(in, v);
	in->depth--;
	if (!r || r->type == VALUE_UNKNOWN)
		return r;
	r->pos = v->pos;
	r->secret = v->secret;
	r->literal = true;
	return r;
}
