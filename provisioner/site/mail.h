/* SPDX-License-Identifier: MIT
 *
 * The inside of the declared mail state: merged, checked, normalised, and what is derived from it.
 */
#pragma once
#include "site/vars.h"

/* Checks what the host declares, without its facts; what depends on them counts as unknown. */
void mail_check(struct vars *v, struct errs *errs);

/* ---- mail_schema_lists.c ---- */
extern const struct field mail_list_fields[], mail_engine_fields[];

/* ---- mail_names.c: the syntax of names and records; no position, no problem list ---- */
/* The domain in lower case, its labels ASCII (IDNA 2008); false when it is no domain name. */
bool mail_domain_ascii(struct arena *a, struct str domain, struct str *out);
/* Adds to `list` the Unicode spellings of an ASCII domain: as it is, and in capitals. */
void mail_domain_unicode(struct arena *a, struct str domain, struct value *list);
bool mail_fqdn(struct str name);
/* NULL, or why it cannot be the name of a mailbox or alias. */
const char *mail_local_wrong(struct str s);
/* The same for an address, or a name that is one in its domain. */
const char *mail_target_wrong(struct str target);
bool mail_hash_ok(struct str hash); /* a crypt(3) string that is not weak */
/* 192.0.2.0/24, 2001:db8::/32, or one address; *first: nothing is set behind the prefix. */
bool mail_network_ok(struct str s, bool *first);

/* ---- mail_rules.c: what the table cannot say: rules across keys ---- */
void mail_rules(struct arena *a, const struct value *mail, struct errs *errs);

/* ---- mail_records.c: SPF, DMARC, providers; mail_zones: what is published, into `out` ---- */
void mail_records_rules(const struct value *mail, struct errs *errs);
/* builtin, gmail, mxroute or null, the domain's own or that of all; NULL: not known yet. */
const char *mail_provider(const struct value *mail, const struct value *domain);
const struct value *mail_provider_key(const struct value *mail, const struct value *domain);
bool mail_is_local(const struct value *mail, const struct value *domain);
void mail_zones(struct arena *a, const struct value *mail, struct value *out);

/* ---- mail_dkim.c ---- */
void mail_dkim_rules(struct arena *a, const struct value *mail, struct errs *errs);
struct mail_dkim;
/* Puts mail_dkim_keys and mail_dkim_signers into `out`; mail_dkim_of fills them. */
struct mail_dkim *mail_dkim_new(struct arena *a, const struct value *mail, struct value *out);
/* The domain's selectors, [{selector, owner}], those that are only kept too; owner "global" or
 * `name`. domain NULL: the host's own name. Empty where nothing is signed. */
struct value *mail_dkim_of(struct mail_dkim *d, const struct value *domain, const char *name);
/* ---- mail_fail2ban.c ---- */
void mail_fail2ban_rules(const struct value *mail, struct errs *errs);
/* ---- mail_sizes.c: refuses sizes whose unit was forgotten ---- */
void mail_sizes_rules(const struct value *mail, struct errs *errs);

/* ---- mail_schema_tls.c: what `tls` takes, of the server and of a domain ---- */
extern const struct field mail_tls_fields[], mail_domain_tls_fields[];

/* ---- mail_tls.c: the same for certificates, whose files are read; and the lists of them ---- */
/* Has the domain a certificate of its own, for mail.DOMAIN? */
bool mail_tls_own(const struct value *domain);
void mail_tls_rules(struct vars *v, const struct value *mail, struct errs *errs);
void mail_tls_derive(struct vars *v, struct arena *a, const struct value *mail, struct value *out,
	struct errs *errs);

/* ---- mail_routes.c: every address of the local domains, and where it leads ---- */
struct mail_routes;
struct mail_routes *mail_routes_new(struct arena *a, const struct value *mail);
/* CAUGHT: only a catch-all takes it; ELSEWHERE: of no domain that is local here. "name+extension"
 * counts as name. */
