/* SPDX-License-Identifier: MIT
 *
 * The program's version: from the file VERSION, with the commit if it was built from git. Only this
 * object is rebuilt for a new commit. The agent does not contain it, since the controller
 * identifies the agent by its content.
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
