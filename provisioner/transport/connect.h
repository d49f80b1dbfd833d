/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: a TCP connection made without blocking.
 */
#pragma once
#include "net/loop.h"

struct connect;
/* Called once, from the loop: fd is connected, non-blocking and owned by the callee; or it is -1,
 * and e holds the reason. */
typedef void connect_fn(void *ctx, int fd, const struct err *why);
/* Resolves `address` and connects; never calls fn before it has returned. Tries several addresses
 * of a name in parallel, each a little later than the one before (RFC 8305). It has no timeout: the
 * owner has one, and calls connect_free. */
struct connect_to {
	const char *label, *address; /* label: the host, in messages */
	int port;
};
struct connect *connect_start(
	struct loop *l, struct arena *a, const struct connect_to *to, connect_fn *fn, void *ctx);
void connect_free(struct connect *c); /* at any time, also inside fn; NULL is allowed */
