/* SPDX-License-Identifier: MIT
 *
 * The inside of the declared mail state: merged, checked, normalised, and what is derived from it.
 */
#pragma once
#include "site/vars.h"

/* Checks what the host declares, without its facts; what depends on them counts as unknown. */
void mail_check(struct vars *v, struct errs *errs);

/* ---- mail_names.c: the syntax of names and records; no position, no problem list ---- */
/* The domain in lower case, its labels ASCII (IDNA 2008); false when it is no domain name. */
bool mail_domain_ascii(struct arena *a, struct str domain, struct str *out);
bool mail_fqdn(struct str name);
bool mail_local_part(struct str s);
bool mail_hash_ok(struct str hash); /* a crypt(3) string that is not weak */
bool mail_network_ok(struct str s); /* 192.0.2.0/24, 2001:db8::/32, or one address */

/* ---- mail_rules.c: what the table cannot say: rules across keys ---- */
void mail_rules(struct arena *a, const struct value *mail, struct errs *errs);

/* ---- mail_derive.c: mail_domains, mail_mailboxes, ... into `out`; mail passed every check ---- */
void mail_derive(struct vars *v, struct arena *a, const struct value *mail, struct value *out,
	struct errs *errs);
/* A target as a whole address in ASCII and lower case: a name alone is of `domain`. */
struct str mail_address(struct arena *a, struct str target, struct str domain);
