/* SPDX-License-Identifier: MIT
 *
 * The actions of the controller: debug, set_fact, assert, fail, include_vars, meta. They change
 * only what later tasks see.
 */
#include <fnmatch.h>
#include <strings.h>
#include "site/verdict.h"

struct done { /* the result of a task, before its verdicts */
	const char *message;
	bool failed;
	struct value *facts; /* names that it sets for later tasks, or NULL */
	struct value *found; /* ansible_facts of its result, or NULL */
	bool included;       /* with the precedence of include_vars */
};

/* A task that fails sets no names, as in Ansible. */
static void give_facts(struct resolver *r, const struct done *d)
{
	if (d->included)
		vars_include(r->v, d->facts);
	for (size_t i = 0; d->facts && i < d->facts->map.n; i++) {
		const struct map_entry *one = &d->facts->map.e[i];
		if (d->included)
			peer_note(r, &r->at, one->key.p, one->value, true);
		else
			name_set(r, &r->at, one->key, one->value);
	}
}

static void emit_step(struct resolver *r, struct frame *f, struct task *t, const struct done *d,
	const struct judged *j, struct step **out)
{
	struct step_record *s = step_new(r, f, t);
	s->step.local = true;
	s->step.message = s->step.no_log ? HIDDEN : j->failed ? j->error : d->message;
	s->step.failed = j->failed ? 1 : -1;
	s->step.changed = j->changed ? 1 : -1;
	s->answered = true;
	s->changed = j->changed && !j->failed;
	*out = &s->step;
	if (!j->failed || s->step.ignore_errors)
		return;
	r->failures++;
	f->at.failed = f->at.failed ? f->at.failed : s->step.message;
}

static enum outcome end_task(struct resolver *r, struct frame *f, struct task *t, struct done d,
	struct step **out, struct err *e)
{
	struct judged j = {.failed = d.failed, .error = d.failed ? d.message : NULL};
	struct value *m = value_map(r->a);
	if (d.message)
		map_put(r->a, m, "msg", value_text(r->a, d.message));
	if (d.found)
		map_put(r->a, m, "ansible_facts", d.found);
	verdicts_give(r, t, d.facts, m, &j);
	if (j.unknown)
		return step_wait(r, f, t, value_unknown(r->a, "%s", j.unknown), out, e);
	if (r->dry && j.wrong.kind) {
		*e = j.wrong;
		return OUT_FAIL;
	}
	if (r->dry && j.failed) { /* it is this host's failure, and is reported in its turn */
		r->past_visible = true;
		return OUT_END;
	}
	if (!j.failed)
		give_facts(r, &d);
	reg_fix(r, f, m);
	emit_step(r, f, t, &d, &j, out);
	return OUT_STEP;
}

static enum outcome end_well(struct resolver *r, struct frame *f, struct task *t,
	const char *message, struct step **out, struct err *e)
{
	return end_task(r, f, t, (struct done){.message = message}, out, e);
}

static enum outcome end_failed(struct resolver *r, struct frame *f, struct task *t, const char *why,
	struct step **out, struct err *e)
{
	return end_task(r, f, t, (struct done){.message = why, .failed = true}, out, e);
}

static const char *show_value(struct resolver *r, const struct value *v)
{
	struct buf b;
	const char *out;
	if (v->type == VALUE_STR)
		return v->secret ? SECRET_TEXT : v->s.p;
	buf_init(&b, 1 << 20);
	json_write_pretty(&b, v, 0);
	out = buf_str(r->a, &b).p;
	buf_free(&b);
	return out;
}

/* An expression's value: `var: x` and the items of `that`. */
static struct value *evaluate_expression(struct resolver *r, struct value *v, struct err *e)
{
	struct value *text;
	if (v->type != VALUE_STR || text_is_template(v->s))
		return vars_resolve(r->v, v, e);
	text = value_printf(r->a, "{{ %s }}", v->s.p);
	text->pos = v->pos;
	return vars_resolve(r->v, text, e);
}

