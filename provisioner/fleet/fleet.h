/* SPDX-License-Identifier: MIT
 *
 * Floor 6: hosts at work: each host's life as a small state machine over its connection, plays one
 * after the other, waves and failure budget as pure functions.
 *
 *   connecting -> resolving <-> observing -> (applying -> resolving) ...
 *              -> done | failed | unreachable
 *
 * A slow or dead host delays and spoils nothing but itself; a play's end waits for its hosts.
 */
#pragma once
#include "report/report.h"
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
	size_t forks;  /* connections at once; 0: FLEET_FORKS */
	int timeout_s; /* of connecting */
	const char *known_hosts;
	bool accept_new;
	const char *password, *become_password; /* asked for by -k, -K */
	struct agent_image image;
	struct report *report;
};
enum { FLEET_FORKS = 64 };
struct fleet_result {
	int exit_code;         /* 0, 2 a host failed, 4 one was unreachable (wins) */
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
/* Sizes of the waves of n hosts by `serial` (ints and "25%" texts; the last repeats; NULL: one). */
size_t *waves(struct arena *a, const struct value *serial, size_t n, size_t *count);
/* May the play go on after a wave? max_percent -1: only a wave lost whole ends it. */
bool wave_goes_on(size_t wave_hosts, size_t wave_failed, size_t play_hosts, size_t play_failed,
	int max_percent, bool any_errors_fatal);
