/* SPDX-License-Identifier: MIT
 *
 * Which DKIM keys were made on this host, by digest. A key that is not listed, because it was
 * copied here or made before there was a list, counts as unchanged.
 */
#pragma once
#include "host/args.h"

struct dkim_made {
	struct host *h;
	const char *path;
	struct value *digests; /* DOMAIN.SELECTOR -> digest of its key */
	bool changed;
};
bool dkim_made_read(struct dkim_made *m, struct host *h, const char *folder, struct err *e);
bool dkim_made_differs(const struct dkim_made *m, const char *name, struct str key);
void dkim_made_note(struct dkim_made *m, const char *name, struct str key);
bool dkim_made_write(struct dkim_made *m, struct err *e); /* only when something was added */
