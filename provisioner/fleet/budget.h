/* SPDX-License-Identifier: MIT
 *
 * The hosts of a wave against the failures that its play allows: who waits, who goes on, who ends.
 */
#pragma once
#include "fleet/fleet_private.h"

/* The host's plan up to here is made. true: its turn to carry it out comes later, or never. */
bool wave_waits(struct fleet_host *h);
/* All of the wave that are left wait: what each of them carries out, by what is known to fail.
 * false: nothing, before the hosts that are parked go on. */
bool wave_release(struct fleet *f);
struct fleet_host *wave_due(struct fleet *f);    /* the next that is due, or NULL */
void wave_leave(struct fleet_host *h);           /* it waits no more */
bool wave_is_behind(const struct fleet_host *h); /* behind the task at which the wave stopped */
void wave_drop(struct fleet_host *h);            /* ends a host that is parked, with its wave */
void wave_lost(struct fleet_host *h);            /* counts, and stops the wave that has too many */
const struct play *wave_play(const struct fleet *f); /* with a budget to keep; else NULL */
