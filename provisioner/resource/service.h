/* SPDX-License-Identifier: MIT
 *
 * Services, beside the verbs of the types `service` and `systemd`: the state of many units from one
 * request to systemd.
 *
 * Before observing: service_prefetch(names) with the `name` of every service resource, in the order
 * of the observations. Without it each observation asks by itself and waits for systemd.
 */
#pragma once
#include "resource/resource.h"

/* Forgets the earlier results, and starts to request `names` (NULL-terminated), in their order and
 * in the background. service_find waits for the unit that it needs. A failure is not an error here:
 * the observation asks again and reports it. */
void service_prefetch(const char *const *names);
/* Forgets the results; apply does so by itself whenever it changes a unit. */
void service_forget(void);

struct unit;
/* The state of a unit, prefetched or requested now. */
bool service_find(struct host *h, const char *name, struct unit *u, struct err *e);

/* For the type activation: the effect of a reload or restart of the service, and doing it. */
bool service_activation_look(
	struct host *h, const char *name, bool restart, struct observation *o, struct err *e);
bool service_activate(struct host *h, const char *name, bool restart, struct err *e);
/* Waits until a starting service runs. */
bool service_await(struct host *h, const char *name, struct err *e);
/* The name under which a running service is present for foresight. */
const char *service_thing(struct arena *a, const char *name);
void service_foresee(const struct value *params, const struct observation *o, struct foresight *f);
