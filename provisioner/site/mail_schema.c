/* SPDX-License-Identifier: MIT
 *
 * The schema of `mail:`, lists and certificates aside (mail_schema_lists.c, mail_schema_tls.c).
 * Every key of the declared state stands there, also those that a later version serves: asking for
 * one of them is an error that says so, never silence.
 */
#include "site/mail.h"

static const struct field dkim_fields[] = {
	{.name = "enabled", .kind = FIELD_BOOL, .doc = "Sign outbound mail. Default: true."},
	{.name = "selector",
		.kind = FIELD_STR,
		.dflt = "dkim",
		.doc = "Name of the key that signs, in the DNS: SELECTOR._domainkey.DOMAIN. With "
		       "algorithm both the second key's is SELECTOR-ed25519."},
	{.name = "keep",
		.kind = FIELD_ANY,
		.doc = "Further selectors whose keys and records stay: one that is to come, one "
		       "that was; {selector, algorithm, scope} where that differs. A selector in "
		       "neither place expires: its key is removed."},
	{.name = "algorithm",
		.kind = FIELD_ENUM,
		.choices = "rsa ed25519 both",
		.dflt = "rsa",
		.doc = "Kind of key; both signs twice."},
	{.name = "bits",
		.kind = FIELD_INT,
		.dflt = "2048",
		.min = 1024,
		.max = 4096,
		.doc = "Size of RSA keys that are made; one that is there stays."},
	{.name = "scope",
		.kind = FIELD_ENUM,
		.choices = "domain global",
		.dflt = "domain",
		.doc = "One key for each domain, or one for all."},
	{.name = NULL},
};
static const struct field domain_dkim_fields[] = {
	{.name = "enabled", .kind = FIELD_BOOL, .doc = "As mail.dkim."},
	{.name = "selector", .kind = FIELD_STR, .doc = "As mail.dkim."},
	{.name = "keep", .kind = FIELD_ANY, .doc = "As mail.dkim."},
	{.name = "algorithm",
		.kind = FIELD_ENUM,
		.choices = "rsa ed25519 both",
		.doc = "As mail.dkim."},
	{.name = "bits", .kind = FIELD_INT, .min = 1024, .max = 4096, .doc = "As mail.dkim."},
	{.name = NULL},
};
static const struct field postfix_fields[] = {
	{.name = "main",
		.kind = FIELD_MAP,
		.dflt = "{}",
		.doc = "Parameters of main.cf over those of the role; null removes one."},
	{.name = "master",
		.kind = FIELD_STR,
		.dflt = "",
		.doc = "Services of your own, as master.cf writes them."},
	{.name = NULL},
};
static const struct field dovecot_fields[] = {
	{.name = "settings",
		.kind = FIELD_MAP,
		.dflt = "{}",
		.doc = "Settings over those of the role."},
	{.name = NULL},
};
static const struct field outbound_address_fields[] = {
	{.name = "address",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "An address on an interface of the host."},
	{.name = "helo",
		.kind = FIELD_STR,
		.doc = "Name in HELO; default: mail.hostname. Its DNS should lead to the address."},
	{.name = "state",
		.kind = FIELD_ENUM,
		.choices = "active standby cooling",
		.dflt = "active",
		.doc = "active sends; standby waits; cooling rests: what it sent moves to "
		       "another."},
	{.name = NULL},
};
static const struct field outbound_fields[] = {
	{.name = "addresses",
		.kind = FIELD_LIST,
		.sub = outbound_address_fields,
		.dflt = "[]",
		.doc = "The first active one is the default; keep one standby at least."},
	{.name = "assign", .kind = FIELD_MAP, .dflt = "{}", .doc = "Sender domain -> address."},
	{.name = NULL},
};
static const struct field smart_host_fields[] = {
	{.name = "host",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "Relay for all mail; in brackets its MX is not asked for."},
	{.name = "port",
		.kind = FIELD_INT,
		.dflt = "587",
		.min = 1,
		.max = 65535,
		.doc = "465 speaks TLS from the start."},
	{.name = "user", .kind = FIELD_STR, .doc = "Login."},
	{.name = "password", .kind = FIELD_STR, .flags = FIELD_SECRET, .doc = "Its password."},
	{.name = "tls",
		.kind = FIELD_ENUM,
		.choices = "may encrypt verify",
		.dflt = "encrypt",
		.doc = "verify also asks for a certificate of the relay's name."},
	{.name = NULL},
};
static const struct field postscreen_fields[] = {
	{.name = "enabled",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Keep zombies away from port 25."},
	{.name = "dnsbl",
		.kind = FIELD_LIST,
		.dflt = "[]",
		.doc = "Blocklists, ZONE[=ANSWERS][*WEIGHT]. Without ANSWERS those that mean an "
		       "error "
		       "(127.255.255.x) do not count."},
	{.name = "threshold",
		.kind = FIELD_INT,
		.dflt = "2",
		.min = 1,
		.max = 100,
		.doc = "Weight from which a client is refused."},
	{.name = NULL},
};
static const struct field services_fields[] = {
	{.name = "pop3",
		.kind = FIELD_BOOL,
		.dflt = "true",
		.doc = "Serve POP3, on the ports 110 and 995."},
	{.name = "cleartext_ports",
		.kind = FIELD_BOOL,
		.dflt = "true",
		.doc = "Open the ports 143 and 110, where a client has to ask for TLS. Without "
		       "them IMAP is on 993, POP3 on 995 only."},
	{.name = NULL},
};
#define LIMIT(of, text)                                                                 \
	{                                                                               \
		.name = (of), .kind = FIELD_INT, .dflt = "0", .min = 0, .max = 1000000, \
		.doc = (text)                                                           \
	}
static const struct field limits_fields[] = {
	LIMIT("connections", "Of one client in a minute; 0: no limit."),
	LIMIT("messages", "The same for messages."),
	LIMIT("recipients", "The same for recipients."),
	LIMIT("per_login",
		"Messages one login may send in an hour, counted once for each recipient; 0: no "
		"limit."),
	{.name = NULL},
};
static const struct field fail2ban_fields[] = {
	{.name = "enabled",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Ban who guesses passwords."},
	{.name = "ignore",
		.kind = FIELD_LIST,
		.dflt = "[]",
		.doc = "Networks that are never banned."},
	{.name = "bantime",
		.kind = FIELD_STR,
		.dflt = "10m",
		.doc = "How long; s, m, h, d or w behind a number."},
	{.name = "findtime",
		.kind = FIELD_STR,
		.dflt = "5m",
		.doc = "Within which time failures count."},
	{.name = "maxretry",
		.kind = FIELD_INT,
		.dflt = "5",
		.min = 1,
		.max = 1000,
		.doc = "Failures that are borne."},
	{.name = NULL},
};
static const struct field vacation_fields[] = {
	{.name = "subject",
		.kind = FIELD_STR,
		.doc = "Subject of the answer; default: Auto: and that of the message."},
	{.name = "text", .kind = FIELD_STR, .flags = FIELD_REQUIRED, .doc = "Its text."},
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
	{.name = "vacation",
		.kind = FIELD_MAP,
		.sub = vacation_fields,
		.doc = "Answer while away, to mail that names the owner: this mailbox, one of its "
		       "aliases or an address of its send_as. Once a day to each sender; a changed "
		       "text answers anew."},
	{.name = "send_as",
		.kind = FIELD_LIST,
		.doc = "Further addresses that this login may send as: info@example.com, or "
		       "\"@example.com\" for all of a domain, whoever owns them."},
	{.name = "state",
		.kind = FIELD_ENUM,
		.choices = "active suspended receive_only",
		.dflt = "active",
		.doc = "suspended: no login, mail is refused (5.2.1), what is there is kept. "
		       "receive_only: mail comes in and can be read, but the login cannot send."},
	{.name = NULL},
};
static const struct field domain_fields[] = {
	{.name = "provider",
		.kind = FIELD_ENUM,
		.flags = FIELD_NULLABLE,
		.choices = "builtin gmail mxroute null",
		.doc = "As mail.provider, for this domain."},
	{.name = "provider_key", .kind = FIELD_STR, .doc = "As mail.provider_key."},
	{.name = "spf", .kind = FIELD_STR, .doc = "SPF record; default: that of mail.spf."},
	{.name = "dmarc", .kind = FIELD_STR, .doc = "DMARC record; default: that of mail.dmarc."},
	{.name = "dkim",
		.kind = FIELD_MAP,
		.sub = domain_dkim_fields,
		.doc = "Over mail.dkim, key by key."},
	{.name = "tls",
		.kind = FIELD_MAP,
		.sub = mail_domain_tls_fields,
		.doc = "A certificate of its own for mail.DOMAIN, shown to clients that ask for "
		       "that name (SNI)."},
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
		.kind = FIELD_MAPOF,
		.sub = mail_list_fields,
		.dflt = "{}",
		.doc = "Name before the @ -> its mailing list."},
	{.name = NULL},
};
static const struct field mail_fields[] = {
	{.name = "enabled",
		.kind = FIELD_BOOL,
		.dflt = "true",
		.doc = "false: nobody can connect from outside; mail of local programs still goes "
		       "out."},
	{.name = "hostname",
		.kind = FIELD_STR,
		.doc = "Fully qualified name of the mail server; default: the inventory's name of "
		       "the "
		       "host. No hosted domain may have it."},
	{.name = "former_hostnames",
		.kind = FIELD_LIST,
		.dflt = "[]",
		.doc = "Names that the server had: bounces of mail forwarded then, and mail to "
		       "its local users, are still taken."},
	{.name = "postmaster",
		.kind = FIELD_STR,
		.doc = "Address for postmaster and abuse of every domain that names none. Default: "
		       "the "
		       "domain's catch_all, else its first mailbox, else mail.root."},
	{.name = "root",
		.kind = FIELD_STR,
		.doc = "Who reads the mail of root, cron and all system accounts, and of the "
		       "server's own postmaster and abuse; it wins over /etc/aliases. Default: "
		       "mail.postmaster, else the catch_all or first mailbox of the domain that "
		       "the "
		       "server's name lies in, else of the first domain."},
	{.name = "provider",
		.kind = FIELD_ENUM,
		.flags = FIELD_NULLABLE,
		.choices = "builtin gmail mxroute null",
		.dflt = "builtin",
		.doc = "Who receives the mail: builtin, this host; else the domain is not local "
		       "and only its records come from here. null: nobody, nothing is published."},
	{.name = "provider_key",
		.kind = FIELD_STR,
		.doc = "What the provider needs to know: mxroute's server."},
	{.name = "spam_filter",
		.kind = FIELD_ENUM,
		.choices = "rspamd spamassassin none",
		.dflt = "rspamd",
		.doc = "Which program decides about spam: rspamd refuses it in the dialog, "
		       "SpamAssassin has it filed into Spam. In each case rspamd runs: it verifies "
		       "SPF, DKIM and DMARC, and signs."},
	{.name = "rspamd_piggyback",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "With spamassassin: rspamd also learns from SpamAssassin's verdicts, and "
		       "rates what logins send; it refuses and marks nothing as spam."},
	{.name = "spf",
		.kind = FIELD_STR,
		.dflt = "v=spf1 a mx ~all",
		.doc = "SPF record of domains that say nothing; `provision dns records` prints "
		       "it."},
	{.name = "dmarc",
		.kind = FIELD_STR,
		.dflt = "v=DMARC1; p=quarantine",
		.doc = "DMARC record of domains that say nothing."},
	{.name = "dmarc_policy",
		.kind = FIELD_ENUM,
		.choices = "honour mark",
		.dflt = "honour",
		.doc = "What mail from outside gets that fails the DMARC policy of its author's "
		       "domain, or that names a hosted domain as its sender without proof. honour: "
		       "reject is refused in the dialog (with SpamAssassin: filed into Spam), "
		       "quarantine is filed into Spam. mark: only Authentication-Results tells. "
		       "Mailing lists refuse such mail in any case."},
	{.name = "trusted_forwarders",
		.kind = FIELD_LIST,
		.dflt = "[]",
		.doc = "Networks whose forwarded mail is not judged by SPF, nor by a DMARC policy: "
		       "a backup MX, a server that forwards to this one. Mailing lists still want "
		       "a valid DKIM signature."},
	{.name = "dkim", .kind = FIELD_MAP, .sub = dkim_fields, .dflt = "{}", .doc = "Signatures."},
	{.name = "srs",
		.kind = FIELD_BOOL,
		.dflt = "true",
		.doc = "Rewrite the sender of forwarded mail, and of that only."},
	{.name = "low_memory",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "No redis, no neural network, no greylisting; Bayes in files."},
	{.name = "message_size_limit",
		.kind = FIELD_SIZE,
		.dflt = "100M",
		.doc = "Largest message that is accepted; 0: no limit."},
	{.name = "tls",
		.kind = FIELD_MAP,
		.sub = mail_tls_fields,
		.dflt = "{}",
		.doc = "Certificate."},
	{.name = "outbound",
		.kind = FIELD_MAP,
		.sub = outbound_fields,
		.dflt = "{}",
		.doc = "Addresses that mail leaves by."},
	{.name = "smart_host",
		.kind = FIELD_MAP,
		.sub = smart_host_fields,
		.doc = "Relay for all mail."},
	{.name = "transports",
		.kind = FIELD_MAP,
		.dflt = "{}",
		.doc = "Domain -> next hop, as transport(5) has it. relaylim: one message at a "
		       "time; "
		       "oneshot: one try; error:TEXT: refused."},
	{.name = "authorized_relay",
		.kind = FIELD_LIST,
		.dflt = "[]",
		.doc = "Networks that may relay without a login."},
	{.name = "postscreen",
		.kind = FIELD_MAP,
		.sub = postscreen_fields,
		.dflt = "{}",
		.doc = "Postfix's guard before port 25."},
	{.name = "limits",
		.kind = FIELD_MAP,
		.sub = limits_fields,
		.dflt = "{}",
		.doc = "What one client, or one login, may do."},
	{.name = "services",
		.kind = FIELD_MAP,
		.sub = services_fields,
		.dflt = "{}",
		.doc = "Which of Dovecot's ports are open."},
	{.name = "verify_recipients",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Ask the next hop whether a recipient exists before mail to it is taken."},
	{.name = "check_senders",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Refuse senders whose domain is not in the DNS, and clients without a "
		       "reverse name. Wants a name server that answers: without one all mail "
		       "waits."},
	{.name = "header_checks",
		.kind = FIELD_LIST,
		.dflt = "[]",
		.doc = "Lines of header_checks(5), with Perl's regular expressions."},
	{.name = "quota_warnings",
		.kind = FIELD_LIST,
		.flags = FIELD_COMMA,
		.dflt = "80,95",
		.doc = "Per cent of its quota from which a mailbox gets a warning, once each time "
		       "it passes the mark. [80, 95] is the default; [] gives none."},
	{.name = "lists",
		.kind = FIELD_MAP,
		.sub = mail_engine_fields,
		.dflt = "{}",
		.doc = "The program for mailing lists."},
	{.name = "spam_traps",
		.kind = FIELD_LIST,
		.dflt = "[]",
		.doc = "Addresses nobody has: mail to them is learnt as spam and goes nowhere."},
	{.name = "fail2ban",
		.kind = FIELD_MAP,
		.sub = fail2ban_fields,
		.dflt = "{}",
		.doc = "Bans by fail2ban."},
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
	{.name = "rspamd",
		.kind = FIELD_MAP,
		.dflt = "{}",
		.doc = "The same for rspamd: file of local.d, without .conf -> its keys; null "
		       "takes "
		       "one out, and turns an action off."},
	{.name = "spamassassin",
		.kind = FIELD_MAP,
		.dflt = "{}",
		.doc = "The same for SpamAssassin: options of local.cf. required_score (5.0): to "
		       "Spam from there on; delete_score (none): thrown away from there on; "
		       "channels: domain -> public key, further rules that are updated daily."},
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
