/* SPDX-License-Identifier: MIT
 *
 * The units that services are, asked for many at once before a plan is made. Changes none.
 */
#include "resource/foresight.h"
#include "resource/service.h"
#include "resource/unit.h"

enum { NAMES_MAX = 4096 };

static struct {
	struct arena *a;
	struct unit *v;
	size_t n;
} prefetched;

void service_forget(void)
{
	arena_free(prefetched.a);
	memset(&prefetched, 0, sizeof(prefetched));
}

void service_prefetch(struct host *h, const char *const *names)
{
	struct err ignored = {0};
	struct args asked = {0};
	service_forget();
	if (!systemd_runs())
		return;
	struct host own = *h;
	own.a = arena_new();
	for (size_t i = 0; names[i] && asked.n < NAMES_MAX; i++)
		if (unit_name_valid(names[i]))
			args_add(own.a, &asked, arena_strdup(own.a, names[i]));
	struct unit *v = ARENA_ARRAY(own.a, struct unit, asked.n);
	if (asked.n == 0 || !unit_look(&own, asked.v, asked.n, v, &ignored)) {
		arena_free(own.a);
		return;
	}
	prefetched.a = own.a;
	prefetched.v = v;
	prefetched.n = asked.n;
}

bool service_find(struct host *h, const char *name, struct unit *u, struct err *e)
{
	if (!unit_name_valid(name))
		return err_set(e, ERR_CONFIG, "'%s' is no name that a service can have", name);
	for (size_t i = 0; i < prefetched.n; i++) {
		if (strcmp(prefetched.v[i].name, name) == 0) {
			*u = prefetched.v[i];
			return true;
		}
	}
	return unit_look(h, &name, 1, u, e);
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
