/* SPDX-License-Identifier: MIT
 *
 * Shared by transport.c, talk.c and limits.c: one host's connection.
 */
#pragma once
#include "transport/bootstrap.h"

enum { OUT_MAX = 4 * FRAME_MAX };
enum phase { /* in this order */
	PHASE_LOGIN,
	PHASE_BOOT,  /* a command runs, but not the agent yet */
	PHASE_HELLO, /* the agent runs */
	PHASE_RUN,
	PHASE_CLOSING, /* BYE is being sent */
	PHASE_ENDED,   /* on_closed comes in the next turn of the loop */
};
struct transport {
	struct loop *loop;
	struct arena *a;
	struct target target;
	const struct agent_image *img;
	struct transport_events ev;
	void *ctx;
	const char *label, *doing;
	char prompt[PROMPT_SIZE];
	enum phase phase;
	bool openssh, brought, answered; /* by ssh; the agent was sent; sudo got its password */
	bool found, anew;     /* the host had an agent; it did not speak, and is being replaced */
	bool restarting;      /* in the next turn of the loop a new link replaces this one */
	const char *fallback; /* why not libssh2; NULL: no fallback */
	struct link *link;
	struct buf in, errors, held; /* held: frames to send once the agent runs */
	struct loop_timer *limit, *turn;
	bool awaiting;    /* a reply is expected: the agent is working */
	bool alive;       /* it has shown a sign of life since `since_ms` */
	int64_t since_ms; /* silence is measured from here */
	int64_t work_ms;  /* deadline of its work */
	int limit_s;      /* and the length of that time */
	uint64_t moved_before, bytes;
	struct link_end *end; /* of the link; reported after the frames before it */
	size_t room;          /* memory limit for its messages */
	struct err why;
};

/* ---- transport.c ---- */
void in_next_turn(struct transport *t);
void transport_finish(struct transport *t, const struct err *why);
void transport_fail(struct transport *t, enum err_kind kind, const char *fmt, ...) PRINTF(3, 4);
void transport_progress(struct transport *t, const char *what);
void transport_enter(struct transport *t, enum phase phase, const char *doing);
void transport_flush(struct transport *t);
void transport_link_over(struct transport *t, const struct link_end *end);
/* An existing agent that does not speak the protocol is damaged: it is replaced, once. */
bool transport_start_anew(struct transport *t);

/* ---- talk.c ---- */
bool talks(const struct transport *t); /* frames may arrive */
void talk_turn(struct transport *t);   /* takes one frame, if any; then the rest of the turn */

/* ---- limits.c ---- */
void limits_init(struct transport *t);
void limits_set(struct transport *t, int64_t ms); /* of a phase that must show signs of life */
void limits_begin(struct transport *t);           /* in a phase that has to show signs of life */
