/* SPDX-License-Identifier: MIT
 *
 * For the test of hostile hosts: the table of lies, each with what the
 * controller has to say of it.
 */
#pragma once
#include "liars_apply.h"

static const char SILENT[] = "no sign of life";
static const struct lie {
	const char *name;
	void (*tell)(void);
	const char *says; /* of it, in the end */
	bool floods;      /* it tries to take memory */
} lies[] = {
#define ROW(name, says, floods)                 \
	{                                       \
#name, lie_##name, says, floods \
	}
	ROW(pre_silent, "no answer within", false),
	ROW(pre_exit, "could not be started", false),
	ROW(pre_noise, "prints more than 64 KB", true),
	ROW(pre_errors, SILENT, true),
	ROW(pre_trickle, SILENT, false),
	ROW(pre_need_twice, "a second time", false),
	ROW(pre_unread, SILENT, false),
	ROW(hello_length, "larger than a frame", false),
	ROW(hello_empty, "it is empty", false),
	ROW(hello_type, "type is unknown", false),
	ROW(hello_half, SILENT, false),
	ROW(hello_errors, SILENT, true),
	ROW(hello_trickle, SILENT, false),
	ROW(hello_version, "uses version 99", false),
	ROW(hello_late, "began with STEP", false),
	ROW(hello_huge, "larger than a frame of its type", true),
	ROW(hello_nulls, "too much memory", true),
	ROW(hello_facts, SILENT, true),
	ROW(hello_deep, "nested too deeply", false),
	ROW(hello_unknown, "an unknown value", false),
	ROW(hello_count, "more items than bytes", false),
	ROW(hello_fatal, "ended with an error", false),
	ROW(observe_silent, SILENT, false),
	ROW(observe_stopped, SILENT, false),
	ROW(observe_exit, "the agent ended", false),
	ROW(observe_killed, "the agent ended", false),
	ROW(observe_closed, SILENT, false),
	ROW(observe_errors, SILENT, true),
	ROW(observe_trickle, SILENT, false),
	ROW(observe_garbage, "larger than a frame", true),
	ROW(observe_hello, "HELLO out of turn", false),
	ROW(observe_note, "NOTE out of turn", true),
	ROW(observe_alive, "took longer than", false),
	ROW(observe_alive_flood, "", true),
	ROW(observe_applied, "APPLIED out of turn", false),
	ROW(observe_foreign, "was not asked about", false),
	ROW(observe_twice, "was not asked about", false),
	ROW(observe_missing, "did not answer about", false),
	ROW(observe_shape, "not a mapping", false),
	ROW(observe_text, "a change of more than", true),
	ROW(observe_huge, "larger than a frame of its type", true),
	ROW(observe_results, NULL, true), /* no lie, but as much as may be told */
	ROW(observe_changes, "too much memory", true),
	ROW(apply_silent, SILENT, false),
	ROW(apply_stopped, SILENT, false),
	ROW(apply_nothing, "no result of", false),
	ROW(apply_missing, "no result of", false),
	ROW(apply_status, "must be one of", false),
	ROW(apply_foreign, "ended a step that it was not sent", false),
	ROW(apply_step_flood, "twice", true),
	ROW(apply_started_flood, "twice", true),
	ROW(apply_late, "twice", false),
	ROW(apply_note_early, "NOTE out of turn", false),
	ROW(apply_notes, "sends too much", true),
	ROW(apply_notes_large, "sends too much", true),
	ROW(apply_note_huge, "larger than a frame of its type", true),
	ROW(apply_alive, "took longer than", false),
	ROW(apply_results, "more than 32 MB", true),
	ROW(apply_keys, "too much memory", true),
	ROW(apply_changes, "a change of more than", true),
	ROW(apply_texts, "more than 32 MB", true),
	ROW(apply_twice, NULL, false), /* it is done by then: the connection is over */
	ROW(apply_half, "the agent ended", false),
	ROW(apply_garbage, "larger than a frame", true),
	ROW(apply_observed, "OBSERVED out of turn", false),
#undef ROW
};

static int lie_as(const char *name)
{
	lm = arena_new();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (strncmp(name, "good", 4) == 0)
		be_honest();
	for (size_t i = 0; i < ARRAY_LEN(lies); i++)
		if (strcmp(lies[i].name, name) == 0)
			lies[i].tell();
	return 9;
}
