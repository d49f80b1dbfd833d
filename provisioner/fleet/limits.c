/* SPDX-License-Identifier: MIT
 *
 * The number of connections for which this process may open descriptors. Raises only its soft limit
 * (getrlimit(2)).
 */
#include <sys/resource.h>
#include "fleet/fleet_private.h"

enum {
	FILES_OF_RUN = 14, /* standard ones, the event loop's, and files read during the run */
	/* of one connection: three pipes or a socket, and more while it starts */
	FILES_OF_HOST = 6,
};

size_t connections_at_once(size_t wanted)
{
	struct rlimit l;
	rlim_t need = FILES_OF_RUN + (rlim_t)wanted * FILES_OF_HOST;
	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur == RLIM_INFINITY || l.rlim_cur >= need)
		return wanted;
	struct rlimit more = {l.rlim_max < need ? l.rlim_max : need, l.rlim_max};
	if (setrlimit(RLIMIT_NOFILE, &more) == 0)
		l = more;
	if (l.rlim_cur >= need)
		return wanted;
	rlim_t n = l.rlim_cur > FILES_OF_RUN ? (l.rlim_cur - FILES_OF_RUN) / FILES_OF_HOST : 0;
	return n ? (size_t)n : 1;
}
