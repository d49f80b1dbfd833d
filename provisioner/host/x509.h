/* SPDX-License-Identifier: MIT
 *
 * The content of a PEM file as far as it is compared: kind and size of a private key, names, expiry
 * and public key of a certificate (RFC 5208, 5280, 5915, 7468, 8017; DER: X.690). Bounded; no
 * cryptography and no check of signatures: openssl makes keys and certificates, this code only
 * reads them.
 */
#pragma once
#include "base/base.h"

enum key_type { KEY_UNKNOWN, KEY_RSA, KEY_EC, KEY_ED25519, KEY_ED448 };
struct key_info {
	enum key_type type;
	int bits;          /* RSA: of the modulus; EC: of the curve; others: 0 */
	const char *curve; /* EC: secp256r1, secp384r1, secp521r1; else NULL */
	/* Identifies the public key: RSA's modulus, EC's point, EdDSA's bytes. p NULL: not in the
	 * file (a private Ed25519 key need not contain it). */
	struct str id;
	struct str exponent; /* RSA, of a private key: the public exponent; p NULL: not read */
	bool encrypted;
};
const char *key_type_name(enum key_type type); /* "RSA", "ECC", "Ed25519", ... */
/* Parses a private key in PEM. false: there is none, or it is malformed. */
bool key_read(struct arena *a, struct str pem, struct key_info *out);

/* Only the PEM blocks of the text, without other text and without a second key or certificate:
 * daemons read the first. The same text when there is nothing else. */
struct str pem_only(struct arena *a, struct str text);

enum { CERT_NAMES_MAX = 256 };
struct cert_info {
	struct key_info key;     /* the subject's public key */
	const char *common_name; /* "" when there is none */
	const char **names;      /* "DNS:example.com", "IP:192.0.2.1"; others are left out */
	size_t n_names;
	int64_t not_before, not_after; /* seconds since 1970 */
	bool self_issued;
};
bool cert_read(struct arena *a, struct str pem, struct cert_info *out); /* the first in the file */
