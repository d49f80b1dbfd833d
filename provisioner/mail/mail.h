/* SPDX-License-Identifier: MIT
 *
 * Floor 4: the declared mail state: its schema, its rules, and the lists that the roles need of it.
 * A pure function of the state, the host's facts and the files that it names; knows no play and no
 * variable.
 *
 *   checked = fields_check(a, mail_fields, declared, "mail", errs);
 *   mail = mail_parse(a, checked ? checked : declared);
 *   mail_rules(a, mail, errs); mail_tls_rules(&env, mail, errs); ...   every problem
 *   mail_derive(&env, a, mail, out, errs);                             of a state without problems
 */
#pragma once
#include "mail/names.h"
#include "mail/routes.h"
#include "mail/state.h"

/* Shared by all hosts of a run, so that nothing is hashed or read twice; the owner sets `a`. */
struct mail_hashing;
struct mail_memory {
	struct arena *a;
	struct value *hashes;         /* of passwords, by digest of address and password */
	struct mail_hashing *hashing; /* those in progress: mail_hashes_end */
	struct value *sources;        /* path -> what source.c read there */
};
/* What the checks and mail_derive need beside the state. */
struct mail_env {
	struct mail_memory *memory;
	const char *host;          /* its name, for messages */
	const struct value *facts; /* NULL: not known */
	/* The path of a file or folder beside the manifest; NULL: there is none. */
	const char *(*find)(void *ctx, const char *name, struct arena *a);
	/* The file's text, read once. NULL: e holds the reason. */
	const struct str *(*read)(void *ctx, const char *path, struct err *e);
	void *ctx;
};

/* ---- schema.c ---- */
extern const struct field mail_fields[];

/* ---- schema_examples.c: the value of a key, as YAML on one line ---- */
struct mail_example {
	const char *key, *yaml;
};
extern const struct mail_example mail_examples[]; /* the last with key NULL */
const char *mail_example(const char *key);        /* NULL: none */

/* ---- schema_lists.c ---- */
extern const struct field mail_list_fields[], mail_engine_fields[];

/* ---- rules.c: rules that involve several keys, which the table cannot express ---- */
void mail_rules(struct arena *a, const struct mail_state *mail, struct errs *errs);

/* ---- records.c: SPF, DMARC, providers; mail_zones puts what is published into `out` ---- */
void mail_records_rules(const struct mail_state *mail, struct errs *errs);
void mail_zones(struct arena *a, const struct mail_state *mail, struct value *out);

/* ---- dkim.c ---- */
void mail_dkim_rules(struct arena *a, const struct mail_state *mail, struct errs *errs);
struct mail_dkim;
/* Puts mail_dkim_keys and mail_dkim_signers into `out`; mail_dkim_of fills them. */
struct mail_dkim *mail_dkim_new(struct arena *a, const struct mail_state *mail, struct value *out);
/* The domain's selectors, [{selector, owner}], including those that are only kept; owner: "global"
 * or `name`. domain NULL: the host's own name. Empty where nothing is signed. */
struct value *mail_dkim_of(struct mail_dkim *d, const struct mail_domain *domain, const char *name);
/* ---- fail2ban.c ---- */
void mail_fail2ban_rules(const struct mail_state *mail, struct errs *errs);
/* ---- sizes.c: refuses sizes whose unit was probably forgotten ---- */
void mail_sizes_rules(const struct value *mail, struct errs *errs);

/* ---- schema_tls.c: the keys of `tls`, of the server and of a domain ---- */
extern const struct field mail_tls_fields[], mail_domain_tls_fields[];

/* ---- tls.c: rules of certificates, whose files it reads; and the lists of certificates ---- */
/* Has the domain a certificate of its own, for mail.DOMAIN? */
bool mail_tls_own(const struct mail_domain *d);
void mail_tls_rules(const struct mail_env *env, const struct mail_state *mail, struct errs *errs);
void mail_tls_derive(const struct mail_env *env, struct arena *a, const struct mail_state *mail,
	struct value *out, struct errs *errs);

/* ---- spam.c: rules of the filters ---- */
void mail_spam_rules(struct arena *a, const struct mail_state *mail,
	const struct mail_routes *routes, struct errs *errs);

/* ---- outbound_rules.c: rules of how mail leaves and what port 25 lets in ---- */
void mail_outbound_rules(struct arena *a, const struct mail_state *mail, struct errs *errs);
/* Returns 4 or 6, and the address in its normal form in *out; 0: not an address. */
int mail_ip(struct arena *a, struct str text, struct str *out);

/* ---- outbound.c ---- */
void mail_derive_outbound(struct arena *a, const struct mail_state *mail, struct value *out);
/* Reports each outbound address that the host does not have; only when its facts are known. */
void mail_outbound_on_host(const struct mail_env *env, struct arena *a,
	const struct mail_state *mail, struct errs *errs);

/* ---- derive.c: mail_domains, mail_mailboxes, ... into `out`; mail has passed every check ---- */
/* Passwords are hashed on other processors; the hashes are filled in by mail_hashes_end. `out`
 * borrows texts and values of `mail`. */
void mail_derive(const struct mail_env *env, struct arena *a, const struct mail_state *mail,
	struct value *out, struct errs *errs);
void mail_hashes_end(struct mail_memory *memory);

/* ---- lists.c: mailing lists ---- */
void mail_lists_rules(struct arena *a, const struct mail_state *mail, struct mail_routes *routes,
	struct errs *errs);
/* Puts the addresses that a list takes beside its own into the map `out`. */
void mail_list_service_addresses(struct arena *a, const struct mail_state *mail, struct str list,
	struct str domain, struct value *out);
/* mail_lists, mail_list_aliases and mail_list_ways, as site/mail_vars.c documents them, into `out`,
 * which holds mail_aliases. */
void mail_lists_derive(struct arena *a, const struct mail_state *mail, struct value *out);
/* ---- senders.c: who may send as what ---- */
void mail_senders_rules(struct arena *a, const struct mail_state *mail,
	const struct mail_routes *routes, struct errs *errs);
/* Fills mail_senders in `out`, which has mailboxes, aliases, lists and traps. boxes: address -> the
 * same as a value; routes: address of an alias -> its targets; those of lists are added to it. */
void mail_senders_derive(struct arena *a, const struct mail_state *mail, const struct value *boxes,
	struct value *routes, struct value *out);
/* ---- source.c: Majordomo's source, whose files it reads; mail_list_archive ---- */
void mail_source_rules(
	const struct mail_env *env, const struct mail_state *mail, struct errs *errs);
void mail_source_derive(const struct mail_env *env, struct arena *a, const struct mail_state *mail,
	struct value *out, struct errs *errs);
/* Is a list's address delivered by mlmmj's transport (true), or is it an alias (Majordomo)? */
bool mail_lists_own(const struct mail_state *mail);
/* Who reads the mail to postmaster and abuse of a domain that declares neither. */
struct str mail_default_postmaster(
	struct arena *a, const struct mail_state *mail, const struct mail_domain *d);
