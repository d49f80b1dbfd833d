/* SPDX-License-Identifier: MIT
 *
 * Private to lang/: tokens, the syntax tree, the interpreter, and the rows of the tables of
 * filters, tests, functions and methods.
 *
 *   text -> jinja_lex() -> tokens -> jinja_parse*() -> nodes -> jinja_eval(), jinja_run()
 *
 * Everything that fails returns NULL or false with the error in jinja.e. A value that the
 * evaluation handles is resolved (no template is left in it), except where `raw` is said.
 */
#pragma once
#include "lang/lang.h"

/* ---- tokens ---- */
enum token_kind {
	TOK_END,
	TOK_DATA,
	TOK_PRINT_BEGIN,
	TOK_PRINT_END,
	TOK_BLOCK_BEGIN,
	TOK_BLOCK_END,
	TOK_NAME,
	TOK_STRING,
	TOK_INT,
	TOK_FLOAT,
	TOK_ADD,
	TOK_SUB,
	TOK_MUL,
	TOK_DIV,
	TOK_FLOORDIV,
	TOK_MOD,
	TOK_POW,
	TOK_TILDE,
	TOK_EQ,
	TOK_NE,
	TOK_LT,
	TOK_LE,
	TOK_GT,
	TOK_GE,
	TOK_IN,
	TOK_NOT_IN,
	TOK_ASSIGN,
	TOK_DOT,
	TOK_COMMA,
	TOK_COLON,
	TOK_PIPE,
	TOK_LPAREN,
	TOK_RPAREN,
	TOK_LBRACKET,
	TOK_RBRACKET,
	TOK_LBRACE,
	TOK_RBRACE,
};
struct token {
	enum token_kind kind;
	struct str text; /* a string with its escapes resolved; otherwise as written */
	struct pos pos;
};
struct tokens {
	struct token *v;
	size_t n, cap;
};
enum lex_mode {
	LEX_TEMPLATE,
	LEX_EXPRESSION, /* the text is an expression, without {{ }} */
};
/* Beside enum template_flags: strings inside {{ }} keep their backslashes, as Ansible does for
 * templates that stand in YAML. */
enum { TEMPLATE_KEEP_BACKSLASH = 1 << 16 };
bool jinja_lex(struct arena *a, struct str text, struct pos pos, unsigned flags, enum lex_mode mode,
	struct tokens *out, struct err *e);
const char *token_name(enum token_kind kind); /* for messages */

