/* SPDX-License-Identifier: MIT
 *
 * Floor 7: hosts at work: each host's life as a small state machine over its connection, plays one
 * after the other, waves and failure budget as pure functions.
 *
 *   connecting -> resolving <-> observing -> (applying -> resolving) ...
 *              -> done | failed | unreachable
 *
 * A slow or dead host delays and spoils nothing but itself; a play's end waits for its hosts. In a
 * play with a budget of failures the hosts of a wave plan together before any of them is changed.
 */
#pragma once
#include "report/report.h"
#include "site/site.h"
#include "transport/transport.h"

enum fleet_mode { FLEET_PLAN, FLEET_APPLY, FLEET_FACTS };
struct fleet_options {
	enum fleet_mode mode;
	const struct site *site;  /* NULL with a saved plan */
	const struct plan *saved; /* apply exactly this */
	const char *const *hosts; /* FACTS: these */
	/* FACTS: one resource to look at beside, by the host's facts; NULL: none. May be NULL. */
	const struct step *(*probe)(
		void *ctx, struct arena *a, const char *host, struct value *facts, struct err *e);
	void *probe_ctx;
	size_t forks;       /* connections at once; 0: FLEET_FORKS */
	int timeout_s;      /* of connecting */
	int lock_timeout_s; /* APPLY: to wait for another apply on the host */
	int silence_s;      /* without a sign of life of an agent at work; 0: 30 */
	int host_timeout_s; /* for an observation, and for a step that says no other; 0: 3600 */
	const char *known_hosts;
	bool accept_new;
	const char *password, *become_password; /* asked for by -k, -K */
	struct agent_image image;
	struct report *report;
};
enum { FLEET_FORKS = 64 };
struct fleet_result {
	int exit_code;         /* 0; 2 a budget or a host failed; 4 one was unreachable (wins over
				  a host that failed) */
	struct plan *plan;     /* PLAN: frozen */
	struct value *facts;   /* FACTS: host -> facts */
	struct value *probed;  /* FACTS with a probe: host -> its result */
	struct arena **arenas; /* the hosts' memory: plan and facts point into it */
	size_t n_arenas;
};
bool fleet_run(
	struct arena *a, const struct fleet_options *o, struct fleet_result *r, struct err *e);
void fleet_result_free(struct fleet_result *r);

/* ---- waves: pure ---- */
/* Sizes of the waves of a play's hosts by `serial` (the last entry repeats; none: one wave). */
size_t *waves(struct arena *a, const struct share *serial, size_t n, size_t hosts, size_t *count);
bool play_watched(const struct play *p); /* it has a budget of failures that holds */
/* Judged after every result: may a wave with so many failed or unreachable hosts begin more? Those
 * that an earlier play lost belong to the wave and do not count as failed in it. */
bool wave_in_budget(const struct play *p, size_t hosts, size_t failed);
bool wave_goes_on(size_t hosts, size_t failed); /* lost whole, it ends the plays, budget or not */
