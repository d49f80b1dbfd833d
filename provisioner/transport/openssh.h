/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: the command line of the system's ssh.
 */
#pragma once
#include "transport/link.h"

/* NULL-terminated; NULL (e set) when ssh_args has an unclosed quote. */
const char *const *openssh_argv(
	struct arena *a, const struct target *t, const char *command, struct err *e);
bool openssh_there(void); /* is there an ssh to run */
