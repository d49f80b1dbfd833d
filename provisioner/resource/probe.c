/* SPDX-License-Identifier: MIT
 *
 * Read-only types, whose result is needed while the plan is made: what they return while an earlier
 * step may still change it.
 */
#include "resource/resource.h"

void probe_later(struct host *h, const struct restype *t, struct observation *o)
{
	for (const struct field *f = t->returns; f && f->name; f++)
		map_put(h->a, o->result, f->name,
			value_unknown(h->a, "until earlier changes are applied"));
}

bool probe_waits(struct host *h, const struct restype *t, struct observation *o)
{
	bool waits = h->pending & t->class;
	if (waits)
		probe_later(h, t, o);
	return waits;
}
