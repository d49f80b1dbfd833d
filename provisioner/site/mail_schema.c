/* SPDX-License-Identifier: MIT
 *
 * The schema of `mail:`. Every key of the declared state stands here, also those that a later
 * version serves: asking for one of them is an error that says so, never silence.
 */
#include "site/mail.h"

#define LATER_PROVIDER                                                          \
	{                                                                       \
		.name = "provider", .kind = FIELD_ENUM, .flags = FIELD_LATER,   \
		.choices = "builtin gmail mxroute null", .dflt = "builtin",     \
		.doc = "Who receives the mail; so far only builtin, this host." \
	}

static const struct field dkim_fields[] = {
	{.name = "enabled",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.dflt = "false",
		.doc = "Sign outbound mail. Comes with rspamd; until then false."},
	{.name = "selector",
		.kind = FIELD_STR,
		.flags = FIELD_LATER,
		.dflt = "dkim",
		.doc = "Name of the key in the DNS."},
	{.name = "algorithm",
		.kind = FIELD_ENUM,
		.flags = FIELD_LATER,
		.choices = "rsa ed25519",
		.dflt = "rsa",
		.doc = "Kind of key."},
	{.name = "bits",
		.kind = FIELD_INT,
		.flags = FIELD_LATER,
		.dflt = "2048",
		.min = 1024,
		.max = 4096,
		.doc = "Size of an RSA key."},
	{.name = NULL},
};
static const struct field tls_fields[] = {
	{.name = "certificate",
		.kind = FIELD_STR,
		.doc = "File with the certificate and its chain (PEM), beside the manifest or "
		       "absolute. "
		       "Default: a self-signed one, made on the host."},
	{.name = "key", .kind = FIELD_STR, .doc = "File with its key (PEM)."},
	{.name = "insecure",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Also TLS 1.0 and 1.1, for old clients."},
	{.name = "acme",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Certificates by ACME: {email, directory}."},
	{.name = NULL},
};
static const struct field postfix_fields[] = {
	{.name = "main",
		.kind = FIELD_MAP,
		.dflt = "{}",
		.doc = "Parameters of main.cf over those of the role; null removes one."},
	{.name = "master", .kind = FIELD_ANY, .flags = FIELD_LATER, .doc = "More of master.cf."},
	{.name = NULL},
};
static const struct field dovecot_fields[] = {
	{.name = "settings",
		.kind = FIELD_MAP,
		.dflt = "{}",
		.doc = "Settings over those of the role."},
	{.name = NULL},
};
static const struct field mailbox_fields[] = {
	{.name = "password",
		.kind = FIELD_STR,
		.flags = FIELD_SECRET,
		.doc = "The password; or give password_hash."},
	{.name = "password_hash",
		.kind = FIELD_STR,
		.flags = FIELD_SECRET,
		.doc = "The password as crypt(3) has it: $y$, $6$, $5$ or $2b$."},
	{.name = "quota",
		.kind = FIELD_SIZE,
		.dflt = "0",
		.doc = "Most bytes of mail; 0: no limit."},
	{.name = "vacation", .kind = FIELD_ANY, .flags = FIELD_LATER, .doc = "Answer while away."},
	{.name = NULL},
};
static const struct field domain_fields[] = {
	LATER_PROVIDER,
	{.name = "provider_key", .kind = FIELD_STR, .flags = FIELD_LATER, .doc = "As above."},
	{.name = "spf", .kind = FIELD_STR, .doc = "SPF record; default: that of mail.spf."},
	{.name = "dmarc", .kind = FIELD_STR, .doc = "DMARC record; default: that of mail.dmarc."},
	{.name = "dkim", .kind = FIELD_MAP, .flags = FIELD_LATER, .doc = "As mail.dkim."},
	{.name = "catch_all",
		.kind = FIELD_STR,
		.doc = "Who gets mail to addresses of the domain that do not exist."},
	{.name = "mailboxes",
		.kind = FIELD_MAPOF,
		.sub = mailbox_fields,
		.dflt = "{}",
		.doc = "Name before the @ -> its mailbox."},
	{.name = "aliases",
		.kind = FIELD_MAP,
		.dflt = "{}",
		.doc = "Name before the @ -> one address or a list; a name alone is of this "
		       "domain."},
	{.name = "lists",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.dflt = "{}",
		.doc = "Mailing lists."},
	{.name = NULL},
};
static const struct field mail_fields[] = {
	{.name = "enabled",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.dflt = "true",
		.doc = "false: nobody can connect from outside; mail of local programs still goes "
		       "out."},
	{.name = "hostname",
		.kind = FIELD_STR,
		.doc = "Fully qualified name of the mail server; default: the inventory's name of "
		       "the "
		       "host. No hosted domain may have it."},
	{.name = "postmaster",
		.kind = FIELD_STR,
		.doc = "Address for postmaster and abuse of every domain that names none. Default: "
		       "the "
		       "domain's catch_all, else its first mailbox, else root of the host."},
	LATER_PROVIDER,
	{.name = "provider_key",
		.kind = FIELD_STR,
		.flags = FIELD_LATER,
		.doc = "What the provider needs to know: mxroute's server."},
	{.name = "spam_filter",
		.kind = FIELD_ENUM,
		.flags = FIELD_LATER,
		.choices = "rspamd spamassassin none",
		.dflt = "none",
		.doc = "Which program decides about spam. Will be rspamd by default; until it is "
		       "served, none."},
	{.name = "rspamd_piggyback",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.dflt = "false",
		.doc = "SpamAssassin decides, rspamd learns from it and signs."},
	{.name = "spf",
		.kind = FIELD_STR,
		.dflt = "v=spf1 a mx ~all",
		.doc = "SPF record of domains that say nothing; for templates (mail_domains), no "
		       "DNS is written."},
	{.name = "dmarc",
		.kind = FIELD_STR,
		.dflt = "v=DMARC1; p=quarantine",
		.doc = "DMARC record of domains that say nothing; as spf, for templates."},
	{.name = "dkim", .kind = FIELD_MAP, .sub = dkim_fields, .dflt = "{}", .doc = "Signatures."},
	{.name = "srs",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.dflt = "false",
		.doc = "Rewrite the sender of forwarded mail. Will be true by default; until it is "
		       "served, false."},
	{.name = "low_memory",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.dflt = "false",
		.doc = "No redis, no neural network, no greylisting."},
	{.name = "message_size_limit",
		.kind = FIELD_SIZE,
		.dflt = "100M",
		.doc = "Largest message that is accepted."},
	{.name = "tls", .kind = FIELD_MAP, .sub = tls_fields, .dflt = "{}", .doc = "Certificate."},
	{.name = "outbound", .kind = FIELD_ANY, .flags = FIELD_LATER, .doc = "Outbound addresses."},
	{.name = "smart_host",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Relay for all mail."},
	{.name = "transports",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.dflt = "{}",
		.doc = "Next hops by domain."},
	{.name = "authorized_relay",
		.kind = FIELD_LIST,
		.dflt = "[]",
		.doc = "Networks that may relay without a login."},
	{.name = "lists",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.dflt = "{}",
		.doc = "Program for mailing lists."},
	{.name = "postfix",
		.kind = FIELD_MAP,
		.sub = postfix_fields,
		.dflt = "{}",
		.doc = "The operator's word over what the roles set."},
	{.name = "dovecot",
		.kind = FIELD_MAP,
		.sub = dovecot_fields,
		.dflt = "{}",
		.doc = "The same for Dovecot."},
	{.name = "rspamd", .kind = FIELD_ANY, .flags = FIELD_LATER, .dflt = "{}", .doc = "Rspamd."},
	{.name = "spamassassin",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.dflt = "{}",
		.doc = "SpamAssassin."},
	{.name = "domains",
		.kind = FIELD_MAPOF,
		.sub = domain_fields,
		.dflt = "{}",
		.doc = "Domain -> what is in it."},
	{.name = NULL},
};

const struct field *site_mail_fields(void)
{
	return mail_fields;
}
