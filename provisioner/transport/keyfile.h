/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: the properties of a private key file, without using it.
 */
#pragma once
#include "base/base.h"

struct keyfile {
	bool found;
	bool encrypted;   /* needs a passphrase */
	bool served;      /* by libssh2: ed25519, ECDSA; no certificate beside it */
	const char *kind; /* "RSA", "ed25519", ... for messages */
	struct str blob;  /* its public key, when the file has it unencrypted; p NULL: not known */
};
/* false (e set): it exists, but is unreadable, not a private key, or ours and
 * readable by others. */
bool keyfile_look(struct arena *a, const char *path, struct keyfile *k, struct err *e);
