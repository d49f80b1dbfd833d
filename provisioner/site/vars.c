/* SPDX-License-Identifier: MIT
 *
 * Looks up variables: layers by Ansible's precedence, evaluated on first use, with a cache that
 * drops an entry exactly when one of its inputs changes. Does not interpret values.
 */
#include "site/peers.h"

static const char *const *env_names(void *ctx);

static struct value *facts_named(struct arena *a, const struct value *facts)
{
	struct value *out = value_map(a);
	for (size_t i = 0; facts && i < facts->map.n; i++)
		map_set(a, out, str_printf(a, "ansible_%s", facts->map.e[i].key.p),
			facts->map.e[i].value);
	return out;
}

static struct value *find_in_layers(struct vars *v, struct str name)
{
	for (size_t i = 0; i < v->scope->n; i++) {
		const struct layer *l = &v->scope->layer[i];
		struct value *found;
		if (l->facts && !v->facts)
			continue;
		if (l->facts && str_is(name, "ansible_facts"))
			return v->facts;
		found = map_get(l->map, name);
		if (found)
			return found;
	}
	if (!v->facts && name_may_be_fact(name))
		return value_unknown(v->a, "until the host's facts are known");
	return NULL;
}

static void note_dep(struct vars *v, struct str name)
{
	if (!map_get(v->scope->deps, name))
		map_set(v->a, v->scope->deps, name, value_null(v->a));
}

/* ---- what a value came from ---- */
/* Reads are name -> the value found for it, not yet evaluated. They are valid while each of these
 * lives as long as the site: a later run that finds the same values has the same result. */
static struct value absent = {.type = VALUE_NULL};

static void note_read(struct vars *v, struct str name, struct value *found)
{
	if (found && !arena_owns(v->s->a, found))
		v->reads_lost = true;
	else if (v->reads && !map_get(v->reads, name))
		map_set(v->a, v->reads, name, found ? found : &absent);
}

static void join_reads(struct vars *v, const struct value *reads)
{
	if (!reads)
		v->reads_lost = true;
	for (size_t i = 0; reads && v->reads && i < reads->map.n; i++)
		map_set(v->a, v->reads, reads->map.e[i].key, reads->map.e[i].value);
}

struct outer_reads vars_reads_begin(struct vars *v)
{
	struct outer_reads outer = {v->reads, v->reads_lost};
	v->reads = value_map(v->a);
	v->reads_lost = false;
	return outer;
}

struct value *vars_reads_end(struct vars *v, struct outer_reads outer)
{
	struct value *own = v->reads_lost ? NULL : v->reads;
	v->reads = outer.reads;
	v->reads_lost = outer.lost;
	join_reads(v, own);
	return own;
}

static struct value *env_raw(struct vars *v, struct str name);

bool vars_reads_same(struct vars *v, const struct value *reads)
{
	for (size_t i = 0; i < reads->map.n; i++) {
		struct value *now = env_raw(v, reads->map.e[i].key);
		if (reads->map.e[i].value != (now ? now : &absent))
			return false;
	}
	join_reads(v, reads);
	return true;
}

static bool is_busy(const struct vars *v, struct str name)
{
	for (size_t i = 0; i < v->n_busy; i++)
		if (str_is(name, v->busy[i]))
			return true;
	return false;
}

struct value *vars_fail(struct vars *v, struct str name, const struct err *e)
{
	bool not_undefined = e->kind != ERR_UNDEFINED;
	if (!v->err.kind || (!v->not_undefined && not_undefined))
		v->err = *e;
	v->not_undefined = v->not_undefined || not_undefined;
	return value_undefined(v->a, e->pos, "'%s' is undefined", name.p);
}

