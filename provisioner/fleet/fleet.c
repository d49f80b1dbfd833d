/* SPDX-License-Identifier: MIT
 *
 * Runs the plays, one after the other, wave by wave, with a limited number of hosts at a time. Does
 * not know what a host does in its part.
 */
#include "fleet/budget.h"

enum { TICK_MS = 100 };

static void take_tick(void *ctx)
{
	struct fleet *f = ctx;
	report_tick(f->o->report);
	loop_timer_free(f->tick);
	f->tick = loop_timer(f->loop, TICK_MS, take_tick, f);
}

static void fill_members(struct fleet *f)
{
	f->n_members = 0;
	f->members = ARENA_ARRAY(f->a, struct fleet_host *, f->n + 1);
	if (!f->n_plays) {
		for (size_t i = 0; i < f->n; i++)
			f->members[f->n_members++] = &f->hosts[i];
		return;
	}
	for (const char *const *n = f->plays[f->play].hosts; n && *n; n++) {
		const struct value *at = map_at(f->by_name, *n);
		if (at)
			f->members[f->n_members++] = &f->hosts[at->i];
	}
}

static const char *const *names_of(struct fleet *f, size_t first, size_t end)
{
	const char **names = ARENA_ARRAY(f->a, const char *, end - first + 1);
	size_t n = 0;
	for (size_t i = first; i < end; i++)
		if (f->members[i]->state != HOST_LOST)
			names[n++] = f->members[i]->name;
	return names;
}

static void start_wave(struct fleet *f)
{
	size_t size = f->wave_sizes[f->wave];
	f->wave_first = f->wave_next = f->wave_end;
	f->wave_end = f->wave_first + size;
	f->wave_failed = 0;
	f->stopped = NULL;
	if (f->n_plays && f->o->mode == FLEET_APPLY)
		site_batch(f->o->site, f->play, names_of(f, f->wave_first, f->wave_end));
	struct event e = {.kind = EVENT_PLAY, .count = size, .text = "saved plan"};
	if (f->n_plays)
		e.text = f->plays[f->play].name;
	if (f->n_waves > 1)
		e.text = arena_printf(f->a, "%s, wave %zu of %zu", e.text, f->wave + 1, f->n_waves);
	if (f->o->mode != FLEET_FACTS)
		report_event(f->o->report, &e);
}

/* Reports the host as skipped: what was not checked must not look converged. */
static void leave_out(struct fleet *f, struct fleet_host *h)
{
	const struct play *p = &f->plays[f->play];
	if (f->stopped)
		h->error = arena_printf(h->a, "the play '%s' stopped: %s", p->name, f->stopped);
	else
		h->error = arena_printf(h->a,
			"the play '%s' ended before this host's turn: %zu host%s failed or "
			"unreachable",
			p->name, f->play_failed, f->play_failed == 1 ? "" : "s");
}

static void end_all(struct fleet *f)
{
	f->done = true;
	for (size_t i = 0; i < f->n; i++) {
		struct fleet_host *h = &f->hosts[i];
		if (!h->finished && h->state != HOST_LOST)
			leave_out(f, h);
		host_end(h);
	}
	if (!f->open)
		loop_stop(f->loop);
}

void fleet_closed(struct fleet *f)
{
	f->open--;
	if (f->done && !f->open)
		loop_stop(f->loop);
}

static bool any_left(const struct fleet *f)
{
	for (size_t i = 0; i < f->n_members; i++)
		if (f->members[i]->state != HOST_LOST)
			return true;
	return false;
}

/* `plan` treats all hosts at once, but sets the variables of batches as apply would. */
static void plan_batches(struct fleet *f)
{
	const struct play *p = &f->plays[f->play];
	size_t n, *sizes = waves(f->a, p->serial, p->n_serial, f->n_members, &n);
	for (size_t i = 0, at = 0; i < n; at += sizes[i++])
		site_batch(f->o->site, f->play, names_of(f, at, at + sizes[i]));
}

/* Without plays (facts, a saved plan) there is one part, with all hosts. */
static void start_play(struct fleet *f)
{
	size_t n = f->n_plays ? f->n_plays : 1;
	for (; f->play < n; f->play++) {
		fill_members(f);
		if (any_left(f))
			break;
	}
	if (f->play == n) {
		end_all(f);
		return;
	}
	const struct play *p = f->n_plays && f->o->mode == FLEET_APPLY ? &f->plays[f->play] : NULL;
	if (f->n_plays && !p)
		plan_batches(f);
	f->wave_sizes =
		waves(f->a, p ? p->serial : NULL, p ? p->n_serial : 0, f->n_members, &f->n_waves);
	f->wave = 0;
	f->wave_end = 0;
	f->play_failed = 0;
	start_wave(f);
}

