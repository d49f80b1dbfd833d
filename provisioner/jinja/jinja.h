/* SPDX-License-Identifier: MIT
 *
 * Floor 2.5: Jinja2, configured as Ansible configures it. Opens no file and knows no host.
 *
 *   v = template_resolve(&env, v, &e);           evaluates the templates in it, at any depth
 *   t = template_parse(a, text, pos, flags, &e);
 *   v = template_render(&env, t, &e);
 *   v = expression_eval(&env, text, pos, &e);    a bare expression, as in `when:`
 *
 * Expressions get variables from the environment's callbacks. An UNKNOWN operand makes the result
 * UNKNOWN (except by short-circuit evaluation: `false and unknown` is false). An undefined name is
 * an error at the position of its use, unless default(), `is defined` or the like handles it.
 * Differences from Jinja2 in Ansible: tuples are lists; keys of mappings are text, as written; x.y
 * is the key y in preference to a method; integers have 64 bits; methods that change a list or
 * mapping change a copy local to the template; {{ none }} prints nothing, as in Ansible. A list or
 * map with `literal` set contains no template and is not copied.
 */
#pragma once
#include "value/value.h"

enum { JINJA_DEPTH = 200, JINJA_STEPS = 200 << 20 };

struct jinja_env {
	struct arena *a; /* the results are allocated here */
	void *ctx;
	/* The raw value of a variable; the interpreter evaluates templates in it. NULL: there is
	 * none. */
	struct value *(*lookup)(void *ctx, struct str name);
	/* Lazy maps, whose values are made on access; may be NULL. path "": `key` is the name of
	 * such a map; else it is a key in the map at `path`. Returns the evaluated value, or NULL
	 * with the path of a further lazy map in *deeper; NULL without one: there is no such
	 * key. */
	struct value *(*part)(void *ctx, struct str path, struct str key, struct str *deeper);
	/* the map's keys, NULL-terminated */
	const char *const *(*parts)(void *ctx, struct str path);
	/* Names that exist, for suggestions, NULL-terminated; may be NULL. */
	const char *const *(*names)(void *ctx);
	/* Called when a map lacks a key; may be NULL. */
	void (*missing)(void *ctx, const struct value *map, struct str key);
	/* lookup('file', 'x'), query(...): implemented on a higher floor; may be NULL. Returns a
	 * list. */
	struct value *(*plugin)(void *ctx, const char *name, const struct value *args,
		const struct value *kwargs, struct err *e);
	/* The value of the variable `omit`; a text that contains it and more is an error. NULL:
	 * there is none. */
	const char *omit;
	/* Called for an undefined name. true: it has been recorded, and evaluation continues with
	 * UNKNOWN, so that further undefined names are found; false: evaluation fails. May be
	 * NULL. */
	bool (*undefined)(void *ctx, const struct err *e);
	/* {% include 'x' %} in the file `from` (or NULL): returns the text and the file name of the
	 * template; may be NULL. */
	bool (*include)(void *ctx, struct str name, const char *from, struct str *text,
		const char **file, struct err *e);
};

enum template_flags {
	TEMPLATE_TRIM_BLOCKS = 1, /* Ansible's default */
	TEMPLATE_LSTRIP_BLOCKS = 2,
	TEMPLATE_STRIP_NEWLINE = 4, /* remove one trailing newline (Ansible keeps it in files) */
};
/* The delimiters of tags. */
enum mark {
	MARK_PRINT_BEGIN,
	MARK_PRINT_END,
	MARK_BLOCK_BEGIN,
	MARK_BLOCK_END,
	MARK_COMMENT_BEGIN,
	MARK_COMMENT_END,
	MARKS
};
struct template_marks {
	const char *text[MARKS]; /* NULL: the default one */
};
/* The names in Jinja2 and in the module template: "variable_start_string", ... */
extern const char *const mark_names[MARKS];
struct template;
/* Parses a template. A first line `#jinja2: trim_blocks:False` sets options and is removed; an
 * option that is not supported is an error. NULL: e is set. */
const struct template *template_parse(
	struct arena *a, struct str text, struct pos pos, unsigned flags, struct err *e);
/* The same with other delimiters; NULL: the default ones. */
const struct template *template_parse_marked(struct arena *a, struct str text, struct pos pos,
	unsigned flags, const struct template_marks *marks, struct err *e);
/* Returns a literal STR (secret if any printed value was), or UNKNOWN; NULL: error. */
struct value *template_render(const struct jinja_env *env, const struct template *t, struct err *e);

/* Ansible's rule for trailing newlines: at least as many as the source had. Only for texts. */
struct value *keep_newlines(struct arena *a, struct value *v, struct str source);

/* A request for the hash that the filter password_hash_stable(name) makes. */
struct stable_hash {
	struct str password, name;
	char text[128]; /* the hash (crypt(5)); "": it cannot be hashed */
};
/* Starts hashing in threads. v and what it points to must not change until stable_hashes_end has
 * returned; that function hashes, too, and waits for the threads. */
struct stable_hashing;
struct stable_hashing *stable_hashes_begin(struct stable_hash *v, size_t n);
void stable_hashes_end(struct stable_hashing *w);    /* frees w */
void stable_hashes(struct stable_hash *v, size_t n); /* both of them */
extern const char salt_digits[];                     /* the 64 characters of a salt (crypt(5)) */

bool text_is_template(struct str s); /* contains {{, {% or {# */
/* A string that is one {{ expression }} becomes the expression's value; other strings with
 * templates become text. Lists and maps are resolved recursively, also the keys, and become
 * literal. An UNKNOWN inside of them stays there. */
struct value *template_resolve(const struct jinja_env *env, struct value *v, struct err *e);
struct value *expression_eval(
	const struct jinja_env *env, struct str text, struct pos pos, struct err *e);
/* Evaluates a condition of `when:`: a bool, the text of an expression, or a list of them (all must
 * be true). Returns a BOOL or an UNKNOWN; NULL: error. */
struct value *condition_eval(const struct jinja_env *env, struct value *cond, struct err *e);

/* The name without "ansible.builtin." or "ansible.legacy.". A name of another collection is
 * returned unchanged, so that it matches none here. */
struct str builtin_name(struct str name);
