/* SPDX-License-Identifier: MIT
 *
 * The schema of mailing lists in `mail:`: mail.lists, and the keys of a list.
 */
#include "mail/mail.h"

const struct field mail_engine_fields[] = {
	{.name = "engine",
		.kind = FIELD_ENUM,
		.choices = "mlmmj majordomo",
		.dflt = "mlmmj",
		.doc = "Program that manages the lists."},
	{.name = "source",
		.kind = FIELD_STR,
		.doc = "Majordomo's own source, which no distribution packages: its tar archive, "
		       "or a folder of its files, beside the manifest. It is built on the host."},
	{.name = "source_sha256",
		.kind = FIELD_STR,
		.doc = "Digest of an archive: sha256sum FILE; of a folder: (cd FOLDER && find . "
		       "-type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum). A "
		       "source with another digest is refused; a new digest rebuilds it."},
	{.name = NULL},
};

const struct field mail_list_fields[] = {
	{.name = "owner",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "Who gets mail to the list's owner and the reports of the program: an "
		       "address or the name of a mailbox."},
	{.name = "moderators",
		.kind = FIELD_LIST,
		.dflt = "[]",
		.doc = "Who approves posts and subscriptions; default: the owner."},
	{.name = "members",
		.kind = FIELD_LIST,
		.dflt = "[]",
		.doc = "Members that the manifest subscribes. Those who subscribe by mail stay "
		       "members; those removed here are unsubscribed."},
	{.name = "post",
		.kind = FIELD_ENUM,
		.choices = "members anyone moderated",
		.dflt = "members",
		.doc = "Whose posts are distributed at once. members: other posts are refused, or "
		       "wait for the moderators if there are any. moderated: every post waits for "
		       "them."},
	{.name = "subscription",
		.kind = FIELD_ENUM,
		.choices = "open moderated closed",
		.dflt = "open",
		.doc = "Who can subscribe by mail. open: anyone who confirms it. moderated: whom "
		       "a moderator approves. closed: nobody. Anyone can leave."},
	{.name = "subject_prefix",
		.kind = FIELD_STR,
		.doc = "Text before each subject. It breaks the author's DKIM signature, see "
		       "dmarc."},
	{.name = "reply_to",
		.kind = FIELD_ENUM,
		.choices = "sender list",
		.dflt = "sender",
		.doc = "Where replies go. list breaks authors' DKIM signatures as subject_prefix "
		       "does."},
	{.name = "dmarc",
		.kind = FIELD_ENUM,
		.choices = "rewrite wrap none",
		.dflt = "rewrite",
		.doc = "What happens to posts whose author's domain has DMARC p=quarantine or "
		       "p=reject: members' servers would refuse them from a list. rewrite: From "
		       "becomes 'NAME via LIST' with the list's address, and replies still reach "
		       "the author (Reply-To; Cc with reply_to: list). wrap: the whole post goes "
		       "inside a message of the list. none: posts stay as they are. Authors whose "
		       "mail this server signs keep their From."},
	{.name = "language",
		.kind = FIELD_ENUM,
		.choices = "en ast cs de fi fr gr it pt sk zh-cn",
		.dflt = "en",
		.doc = "Language of mlmmj's messages. Your own texts in the list's folder text "
		       "are kept."},
	{.name = NULL},
};
