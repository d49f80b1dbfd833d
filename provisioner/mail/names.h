/* SPDX-License-Identifier: MIT
 *
 * The syntax of domains, addresses, hashes and networks. Functions only answer; they report no
 * problems.
 */
#pragma once
#include "value/field.h"

/* Puts the domain in lower case and ASCII (IDNA 2008) into *out; false: it is not a domain name. */
bool mail_domain_ascii(struct arena *a, struct str domain, struct str *out);
/* Adds the Unicode spellings of an ASCII domain to `list`: as it is, and in capitals. */
void mail_domain_unicode(struct arena *a, struct str domain, struct value *list);
bool mail_fqdn(struct str name);
/* NULL, or why it cannot be the name of a mailbox or alias. */
const char *mail_local_wrong(struct str s);
/* The same for a whole address, or a local part of the domain. */
const char *mail_target_wrong(struct str target);
bool mail_hash_ok(struct str hash); /* a crypt(3) string of a strong kind */
/* 192.0.2.0/24, 2001:db8::/32, or one address; *first: it has no host bits set. */
bool mail_network_ok(struct str s, bool *first);
struct str mail_join(struct arena *a, struct str left, char between, struct str right);
/* `target` as a whole address in ASCII and lower case; a name alone belongs to `domain`. */
struct str mail_address(struct arena *a, struct str target, struct str domain);
