/* SPDX-License-Identifier: MIT
 *
 * The pending handlers of an APPLY: added when something they activate changes, removed when they
 * have run. Runs none itself.
 */
#include "agent/apply.h"

bool apply_is_pending(const struct apply *ap, const char *handler)
{
	return list_has(ap->pending, str_c(handler));
}

void apply_note_change(struct apply *ap, const char *handler, int64_t ms)
{
	struct arena *a = ap->s->a;
	if (!ap->s->changed)
		ap->s->changed = value_map(a);
	map_set(a, ap->s->changed, str_dup(a, handler, strlen(handler)), value_int(a, ms));
}

static void forget_handler(struct apply *ap, const char *handler)
{
	struct value *left = value_list(ap->a);
	struct err e = {0};
	for (size_t i = 0; i < ap->pending->list.n; i++)
		if (!str_is(ap->pending->list.v[i]->s, handler))
			list_add(ap->a, left, ap->pending->list.v[i]);
	ap->pending = left;
	if (!pending_save(ap->a, ap->state.dir, left, &e))
		apply_stop(ap, "failed", "%s", e.msg);
	rollback_verified(ap, handler);
}

void handler_done(struct apply *ap, const struct work *w)
{
	const struct work *next = w + 1;
	bool more = next < ap->v + ap->n && next->want.handler &&
		    strcmp(next->want.handler, w->want.handler) == 0;
	if (!more && !ap->failing)
		forget_handler(ap, w->want.handler);
}

void handlers_take_back(struct apply *ap, struct step_run *t)
{
	unsigned char then[SHA256_LEN], now[SHA256_LEN];
	struct observation o;
	struct err e = {0};
	if (!t->pending_before || t->step.want.type->class != RES_FILE ||
		!step_observe(&t->step, &t->h, &o, &e))
		return;
	step_digest(t->o.changes, then);
	step_digest(o.changes, now);
	if (memcmp(then, now, sizeof(now)) != 0)
		return;
	ap->pending = t->pending_before;
	if (!pending_save(ap->a, ap->state.dir, ap->pending, &e) ||
		!undo_discard_verified(&ap->undo, ap->pending, &e))
		apply_stop(ap, "failed", "%s", e.msg);
}
