/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: a link carries the three streams of one command on the host. Two kinds
 * exist, ssh2_open (libssh2) and child_open (a local process: the agent itself, or `ssh`).
 *
 * A link never frees itself: it reports its end, and its owner calls ops->free from a fresh turn of
 * the loop, never inside one of the link's own callbacks.
 */
#pragma once
#include "transport/transport.h"

enum link_stream { LINK_OUT, LINK_ERR };
struct link_end {
	struct err err;   /* kind ERR_NONE: the command ended by itself */
	int status;       /* its exit status; -1: not known, or a signal ended it */
	char signal[16];  /* the signal: "KILL"; "": none */
	bool use_openssh; /* libssh2 cannot connect to this host, perhaps ssh may; err: why */
};
struct link_events {
	void (*progress)(void *ctx, const char *what);
	void (*up)(void *ctx); /* logged in, and the command was started */
	/* false: the owner is done with the link and wants no more data */
	bool (*data)(void *ctx, enum link_stream from, const char *p, size_t n);
	void (*end)(void *ctx, const struct link_end *end); /* called once, as the last callback */
};
struct link;
struct link_ops {
	void (*flush)(struct link *k);  /* `out` has new bytes, or `last` was set */
	void (*resume)(struct link *k); /* `paused` was cleared */
	void (*free)(struct link *k);
};
struct link {
	const struct link_ops *ops;
	struct loop *loop;
	struct arena *a;
	const struct target *target;
	const char *label; /* "mx1 (10.0.0.1 port 22)", for messages */
	const struct link_events *ev;
	void *ctx;
	struct buf out; /* to the command's standard input; the owner appends, then calls flush */
	size_t sent;    /* bytes of `out` already sent */
	bool last;      /* when `out` has been sent, the command's input ends */
	bool paused;    /* set by the owner in data(): read nothing more */
	/* bytes of standard input and output: an owner's time limit uses it as progress */
	uint64_t moved;
};

/* The owner fills in `base` (loop, a, target, label, ev, ctx); the function the rest. */
struct link *ssh2_open(const struct link *base, const char *command);
struct link *child_open(const struct link *base, const char *const *argv);

const char *target_login(struct arena *a, const struct target *t); /* the user who logs in */
const char *home_dir(struct arena *a); /* of the local user: $HOME, else from passwd */
int target_port(const struct target *t);
bool target_is_local(const struct target *t);
const char *target_label(struct arena *a, const struct target *t);
/* Appends n bytes; keeps at least the last `most` bytes, and at most twice as many. */
void keep_tail(struct buf *b, const char *p, size_t n, size_t most);
/* The last lines of b on one line, for a message; may be "". */
const char *quote_tail(struct arena *a, const struct buf *b);
void link_sent(struct link *k, size_t n); /* records that n more bytes of `out` were sent */
bool link_all_sent(const struct link *k);
const char *link_how(struct arena *a, const struct link_end *end); /* "exit status 3" */
