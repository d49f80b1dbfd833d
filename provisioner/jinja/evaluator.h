/* SPDX-License-Identifier: MIT
 *
 * Private to jinja/: the interpreter. Everything that fails returns NULL or false with the error in
 * jinja.e. A value that the evaluation handles is resolved (no template is left in it), except
 * where `raw` is said.
 */
#pragma once
#include "jinja/ast.h"

enum { VALUE_OBJECT = 100 }; /* value.type of a struct object: never leaves the interpreter */
enum object_kind {
	OBJECT_LOOP,
	OBJECT_MACRO,
	OBJECT_JOINER,
	OBJECT_CYCLER,
	OBJECT_PARTS,
};
struct object {
	struct value v; /* type VALUE_OBJECT */
	enum object_kind kind;
	struct value **items; /* LOOP: what it goes over; CYCLER: its items */
	size_t n, i, depth;
	struct value *last;        /* LOOP: what changed() saw */
	const struct node *loop;   /* LOOP: its statement */
	const struct macro *macro; /* MACRO */
	int scope;                 /* MACRO, LOOP: the scope where it was made */
	struct object *caller;
	struct str sep;  /* JOINER */
	struct str path; /* PARTS: as the environment names it */
};
struct var {
	struct str name;
	uint64_t hash;
	struct value *v; /* NULL in the cache: being resolved */
	bool raw;        /* templates are left in it */
	bool busy;       /* they are being resolved */
};
struct scope {
	size_t start;
	int parent; /* -1: none */
};
enum flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE, FLOW_STOP };
struct output {
	struct buf buf;
	bool secret;
	struct value *unknown;
	struct value *only; /* the value printed when one was, and nothing else */
	size_t parts;
	enum flow flow;
};
struct regex;
enum { REGEX_CACHE = 16, SCOPES_MAX = 1024, EVAL_DEPTH = 2000 };
struct jinja {
	const struct jinja_env *env;
	struct arena *a;
	struct err *e;
	struct var *vars;
	size_t vars_n, vars_cap;
	int scope;         /* -1: none yet */
	struct var *cache; /* variables of the environment, resolved */
	size_t cache_n, cache_cap;
	struct value **owned; /* lists and maps made here, that methods may change */
	size_t owned_n, owned_cap;
	struct regex *regex[REGEX_CACHE];
	size_t regex_n;
	uint64_t steps;
	size_t memory; /* size of the arena at the start */
	int depth, nesting;
	unsigned flags;                     /* of the template, for those that it includes */
	const struct template_marks *marks; /* as well; NULL: the usual */
	bool made_undefined;
	struct value *yes, *no, *none, *empty, *nothing; /* empty: text; nothing: a list */
	struct value *missing_in; /* map whose key was missed last, for a suggestion */
	const struct value *missing;
	struct scope scopes[SCOPES_MAX]; /* last: not cleared for each evaluation */
};
struct jinja *jinja_new(const struct jinja_env *env, struct arena *a, struct err *e);
void jinja_free(struct jinja *in);
/* false with an error: the text of `omit` stands inside v. */
bool jinja_omits_whole(struct jinja *in, const struct value *v, struct pos pos);
/* Counts work; false with an error when it is too much. */
bool jinja_step(struct jinja *in, uint64_t n, struct pos pos);

/* eval: a value. any: also UNDEFINED, or an object. raw: as any, templates perhaps inside a list
 * or map (never a STR that is one). */
struct value *jinja_eval(struct jinja *in, const struct node *n);
struct value *jinja_eval_keys(struct jinja *in, const struct node *n); /* of PARTS: the names */
/* What stands right of `in`; of PARTS the keys, and NULL for a name that is not supported. */
struct value *jinja_holder(struct jinja *in, struct value *v, struct value *name, struct pos pos);
struct value *jinja_eval_any(struct jinja *in, const struct node *n);
struct value *jinja_eval_raw(struct jinja *in, const struct node *n);
struct value *jinja_soft(struct jinja *in, struct value *v);
bool jinja_truth(struct jinja *in, const struct value *v, struct pos pos, bool *out);
struct value *jinja_undefined_error(struct jinja *in, const struct value *v, struct pos pos);
struct value *jinja_fail(struct jinja *in, struct pos pos, const char *fmt, ...) PRINTF(3, 4);
struct value *jinja_bool(struct jinja *in, bool b);
struct value *jinja_attr(struct jinja *in, struct value *obj, struct str name, struct pos pos);
struct value *jinja_item(struct jinja *in, struct value *obj, struct value *key, struct pos pos);
struct value *jinja_slice(struct jinja *in, const struct node *n);
/* Tells the environment that a map was asked for a key that it does not have. */
void jinja_missing(struct jinja *in, const struct value *map, struct str name);
struct value *jinja_child(struct jinja *in, const struct value *parent, struct value *v);
struct value *jinja_call(struct jinja *in, const struct node *n);
struct value *jinja_run_macro(struct jinja *in, struct object *o, struct value *args,
	struct value *named, struct pos pos);
struct value *jinja_loop_again(
	struct jinja *in, struct object *loop, struct value *args, struct pos pos);
bool jinja_args(struct jinja *in, const struct args *a, struct value **list, struct value **named);
/* A list or map behind a target that a method may change in place. */
struct value *jinja_mutable(struct jinja *in, const struct node *target);

/* parts: maps of the environment that are made when they are asked for */
struct value *parts_new(struct jinja *in, struct str path);
bool is_parts(const struct value *v);
struct value *parts_item(
	struct jinja *in, const struct value *parts, struct str key, struct pos pos);
struct value *parts_names(struct jinja *in, const struct value *parts); /* list */
struct value *parts_whole(struct jinja *in, struct value *v); /* a map; other values as they are */
/* keys and get; NULL without error: needs the whole. */
struct value *parts_method(struct jinja *in, const struct value *parts, struct str name,
	const struct value *args, struct pos pos);

/* ops */
struct value *jinja_math(struct jinja *in, enum token_kind op, struct value *l, struct value *r,
	bool r_is_tuple, struct pos pos);
struct value *jinja_compare(
	struct jinja *in, enum token_kind op, struct value *l, struct value *r, struct pos pos);
/* Order of two values as Python's <; false with an error when they have none. UNKNOWN: *unknown. */
bool jinja_order(
	struct jinja *in, const struct value *l, const struct value *r, struct pos pos, int *out);

/* scope */
void scope_push(struct jinja *in, int parent);
void scope_pop(struct jinja *in);
void scope_set(struct jinja *in, struct str name, uint64_t hash, struct value *v);
struct var *scope_find(struct jinja *in, struct str name, uint64_t hash);
struct value *scope_lookup(
	struct jinja *in, struct str name, uint64_t hash, bool raw, struct pos pos);
struct value *jinja_resolve(struct jinja *in, struct value *v);
bool jinja_has_template(const struct value *v);
struct value *jinja_literal(struct arena *a, struct value *v);

/* statements */
void output_init(struct output *o);
void output_free(struct output *o);
bool jinja_run(struct jinja *in, const struct node *body, struct output *o);
bool jinja_print(struct jinja *in, struct value *v, struct output *o, struct pos pos);
struct value *output_value(struct jinja *in, struct output *o);
bool jinja_assign(struct jinja *in, const struct node *target, struct value *v);
