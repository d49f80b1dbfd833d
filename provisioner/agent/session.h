/* SPDX-License-Identifier: MIT
 *
 * Private to agent/: the parts of one session and what they share.
 *
 *   session.c   the talk: HELLO, then a frame at a time
 *   stream.c    frames in and out, without ever hanging on a dead peer
 *   steps.c     the steps that were observed, kept until they are applied
 *   observe.c   a look at many steps, in a child that may not write (landlock.c)
 *   apply.c     the changes, in order; step_run.c one of them
 *   runas.c     one verb of one step, as another user where it asks for that
 */
#pragma once
#include <pthread.h>
#include "agent/agent.h"
#include "agent/state.h"
#include "resource/resource.h"
#include "step/step.h"

/* ---- stream ---- */
struct stream {
	int in, out, signals; /* signals: a signalfd for SIGINT and SIGTERM, which are blocked */
	struct buf rx, tx;
	size_t sent;      /* of tx */
	bool broken;      /* the peer is gone: what is sent from now on is dropped */
	bool interrupted; /* a signal came; sticky */
	/* The signs of life come from a thread of their own, since work may block anywhere. It and
	 * the sender share what stands above by the lock, and these two. */
	pthread_mutex_t lock;
	pthread_cond_t started;
	bool busy, pulsing;
	int64_t said_ms;
};
/* Takes a STOP that has come. Never waits, and leaves every other frame for stream_read. */
bool stream_stopped(struct stream *s, uint32_t *after);
enum stream_status { STREAM_FRAME, STREAM_END, STREAM_BAD };
/* Moves standard input and output away, so that neither a child nor a stray printf disturbs the
 * frames. false when there are none. Once in a process, whose forks then wait until the thread that
 * shows life allocates nothing; a forked child sends nothing on the stream. */
bool stream_open(struct stream *s);
void stream_close(struct stream *s);
/* Queues a frame and pushes out what goes without waiting. */
void stream_send(struct stream *s, enum frame_type type, const struct value *msg);
void stream_flush(struct stream *s); /* waits for a slow peer; a dead one becomes `broken` */
void stream_busy(struct stream *s, bool busy); /* at work: tell the peer that we live */
void stream_raw(struct stream *s, const char *text);
enum stream_status stream_read(struct stream *s, struct arena *a, enum frame_type *type,
	struct value **msg, struct err *e);
bool stream_interrupted(struct stream *s);

/* ---- steps ---- */
struct agent_step {
	/* As its message has it. type NULL: not known until it is applied. name: "step 7" when none
	 * was given. handler: it stands before other steps, and its params are checked when it is
	 * due; they are NULL when only its type was sent: then it counts as a change. */
	struct step want;
	struct err bad; /* type or parameters were refused */
	bool observed, failed, planned, applied;
	bool waits;     /* a probe whose result is known only after the changes before it */
	unsigned moved; /* classes that changes have touched since it was observed */
	bool maybe;     /* planned with a change that says: not known yet */
	struct foresight *foresight; /* what later steps will find; or NULL */
	unsigned char digest[SHA256_LEN];
};
struct session {
	struct stream io;
	struct arena *a; /* of the session */
	bool landlock;
	struct agent_step **steps; /* by id, ascending */
	size_t n, cap;
	unsigned touched; /* by changes since the last OBSERVE */
	/* handler id -> when what it activates last changed, in ms of CLOCK_MONOTONIC */
	struct value *changed;
};
/* From a step of an OBSERVE or APPLY (checked by its table), copied; what is wrong with it goes to
 * ->bad. */
struct agent_step *step_read(struct arena *a, const struct value *msg, enum step_use use);
void step_check(struct arena *a, struct agent_step *step); /* its parameters, once */
struct agent_step *steps_find(const struct session *s, uint32_t id);
void steps_add(struct session *s, struct agent_step *step); /* replaces one with the same id */
unsigned step_may_touch(const struct agent_step *step);     /* classes; none once it was applied */
/* All up to `id` are done with, those too that came to nothing. */
void steps_settle(struct session *s, uint32_t id);
void steps_observing(struct session *s); /* remembers for the older steps what was touched */
bool step_explained(const struct session *s, const struct agent_step *step);
/* A unit that cannot start is now up, now down: nothing to do any more, or to start what failed. */
bool step_flaps(const struct agent_step *step, const struct value *changes);
/* Digest of the changes, the same whether a text came as text or only as its digest. */
void step_digest(const struct value *changes, unsigned char out[SHA256_LEN]);
const char *step_key(struct arena *a, const struct agent_step *step); /* "copy /etc/x" */
const char *err_kind_name(enum err_kind kind);

/* ---- observe ---- */
bool landlock_available(void);
bool landlock_forbid_writing(void); /* for this process and its children, for ever */
/* Looks at v[0..n) in order, in a child. *out: a list as in OBSERVED, in `a`. */
bool observe_steps(struct session *s, struct agent_step *const *v, size_t n, struct arena *a,
	struct value **out, struct err *e);
bool observed_digest(const struct value *entry, unsigned char out[SHA256_LEN]);
void session_observe(struct session *s, const struct value *msg, struct arena *a, struct err *e);

/* ---- one verb of one step, as its user ---- */
bool step_observe(
	const struct agent_step *step, struct host *h, struct observation *o, struct err *e);
bool step_apply(
	const struct agent_step *step, struct host *h, struct observation *o, struct err *e);

/* ---- apply ---- */
void session_apply(struct session *s, const struct value *msg, struct arena *a);
/* What secret parameters, and a secret environment, hold does not appear in a message. */
const char *redact(struct arena *a, const struct agent_step *step, const char *text);
/* environment.c: what a program of the step gets; NULL `who`: as the agent's user. */
struct account {
	const char *name, *home, *shell;
	uid_t uid;
	gid_t gid;
};
char **step_environment(struct arena *a, const struct account *who, const struct value *added);

const char *now_text(struct arena *a); /* 2026-11-21T08:12:47Z */
