/* SPDX-License-Identifier: MIT
 *
 * The entries into the template language: templates, values with templates in them, expressions
 * and conditions. Each call is one evaluation with its own limits.
 */
#include "lang/jinja_call.h"

bool lang_is_template(struct str s)
{
	const char *p = s.p, *end = s.p + s.n;
	while (p < end && (p = memchr(p, '{', (size_t)(end - p)))) {
		if (p + 1 < end && (p[1] == '{' || p[1] == '%' || p[1] == '#'))
			return true;
		p++;
	}
	return false;
}

struct str lang_builtin_name(struct str name)
{
	static const char *const collections[] = {"ansible.builtin.", "ansible.legacy."};
	for (size_t i = 0; i < ARRAY_LEN(collections); i++)
		if (str_starts(name, collections[i]))
			return text_sub(name, strlen(collections[i]), name.n);
	return name;
}

/* ---- templates ---- */
/* "#jinja2: trim_blocks: False, lstrip_blocks: True" */
static bool header_option(struct str line, const char *name, unsigned flag, unsigned *flags)
{
	char *at = memmem(line.p, line.n, name, strlen(name));
	if (!at)
		return true;
	const char *p = at + strlen(name), *end = line.p + line.n;
	while (p < end && (text_is_space(*p) || *p == ':'))
		p++;
	struct str word = text_sub(line, (size_t)(p - line.p), line.n);
	if (str_starts(word, "True") || str_starts(word, "true"))
		*flags |= flag;
	else if (str_starts(word, "False") || str_starts(word, "false"))
		*flags &= ~flag;
	else
		return false;
	return true;
}

static bool take_header(struct str *text, struct pos *pos, unsigned *flags, struct err *e)
{
	static const char *const known = "trim_blocks, lstrip_blocks and keep_trailing_newline";
	if (!str_starts(*text, "#jinja2:"))
		return true;
	const char *newline = memchr(text->p, '\n', text->n);
	size_t n = newline ? (size_t)(newline - text->p) : text->n;
	struct str line = text_sub(*text, 0, n);
	unsigned keep = *flags & TEMPLATE_STRIP_NEWLINE ? 0 : TEMPLATE_STRIP_NEWLINE, before = keep;
	bool ok = header_option(line, "lstrip_blocks", TEMPLATE_LSTRIP_BLOCKS, flags) &&
		  header_option(line, "trim_blocks", TEMPLATE_TRIM_BLOCKS, flags) &&
		  header_option(line, "keep_trailing_newline", TEMPLATE_STRIP_NEWLINE, &keep);
	if (!ok)
		return err_at(e, *pos, "the '#jinja2:' line takes %s, each True or False", known);
	if (keep != before)
		*flags ^= TEMPLATE_STRIP_NEWLINE;
	*text = (struct str){text->p + n + (newline != NULL), text->n - n - (newline != NULL)};
	if (pos->line)
		pos->line++;
	return true;
}

const struct template *template_parse(
	struct arena *a, struct str text, struct pos pos, unsigned flags, struct err *e)
{
	struct template *t = ARENA_NEW(a, struct template);
	struct tokens tokens;
	if (!take_header(&text, &pos, &flags, e))
		return NULL;
	if ((flags & TEMPLATE_STRIP_NEWLINE) && text.n && text.p[text.n - 1] == '\n')
		text = str_dup(a, text.p, text.n - 1);
	t->flags = flags;
	if (!jinja_lex(a, text, pos, flags, LEX_TEMPLATE, &tokens, e) ||
		!jinja_parse(a, &tokens, &t->body, e))
		return NULL;
	return t;
}

/* What is computed on the way lives in an arena of its own; the text is copied out. */
struct value *template_render(const struct lang_env *env, const struct template *t, struct err *e)
{
	struct arena *scratch = arena_new();
	struct jinja *in = jinja_new(env, scratch, e);
	struct output o;
	struct value *v = NULL;
	output_init(&o);
	in->flags = t->flags;
	if (jinja_run(in, t->body, &o)) {
		if (o.unknown) {
			v = value_unknown(env->a, STR_FMT, STR_ARG(o.unknown->s));
		} else {
			v = value_str(env->a, buf_str(env->a, &o.buf));
			v->literal = true;
			v->secret = o.secret;
		}
	}
	output_free(&o);
	jinja_free(in);
	arena_free(scratch);
	return v;
}

/* ---- values ---- */
/* The result as it leaves: literal, and nothing undefined in it. */
static struct value *finish(struct jinja *in, struct value *v, struct pos pos)
{
	v = parts_whole(in, jinja_soft(in, v));
	if (!v)
		return NULL;
	if (v->type == VALUE_UNDEFINED || (int)v->type == VALUE_OBJECT)
		return jinja_undefined_error(in, v, pos);
	if (in->made_undefined) {
		const struct value *u = value_find_type(v, VALUE_UNDEFINED);
		if (u)
			return jinja_undefined_error(in, u, pos);
	}
	bool holds_text = v->type == VALUE_STR || v->type == VALUE_LIST || v->type == VALUE_MAP;
	return holds_text ? jinja_literal(in->a, v) : v;
}

