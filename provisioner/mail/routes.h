/* SPDX-License-Identifier: MIT
 *
 * Every address of the local domains, and where it leads.
 */
#pragma once
#include "mail/state.h"

enum { ROUTE_DEPTH = 1000 }; /* Postfix's virtual_alias_recursion_limit */

struct mail_routes;
struct mail_routes *mail_routes_new(struct arena *a, const struct mail_state *mail);
/* CAUGHT: only a catch-all takes it; ELSEWHERE: its domain is not local here. "name+extension"
 * counts as name. */
enum mail_found { MAIL_NOWHERE, MAIL_CAUGHT, MAIL_HERE, MAIL_ELSEWHERE };
enum mail_found mail_routes_find(const struct mail_routes *r, struct str address);
/* Does a mailbox, an alias, a list or a reserved name (postmaster, abuse) have exactly this
 * address? */
bool mail_routes_taken(const struct mail_routes *r, struct str address);
/* Is the domain, given in ASCII, local here? A boolean, or UNKNOWN; NULL: not hosted at all. */
const struct value *mail_routes_domain(const struct mail_routes *r, struct str name);
/* " (did you mean '...'?)", or "". */
const char *mail_routes_near(const struct mail_routes *r, struct str address);
/* Does mail to `from` reach the list or alias `to`? */
bool mail_routes_reach(struct mail_routes *r, struct str from, struct str to);
/* A problem where nobody has the address, a warning where only a catch-all does. */
void mail_routes_check(const struct mail_routes *r, struct str address, struct pos pos,
	const char *who, struct errs *errs);
/* Reports targets of aliases and catch-alls that do not exist, and circles without end. */
void mail_routes_rules(struct mail_routes *r, struct errs *errs);
