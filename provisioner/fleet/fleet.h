/* SPDX-License-Identifier: MIT
 *
 * Floor 7: many hosts at once. Each host is a small state machine over its connection; plays run
 * one after the other. Waves and the failure budget are pure functions.
 *
 *   connecting -> resolving <-> observing -> (applying -> resolving) ...
 *              -> done | failed | unreachable
 *
 * A slow or dead host delays no other host within a play; the end of a play waits for all its
 * hosts. In a play with a failure budget, all hosts of a wave are planned before any of them is
 * changed.
 */
#pragma once
#include "report/report.h"
#include "site/site.h"
#include "transport/transport.h"

enum fleet_mode { FLEET_PLAN, FLEET_APPLY, FLEET_FACTS };
struct fleet_options {
	enum fleet_mode mode;
	const struct site *site;  /* NULL: a saved plan is used */
	const struct plan *saved; /* the plan to apply, without a new one */
	const char *const *hosts; /* FACTS: names of the hosts */
	/* FACTS: a resource to observe in addition, chosen by the host's facts. Returns NULL: none.
	 * May be NULL. */
	const struct step *(*probe)(
		void *ctx, struct arena *a, const char *host, struct value *facts, struct err *e);
	void *probe_ctx;
	size_t forks;       /* concurrent connections; 0: FLEET_FORKS */
	int timeout_s;      /* for connecting and logging in */
	int lock_timeout_s; /* APPLY: how long to wait while another apply holds the host's lock */
	int silence_s;      /* a busy agent that sends nothing for so long is lost; 0: 30 */
	int host_timeout_s; /* for one observation, and for a step without its own limit; 0: 3600 */
	const char *known_hosts;
	bool accept_new;
	const char *password, *become_password; /* entered at the prompts of -k and -K */
	struct agent_image image;
	struct report *report;
};
enum { FLEET_FORKS = 64 };
struct fleet_result {
	/* 0; 2: a host failed or a budget was exceeded; 4: a host was unreachable (takes
	 * precedence) */
	int exit_code;
	struct plan *plan;     /* PLAN: frozen */
	struct value *facts;   /* FACTS: host -> facts */
	struct value *probed;  /* FACTS with a probe: host -> its result */
	struct arena **arenas; /* one arena per host; plan and facts point into them */
	size_t n_arenas;
};
/* Runs o->mode until every host is done. false: there is no host (ERR_CONFIG); failures of hosts
 * are in r->exit_code. Free r with fleet_result_free. */
bool fleet_run(
	struct arena *a, const struct fleet_options *o, struct fleet_result *r, struct err *e);
void fleet_result_free(struct fleet_result *r);

/* ---- waves.c: pure functions ---- */
/* Sizes of the waves of a play's hosts by `serial`; its last entry repeats; n 0: one wave. */
size_t *waves(struct arena *a, const struct share *serial, size_t n, size_t hosts, size_t *count);
bool play_watched(const struct play *p); /* does the play have a failure budget? */
/* May a wave with so many failed and unreachable hosts begin further tasks? Ask after every result.
 * Hosts lost in an earlier play count among `hosts`, but not among `failed`. */
bool wave_in_budget(const struct play *p, size_t hosts, size_t failed);
/* false: all hosts of the wave are lost, which ends all plays, with or without a budget */
bool wave_goes_on(size_t hosts, size_t failed);
