/* SPDX-License-Identifier: MIT
 *
 * The failure budget of a play (max_fail_percentage, any_errors_fatal), applied to the hosts of the
 * current wave. All of them plan first, and then apply as many tasks as the host whose plan reaches
 * the least far, so that a known failure stops every host at the same task. A failure during an
 * apply stops each host before its next step. A parked host has applied everything before its task,
 * and has planned no further.
 */
#include <stdint.h>
#include "fleet/budget.h"

const struct play *wave_play(const struct fleet *f)
{
	if (f->o->mode != FLEET_APPLY || !f->n_plays || !play_watched(&f->plays[f->play]))
		return NULL;
	return &f->plays[f->play];
}

static size_t wave_hosts(const struct fleet *f)
{
	return f->wave_end - f->wave_first;
}

struct fleet_host *wave_due(struct fleet *f)
{
	for (size_t i = f->wave_first; f->due && i < f->wave_end; i++)
		if (f->members[i]->due)
			return f->members[i];
	return NULL;
}

/* Cuts the host's plan after the task; it begins none later, in this wave or another. */
static void stop_after(struct fleet_host *h, uint32_t task)
{
	size_t n = h->applied_to;
	while (n < h->plan->n && h->plan->v[n]->step->turn <= task)
		n++;
	if (n == h->plan->n && (h->want == WANT_FAIL || h->want == WANT_END))
		return; /* its play ends there anyway */
	h->plan->n = h->upto = n;
	h->want = WANT_STOP;
}

void wave_leave(struct fleet_host *h)
{
	h->f->waiting -= h->waits;
	h->f->due -= h->due;
	h->waits = h->due = false;
}

bool wave_waits(struct fleet_host *h)
{
	struct fleet *f = h->f;
	if (!wave_play(f))
		return false;
	if (f->stopped) {
		stop_after(h, f->stopped_at);
		return false;
	}
	h->waits = true;
	f->running--;
	f->waiting++;
	fleet_advance(f);
	return true;
}

static const char *used_up(struct fleet *f, size_t failed)
{
	const struct play *p = &f->plays[f->play];
	if (p->any_errors_fatal)
		return arena_printf(f->a, "%zu of %zu host%s of the wave failed (any_errors_fatal)",
			failed, wave_hosts(f), wave_hosts(f) == 1 ? "" : "s");
	return arena_printf(f->a,
		"%zu of %zu host%s of the wave failed, more than max_fail_percentage allows (%g "
		"%%)",
		failed, wave_hosts(f), wave_hosts(f) == 1 ? "" : "s", p->max_fail_percentage);
}

static uint32_t final_task(const struct fleet_host *h)
{
	return h->plan->n ? h->plan->v[h->plan->n - 1]->step->turn : 0;
}

/* The number of hosts of the wave that will have failed after the task. */
static size_t failed_by(const struct fleet *f, uint32_t task)
{
	size_t n = f->wave_failed;
	for (size_t i = f->wave_first; i < f->wave_end; i++) {
		const struct fleet_host *h = f->members[i];
		n += h->waits && h->want == WANT_FAIL && final_task(h) <= task;
	}
	return n;
}

/* The first task whose known failures exceed the budget; UINT32_MAX: none does. */
static uint32_t fatal_task(const struct fleet *f)
{
	const struct play *p = wave_play(f);
	uint32_t task = UINT32_MAX;
	for (size_t i = f->wave_first; i < f->wave_end; i++) {
		const struct fleet_host *h = f->members[i];
		if (h->waits && h->want == WANT_FAIL && final_task(h) < task &&
			!wave_in_budget(p, wave_hosts(f), failed_by(f, final_task(h))))
			task = final_task(h);
	}
	return task;
}

/* The first task of the wave beyond which a host cannot plan: it needs the task's outcome, or facts
 * of other hosts. */
static uint32_t common_task(const struct fleet *f)
{
	uint32_t task = UINT32_MAX;
	for (size_t i = f->wave_first; i < f->wave_end; i++) {
		const struct fleet_host *h = f->members[i];
		if (h->waits && h->want == WANT_APPLY && final_task(h) < task)
			task = final_task(h);
		if (h->parked && resolver_task(h->resolver) < task)
			task = resolver_task(h->resolver);
	}
	return task;
}

static void now_due(struct fleet_host *h)
{
	h->f->due += !h->due;
	h->due = true;
}

static void carry_out_to(struct fleet_host *h, uint32_t task)
{
	size_t n = h->applied_to;
	while (n < h->plan->n && h->plan->v[n]->step->turn <= task)
		n++;
	h->upto = n;
	if (n > h->applied_to || n == h->plan->n)
		now_due(h);
}

bool wave_release(struct fleet *f)
{
	uint32_t fatal = fatal_task(f), common = common_task(f);
	bool ends = fatal < UINT32_MAX && fatal <= common;
	if (ends) {
		f->stopped = used_up(f, failed_by(f, fatal));
		f->stopped_at = fatal;
	}
	for (size_t i = f->wave_first; i < f->wave_end; i++) {
		struct fleet_host *h = f->members[i];
		if (h->waits && ends)
			stop_after(h, fatal);
		if (h->waits)
			carry_out_to(h, common);
	}
	return f->due > 0;
}

bool wave_is_behind(const struct fleet_host *h)
{
	return h->f->stopped && resolver_task(h->resolver) > h->f->stopped_at;
}

void wave_drop(struct fleet_host *h)
{
	h->want = WANT_STOP;
	host_apply(h);
}

/* Id of the last step sent to the host that belongs to this task or an earlier one. */
static uint32_t last_step(const struct fleet_host *h, uint32_t task)
{
	uint32_t id = 0;
	for (size_t i = h->applied_to; i < h->upto; i++)
		if (h->plan->v[i]->step->turn <= task)
			id = h->plan->v[i]->step->id;
	return id;
}

/* As in Ansible, the other hosts continue up to the failed task, if it is in their plan; one that
 * is further stops now. */
static void stop_fleet(struct fleet *f, const char *why, uint32_t task)
{
	f->stopped = why;
	f->stopped_at = task;
	f->wave_next = f->wave_end;
	for (size_t i = f->wave_first; i < f->wave_end; i++) {
		struct fleet_host *h = f->members[i];
		if (h->active && h->state == HOST_APPLYING) {
			struct value *msg = value_map(h->a);
			map_put(h->a, msg, "after", value_int(h->a, last_step(h, task)));
			transport_send(h->t, FRAME_STOP, msg);
		}
		if (h->waits) {
			stop_after(h, task);
			now_due(h);
		}
	}
}

void wave_lost(struct fleet_host *h)
{
	struct fleet *f = h->f;
	const struct play *p = wave_play(f);
	if (h->counted)
		return;
	h->counted = true;
	f->wave_failed++;
	f->play_failed++;
	if (p && !f->stopped && !wave_in_budget(p, wave_hosts(f), f->wave_failed))
		stop_fleet(
			f, used_up(f, f->wave_failed), h->failed_step ? h->failed_step->turn : 0);
}
