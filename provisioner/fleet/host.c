/* SPDX-License-Identifier: MIT
 *
 * The states of one host: connect, resolve, observe, apply, end. Each function is one transition.
 * Nothing here blocks, and an error ends only this host.
 */
#include "fleet/host_origins.h"

enum {
	FIELD_MAX = 64 << 10, /* of one field of a change, with its name */
	KEPT_MAX = 32 << 20,  /* bytes kept of what one agent sends */
	WORDS_FIRST = 100,    /* NOTE and ALIVE frames allowed at any time */
	WORDS_A_SECOND = 20,  /* and in addition for each second; an agent sends ten at most */
};

bool host_keeps(struct fleet_host *h, size_t n)
{
	struct err e = {0};
	h->kept += n;
	if (h->kept <= KEPT_MAX) {
		transport_room(h->t, KEPT_MAX - h->kept);
		return true;
	}
	err_set(&e, ERR_PERMANENT,
		"the facts and results of this host are more than %d MB; register less",
		KEPT_MAX >> 20);
	host_fail(h, &e);
	return false;
}

static size_t text_size(const struct value *v)
{
	size_t n = v->type == VALUE_STR ? v->s.n : 0;
	for (size_t i = 0; v->type == VALUE_LIST && i < v->list.n; i++)
		n += text_size(v->list.v[i]);
	for (size_t i = 0; v->type == VALUE_MAP && i < v->map.n; i++)
		n += v->map.e[i].key.n + text_size(v->map.e[i].value);
	return n;
}

bool host_may_show(struct fleet_host *h, const struct value *changes)
{
	struct err e = {0};
	for (size_t i = 0; changes && i < changes->list.n; i++)
		if (text_size(changes->list.v[i]) > 2 * TEXT_MAX + FIELD_MAX)
			err_set(&e, ERR_PERMANENT, "the agent reports a change of more than %d MB",
				TEXT_MAX >> 20);
	if (e.kind)
		host_fail(h, &e);
	return !e.kind;
}

void host_asked(struct fleet_host *h)
{
	h->words = 0;
	h->words_from = now_ms();
}

void host_progress(struct fleet_host *h, const char *fmt, ...)
{
	char text[200];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	struct event e = {.kind = EVENT_PROGRESS, .host = h->name, .text = text};
	report_event(h->f->o->report, &e);
}

static void count_tasks(struct fleet_host *h)
{
	for (size_t i = 0; i < h->task_cap; i++) {
		const struct task_count *t = &h->tasks[i];
		bool ok = t->status == STEP_OK || t->status == STEP_CHANGED ||
			  t->status == STEP_IGNORED;
		if (!t->seen)
			continue;
		h->stats.ok += ok;
		h->stats.changed += ok && t->changed;
		h->stats.skipped += t->status == STEP_SKIPPED;
		h->stats.ignored += t->status == STEP_IGNORED;
		h->stats.failed += t->status == STEP_FAILED;
	}
}

void host_end(struct fleet_host *h)
{
	if (h->finished)
		return;
	h->finished = true;
	loop_timer_free(h->lock_wait);
	h->lock_wait = NULL;
	const struct fleet_options *o = h->f->o;
	if (o->mode == FLEET_PLAN)
		h->plan->error = h->error;
	if (o->mode == FLEET_PLAN && h->hello) {
		host_keep_settings(h);
		plan_freeze_target(h->plan);
		for (size_t i = 0; i < h->plan->n; i++)
			host_find_origins(h, h->plan->v[i], planned_error(h->plan->v[i]));
		struct event e = {.kind = EVENT_PLAN, .host = h->name, .plan = h->plan};
		report_event(o->report, &e);
	}
	count_tasks(h);
	if (h->state == HOST_LOST && !h->stats.unreachable && !h->stats.failed)
		h->stats.failed = 1;
	struct event e = {
		.kind = EVENT_HOST, .host = h->name, .stats = &h->stats, .error = h->error};
	report_event(o->report, &e);
	if (h->t)
		transport_close(h->t);
}

void host_fail(struct fleet_host *h, const struct err *e)
{
	if (h->state == HOST_LOST)
		return;
	h->state = HOST_LOST;
	h->error = arena_strdup(h->a, e->msg);
	if (e->pos.line)
		h->error = arena_printf(
			h->a, "%s:%u:%u: %s", e->pos.file, e->pos.line, e->pos.col, h->error);
	if (e->kind == ERR_UNREACHABLE || e->kind == ERR_TRANSIENT)
		h->stats.unreachable = 1;
	if (h->f->n_plays)
		site_host_lost(h->f->o->site, h->name, h->f->play);
	fleet_host_done(h);
	fleet_moved(h->f);
}

