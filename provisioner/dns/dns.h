/* SPDX-License-Identifier: MIT
 *
 * Floor 3: records: the syntax of SPF and DMARC, what the providers of mail want published, and
 * zone-file text. Knows no manifest.
 */
#pragma once
#include "value/value.h"

/* ---- lookup.c: what is published now, by libunbound(3) and the resolver of this machine ---- */
/* unknown: no answer within five seconds, or one that failed. */
enum dns_answer { DNS_NONE, DNS_FOUND, DNS_UNKNOWN };
/* The first TXT record of the name that begins so, its strings joined. */
enum dns_answer dns_txt(struct arena *a, const char *name, const char *begins, struct str *out);

/* ---- spf.c, dmarc.c: what is wrong with a record's text, problem by problem ---- */
typedef void dns_said_fn(void *ctx, bool warning, const char *what);
/* RFC 7208: syntax, more than ten lookups among the terms that stand here, ptr, +all, ... */
void spf_check(struct str text, dns_said_fn *said, void *ctx);
/* RFC 9989, and where it differs what readers of RFC 7489 make of it; retired tags are warnings. */
void dmarc_check(struct str text, dns_said_fn *said, void *ctx);

/* ---- records.c: what is to be published, and as zone-file text (RFC 1035 5) ---- */
struct dns_record {
	const char *name, *type; /* name without the last dot */
	struct str data; /* TXT: the text as it is; MX "10 mx.test."; else an address or a name. */
};
struct dns_records {
	struct arena *a;
	struct dns_record *v;
	size_t n, cap;
};
enum { DNS_TTL = 3600, DNS_STRING_MAX = 255 };
void dns_add(struct dns_records *r, const char *name, const char *type, const char *fmt, ...)
	PRINTF(4, 5);
/* A word for people: a comment in the zone file, no record. */
void dns_note(struct dns_records *r, const char *fmt, ...) PRINTF(2, 3);
/* NAME. TTL IN TYPE DATA, a line each; texts quoted and split at 255 octets. */
void dns_print(const struct dns_records *r, struct buf *out);

/* What is known when the records of a host's domains are made. */
struct dns_host {
	const struct value *mail;  /* hostname, outbound */
	const struct value *facts; /* may be NULL */
	const struct value *keys;  /* of dns_keys; NULL: nobody asked */
	const struct value *zones; /* all of mail_zones; NULL: none */
	const char *mxroute_error; /* where a provider's names are not known; or NULL */
};
/* The public keys that a host told of, [{domain, selector, algorithm, p}], by owner and selector.
 * What has another shape is left out. NULL: nobody asked. */
const struct value *dns_keys(struct arena *a, const struct value *told);
struct mxroute;
/* Of one entry of mail_zones; mx NULL unless its provider is mxroute. */
void dns_domain(struct dns_records *r, const struct dns_host *h, const struct value *zone,
	const struct mxroute *mx);
/* Of the host's own names: addresses, SPF of what it says in HELO, DKIM. A name that is a hosted
 * domain keeps that one's SPF, since a second one would void both. */
void dns_host_records(struct dns_records *r, const struct dns_host *h, const struct value *dkim);

/* ---- mxroute.c: names of mxroute's servers, from its API or the copy kept of it ---- */
struct mxroute {
	const char *hostname, *backup, *spf;
	enum dns_answer dkim_known; /* of x._domainkey of the domain, as it is published */
	const char *dkim;           /* its text, where it was found */
};
/* offline: only the copy in ~/.cache/provision. One question a run; false says what is missing. A
 * copy that had to do because the API does not answer is told in *stale (else NULL). */
bool mxroute_find(struct arena *a, const char *key, bool offline, struct mxroute *out,
	const char **stale, struct err *e);
