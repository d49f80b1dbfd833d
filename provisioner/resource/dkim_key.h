/* SPDX-License-Identifier: MIT
 *
 * One DKIM key, as rspamd loads it: RSA as PEM, Ed25519 as base64 of seed and public half (rspamd
 * 3.4 refuses it as PEM). And its public half, as a record has it (RFC 6376 3.6.1, RFC 8463 4).
 */
#pragma once
#include "resource/resource.h"

enum { DKIM_FILE_MAX = 1 << 16 };
struct dkim_public {
	const char *algorithm; /* "rsa" or "ed25519", the k= of the record */
	int bits;              /* RSA: of the modulus; else 0 */
	struct str p;          /* the p= of the record */
};
/* What a private key's file holds. false: nothing that rspamd could sign with. */
bool dkim_key_read(struct host *h, struct str text, struct dkim_public *out);
/* A new key, by openssl(1) through pipes: it is in no file but the one that the caller writes. */
bool dkim_key_make(
	struct host *h, const char *algorithm, int bits, struct str *text, struct err *e);
/* "v=DKIM1; k=rsa; p=..." */
struct str dkim_record(struct arena *a, const struct dkim_public *key);
