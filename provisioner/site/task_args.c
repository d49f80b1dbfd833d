/* SPDX-License-Identifier: MIT
 *
 * A task's parameters: their free-form texts, and what can be checked before any template is
 * evaluated. Evaluates nothing.
 */
#include "site/keyword.h"
#include "site/control.h"
#include "site/vars.h"

/* `action: copy src=a dest=b` and `action: {module: copy, src: a}`. */
bool task_old_action(struct build *b, const struct value *v, struct str *word, struct value **args)
{
	struct value *module;
	size_t n;
	if (v->type == VALUE_STR) {
		n = strcspn(v->s.p, " \t");
		*word = str_dup(b->s->a, v->s.p, n);
		*args = value_str(b->s->a, str_trim(b->s->a, str_c(v->s.p + n)));
		(*args)->pos = v->pos;
		return true;
	}
	module = v->type == VALUE_MAP ? map_at(v, "module") : NULL;
	if (!module || module->type != VALUE_STR)
		return errs_add(b->errs, v->pos, "action must name a module");
	*word = module->s;
	*args = value_map(b->s->a);
	(*args)->pos = v->pos;
	for (size_t i = 0; i < v->map.n; i++)
		if (!str_is(v->map.e[i].key, "module"))
			map_set(b->s->a, *args, v->map.e[i].key, v->map.e[i].value);
	return true;
}

struct known_keys {
	const struct field *fields;
	bool any;
};

static bool known_key(void *ctx, struct str key)
{
	const struct known_keys *k = ctx;
	return k->any || !k->fields || field_find(k->fields, key);
}

static const char *free_form_of(const struct task *t)
{
	if (t->control)
		return t->control->free_form;
	return field_find(t->type->fields, str_c("_raw_params")) ? "_raw_params" : NULL;
}

/* A module's free-form parameters: k=v pairs, and for some modules the remaining text. */
static struct value *text_args(struct build *b, struct task *t, struct value *v)
{
	struct value *map = value_map(b->s->a);
	const char *free_form = free_form_of(t);
	struct known_keys known = {t->fields, !free_form};
	struct str rest = {0};
	struct err e = {0};
	map->pos = v->pos;
	if (!kv_split(b->s->a, v, map, &rest, &(struct kv_keys){known_key, &known}, &e)) {
		errs_take(b->errs, &e);
		return NULL;
	}
	if (rest.n && free_form) {
		struct value *text = value_str(b->s->a, rest);
		text->pos = v->pos;
		map_put(b->s->a, map, free_form, text);
	} else if (rest.n) {
		errs_add(b->errs, v->pos,
			"parameters of '%s' must be name=value or a map, but '%s' is neither",
			t->action, rest.p);
		return NULL;
	}
	return map;
}

struct value *task_args_read(struct build *b, struct task *t, struct value *v)
{
	struct value *map;
	if (v->type == VALUE_NULL) {
		map = value_map(b->s->a);
		map->pos = t->pos;
		return map;
	}
	if (v->type == VALUE_MAP)
		return v;
	if (v->type == VALUE_STR)
		return text_args(b, t, v);
	errs_add(b->errs, v->pos, "parameters of '%s' must be a map, not %s", t->action,
		value_type_name(v));
	return NULL;
}

struct value *task_args_more(struct build *b, struct value *args, struct value *more)
{
	struct value *out;
	if (!more || more->type == VALUE_NULL)
		return args;
	if (more->type != VALUE_MAP) {
		errs_add(b->errs, more->pos, "args must be a map of parameters, not %s",
			value_type_name(more));
		return args;
	}
	out = value_shallow(b->s->a, more);
	out->pos = args->pos;
	for (size_t i = 0; i < args->map.n; i++)
		map_set(b->s->a, out, args->map.e[i].key, args->map.e[i].value);
	return out;
}

