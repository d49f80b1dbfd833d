/* SPDX-License-Identifier: MIT
 *
 * The declared mail state as structs: parse.c fills them in, once for a state, and nothing else
 * reads the keys of the manifest (but sizes.c, for their units). They borrow from the map that they
 * were parsed from.
 *
 * Rules also run on a state that is not known in parts, or that the field table has refused, so
 * each member says how it lacks its value. Settings that have a daemon's own names stay maps.
 */
#pragma once
#include "mail/domain.h"

struct mail_entry { /* domain -> text */
	struct str key;
	struct pos pos; /* of the key */
	struct mail_text to;
};
struct mail_entries {
	struct mail_entry *v;
	size_t n;
};
enum mail_out_state { MAIL_OUT_ACTIVE, MAIL_OUT_STANDBY, MAIL_OUT_COOLING, MAIL_OUT_WRONG };
struct mail_out { /* an outbound address; empty if its value is not a map */
	struct mail_text address, helo;
	enum mail_out_state state;
};
struct mail_outbound {
	struct value *map, *list; /* of the addresses; NULL: none */
	struct mail_out *addresses;
	size_t n_addresses;
	struct mail_entries assign;
};
struct mail_smart_host {
	struct value *map; /* NULL: none */
	struct mail_text host, user, password;
	struct mail_number port;
};
struct mail_acme {
	struct value *map; /* NULL: none */
	struct mail_text email, directory, ca;
};
enum mail_engine { MAIL_MLMMJ, MAIL_MAJORDOMO, MAIL_ENGINE_WRONG };
struct mail_engines {
	struct value *map; /* NULL: none */
	enum mail_engine engine;
	struct mail_text source, source_sha256;
};
struct mail_bans { /* fail2ban */
	struct mail_text bantime, findtime;
	struct mail_texts ignore;
};
struct mail_spamassassin {
	struct value *map; /* all options; NULL: none */
	struct value *required_score, *delete_score;
	const struct map_entry *channels;
};
enum mail_scope { MAIL_KEY_EACH, MAIL_KEY_GLOBAL, MAIL_SCOPE_WRONG };
struct mail_state {
	struct value *map;  /* all of it, as the roles get it */
	bool known;         /* nothing in it needs the host's facts */
	bool domains_known; /* the same of its domains, and they are a map */
	struct mail_text hostname, postmaster, root;
	struct mail_texts former_hostnames, authorized_relay, trusted_forwarders;
	struct mail_text provider, provider_key, spf, dmarc;
	struct mail_keys dkim;
	enum mail_scope scope; /* of its keys */
	struct mail_tls tls;
	struct mail_acme acme;
	struct mail_pair *pairs; /* instead of tls.own */
	size_t n_pairs;
	const struct map_entry *pairs_entry;
	struct mail_outbound outbound;
	struct mail_smart_host smart_host;
	struct mail_entries transports;
	struct mail_texts dnsbl; /* of postscreen */
	struct mail_texts header_checks, quota_warnings;
	struct mail_engines engines;
	struct mail_text spam_filter;
	struct mail_flag piggyback;
	const struct map_entry *piggyback_entry;
	struct mail_texts spam_traps;
	struct mail_spamassassin spamassassin;
	struct mail_bans bans;
	struct mail_text master;        /* postfix's own services */
	struct value *main;             /* postfix's parameters; NULL, as for the next: none */
	struct value *dovecot, *rspamd; /* settings */
	struct mail_domain *domains;
	size_t n_domains;
	size_t n_mailboxes, n_aliases; /* of all domains */
};

/* Parses a map that mail_fields has checked, or refused. It does not report problems. */
const struct mail_state *mail_parse(struct arena *a, struct value *map);
