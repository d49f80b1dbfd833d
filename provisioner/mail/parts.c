/* SPDX-License-Identifier: MIT
 *
 * Which key of the manifest each member of state.h is. Mailboxes and the like, of which there are
 * many, are parse.c's; each has a table here. The unit tests compare the tables with the schema.
 */
#include "mail/parse.h"

/* The member's type says how its value is read; one of another type does not compile. */
#define KIND_OF(m) \
	_Generic((m), struct mail_text                  \
		 : PART_TEXT, struct mail_texts         \
		 : PART_TEXTS, struct mail_flag         \
		 : PART_FLAG, struct mail_number        \
		 : PART_NUMBER, struct value *          \
		 : PART_VALUE, const struct map_entry * \
		 : PART_ENTRY)
#define MAP_KIND(m) _Generic((m), struct value * : PART_MAP)
#define WORD_KIND(m) _Generic((m), unsigned : PART_WORD) /* an enum */
#define MEMBER(type, member) (((type *)0)->member)
#define ROW(name, what, ...)                                                 \
	{                                                                    \
		.key = {name, sizeof(name) - 1}, .kind = (what), __VA_ARGS__ \
	}
#define PART(type, member, name) \
	ROW(name, KIND_OF(MEMBER(type, member)), .offset = offsetof(type, member))
#define MAP(type, member, name) \
	ROW(name, MAP_KIND(MEMBER(type, member)), .offset = offsetof(type, member))
#define WORD(type, member, name, choices)                                            \
	ROW(name, WORD_KIND(MEMBER(type, member)), .offset = offsetof(type, member), \
		.words = (choices))
#define SUB(type, member, name, table) \
	ROW(name, PART_SUB, .offset = offsetof(type, member), .sub = (table))
/* The keys of this map are members of the same struct. */
#define WITHIN(name, table) ROW(name, PART_SUB, .sub = (table))
#define END                        \
	{                          \
		.key = { NULL, 0 } \
	}

