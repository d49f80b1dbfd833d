/* SPDX-License-Identifier: MIT
 *
 * The observing half of a host's state machine: asks the agent about all steps not yet observed in
 * one message, adds the answers to the plan, and compares a saved plan with them.
 */
#include "fleet/fleet_private.h"

enum { ASKED_MAX = 1000 }; /* resources in one OBSERVE: its answer must fit into one frame */

/* Marks each value as secret, for no_log. */
static struct value *cover_values(struct arena *a, const struct step *s, struct value *map)
{
	if (!s->no_log || !map)
		return map;
	struct value *m = value_map(a);
	for (size_t i = 0; i < map->map.n; i++) {
		struct value *v = value_shallow(a, map->map.e[i].value);
		v->secret = true;
		map_set(a, m, map->map.e[i].key, v);
	}
	return m;
}

struct value *step_message(struct arena *a, const struct step *s, enum step_use use)
{
	struct value *m = value_map(a);
	struct step sent = *s;
	sent.params = cover_values(a, s, s->params);
	sent.environment = cover_values(a, s, s->environment);
	record_put(a, step_members, use, &sent, m);
	if (s->type)
		map_put(a, m, "type", value_text(a, s->type->name));
	return m;
}

void step_clear_params(struct step *s)
{
	s->params = s->environment = NULL;
	s->user = NULL;
	s->timeout_s = 0;
}

/* Was the handler notified: by an unfinished run, by an applied step, or by a task on the
 * controller? */
static bool was_notified(struct fleet_host *h, const struct step *handler)
{
	for (const uint32_t *id = handler->notified_by; id && *id; id++) {
		const struct planned *p = plan_find(h->plan, *id);
		if (p && p->applied && p->changed)
			return true;
		if (p && p->step->local && p->step->changed == 1)
			return true;
	}
	return handler->was_pending;
}

/* The steps that notify the handler, without those that never count as a change. */
static const uint32_t *list_notifiers(
	struct fleet_host *h, struct arena *a, const struct step *handler)
{
	size_t n = 0, at = 0;
	while (handler->notified_by && handler->notified_by[n])
		n++;
	uint32_t *by = ARENA_ARRAY(a, uint32_t, n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct planned *p = plan_find(h->plan, handler->notified_by[i]);
		if (p && p->step->changed != 0)
			by[at++] = handler->notified_by[i];
	}
	return by;
}

/* A handler whose type foresees nothing is sent with its type only. */
static struct value *observe_step(struct fleet_host *h, struct arena *a, const struct step *s)
{
	struct step sent = *s;
	if (s->handler) {
		sent.notified_by = list_notifiers(h, a, s);
		sent.was_pending = was_notified(h, s);
	}
	if (!s->type || (s->handler && !s->type->foresee))
		step_clear_params(&sent);
	return step_message(a, &sent, STEP_OBSERVE);
}

/* Unknown steps, and handlers that run before other steps, are sent again: they may affect later
 * steps. */
static bool alters_later(const struct planned *p)
{
	const struct step *s = p->step;
	bool reads = s->type && (s->type->probe || map_bool(s->params, "_probe", false));
	bool acts = s->type && s->handler && !s->skipped && !s->dropped && !reads;
	return s->unknown || acts;
}

/* The index after the last step to observe. */
static size_t observe_end(const struct fleet_host *h)
{
	size_t n = h->plan->n;
	while (n > 0 && h->plan->v[n - 1]->observed)
		n--;
	return n;
}

bool host_observe(struct fleet_host *h)
{
	struct arena *a = arena_new();
	struct value *msg = value_map(a), *steps = value_list(a);
	size_t n = 0, left = 0;
	for (size_t i = 0, end = observe_end(h); i < end; i++) {
		struct planned *p = h->plan->v[i];
		if (p->observed && (i < h->applied_to || !alters_later(p)))
			continue;
		left += !p->observed;
		if (n == ASKED_MAX)
			continue;
		list_add(a, steps, observe_step(h, a, p->step));
		p->asked = true;
		n += !p->observed;
	}
	if (n) {
		map_put(a, msg, "steps", steps);
		h->state = HOST_OBSERVING;
		host_asked(h);
		host_progress(h, "observing %zu resource%s", left, left == 1 ? "" : "s");
		transport_send(h->t, FRAME_OBSERVE, msg);
	}
	arena_free(a);
	return n > 0;
}

/* Removes the error: failed_when says that this is no failure. */
static void take_back(struct fleet_host *h, struct planned *p)
{
	p->error = NULL;
	if (!p->changes)
		p->changes = value_list(h->a);
}

void host_judge(struct fleet_host *h, struct planned *p)
{
	bool planned = p->changes && p->changes->list.n;
	bool looked = p->result && p->result->type == VALUE_MAP && p->result->map.n;
	struct step_result res = {
		.changed = planned || (looked && map_bool(p->result, "changed", false)),
		.planned = planned,
		.unsure = planned && plan_unknown(p),
		.failed = p->error != NULL,
		.result = p->result,
		.error = p->error,
	};
	resolver_result(h->resolver, p->step->id, &res);
	if (planned && !res.unsure && h->f->o->mode == FLEET_PLAN && p->step->failed == 1 &&
		!p->step->ignore_errors) {
		p->failed = true;
		p->error = "it will run, and failed_when will count it as failed";
	}
	if (planned)
		return;
	/* a command that only reads has run; a step that could not be observed may still succeed */
	bool ran = looked && step_runs_program(p->step);
	p->failed = res.failed && (ran || !p->error);
	p->changed = res.changed;
	p->open = res.unknown;
	if (res.failed && !p->error)
		p->error = p->step->no_log ? HIDDEN : res.error;
	else if (!res.failed)
		take_back(h, p);
}

