/* SPDX-License-Identifier: MIT
 *
 * Before a run: removes temporary files of killed runs. Removes only names that the agent creates,
 * and never follows a link.
 */
#include <errno.h>
#include <unistd.h>
#include "agent/session.h"
#include "base/place.h"
#include "host/scratch.h"

/* In folders where an unfinished step may have written, and in the agent's own. */
void state_clean(struct state *st, struct arena *a)
{
	struct last_run last;
	bool known = journal_last(a, st->dir, &last);
	for (size_t i = 0; known && last.dirs && i < last.dirs->list.n; i++)
		remove_temporaries(last.dirs->list.v[i]->s.p);
	if (known)
		remove_temporaries(state_originals(a, st, last.run));
	remove_temporaries(st->dir);
	/* the name in earlier versions; without it only the wording of a message differs */
	const char *served = path_join(a, st->dir, "served");
	if (link(served, path_join(a, st->dir, "verified")) == 0 || errno == EEXIST)
		unlink(served);
	scratch_clean();
}
