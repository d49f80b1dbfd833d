/* SPDX-License-Identifier: MIT
 *
 * Private to jinja/: the interpreter. On failure functions return NULL or false and set jinja.e.
 * Values are resolved (they contain no template) unless `raw` says otherwise.
 */
#pragma once
#include "jinja/ast.h"

enum { VALUE_OBJECT = 100 }; /* value.type of a struct object; only within the interpreter */
enum object_kind {
	OBJECT_LOOP,
	OBJECT_MACRO,
	OBJECT_JOINER,
	OBJECT_CYCLER,
	OBJECT_PARTS,
};
struct object {
	struct value v; /* its type is VALUE_OBJECT */
	enum object_kind kind;
	struct value **items; /* LOOP: the items of the iteration; CYCLER: its items */
	size_t n, i, depth;
	struct value *last;        /* LOOP: the last arguments of changed() */
	const struct node *loop;   /* LOOP: the statement */
	const struct macro *macro; /* MACRO */
	int scope;                 /* MACRO, LOOP: the scope where it was defined */
	struct object *caller;
	struct str sep;  /* JOINER */
	struct str path; /* PARTS: path in the environment */
};
struct var {
	struct str name;
	uint64_t hash;
	struct value *v; /* NULL in the cache: it is being resolved */
	bool raw;        /* contains templates */
	bool busy;       /* its templates are being resolved */
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
	struct value *only; /* the value, if exactly one was printed and nothing else */
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
	struct var *cache; /* resolved variables of the environment */
	size_t cache_n, cache_cap;
	struct value **owned; /* lists and maps created here: methods may change them */
	size_t owned_n, owned_cap;
	struct regex *regex[REGEX_CACHE];
	size_t regex_n;
	uint64_t steps;
	size_t memory; /* size of the arena at the beginning */
	int depth, nesting;
	unsigned flags;                     /* of the template; included ones inherit them */
	const struct template_marks *marks; /* inherited, too; NULL: the default */
	bool made_undefined;
	struct value *yes, *no, *none, *empty, *nothing; /* empty: ""; nothing: [] */
	struct value *missing_in; /* the map in which a key was last missing, for a suggestion */
	const struct value *missing;
	struct scope scopes[SCOPES_MAX]; /* at the end: it is not cleared for each evaluation */
};
struct jinja *jinja_new(const struct jinja_env *env, struct arena *a, struct err *e);
void jinja_free(struct jinja *in);
/* false with an error: v contains the text of `omit` and more. */
bool jinja_omits_whole(struct jinja *in, const struct value *v, struct pos pos);
/* Adds n to the steps done; false with an error above the limit. */
bool jinja_step(struct jinja *in, uint64_t n, struct pos pos);

/* jinja_eval gives a resolved value; _any also UNDEFINED or an object; _raw like _any, but lists
 * and maps may contain templates (a STR is never one). */
struct value *jinja_eval(struct jinja *in, const struct node *n);
struct value *jinja_eval_keys(struct jinja *in, const struct node *n); /* a lazy map: its keys */
/* The right operand of `in`; of a lazy map its keys. NULL: a name that is not supported. */
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
/* Reports to the environment that the map lacks a key. */
void jinja_missing(struct jinja *in, const struct value *map, struct str name);
struct value *jinja_child(struct jinja *in, const struct value *parent, struct value *v);
struct value *jinja_call(struct jinja *in, const struct node *n);
struct value *jinja_run_macro(struct jinja *in, struct object *o, struct value *args,
	struct value *named, struct pos pos);
struct value *jinja_loop_again(
	struct jinja *in, struct object *loop, struct value *args, struct pos pos);
bool jinja_args(struct jinja *in, const struct args *a, struct value **list, struct value **named);
/* The list or map that the target refers to, if a method may change it in place. */
struct value *jinja_mutable(struct jinja *in, const struct node *target);

/* parts.c: lazy maps of the environment, whose values are made on access */
struct value *parts_new(struct jinja *in, struct str path);
bool is_parts(const struct value *v);
struct value *parts_item(
	struct jinja *in, const struct value *parts, struct str key, struct pos pos);
struct value *parts_names(struct jinja *in, const struct value *parts); /* a list */
struct value *parts_whole(struct jinja *in, struct value *v);           /* a complete map, or v */
/* The methods keys and get. NULL without an error: the complete map is needed. */
struct value *parts_method(struct jinja *in, const struct value *parts, struct str name,
	const struct value *args, struct pos pos);

/* ops */
struct value *jinja_math(struct jinja *in, enum token_kind op, struct value *l, struct value *r,
	bool r_is_tuple, struct pos pos);
struct value *jinja_compare(
	struct jinja *in, enum token_kind op, struct value *l, struct value *r, struct pos pos);
/* Compares as Python's <; false with an error if the values have no order. UNKNOWN: sets
 * *unknown. */
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
