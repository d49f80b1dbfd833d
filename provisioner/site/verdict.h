/* SPDX-License-Identifier: MIT
 *
 * Verdicts of tasks: changed_when and failed_when decide about every result, known while planning
 * or while applying.
 */
#pragma once
#include "site/resolve.h"

struct judged {
	bool changed, failed; /* in: the result's own verdict */
	const char *error;    /* why it failed */
	const char *unknown;  /* neither is known: "until task 'x' has run" */
	struct err wrong;     /* a condition could not be evaluated: that is a failure too */
};
/* Verdicts that need no result, into the step; false: e says what is wrong with one. */
bool verdicts_constant(struct resolver *r, struct task *t, struct step_record *s, struct err *e);
/* Judges the result and writes the verdicts into it. The task's scope must be entered; facts: names
 * that the task itself sets, or NULL. */
void verdicts_give(struct resolver *r, const struct task *t, struct value *facts,
	struct value *result, struct judged *j);
