/* SPDX-License-Identifier: MIT
 *
 * Time limits for a host: for the login, without a sign of life, and for the work it was given.
 * Ends only its own connection.
 */
#include "transport/transport_private.h"

enum {
	SILENCE_S = 30,         /* longest silence while a sign of life is expected */
	WORK_S = 3600,          /* for an observation, and for each step of an apply */
	ALIVE_BYTES = 64 << 10, /* this many bytes count as progress of a transfer: 2 KB a second */
};

static void limit_reached(void *ctx);

void limits_set(struct transport *t, int64_t ms)
{
	loop_timer_free(t->limit);
	t->limit = ms ? loop_timer(t->loop, ms, limit_reached, t) : NULL;
}

static int silence_s(const struct transport *t)
{
	return t->target.timeout_s > t->target.silence_s ? t->target.timeout_s
							 : t->target.silence_s;
}

/* Schedules the next check for when the silence, or the work, would have lasted too long. */
static void watch_limits(struct transport *t)
{
	int64_t now = now_ms(), next = t->since_ms + 1000LL * silence_s(t);
	if (t->work_ms < next)
		next = t->work_ms;
	loop_timer_free(t->limit);
	t->limit = loop_timer(t->loop, next > now ? next - now : 0, limit_reached, t);
}

static void watch_from_now(struct transport *t)
{
	t->alive = false;
	t->since_ms = now_ms();
	t->moved_before = t->link ? t->link->moved : 0;
	watch_limits(t);
}

/* A few bytes are not enough: a whole frame, or progress of a transfer, counts as a
 * sign of life. */
static bool shows_life(const struct transport *t)
{
	return t->alive || t->link->moved - t->moved_before >= ALIVE_BYTES;
}

static void limit_reached(void *ctx)
{
	struct transport *t = ctx;
	int64_t now = now_ms();
	if (t->phase == PHASE_CLOSING)
		transport_finish(t, NULL);
	else if (t->phase == PHASE_LOGIN)
		transport_fail(t, ERR_UNREACHABLE, "no answer within %d s (while %s)",
			t->target.timeout_s, t->doing);
	else if (now >= t->work_ms)
		transport_fail(t, ERR_TRANSIENT,
			"it took longer than %d s (while %s); raise --host-timeout, or the task's "
			"timeout:",
			t->limit_s, t->doing);
	else if (now < t->since_ms + 1000LL * silence_s(t))
		watch_limits(t);
	else if (shows_life(t))
		watch_from_now(t);
	else
		transport_fail(t, t->phase == PHASE_RUN ? ERR_TRANSIENT : ERR_UNREACHABLE,
			"no sign of life for %d s (while %s)", silence_s(t), t->doing);
}

void transport_limit(struct transport *t, int seconds)
{
	t->limit_s = seconds > 0 ? seconds : t->target.work_s;
	t->work_ms = now_ms() + 1000LL * t->limit_s;
	if (t->awaiting)
		watch_limits(t);
}

void limits_begin(struct transport *t)
{
	transport_limit(t, 0);
	watch_from_now(t);
}

void limits_init(struct transport *t)
{
	if (t->target.silence_s <= 0)
		t->target.silence_s = SILENCE_S;
	if (t->target.work_s <= 0)
		t->target.work_s = WORK_S;
}
