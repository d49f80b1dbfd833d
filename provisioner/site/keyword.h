/* SPDX-License-Identifier: MIT
 *
 * Keywords and other words of plays, blocks, tasks and roles: read, refused, evaluated.
 */
#pragma once
#include "site/task.h"

struct resolver;
struct keywords {  /* what they come to for one item of a task */
	bool read; /* false: not looked at yet */
	bool no_log, ignore_errors, diff;
	bool only_read;              /* check_mode: false */
	bool only_check;             /* check_mode: true */
	const char *user;            /* to run as; NULL: as the agent */
	const struct value *unknown; /* one of them is not known yet, or NULL */
};
/* The keywords of a map by their table; those that hold a template stay as they are written. */
struct value *keywords_check(
	struct build *b, const struct field *table, const struct value *map, const char *what);
/* A boolean of a map that no table has checked; false with e when it is none. */
bool option_bool(const struct value *map, const char *key, bool dflt, bool *out, struct err *e);
/* A problem when one of the variables says how the host is reached. */
void refuse_reach(struct build *b, const struct value *vars, const char *where);
/* A word of a task that is neither a module nor a keyword is a problem. */
void word_unknown(struct build *b, const struct map_entry *e);
/* ", and 'x' is another module", for a module of another collection; else "". */
const char *module_namesake(struct arena *a, struct str key);
/* False with e when one of them cannot be what it says. */
bool keywords_read(struct resolver *r, const struct task *t, struct keywords *out, struct err *e);
bool keyword_hides(
	struct resolver *r, const struct task *t); /* no_log, also when it is not known */
/* What `environment:` says at every level above the task; NULL: nothing; UNKNOWN when that is. */
bool task_environment(struct resolver *r, const struct task *t, struct value **out, struct err *e);
