/* SPDX-License-Identifier: MIT
 *
 * What certbot keeps of one certificate (a "lineage", named by its host name), and how to get one.
 */
#pragma once
#include "resource/resource.h"

struct acme {
	const char *folder;    /* certbot's: /etc/letsencrypt */
	const char *directory; /* URL of the authority's ACME directory (RFC 8555) */
	const char *email;     /* NULL: the account has none */
	const char *ca; /* file with the authority that signed the directory's own; or NULL */
};
struct lineage {
	bool there;      /* key and certificate are there, and fit each other and the name */
	bool due;        /* one has to be got: none is there, it has ended, or another gave it */
	struct str pem;  /* key, certificate and chain, when there */
	const char *why; /* it is due */
};

/* Reads only. */
bool acme_read(struct host *h, const struct acme *acme, const char *name, struct lineage *out,
	struct err *e);
/* Gets a certificate for `name` by certbot, which answers the challenge on port 80 itself. On
 * failure what is there stays, and e has the words of certbot and the authority. */
bool acme_obtain(
	struct host *h, const struct acme *acme, const char *name, bool again, struct err *e);
