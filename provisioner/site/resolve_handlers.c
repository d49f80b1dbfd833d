/* SPDX-License-Identifier: MIT
 *
 * Flushing handlers: which may be notified, in the order of definition, each once per flush.
 * Whether one really runs is known on the host, by what changed there.
 */
#include "site/flush.h"

static size_t handler_index(const struct play_in *p, const char *id)
{
	const struct value *i = map_at(p->handler_ids, id);
	if (!i)
		panic("internal error: no handler '%s'", id);
	return (size_t)i->i;
}

static void want_handlers(struct resolver *r, const struct step_record *s)
{
	for (size_t i = 0; s->notify && s->notify[i]; i++) {
		struct notice *n = &r->notice[handler_index(r->p, s->notify[i])];
		n->want = true;
		PUSH(r->a, n->by, n->n, n->cap, s->step.id);
	}
}

/* A handler of the controller would stay pending on the host for ever, because it is
 * not run there. */
const char *const *handlers_of_host(struct resolver *r, const char *const *ids)
{
	size_t n = 0, k = 0;
	while (ids && ids[n])
		n++;
	const char **v = ARENA_ARRAY(r->a, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		if (!r->p->handlers[handler_index(r->p, ids[i])].task->control)
			v[k++] = ids[i];
	return v;
}

static bool may_change(const struct step_record *s)
{
	if (s->step.skipped || s->step.changed == 0)
		return false;
	return !s->answered || s->changed;
}

/* Services that packages have installed are started once, after everything else. */
static void want_installed(struct resolver *r)
{
	struct notice *n = &r->notice[r->p->installed];
	*n = (struct notice){0};
	for (size_t i = r->play_from; r->last_flush && i < r->n_steps; i++) {
		const struct step_record *s = r->steps[i];
		if (!s->step.type || s->step.type->class != RES_PACKAGE || !may_change(s))
			continue;
		n->want = true;
		PUSH(r->a, n->by, n->n, n->cap, s->step.id);
	}
	n->pending = r->last_flush && r->held;
	n->want = n->want || n->pending;
}

void flush_start(struct resolver *r, bool with_pending)
{
	size_t n = r->p->n_handlers;
	r->last_flush = r->n_frames == 0 && r->section == SECTION_POST;
	r->notice = ARENA_ARRAY(r->a, struct notice, n + 1);
	r->n_notice = n;
	for (size_t i = r->flush_from; i < r->n_steps; i++)
		if (may_change(r->steps[i]))
			want_handlers(r, r->steps[i]);
	r->flush_from = r->n_steps;
	for (size_t i = 0; with_pending && i < n; i++)
		if (map_at(r->pending, r->p->handlers[i].id))
			r->notice[i].want = r->notice[i].pending = true;
	if (with_pending)
		r->pending = value_map(r->a);
	if (r->p->installed >= 0)
		want_installed(r);
	r->flushing = true;
	r->flush_task = r->at.n > 2 * levels_below(r) ? r->at.id[2 * levels_below(r)] : 0;
	r->flush_depth = r->n_frames;
	r->flush_i = 0;
}

/* The unit of a step of a service type, "postfix" for "postfix.service"; n 0: none. */
static struct str unit_of(const struct restype *type, const struct value *params)
{
	bool service = type && params && type->class == RES_SERVICE;
	struct str name = str_c(service ? map_cstr(params, "name", "") : "");
	if (str_ends(name, ".service"))
		name.n -= strlen(".service");
	return name;
}

void installed_notify(struct resolver *r, struct step_record *s)
{
	const struct handler *h = r->p->installed >= 0 ? &r->p->handlers[r->p->installed] : NULL;
	const char **ids;
	size_t n = 0;
	r->package = &s->step;
	if (!h)
		return;
	while (s->step.notify && s->step.notify[n])
		n++;
	ids = ARENA_ARRAY(r->a, const char *, n + 2);
	if (n)
		memcpy(ids, s->step.notify, n * sizeof(*ids));
	ids[n] = h->id;
	s->step.notify = ids;
}

/* Services that the play finally stops. */
struct value *installed_params(struct resolver *r)
{
	struct value *params = value_map(r->a), *except = value_list(r->a);
	struct value *state = value_map(r->a);
	for (size_t i = r->play_from; i < r->n_steps; i++) {
		const struct step *s = &r->steps[i]->step;
		struct value *said = s->params ? map_at(s->params, "state") : NULL;
		struct str unit = unit_of(s->type, s->params);
		if (unit.n && said && said->type == VALUE_STR)
			map_set(r->a, state, str_dup(r->a, unit.p, unit.n), said);
	}
	for (size_t i = 0; i < state->map.n; i++)
		if (str_is(state->map.e[i].value->s, "stopped"))
			list_add(r->a, except, value_str(r->a, state->map.e[i].key));
	except->pos = r->p->shown.pos;
	map_put(r->a, params, "except", except);
	return params;
}

/* Handlers notified by handlers of this flush belong to the same flush. */
static void want_of_handlers(struct resolver *r)
{
	for (; r->flush_from < r->n_steps; r->flush_from++)
		if (may_change(r->steps[r->flush_from]))
			want_handlers(r, r->steps[r->flush_from]);
}

/* A role that is included twice has each handler twice: the last one counts, as in Ansible, but an
 * earlier one when the condition of the last include does not hold. */
static struct task **handler_task(struct resolver *r, struct handler *h)
{
	for (size_t i = 0; h->n_earlier && i <= h->n_earlier; i++) {
		struct task **t = i ? &h->earlier[h->n_earlier - i] : &h->task;
		struct err none = {0};
		const struct value *when;
		vars_enter(r->v, *t, NULL);
		vars_loop(r->v, NULL);
		when = task_when(r, *t, &none);
		if (!when || when->type == VALUE_UNKNOWN || when->b)
			return t;
	}
	return &h->task;
}

static bool push_handler(struct resolver *r, size_t i, struct err *e)
{
	r->notice[i].done = true;
	if (!frame_push(r, handler_task(r, &r->p->handlers[i]), 1, NULL, e))
		return false;
	r->frame[r->n_frames - 1].handler = (long)i;
	r->frame[r->n_frames - 1].deeper = true;
	r->frame[r->n_frames - 1].from = r->flush_task;
	return true;
}

bool flush_next(struct resolver *r, struct err *e)
{
	size_t k;
	want_of_handlers(r);
	for (k = 0; k < r->n_notice; k++) {
		size_t i = (r->flush_i + k) % r->n_notice;
		if (r->notice[i].want && !r->notice[i].done && (long)i != r->p->installed) {
			r->flush_i = i + 1;
			return push_handler(r, i, e);
		}
	}
	k = r->p->installed >= 0 ? (size_t)r->p->installed : r->n_notice;
	if (k < r->n_notice && r->notice[k].want && !r->notice[k].done)
		return push_handler(r, k, e);
	return false;
}

bool handler_notified(const struct resolver *r, const struct frame *f)
{
	const struct notice *n = &r->notice[f->handler];
	for (size_t i = 0; i < n->n; i++)
		if (may_change(r->steps[n->by[i] - 1]))
			return true;
	return n->pending;
}

bool handler_left_over(const struct resolver *r, const struct frame *f)
{
	return r->notice[f->handler].pending && r->notice[f->handler].n == 0;
}

/* The play's last state for the service counts. */
bool handler_revives(
	const struct resolver *r, const struct restype *type, const struct value *params)
{
	struct str unit = unit_of(type, params);
	for (size_t i = r->n_steps; unit.n && i-- > 0;) {
		const struct step *s = &r->steps[i]->step;
		const char *state = s->params ? map_cstr(s->params, "state", NULL) : NULL;
		if (!s->handler && state && str_eq(unit_of(s->type, s->params), unit))
			return strcmp(state, "stopped") == 0;
	}
	return false;
}

void handler_fill(struct resolver *r, const struct frame *f, struct step_record *s)
{
	struct notice *n = &r->notice[f->handler];
	uint32_t *by = arena_calloc(r->a, n->n + 1, sizeof(*by));
	if (n->n)
		memcpy(by, n->by, n->n * sizeof(*by));
	s->step.handler = r->p->handlers[f->handler].id;
	s->step.notified_by = by;
	s->step.was_pending = n->pending;
}