enum mail_found { MAIL_NOWHERE, MAIL_CAUGHT, MAIL_HERE, MAIL_ELSEWHERE };
enum mail_found mail_routes_find(const struct mail_routes *r, struct str address);
/* Has a mailbox, an alias, a list or a duty (postmaster, abuse) just this address? */
bool mail_routes_taken(const struct mail_routes *r, struct str address);
/* Of an ASCII name: is it local here? NULL: not hosted at all. */
const struct value *mail_routes_domain(const struct mail_routes *r, struct str name);
/* " (did you mean '...'?)", or "". */
const char *mail_routes_near(const struct mail_routes *r, struct str address);
/* Does mail to `from` come to the list or alias `to`? */
bool mail_routes_reach(struct mail_routes *r, struct str from, struct str to);
/* A problem where nobody has the address, a warning where only a catch-all does. */
void mail_routes_check(const struct mail_routes *r, struct str address, struct pos pos,
	const char *who, struct errs *errs);
/* What aliases and catch-alls lead to exists, and nothing leads back to itself without end. */
void mail_routes_rules(struct mail_routes *r, struct errs *errs);

/* ---- mail_spam.c: rules of the filters ---- */
void mail_spam_rules(struct arena *a, const struct value *mail, const struct mail_routes *routes,
	struct errs *errs);

/* ---- mail_outbound_rules.c: the same for how mail leaves and what port 25 lets in ---- */
void mail_outbound_rules(struct arena *a, const struct value *mail, struct errs *errs);
/* 4 or 6, and the address in its normal form; 0: no address. */
int mail_ip(struct arena *a, struct str text, struct str *out);

/* ---- mail_outbound.c ---- */
void mail_derive_outbound(struct arena *a, const struct value *mail, struct value *out);
/* A problem for each outbound address that the host, whose facts are known, does not have. */
void mail_outbound_on_host(struct vars *v, const struct value *mail, struct errs *errs);

/* ---- mail_derive.c: mail_domains, mail_mailboxes, ... into `out`; mail passed every check ---- */
/* The hashes of passwords are made beside: mail_hashes_end. */
void mail_derive(struct vars *v, struct arena *a, const struct value *mail, struct value *out,
	struct errs *errs);
/* How many entries all domains have under this key. */
size_t mail_count(const struct value *domains, const char *key);
struct str mail_join(struct arena *a, struct str left, char between, struct str right);
/* A target as a whole address in ASCII and lower case: a name alone is of `domain`. */
struct str mail_address(struct arena *a, struct str target, struct str domain);

/* ---- mail_lists.c: mailing lists ---- */
void mail_lists_rules(
	struct arena *a, const struct value *mail, struct mail_routes *routes, struct errs *errs);
/* The addresses that a list takes beside its own, into the map `out`. */
void mail_list_companions(struct arena *a, const struct value *mail, struct str list,
	struct str domain, struct value *out);
/* mail_lists, mail_list_aliases and mail_list_ways, as mail.c documents them, into `out`, which
 * holds mail_aliases. */
void mail_lists_derive(struct arena *a, const struct value *mail, struct value *out);
/* ---- mail_senders.c: who may send as what ---- */
void mail_senders_rules(struct arena *a, const struct value *mail, const struct mail_routes *routes,
	struct errs *errs);
/* Fills mail_senders in `out`, which has mailboxes, aliases, lists and traps. boxes: address -> the
 * same as a value; routes: address of an alias -> its targets, to which those of lists are added.
 */
void mail_senders_derive(struct arena *a, const struct value *mail, const struct value *boxes,
	struct value *routes, struct value *out);
/* ---- mail_source.c: what Majordomo is built from; its files are read; mail_list_archive ---- */
void mail_source_rules(struct vars *v, const struct value *mail, struct errs *errs);
void mail_source_derive(struct vars *v, struct arena *a, const struct value *mail,
	struct value *out, struct errs *errs);
/* Is a list's address final (mlmmj's transport takes it), rather than an alias (Majordomo)? */
bool mail_lists_own(const struct value *mail);
/* Who reads the mail to postmaster and abuse of a domain that names nobody for it. */
struct str mail_keeper(
	struct arena *a, const struct value *mail, const struct value *domain, struct str name);
