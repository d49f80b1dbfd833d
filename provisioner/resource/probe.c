/* SPDX-License-Identifier: MIT
 *
 * Types that only read, and are asked while the plan is made: what they give while an earlier
 * change may still alter it.
 */
#include "resource/resource.h"

void probe_later(struct host *h, const struct restype *t, struct observation *o)
{
	for (const struct field *f = t->returns; f && f->name; f++)
		map_put(h->a, o->result, f->name,
			value_unknown(h->a, "until the changes before it are made"));
}

bool probe_waits(struct host *h, const struct restype *t, struct observation *o)
{
	bool waits = h->pending & t->class;
	if (waits)
		probe_later(h, t, o);
	return waits;
}
