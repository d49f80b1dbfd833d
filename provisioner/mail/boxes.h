/* SPDX-License-Identifier: MIT
 *
 * States of mailboxes, and who reads mail that belongs to no mailbox; part of mail.h.
 */
#pragma once
#include "mail/mail.h"

/* ---- readers.c: mail_reader; mail_default_postmaster is in mail.h ---- */
/* Who reads the mail of root and of the server's own name; false: nobody. *named: the value of the
 * manifest that says so (NULL: none, a domain's catch_all or first mailbox is taken). */
bool mail_reader(struct arena *a, const struct mail_state *mail, struct str *out,
	const struct mail_text **named);
void mail_readers_rules(struct arena *a, const struct mail_state *mail,
	const struct mail_routes *routes, struct errs *errs);
void mail_reader_derive(struct arena *a, const struct mail_state *mail, struct value *out);

/* ---- boxes.c: states of mailboxes; mail_refused ---- */
const struct mail_box *mail_box_named(const struct mail_domain *d, struct str name); /* or NULL */
/* Is `address` a suspended mailbox of the domain, whose name is valid? */
bool mail_box_suspended(const struct mail_domain *d, struct str address);
void mail_boxes_rules(struct arena *a, const struct mail_state *mail, struct errs *errs);
/* The addresses by which others write to the mailbox's owner, without aliases: those are added
 * later. */
struct value *mail_own_addresses(
	struct arena *a, const struct mail_box *box, struct value *address, struct str domain);
/* suspended: the addresses of such mailboxes. Call it when all other lists are in `out`: it reads
 * some and removes entries from some. */
void mail_boxes_derive(struct arena *a, const struct value *suspended, struct value *out);
