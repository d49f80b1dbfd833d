/* SPDX-License-Identifier: MIT
 *
 * Verdicts: the effect of changed_when and failed_when on a task's result, wherever and whenever it
 * was found. What is not known yet stays unknown.
 */
#include "site/verdict.h"

/* A constant verdict, or -1 when it depends on the result. */
static int constant_verdict(struct resolver *r, struct task *t, struct value *cond, struct err *e)
{
	struct value *c;
	r->v->own = value_map(r->a);
	if (t->register_as)
		map_put(r->a, r->v->own, t->register_as,
			value_unknown(r->a, "until its task has run"));
	c = vars_condition(r->v, cond, e);
	r->v->own = NULL;
	return c && c->type == VALUE_BOOL ? c->b : -1;
}

bool verdicts_constant(struct resolver *r, struct task *t, struct step_record *s, struct err *e)
{
	if (t->changed_when)
		s->step.changed = constant_verdict(r, t, t->changed_when, e);
	if (t->failed_when)
		s->step.failed = constant_verdict(r, t, t->failed_when, e);
	if (e->kind)
		return false;
	/* A constant failed_when must not keep it from running; a command that only reads has run
	 * when its result is known. */
	s->step.verdict = (t->changed_when && s->step.changed < 0) ||
			  (t->failed_when && s->step.failed != 0) ||
			  (s->step.changed < 0 && map_bool(s->step.params, "_probe", false));
	if (s->step.failed == 0)
		s->step.ignore_errors = true;
	return true;
}

/* One condition about the result; one that cannot be evaluated fails the task. */
static void ask_condition(
	struct resolver *r, const struct task *t, struct value *cond, bool *out, struct judged *j)
{
	struct err e = {0};
	struct value *c = vars_condition(r->v, cond, &e);
	if (!c) {
		e.pos = e.pos.line ? e.pos : t->pos;
		j->failed = true;
		j->wrong = e;
	} else if (c->type == VALUE_UNKNOWN) {
		j->unknown = c->s.n ? c->s.p : "until earlier tasks have run";
	} else {
		*out = c->b;
	}
}

static const char *failed_because(struct resolver *r, struct value *when)
{
	const struct value *list = as_list(r->a, when);
	struct buf b;
	const char *text;
	buf_init(&b, 1 << 12);
	buf_adds(&b, "failed_when holds: ");
	for (size_t i = 0; i < list->list.n; i++) {
		struct str one = value_print(r->a, list->list.v[i]);
		buf_addf(&b, "%s%s", i ? " and " : "", one.p);
	}
	text = buf_str(r->a, &b).p;
	buf_free(&b);
	return text;
}

static void put_verdict(
	struct resolver *r, struct value *result, const char *key, const struct judged *j, bool is)
{
	map_put(r->a, result, key,
		j->unknown ? value_unknown(r->a, "%s", j->unknown) : value_bool(r->a, is));
}

void verdicts_give(struct resolver *r, const struct task *t, struct value *facts,
	struct value *result, struct judged *j)
{
	struct value *outer = r->v->own;
	bool was = j->failed;
	r->v->own = facts ? value_shallow(r->a, facts) : value_map(r->a);
	if (t->register_as)
		map_put(r->a, r->v->own, t->register_as, result);
	map_put(r->a, result, "changed", value_bool(r->a, j->changed));
	map_put(r->a, result, "failed", value_bool(r->a, j->failed));
	if (t->changed_when)
		ask_condition(r, t, t->changed_when, &j->changed, j);
	put_verdict(r, result, "changed", j, j->changed);
	if (t->failed_when && !j->wrong.kind && !j->unknown) {
		ask_condition(r, t, t->failed_when, &j->failed, j);
		put_verdict(r, result, "failed_when_result", j, j->failed);
	}
	put_verdict(r, result, "failed", j, j->failed);
	r->v->own = outer;
	if (j->wrong.kind)
		j->error = arena_printf(r->a, "%s:%u:%u: %s", j->wrong.pos.file, j->wrong.pos.line,
			j->wrong.pos.col, j->wrong.msg);
	else if (!j->failed)
		j->error = NULL;
	else if (!was || !j->error)
		j->error = t->failed_when ? failed_because(r, t->failed_when) : "it failed";
	if (j->wrong.kind)
		map_put(r->a, result, "msg", value_text(r->a, j->error));
}
