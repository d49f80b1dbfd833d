/* SPDX-License-Identifier: MIT
 *
 * Shared by this folder only: the run, and one host in it.
 */
#pragma once
#include "fleet/fleet.h"

enum host_state {
	HOST_WAITING, /* for a free connection */
	HOST_CONNECTING,
	HOST_IDLE, /* connected, its part of the play is done */
	HOST_OBSERVING,
	HOST_APPLYING,
	HOST_LOST, /* failed or unreachable: takes no further part */
};
/* After the observation that is under way: what the resolver asked for. */
enum host_want { WANT_RESOLVE, WANT_APPLY, WANT_END };

struct fleet;
struct fleet_host {
	struct fleet *f;
	const char *name;
	struct arena *a;
	struct transport *t;
	enum host_state state;
	enum host_want want;
	bool active;   /* holds one of the forks */
	bool finished; /* its last play is done */
	bool hello;
	size_t last_play; /* that it has a part in */
	struct value *facts;
	const char **pending;
	struct resolver *resolver;
	struct host_plan *plan;
	const struct host_plan *saved;
	size_t saved_next;
	size_t applied_to;        /* plan->v up to here is applied and reported */
	struct value *notified;   /* handler ids for the next APPLY, by verdicts given here */
	signed char *task_status; /* by task: enum step_status, -1 none */
	size_t task_cap;
	struct host_stats stats;
	const char *error;
};
struct fleet {
	struct arena *a;
	const struct fleet_options *o;
	struct loop *loop;
	struct loop_timer *tick;
	struct fleet_host *hosts;
	size_t n;
	struct value *by_name; /* index into hosts */
	struct plan *plan;
	struct value *facts, *probed; /* FACTS: by host */
	const struct play *plays;
	size_t n_plays, play;
	struct fleet_host **members; /* of the play, in order */
	size_t n_members;
	size_t *wave_sizes, n_waves, wave;
	size_t wave_first, wave_next, wave_end; /* members: this wave; next to start */
	const char *run;                        /* names this run in the hosts' journals */
	size_t open;                            /* connections, those being closed too */
	size_t running, forks;
	size_t wave_failed, play_failed;
	bool done, advancing;
};

/* fleet.c */
void fleet_host_done(struct fleet_host *h); /* its part of the play ended, well or not */
void fleet_closed(struct fleet *f);         /* a connection is gone */
/* host.c */
void host_start(struct fleet_host *h);
void host_resolve(struct fleet_host *h);
void host_fail(struct fleet_host *h, const struct err *e);
void host_end(struct fleet_host *h); /* after its last play: report, hang up */
void host_progress(struct fleet_host *h, const char *fmt, ...) PRINTF(2, 3);
const char *host_visible(struct fleet_host *h, struct str text); /* control bytes made harmless */
/* host_observe.c */
bool host_observe(struct fleet_host *h); /* false: nothing to observe */
void host_observed(struct fleet_host *h, struct value *msg);
/* The parameters as they go to the agent: with no_log all of them as secrets. */
struct value *wire_params(struct arena *a, const struct step *s);
/* host_apply.c */
void host_apply(struct fleet_host *h);
void host_step(struct fleet_host *h, struct value *msg);
void host_applied(struct fleet_host *h, struct value *msg);
void host_step_event(struct fleet_host *h, struct planned *p, enum step_status s,
	const struct value *changes, const char *error, int64_t ms);
