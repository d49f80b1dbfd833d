/* SPDX-License-Identifier: MIT
 *
 * The units that services are, asked for beside the observations, since systemd takes its time.
 * Changes none.
 */
#include <pthread.h>
#include <unistd.h>
#include "host/foresight.h"
#include "resource/service.h"
#include "host/unit.h"

enum {
	NAMES_MAX = 4096,
	AT_A_TIME = 4, /* units: the first is needed soon, and a connection costs as much as one */
};

/* The thread writes v[answered..] and counts on; the lock is for what follows it. */
static struct {
	struct arena *a;
	struct args names;
	struct unit *v;
	pid_t process; /* that asks: its children have no thread to wait for */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	size_t answered;
	bool ended;
} prefetched = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static void *ask_all(void *ctx)
{
	bool ended = false;
	(void)ctx;
	for (size_t at = 0; !ended;) {
		size_t n = prefetched.names.n - at;
		n = n < AT_A_TIME ? n : AT_A_TIME;
		ended = !unit_ask(prefetched.a, prefetched.names.v + at, n, prefetched.v + at);
		at += ended ? 0 : n;
		ended = ended || at == prefetched.names.n;
		pthread_mutex_lock(&prefetched.lock);
		prefetched.answered = at;
		prefetched.ended = ended;
		pthread_cond_broadcast(&prefetched.more);
		pthread_mutex_unlock(&prefetched.lock);
	}
	return NULL;
}

void service_forget(void)
{
	if (prefetched.a && prefetched.process == getpid())
		pthread_join(prefetched.thread, NULL);
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

void service_prefetch(const char *const *names)
{
	service_forget();
	if (!systemd_runs())
		return;
	prefetched.a = arena_new();
	prefetched.names = (struct args){0};
	for (size_t i = 0; names[i] && prefetched.names.n < NAMES_MAX; i++)
		if (unit_name_valid(names[i]) && !is_asked(names[i]))
			args_add(prefetched.a, &prefetched.names,
				arena_strdup(prefetched.a, names[i]));
	prefetched.v = ARENA_ARRAY(prefetched.a, struct unit, prefetched.names.n);
	prefetched.answered = 0;
	prefetched.ended = false;
	prefetched.process = getpid();
	if (prefetched.names.n && pthread_create(&prefetched.thread, NULL, ask_all, NULL) == 0)
		return;
	arena_free(prefetched.a);
	prefetched.a = NULL;
}

/* What systemd did not answer itself: one process for all of them. */
static void query_rest(const struct host *h)
{
	struct host own = *h;
	struct err ignored = {0};
	size_t at = prefetched.answered, n = prefetched.names.n - at;
	own.a = prefetched.a;
	if (unit_query(&own, prefetched.names.v + at, n, prefetched.v + at, &ignored))
		prefetched.answered += n;
	prefetched.names.n = prefetched.answered;
}

/* false: it was not asked for, or there was no answer. */
static bool wait_for(const struct host *h, const char *name, struct unit *u)
{
	size_t i = 0;
	if (!prefetched.a || prefetched.process != getpid())
		return false;
	while (i < prefetched.names.n && strcmp(prefetched.names.v[i], name) != 0)
		i++;
	if (i == prefetched.names.n)
		return false;
	pthread_mutex_lock(&prefetched.lock);
	while (i >= prefetched.answered && !prefetched.ended)
		pthread_cond_wait(&prefetched.more, &prefetched.lock);
	bool answered = i < prefetched.answered;
	pthread_mutex_unlock(&prefetched.lock);
	if (!answered) {
		query_rest(h);
		answered = i < prefetched.answered;
	}
	if (answered)
		*u = prefetched.v[i];
	return answered;
}

bool service_find(struct host *h, const char *name, struct unit *u, struct err *e)
{
	if (!unit_name_valid(name))
		return err_set(e, ERR_CONFIG, "'%s' is no name that a service can have", name);
	return wait_for(h, name, u) || unit_look(h, &name, 1, u, e);
}

const char *service_thing(struct arena *a, const char *name)
{
	return thing_named(a, "service", name);
}

void service_foresee(const struct value *params, const struct observation *o, struct foresight *f)
{
	struct arena *a = arena_new();
	const char *thing = service_thing(a, map_cstr(o->result, "name", ""));
	if (observed_change(o, "state")) {
		if (strcmp(map_cstr(params, "state", ""), "stopped") == 0)
			foresee_removed(f, thing);
		else
			foresee_made(f, thing);
	}
	thing = thing_named(a, "enabled", map_cstr(o->result, "name", ""));
	if (observed_change(o, "enabled") && map_bool(params, "enabled", false))
		foresee_made(f, thing);
	else if (observed_change(o, "enabled"))
		foresee_removed(f, thing);
	arena_free(a);
}
