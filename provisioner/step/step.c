/* SPDX-License-Identifier: MIT
 *
 * The tables of the members of a step and of a connection.
 */
#include <limits.h>
#include "step/step.h"

/* Arrays are indexed by task number: larger numbers are rejected as invalid. */
enum { TASKS_MAX = 1 << 24 };
enum { STEP_ALL = STEP_SAVED | STEP_OBSERVE | STEP_APPLY };

#define MEMBER(type, member, what, uses, ...)                     \
	{                                                         \
		{__VA_ARGS__}, what, offsetof(type, member), uses \
	}
#define STEP(...) MEMBER(struct step, __VA_ARGS__)
#define CONNECTION(...) MEMBER(struct connection, __VA_ARGS__)

const struct member step_members[] = {
	STEP(id, MEMBER_NUMBER, STEP_ALL, .name = "id", .kind = FIELD_INT, .flags = FIELD_REQUIRED,
		.min = 1, .max = UINT32_MAX),
	STEP(task, MEMBER_NUMBER, STEP_SAVED, .name = "task", .kind = FIELD_INT,
		.flags = FIELD_REQUIRED, .max = TASKS_MAX),
	STEP(name, MEMBER_TEXT, STEP_SAVED | STEP_APPLY, .name = "name", .kind = FIELD_STR),
	STEP(item, MEMBER_TEXT, STEP_SAVED, .name = "item", .kind = FIELD_STR),
	STEP(more, MEMBER_BOOL, STEP_SAVED, .name = "more", .kind = FIELD_BOOL, .dflt = "false"),
	STEP(params, MEMBER_VALUE, STEP_ALL, .name = "params", .kind = FIELD_MAP),
	STEP(user, MEMBER_TEXT, STEP_ALL, .name = "user", .kind = FIELD_STR),
	STEP(timeout_s, MEMBER_INT, STEP_ALL, .name = "timeout", .kind = FIELD_INT, .dflt = "0",
		.max = INT_MAX),
	STEP(environment, MEMBER_VALUE, STEP_ALL, .name = "environment", .kind = FIELD_MAP),
	STEP(no_log, MEMBER_BOOL, STEP_SAVED, .name = "no_log", .kind = FIELD_BOOL,
		.dflt = "false"),
	STEP(no_diff, MEMBER_BOOL, STEP_SAVED, .name = "no_diff", .kind = FIELD_BOOL,
		.dflt = "false"),
	STEP(ignore_errors, MEMBER_BOOL, STEP_SAVED | STEP_APPLY, .name = "ignore_errors",
		.kind = FIELD_BOOL, .dflt = "false"),
	STEP(skipped, MEMBER_BOOL, STEP_SAVED, .name = "skipped", .kind = FIELD_BOOL,
		.dflt = "false"),
	STEP(local, MEMBER_BOOL, STEP_SAVED, .name = "local", .kind = FIELD_BOOL, .dflt = "false"),
	STEP(message, MEMBER_TEXT, STEP_SAVED, .name = "message", .kind = FIELD_STR),
	STEP(notify, MEMBER_TEXTS, STEP_SAVED | STEP_APPLY, .name = "notify", .kind = FIELD_LIST),
	STEP(handler, MEMBER_TEXT, STEP_ALL, .name = "handler", .kind = FIELD_STR),
	STEP(notified_by, MEMBER_NUMBERS, STEP_SAVED | STEP_OBSERVE, .name = "notified_by",
		.kind = FIELD_ANY),
	STEP(was_pending, MEMBER_BOOL, STEP_SAVED | STEP_OBSERVE, .name = "was_pending",
		.kind = FIELD_BOOL, .dflt = "false"),
	STEP(dropped, MEMBER_BOOL, STEP_SAVED | STEP_APPLY, .name = "dropped", .kind = FIELD_BOOL,
		.dflt = "false"),
	STEP(loop, MEMBER_NUMBER, STEP_APPLY, .name = "loop", .kind = FIELD_INT, .dflt = "0",
		.max = UINT32_MAX),
	STEP(changed, MEMBER_INT, STEP_SAVED | STEP_APPLY, .name = "changed", .kind = FIELD_INT,
		.dflt = "-1", .min = -1, .max = 1),
	STEP(failed, MEMBER_INT, STEP_SAVED, .name = "failed", .kind = FIELD_INT, .dflt = "-1",
		.min = -1, .max = 1),
	{.field = {.name = NULL}},
};

/* No table has passwords: they are not written anywhere. */
const struct member connection_members[] = {
	CONNECTION(address, MEMBER_TEXT, STEP_SAVED, .name = "address", .kind = FIELD_STR),
	CONNECTION(user, MEMBER_TEXT, STEP_SAVED, .name = "user", .kind = FIELD_STR),
	CONNECTION(kind, MEMBER_TEXT, STEP_SAVED, .name = "kind", .kind = FIELD_STR),
	CONNECTION(key_file, MEMBER_TEXT, STEP_SAVED, .name = "key_file", .kind = FIELD_STR),
	CONNECTION(ssh_args, MEMBER_TEXT, STEP_SAVED, .name = "ssh_args", .kind = FIELD_STR),
	CONNECTION(become_user, MEMBER_TEXT, STEP_SAVED, .name = "become_user", .kind = FIELD_STR),
	CONNECTION(port, MEMBER_INT, STEP_SAVED, .name = "port", .kind = FIELD_INT, .dflt = "0",
		.max = 65535),
	CONNECTION(become, MEMBER_BOOL, STEP_SAVED, .name = "become", .kind = FIELD_BOOL,
		.dflt = "false"),
	{.field = {.name = NULL}},
};
