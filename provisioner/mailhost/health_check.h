/* SPDX-License-Identifier: MIT
 *
 * Probes of a daemon: a dialog over TCP or a Unix socket, or a program, repeated until it succeeds
 * or times out. Used by activation.c.
 */
#pragma once
#include "resource/resource.h"

extern const struct field probe_fields[];
/* Rules of one probe across its fields. Pure. */
bool probe_check(const struct value *probe, struct errs *errs);
const char *probe_name(const struct value *probe);

struct probe_patience {
	int timeout_s;
	/* Called after a failed attempt: are more attempts useless? May be NULL. */
	bool (*hopeless)(void *ctx);
	void *ctx;
};
/* false: e holds what the last attempt sent, expected and received, never the secret; ERR_TRANSIENT
 * when nothing answered at all. */
bool probe_run(struct host *h, const struct value *probe, const struct probe_patience *patience,
	struct err *e);
