/* SPDX-License-Identifier: MIT
 *
 * The actions that the controller itself performs: they do not touch the host.
 */
#pragma once
#include "site/task.h"

/* control.c: actions that are done by the controller. */
enum control_kind {
	CONTROL_DEBUG,
	CONTROL_SET_FACT,
	CONTROL_ASSERT,
	CONTROL_FAIL,
	CONTROL_META,
	CONTROL_SETUP,
	CONTROL_VALIDATE, /* arguments of a role; it has no keywords of its own */
	CONTROL_INCLUDE_VARS,
	CONTROL_INCLUDE_TASKS,
	CONTROL_INCLUDE_ROLE,
	CONTROL_IMPORT_TASKS,
	CONTROL_IMPORT_ROLE,
};
struct control {
	const char *name;
	enum control_kind kind;
	const char *free_form; /* the parameter that a free-form text sets; NULL: none */
	bool any_key;          /* set_fact */
	const struct field *fields;
	const char *doc;
};
const struct control *control_find(struct str name);
void control_result_keywords(struct build *b, const struct task *t, const struct value *kw);
extern const struct control control_validate;
const struct control *control_row(size_t i); /* NULL past the last */
