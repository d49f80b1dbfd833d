/* SPDX-License-Identifier: MIT
 *
 * The syntax of domains, addresses, hashes and networks; no position, no problem list.
 */
#pragma once
#include "value/field.h"

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
