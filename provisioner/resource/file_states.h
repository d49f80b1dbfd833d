/* SPDX-License-Identifier: MIT
 *
 * The states of the type file: how each is observed and applied. file.c holds the table.
 */
#pragma once
#include "host/path.h"

struct file_target {
	const char *path; /* the path to check and change: final links followed if wanted */
	struct stat st;
	bool found;
	bool made; /* an earlier step of the plan changes it: its final state is not known */
};

/* One state: its observe and its apply. */
struct file_state {
	const char *name;
	bool follows; /* uses the parameter follow */
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
