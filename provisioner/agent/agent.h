/* SPDX-License-Identifier: MIT
 *
 * Floor 4: the program on the host. Reads frames on standard input, answers on standard output.
 *
 * It observes in a child that may not write (Landlock, where the kernel has it), and applies
 * itself. State lives in /var/lib/provision (root) or ~/.local/state/provision: lock, journal,
 * pending handlers, originals. When the connection dies in an apply it finishes the plan; the next
 * HELLO says what happened.
 */
#pragma once
#include "wire/wire.h"

struct value *facts_gather(struct arena *a); /* ansible_* names without the prefix */
int agent_main(int argc, char **argv);
