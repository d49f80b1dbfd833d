/* SPDX-License-Identifier: MIT
 *
 * The table of service managers, and what does not depend on which of them the host has.
 */
#include "host/services.h"

/* The first that runs; the last needs nothing that runs, so it is not asked. */
static const struct service_backend *const managers[] = {
	&service_backend_systemd, &service_backend_sysv};

const struct service_backend *service_manager(void)
{
	size_t i = 0;
	while (i + 1 < ARRAY_LEN(managers) && !managers[i]->runs())
		i++;
	return managers[i];
}

bool unit_name_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:_.@\\-";
	size_t n = strlen(name);
	return n > 0 && n < 200 && name[0] != '-' && name[0] != '.' && strspn(name, allowed) == n;
}

void service_prefetch(const char *const *names)
{
	const struct service_backend *m = service_manager();
	if (m->prefetch)
		m->prefetch(names);
}

void service_forget(void)
{
	const struct service_backend *m = service_manager();
	if (m->forget)
		m->forget();
}

bool service_find(struct host *h, const char *name, struct unit *u, struct err *e)
{
	if (!unit_name_valid(name))
		return err_set(e, ERR_CONFIG, "'%s' is not a valid service name", name);
	return service_manager()->find(h, name, u, e);
}

int64_t service_runs_since(struct host *h, const char *name)
{
	const struct service_backend *m = service_manager();
	return m->runs_since ? m->runs_since(h, name) : 0;
}
