/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: the entries of known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) for one
 * host.
 *
 * hostkeys_load, then hostkeys_methods before the handshake, hostkeys_check after it.
 */
#pragma once
#include "transport/link.h"

struct hostkeys;
/* Reads target.known_hosts, else ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts, and keeps the
 * lines about this host. A missing file counts as empty; malformed lines are skipped, as in ssh.
 * NULL (e set): a file exists but cannot be read. */
struct hostkeys *hostkeys_load(
	struct arena *a, const struct target *t, const char *label, struct err *e);
/* The host key algorithms to request, known types first, so that a host with one known key is not
 * reported as unknown because of another. NULL: it is known only by types that libssh2 does not
 * support (RSA, certificates). */
const char *hostkeys_methods(struct arena *a, const struct hostkeys *h);
/* May the host have this key (its public blob, RFC 4253, 6.6)? An unknown one is stored and
 * accepted when target.accept_new, else refused with its fingerprint; a changed or revoked key is
 * always refused. */
bool hostkeys_check(const struct hostkeys *h, const void *key, size_t n, struct err *e);
/* The first field of a key blob: "ssh-ed25519"; "" when it is not one. */
struct str key_type(struct arena *a, const void *key, size_t n);
/* "SHA256:..." as ssh-keygen -l prints it. */
const char *key_fingerprint(struct arena *a, const void *key, size_t n);
