/* SPDX-License-Identifier: MIT
 *
 * What certbot keeps of one certificate (a "lineage", named by its host name), and how to obtain
 * one.
 */
#pragma once
#include "resource/resource.h"

struct acme {
	const char *folder;    /* certbot's: /etc/letsencrypt */
	const char *directory; /* URL of the authority's ACME directory (RFC 8555) */
	const char *email;     /* NULL: the account has none */
	const char *ca; /* file with the CA certificate of the directory's own server; or NULL */
};
struct lineage {
	bool there;      /* there are a key and a certificate that match each other and the name */
	bool due;        /* none, an expired one, or one from another directory */
	struct str pem;  /* key, certificate and chain, when `there` */
	const char *why; /* why it is due */
};

/* Reads only. */
bool acme_read(struct host *h, const struct acme *acme, const char *name, struct lineage *out,
	struct err *e);
/* Obtains a certificate for `name` by certbot, which answers the challenge on port 80 itself. On
 * failure the existing one stays, and e holds the messages of certbot and the authority. */
bool acme_obtain(
	struct host *h, const struct acme *acme, const char *name, bool again, struct err *e);
