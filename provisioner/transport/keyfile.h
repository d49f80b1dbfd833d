/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: what a private key file is, without using it.
 */
#pragma once
#include "base/base.h"

struct keyfile {
	bool found;
	bool encrypted;   /* needs a passphrase */
	bool served;      /* libssh2 can log in with it: ed25519, ECDSA; no certificate beside it */
	const char *kind; /* "RSA", "ed25519", ... for messages */
	struct str blob;  /* its public key, when the file says it in clear; p NULL: not known */
};
/* false (e set): there, but not readable, not a private key, or ours and others can read it. */
bool keyfile_look(struct arena *a, const char *path, struct keyfile *k, struct err *e);
