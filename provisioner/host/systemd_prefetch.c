/* SPDX-License-Identifier: MIT
 *
 * Units that are requested before the observations and answered in the background, because systemd
 * takes its time. Changes none.
 */
#include <unistd.h>
#include "host/sdbus.h"
#include "host/systemd.h"

enum { NAMES_MAX = 4096 };

static struct {
	struct arena *a;
	struct args names;
	struct sdbus_talk *talk; /* NULL: systemd cannot be asked over D-Bus */
	struct unit *v;          /* of names[i], once it was requested */
	bool *known;
	pid_t process; /* the process that asks: a child must not use the answers */
} prefetched;

void systemd_forget(void)
{
	if (prefetched.a && prefetched.process == getpid())
		sdbus_end(prefetched.talk);
	arena_free(prefetched.a);
	prefetched.a = NULL;
}

static bool is_asked(const char *name)
{
	for (size_t i = 0; i < prefetched.names.n; i++)
		if (strcmp(prefetched.names.v[i], name) == 0)
			return true;
	return false;
}

void systemd_prefetch(const char *const *names)
{
	systemd_forget();
	struct arena *a = prefetched.a = arena_new();
	prefetched.names = (struct args){0};
	for (size_t i = 0; names[i] && prefetched.names.n < NAMES_MAX; i++)
		if (unit_name_valid(names[i]) && !is_asked(names[i]))
			args_add(a, &prefetched.names, arena_strdup(a, names[i]));
	prefetched.v = ARENA_ARRAY(a, struct unit, prefetched.names.n);
	prefetched.known = ARENA_ARRAY(a, bool, prefetched.names.n);
	prefetched.process = getpid();
	prefetched.talk = systemd_ask(a, prefetched.names.v, prefetched.names.n);
}

/* For units that D-Bus did not answer: one process for all of them. */
static void query_all(const struct host *h)
{
	struct host own = *h;
	struct err ignored = {0};
	size_t n = prefetched.names.n;
	own.a = prefetched.a;
	sdbus_end(prefetched.talk);
	prefetched.talk = NULL;
	bool ok = systemd_query(&own, prefetched.names.v, n, prefetched.v, &ignored);
	for (size_t i = 0; i < n; i++)
		prefetched.known[i] = ok;
	prefetched.names.n = ok ? n : 0;
}

/* false: it was not requested, or there is no answer. */
static bool wait_for(const struct host *h, const char *name, struct unit *u)
{
	size_t i = 0;
	if (!prefetched.a || prefetched.process != getpid())
		return false;
	while (i < prefetched.names.n && strcmp(prefetched.names.v[i], name) != 0)
		i++;
	if (i == prefetched.names.n)
		return false;
	if (!prefetched.known[i] && prefetched.talk)
		prefetched.known[i] = systemd_answer(
			prefetched.a, prefetched.talk, i, prefetched.names.v[i], &prefetched.v[i]);
	if (!prefetched.known[i])
		query_all(h);
	if (i >= prefetched.names.n)
		return false;
	*u = prefetched.v[i];
	return true;
}

bool systemd_find(struct host *h, const char *name, struct unit *u, struct err *e)
{
	return wait_for(h, name, u) || systemd_look(h, name, u, e);
}
