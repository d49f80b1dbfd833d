/* SPDX-License-Identifier: MIT
 *
 * Every address of the local domains, and where it leads.
 */
#pragma once
#include "value/field.h"

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
