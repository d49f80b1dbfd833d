/* SPDX-License-Identifier: MIT
 *
 * Probes of a daemon: a dialog over TCP or a Unix socket, or a program, repeated until it goes as
 * expected or the time is up. Used by activation.c.
 */
#pragma once
#include "resource/resource.h"

extern const struct field probe_fields[];
/* Rules of one probe across its fields. Pure. */
bool probe_check(const struct value *probe, struct errs *errs);
const char *probe_name(const struct value *probe);

struct probe_patience {
	int timeout_s;
	/* Asked after an attempt that failed: is more of them no use? May be NULL. */
	bool (*hopeless)(void *ctx);
	void *ctx;
};
/* false: e says what was sent, expected and received by the last attempt, never the secret;
 * ERR_TRANSIENT when nobody answered at all. */
bool probe_run(struct host *h, const struct value *probe, const struct probe_patience *patience,
	struct err *e);
