/* SPDX-License-Identifier: MIT
 *
 * Private to a resolver: its place in the tree of tasks, the steps so far with their results, and
 * the pending handlers.
 */
#pragma once
#include "site/control.h"
#include "site/keyword.h"
#include "site/peers.h"
#include "site/vars.h"

struct reg_item {
	uint32_t step;       /* 0: fixed */
	struct value *fixed; /* of a skipped, local or unknown item */
	struct value *item;  /* of the loop */
};
struct registered { /* a registered result */
	struct task *t;
	bool loop, complete; /* complete: every item has its step */
	struct reg_item *v;
	size_t n, cap;
	struct place at;
};
struct step_record { /* a step and its results */
	struct step step;
	struct place at;
	struct task *t;
	const struct include_scope *scope;
	struct value *loop;
	struct registered *registered;
	size_t reg_i;
	const char *const *notify; /* all notified handlers; step.notify: those on the host */
	bool answered, planned, changed;
	struct value *result; /* as in the registered variable */
};
struct cursor { /* within one task */
	bool started;
	struct value *items; /* NULL: no loop */
	size_t i;
	struct registered *registered;
	uint32_t task;
	bool included;      /* an item of the loop was */
	const char *failed; /* why the task has failed, by its first failed item; or NULL */
	const char *const *notify;
	const char *name;
};
struct frame {
	struct task **v;
	size_t n, i;
	struct include_scope *scope;
	struct cursor at;
	long handler;        /* index of the present handler, or -1 */
	bool deeper;         /* tasks of a dynamic include or a flush: a level of a place's path */
	uint32_t from, item; /* the task that caused it, and the index of its item */
};
enum { FRAMES = 128 };
struct resolver {
	struct site *s;
	struct arena *a;
	struct vars *v;
	struct play_in *p;
	enum resolve_mode mode;
	enum resolve_status wait; /* OUT_WAIT: what for */
	const char *user;         /* user for steps without become; NULL: the agent's user */
	int section;
	struct frame frame[FRAMES];
	size_t n_frames;
	struct step_record **steps;
	size_t n_steps, cap_steps;
	size_t unanswered, planned, failures; /* last: failed results that are not ignored */
	struct registered *behind; /* it lacks the last results of its items; NULL: none */
	uint32_t tasks;
	struct place at;                 /* of the current or the last task */
	struct keywords kw;              /* of the item that runs next */
	bool asked_observe, asked_apply; /* returned, and no result has arrived since */
	bool ended, failed;
	bool dry;           /* no host: nothing is requested, every result is unknown */
	bool past_visible;  /* dry, and after tasks that cannot be known */
	struct errs *found; /* dry: all problems */
	struct err err;
	/* handlers */
	struct value *pending;
	bool flushing, section_flushed;
	size_t flush_depth;         /* frames below the handlers' */
	size_t flush_from, flush_i; /* first step that the next flush looks at; its handler */
	uint32_t flush_task;        /* after which it happens */
	bool last_flush;            /* at the end of the play */
	size_t play_from;           /* first step of the play */
	bool held;                  /* an unfinished run has left services to start */
	const struct step *package; /* the last one that may change packages; NULL: none */
	struct notice *notice;      /* one for each handler of the play */
	size_t n_notice;
};
struct notice {
	bool want, done, pending;
	uint32_t *by;
	size_t n, cap;
};

enum outcome {    /* the result of trying one item of a task */
	OUT_STEP, /* *out is set */
	OUT_NONE, /* no step: go on */
	OUT_PUSH, /* a frame was pushed */
	OUT_WAIT, /* r->wait holds the reason */
	OUT_FAIL,
	OUT_FLUSH,
	OUT_END,
};

/* resolve_task.c: the next step of the frame's present task. */
enum outcome task_run(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e);
struct step_record *step_new(struct resolver *r, struct frame *f, struct task *t);
/* The value is unknown: WAIT, an unknown step, or a failure. */
enum outcome step_wait(struct resolver *r, struct frame *f, struct task *t,
	const struct value *unknown, struct step **out, struct err *e);
/* The task has no effect here. */
enum outcome step_skip(struct resolver *r, struct frame *f, struct task *t, struct step **out);
/* Sets a fact or registers a result at that place, for this host and its peers. */
void name_set(struct resolver *r, const struct place *at, struct str name, struct value *value);
void reg_fix(struct resolver *r, struct frame *f, struct value *result);
void reg_finish(struct resolver *r, struct frame *f);
void reg_catch_up(struct resolver *r); /* the registered value, with all results since */
struct value *reg_unknown(struct resolver *r, const struct task *t);
/* Dry: the task failed, and the walk continues after it; what it sets is unknown. */
bool task_pass_over(struct resolver *r, struct err *e);
/* The inherited value of a keyword; NULL: none. */
#define TASK_ATTR(t, what) task_attr((t), offsetof(struct task, what))
struct value *task_attr(const struct task *t, size_t offset);
/* The `when` of a task and of everything that contains it: BOOL, UNKNOWN, or NULL on error. */
struct value *task_when(struct resolver *r, const struct task *t, struct err *e);

/* resolve_module.c: checked parameters of the final type; NULL with e, or with *unknown set. */
struct value *module_params(struct resolver *r, struct task *t, const struct restype **type,
	const struct value **unknown, struct err *e);
bool argspec_check(struct resolver *r, const struct task *t, struct err *e); /* argspec.c */
bool control_is_noop(const struct task *t); /* meta: noop, as a handler with listeners */
enum outcome control_run(
	struct resolver *r, struct frame *f, struct task *t, struct step **out, struct err *e);
/* The tasks of a dynamic include, below a node; NULL with e. */
struct task *include_node(struct resolver *r, struct task *t, struct value *args, struct err *e);
/* include.c: pushes the frame of a dynamic include's tasks, and gives a step that says so. */
enum outcome include_run(struct resolver *r, struct frame *f, struct task *t, struct value *args,
	struct step **out, struct err *e);
size_t levels_below(const struct resolver *r);             /* number of frames */
void take_place(struct resolver *r, const struct task *t); /* r->at: it is at this task */
bool frame_push(
	struct resolver *r, struct task **v, size_t n, struct include_scope *scope, struct err *e);
struct resolver *resolver_dry(/* without a host's facts */
	struct site *s, struct arena *a, const char *host, size_t play, struct errs *found);
