/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: whether ssh_config(5) says something of a host that only ssh can heed.
 */
#pragma once
#include "transport/link.h"

/* Looks into ~/.ssh/config and /etc/ssh/ssh_config, with the files they include, for settings that
 * apply to target.address and change where the connection goes, who logs in or by which key, and
 * that the inventory does not settle itself. "~/.ssh/config:3 sets ProxyJump", or NULL. A file that
 * cannot be read says nothing. */
const char *sshconfig_for_ssh(struct arena *a, const struct target *t);
