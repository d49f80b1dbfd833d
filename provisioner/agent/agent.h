/* SPDX-License-Identifier: MIT
 *
 * Floor 4: the program on the host. It reads frames from standard input and answers on standard
 * output.
 *
 * It observes in a child process that may not write (Landlock, where the kernel has it), and
 * applies in its own process. Its state is in /var/lib/provision (root) or
 * ~/.local/state/provision: lock, journal, pending handlers, originals. When the connection breaks
 * during an apply, the agent still finishes the plan; the HELLO of the next session reports the
 * outcome.
 */
#pragma once
#include "wire/wire.h"

/* Ansible's facts, named without the prefix ansible_ */
struct value *facts_gather(struct arena *a);
int agent_main(int argc, char **argv);