static struct value *evaluate_var(struct vars *v, struct str name, struct value *raw)
{
	struct err e = {0};
	struct outer_reads outer;
	bool loop_dependent = v->loop_dependent;
	struct value *out, *reads;
	if (is_busy(v, name) || v->n_busy == VARS_DEPTH) {
		err_at(&e, raw->pos, "variable '%s' is defined by itself", name.p);
		return vars_fail(v, name, &e);
	}
	v->busy[v->n_busy++] = name.p;
	v->loop_dependent = false;
	outer = vars_reads_begin(v);
	note_read(v, name, raw);
	out = template_resolve(&v->env, raw, &e);
	if (v->not_undefined && !v->err.pos.line)
		v->err.pos = raw->pos;
	reads = vars_reads_end(v, outer);
	v->n_busy--;
	if (!out)
		out = vars_fail(v, name, &e);
	else if (!v->loop_dependent && !v->cache_off) {
		map_set(v->a, v->scope->cache, name, out);
		if (reads)
			map_set(v->a, v->scope->reads, name, reads);
		note_dep(v, name);
	}
	v->loop_dependent = v->loop_dependent || loop_dependent;
	return out;
}

static struct value *find_special(struct vars *v, struct str name)
{
	struct value *found;
	if (v->loop && (found = map_get(v->loop, name))) {
		v->loop_dependent = true;
		return found;
	}
	if (v->own && (found = map_get(v->own, name))) {
		v->loop_dependent = true;
		return found;
	}
	found = magic_of_play(v, name);
	if (!found)
		found = map_get(v->magic, name);
	if (!found && v->scope->role)
		found = map_get(v->scope->role->facts, name);
	return found ? found : magic_of_task(v, name);
}

static struct value *mail_lookup(struct vars *v, struct str name)
{
	struct errs errs;
	if (!mail_name(name) || v->mail_busy)
		return NULL;
	if (!v->mail_done) {
		errs_init(&errs, v->a);
		v->mail = mail_vars(v, &errs);
		v->mail_err = v->mail || !errs.n ? (struct err){0} : errs.v[0];
		v->mail_done = true;
		if (!v->mail)
			v->mail = value_map(v->a);
	}
	if (mail_name_has_hashes(name))
		mail_hashes_end(&v->s->mail_memory);
	if (v->mail_err.kind) /* the problems of the declared state are reported to the caller */
		return vars_fail(v, name, &v->mail_err);
	return map_get(v->mail, name);
}

/* The value of a name, not yet evaluated. */
static struct value *env_raw(struct vars *v, struct str name)
{
	struct value *found = find_special(v, name);
	if (!found)
		found = mail_lookup(v, name);
	return found ? found : find_in_layers(v, name);
}

/* No layer has it. A name that Ansible defines and that is not supported is an error when it is
 * used, also with default() and `is defined`. */
static struct value *not_there(struct vars *v, struct str name)
{
	const char *why = name_lacking(name);
	struct err e = {0};
	if (!why)
		return v->hidden;
	err_set(&e, ERR_CONFIG, "Ansible's variable '%s' is not supported here; %s", name.p, why);
	return vars_fail(v, name, &e);
}

static void env_missing(void *ctx, const struct value *map, struct str key)
{
	struct vars *v = ctx;
	struct err e = {0};
	if (!fact_lacking(key) || (map != v->facts && !peer_facts(v->s, map)))
		return;
	err_set(&e, ERR_CONFIG,
		"Ansible's fact '%s' is not supported here; `provision facts` shows the supported "
		"ones",
		key.p);
	vars_fail(v, key, &e);
}

static struct value *env_lookup(void *ctx, struct str name)
{
	struct vars *v = ctx;
	struct value *found = find_special(v, name);
	if (found || (found = mail_lookup(v, name))) {
		note_read(v, name, found);
		return found;
	}
	if (v->n_busy)
		note_dep(v, name);
	if (!v->cache_off && (found = map_get(v->scope->cache, name))) {
		join_reads(v, map_get(v->scope->reads, name));
		return found;
	}
	found = find_in_layers(v, name);
	note_read(v, name, found);
	if (!found)
		return not_there(v, name);
	if (found->literal)
		return found;
	if (found->type != VALUE_LIST && found->type != VALUE_MAP &&
		!(found->type == VALUE_STR && text_is_template(found->s)))
		return found;
	return evaluate_var(v, name, found);
}

