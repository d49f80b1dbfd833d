/* SPDX-License-Identifier: MIT
 *
 * Where a host's play ends when a task is known to fail: after that task, or after the last item of
 * its loop.
 */
#include "fleet/fleet_private.h"

/* The last item of the step's loop, as far as the plan goes. */
static size_t last_item(const struct plan_target *target, size_t i)
{
	while (target->v[i]->step->more && i + 1 < target->n &&
		target->v[i + 1]->step->task == target->v[i]->step->task)
		i++;
	return i;
}

bool host_loop_open(const struct fleet_host *h)
{
	return h->plan->n && h->plan->v[h->plan->n - 1]->step->more &&
	       (h->want == WANT_RESOLVE || h->want == WANT_APPLY);
}

bool host_cut(struct fleet_host *h)
{
	bool planning = h->f->o->mode == FLEET_PLAN;
	plan_classify(h->plan);
	for (size_t i = h->applied_to; i < h->plan->n; i++) {
		const struct planned *p = h->plan->v[i];
		/* a step that cannot be observed now may be possible after an earlier change */
		if (p->kind != PLANNED_FAILED || (planning && !p->failed && !p->step->local))
			continue;
		i = last_item(h->plan, i);
		h->failing = true;
		if (i + 1 == h->plan->n && host_loop_open(h))
			return false;
		h->plan->n = i + 1;
		h->want = WANT_FAIL;
		return true;
	}
	return false;
}

/* Of the plan's last task: the first item that is known to fail, else the last item. */
static struct planned *first_failed(const struct fleet_host *h)
{
	struct planned *last = h->plan->v[h->plan->n - 1], *p = last;
	for (size_t i = h->plan->n; i-- > 0 && h->plan->v[i]->step->task == last->step->task;)
		if (h->plan->v[i]->kind == PLANNED_FAILED)
			p = h->plan->v[i];
	return p;
}

void host_fail_last(struct fleet_host *h)
{
	struct planned *p = first_failed(h), *last = h->plan->v[h->plan->n - 1];
	struct err e = {0};
	if (p->step->local && planned_error(p))
		err_at(&e, p->step->pos, "%s", planned_error(p));
	else
		err_set(&e, ERR_PERMANENT, "'%s' failed", p->step->name);
	if (h->f->o->mode == FLEET_APPLY && last->kind == PLANNED_FAILED && !last->applied)
		host_step_event(h, last, STEP_FAILED, NULL, last->error, 0);
	host_fail(h, &e);
}
