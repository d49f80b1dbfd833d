/* SPDX-License-Identifier: MIT
 *
 * The public functions of the template language: templates, values that contain templates,
 * expressions and conditions. Each call is one evaluation with its own limits.
 */
#include "jinja/call.h"
#include "yaml/yaml.h"

bool text_is_template(struct str s)
{
	const char *p = s.p, *end = s.p + s.n;
	while (p < end && (p = memchr(p, '{', (size_t)(end - p)))) {
		if (p + 1 < end && (p[1] == '{' || p[1] == '%' || p[1] == '#'))
			return true;
		p++;
	}
	return false;
}

struct str builtin_name(struct str name)
{
	static const char *const collections[] = {"ansible.builtin.", "ansible.legacy."};
	for (size_t i = 0; i < ARRAY_LEN(collections); i++)
		if (str_starts(name, collections[i]))
			return text_sub(name, strlen(collections[i]), name.n);
	return name;
}

/* ---- templates ---- */
const struct template *template_parse(
	struct arena *a, struct str text, struct pos pos, unsigned flags, struct err *e)
{
	return template_parse_marked(a, text, pos, flags, NULL, e);
}

const struct template *template_parse_marked(struct arena *a, struct str text, struct pos pos,
	unsigned flags, const struct template_marks *marks, struct err *e)
{
	struct template *t = ARENA_NEW(a, struct template);
	struct tokens tokens;
	t->flags = flags;
	for (int i = 0; marks && i < MARKS; i++)
		t->marks.text[i] = marks->text[i];
	if (!header_take(a, t, &text, &pos, e) || !marks_check(&t->marks, pos, e))
		return NULL;
	if ((t->flags & TEMPLATE_STRIP_NEWLINE) && text.n && text.p[text.n - 1] == '\n')
		text = str_dup(a, text.p, text.n - 1);
	if (!jinja_lex(a, text, pos, t, &tokens, e) || !jinja_parse(a, &tokens, &t->body, e))
		return NULL;
	return t;
}

/* Intermediate values are in an arena of their own; the resulting text is copied. */
struct value *template_render(const struct jinja_env *env, const struct template *t, struct err *e)
{
	struct arena *scratch = arena_new();
	struct jinja *in = jinja_new(env, scratch, e);
	struct output o;
	struct value *v = NULL;
	output_init(&o);
	in->flags = t->flags;
	in->marks = &t->marks;
	if (jinja_run(in, t->body, &o)) {
		if (o.unknown) {
			v = value_unknown(env->a, STR_FMT, STR_ARG(o.unknown->s));
		} else {
			v = value_str(env->a, buf_str(env->a, &o.buf));
			v->literal = true;
			v->secret = o.secret;
			if (!jinja_omits_whole(in, v, t->body ? t->body->pos : (struct pos){0}))
				v = NULL;
		}
	}
	output_free(&o);
	jinja_free(in);
	arena_free(scratch);
	return v;
}

/* ---- values ---- */
/* The result for the caller: literal, without undefined values. */
static struct value *finish_value(struct jinja *in, struct value *v, struct pos pos)
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

/* Begins an evaluation in an arena of its own, of which only the result is kept. */
static struct jinja *begin_evaluation(const struct jinja_env *env, struct err *e)
{
	return jinja_new(env, arena_new(), e);
}

static struct value *end_evaluation(struct jinja *in, struct value *v)
{
	struct arena *scratch = in->a, *a = in->env->a;
	struct value *copy = v ? value_keep(a, v, scratch) : NULL;
	jinja_free(in);
	arena_free(scratch);
	return copy;
}

/* "{{ a.b }}" returns an existing value, which may be large, so it is not copied. */
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

struct value *template_resolve(const struct jinja_env *env, struct value *v, struct err *e)
{
	bool text = v->type == VALUE_STR;
	if (v->literal || (!text && v->type != VALUE_LIST && v->type != VALUE_MAP))
		return v;
	if (text ? !text_is_template(v->s) : !jinja_has_template(v))
		return text ? v : jinja_literal(env->a, v);
	if (text && is_path(v->s)) {
		struct jinja *in = jinja_new(env, env->a, e);
		struct value *r = finish_value(in, jinja_resolve(in, v), v->pos);
		jinja_free(in);
		return r;
	}
	struct jinja *in = begin_evaluation(env, e);
	return end_evaluation(in, finish_value(in, jinja_resolve(in, v), v->pos));
}

static struct value *eval_expression(struct jinja *in, struct str text, struct pos pos)
{
	struct tokens tokens;
	if (!jinja_lex_expression(in->a, text, pos, &tokens, in->e))
		return NULL;
	struct node *n = jinja_parse_expr(in->a, &tokens, in->e);
	return n ? jinja_eval_any(in, n) : NULL;
}

struct value *expression_eval(
	const struct jinja_env *env, struct str text, struct pos pos, struct err *e)
{
	struct jinja *in = begin_evaluation(env, e);
	return end_evaluation(in, finish_value(in, eval_expression(in, text, pos), pos));
}

/* ---- conditions ---- */
static struct value *eval_condition(struct jinja *in, struct value *cond, int depth);

static struct value *condition_text(struct jinja *in, struct value *cond, int depth)
{
	bool b;
	struct str s = cond->s;
	if (!s.n)
		return in->yes; /* as in Ansible: null is no condition */
	if (text_is_template(s) && !cond->literal) {
		struct value *v = jinja_resolve(in, cond);
		/* text from a template is evaluated as a condition again */
		return v ? eval_condition(in, v, depth + 1) : NULL;
	}
	struct value *v = eval_expression(in, s, cond->pos);
	if (!v || v->type == VALUE_UNKNOWN)
		return v;
	return jinja_truth(in, v, cond->pos, &b) ? jinja_bool(in, b) : NULL;
}

static struct value *condition_list(struct jinja *in, struct value *cond, int depth)
{
	struct value *unknown = NULL;
	for (size_t i = 0; i < cond->list.n; i++) {
		struct err unseen = {0}, *e = in->e;
		if (unknown) /* the unknown condition may prevent this one from being evaluated */
			in->e = &unseen;
		struct value *v = eval_condition(in, cond->list.v[i], depth + 1);
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

static struct value *eval_condition(struct jinja *in, struct value *cond, int depth)
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

struct value *condition_eval(const struct jinja_env *env, struct value *cond, struct err *e)
{
	if (cond->type == VALUE_BOOL)
		return cond;
	struct jinja *in = begin_evaluation(env, e);
	return end_evaluation(in, eval_condition(in, cond, 0));
}