static void add_names(
	struct vars *v, const struct value *map, const char ***out, size_t *n, size_t *cap)
{
	for (size_t i = 0; map && i < map->map.n && *n < 5000; i++)
		PUSH(v->a, *out, *n, *cap, map->map.e[i].key.p);
}

static const char *const *env_names(void *ctx)
{
	struct vars *v = ctx;
	const char **out = NULL;
	size_t n = 0, cap = 0;
	add_names(v, v->loop, &out, &n, &cap);
	add_names(v, v->mail, &out, &n, &cap);
	for (size_t i = 0; i < v->scope->n; i++)
		add_names(v, v->scope->layer[i].map, &out, &n, &cap);
	add_names(v, v->magic, &out, &n, &cap);
	PUSH(v->a, out, n, cap, NULL);
	return out;
}

/* ---- scopes ---- */
struct layers {
	struct layer v[128];
	size_t n;
	uint64_t key;
};

static void push_layer(struct layers *l, const char *what, const struct value *map)
{
	if (!map || map->type != VALUE_MAP || l->n == ARRAY_LEN(l->v))
		return;
	l->v[l->n++] = (struct layer){.what = what, .map = map};
	l->key = hash64(&map, sizeof(map)) + l->key * 1099511628211U;
}

static void push_role(struct layers *l, const struct role_use *role)
{
	for (; role; role = role->parent)
		push_layer(l, "role parameters", role->params);
}

static void push_nodes(struct layers *l, const struct task *t)
{
	for (; t && t->parent; t = t->parent)
		push_layer(l, t->child ? "block vars" : "task vars", t->vars);
}

static void push_play(struct layers *l, const struct vars *v, const struct role_use *role)
{
	if (role)
		push_layer(l, "role vars", role->vars);
	if (v->play) {
		push_layer(l, "role vars", v->play->all_vars);
		push_layer(l, "vars_files", v->play_files);
		push_layer(l, "vars_files", v->play->files_vars);
		push_layer(l, "play vars", v->play->vars);
	}
	push_layer(l, "facts", v->facts_named);
	l->v[l->n - 1].facts = true;
	push_layer(l, "inventory", host_merged(v->s, v->host));
	if (role)
		push_layer(l, "role defaults", role->defaults);
	if (v->play)
		push_layer(l, "role defaults", v->play->all_defaults);
}

void vars_enter(struct vars *v, const struct task *t, const struct include_scope *in)
{
	struct layers l = {0};
	struct scope *s;
	v->task = t;
	push_layer(&l, "extra vars", v->s->extra);
	for (; in; in = in->up)
		push_layer(&l, "include parameters", in->vars);
	push_role(&l, t ? t->role : NULL);
	push_layer(&l, "set_fact and register", v->set);
	push_layer(&l, "include_vars", v->included);
	push_nodes(&l, t);
	push_play(&l, v, t ? t->role : NULL);
	if (v->scope && v->scope->key == l.key && v->scope->role == (t ? t->role : NULL))
		return;
	for (size_t i = v->n_scopes; i-- > 0;)
		if (v->scopes[i]->key == l.key && v->scopes[i]->role == (t ? t->role : NULL)) {
			v->scope = v->scopes[i];
			return;
		}
	s = ARENA_NEW(v->a, struct scope);
	*s = (struct scope){.key = l.key, .n = l.n, .role = t ? t->role : NULL};
	s->layer = ARENA_ARRAY(v->a, struct layer, l.n);
	memcpy(s->layer, l.v, l.n * sizeof(*s->layer));
	s->cache = value_map(v->a);
	s->reads = value_map(v->a);
	s->deps = value_map(v->a);
	PUSH(v->a, v->scopes, v->n_scopes, v->cap_scopes, s);
	v->scope = s;
}

static void forget_name(struct vars *v, struct str name)
{
	for (size_t i = 0; i < v->n_scopes; i++) {
		struct scope *s = v->scopes[i];
		if (!map_get(s->deps, name))
			continue;
		s->cache = value_map(v->a);
		s->reads = value_map(v->a);
		s->deps = value_map(v->a);
	}
}