/* ---- syntax tree ---- */
enum node_kind {
	NODE_CONST, /* value */
	NODE_NAME,  /* name */
	NODE_ATTR,  /* left . name */
	NODE_ITEM,  /* left [ right ] */
	NODE_SLICE, /* left [ kid0 : kid1 : kid2 ], a kid may be NULL */
	NODE_LIST,  /* kids */
	NODE_TUPLE, /* kids */
	NODE_DICT,  /* kids: key, value, key, value */
	NODE_NOT,   /* left */
	NODE_NEG,
	NODE_POS,
	NODE_MATH, /* left op right */
	NODE_AND,
	NODE_OR,
	NODE_COMPARE, /* left, then kids with their ops */
	NODE_CONCAT,  /* kids */
	NODE_COND,    /* left if right else third (NULL: undefined) */
	NODE_FILTER,  /* left | name(args) */
	NODE_TEST,    /* left is name(args) */
	NODE_CALL,    /* left(args) */
	/* statements */
	NODE_TEXT,         /* name: the text */
	NODE_PRINT,        /* left */
	NODE_IF,           /* left: condition, body, orelse (flag: a NODE_IF, for elif) */
	NODE_FOR,          /* left: target, right: list, third: filter or NULL, body, orelse; flag:
			    * recursive */
	NODE_SET,          /* left: target, right: value */
	NODE_SET_BLOCK,    /* left: target, right: filter chain on NODE_CONST or NULL, body */
	NODE_MACRO,        /* macro */
	NODE_CALL_BLOCK,   /* left: the call, macro: the body as `caller` */
	NODE_FILTER_BLOCK, /* right: filter chain, body */
	NODE_INCLUDE,      /* left: name or list, flag: ignore missing */
	NODE_WITH,         /* kids: target, value, ...; body */
	NODE_DO,           /* left */
	NODE_BREAK,
	NODE_CONTINUE,
};
struct node;
struct named_arg {
	struct str name;
	struct node *value;
};
struct args {
	struct node **v;
	size_t n;
	struct named_arg *named;
	size_t named_n;
	struct node *star, *star_star; /* *list, **map; NULL: none */
};
struct macro {
	struct str name;
	struct str *param;
	uint64_t *hash;
	struct node **dflt; /* NULL: none */
	size_t n;
	struct node *body;
};
struct callable;
struct node {
	enum node_kind kind;
	enum token_kind op;
	bool flag;
	struct pos pos;
	struct str name;
	uint64_t hash; /* of name */
	struct value *value;
	struct node *left, *right, *third;
	struct node **kid;
	enum token_kind *kid_op;
	size_t n;
	struct args *args;
	const struct callable *fn;
	struct macro *macro;
	struct node *body, *orelse, *next;
};
struct template
{
	struct node *body;
	unsigned flags;
};
/* The tokens of a template to statements, chained by next (NULL: empty). */
bool jinja_parse(struct arena *a, const struct tokens *t, struct node **out, struct err *e);
struct node *jinja_parse_expr(struct arena *a, const struct tokens *t, struct err *e);

/* The parser's state, shared by the parser of expressions and the one of statements. */
struct parser {
	struct arena *a;
	const struct token *t; /* the current one */
	struct err *e;
	int depth;
	int conditional; /* inside an if: an unknown filter is an error only when it is used */
	int loops;
};
struct node *parse_node(struct parser *p, enum node_kind kind);
bool parse_fail(struct parser *p, const char *fmt, ...) PRINTF(2, 3);
bool parse_is(const struct parser *p, enum token_kind kind);
bool parse_word(const struct parser *p, const char *word);
bool parse_take(struct parser *p, enum token_kind kind);
bool parse_take_word(struct parser *p, const char *word);
bool parse_expect(struct parser *p, enum token_kind kind, const char *after);
struct node *parse_expr(struct parser *p);
struct node *parse_or(struct parser *p);
/* `a` or `a, b`; with_if: `a if b` is taken as one. */
struct node *parse_tuple(struct parser *p, bool with_if);
struct node *parse_filters(struct parser *p, struct node *left);
struct node *parse_postfix(struct parser *p, struct node *left);
struct node *parse_primary(struct parser *p);
struct node *parse_filter_named(struct parser *p, struct node *left);
void node_add(struct arena *a, struct node *n, struct node *kid);

