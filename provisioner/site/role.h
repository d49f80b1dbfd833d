/* SPDX-License-Identifier: MIT
 *
 * Private to site/: bringing a role into a play.
 */
#pragma once
#include "site/task.h"

/* What brings a role in says of it; NULL: nothing. */
struct role_call {
	struct str name;
	struct pos pos;
	struct value *params;     /* of its entry */
	struct value *vars;       /* for its tasks */
	const struct value *args; /* of import_role or include_role: tasks_from and friends */
};
/* Brings the role in below `into`: dependencies first. */
struct role_use *role_use_build(struct build *b, const struct role_call *call, struct task *into);
/* An entry of `roles:` or of `dependencies:`. */
void role_entry(struct build *b, struct value *entry, struct task *into);
