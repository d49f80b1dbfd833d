/* SPDX-License-Identifier: MIT
 *
 * Private to agent/: the parts of one session and what they share.
 *
 *   session.c   the protocol: sends HELLO, then handles one frame at a time
 *   stream.c    reads and writes frames, and never blocks for long on a dead peer
 *   steps.c     the observed steps, kept until they are applied
 *   observe.c   observes many steps, in a child that may not write (landlock.c)
 *   apply.c     makes the changes, in order; step_run.c makes one of them
 *   runas.c     one operation of one step, as another user if the step has one
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
	size_t sent;      /* how much of tx is sent */
	bool broken;      /* the peer is gone: frames are dropped */
	bool interrupted; /* a signal arrived; stays set */
	/* A thread sends ALIVE, since the main thread may block anywhere. `lock` protects the
	 * members above and the next two lines. */
	pthread_mutex_t lock;
	pthread_cond_t started;
	bool busy, pulsing;
	int64_t said_ms;
};
/* Takes a STOP frame if one has arrived. Does not wait, and leaves every other frame for
 * stream_read. */
bool stream_stopped(struct stream *s, uint32_t *after);
enum stream_status { STREAM_FRAME, STREAM_END, STREAM_BAD };
/* Moves standard input and output to other descriptors, so that neither a child nor a stray printf
 * disturbs the frames. false: they are not open. Call it once per process: forks then wait until
 * the ALIVE thread does not allocate memory. A forked child sends nothing on the stream. */
bool stream_open(struct stream *s);
void stream_close(struct stream *s);
/* Queues a frame and writes as much as it can without waiting. */
void stream_send(struct stream *s, enum frame_type type, const struct value *msg);
void stream_flush(struct stream *s); /* waits for a slow peer; marks a dead one as `broken` */
void stream_busy(struct stream *s, bool busy); /* while busy, ALIVE is sent */
void stream_raw(struct stream *s, const char *text);
enum stream_status stream_read(struct stream *s, struct arena *a, enum frame_type *type,
	struct value **msg, struct err *e);
bool stream_interrupted(struct stream *s);

/* ---- steps ---- */
struct agent_step {
	/* As in the step's message. type NULL: not known until it is applied. name: "step 7" if the
	 * task has none. A handler is placed before other steps, and its params are checked when it
	 * runs; params are NULL when the message had only its type: then it counts as a change. */
	struct step want;
	struct err bad; /* why type or parameters were refused */
	bool observed, failed, planned, applied;
	bool waits;     /* a probe whose result is known only after earlier changes */
	unsigned moved; /* classes that changes have affected since this step was observed */
	bool maybe;     /* planned, with a change of kind "maybe" */
	struct foresight *foresight; /* what later steps will find; NULL: nothing */
	unsigned char digest[SHA256_LEN];
};
struct session {
	struct stream io;
	struct arena *a; /* lives as long as the session */
	bool landlock;
	struct agent_step **steps; /* by id, ascending */
	size_t n, cap;
	unsigned touched; /* classes that changes have affected since the last OBSERVE */
	/* handler id -> when what it activates last changed, in ms of CLOCK_MONOTONIC */
	struct value *changed;
};
/* Copies a step of an OBSERVE or APPLY, which its table has checked; an invalid type or parameter
 * is recorded in ->bad. */
struct agent_step *step_read(struct arena *a, const struct value *msg, enum step_use use);
void step_check(struct arena *a, struct agent_step *step); /* checks its parameters, once */
struct agent_step *steps_find(const struct session *s, uint32_t id);
void steps_add(struct session *s, struct agent_step *step); /* replaces one with the same id */
unsigned step_may_touch(const struct agent_step *step);     /* classes; 0 after it was applied */
/* Marks all steps up to `id` as settled, including those without a change. */
void steps_settle(struct session *s, uint32_t id);
void steps_observing(struct session *s); /* adds `touched` to all earlier steps */
bool step_explained(const struct session *s, const struct agent_step *step);
/* A unit that repeatedly fails to start changes state by itself: is the difference only that
 * nothing is left to do, or that the failed unit has to be started? */
bool step_flaps(const struct agent_step *step, const struct value *changes);
/* The digest is the same whether a text is given in full or as its digest. */
void step_digest(const struct value *changes, unsigned char out[SHA256_LEN]);
const char *step_key(struct arena *a, const struct agent_step *step); /* "copy /etc/x" */
const char *err_kind_name(enum err_kind kind);

/* ---- observe ---- */
bool landlock_available(void);
bool landlock_forbid_writing(void); /* irrevocably, for this process and its children */
/* Observes v[0..n) in order, in a child process. *out: the list `steps` of OBSERVED, in `a`. */
bool observe_steps(struct session *s, struct agent_step *const *v, size_t n, struct arena *a,
	struct value **out, struct err *e);
bool observed_digest(const struct value *entry, unsigned char out[SHA256_LEN]);
void session_observe(struct session *s, const struct value *msg, struct arena *a, struct err *e);

/* ---- one operation of one step, as its user ---- */
bool step_observe(
	const struct agent_step *step, struct host *h, struct observation *o, struct err *e);
bool step_apply(
	const struct agent_step *step, struct host *h, struct observation *o, struct err *e);

/* ---- apply ---- */
void session_apply(struct session *s, const struct value *msg, struct arena *a);
/* The text without the values of secret parameters and of a secret environment. */
const char *redact(struct arena *a, const struct agent_step *step, const char *text);
/* environment.c: the environment for a step's programs; `who` NULL: the agent's own user. */
struct account {
	const char *name, *home, *shell;
	uid_t uid;
	gid_t gid;
};
char **step_environment(struct arena *a, const struct account *who, const struct value *added);

const char *now_text(struct arena *a); /* now, in UTC: 2026-11-21T08:12:47Z */
