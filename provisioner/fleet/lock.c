/* SPDX-License-Identifier: MIT
 *
 * Waits until another apply on the same host ends, for --lock-timeout at most. Asks before
 * observing, so that the plan is made for the state which the other apply leaves. Never breaks a
 * lock.
 */
#include "fleet/fleet_private.h"

enum { ASK_MS = 500 };

static void ask_again(void *ctx)
{
	struct fleet_host *h = ctx;
	loop_timer_free(h->lock_wait);
	h->lock_wait = NULL;
	if (h->asks_lock)
		host_ask_lock(h);
	else
		host_send_apply(h);
}

/* Sends an APPLY without steps: the agent takes the lock for it, or reports who holds it. */
void host_ask_lock(struct fleet_host *h)
{
	struct arena *a = arena_new();
	struct value *msg = value_map(a);
	h->asks_lock = true;
	h->state = HOST_APPLYING;
	map_put(a, msg, "run", value_text(a, h->f->run));
	map_put(a, msg, "notified", value_list(a));
	map_put(a, msg, "steps", value_list(a));
	transport_send(h->t, FRAME_APPLY, msg);
	arena_free(a);
}

bool host_wait_for_lock(struct fleet_host *h)
{
	int64_t now = now_ms();
	if (!h->lock_until) {
		h->lock_until = now + (int64_t)h->f->o->lock_timeout_s * 1000;
		host_progress(h, "waiting for another apply on this host");
	}
	if (now >= h->lock_until)
		return false;
	int64_t left = h->lock_until - now;
	h->lock_wait = loop_timer(h->f->loop, left < ASK_MS ? left : ASK_MS, ask_again, h);
	return true;
}
