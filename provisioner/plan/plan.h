/* SPDX-License-Identifier: MIT
 *
 * Floor 6: the plan: what would change on each target (a host or a DNS zone), frozen, digested,
 * printable, storable.
 *
 *   p = plan_new(a); target = plan_target(p, a, TARGET_HOST, "mx1"); plan_add(target, step) ...;
 * planned->changes = ...; plan_freeze(p);                                   counts and digest; from
 * here on it obeys plan_save(p, path, &e) / plan_load(a, path, &e)   a promise, kept in a file
 * (mode 0600)
 *
 * Nothing here contacts a host. Adding to a frozen plan is a bug.
 */
#pragma once
#include "resource/resource.h"
#include "step/step.h"

enum planned_kind {
	PLANNED_OK, /* converged */
	PLANNED_CHANGE,
	PLANNED_RUN,     /* runs each time and does not count as a change (changed_when: false) */
	PLANNED_HANDLER, /* a handler that will run */
	PLANNED_QUIET,   /* a handler that nothing notifies */
	PLANNED_SKIPPED,
	PLANNED_LOCAL,         /* debug, set_fact, assert */
	PLANNED_UNKNOWN,       /* depends on a change not yet made */
	PLANNED_FAILED,        /* its result is a failure, or it could not be observed */
	PLANNED_IGNORED,       /* so, and ignore_errors says that the play goes on */
	PLANNED_MAYBE,         /* whether it changes shows when the steps before it have run */
	PLANNED_HANDLER_MAYBE, /* a handler that runs if such a step, or an unknown one, changes */
};
struct planned {
	const struct step *step;
	enum planned_kind kind; /* set by plan_classify */
	struct value *changes;  /* list of {field, kind, before, after}; NULL: not observed */
	struct value *result;
	const char *error; /* PLANNED_FAILED, PLANNED_IGNORED */
	/* The verdicts, where the result is known while planning: */
	bool changed;     /* it counts as a change, though nothing is to be done */
	bool failed;      /* it has failed; not only: it could not be observed */
	const char *open; /* neither is known before earlier tasks have run: why */
	/* the fleet's progress: of OBSERVE's steps which were asked for; of APPLY's steps which
	 * were sent, have begun and have ended */
	bool asked, observed, applied, sent, started, ended;
};
struct plan_counts {
	size_t resources, change, unchanged, run, handler, unknown, failed, ignored;
};
/* What a plan changes. */
enum target_kind {
	TARGET_HOST, /* by an agent on it */
	TARGET_ZONE, /* the records of a DNS zone, by its provider */
};
struct plan_target {
	struct arena *a;
	enum target_kind kind;
	const char *name;
	struct connection connection; /* of a host */
	struct planned **v;
	size_t n, cap;
	struct plan_counts counts;
	bool frozen;
	const char *error;       /* the target could not be planned: why */
	char digest[SHA256_HEX]; /* over steps and changes */
};
struct plan {
	struct arena *a;
	struct plan_target **v;
	size_t n, cap;
	struct plan_counts counts;
	const char *site; /* the manifest's path, for people */
	char digest[SHA256_HEX];
};

struct plan *plan_new(struct arena *a);
/* name: the host's in the inventory, or the zone's */
struct plan_target *plan_target(
	struct plan *p, struct arena *a, enum target_kind kind, const char *name);
const char *target_kind_name(enum target_kind kind); /* "host" */
struct planned *plan_add(struct plan_target *target, const struct step *step);
struct planned *plan_find(struct plan_target *target, uint32_t id); /* NULL: none */
/* What each step comes to, now that it was observed; a handler asks the steps that notify it. */
void plan_classify(struct plan_target *target);
/* Why nobody can tell yet what the step comes to; NULL: that is known. */
const char *plan_unknown(const struct planned *p);
struct plan_counts plan_count(
	const struct plan_target *target, size_t from); /* steps from an index on */
void plan_freeze_target(struct plan_target *target);
void plan_freeze(struct plan *p); /* classifies, counts, digests every target */

/* The file: magic, version, then the encoding of one value, then its SHA-256. It holds contents
 * and so secrets: mode 0600. A plan with unknowns, failed hosts or verdicts that only a run can
 * give cannot be promised and is refused (ERR_CONFIG, says which task). */
bool plan_save(const struct plan *p, const char *path, struct err *e);
bool plan_is_file(const char *path); /* begins with the magic */
struct plan *plan_load(struct arena *a, const char *path, struct err *e);

/* Unified diff (libgit2) of two texts, with file names; "" when equal. */
struct str diff_text(struct arena *a, const char *path, struct str before, struct str after);
/* One change for people, lines indented by `indent`: "mode: 0644 -> 0600", or a diff. The after of
 * a blob without bytes is looked up in params. Secrets and no_log steps are hidden. */
void change_print(struct page *out, struct arena *a, const struct planned *p,
	const struct value *change, int indent, bool diff);

/* ---- show.c: for --json ---- */
/* A step of a plan (SHOWN_PLAN) or of an apply (SHOWN_STEP): one table of what is shown. */
enum shown_use { SHOWN_PLAN = 1, SHOWN_STEP = 2 };
struct shown {
	const char *task, *item, *kind, *type, *resource, *status, *message, *unknown, *error;
	struct value *changes; /* none with no_log or `diff: false` */
	struct value *rolled_back;
	uint32_t ms;
};
/* Fills in what the planned step has; the rest is the caller's. */
void shown_fill(
	struct shown *s, struct arena *a, const struct planned *p, const struct value *changes);
void shown_put(struct arena *a, const struct shown *s, enum shown_use use, struct value *map);
struct value *plan_value(struct arena *a, const struct plan_target *target);

const char *planned_error(const struct planned *p); /* of a FAILED or IGNORED one; else NULL */
const char *planned_key(struct arena *a, const struct planned *p); /* "/etc/postfix/main.cf" */
