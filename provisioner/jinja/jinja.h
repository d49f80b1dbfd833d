/* SPDX-License-Identifier: MIT
 *
 * Floor 2.5: Jinja2, as Ansible sets it up. Text in, values out; opens no file and knows no host.
 *
 *   v = template_resolve(&env, v, &e);           evaluates the templates in it, at any depth
 *   t = template_parse(a, text, pos, flags, &e);
 *   v = template_render(&env, t, &e);
 *   v = expression_eval(&env, text, pos, &e);    a bare expression, as in `when:`
 *
 * What an expression can see comes from the environment's callbacks. An UNKNOWN operand makes the
 * result UNKNOWN (short circuits kept: `false and unknown` is false); an undefined name is an error
 * with the position where it is used, unless default(), `is defined` or the like takes it.
 * Where it differs from Jinja2 as Ansible sets it up: tuples are lists, and mappings' keys are
 * text, as written; x.y is the key y before it is a method; whole numbers have 64 bits; methods
 * that change a list or mapping change the template's own copy; {{ none }} prints nothing, as in
 * Ansible. A list or map with `literal` set holds no template anywhere and is passed on as it is.
 */
#pragma once
#include "value/value.h"

enum { JINJA_DEPTH = 200, JINJA_STEPS = 200 << 20 };

struct jinja_env {
	struct arena *a; /* results live here */
	void *ctx;
	/* The raw value of a variable (a template in it is evaluated by the caller), NULL: none. */
	struct value *(*lookup)(void *ctx, struct str name);
	/* Maps whose parts are made when they are asked for; may be NULL. With path "" a name of
	 * such a map, else a key in it: gives its value, evaluated, or in *deeper the path of a map
	 * of this kind; NULL and nothing: there is none. */
	struct value *(*part)(void *ctx, struct str path, struct str key, struct str *deeper);
	const char *const *(*parts)(void *ctx, struct str path); /* the keys, NULL-terminated */
	/* Names that exist, for suggestions; may be NULL. NULL-terminated. */
	const char *const *(*names)(void *ctx);
	/* Told of a key that a map has not; may be NULL. */
	void (*missing)(void *ctx, const struct value *map, struct str key);
	/* lookup('file', 'x'), query(...): opens files above this floor; may be NULL. Result a
	 * list. */
	struct value *(*plugin)(void *ctx, const char *name, const struct value *args,
		const struct value *kwargs, struct err *e);
	/* What the variable `omit` holds: a text that has more than it is an error. NULL: none. */
	const char *omit;
	/* Something undefined is needed: true when that was noted, and evaluation is to go on with
	 * UNKNOWN in its place, so that the next such name is found too. May be NULL. */
	bool (*undefined)(void *ctx, const struct err *e);
	/* {% include 'x' %} in the file `from` (or NULL): the text of a template and its file name;
	 * may be NULL. */
	bool (*include)(void *ctx, struct str name, const char *from, struct str *text,
		const char **file, struct err *e);
};

enum template_flags {
	TEMPLATE_TRIM_BLOCKS = 1, /* Ansible's default for files and strings */
	TEMPLATE_LSTRIP_BLOCKS = 2,
	TEMPLATE_STRIP_NEWLINE = 4, /* drop one trailing newline (Ansible keeps it in files) */
};
/* What begins and ends a tag. */
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
	const char *text[MARKS]; /* NULL: the usual one */
};
/* As Jinja2 and the module template call it: "variable_start_string", ... */
extern const char *const mark_names[MARKS];
struct template;
/* Options of the environment on a first line, `#jinja2: trim_blocks:False`, are obeyed and the line
 * is removed; one that is not supported is an error. */
const struct template *template_parse(
	struct arena *a, struct str text, struct pos pos, unsigned flags, struct err *e);
/* With other marks than the usual; NULL: none. */
const struct template *template_parse_marked(struct arena *a, struct str text, struct pos pos,
	unsigned flags, const struct template_marks *marks, struct err *e);
/* Gives a literal STR (secret when anything printed was), or UNKNOWN; NULL on error. */
struct value *template_render(const struct jinja_env *env, const struct template *t, struct err *e);

/* Ansible's rule for the end of what is rendered: as many newlines as the source ended with, where
 * the result has fewer. Of what is no text nothing is changed. */
struct value *keep_newlines(struct arena *a, struct value *v, struct str source);

/* A password whose hash by the filter password_hash_stable(name) is wanted. */
struct stable_hash {
	struct str password, name;
	char text[128]; /* the answer, as crypt(5) has it; "": it cannot be hashed */
};
/* Begins to hash all of them on other processors. stable_hashes_end takes part and waits: until it
 * returns, v and what it points to must stay as they are. */
struct stable_hashing;
struct stable_hashing *stable_hashes_begin(struct stable_hash *v, size_t n);
void stable_hashes_end(struct stable_hashing *w);    /* and frees it */
void stable_hashes(struct stable_hash *v, size_t n); /* both */
extern const char salt_digits[];                     /* the 64 that a salt may have, crypt(5) */

bool text_is_template(struct str s); /* has {{, {% or {# */
/* A string that is one {{ expression }} gives its value with its type; other strings with templates
 * give text; lists and maps are done deep (keys too) and come back literal. A deep value holding an
 * UNKNOWN keeps it inside. With omit: the text of Ansible's `omit` variable (site's business). */
struct value *template_resolve(const struct jinja_env *env, struct value *v, struct err *e);
struct value *expression_eval(
	const struct jinja_env *env, struct str text, struct pos pos, struct err *e);
/* A condition as `when:` takes it: a bool, an expression's text, or a list of them (all must hold).
 * Gives a BOOL or an UNKNOWN; NULL on error. */
struct value *condition_eval(const struct jinja_env *env, struct value *cond, struct err *e);

/* "ansible.builtin.x" and "ansible.legacy.x" name what "x" names. The names of other collections
 * come back as they are, and so are no names of ours. */
struct str builtin_name(struct str name);