static bool goes_on(const struct fleet *f)
{
	if (f->o->mode != FLEET_APPLY || !f->n_plays)
		return true;
	return !f->stopped && wave_goes_on(f->wave_end - f->wave_first, f->wave_failed);
}

static void wave_over(struct fleet *f)
{
	if (!goes_on(f)) {
		end_all(f);
		return;
	}
	if (++f->wave < f->n_waves) {
		start_wave(f);
		return;
	}
	f->play++;
	start_play(f);
}

static void start_next(struct fleet *f)
{
	struct fleet_host *h = f->members[f->wave_next++];
	if (h->state == HOST_LOST) { /* since an earlier play, or its connection broke */
		wave_lost(h);
		return;
	}
	h->active = true;
	if (h->early) { /* it is already fetching facts */
		h->early = false;
		return;
	}
	f->running++;
	host_start(h);
}

/* ---- hosts that wait for other hosts ---- */
void fleet_park(struct fleet_host *h)
{
	struct fleet *f = h->f;
	bool facts;
	h->parked = true;
	f->parked++;
	for (size_t i = 0; resolver_waits(h->resolver, i, &facts); i++) {
		const struct value *at = map_at(f->by_name, resolver_waits(h->resolver, i, &facts));
		struct fleet_host *other = at ? &f->hosts[at->i] : NULL;
		if (facts && other && other->state == HOST_WAITING && !other->wanted) {
			other->wanted = true;
			f->wanted++;
		}
	}
	f->running--;
	host_progress(h, "waiting for other hosts");
	fleet_advance(f);
}

static void unpark_host(struct fleet_host *h)
{
	h->parked = false;
	h->f->parked--;
	h->f->running++;
}

/* A parked host whose wave stopped before its task does not wait any longer. */
static bool wake_one(struct fleet *f)
{
	for (size_t i = 0; f->parked && i < f->n; i++) {
		struct fleet_host *h = &f->hosts[i];
		if (!h->parked || (!wave_is_behind(h) && !resolver_may_go_on(h->resolver)))
			continue;
		unpark_host(h);
		if (wave_is_behind(h))
			wave_drop(h);
		else
			host_resolve(h);
		return true;
	}
	return false;
}

static bool ask_one(struct fleet *f)
{
	for (size_t i = 0; f->wanted && i < f->n; i++) {
		struct fleet_host *h = &f->hosts[i];
		if (!h->wanted)
			continue;
		h->wanted = false;
		f->wanted--;
		if (h->state != HOST_WAITING)
			continue;
		h->early = true;
		f->running++;
		host_ask_facts(h);
		return true;
	}
	return false;
}

/* Fails the parked hosts: no host is left that could provide what they wait for. If their wave was
 * stopped, they end without failure. */
static void give_up(struct fleet *f)
{
	struct err e = {0};
	bool stopped = f->stopped != NULL;
	err_set(&e, ERR_PERMANENT, "its task waits for other hosts, and those wait, too");
	for (size_t i = 0; f->parked && i < f->n; i++) {
		struct fleet_host *h = &f->hosts[i];
		if (!h->parked)
			continue;
		if (!stopped) {
			host_fail(h, &e);
			continue;
		}
		unpark_host(h);
		wave_drop(h);
	}
}

void fleet_moved(struct fleet *f)
{
	if (f->parked)
		fleet_advance(f);
}

static void go_on(struct fleet_host *h)
{
	wave_leave(h);
	h->f->running++;
	host_carry_out(h);
}

/* A host with nothing to do finishes within host_start; the loop then starts the next, so that many
 * such hosts cause no deep recursion. */
void fleet_advance(struct fleet *f)
{
	if (f->advancing)
		return;
	f->advancing = true;
	while (!f->done) {
		bool all_begun = f->wave_next == f->wave_end, fork_free = f->running < f->forks;
		struct fleet_host *due = wave_due(f);
		if (fork_free && (wake_one(f) || ask_one(f)))
			continue;
		if (due && fork_free)
			go_on(due);
		else if (!all_begun && fork_free)
			start_next(f);
		else if (!all_begun || due || f->running)
			break;
		else if (f->waiting && wave_release(f))
			continue;
		else if (f->parked)
			give_up(f);
		else
			wave_over(f);
	}
	f->advancing = false;
}

