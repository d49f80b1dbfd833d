/* SPDX-License-Identifier: MIT
 *
 * Floor 6: the plan: what would change on each target (a host or a DNS zone). It can be frozen,
 * digested, printed and stored.
 *
 *   p = plan_new(a);
 *   target = plan_target(p, a, TARGET_HOST, "mx1");
 *   planned = plan_add(target, step); planned->changes = ...;
 *   plan_freeze(p);                  classifies, counts, digests
 *   plan_save(p, path, &e);          a file of mode 0600
 *   plan_load(a, path, &e);
 *
 * Nothing here contacts a host. Adding to a frozen plan is a bug and panics.
 */
#pragma once
#include "resource/resource.h"
#include "step/step.h"
#include "value/origin.h"

enum planned_kind {
	PLANNED_OK, /* nothing to change */
	PLANNED_CHANGE,
	PLANNED_RUN,     /* runs each time and does not count as a change (changed_when: false) */
	PLANNED_HANDLER, /* a handler that will run */
	PLANNED_QUIET,   /* a handler that is not notified */
	PLANNED_SKIPPED,
	PLANNED_LOCAL,         /* debug, set_fact, assert */
	PLANNED_UNKNOWN,       /* cannot be known before an earlier change is made */
	PLANNED_FAILED,        /* it failed (failed_when, assert), or could not be observed */
	PLANNED_IGNORED,       /* the same, with ignore_errors: the play continues */
	PLANNED_MAYBE,         /* whether it changes is known only after earlier steps */
	PLANNED_HANDLER_MAYBE, /* a handler notified only by MAYBE or UNKNOWN steps */
};
struct planned {
	const struct step *step;
	enum planned_kind kind; /* set by plan_classify */
	struct value *changes;  /* list of {field, kind, before, after}; NULL: not observed */
	struct value *result;
	const char *error;             /* PLANNED_FAILED, PLANNED_IGNORED */
	const struct origins *origins; /* of what a program refused, when it failed; or NULL */
	/* Results of changed_when and failed_when, as far as known while planning: */
	bool changed;     /* counts as changed, without any change to make */
	bool failed;      /* its result is a failure; false if it only could not be observed */
	const char *open; /* why they are known only after earlier tasks; NULL: they are known */
	/* Progress, for fleet/. Of OBSERVE: which steps were sent, and answered. Of APPLY: which
	 * are done, and which were sent, have begun and have ended. */
	bool asked, observed, applied, sent, started, ended;
};
struct plan_counts {
	size_t resources, change, unchanged, run, handler, unknown, failed, ignored;
};
/* What the plan is for. */
enum target_kind {
	TARGET_HOST, /* a host, changed by the agent on it */
	TARGET_ZONE, /* the records of a DNS zone, changed through its provider's API */
};
struct plan_target {
	struct arena *a;
	enum target_kind kind;
	const char *name;
	struct connection connection; /* of a TARGET_HOST */
	struct planned **v;
	size_t n, cap;
	struct plan_counts counts;
	/* the user's settings of the daemons, with their places, for messages; NULL: none */
	struct value *settings;
	bool frozen;
	const char *error;       /* why the target could not be planned; NULL: it could */
	char digest[SHA256_HEX]; /* of steps and changes */
};
struct plan {
	struct arena *a;
	struct plan_target **v;
	size_t n, cap;
	struct plan_counts counts;
	const char *site; /* path of the manifest, for messages */
	char digest[SHA256_HEX];
};

struct plan *plan_new(struct arena *a);
/* name: of the host in the inventory, or of the zone */
struct plan_target *plan_target(
	struct plan *p, struct arena *a, enum target_kind kind, const char *name);
const char *target_kind_name(enum target_kind kind); /* "host" or "zone" */
struct planned *plan_add(struct plan_target *target, const struct step *step);
struct planned *plan_find(struct plan_target *target, uint32_t id); /* NULL: none */
/* Sets the kind of each step from what was observed; a handler's kind from the steps that notify
 * it. */
void plan_classify(struct plan_target *target);
/* Why the kind of the step is not known yet; NULL: it is known. */
const char *plan_unknown(const struct planned *p);
struct plan_counts plan_count(
	const struct plan_target *target, size_t from); /* counts the steps from this index on */
void plan_freeze_target(struct plan_target *target);
void plan_freeze(struct plan *p); /* classifies, counts and digests every target */

/* The file: magic, version, the encoding of one value, its SHA-256. It contains secrets: mode 0600.
 * A plan that has unknown steps, failed hosts, or changed_when/failed_when to be evaluated during
 * the apply is refused (ERR_CONFIG, which names the task). */
bool plan_save(const struct plan *p, const char *path, struct err *e);
bool plan_is_file(const char *path); /* does it begin with the magic? */
struct plan *plan_load(struct arena *a, const char *path, struct err *e);

/* A unified diff (libgit2) of two texts, with file names; "" if they are equal. */
struct str diff_text(struct arena *a, const char *path, struct str before, struct str after);
/* Prints one change, indented: "mode: 0644 -> 0600", or a diff. `after` of a blob without bytes is
 * taken from the step's params. Hides secrets, and everything of no_log steps. */
void change_print(struct page *out, struct arena *a, const struct planned *p,
	const struct value *change, int indent, bool diff);

/* ---- show.c: for --json ---- */
/* What --json shows of a planned step (SHOWN_PLAN) and of an applied one (SHOWN_STEP). */
enum shown_use { SHOWN_PLAN = 1, SHOWN_STEP = 2 };
struct shown {
	const char *task, *item, *kind, *type, *resource, *status, *message, *unknown, *error;
	struct value *changes; /* NULL with no_log or `diff: false` */
	struct value *rolled_back;
	struct value *places; /* see origins_value */
	uint32_t ms;
};
/* Sets the members that the planned step has; the caller sets the others. */
void shown_fill(
	struct shown *s, struct arena *a, const struct planned *p, const struct value *changes);
void shown_put(struct arena *a, const struct shown *s, enum shown_use use, struct value *map);
struct value *plan_value(struct arena *a, const struct plan_target *target);

const char *planned_error(const struct planned *p); /* of a FAILED or IGNORED step; else NULL */
/* what identifies its resource: "/etc/postfix/main.cf" */
const char *planned_key(struct arena *a, const struct planned *p);
