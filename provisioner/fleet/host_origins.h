/* SPDX-License-Identifier: MIT
 *
 * Private to fleet/: where the user's files set what a program on the host refused.
 */
#pragma once
#include "fleet/fleet_private.h"

/* Keeps the user's settings of the daemons with the plan that will be saved; call it at the end of
 * a play. */
void host_keep_settings(struct fleet_host *h);
/* Sets the planned step's origins if its error (may be NULL) is a program's refusal and says
 * enough; call it before the failure is reported. */
void host_find_origins(struct fleet_host *h, struct planned *p, const char *error);
