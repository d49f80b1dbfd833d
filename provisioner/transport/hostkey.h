/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: what known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) says of one host.
 *
 * hostkeys_load, then hostkeys_methods before the handshake, hostkeys_check after it.
 */
#pragma once
#include "transport/link.h"

struct hostkeys;
/* Reads target.known_hosts, else ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts, and keeps the
 * lines about this host. A file that is not there is empty; lines that cannot be read are skipped,
 * as ssh does. NULL (e set): a file is there but cannot be read. */
struct hostkeys *hostkeys_load(
	struct arena *a, const struct target *t, const char *label, struct err *e);
/* The host key algorithms to ask for, the known types first, so that a host known by one key is not
 * called unknown by another. NULL: only by types that libssh2 cannot serve (RSA, certificates). */
const char *hostkeys_methods(struct arena *a, const struct hostkeys *h);
/* Whether the host may be this key (its public blob, RFC 4253, 6.6). An unknown one is written down
 * and accepted when target.accept_new, else refused with its fingerprint; another key than the
 * known one, or a revoked one, is refused always. */
bool hostkeys_check(const struct hostkeys *h, const void *key, size_t n, struct err *e);
/* The first field of a key blob: "ssh-ed25519"; "" when it is not one. */
struct str key_type(struct arena *a, const void *key, size_t n);
/* "SHA256:..." as ssh-keygen -l prints it. */
const char *key_fingerprint(struct arena *a, const void *key, size_t n);
