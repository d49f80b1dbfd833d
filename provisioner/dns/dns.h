/* SPDX-License-Identifier: MIT
 *
 * Floor 3: records: the syntax of SPF and DMARC, what the providers of mail want published, and
 * zone-file text. Knows no manifest; asks no name server.
 */
#pragma once
#include "value/value.h"

/* ---- spf.c, dmarc.c: what is wrong with a record's text, problem by problem ---- */
typedef void dns_said_fn(void *ctx, bool warning, const char *what);
/* RFC 7208: syntax, more than ten lookups among the terms that stand here, ptr, +all, ... */
void spf_check(struct str text, dns_said_fn *said, void *ctx);
/* RFC 9989, and where it differs what readers of RFC 7489 make of it; retired tags are warnings. */
void dmarc_check(struct str text, dns_said_fn *said, void *ctx);