/* An evaluation in an arena of its own: of what it makes only the result is kept. */
static struct jinja *begin(const struct lang_env *env, struct err *e)
{
	return jinja_new(env, arena_new(), e);
}

static struct value *end(struct jinja *in, struct value *v)
{
	struct arena *scratch = in->a, *a = in->env->a;
	struct value *copy = v ? value_keep(a, v, scratch) : NULL;
	jinja_free(in);
	arena_free(scratch);
	return copy;
}

/* "{{ a.b }}": gives what is there already, perhaps a large list, so nothing is copied. */
static bool is_path(struct str s)
{
	if (!str_starts(s, "{{") || !str_ends(s, "}}") || s.n < 4)
		return false;
	for (size_t i = 2; i < s.n - 2; i++) {
		char c = s.p[i];
		if (!(c == ' ' || c == '.' || c == '_' || (c >= '0' && c <= '9') ||
			    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
			return false;
	}
	return true;
}

struct value *lang_resolve(const struct lang_env *env, struct value *v, struct err *e)
{
	bool text = v->type == VALUE_STR;
	if (v->literal || (!text && v->type != VALUE_LIST && v->type != VALUE_MAP))
		return v;
	if (text ? !lang_is_template(v->s) : !jinja_has_template(v))
		return text ? v : jinja_literal(env->a, v);
	if (text && is_path(v->s)) {
		struct jinja *in = jinja_new(env, env->a, e);
		struct value *r = finish(in, jinja_resolve(in, v), v->pos);
		jinja_free(in);
		return r;
	}
	struct jinja *in = begin(env, e);
	return end(in, finish(in, jinja_resolve(in, v), v->pos));
}

static struct value *expression(struct jinja *in, struct str text, struct pos pos)
{
	struct tokens tokens;
	if (!jinja_lex(in->a, text, pos, 0, LEX_EXPRESSION, &tokens, in->e))
		return NULL;
	struct node *n = jinja_parse_expr(in->a, &tokens, in->e);
	return n ? jinja_eval_any(in, n) : NULL;
}

struct value *lang_expr(const struct lang_env *env, struct str text, struct pos pos, struct err *e)
{
	struct jinja *in = begin(env, e);
	return end(in, finish(in, expression(in, text, pos), pos));
}

/* ---- conditions ---- */
static struct value *condition(struct jinja *in, struct value *cond, int depth);

static struct value *condition_text(struct jinja *in, struct value *cond, int depth)
{
	bool b;
	struct str s = cond->s;
	if (!s.n)
		return in->yes; /* as Ansible: nothing is no condition */
	if (lang_is_template(s) && !cond->literal) {
		struct value *v = jinja_resolve(in, cond);
		/* the text that comes out of a template is a condition again */
		return v ? condition(in, v, depth + 1) : NULL;
	}
	struct value *v = expression(in, s, cond->pos);
	if (!v || v->type == VALUE_UNKNOWN)
		return v;
	return jinja_truth(in, v, cond->pos, &b) ? jinja_bool(in, b) : NULL;
}

static struct value *condition_list(struct jinja *in, struct value *cond, int depth)
{
	struct value *unknown = NULL;
	for (size_t i = 0; i < cond->list.n; i++) {
		struct err unseen = {0}, *e = in->e;
		if (unknown) /* it may keep this one from being looked at */
			in->e = &unseen;
		struct value *v = condition(in, cond->list.v[i], depth + 1);
		in->e = e;
		if (!v && unknown)
			continue;
		if (!v)
			return NULL;
		if (v->type == VALUE_UNKNOWN)
			unknown = unknown ? unknown : v;
		else if (!v->b)
			return v;
	}
	return unknown ? unknown : in->yes;
}

static struct value *condition(struct jinja *in, struct value *cond, int depth)
{
	bool b;
	if (depth > YAML_DEPTH)
		return jinja_fail(in, cond->pos, "this condition is nested too deeply");
	switch (cond->type) {
	case VALUE_UNKNOWN:
		return cond;
	case VALUE_NULL:
		return in->yes;
	case VALUE_LIST:
		return condition_list(in, cond, depth);
	case VALUE_STR:
		return condition_text(in, cond, depth);
	case VALUE_MAP:
		return jinja_fail(in, cond->pos,
			"a condition is an expression or a list of them, not a mapping");
	default:
		return jinja_truth(in, cond, cond->pos, &b) ? jinja_bool(in, b) : NULL;
	}
}

struct value *lang_condition(const struct lang_env *env, struct value *cond, struct err *e)
{
	if (cond->type == VALUE_BOOL)
		return cond;
	struct jinja *in = begin(env, e);
	return end(in, condition(in, cond, 0));
}
