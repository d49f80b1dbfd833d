/* SPDX-License-Identifier: MIT
 *
 * Private to site/: including a role in a play.
 */
#pragma once
#include "site/task.h"

/* One inclusion of a role; what is not given is NULL. */
struct role_call {
	struct str name;
	struct pos pos;
	struct value *params;     /* of its entry */
	struct value *vars;       /* for its tasks */
	const struct value *args; /* of import_role or include_role: tasks_from and friends */
};
/* Adds the role below `into`, its dependencies first. */
struct role_use *role_use_build(struct build *b, const struct role_call *call, struct task *into);
/* An entry of `roles:` or of `dependencies:`. */
void role_entry(struct build *b, struct value *entry, struct task *into);