void vars_set(struct vars *v, struct str name, struct value *value)
{
	map_set(v->a, v->set, name, value);
	forget_name(v, name);
	if (str_is(name, "mail"))
		v->mail_done = false;
}

void vars_include(struct vars *v, const struct value *map)
{
	for (size_t i = 0; i < map->map.n; i++) {
		map_set(v->a, v->included, map->map.e[i].key, map->map.e[i].value);
		forget_name(v, map->map.e[i].key);
	}
}

void vars_loop(struct vars *v, struct value *loop)
{
	v->loop = loop;
	v->cache_off = false;
	for (size_t i = 0; loop && i < loop->map.n; i++)
		if (map_get(v->scope->deps, loop->map.e[i].key))
			v->cache_off = true;
}

void vars_play(struct vars *v, struct play_in *play)
{
	v->play = play;
	v->n_scopes = 0;
	v->scope = NULL;
	v->mail = NULL;
	v->mail_done = false;
	v->loop = NULL;
	v->magic = magic_vars(v);
	vars_enter(v, NULL, NULL);
}

struct vars *vars_new(struct site *s, struct arena *a, struct invhost *h, struct play_in *play,
	struct value *facts)
{
	struct vars *v = ARENA_NEW(a, struct vars);
	v->s = s;
	v->a = a;
	v->host = h;
	v->facts = facts ? value_shallow(a, facts) : NULL;
	if (facts)
		v->facts->literal = true; /* so that env_missing finds it again */
	v->facts_named = facts_named(a, facts);
	v->set = value_map(a);
	v->included = value_map(a);
	v->env = (struct jinja_env){.a = a,
		.omit = OMIT,
		.ctx = v,
		.lookup = env_lookup,
		.names = env_names,
		.part = vars_part,
		.parts = vars_parts,
		.missing = env_missing,
		.undefined = vars_undefined,
		.plugin = lookup_plugin,
		.include = lookup_include};
	vars_play(v, play);
	return v;
}

/* ---- evaluation, with the error of the variable to blame ---- */
static struct value *settle_value(struct vars *v, struct value *out, struct err *own, struct err *e)
{
	struct err inner = v->err;
	bool not_undefined = v->not_undefined;
	v->err = (struct err){0};
	v->not_undefined = false;
	if (!inner.pos.line)
		inner.pos = own->pos.line || !v->task ? own->pos : v->task->pos;
	if (out && out->type == VALUE_UNDEFINED) {
		err_undefined(own, out->pos, "%s", out->s.p);
		out = NULL;
	}
	if (out && !not_undefined)
		return out;
	if (e && !e->kind)
		*e = inner.kind && (not_undefined || own->kind == ERR_UNDEFINED) ? inner : *own;
	return NULL;
}

struct value *vars_resolve(struct vars *v, struct value *x, struct err *e)
{
	struct err own = {0};
	struct value *out = template_resolve(&v->env, x, &own);
	return v->n_busy ? (out ? out : (*e = own, NULL)) : settle_value(v, out, &own, e);
}

struct value *vars_condition(struct vars *v, struct value *cond, struct err *e)
{
	struct err own = {0};
	struct value *out = condition_eval(&v->env, cond, &own);
	return settle_value(v, out, &own, e);
}

struct value *vars_render(struct vars *v, const struct template *t, struct err *e)
{
	struct err own = {0};
	struct value *out = template_render(&v->env, t, &own);
	return v->n_busy ? (out ? out : (*e = own, NULL)) : settle_value(v, out, &own, e);
}

struct value *vars_expression(struct vars *v, struct str text, struct pos pos, struct err *e)
{
	struct err own = {0};
	return settle_value(v, expression_eval(&v->env, text, pos, &own), &own, e);
}

struct value *vars_value(struct vars *v, const char *name, struct err *e)
{
	struct err own = {0};
	struct value *raw = env_lookup(v, str_c(name));
	return raw ? settle_value(v, raw, &own, e) : NULL;
}
