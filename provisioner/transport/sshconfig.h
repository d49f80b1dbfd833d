/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: whether ssh_config(5) has settings for a host that only ssh supports.
 */
#pragma once
#include "transport/link.h"

/* Searches ~/.ssh/config and /etc/ssh/ssh_config, with the files they include, for settings that
 * apply to target.address, change the destination, the user or the key, and are not set by the
 * inventory. Returns "~/.ssh/config:3 sets ProxyJump", or NULL. An unreadable file counts as empty.
 */
const char *sshconfig_for_ssh(struct arena *a, const struct target *t);
