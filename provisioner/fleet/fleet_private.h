/* SPDX-License-Identifier: MIT
 *
 * Private to fleet/: the run, and one host in it.
 */
#pragma once
#include "fleet/fleet.h"

enum host_state {
	HOST_WAITING, /* for one of the forks */
	HOST_CONNECTING,
	HOST_IDLE, /* connected; has finished its part of the play */
	HOST_OBSERVING,
	HOST_APPLYING,
	HOST_LOST, /* failed or unreachable: not used in the rest of the run */
};
/* What the resolver needs after the current observation. */
enum host_want {
	WANT_RESOLVE,
	WANT_APPLY,
	WANT_END,
	WANT_FAIL, /* the plan's last task fails: apply the rest, then end the play for this host */
	WANT_STOP, /* end the play for this host, because its wave has stopped */
};

/* A task in the recap. A looped task counts once, with the status of its worst item. */
struct task_count {
	bool seen, changed;
	enum step_status status;
};

struct fleet;
struct fleet_host {
	struct fleet *f;
	const char *name;
	struct arena *a;
	struct transport *t;
	enum host_state state;
	enum host_want want;
	bool active;  /* takes part in the current wave; holds a fork unless it waits */
	bool waits;   /* has planned, and waits for the other hosts of its wave before it applies */
	bool due;     /* waits only for a fork */
	bool counted; /* counted as lost in this wave */
	bool wanted;  /* another host needs its facts, and its own turn has not come */
	bool early;   /* connected before its turn, for its facts only; holds a fork */
	bool parked;  /* its task needs facts of other hosts; holds no fork */
	bool finished; /* has finished its last play */
	bool hello;
	size_t last_play; /* index of the last play that it takes part in */
	struct value *facts;
	const char **pending;
	struct resolver *resolver;
	struct plan_target *plan;
	const struct plan_target *saved;
	size_t saved_next;
	size_t applied_to;              /* plan->v before this index is applied and reported */
	size_t upto;                    /* plan->v before this index is to be applied now */
	size_t announced;               /* plan->v before this index has been shown to the user */
	struct value *notified;         /* handlers for the next APPLY, by tasks judged here */
	struct value *sent;             /* those of the current APPLY, until it has ended */
	const struct step *failed_step; /* the last one reported as failed; NULL: none */
	bool failing;                   /* an item failed: the play ends after its loop */
	struct task_count *tasks;       /* indexed by task */
	size_t task_cap;
	struct host_stats stats;
	const char *error;
	bool asks_lock;               /* only the question for the lock has been sent */
	int64_t lock_until;           /* ms of CLOCK_MONOTONIC; 0: not refused yet */
	struct loop_timer *lock_wait; /* until the next attempt */
	size_t kept;                  /* bytes of `a` that hold what the agent sent */
	size_t words;                 /* number of NOTE and ALIVE frames in this APPLY or OBSERVE */
	int64_t words_from;           /* when it was sent, in ms of CLOCK_MONOTONIC */
};
struct fleet {
	struct arena *a;
	const struct fleet_options *o;
	struct loop *loop;
	struct loop_timer *tick;
	struct fleet_host *hosts;
	size_t n;
	struct value *by_name; /* name -> index into hosts */
	struct plan *plan;
	struct value *facts, *probed; /* FACTS: host -> value */
	const struct play *plays;
	size_t n_plays, play;
	struct fleet_host **members; /* hosts of the play, in order */
	size_t n_members;
	size_t *wave_sizes, n_waves, wave;
	size_t wave_first, wave_next, wave_end; /* of this wave; the next to start */
	const char *run;                        /* the run's name in the journals of the hosts */
	size_t open;                            /* connections, including those being closed */
	size_t running, waiting, due, forks;    /* due: those of `waiting` that may go on */
	size_t parked, wanted;                  /* numbers of hosts */
	size_t wave_failed, play_failed;
	const char *stopped; /* why the current wave stopped; or NULL */
	uint32_t stopped_at; /* after this task nothing is begun */
	bool done, advancing;
};

/* fleet.c */
void fleet_host_done(struct fleet_host *h); /* its part of the play has ended */
void fleet_closed(struct fleet *f);         /* a connection was closed */
void fleet_park(struct fleet_host *h);      /* its task waits for facts of other hosts */
void fleet_moved(struct fleet *f);          /* facts of a host became known */
void fleet_advance(struct fleet *f);        /* starts every host that may start now */
size_t connections_at_once(size_t wanted);  /* limits.c: fewer if RLIMIT_NOFILE is low */
/* host.c */
void host_start(struct fleet_host *h);
void host_ask_facts(struct fleet_host *h); /* connects before its turn, for its facts */
void host_begin(struct fleet_host *h);     /* begins its part of the play */
void host_resolve(struct fleet_host *h);
void host_fail(struct fleet_host *h, const struct err *e);
void host_end(struct fleet_host *h); /* after its last play: reports it and closes the connection */
/* Counts n more bytes of received data that stay until the end of the run; each form in which a
 * result is kept counts. false: too much, and the host has failed. */
bool host_keeps(struct fleet_host *h, size_t n);
/* Is no text longer than what an agent may send? false: one is, and the host has failed. */
bool host_may_show(struct fleet_host *h, const struct value *changes);
void host_asked(struct fleet_host *h); /* work was sent: expect NOTE and ALIVE */
void host_progress(struct fleet_host *h, const char *fmt, ...) PRINTF(2, 3);
const char **host_pending(struct fleet_host *h, const struct value *msg); /* of HELLO or APPLIED */
/* May the step notify handlers without the agent's knowledge? A task on the controller that changed
 * something does; a step with ignore_errors may: if it fails, it notifies none. */
bool host_notifies(const struct step *s);
/* A command or shell: it can change anything, so it counts for every class. */
bool step_runs_program(const struct step *s);
/* host_failure.c */
/* Ends the plan after the first task that is known to fail: later ones are not reached. false: none
 * is known to fail, or the rest of its loop is still to come. */
bool host_cut(struct fleet_host *h);
bool host_loop_open(const struct fleet_host *h); /* does the plan end within a loop? */
void host_fail_last(struct fleet_host *h);       /* reports the failure of the plan's last task */
/* host_observe.c */
void host_judge(struct fleet_host *h, struct planned *p); /* by changed_when, failed_when */
bool host_observe(struct fleet_host *h); /* sends OBSERVE; false: nothing has to be observed */
void host_observed(struct fleet_host *h, struct value *msg);
/* The step for OBSERVE or APPLY; with no_log its parameters and environment are secret. */
struct value *step_message(struct arena *a, const struct step *s, enum step_use use);
void step_clear_params(struct step *s); /* what the agent has: also user, environment, timeout */
/* host_apply.c */
void host_apply(struct fleet_host *h);
void host_carry_out(struct fleet_host *h); /* applies the plan as far as it goes */
void host_send_apply(struct fleet_host *h);
void host_started(struct fleet_host *h, const struct value *msg);
void host_step(struct fleet_host *h, struct value *msg);
void host_applied(struct fleet_host *h, struct value *msg);
/* lock.c: another apply holds the host's lock: waits for it before observing. */
void host_ask_lock(struct fleet_host *h);
bool host_wait_for_lock(struct fleet_host *h); /* true: another attempt will follow */
void host_step_event(struct fleet_host *h, struct planned *p, enum step_status s,
	const struct value *changes, const char *error, int64_t ms);
