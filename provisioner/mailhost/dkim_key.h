/* SPDX-License-Identifier: MIT
 *
 * One DKIM key in the form that rspamd loads: RSA as PEM, Ed25519 as base64 of seed and public half
 * (rspamd 3.4 refuses it as PEM). And its public half in the form of a DNS record (RFC 6376 3.6.1,
 * RFC 8463 4).
 */
#pragma once
#include "resource/resource.h"

/* DOMAIN.SELECTOR of a map {domain, selector}; the names of its files begin with it. */
const char *dkim_key_name(struct arena *a, const struct value *key);
/* Checks a list of such maps, the parameter `keys`. */
bool dkim_keys_check(const struct value *params, struct errs *errs);

enum { DKIM_FILE_MAX = 1 << 16 };
struct dkim_public {
	const char *algorithm; /* "rsa" or "ed25519", the k= of the record */
	int bits;              /* RSA: of the modulus; else 0 */
	struct str p;          /* the p= of the record */
};
/* Parses the text of a private key's file. false: rspamd cannot sign with it. */
bool dkim_key_read(struct host *h, struct str text, struct dkim_public *out);
/* Only the key of a file that may hold other text, too; the same text when it
 * holds nothing else. */
struct str dkim_key_alone(struct arena *a, struct str text);
/* Do the halves of the key `text` match? Asks openssl(1), on its standard input; `path` is for
 * messages. */
bool dkim_key_sound(struct host *h, const char *path, struct str text,
	const struct dkim_public *key, struct err *e);
/* A new key, by openssl(1) through pipes: no file holds it but the one that the caller writes. */
bool dkim_key_make(
	struct host *h, const char *algorithm, int bits, struct str *text, struct err *e);
/* "v=DKIM1; k=rsa; p=..." */
struct str dkim_record(struct arena *a, const struct dkim_public *key);
