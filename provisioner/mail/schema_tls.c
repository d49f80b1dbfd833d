/* SPDX-License-Identifier: MIT
 *
 * The schema of certificates in `mail:`, of the server and of a domain. schema.c refers to it.
 */
#include "mail/mail.h"

static const struct field acme_fields[] = {
	{.name = "email",
		.kind = FIELD_STR,
		.doc = "Who gets notices about expiring certificates."},
	{.name = "directory",
		.kind = FIELD_STR,
		.dflt = "https://acme-v02.api.letsencrypt.org/directory",
		.doc = "URL of the certificate authority's ACME directory."},
	{.name = "ca",
		.kind = FIELD_STR,
		.doc = "File (PEM, beside the manifest) with the CA certificate of the "
		       "directory's own HTTPS server, for a private authority."},
	{.name = NULL},
};
const struct field mail_domain_tls_fields[] = {
	{.name = "certificate",
		.kind = FIELD_STR,
		.doc = "File (PEM, with its chain) for clients that ask for mail.DOMAIN."},
	{.name = "key", .kind = FIELD_STR, .doc = "File with its private key."},
	{.name = "acme",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Get a certificate for mail.DOMAIN from mail.tls.acme."},
	{.name = NULL},
};
static const struct field certificate_fields[] = {
	{.name = "certificate",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "File with the certificate and its chain (PEM)."},
	{.name = "key",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "File with its private key (PEM)."},
	{.name = NULL},
};
const struct field mail_tls_fields[] = {
	{.name = "certificate",
		.kind = FIELD_STR,
		.doc = "File with the certificate and its chain (PEM), beside the manifest or "
		       "absolute. "
		       "Default: a self-signed one, made on the host."},
	{.name = "key", .kind = FIELD_STR, .doc = "File with its private key (PEM)."},
	{.name = "certificates",
		.kind = FIELD_LIST,
		.sub = certificate_fields,
		.dflt = "[]",
		.doc = "Instead of certificate and key: one pair with an RSA key and one with an "
		       "ECDSA key. Each client gets the one it supports."},
	{.name = "insecure",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Also allow TLS 1.0 and 1.1, for old clients."},
	{.name = "acme",
		.kind = FIELD_MAP,
		.sub = acme_fields,
		.doc = "Certificates by ACME, renewed automatically."},
	{.name = NULL},
};
