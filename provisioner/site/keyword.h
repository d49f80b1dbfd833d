/* SPDX-License-Identifier: MIT
 *
 * Keywords of plays, blocks, tasks and roles: reads, refuses and evaluates them.
 */
#pragma once
#include "site/task.h"

struct resolver;
struct keywords {  /* what they come to for one item of a task */
	bool read; /* false: not looked at yet */
	bool no_log, ignore_errors, diff;
	bool only_read;              /* check_mode: false */
	bool only_check;             /* check_mode: true */
	const char *user;            /* the user to run as; NULL: as the agent */
	const struct value *unknown; /* one of them is not known yet, or NULL */
};
/* Checks the keywords of a map by their table; those with a template stay unevaluated. */
struct value *keywords_check(
	struct build *b, const struct field *table, const struct value *map, const char *what);
/* A boolean of a map that no table has checked; false with e when it is not one. */
bool option_bool(const struct value *map, const char *key, bool dflt, bool *out, struct err *e);
/* Reports variables that set how the host is reached. */
void refuse_reach(struct build *b, const struct value *vars, const char *where);
/* Reports a key of a task that is neither a module nor a keyword. */
void word_unknown(struct build *b, const struct map_entry *e);
/* ", and 'x' is another module", for a module of another collection; else "". */
const char *module_namesake(struct arena *a, struct str key);
/* False with e when one of them has an invalid value. */
bool keywords_read(struct resolver *r, const struct task *t, struct keywords *out, struct err *e);
bool keyword_hides(
	struct resolver *r, const struct task *t); /* no_log, also when it is not known */
/* The `environment:` of every level above the task; NULL: none; UNKNOWN when one is unknown. */
bool task_environment(struct resolver *r, const struct task *t, struct value **out, struct err *e);
