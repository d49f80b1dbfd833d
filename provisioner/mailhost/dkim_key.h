/* SPDX-License-Identifier: MIT
 *
 * One DKIM key, as rspamd loads it: RSA as PEM, Ed25519 as base64 of seed and public half (rspamd
 * 3.4 refuses it as PEM). And its public half, as a record has it (RFC 6376 3.6.1, RFC 8463 4).
 */
#pragma once
#include "resource/resource.h"

/* Of a map {domain, selector}: DOMAIN.SELECTOR, what its files are named by. */
const char *dkim_key_name(struct arena *a, const struct value *key);
/* The rules of a list of them, `keys`. */
bool dkim_keys_check(const struct value *params, struct errs *errs);

enum { DKIM_FILE_MAX = 1 << 16 };
struct dkim_public {
	const char *algorithm; /* "rsa" or "ed25519", the k= of the record */
	int bits;              /* RSA: of the modulus; else 0 */
	struct str p;          /* the p= of the record */
};
/* What a private key's file holds. false: nothing that rspamd could sign with. */
bool dkim_key_read(struct host *h, struct str text, struct dkim_public *out);
/* The key alone, of a file that may hold something beside it; the text itself when it does not. */
struct str dkim_key_alone(struct arena *a, struct str text);
/* Do the halves of the RSA key `text` fit? By openssl(1), on its standard input; `path` is for
 * messages. Of Ed25519 the public half is all that there is to fit, and dkim_key_read does not have
 * to be believed less. */
bool dkim_key_sound(struct host *h, const char *path, struct str text,
	const struct dkim_public *key, struct err *e);
/* A new key, by openssl(1) through pipes: it is in no file but the one that the caller writes. */
bool dkim_key_make(
	struct host *h, const char *algorithm, int bits, struct str *text, struct err *e);
/* "v=DKIM1; k=rsa; p=..." */
struct str dkim_record(struct arena *a, const struct dkim_public *key);