static const struct mail_part keys_parts[] = {
	PART(struct mail_keys, enabled, "enabled"),
	PART(struct mail_keys, selector, "selector"),
	PART(struct mail_keys, algorithm, "algorithm"),
	PART(struct mail_keys, bits, "bits"),
	PART(struct mail_keys, keep, "keep"),
	END,
};
const struct mail_part mail_pair_parts[] = {
	PART(struct mail_pair, certificate, "certificate"),
	PART(struct mail_pair, key, "key"),
	END,
};
static const struct mail_part domain_tls_parts[] = {
	PART(struct mail_tls, own.certificate, "certificate"),
	PART(struct mail_tls, own.key, "key"),
	PART(struct mail_tls, acme, "acme"),
	PART(struct mail_tls, acme_entry, "acme"),
	END,
};
const struct mail_part mail_box_parts[] = {
	PART(struct mail_box, password, "password"),
	PART(struct mail_box, password_hash, "password_hash"),
	PART(struct mail_box, send_as, "send_as"),
	PART(struct mail_box, quota, "quota"),
	WORD(struct mail_box, state, "state", "active suspended receive_only"),
	PART(struct mail_box, state_word, "state"),
	MAP(struct mail_box, vacation, "vacation"),
	END,
};
const struct mail_part mail_list_parts[] = {
	PART(struct mail_list, owner, "owner"),
	PART(struct mail_list, moderators, "moderators"),
	PART(struct mail_list, members, "members"),
	PART(struct mail_list, subject_prefix, "subject_prefix"),
	PART(struct mail_list, post, "post"),
	PART(struct mail_list, subscription, "subscription"),
	PART(struct mail_list, reply_to, "reply_to"),
	PART(struct mail_list, dmarc, "dmarc"),
	PART(struct mail_list, language, "language"),
	END,
};
const struct mail_part mail_domain_parts[] = {
	PART(struct mail_domain, own_provider, "provider"),
	PART(struct mail_domain, own_key, "provider_key"),
	PART(struct mail_domain, own_key_entry, "provider_key"),
	PART(struct mail_domain, spf, "spf"),
	PART(struct mail_domain, dmarc, "dmarc"),
	PART(struct mail_domain, catch_all, "catch_all"),
	MAP(struct mail_domain, dkim.map, "dkim"),
	SUB(struct mail_domain, dkim, "dkim", keys_parts),
	MAP(struct mail_domain, tls.map, "tls"),
	PART(struct mail_domain, tls.entry, "tls"),
	SUB(struct mail_domain, tls, "tls", domain_tls_parts),
	END,
};
const struct mail_part mail_out_parts[] = {
	PART(struct mail_out, address, "address"),
	PART(struct mail_out, helo, "helo"),
	WORD(struct mail_out, state, "state", "active standby cooling"),
	END,
};
static const struct mail_part acme_parts[] = {
	PART(struct mail_acme, email, "email"),
	PART(struct mail_acme, directory, "directory"),
	PART(struct mail_acme, ca, "ca"),
	END,
};
static const struct mail_part tls_parts[] = {
	PART(struct mail_state, tls.own.certificate, "certificate"),
	PART(struct mail_state, tls.own.key, "key"),
	PART(struct mail_state, tls.acme_entry, "acme"),
	PART(struct mail_state, pairs_entry, "certificates"),
	MAP(struct mail_state, acme.map, "acme"),
	SUB(struct mail_state, acme, "acme", acme_parts),
	END,
};
static const struct mail_part smart_host_parts[] = {
	PART(struct mail_smart_host, host, "host"),
	PART(struct mail_smart_host, port, "port"),
	PART(struct mail_smart_host, user, "user"),
	PART(struct mail_smart_host, password, "password"),
	END,
};
static const struct mail_part postscreen_parts[] = {
	PART(struct mail_state, dnsbl, "dnsbl"),
	END,
};
static const struct mail_part engines_parts[] = {
	WORD(struct mail_engines, engine, "engine", "mlmmj majordomo"),
	PART(struct mail_engines, source, "source"),
	PART(struct mail_engines, source_sha256, "source_sha256"),
	END,
};
static const struct mail_part bans_parts[] = {
	PART(struct mail_bans, bantime, "bantime"),
	PART(struct mail_bans, findtime, "findtime"),
	PART(struct mail_bans, ignore, "ignore"),
	END,
};
static const struct mail_part postfix_parts[] = {
	MAP(struct mail_state, main, "main"),
	PART(struct mail_state, master, "master"),
	END,
};
static const struct mail_part dovecot_parts[] = {
	MAP(struct mail_state, dovecot, "settings"),
	END,
};
static const struct mail_part spamassassin_parts[] = {
	PART(struct mail_spamassassin, required_score, "required_score"),
	PART(struct mail_spamassassin, delete_score, "delete_score"),
	PART(struct mail_spamassassin, channels, "channels"),
	END,
};
static const struct mail_part scope_parts[] = {
	WORD(struct mail_state, scope, "scope", "domain global"),
	END,
};
#define STATE(member, name) PART(struct mail_state, member, name)
const struct mail_part mail_parts[] = {
	STATE(hostname, "hostname"),
	STATE(former_hostnames, "former_hostnames"),
	STATE(postmaster, "postmaster"),
	STATE(root, "root"),
	STATE(provider, "provider"),
	STATE(provider_key, "provider_key"),
	STATE(spam_filter, "spam_filter"),
	STATE(piggyback, "rspamd_piggyback"),
	STATE(piggyback_entry, "rspamd_piggyback"),
	STATE(spf, "spf"),
	STATE(dmarc, "dmarc"),
	STATE(trusted_forwarders, "trusted_forwarders"),
	MAP(struct mail_state, dkim.map, "dkim"),
	SUB(struct mail_state, dkim, "dkim", keys_parts),
	WITHIN("dkim", scope_parts),
	MAP(struct mail_state, tls.map, "tls"),
	STATE(tls.entry, "tls"),
	WITHIN("tls", tls_parts),
	MAP(struct mail_state, outbound.map, "outbound"),
	MAP(struct mail_state, smart_host.map, "smart_host"),
	SUB(struct mail_state, smart_host, "smart_host", smart_host_parts),
	STATE(authorized_relay, "authorized_relay"),
	WITHIN("postscreen", postscreen_parts),
	STATE(header_checks, "header_checks"),
	STATE(quota_warnings, "quota_warnings"),
	MAP(struct mail_state, engines.map, "lists"),
	SUB(struct mail_state, engines, "lists", engines_parts),
	STATE(spam_traps, "spam_traps"),
	SUB(struct mail_state, bans, "fail2ban", bans_parts),
	WITHIN("postfix", postfix_parts),
	WITHIN("dovecot", dovecot_parts),
	MAP(struct mail_state, rspamd, "rspamd"),
	MAP(struct mail_state, spamassassin.map, "spamassassin"),
	SUB(struct mail_state, spamassassin, "spamassassin", spamassassin_parts),
	END,
};
