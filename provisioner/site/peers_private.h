/* SPDX-License-Identifier: MIT
 *
 * Shared by peers.c and peers_left.c only: what is known of a host, and who sees which values of
 * whom.
 */
#pragma once
#include "site/resolve.h"

struct noted { /* a name that a task has set */
	struct place at;
	const char *name;
	struct value *value;
	bool included; /* by include_vars: lower precedence than set facts and results */
};
struct peer {        /* one host, by its index in the inventory */
	bool coming; /* it takes part in this run */
	bool lost;
	size_t lost_play;    /* in which the run was */
	struct value *facts; /* NULL: not set yet */
	const struct resolver *r;
	size_t batch, batch_play; /* number of its batch in that play; 0: not set */
	struct noted *v;
	size_t n, cap;
	uint64_t stamp; /* counts its newly known values */
};

enum seen { SEEN_ALL, SEEN_SO_FAR, SEEN_EARLIER_PLAYS };

struct peer *peer_of(const struct site *s, const char *host);
/* The order in which the two hosts run the current play. */
enum seen peer_view(const struct resolver *me, const struct peer *mine, const char *host);
/* Does the task see what the other host has set at that place? */
bool peer_seen(const struct resolver *me, enum seen how, const struct place *at);
/* Has that host yet to reach the task that asks, so that it may still set the value? */
bool peer_behind(const struct resolver *me, const struct peer *mine, const char *host);
bool peer_awaits(const struct resolver *r); /* some results of its steps are not known */
/* UNKNOWN: the task waits for that host, for its facts or for values that its tasks set. */
struct value *peer_wait_for(struct vars *v, struct invhost *h, bool facts, const char *what);
