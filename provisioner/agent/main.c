/* SPDX-License-Identifier: MIT
 *
 * The program on the host. Does nothing itself: session.c holds the talk.
 */
#include "agent/agent.h"

int main(int argc, char **argv)
{
	return agent_main(argc, argv);
}
