/* SPDX-License-Identifier: MIT
 *
 * Results: what observe and apply found becomes the registered variable. A known part is never made
 * unknown, nor an unknown one known.
 */
#include "site/verdict.h"

enum { MORE_KEYS = 4 }; /* names in a result: its verdicts, the item of a loop */

struct value *reg_unknown(struct resolver *r, const struct task *t)
{
	return value_unknown(r->a, "until task '%s' has run", task_label(r->a, t));
}

void name_set(struct resolver *r, const struct place *at, struct str name, struct value *value)
{
	vars_set(r->v, name, value);
	peer_note(r, at, name.p, value, false);
}

void reg_fix(struct resolver *r, struct frame *f, struct value *result)
{
	if (!f->at.registered)
		return;
	PUSH(r->a, f->at.registered->v, f->at.registered->n, f->at.registered->cap,
		((struct reg_item){.fixed = result,
			.item = f->at.items ? f->at.items->list.v[f->at.i] : NULL}));
}

static struct value *item_result(struct resolver *r, const struct registered *registered, size_t i)
{
	const struct reg_item *it = &registered->v[i];
	struct value *m = it->step ? r->steps[it->step - 1]->result : it->fixed, *out;
	if (!m || !it->item || m->type != VALUE_MAP)
		return m;
	out = value_map(r->a);
	map_reserve(r->a, out, m->map.n + MORE_KEYS);
	for (size_t k = 0; k < m->map.n; k++)
		map_append(r->a, out, m->map.e[k].key, m->map.e[k].key_pos, m->map.e[k].value);
	map_put(r->a, out, registered->t->loop_var, it->item);
	map_put(r->a, out, "ansible_loop_var", value_text(r->a, registered->t->loop_var));
	return out;
}

/* Is it true for any item? Unknown where an unknown item may decide it. */
static struct value *any_item(struct resolver *r, const struct value *items, const char *name)
{
	struct value *unknown = NULL;
	for (size_t i = 0; i < items->list.n; i++) {
		struct value *v = map_at(items->list.v[i], name);
		if (v && v->type == VALUE_BOOL && v->b)
			return v;
		if (v && v->type == VALUE_UNKNOWN)
			unknown = v;
	}
	return unknown ? unknown : value_bool(r->a, false);
}

static bool all_skipped(const struct value *items)
{
	for (size_t i = 0; i < items->list.n; i++)
		if (!map_bool(items->list.v[i], "skipped", false))
			return false;
	return true;
}

static struct value *loop_message(struct resolver *r, struct value *failed, bool skipped)
{
	if (failed->type == VALUE_UNKNOWN)
		return failed;
	return value_text(r->a, failed->b ? "One or more items failed"
				: skipped ? "All items skipped"
					  : "All items completed");
}

static struct value *loop_result(struct resolver *r, const struct registered *registered)
{
	struct value *m = value_map(r->a), *list = value_list(r->a), *failed;
	bool skipped;
	for (size_t i = 0; i < registered->n; i++) {
		struct value *one = item_result(r, registered, i);
		if (!one || one->type != VALUE_MAP)
			return one;
		list_add(r->a, list, one);
	}
	failed = any_item(r, list, "failed");
	skipped = all_skipped(list);
	map_put(r->a, m, "results", list);
	map_put(r->a, m, "changed", any_item(r, list, "changed"));
	map_put(r->a, m, "failed", failed);
	map_put(r->a, m, "skipped", value_bool(r->a, skipped));
	map_put(r->a, m, "msg", loop_message(r, failed, skipped));
	return m;
}

static void reg_update(struct resolver *r, struct registered *registered)
{
	struct value *m = NULL;
	if (registered->loop)
		m = loop_result(r, registered);
	else if (registered->n)
		m = item_result(r, registered, 0);
	if (!m)
		m = reg_unknown(r, registered->t);
	if (m->type == VALUE_MAP)
		m->literal = true;
	name_set(r, &registered->at, str_c(registered->t->register_as), m);
}

void reg_catch_up(struct resolver *r)
{
	if (r->behind)
		reg_update(r, r->behind);
	r->behind = NULL;
}

/* No item waits for a result, or, with `done`, for its final one. Results arrive in order, so the
 * last ones are checked first. */
static bool all_told(const struct resolver *r, const struct registered *registered, bool done)
{
	for (size_t i = registered->n; i-- > 0;) {
		const struct step_record *s =
			registered->v[i].step ? r->steps[registered->v[i].step - 1] : NULL;
		if (s && (!s->answered || (done && s->planned)))
			return false;
	}
	return true;
}

/* In a loop the results arrive one by one: the registered list, which holds them all, is built when
 * all have arrived or when somebody may read it. */
