/* SPDX-License-Identifier: MIT
 *
 * An example of each key of the mail state, for the reference and for editors. The unit tests check
 * that each key has one, and that the schema takes it.
 */
#include "mail/mail.h"

const struct mail_example mail_examples[] = {
	{"enabled", "false"},
	{"hostname", "mx1.example.com"},
	{"former_hostnames", "[mail.example.com]"},
	{"postmaster", "alice@example.com"},
	{"root", "alice@example.com"},
	{"provider", "gmail"},
	{"provider_key", "shadow"},
	{"spam_filter", "spamassassin"},
	{"rspamd_piggyback", "true"},
	{"spf", "v=spf1 a mx -all"},
	{"dmarc", "v=DMARC1; p=reject; rua=mailto:postmaster@example.com"},
	{"dmarc_policy", "mark"},
	{"trusted_forwarders", "[192.0.2.0/24, \"2001:db8::/32\"]"},
	{"dkim", "{selector: s2, keep: [s1]}"},
	{"srs", "false"},
	{"low_memory", "true"},
	{"message_size_limit", "50M"},
	{"tls", "{acme: {email: admin@example.com}}"},
	{"outbound", "{addresses: [{address: 192.0.2.10}, {address: 192.0.2.11, state: standby}], "
		     "assign: {example.org: 192.0.2.11}}"},
	{"smart_host",
		"{host: \"[relay.example.net]\", user: mx1, password: \"{{ vault_relay }}\"}"},
	{"transports", "{yahoo.com: relaylim, dead.example: \"error:Moved away\"}"},
	{"authorized_relay", "[192.0.2.0/24]"},
	{"postscreen", "{enabled: true, dnsbl: [\"zen.spamhaus.org*2\"]}"},
	{"limits", "{connections: 60, recipients: 600, per_login: 200}"},
	{"services", "{pop3: false, cleartext_ports: false}"},
	{"verify_recipients", "true"},
	{"check_senders", "true"},
	{"header_checks", "[\"/^X-Mailer: spam/ REJECT\"]"},
	{"quota_warnings", "[80, 95]"},
	{"lists", "{engine: mlmmj}"},
	{"spam_traps", "[trap@example.com]"},
	{"fail2ban", "{enabled: true, ignore: [192.0.2.0/24], bantime: 1h}"},
	{"postfix", "{main: {smtpd_banner: $myhostname ESMTP}}"},
	{"dovecot", "{settings: {mail_max_userip_connections: 20}}"},
	{"rspamd", "{actions: {reject: 20}}"},
	{"spamassassin", "{required_score: 6.5}"},
	{"domains", "{example.com: {catch_all: alice, mailboxes: {alice: {password: \"{{ "
		    "vault_alice }}\", "
		    "quota: 1G}}, aliases: {sales: [alice, partner@example.net]}}}"},
	{NULL, NULL},
};

const char *mail_example(const char *key)
{
	for (const struct mail_example *m = mail_examples; m->key; m++)
		if (strcmp(m->key, key) == 0)
			return m->yaml;
	return NULL;
}
