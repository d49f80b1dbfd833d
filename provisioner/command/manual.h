/* SPDX-License-Identifier: MIT
 *
 * The reference of the commands themselves, and the pages of the manual.
 */
#pragma once
#include "command/command.h"
#include "reference/reference.h"

void manual_command(struct form *f, const struct command *cmd); /* an entry among others */
void manual_commands(struct form *f);                           /* all of them */
/* What `doc` knows by name, but for roles: the commands, and all of the reference. */
const char *const *manual_names(struct arena *a);
/* The file names of the manual's pages: "provision-plan.1"; NULL past the last. */
const char *manual_page_name(struct arena *a, size_t i);
bool manual_page(struct form *f, const char *name); /* false: there is none of this name */
