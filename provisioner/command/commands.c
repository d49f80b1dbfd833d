/* SPDX-License-Identifier: MIT
 *
 * The list of all commands; dispatch, reference and completions use it.
 */
#include "command/command.h"

const struct command *const commands[] = {&command_plan, &command_apply, &command_check,
	&command_facts, &command_explain, &command_render, &command_eval, &command_doc,
	&command_dns, &command_schema, &command_completion, NULL};
