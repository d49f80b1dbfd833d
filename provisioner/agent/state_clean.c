/* SPDX-License-Identifier: MIT
 *
 * Before a run: removes the temporaries of a run that was killed. Removes only names that the agent
 * itself makes, and never follows a link.
 */
#include <errno.h>
#include <unistd.h>
#include "agent/session.h"
#include "base/place.h"
#include "host/scratch.h"

/* Where the step that did not end may have written, and where the agent writes itself. */
void state_clean(struct state *st, struct arena *a)
{
	struct last_run last;
	bool known = journal_last(a, st->dir, &last);
	for (size_t i = 0; known && last.dirs && i < last.dirs->list.n; i++)
		remove_temporaries(last.dirs->list.v[i]->s.p);
	if (known)
		remove_temporaries(state_originals(a, st, last.run));
	remove_temporaries(st->dir);
	/* its name in earlier versions; without it only a message has other words */
	const char *served = path_join(a, st->dir, "served");
	if (link(served, path_join(a, st->dir, "verified")) == 0 || errno == EEXIST)
		unlink(served);
	scratch_clean();
}
