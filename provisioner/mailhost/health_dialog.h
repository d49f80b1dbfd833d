/* SPDX-License-Identifier: MIT
 *
 * Private to probe.c: one attempt of a dialog.
 */
#pragma once
#include "mailhost/health_check.h"

#define SECRET_PLACE "@SECRET@" /* in what is sent: where the probe's secret goes */

bool probe_hopeless(const struct probe_patience *p);
bool probe_address(const char *text); /* can it be one? */
bool probe_hex(struct arena *a, const char *text, struct str *out);
/* *answered: it was there and said something, though perhaps the wrong thing. */
bool probe_dialog(struct host *h, const struct value *probe, const struct probe_patience *patience,
	int64_t deadline, bool *answered, struct err *e);