/* ---- what is known of the parameters now ---- */
static struct value *templates_unknown(struct arena *a, struct value *v)
{
	struct value *out;
	if (v->type == VALUE_STR && !v->literal && text_is_template(v->s)) {
		out = value_unknown(a, "until it is evaluated");
		out->src = v->src;
	} else if (v->type == VALUE_LIST) {
		out = value_list(a);
		for (size_t i = 0; i < v->list.n; i++)
			list_add(a, out, templates_unknown(a, v->list.v[i]));
	} else if (v->type == VALUE_MAP) {
		out = value_map(a);
		for (size_t i = 0; i < v->map.n; i++) {
			map_set(a, out, v->map.e[i].key, templates_unknown(a, v->map.e[i].value));
			out->map.e[out->map.n - 1].key_pos = v->map.e[i].key_pos;
		}
	} else {
		return v;
	}
	out->pos = v->pos;
	return out;
}

bool has_template(const struct value *v)
{
	if (v->type == VALUE_STR)
		return !v->literal && text_is_template(v->s);
	for (size_t i = 0; v->type == VALUE_LIST && i < v->list.n; i++)
		if (has_template(v->list.v[i]))
			return true;
	for (size_t i = 0; v->type == VALUE_MAP && i < v->map.n; i++)
		if (text_is_template(v->map.e[i].key) || has_template(v->map.e[i].value))
			return true;
	return false;
}

void task_args_check(struct build *b, struct task *t)
{
	struct value *seen, *ok;
	size_t before = b->errs->n;
	if (t->control && t->control->any_key) {
		refuse_reach(b, t->args, "a task");
		return;
	}
	seen = templates_unknown(b->s->a, t->args);
	ok = fields_check(
		b->s->a, t->fields, seen, arena_printf(b->s->a, "module '%s'", t->action), b->errs);
	if (!ok || b->errs->n != before || has_template(t->args))
		return;
	if (t->type && t->type->check && !t->type->check(ok, b->errs))
		return;
	t->checked = ok;
}

void check_syntax(struct build *b, struct value *v, bool expression)
{
	struct err e = {0};
	struct str text;
	struct pos pos;
	if (!v || v->literal)
		return;
	for (size_t i = 0; v->type == VALUE_LIST && i < v->list.n; i++)
		check_syntax(b, v->list.v[i], expression);
	for (size_t i = 0; v->type == VALUE_MAP && i < v->map.n; i++)
		check_syntax(b, v->map.e[i].value, expression);
	if (v->type != VALUE_STR || (!expression && !text_is_template(v->s)))
		return;
	text = v->s;
	pos = v->pos;
	if (expression && !text_is_template(text)) {
		text = str_printf(b->s->a, "{{ %s }}", v->s.p);
		pos.col = pos.col > 3 ? pos.col - 3 : 1;
	}
	if (!template_parse(b->s->a, text, pos, TEMPLATE_TRIM_BLOCKS, &e))
		errs_take(b->errs, &e);
}

bool task_marks(const struct value *args, struct template_marks *marks)
{
	bool any = false;
	for (int i = 0; i < MARKS; i++) {
		marks->text[i] = map_cstr(args, mark_names[i], NULL);
		any = any || marks->text[i];
	}
	return any;
}

/* Checks that the templates of tasks exist and have no syntax error, before any
 * host is contacted. */
void task_templates(struct build *b, const struct task *t)
{
	struct value *src = t->args ? map_at(t->args, "src") : NULL;
	const char *path;
	struct err e = {0};
	struct file *f;
	for (size_t i = 0; i < t->n_child; i++)
		task_templates(b, t->child[i]);
	if (!t->type || strcmp(t->type->name, "template") != 0 || !src || src->type != VALUE_STR ||
		text_is_template(src->s))
		return;
	path = task_file(b->s, t, "templates", src->s.p, b->s->a);
	f = path ? files_get(&b->s->files, path, &e) : NULL;
	if (!f && e.kind)
		errs_add(b->errs, src->pos, "cannot read the template: %s", e.msg);
	else if (!f)
		errs_add(b->errs, src->pos, "there is no template '%s'", src->s.p);
	else if (!task_marks(t->args, &(struct template_marks){0}) && !f->tmpl_done &&
		 !template_get(b->s, f, &e))
		errs_take(b->errs, &e);
}
