/* SPDX-License-Identifier: MIT
 *
 * The states of the type file: what each observes and does. file.c holds the table.
 */
#pragma once
#include "host/look.h"

struct file_target {
	const char *path; /* what is looked at and changed: links at its end followed if wanted */
	struct stat st;
	bool found;
	bool made; /* by a step before this one in the plan: what it is then is not known here */
};

/* One state: what it observes, what it does. */
struct file_state {
	const char *name;
	bool follows; /* the parameter follow counts */
	bool (*observe)(struct host *h, const struct value *params, struct file_target *t,
		struct observation *o, struct err *e);
	bool (*apply)(struct host *h, const struct value *params, struct file_target *t,
		struct observation *o, struct err *e);
};

bool link_observe(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e);
bool link_apply(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e);
bool hard_observe(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e);
bool hard_apply(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e);
bool absent_observe(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e);
bool absent_apply(struct host *h, const struct value *params, struct file_target *t,
	struct observation *o, struct err *e);
