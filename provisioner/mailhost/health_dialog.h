/* SPDX-License-Identifier: MIT
 *
 * Private to health_check.c: one attempt of a dialog.
 */
#pragma once
#include "mailhost/health_check.h"

#define SECRET_PLACE "@SECRET@" /* in `send`: the place of the probe's secret */

bool probe_hopeless(const struct probe_patience *p);
bool probe_address(const char *text); /* does it have the form of an address? */
bool probe_hex(struct arena *a, const char *text, struct str *out);
/* *answered: the daemon was reachable and sent something, even if the wrong thing. */
bool probe_dialog(struct host *h, const struct value *probe, const struct probe_patience *patience,
	int64_t deadline, bool *answered, struct err *e);