void fleet_host_done(struct fleet_host *h)
{
	struct fleet *f = h->f;
	bool early = h->early;
	if (f->done || (!h->active && !early))
		return;
	f->running -= !h->waits && !h->parked;
	f->parked -= h->parked;
	wave_leave(h);
	h->active = h->parked = h->early = false;
	if (h->state == HOST_LOST && !early)
		wave_lost(h);
	if (h->state == HOST_LOST || (!early && h->last_play <= f->play && h->want != WANT_STOP))
		host_end(h);
	else
		report_event(f->o->report, &(struct event){EVENT_PROGRESS, .host = h->name});
	fleet_advance(f);
}

static const char *const *all_hosts(struct fleet *f)
{
	const struct fleet_options *o = f->o;
	if (o->mode == FLEET_FACTS)
		return o->hosts;
	if (!o->saved)
		return site_hosts(o->site);
	const char **v = ARENA_ARRAY(f->a, const char *, o->saved->n + 1);
	for (size_t i = 0; i < o->saved->n; i++)
		v[i] = o->saved->v[i]->name;
	return v;
}

/* Host -> the last play that it takes part in. */
static struct value *last_plays(const struct fleet *f)
{
	struct value *m = value_map(f->a);
	for (size_t p = 0; p < f->n_plays; p++) {
		struct value *at = value_int(f->a, (int64_t)p);
		for (const char *const *h = f->plays[p].hosts; h && *h; h++)
			map_set(f->a, m, str_c(*h), at);
	}
	return m;
}

static void make_hosts(struct fleet *f)
{
	const char *const *names = all_hosts(f);
	const struct value *last = last_plays(f);
	size_t n = 0;
	while (names[n])
		n++;
	f->hosts = ARENA_ARRAY(f->a, struct fleet_host, n + 1);
	f->by_name = value_map(f->a);
	for (size_t i = 0; i < n; i++) {
		const struct value *play = map_at(last, names[i]);
		if (f->n_plays && !play)
			continue;
		map_set(f->a, f->by_name, str_c(names[i]), value_int(f->a, (int64_t)f->n));
		struct fleet_host *h = &f->hosts[f->n++];
		h->f = f;
		h->name = names[i];
		h->last_play = play ? (size_t)play->i : 0;
		h->a = arena_new();
		h->plan = plan_target(f->plan, h->a, TARGET_HOST, h->name);
		if (f->n_plays)
			site_host_comes(f->o->site, h->name);
		h->notified = value_list(h->a);
		if (f->o->saved)
			h->saved = f->o->saved->v[i];
	}
}

static int exit_code(const struct fleet *f)
{
	int code = 0;
	if (f->stopped)
		return 2;
	for (size_t i = 0; i < f->n; i++) {
		if (f->hosts[i].stats.unreachable)
			return 4;
		if (f->hosts[i].stats.failed || f->hosts[i].error)
			code = 2;
	}
	return code;
}

/* Sorts by time; two runs of the same second differ. */
static const char *run_name(struct arena *a)
{
	struct timespec now;
	struct tm tm;
	char text[32];
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y%m%dT%H%M%S", &tm);
	return arena_printf(a, "%s.%06ld", text, now.tv_nsec / 1000);
}

bool fleet_run(
	struct arena *a, const struct fleet_options *o, struct fleet_result *r, struct err *e)
{
	struct fleet f = {.a = a, .o = o, .forks = o->forks ? o->forks : FLEET_FORKS};
	f.run = run_name(a);
	f.plan = plan_new(a);
	f.facts = value_map(a);
	f.probed = value_map(a);
	if (o->site && !o->saved && o->mode != FLEET_FACTS)
		f.n_plays = site_plays(o->site, &f.plays);
	make_hosts(&f);
	f.forks = connections_at_once(f.forks < f.n || !f.n ? f.forks : f.n);
	if (!f.n)
		return err_set(e, ERR_CONFIG, "no host matches: nothing to do");
	f.loop = loop_new();
	f.tick = loop_timer(f.loop, TICK_MS, take_tick, &f);
	start_play(&f);
	fleet_advance(&f);
	if (!f.done || f.open)
		loop_run(f.loop);
	if (o->mode == FLEET_PLAN)
		plan_freeze(f.plan);
	r->plan = f.plan;
	r->arenas = ARENA_ARRAY(a, struct arena *, f.n);
	for (size_t i = 0; i < f.n; i++)
		r->arenas[r->n_arenas++] = f.hosts[i].a;
	r->facts = f.facts;
	r->probed = f.probed;
	r->exit_code = exit_code(&f);
	loop_timer_free(f.tick);
	loop_free(f.loop);
	return true;
}

void fleet_result_free(struct fleet_result *r)
{
	for (size_t i = 0; i < r->n_arenas; i++)
		arena_free(r->arenas[i]);
	r->n_arenas = 0;
}
