/* SPDX-License-Identifier: MIT
 *
 * Shared by peers.c and peers_left.c only: what is known of a host, and who sees what of whom.
 */
#pragma once
#include "site/resolve.h"

struct noted { /* a name that a task has set */
	struct place at;
	const char *name;
	struct value *value;
	bool included; /* by include_vars: below set facts and results */
};
struct peer {        /* one host, by its number in the inventory */
	bool coming; /* it has a part in this run */
	bool lost;
	size_t lost_play;    /* that the run was in */
	struct value *facts; /* NULL: not told yet */
	const struct resolver *r;
	size_t batch, batch_play; /* number of its batch in that play; 0: not told */
	struct noted *v;
	size_t n, cap;
	uint64_t stamp; /* counts what becomes known of it */
};

enum seen { SEEN_ALL, SEEN_SO_FAR, SEEN_EARLIER_PLAYS };

struct peer *peer_of(const struct site *s, const char *host);
/* In whose order the two hosts go through the play at hand. */
enum seen peer_view(const struct resolver *me, const struct peer *mine, const char *host);
/* Does the task see what the other host has done there? */
bool peer_seen(const struct resolver *me, enum seen how, const struct place *at);
/* Is it behind the task that asks, so that it may still set what is asked for? */
bool peer_behind(const struct resolver *me, const struct peer *mine, const char *host);
bool peer_awaits(const struct resolver *r); /* what came of its steps is not all known */
/* UNKNOWN: the task waits for that host, for its facts or for what its tasks tell. */
struct value *peer_wait_for(struct vars *v, struct invhost *h, bool facts, const char *what);
