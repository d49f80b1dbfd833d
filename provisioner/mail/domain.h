/* SPDX-License-Identifier: MIT
 *
 * A declared domain as a struct: its mailboxes, aliases, lists and settings; part of state.h.
 */
#pragma once
#include "value/field.h"

/* v: the value as it was written, for its place; NULL: the key is absent. s.p NULL: absent, not
 * known yet, or not a text. */
struct mail_text {
	struct str s;
	struct value *v;
};
struct mail_texts { /* as they were written: mail_nth; n 0 also if it is not a list */
	struct value *const *v;
	size_t n;
};
struct mail_flag { /* v NULL: absent, not known yet, or not a boolean */
	bool on;
	struct value *v;
};
struct mail_number { /* v NULL: absent, not known yet, or not an integer */
	int64_t i;
	struct value *v;
};
struct mail_text mail_nth(const struct mail_texts *texts, size_t i); /* parse.c */
/* Where it was written; line 0: it is absent. */
static inline struct pos mail_pos(struct mail_text t)
{
	return t.v ? t.v->pos : (struct pos){0};
}
/* Is its value known only with the host's facts? */
static inline bool mail_unknown(struct mail_text t)
{
	return t.v && t.v->type == VALUE_UNKNOWN;
}

/* WRONG in such an enum: a word that the field table refuses. */
enum mail_box_state { MAIL_ACTIVE, MAIL_SUSPENDED, MAIL_RECEIVE_ONLY, MAIL_STATE_WRONG };
struct mail_box {
	struct str name, address; /* address.p NULL: the domain has no valid name */
	struct pos pos;           /* of the name */
	struct value *map;        /* NULL: its value is not a map */
	struct mail_text password, password_hash;
	struct mail_texts send_as;
	struct mail_number quota;
	enum mail_box_state state;
	struct value *state_word;
	struct value *vacation; /* a map, or NULL */
};
struct mail_alias {
	struct str name, address; /* as of a mailbox */
	struct pos pos;
	bool unknown;         /* its targets are */
	struct mail_texts to; /* the target, or those of a list */
};
struct mail_list {
	struct str name, address;
	struct pos pos;
	struct value *map;
	struct mail_text owner, subject_prefix;
	struct mail_texts moderators, members;
	struct value *post, *subscription, *reply_to, *dmarc, *language;
};

struct mail_kept { /* a further selector of DKIM: its name, or a map */
	struct value *value;
	const char *name; /* NULL: absent, or neither a text nor an integer */
	struct mail_text algorithm, scope;
	bool others; /* the map has other keys, too */
};
struct mail_keys {         /* DKIM: settings of the server, or a domain's own */
	struct value *map; /* NULL: none */
	struct mail_flag enabled;
	struct mail_text selector, algorithm;
	struct mail_number bits;
	struct value *keep; /* NULL: absent */
	struct mail_kept *kept;
	size_t n_kept;
};
struct mail_pair {      /* files of a certificate and its key */
	struct pos pos; /* of the map with both */
	struct mail_text certificate, key;
};
struct mail_tls {
	struct value *map;             /* NULL: none */
	const struct map_entry *entry; /* of the server, or of the domain */
	struct mail_pair own;
	struct mail_flag acme; /* of a domain */
	const struct map_entry *acme_entry;
};

enum mail_provider {
	MAIL_BUILTIN,
	MAIL_GMAIL,
	MAIL_MXROUTE,
	MAIL_NULL,
	MAIL_PROVIDER_WRONG,
	MAIL_PROVIDER_UNKNOWN
};
/* What only a domain that is local can have. */
enum mail_inside { MAIL_MAILBOXES, MAIL_ALIASES, MAIL_CATCH_ALL, MAIL_LISTS, MAIL_INSIDES };
struct mail_domain {
	struct str key, name; /* as written; in ASCII and lower case, p NULL: no domain name */
	struct pos pos;       /* of the key */
	struct value *map;    /* NULL: its value is not a map: unknown, or a mistake */
	/* The domain's own, else the server's; provider_word NULL: not known yet. */
	enum mail_provider provider;
	const char *provider_word;
	struct mail_text provider_key;
	struct mail_text own_provider, own_key;
	const struct map_entry *own_key_entry;
	bool local; /* a map, and its provider is builtin */
	struct mail_text spf, dmarc, catch_all;
	struct mail_keys dkim;
	struct mail_tls tls;
	/* Of a domain that is not builtin's: the first of each kind; NULL: none. */
	const struct pos *inside[MAIL_INSIDES];
	const struct value
		*boxes; /* the map of the mailboxes, to find one by its name; NULL: none */
	struct mail_box *mailboxes;
	struct mail_alias *aliases;
	struct mail_list *lists;
	size_t n_mailboxes, n_aliases, n_lists;
};
/* Is it local here, and has a valid name? Otherwise nothing in it has an effect. */
static inline bool mail_receives(const struct mail_domain *d)
{
	return d->local && d->name.p;
}
