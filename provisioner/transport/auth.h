/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: logging in with libssh2, without blocking.
 *
 * login_new, before connecting, collects the methods to try: target.key_file alone when given; else
 * the keys in ssh-agent, then ~/.ssh/id_ed25519 and id_ecdsa; last target.password. Call login_step
 * whenever the session can proceed, until it returns something other than LOGIN_WAIT.
 */
#pragma once
#include <libssh2.h>
#include "transport/link.h"

struct login;
struct ssh_owner { /* what libssh2 hands its callbacks: the session's "abstract" */
	struct ssh2 *ssh2;
	struct login *login;
};
enum login_status {
	LOGIN_WAIT,
	LOGIN_DONE,
	LOGIN_REFUSED, /* e lists what was tried */
	LOGIN_OPENSSH, /* libssh2 has nothing (more) to try, the system's ssh has: e names it */
};
/* NULL (e set): the given key file does not exist or cannot be used. */
struct login *login_new(struct arena *a, const struct target *t, const char *label,
	LIBSSH2_SESSION *session, struct err *e);
/* Before connecting: libssh2 has nothing to try, but ssh has. */
bool login_needs_openssh(const struct login *l, struct err *e);
enum login_status login_step(struct login *l, struct err *e);
void login_free(struct login *l); /* before the session is freed; NULL is allowed */
