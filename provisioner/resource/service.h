/* SPDX-License-Identifier: MIT
 *
 * Services, beside the verbs of the types `service` and `systemd`: for the type activation.
 */
#pragma once
#include "host/services.h"
#include "resource/resource.h"

/* The effect of a reload or restart of the service, and doing it. */
bool service_activation_look(
	struct host *h, const char *name, bool restart, struct observation *o, struct err *e);
bool service_activate(struct host *h, const char *name, bool restart, struct err *e);
/* Waits until a starting service runs. */
bool service_await(struct host *h, const char *name, struct err *e);
