/* SPDX-License-Identifier: MIT
 *
 * A walk through the plays before any host is contacted: finds what is wrong whatever the facts are
 * (undefined names, parameters, arguments of roles). Skips what depends on facts or results; where
 * tasks depend on them, the walk ends for that host.
 */
#include "site/resolve.h"

enum { DRY_HOSTS = 32, DRY_STEPS = 200000 };

/* Only for what a task itself needs: inside a variable, `default` may still provide a value. */
bool vars_undefined(void *ctx, const struct err *e)
{
	struct vars *v = ctx;
	if (!v->found || v->n_busy)
		return false;
	if (!v->err.kind)
		v->err = *e;
	if (!v->err.pos.line)
		v->err.pos = e->pos;
	errs_take(v->found, &v->err);
	v->err = (struct err){0};
	v->not_undefined = false;
	return true;
}

struct errs *vars_quiet(struct vars *v)
{
	struct errs *found = v->found;
	v->found = NULL;
	return found;
}

/* Walks one play; false when the plays after it cannot be checked. */
static bool walk_play(struct resolver *r, struct errs *found)
{
	struct step *step;
	struct err e = {0};
	for (size_t i = 0; i < DRY_STEPS; i++) {
		enum resolve_status st;
		r->v->found = r->past_visible ? NULL : found;
		st = resolver_next(r, &step, &e);

		if (st == RESOLVE_END)
			return !r->past_visible;
		if (st == RESOLVE_FAILED) {
			if (!r->past_visible)
				errs_take(found, &e);
			return false;
		}
	}
	return false;
}

static void dry_host(struct site *s, const char *host, struct errs *found)
{
	struct arena *a = arena_new();
	struct resolver *r = NULL;
	bool go_on = true;
	for (size_t i = 0; go_on && i < s->n_plays; i++) {
		if (!play_has(s->plays[i], host))
			continue;
		r = r ? resolver_continue(r, i) : resolver_dry(s, a, host, i, found);
		go_on = walk_play(r, found);
	}
	arena_free(a);
}

void site_dry_run(struct site *s, struct errs *errs)
{
	struct errs found;
	errs_init(&found, s->a);
	for (size_t i = 0; i < s->n_hosts && i < DRY_HOSTS; i++)
		dry_host(s, s->hosts[i], &found);
	problems_once(&found, errs);
}