const char **host_pending(struct fleet_host *h, const struct value *msg)
{
	const struct value *l = map_at(msg, "pending");
	size_t n = l && l->type == VALUE_LIST ? l->list.n : 0;
	const char **v = ARENA_ARRAY(h->a, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		v[i] = l->list.v[i]->type == VALUE_STR ? arena_strdup(h->a, l->list.v[i]->s.p) : "";
	return v;
}

static void tell_last_run(struct fleet_host *h, const struct value *hello)
{
	const struct value *last = map_at(hello, "last");
	if (!last || last->type != VALUE_MAP ||
		strcmp(map_cstr(last, "status", ""), "interrupted") != 0)
		return;
	const char *text = arena_printf(h->a,
		"the last apply was interrupted at '%s' (%s); this run continues from the present "
		"state",
		map_cstr(last, "step", "?"), map_cstr(last, "at", "?"));
	struct event e = {.kind = EVENT_NOTE, .host = h->name, .text = text};
	report_event(h->f->o->report, &e);
}

void host_begin(struct fleet_host *h)
{
	struct fleet *f = h->f;
	h->state = HOST_IDLE;
	if (h->saved) {
		host_resolve(h);
		return;
	}
	enum resolve_mode mode = f->o->mode == FLEET_APPLY ? RESOLVE_RUN : RESOLVE_PLAN;
	host_keep_settings(h);
	if (h->resolver)
		h->resolver = resolver_continue(h->resolver, f->play);
	else
		h->resolver = resolver_new(f->o->site, h->a,
			&(struct resolve_start){h->name, f->play, h->facts, h->pending, mode});
	host_resolve(h);
}

/* Takes the facts; asks for the probe's resource if there is one, else the host is done. */
static void take_facts(struct fleet_host *h)
{
	const struct fleet_options *o = h->f->o;
	struct err e = {0};
	const struct step *s =
		o->probe ? o->probe(o->probe_ctx, h->a, h->name, h->facts, &e) : NULL;
	map_set(h->f->a, h->f->facts, str_c(h->name), h->facts);
	h->state = HOST_IDLE;
	if (e.kind) {
		host_fail(h, &e);
		return;
	}
	if (s) {
		plan_add(h->plan, s);
		host_observe(h);
		return;
	}
	fleet_host_done(h);
}

static void on_hello(struct fleet_host *h, struct value *msg)
{
	size_t before = arena_held(h->a);
	h->hello = true;
	h->facts = value_copy(h->a, map_at(msg, "facts"));
	h->pending = host_pending(h, msg);
	if (!host_keeps(h, arena_held(h->a) - before))
		return;
	tell_last_run(h, msg);
	if (h->f->n_plays)
		site_host_facts(h->f->o->site, h->name, h->facts);
	if (h->early) {
		h->state = HOST_IDLE;
		fleet_host_done(h);
		return;
	}
	if (h->f->o->mode == FLEET_FACTS) {
		take_facts(h);
		return;
	}
	const struct value *last = map_at(msg, "last");
	bool at_work = last && last->type == VALUE_MAP &&
		       strcmp(map_cstr(last, "status", ""), "running") == 0;
	if (at_work && h->f->o->mode == FLEET_APPLY && h->f->o->lock_timeout_s)
		host_ask_lock(h);
	else
		host_begin(h);
}

static void out_of_turn(struct fleet_host *h, enum frame_type type)
{
	struct err e = {0};
	err_set(&e, ERR_PERMANENT, "the agent sent %s out of turn", frame_name(type));
	host_fail(h, &e);
}

/* Limits the NOTE and ALIVE frames of an agent by their average rate, since they may arrive late
 * and at once. */
static bool may_talk(struct fleet_host *h)
{
	struct err e = {0};
	int64_t ms = now_ms() - h->words_from;
	if (++h->words <= WORDS_FIRST + WORDS_A_SECOND * (size_t)(ms / 1000))
		return true;
	err_set(&e, ERR_PERMANENT, "the agent sends too much: more than %d notes a second",
		WORDS_A_SECOND);
	host_fail(h, &e);
	return false;
}

static void take_note(struct fleet_host *h, const struct value *msg)
{
	const struct planned *p = plan_find(h->plan, (uint32_t)map_int(msg, "id", 0));
	if (h->state != HOST_APPLYING || !p || !p->started || p->ended)
		out_of_turn(h, FRAME_NOTE);
	else if (may_talk(h))
		host_progress(h, "%s", map_cstr(msg, "text", ""));
}

static void take_fatal(struct fleet_host *h, const struct value *msg)
{
	struct err e = {0};
	err_set(&e, ERR_PERMANENT, "the agent ended with an error: %s", map_cstr(msg, "msg", "?"));
	host_fail(h, &e);
}

static void take_frame(struct fleet_host *h, enum frame_type type, struct value *msg)
{
	bool applying = h->state == HOST_APPLYING, observing = h->state == HOST_OBSERVING;
	if (type == FRAME_HELLO && !h->hello)
		on_hello(h, msg);
	else if (type == FRAME_OBSERVED && observing)
		host_observed(h, msg);
	else if (type == FRAME_STARTED && applying)
		host_started(h, msg);
	else if (type == FRAME_NOTE)
		take_note(h, msg);
	else if (type == FRAME_ALIVE && (observing || applying))
		may_talk(h);
	else if (type == FRAME_STEP && applying)
		host_step(h, msg);
	else if (type == FRAME_APPLIED && applying)
		host_applied(h, msg);
	else if (type == FRAME_FATAL)
		take_fatal(h, msg);
	else
		out_of_turn(h, type);
}

/* The frame's memory is freed afterwards: copy what is kept. */
static void on_frame(void *ctx, enum frame_type type, struct value *msg)
{
	struct fleet_host *h = ctx;
	if (h->state == HOST_LOST)
		return;
	take_frame(h, type, msg);
	fleet_moved(h->f);
}

static void on_progress(void *ctx, const char *what)
{
	host_progress(ctx, "%s", what);
}

static void on_closed(void *ctx, const struct err *why)
{
	struct fleet_host *h = ctx;
	struct err e = *why;
	h->t = NULL;
	loop_timer_free(h->lock_wait);
	h->lock_wait = NULL;
	fleet_closed(h->f);
	if (h->finished || h->state == HOST_LOST)
		return;
	if (e.kind == ERR_NONE)
		err_set(&e, ERR_TRANSIENT, "the agent ended the connection");
	if (h->state == HOST_APPLYING) {
		if (e.kind == ERR_PERMANENT)
			e.kind = ERR_TRANSIENT;
		err_prefix(&e, "lost during the apply (the next run continues from the state of "
			       "the host)");
	}
	host_fail(h, &e);
}

static bool connection_of(struct fleet_host *h, struct connection *c, struct err *e)
{
	if (!h->saved)
		return site_connection(h->f->o->site, h->name, c, e);
	*c = h->saved->connection;
	return true;
}

static void host_connect(struct fleet_host *h)
{
	static const struct transport_events events = {on_progress, on_frame, on_closed};
	const struct fleet_options *o = h->f->o;
	struct connection c;
	struct err e = {0};
	if (!connection_of(h, &c, &e)) {
		host_fail(h, &e);
		return;
	}
	h->plan->connection = c;
	struct target *t = ARENA_NEW(h->a, struct target);
	*t = (struct target){
		.name = h->name,
		.connection = c,
		.known_hosts = o->known_hosts,
		.accept_new = o->accept_new,
		.timeout_s = o->timeout_s,
		.silence_s = o->silence_s,
		.work_s = o->host_timeout_s,
	};
	if (!c.address)
		t->connection.address = h->name;
	if (o->password)
		t->connection.password = o->password;
	if (o->become_password)
		t->connection.become_password = o->become_password;
	h->state = HOST_CONNECTING;
	h->f->open++;
	h->t = transport_open(h->f->loop, h->a, t, &o->image, &events, h);
	transport_room(h->t, KEPT_MAX);
}

void host_ask_facts(struct fleet_host *h)
{
	host_connect(h);
}

void host_start(struct fleet_host *h)
{
	if (h->hello)
		host_begin(h);
	else
		host_connect(h);
}

/* The next step, from the resolver or the saved plan. */
static enum resolve_status next_step(struct fleet_host *h, struct step **out, struct err *e)
{
	if (!h->saved)
		return resolver_next(h->resolver, out, e);
	if (h->saved_next == h->saved->n)
		return RESOLVE_END;
	*out = (struct step *)h->saved->v[h->saved_next++]->step;
	return RESOLVE_STEP;
}

/* What has to be applied before the next step can be resolved; WANT_RESOLVE: nothing. */
static enum host_want take_step(struct fleet_host *h, const struct step *s)
{
	struct planned *p = plan_add(h->plan, s);
	p->observed = !s->type || s->handler;
	p->changed = s->local && s->changed == 1;
	h->failing = h->failing || (s->local && s->failed == 1 && !s->ignore_errors);
	if (h->failing && !s->more)
		return WANT_FAIL;
	if (h->f->o->mode != FLEET_APPLY)
		return WANT_RESOLVE;
	/* handlers notified by the controller are sent with the next APPLY */
	return s->verdict || host_notifies(s) ? WANT_APPLY : WANT_RESOLVE;
}

static void host_wants(struct fleet_host *h, enum host_want want)
{
	h->want = want;
	if (host_observe(h))
		return;
	if (h->f->o->mode == FLEET_APPLY)
		host_apply(h);
	else if (host_cut(h))
		host_fail_last(h);
	else
		fleet_host_done(h);
}

void host_resolve(struct fleet_host *h)
{
	struct err e = {0};
	struct step *s;
	enum host_want want;
	for (;;) {
		switch (next_step(h, &s, &e)) {
		case RESOLVE_STEP:
			want = take_step(h, s);
			if (want != WANT_RESOLVE) {
				host_wants(h, want);
				return;
			}
			break;
		case RESOLVE_OBSERVE:
			h->want = WANT_RESOLVE;
			if (!host_observe(h)) {
				err_set(&e, ERR_PERMANENT,
					"internal error: the resolver waits for results but no "
					"step is under way");
				host_fail(h, &e);
			}
			return;
		case RESOLVE_PEERS:
			fleet_park(h);
			return;
		case RESOLVE_APPLY:
			host_wants(h, WANT_APPLY);
			return;
		case RESOLVE_END:
			host_wants(h, WANT_END);
			return;
		case RESOLVE_FAILED:
			host_fail(h, &e);
			return;
		}
	}
}
