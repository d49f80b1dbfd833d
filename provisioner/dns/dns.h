/* SPDX-License-Identifier: MIT
 *
 * Floor 3: records: the syntax of SPF and DMARC, the records that mail providers need, and
 * zone-file text. Knows no manifest.
 */
#pragma once
#include "value/value.h"

/* ---- lookup.c: the published records, by libunbound(3) and this machine's resolver ---- */
/* unknown: no answer within five seconds, or a failed one. */
enum dns_answer { DNS_NONE, DNS_FOUND, DNS_UNKNOWN };
/* The first TXT record of the name that begins with `begins`, its strings joined. */
enum dns_answer dns_txt(struct arena *a, const char *name, const char *begins, struct str *out);

/* ---- spf.c, dmarc.c: problems of a record's text, one by one ---- */
typedef void dns_said_fn(void *ctx, bool warning, const char *what);
/* RFC 7208: syntax, more than ten lookups among these terms, ptr, +all, ... */
void spf_check(struct str text, dns_said_fn *said, void *ctx);
/* RFC 9989, and where it differs the reading of RFC 7489; retired tags are warnings. */
void dmarc_check(struct str text, dns_said_fn *said, void *ctx);

/* ---- records.c: the records to publish, also as zone-file text (RFC 1035 5) ---- */
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
/* A remark for people: a comment in the zone file, not a record. */
void dns_note(struct dns_records *r, const char *fmt, ...) PRINTF(2, 3);
/* NAME. TTL IN TYPE DATA, one record per line; texts quoted and split at 255 octets. */
void dns_print(const struct dns_records *r, struct buf *out);

/* The input for the records of a host's domains. */
struct dns_host {
	const struct value *mail;  /* hostname, outbound */
	const struct value *facts; /* may be NULL */
	const struct value *keys;  /* result of dns_keys; NULL: the host was not asked */
	const struct value *zones; /* all of mail_zones; NULL: none */
	const char *mxroute_error; /* where a provider's names are not known; or NULL */
};
/* The public keys that a host reported, [{domain, selector, algorithm, p}], by owner and selector.
 * Entries of another shape are left out. NULL: it was not asked. */
const struct value *dns_keys(struct arena *a, const struct value *told);
struct mxroute;
/* The records of one entry of mail_zones; mx NULL unless its provider is mxroute. */
void dns_domain(struct dns_records *r, const struct dns_host *h, const struct value *zone,
	const struct mxroute *mx);
/* The records of the host's own names: addresses, SPF for HELO, DKIM. A name that is also a hosted
 * domain keeps the domain's SPF, because two SPF records are an error. */
void dns_host_records(struct dns_records *r, const struct dns_host *h, const struct value *dkim);

/* ---- mxroute.c: names of mxroute's servers, from its API or a cached copy ---- */
struct mxroute {
	const char *hostname, *backup, *spf;
	enum dns_answer dkim_known; /* is x._domainkey of the domain published? */
	const char *dkim;           /* its text, where it was found */
};
/* offline: only the copy in ~/.cache/provision. One request per run; false: e holds what is
 * missing. *stale describes a copy that is used because the API does not answer (else NULL). */
bool mxroute_find(struct arena *a, const char *key, bool offline, struct mxroute *out,
	const char **stale, struct err *e);