static void reg_told(struct resolver *r, struct registered *registered, bool first)
{
	if (!registered->complete)
		return;
	r->behind = registered;
	if (all_told(r, registered, !first))
		reg_catch_up(r);
}

void reg_finish(struct resolver *r, struct frame *f)
{
	struct registered *registered = f->at.registered;
	if (!registered)
		return;
	if (registered->loop && registered->n == 1 && !registered->v[0].item)
		registered->n = 0; /* an empty loop: no results */
	registered->complete = true;
	reg_update(r, registered);
}

/* A copy whose every part is secret: what no_log hides stays hidden wherever it is used. */
static struct value *hide_value(struct arena *a, const struct value *v)
{
	struct value *out = value_shallow(a, v);
	out->secret = v->type != VALUE_BOOL && v->type != VALUE_NULL;
	for (size_t i = 0; v->type == VALUE_LIST && i < v->list.n; i++)
		out->list.v[i] = hide_value(a, v->list.v[i]);
	for (size_t i = 0; v->type == VALUE_MAP && i < v->map.n; i++)
		out->map.e[i].value = hide_value(a, v->map.e[i].value);
	return out;
}

/* The registered result of a step, or what is known of one that would change. */
static struct value *result_map(
	struct resolver *r, const struct step_record *s, const struct step_result *res)
{
	struct value *m = value_map(r->a);
	const struct field *f = s->registered && res->planned ? s->step.type->returns : NULL;
	struct value *later = f ? reg_unknown(r, s->t) : NULL;
	size_t n = s->registered && res->result && res->result->type == VALUE_MAP
			   ? res->result->map.n
			   : 0;
	map_reserve(r->a, m, n + MORE_KEYS);
	for (size_t i = 0; i < n; i++)
		map_set(r->a, m, res->result->map.e[i].key, res->result->map.e[i].value);
	for (; f && f->name; f++)
		map_put(r->a, m, f->name, later);
	if (res->error && !map_at(m, "msg"))
		map_put(r->a, m, "msg", value_text(r->a, res->error));
	return s->step.no_log ? hide_value(r->a, m) : m;
}

static void count_answer(struct resolver *r, struct step_record *s, bool planned)
{
	if (!s->answered && !s->step.handler)
		r->unanswered--;
	else if (s->planned)
		r->planned--;
	s->answered = true;
	s->planned = planned;
	r->planned += planned;
	r->asked_observe = r->asked_apply = false;
}

/* The registered result of a step that has not run yet. */
static void foresee_result(struct resolver *r, struct step_record *s, struct step_result *res)
{
	const struct task *t = s->t;
	int changed = t->changed_when ? s->step.changed : res->unsure ? -1 : 1;
	/* When a failure does not end the play, later tasks must not assume success. */
	int failed = t->failed_when ? s->step.failed : s->step.ignore_errors ? -1 : 0;
	struct value *fails = failed < 0 ? reg_unknown(r, t) : value_bool(r->a, failed == 1);
	map_put(r->a, s->result, "changed",
		changed < 0 ? reg_unknown(r, t) : value_bool(r->a, changed == 1));
	map_put(r->a, s->result, "failed", fails);
	if (t->failed_when)
		map_put(r->a, s->result, "failed_when_result", fails);
	s->changed = res->changed = changed != 0 && failed != 1;
}

static void conclude_step(struct resolver *r, struct step_record *s, struct step_result *res)
{
	struct judged j = {.changed = res->changed, .failed = res->failed, .error = res->error};
	struct place now = r->at;
	vars_loop(r->v, NULL);
	vars_enter(r->v, s->t, s->scope);
	vars_loop(r->v, s->loop);
	r->at = s->at; /* of other hosts it sees the same as its task */
	verdicts_give(r, s->t, NULL, s->result, &j);
	r->at = now;
	res->changed = j.changed;
	res->failed = j.failed;
	res->error = j.error;
	res->unknown = j.unknown;
	s->changed = j.unknown || (j.changed && !j.failed);
	r->failures += j.failed && !s->step.ignore_errors;
}

void resolver_result(struct resolver *r, uint32_t id, struct step_result *res)
{
	struct step_record *s;
	bool first;
	if (id == 0 || id > r->n_steps || !r->steps[id - 1]->step.type)
		panic("internal error: resolver_result: step %u has no type", id);
	s = r->steps[id - 1];
	first = !s->answered;
	if (r->behind != s->registered)
		reg_catch_up(r);
	count_answer(r, s, res->planned);
	s->result = result_map(r, s, res);
	if (res->planned)
		foresee_result(r, s, res);
	else
		conclude_step(r, s, res);
	if (s->registered)
		reg_told(r, s->registered, first);
	peer_moved(r);
}
