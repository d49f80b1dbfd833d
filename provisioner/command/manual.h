/* SPDX-License-Identifier: MIT
 *
 * The reference of the commands, and the manual pages.
 */
#pragma once
#include "command/command.h"
#include "reference/reference.h"

/* one command, as an entry of a list */
void manual_command(struct form *f, const struct command *cmd);
void manual_commands(struct form *f); /* all commands */
/* The names that `doc` takes, without the roles: the commands and the reference. */
const char *const *manual_names(struct arena *a);
/* File names of the manual pages: "provision-plan.1"; NULL: i is too large. */
const char *manual_page_name(struct arena *a, size_t i);
bool manual_page(struct form *f, const char *name); /* false: there is no such page */