static enum outcome do_debug(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e)
{
	struct value *var = map_at(t->args, "var"), *msg = map_at(t->args, "msg"), *v;
	const struct value *unknown;
	struct err own = {0};
	struct errs *found;
	if (var && msg) {
		err_at(e, var->pos, "debug takes either msg or var");
		return OUT_FAIL;
	}
	if (map_int(t->args, "verbosity", 0) > 0) /* such tasks are for debugging the play */
		return step_skip(r, f, t, out);
	if (!var && !msg)
		return end_well(r, f, t, "Hello world!", out, e);
	found = var ? vars_quiet(r->v) : NULL;
	v = var ? evaluate_expression(r, var, &own) : vars_resolve(r->v, msg, &own);
	if (var)
		r->v->found = found;
	if (!v && var && own.kind == ERR_UNDEFINED)
		return end_well(r, f, t,
			arena_printf(
				r->a, "%s: VARIABLE IS NOT DEFINED!", value_print(r->a, var).p),
			out, e);
	if (!v) {
		*e = own;
		return OUT_FAIL;
	}
	unknown = value_find_type(v, VALUE_UNKNOWN);
	if (unknown)
		return step_wait(r, f, t, unknown, out, e);
	if (!var)
		v = vars_omit(r->a, v);
	if (!v)
		return end_well(r, f, t, "Hello world!", out, e);
	if (!var)
		return end_well(r, f, t, show_value(r, v), out, e);
	return end_well(r, f, t,
		arena_printf(r->a, "%s: %s", value_print(r->a, var).p, show_value(r, v)), out, e);
}

/* Text such as "yes" becomes a boolean here, as in Ansible. */
static struct value *fact_value(struct resolver *r, struct value *v)
{
	static const char *const yes[] = {"true", "yes"}, *const no[] = {"false", "no"};

	for (size_t i = 0; v->type == VALUE_STR && i < 2; i++)
		if (strcasecmp(v->s.p, yes[i]) == 0 || strcasecmp(v->s.p, no[i]) == 0)
			return value_bool(r->a, strcasecmp(v->s.p, yes[i]) == 0);
	return v;
}

static enum outcome set_fact(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e)
{
	struct value *args = vars_resolve(r->v, t->args, e), *facts = value_map(r->a);
	const struct value *unknown;
	struct buf names;
	const char *text;
	if (!args)
		return OUT_FAIL;
	unknown = value_find_type(args, VALUE_UNKNOWN);
	if (unknown) {
		enum outcome o = step_wait(r, f, t, unknown, out, e);
		for (size_t i = 0; o == OUT_STEP && i < args->map.n; i++)
			name_set(r, &r->at, args->map.e[i].key, args->map.e[i].value);
		return o;
	}
	args = vars_omit(r->a, args);
	buf_init(&names, 4096);
	for (size_t i = 0; i < args->map.n; i++) {
		if (str_is(args->map.e[i].key, "cacheable"))
			continue;
		map_set(r->a, facts, args->map.e[i].key, fact_value(r, args->map.e[i].value));
		buf_addf(&names, "%s%s", names.n ? ", " : "sets ", args->map.e[i].key.p);
	}
	text = buf_str(r->a, &names).p;
	buf_free(&names);
	return end_task(r, f, t, (struct done){.message = text, .facts = facts}, out, e);
}

static const char *message_text(
	struct resolver *r, struct task *t, const char *key, const char *dflt)
{
	struct value *v = map_at(t->args, key);
	struct err e = {0};
	struct errs *found = vars_quiet(r->v);
	if (v)
		v = vars_resolve(r->v, v, &e);
	r->v->found = found;
	return v && !value_find_type(v, VALUE_UNKNOWN) ? show_value(r, v) : dflt;
}

static enum outcome do_assert(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e)
{
	struct value *that = as_list(r->a, map_at(t->args, "that"));
	for (size_t i = 0; that && i < that->list.n; i++) {
		struct value *one = that->list.v[i];
		struct value *c = vars_condition(r->v, one, e);
		if (!c)
			return OUT_FAIL;
		if (c->type == VALUE_UNKNOWN)
			return step_wait(r, f, t, c, out, e);
		if (!c->b)
			return end_failed(r, f, t,
				message_text(r, t, "fail_msg",
					arena_printf(r->a, "assertion failed: %s",
						value_print(r->a, one).p)),
				out, e);
	}
	return end_well(
		r, f, t, message_text(r, t, "success_msg", "All assertions passed"), out, e);
}

static enum outcome fail_task(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e)
{
	struct value *v = map_at(t->args, "msg");
	const struct value *unknown;
	v = v ? vars_resolve(r->v, v, e) : NULL;
	if (e->kind)
		return OUT_FAIL;
	unknown = v ? value_find_type(v, VALUE_UNKNOWN) : NULL;
	if (unknown)
		return step_wait(r, f, t, unknown, out, e);
	return end_failed(r, f, t, v ? show_value(r, v) : "Failed as requested from task", out, e);
}

