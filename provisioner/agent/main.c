/* SPDX-License-Identifier: MIT
 *
 * The agent's main(); session.c has the protocol.
 */
#include "agent/agent.h"

int main(int argc, char **argv)
{
	return agent_main(argc, argv);
}