/* ---- interpreter ---- */
enum { VALUE_OBJECT = 100 }; /* value.type of a struct object: never leaves the interpreter */
enum object_kind {
	OBJECT_LOOP,
	OBJECT_MACRO,
	OBJECT_JOINER,
	OBJECT_CYCLER,
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
	struct str sep; /* JOINER */
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
enum { REGEX_CACHE = 16, SCOPES_MAX = 1024, EVAL_DEPTH = 2000, TEXT_MAX = 64 << 20 };
struct jinja {
	const struct lang_env *env;
	struct arena *a;
	struct err *e;
	struct var *vars;
	size_t vars_n, vars_cap;
	struct scope scopes[SCOPES_MAX];
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
	bool made_undefined;
	struct value *yes, *no, *none, *empty;
	struct value *missing_in; /* map whose key was missed last, for a suggestion */
	const struct value *missing;
};
struct jinja *jinja_new(const struct lang_env *env, struct arena *a, struct err *e);
void jinja_free(struct jinja *in);
/* Counts work; false with an error when it is too much. */
bool jinja_step(struct jinja *in, uint64_t n, struct pos pos);

/* eval: a value. any: also UNDEFINED, or an object. raw: as any, templates perhaps inside a list
 * or map (never a STR that is one). */
struct value *jinja_eval(struct jinja *in, const struct node *n);
struct value *jinja_eval_any(struct jinja *in, const struct node *n);
struct value *jinja_eval_raw(struct jinja *in, const struct node *n);
struct value *jinja_soft(struct jinja *in, struct value *v);
bool jinja_truth(struct jinja *in, const struct value *v, struct pos pos, bool *out);
struct value *jinja_undefined_error(struct jinja *in, const struct value *v, struct pos pos);
struct value *jinja_fail(struct jinja *in, struct pos pos, const char *fmt, ...) PRINTF(3, 4);
struct value *jinja_bool(struct jinja *in, bool b);
struct value *jinja_attr(struct jinja *in, struct value *obj, struct str name, struct pos pos);
struct value *jinja_item(struct jinja *in, struct value *obj, struct value *key, struct pos pos);
struct value *jinja_child(struct jinja *in, const struct value *parent, struct value *v);
struct value *jinja_call(struct jinja *in, const struct node *n);
struct value *jinja_run_macro(struct jinja *in, struct object *o, struct value *args,
	struct value *named, struct pos pos);
struct value *jinja_loop_again(
	struct jinja *in, struct object *loop, struct value *args, struct pos pos);
bool jinja_args(struct jinja *in, const struct args *a, struct value **list, struct value **named);
/* A list or map behind a target that a method may change in place. */
struct value *jinja_mutable(struct jinja *in, const struct node *target);

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

/* ---- callables: filters, tests, functions, methods ---- */
enum { CALL_ARGS = 10 };
enum call_flags {
	CALL_UNDEFINED = 1, /* takes undefined values */
	CALL_UNKNOWN = 2,   /* looks at unknown values itself */
	CALL_PLAIN = 4,   /* the result is no secret although the input is, or has its own marks */
	CALL_CHANGES = 8, /* a method that changes its object */
};
struct call {
	struct jinja *in;
	struct arena *a;
	const struct callable *fn;
	struct pos pos;
	struct value *v;              /* what it is applied to; NULL for a function */
	struct value *arg[CALL_ARGS]; /* in the order of params; NULL: not given */
	struct value *rest;           /* list: the positional arguments past params */
	struct value *kwargs;         /* map: the named ones that params has not */
	const struct value *unknown;  /* set when an UNKNOWN was met: the result is UNKNOWN */
};
typedef struct value *call_fn(struct call *c);
struct callable {
	const char *name;
	call_fn *fn;
	/* names, space separated; !name: must be given; `*`: takes more; `**`: takes other names */
	const char *params;
	unsigned flags;
};
const struct callable *jinja_filter(struct str name);
const struct callable *jinja_test(struct str name);
const struct callable *jinja_function(struct str name);
const struct callable *jinja_method(const struct value *obj, struct str name);
/* Binds the arguments, deals with undefined, unknown and secret ones, and calls. */
struct value *jinja_apply(struct jinja *in, const struct callable *fn, struct value *v,
	struct value *args, struct value *named, struct pos pos);

extern const struct callable filters_text[], filters_list[], filters_map[], filters_data[],
	filters_number[], filters_regex[], filters_select[];

/* What the functions of the tables are written with. */
struct value *call_fail(struct call *c, const char *fmt, ...) PRINTF(2, 3);
struct value *call_str(struct call *c, struct str s);
struct value *call_buf(struct call *c, struct buf *b); /* takes the text and frees the buffer */
struct str call_text(struct call *c, const struct value *v); /* as printed */
bool call_int(struct call *c, int i, int64_t dflt, int64_t *out);
bool call_bool(struct call *c, int i, bool dflt);
struct str call_arg(struct call *c, int i, const char *dflt);
/* The items of a list, the keys of a map, the characters of a string. */
struct value *call_list(struct call *c, struct value *v);
bool call_unknown(struct call *c, const struct value *v); /* is it (or is one in it) UNKNOWN? */
bool call_truth(struct call *c, const struct value *v);
struct value *call_path(struct call *c, struct value *v, const struct value *path); /* a.b.0 */

/* ---- text ---- */
size_t text_chars(struct str s);
size_t text_offset(struct str s, size_t chars); /* of a character, in bytes; at most s.n */
size_t text_next(struct str s, size_t i); /* length in bytes of the character at i; at least 1 */
struct str text_sub(struct str s, size_t from, size_t to); /* bytes; borrows: no NUL behind */
struct value *text_chars_list(struct jinja *in, struct str s);
bool text_find(struct str s, struct str what, size_t from, size_t *at);
struct str text_upper(struct arena *a, struct str s);
struct str text_lower(struct arena *a, struct str s);
struct str text_title(struct arena *a, struct str s);
struct str text_capitalize(struct arena *a, struct str s);
struct str text_title_method(struct arena *a, struct str s); /* Python's own title() */
bool text_is_space(char c);
/* Python's: off both ends (sides: 1 left, 2 right); chars.p NULL: white space. */
struct str text_strip(struct arena *a, struct str s, struct str chars, int sides);
struct str text_replace(struct call *c, struct str s, struct str from, struct str to, int64_t max);
struct value *text_split(struct call *c, struct str s, struct str sep, int64_t max, bool right);
struct value *text_lines(struct jinja *in, struct str s, bool keep);
bool text_number(
	struct str s, bool *is_int, int64_t *i, double *f); /* as Python's int(), float() */
bool text_join(struct call *c, struct buf *b, struct value *list, struct str sep);

/* Python's "%..." and str.format. */
struct value *format_percent(
	struct call *c, struct str fmt, struct value *list, const struct value *map);
struct value *format_braces(
	struct call *c, struct str fmt, struct value *list, const struct value *map);

/* The order-keeping set of values that unique, difference and others use. */
struct value_set {
	struct arena *a;
	struct value *map;
};
void set_init(struct value_set *s, struct arena *a);
bool set_add(struct value_set *s, struct call *c, const struct value *v); /* false: was there */
bool set_has(struct value_set *s, struct call *c, const struct value *v);

/* Sorting, stable; keys and values of the same length; false with an error. */
bool call_sort(struct call *c, struct value **keys, struct value **values, size_t n, bool reverse);

/* ---- regular expressions (PCRE2, Python's dialect) ---- */
enum regex_flags { REGEX_IGNORECASE = 1, REGEX_MULTILINE = 2, REGEX_START = 4, REGEX_ALL = 8 };
struct regex_match {
	size_t *at; /* pairs of offsets, (size_t)-1: not taken part */
	size_t n;   /* groups, the whole included */
};
struct regex *regex_get(struct call *c, struct str pattern, unsigned flags);
/* 1 found, 0 not, -1 error set. The match is good until the next call. */
int regex_match(struct call *c, struct regex *r, struct str s, size_t from, bool not_empty,
	struct regex_match *m);
int regex_group(struct regex *r, struct str name); /* number or name; -1: none */
void regex_free(struct regex *r);

/* ---- Python's random.Random(seed), for random and shuffle ---- */
struct python_random {
	uint32_t mt[624];
	int i;
};
void random_seed_text(struct python_random *r, struct str seed);
void random_seed_int(struct python_random *r, uint64_t seed);
uint64_t random_below(struct python_random *r, uint64_t n);

/* ---- YAML ---- */
/* A plain scalar as YAML 1.1 reads it; a STR borrows the text. */
struct value *yaml_scalar(struct arena *a, struct str text);
struct yaml_style {
	int indent, width;
	bool flow_leaves; /* lists and maps of plain values on one line, as to_yaml does */
	bool sort;
};
bool yaml_dump(struct buf *b, const struct value *v, const struct yaml_style *style);