static enum outcome include_vars(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e)
{
	struct value *args = vars_resolve(r->v, t->args, e), *doc, *file, *named;
	const struct value *unknown = args ? value_find_type(args, VALUE_UNKNOWN) : NULL;
	const char *path;
	struct errs errs;
	if (!args)
		return OUT_FAIL;
	if (unknown)
		return step_wait(r, f, t, unknown, out, e);
	file = map_at(args, "file");
	path = file && file->type == VALUE_STR ? task_file(r->s, t, "vars", file->s.p, r->a) : NULL;
	if (!path) {
		err_at(e, t->pos, "there is no file of variables '%s'",
			file ? value_print(r->a, file).p : "");
		return OUT_FAIL;
	}
	errs_init(&errs, r->a);
	doc = files_vars(&r->s->files, path, &errs);
	if (!doc && errs.n) {
		*e = errs.v[0];
		return OUT_FAIL;
	}
	named = map_at(args, "name");
	if (doc && named && named->type == VALUE_STR) {
		struct value *one = value_map(r->a);
		map_set(r->a, one, named->s, doc);
		doc = one;
	}
	return end_task(r, f, t,
		(struct done){.message = arena_printf(r->a, "reads %s", path),
			.facts = doc,
			.included = doc != NULL},
		out, e);
}

/* Does one of the patterns match? The prefix ansible_ may be omitted. */
static bool fact_asked_for(const struct value *patterns, const char *name)
{
	for (size_t i = 0; i < patterns->list.n; i++) {
		const struct value *one = patterns->list.v[i];
		const char *pattern = one->type == VALUE_STR ? one->s.p : "";
		if (fnmatch(pattern, name, 0) == 0 ||
			fnmatch(pattern, name + strlen("ansible_"), 0) == 0)
			return true;
	}
	return patterns->list.n == 0;
}

/* The facts are known already; the registered result has those that match the filter. */
static enum outcome do_setup(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e)
{
	struct value *args = vars_resolve(r->v, t->args, e), *filter, *found = value_map(r->a);
	const struct value *unknown = args ? value_find_type(args, VALUE_UNKNOWN) : NULL;
	if (!args)
		return OUT_FAIL;
	if (unknown)
		return step_wait(r, f, t, unknown, out, e);
	filter = map_at(args, "filter") ? as_list(r->a, map_at(args, "filter")) : value_list(r->a);
	for (size_t i = 0; r->v->facts && i < r->v->facts_named->map.n; i++) {
		const struct map_entry *one = &r->v->facts_named->map.e[i];
		if (fact_asked_for(filter, one->key.p))
			map_set(r->a, found, one->key, one->value);
	}
	if (!r->v->facts)
		found = value_unknown(r->a, "until the host's facts are known");
	return end_task(
		r, f, t, (struct done){.message = "facts are known", .found = found}, out, e);
}

static enum outcome do_include(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e)
{
	struct value *args = vars_resolve(r->v, t->args, e);
	const struct value *unknown = args ? value_find_type(args, VALUE_UNKNOWN) : NULL;
	if (unknown)
		return step_wait(r, f, t, unknown, out, e);
	if (args)
		reg_fix(r, f, value_map(r->a));
	return args ? include_run(r, f, t, args, out, e) : OUT_FAIL;
}

bool control_is_noop(const struct task *t)
{
	return t->control && t->control->kind == CONTROL_META &&
	       strcmp(map_cstr(t->args, "action", "noop"), "noop") == 0;
}

static enum outcome do_meta(struct task *t)
{
	const char *what = map_cstr(t->args, "action", "noop");
	if (strcmp(what, "flush_handlers") == 0)
		return OUT_FLUSH;
	return strcmp(what, "noop") == 0 ? OUT_NONE : OUT_END;
}

enum outcome control_run(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e)
{
	switch (t->control->kind) {
	case CONTROL_DEBUG:
		return do_debug(r, f, t, out, e);
	case CONTROL_SET_FACT:
		return set_fact(r, f, t, out, e);
	case CONTROL_ASSERT:
		return do_assert(r, f, t, out, e);
	case CONTROL_FAIL:
		return fail_task(r, f, t, out, e);
	case CONTROL_INCLUDE_VARS:
		return include_vars(r, f, t, out, e);
	case CONTROL_INCLUDE_TASKS:
	case CONTROL_INCLUDE_ROLE:
		return do_include(r, f, t, out, e);
	case CONTROL_META:
		return do_meta(t);
	case CONTROL_VALIDATE:
		if (argspec_check(r, t, e))
			return OUT_NONE;
		if (!e->pos.line)
			e->pos = t->pos;
		return OUT_FAIL;
	case CONTROL_SETUP:
		return do_setup(r, f, t, out, e);
	case CONTROL_IMPORT_TASKS:
	case CONTROL_IMPORT_ROLE:
		break;
	}
	panic("internal error: an import reached the resolver");
}
