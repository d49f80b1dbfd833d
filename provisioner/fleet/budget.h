/* SPDX-License-Identifier: MIT
 *
 * The failure budget of a wave (any_errors_fatal, max_fail_percentage): which hosts wait, go on or
 * end.
 */
#pragma once
#include "fleet/fleet_private.h"

/* Call it when the host's plan up to here is complete. true: the host must not apply it now;
 * wave_release lets it go on, or it ends. */
bool wave_waits(struct fleet_host *h);
/* Call it when no host of the wave is left that works: decides from the failures known so far how
 * much of its plan each waiting host applies. false: none may; first the parked hosts have to go
 * on. */
bool wave_release(struct fleet *f);
struct fleet_host *wave_due(struct fleet *f); /* the next host that may go on; NULL: none */
void wave_leave(struct fleet_host *h);        /* the host does not wait any more */
/* is its next task after the one where the wave stopped? */
bool wave_is_behind(const struct fleet_host *h);
void wave_drop(struct fleet_host *h); /* ends a parked host because its wave has stopped */
/* counts a lost host; stops the wave if its budget is exceeded */
void wave_lost(struct fleet_host *h);
/* the play, if it has a failure budget; else NULL */
const struct play *wave_play(const struct fleet *f);
