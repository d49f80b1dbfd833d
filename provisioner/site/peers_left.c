/* SPDX-License-Identifier: MIT
 *
 * Which hosts are still in a play: those that no earlier task has lost, in Ansible's order of
 * tasks. Results that are not known yet are waited for.
 */
#include "site/peers_private.h"

/* The result is not known yet. */
static bool is_open(const struct resolver *r, const struct step_record *s)
{
	return (!s->answered && !s->step.handler) || (r->mode == RESOLVE_RUN && s->planned);
}

static bool has_failed(const struct resolver *r, const struct step_record *s)
{
	if (!r->failures || s->step.ignore_errors)
		return false;
	return s->step.local ? s->step.failed == 1
			     : s->result && map_bool(s->result, "failed", false);
}

static const struct step_record *first_seen(const struct resolver *me, const struct resolver *r,
	enum seen how, bool (*is)(const struct resolver *r, const struct step_record *s))
{
	for (size_t i = 0; i < r->n_steps; i++)
		if (is(r, r->steps[i]) && peer_seen(me, how, &r->steps[i]->at))
			return r->steps[i];
	return NULL;
}

/* The place where a lost host ended: at a step that failed or was never run. */
static const struct place *end_of(const struct resolver *r)
{
	for (size_t i = 0; i < r->n_steps; i++)
		if (is_open(r, r->steps[i]) || has_failed(r, r->steps[i]))
			return &r->steps[i]->at;
	return &r->at;
}

static bool is_lost(const struct resolver *me, enum seen how, const struct peer *p)
{
	if (!p->lost)
		return false;
	if (!p->r)
		return p->lost_play < me->at.play || how != SEEN_EARLIER_PLAYS;
	return peer_seen(me, how, end_of(p->r));
}

/* Is the host no longer in the play at this task? *unknown is set where that is not known. */
static bool is_gone(struct vars *v, struct invhost *h, struct value **unknown)
{
	const struct resolver *me = v->resolver;
	const struct peer *p = peer_of(v->s, h->name), *mine = peer_of(v->s, v->host->name);
	enum seen how = peer_view(me, mine, h->name);
	const struct step_record *failed;
	if (p == mine || p->lost || !p->coming || how == SEEN_EARLIER_PLAYS)
		return is_lost(me, how, p);
	if (peer_behind(me, mine, h->name) ||
		(peer_awaits(p->r) && first_seen(me, p->r, how, is_open))) {
		*unknown = peer_wait_for(v, h, false, "what comes");
		return false;
	}
	failed = p->r->failures ? first_seen(me, p->r, how, has_failed) : NULL;
	/* while planning: a step that cannot be observed now may still succeed */
	if (failed && me->mode == RESOLVE_PLAN && !failed->step.local)
		*unknown = value_unknown(v->a, "until task '%s' has run", failed->step.name);
	return failed != NULL;
}

/* Most hosts that ask get the same answer as the one before. */
static bool is_answer(const struct value *answer, struct value *const *names, size_t n)
{
	return answer && answer->list.n == n &&
	       (!n || memcmp(answer->list.v, names, n * sizeof(*names)) == 0);
}

struct value *peers_left(struct vars *v, struct value *hosts)
{
	struct value **left, *unknown = NULL;
	struct arena *work;
	size_t n = 0;
	if (!v->resolver || v->resolver->dry || hosts->type != VALUE_LIST)
		return hosts;
	v->loop_dependent = v->reads_lost = true; /* valid for this moment only */
	work = arena_new();
	left = ARENA_ARRAY(work, struct value *, hosts->list.n + 1);
	for (size_t i = 0; i < hosts->list.n && !unknown; i++)
		if (!is_gone(v, inventory_host(v->s->inv, hosts->list.v[i]->s), &unknown))
			left[n++] = hosts->list.v[i];
	if (!unknown && n < hosts->list.n && !is_answer(v->play->left, left, n)) {
		v->play->left = value_list(v->s->a);
		v->play->left->literal = true;
		for (size_t i = 0; i < n; i++)
			list_add(v->s->a, v->play->left, left[i]);
	}
	arena_free(work);
	if (unknown)
		return unknown;
	return n < hosts->list.n ? v->play->left : hosts;
}
