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
enum host_want {
	WANT_RESOLVE,
	WANT_APPLY,
	WANT_END,
	WANT_FAIL, /* the plan's last task fails: it ends the host's play once the rest is done */
	WANT_STOP, /* the wave is stopped: so does this */
};

/* A task in the recap: a looped one counts once, as its gravest item. */
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
	bool active;  /* has a part in the wave under way; holds one of the forks unless it waits */
	bool waits;   /* for the others of its wave, before anything of its plan is carried out */
	bool due;     /* it waits for one of the forks only */
	bool counted; /* as lost */
	bool wanted;  /* another host waits for its facts, and its own turn has not come */
	bool early;   /* it is asked for its facts alone, before its turn; holds one of the forks */
	bool parked;  /* its task waits for what other hosts tell; it holds no fork */
	bool finished; /* its last play is done */
	bool hello;
	size_t last_play; /* that it has a part in */
	struct value *facts;
	const char **pending;
	struct resolver *resolver;
	struct plan_target *plan;
	const struct plan_target *saved;
	size_t saved_next;
	size_t applied_to;        /* plan->v up to here is applied and reported */
	size_t upto;              /* up to here it is being carried out */
	size_t announced;         /* up to here the person has heard what is to come */
	struct value *notified;   /* handler ids for the next APPLY, by verdicts given here */
	struct value *sent;       /* those of the last one, until it was carried out */
	uint32_t failed_task;     /* 0: none */
	bool failing;             /* an item has failed: the play ends behind its loop */
	struct task_count *tasks; /* by task */
	size_t task_cap;
	struct host_stats stats;
	const char *error;
	bool asks_lock;               /* nothing is sent yet but the question for it */
	int64_t lock_until;           /* ms; 0: it was not refused yet */
	struct loop_timer *lock_wait; /* until it is asked for again */
	size_t kept;                  /* memory of what the agent has told, in `a` */
	size_t words;                 /* NOTE and ALIVE so far, of this APPLY or OBSERVE */
	int64_t words_from;           /* when it was sent */
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
	size_t running, waiting, due, forks;    /* due: of those that wait */
	size_t parked, wanted;                  /* hosts */
	size_t wave_failed, play_failed;
	const char *stopped; /* the budget of the wave under way is used up: why */
	uint32_t stopped_at; /* the task behind which nothing is begun */
	bool done, advancing;
};

/* fleet.c */
void fleet_host_done(struct fleet_host *h); /* its part of the play ended, well or not */
void fleet_closed(struct fleet *f);         /* a connection is gone */
void fleet_park(struct fleet_host *h);      /* its task waits for other hosts */
void fleet_moved(struct fleet *f);          /* something of a host became known */
void fleet_advance(struct fleet *f);        /* starts what may start now */
size_t connections_at_once(size_t wanted);  /* limits.c: fewer when too few files may be open */
/* host.c */
void host_start(struct fleet_host *h);
void host_ask_facts(struct fleet_host *h); /* before its turn */
void host_begin(struct fleet_host *h);     /* its part of the play */
void host_resolve(struct fleet_host *h);
void host_fail(struct fleet_host *h, const struct err *e);
void host_end(struct fleet_host *h); /* after its last play: report, hang up */
/* Of what a frame brought n bytes stay for the run. A registered result is kept in several forms,
 * and each of them counts. false: it has been too much, and the host has failed. */
bool host_keeps(struct fleet_host *h, size_t n);
/* No text of a change is longer than an agent sends one. false: the host has failed. */
bool host_may_show(struct fleet_host *h, const struct value *changes);
void host_asked(struct fleet_host *h); /* work was sent: the agent may report of it */
void host_progress(struct fleet_host *h, const char *fmt, ...) PRINTF(2, 3);
const char **host_pending(struct fleet_host *h, const struct value *msg); /* of HELLO, APPLIED */
/* The step may notify, and the agent could not know when: a task of the controller that changed
 * something, or one whose failure is ignored (it notifies nothing) or none (it may). */
bool host_notifies(const struct step *s);
/* A command or shell: what it changes is not known, so it counts for every class. */
bool step_runs_program(const struct step *s);
/* host_failure.c */
/* Ends the plan with the first task that is known to fail: what stands behind it is not reached.
 * false: none is, or items of its loop are still to come. */
bool host_cut(struct fleet_host *h);
bool host_loop_open(const struct fleet_host *h); /* the plan ends amid the items of a loop */
void host_fail_last(struct fleet_host *h);       /* that task's failure, told */
/* host_observe.c */
void host_judge(struct fleet_host *h, struct planned *p); /* by what was observed */
bool host_observe(struct fleet_host *h);                  /* false: nothing to observe */
void host_observed(struct fleet_host *h, struct value *msg);
/* The step as OBSERVE and APPLY have it. With no_log its parameters and environment are secret. */
struct value *step_message(struct arena *a, const struct step *s, enum step_use use);
void step_clear_params(struct step *s); /* and user, environment, timeout: the agent knows them */
/* host_apply.c */
void host_apply(struct fleet_host *h);
void host_carry_out(struct fleet_host *h); /* what the plan has so far */
void host_send_apply(struct fleet_host *h);
void host_started(struct fleet_host *h, const struct value *msg);
void host_step(struct fleet_host *h, struct value *msg);
void host_applied(struct fleet_host *h, struct value *msg);
/* lock.c: another apply runs on the host: asks for the lock before anything is observed. */
void host_ask_lock(struct fleet_host *h);
bool host_wait_for_lock(struct fleet_host *h); /* refused: true when it will be asked for again */
void host_step_event(struct fleet_host *h, struct planned *p, enum step_status s,
	const struct value *changes, const char *error, int64_t ms);
