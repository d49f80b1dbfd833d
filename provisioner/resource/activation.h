/* SPDX-License-Identifier: MIT
 *
 * The type `activation`, beside its verbs: what the agent needs to take one back.
 */
#pragma once
#include "resource/resource.h"

/* A service whose files were put back takes them, and is probed: by a reload, and when that is not
 * enough (Postfix rests a minute after a daemon that did not start) by a restart. */
bool activation_again(struct host *h, const struct value *params, struct err *e);
