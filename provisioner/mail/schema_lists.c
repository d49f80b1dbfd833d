/* SPDX-License-Identifier: MIT
 *
 * The keys of mailing lists in `mail:`: mail.lists, and those of a list.
 */
#include "mail/mail.h"

const struct field mail_engine_fields[] = {
	{.name = "engine",
		.kind = FIELD_ENUM,
		.choices = "mlmmj majordomo",
		.dflt = "mlmmj",
		.doc = "Program that runs the lists."},
	{.name = "source",
		.kind = FIELD_STR,
		.doc = "Majordomo itself, which no distribution has: a tar archive, as its authors "
		       "give it out, or a folder of its files; beside the manifest. It is built on "
		       "the host."},
	{.name = "source_sha256",
		.kind = FIELD_STR,
		.doc = "Digest of an archive: sha256sum FILE; of a folder: (cd FOLDER && find . "
		       "-type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum). "
		       "Another source is refused, and a new digest builds anew."},
	{.name = NULL},
};

const struct field mail_list_fields[] = {
	{.name = "owner",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "Who gets the mail to the list's owner and the engine's reports: an address "
		       "or the name of a mailbox."},
	{.name = "moderators",
		.kind = FIELD_LIST,
		.dflt = "[]",
		.doc = "Who lets posts and subscriptions pass; default: the owner."},
	{.name = "members",
		.kind = FIELD_LIST,
		.dflt = "[]",
		.doc = "Subscribed by the manifest. Who subscribes by mail stays beside them; who "
		       "is "
		       "taken out here is unsubscribed."},
	{.name = "post",
		.kind = FIELD_ENUM,
		.choices = "members anyone moderated",
		.dflt = "members",
		.doc = "Whose posts go out at once. members: others' are refused, or wait for the "
		       "moderators where some are named. moderated: all wait for them."},
	{.name = "subscription",
		.kind = FIELD_ENUM,
		.choices = "open moderated closed",
		.dflt = "open",
		.doc = "Who can subscribe by mail. open: whoever confirms it. moderated: whom a "
		       "moderator accepts. closed: nobody. Anybody can leave."},
	{.name = "subject_prefix",
		.kind = FIELD_STR,
		.doc = "Put before each subject. It breaks the writer's DKIM signature, see "
		       "dmarc."},
	{.name = "reply_to",
		.kind = FIELD_ENUM,
		.choices = "sender list",
		.dflt = "sender",
		.doc = "Where answers go. list breaks writers' signatures as subject_prefix does."},
	{.name = "dmarc",
		.kind = FIELD_ENUM,
		.choices = "rewrite wrap none",
		.dflt = "rewrite",
		.doc = "What becomes of posts whose author's domain has DMARC p=quarantine or "
		       "p=reject: members' servers would refuse them from a list. rewrite: From "
		       "is 'NAME via LIST' with the list's address, and answers still reach the "
		       "author (Reply-To; Cc with reply_to: list). wrap: the post comes whole, "
		       "inside a message of the list. none: they stay as they are. An author "
		       "whose mail this server signs keeps his From."},
	{.name = "language",
		.kind = FIELD_ENUM,
		.choices = "en ast cs de fi fr gr it pt sk zh-cn",
		.dflt = "en",
		.doc = "Of mlmmj's messages. Texts of your own in the list's folder text are "
		       "kept."},
	{.name = NULL},
};
