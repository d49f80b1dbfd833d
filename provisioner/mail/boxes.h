/* SPDX-License-Identifier: MIT
 *
 * States of mailboxes, and who reads what no mailbox of its own takes; part of mail.h.
 */
#pragma once
#include "mail/mail.h"

/* ---- readers.c: mail_reader; mail_keeper is in mail.h ---- */
/* Who reads the mail of root and of the server's own name; false: nobody. *named: where that is
 * said (NULL: nowhere, a domain's catch_all or first mailbox is taken). */
bool mail_reader(
	struct arena *a, const struct value *mail, struct str *out, const struct value **named);
void mail_readers_rules(struct arena *a, const struct value *mail, const struct mail_routes *routes,
	struct errs *errs);
void mail_reader_derive(struct arena *a, const struct value *mail, struct value *out);

/* ---- boxes.c: states of mailboxes; mail_refused ---- */
/* active, suspended or receive_only. */
const char *mail_box_state(const struct value *box);
/* Is the address a suspended mailbox of the domain, whose ASCII name is `name`? */
bool mail_box_suspended(const struct value *domain, struct str name, struct str address);
void mail_boxes_rules(struct arena *a, const struct value *mail, struct errs *errs);
/* The addresses that a mailbox's owner is written to by, without aliases: those come later. */
struct value *mail_own_addresses(
	struct arena *a, const struct value *box, struct value *address, struct str domain);
/* After all other lists, of which it reads and shortens some. */
void mail_boxes_derive(struct arena *a, struct value *out);
