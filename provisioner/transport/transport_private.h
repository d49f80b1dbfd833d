/* SPDX-License-Identifier: MIT
 *
 * Shared by transport.c, talk.c and limits.c: one host's connection.
 */
#pragma once
#include "transport/bootstrap.h"

enum { OUT_MAX = 4 * FRAME_MAX };
enum phase { /* in this order */
	PHASE_LOGIN,
	PHASE_BOOT,  /* a command runs, the agent not yet */
	PHASE_HELLO, /* the agent runs */
	PHASE_RUN,
	PHASE_CLOSING, /* BYE is on its way */
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
	bool openssh, brought, answered; /* by ssh; the agent was sent; sudo had its password */
	bool found, anew;     /* an agent was there; one that did not speak was, and is replaced */
	bool restarting;      /* in the next turn of the loop a new link takes this one's place */
	const char *fallback; /* why not libssh2; NULL: no fallback */
	struct link *link;
	struct buf in, errors, held; /* held: frames to send once the agent runs */
	struct loop_timer *limit, *turn;
	bool awaiting;    /* an answer: the agent is at work */
	bool alive;       /* it has shown life since `since_ms` */
	int64_t since_ms; /* silence is counted from here */
	int64_t work_ms;  /* the time that its work must be done by */
	int limit_s;      /* and how long that was */
	uint64_t moved_before, bytes;
	struct link_end *end; /* of the link; told when the frames before it are */
	size_t room;          /* memory for what it tells */
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
/* An agent that was there and does not speak as one is damaged: it is replaced, once. */
bool transport_start_anew(struct transport *t);

/* ---- talk.c ---- */
bool talks(const struct transport *t); /* frames come, or may come */
void talk_turn(struct transport *t);   /* one frame, if there is one; then the rest of the turn */

/* ---- limits.c ---- */
void limits_init(struct transport *t);
void limits_set(struct transport *t, int64_t ms); /* one time for what is under way; 0: none */
void limits_begin(struct transport *t);           /* of a phase that has to show life */
