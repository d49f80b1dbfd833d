/* SPDX-License-Identifier: MIT
 *
 * What this program is: the version of the file VERSION, and the commit when it was built from git.
 * The only object that a new commit builds anew; the agent, which is known by its content, has
 * nothing of it.
 */
#include "command/command.h"

#ifndef DESCRIBE
#define DESCRIBE ""
#endif

void cli_version(struct buf *out)
{
	buf_adds(out, "provision " VERSION);
	if (*DESCRIBE)
		buf_adds(out, " (" DESCRIBE ")");
	buf_addc(out, '\n');
}