/* A saved plan contains the results of changed_when and failed_when. */
static void judge_saved(struct fleet_host *h, struct planned *p)
{
	const struct planned *then = plan_find((struct plan_target *)h->saved, p->step->id);
	if (p->error && p->step->failed == 0)
		take_back(h, p);
	else if (!p->error && then)
		p->error = then->error;
}

static bool take_result(struct fleet_host *h, struct planned *p, const struct value *m)
{
	size_t before = arena_held(h->a);
	p->observed = true;
	const struct value *changes = map_at(m, "changes");
	struct value *result = map_at(m, "result");
	const char *error = map_cstr(m, "error", "");
	if (*error)
		p->error = p->step->no_log ? HIDDEN : arena_strdup(h->a, error);
	else if (changes)
		p->changes = value_copy(h->a, changes);
	bool kept = p->step->registered || h->f->o->mode == FLEET_FACTS;
	p->result = result && kept ? value_copy(h->a, result) : result;
	size_t n = arena_held(h->a) - before;
	if (h->saved)
		judge_saved(h, p);
	else if (h->resolver)
		host_judge(h, p);
	if (!kept)
		p->result = NULL;
	return host_keeps(h, p->step->registered ? arena_held(h->a) - before : n);
}

static bool take_results(struct fleet_host *h, const struct value *msg, struct err *e)
{
	const struct value *l = map_at(msg, "steps");
	for (size_t i = 0; l && i < l->list.n; i++) {
		const struct value *m = l->list.v[i];
		struct planned *p = plan_find(h->plan, (uint32_t)map_int(m, "id", 0));
		if (!p || p->observed || !p->asked) {
			if (p && (p->step->unknown || p->step->handler))
				continue;
			return err_set(e, ERR_PERMANENT,
				"the agent answered about a step that it was not asked about");
		}
		if (!take_result(h, p, m))
			return false;
	}
	for (size_t i = 0; i < h->plan->n; i++)
		if (h->plan->v[i]->asked && !h->plan->v[i]->observed)
			return err_set(e, ERR_PERMANENT, "the agent did not answer about '%s'",
				h->plan->v[i]->step->name);
	return true;
}

static bool same_changes(const struct value *a, const struct value *b)
{
	unsigned char x[SHA256_LEN], y[SHA256_LEN];
	if (!a || !b)
		return a == b;
	value_digest(a, x);
	value_digest(b, y);
	return memcmp(x, y, sizeof(x)) == 0;
}

/* Is the host's state the one for which the saved plan was made? */
static bool still_as_planned(struct fleet_host *h, struct err *e)
{
	size_t moved = 0;
	const char *first = NULL;
	plan_classify(h->plan);
	for (size_t i = 0; i < h->plan->n; i++) {
		struct planned *p = h->plan->v[i];
		const struct planned *then = h->saved->v[i];
		if (!p->step->type || p->step->handler)
			continue;
		if (!then->error == !p->error && same_changes(p->changes, then->changes))
			continue;
		moved++;
		if (!first)
			first = p->step->name;
		const char *why =
			p->error ? p->error
				 : "changed since the plan; it would now make these changes:";
		if (!p->error && p->changes->list.n == 0)
			why = "changed since the plan: nothing is left to do here";
		host_step_event(h, p, STEP_FAILED, p->changes, why, 0);
	}
	if (!moved)
		return true;
	return err_set(e, ERR_CONFIG,
		"changed since the plan: %zu resource%s differ%s, first '%s'. Nothing was changed; "
		"make a new plan",
		moved, moved == 1 ? "" : "s", moved == 1 ? "s" : "", first);
}

static void take_probed(struct fleet_host *h)
{
	const struct planned *p = h->plan->v[0];
	struct err e = {0};
	if (p->error) {
		err_set(&e, ERR_PERMANENT, "%s", p->error);
		host_fail(h, &e);
		return;
	}
	map_set(h->f->a, h->f->probed, str_c(h->name), p->result);
	fleet_host_done(h);
}

void host_observed(struct fleet_host *h, struct value *msg)
{
	struct err e = {0};
	const struct value *steps = map_at(msg, "steps");
	for (size_t i = 0; i < steps->list.n; i++)
		if (!host_may_show(h, map_at(steps->list.v[i], "changes")))
			return;
	h->state = HOST_IDLE;
	if (!take_results(h, msg, &e)) {
		host_fail(h, &e);
		return;
	}
	if (host_observe(h))
		return;
	if (h->saved && !still_as_planned(h, &e)) {
		host_fail(h, &e);
		return;
	}
	if (h->f->o->mode == FLEET_FACTS) {
		take_probed(h);
		return;
	}
	if (h->f->o->mode == FLEET_APPLY && h->want != WANT_RESOLVE)
		host_apply(h);
	else if (host_cut(h) && h->f->o->mode == FLEET_APPLY)
		host_apply(h);
	else if (h->want == WANT_FAIL)
		host_fail_last(h);
	else if (h->want == WANT_RESOLVE)
		host_resolve(h);
	else
		fleet_host_done(h);
}
