/* SPDX-License-Identifier: MIT
 *
 * Private to a loaded site: its files, each read once, and what was found in them.
 */
#pragma once
#include "mail/mail.h"
#include "inventory/host_pattern.h"
#include "site/site.h"

struct play_in;
struct known_mail { /* of a host in a play, when it is completely known without facts */
	const struct mail_state *mail;
	struct value *vars; /* with the derived names; NULL: not needed yet */
};
struct render { /* a template's text, and its inputs */
	const struct value *reads;
	struct value *text;
};
struct site {
	struct arena *a;
	struct site_options opt;
	const char *dir, *abs_dir; /* of the manifest */
	struct files files;
	struct inventory *inv;
	struct value *extra;
	struct play_in **plays;
	size_t n_plays, cap_plays;
	struct play *shown; /* as site.h shows them */
	const char **hosts; /* after --limit */
	size_t n_hosts;
	struct value *limited;          /* set of the names in hosts */
	const char **tags, **skip_tags; /* NULL: none given */
	struct mail_memory mail_memory; /* memory of mail/ */
	bool loaded;                    /* site_load has finished */
	struct value *mail_index;       /* "host play" -> number in mails */
	struct value *render_index;     /* key -> number in renders */
	struct render *renders;
	size_t n_renders, cap_renders, kept_bytes;
	struct known_mail *mails;
	size_t n_mails, cap_mails;
	struct value *groups_var;
	const char *inventory_abs; /* the first source's absolute path; NULL: none, or not read */
	struct peer *peers;        /* by index of the host; NULL: not needed yet */
	struct value *sets;        /* set of the names that tasks set or register */
	bool sets_open;            /* and there may be others, from tasks that are read later */
	struct value *includes;    /* cache of dynamic includes: key -> number in include_v */
	struct task **include_v;
	size_t n_include, cap_include;
	uint32_t tasks; /* ids given out */
	const char **roles_path;
};
extern const char OMIT[]; /* the value of the variable `omit` */

/* Equal values have equal keys; a secret differs from the same text that is not one. */
const char *digest_key(struct arena *a, const struct value *v);
/* Pieces shared by load.c's neighbours. */
void site_plays_load(struct site *s, struct errs *errs);         /* play.c */
void site_beside_vars(struct site *s, struct errs *errs);        /* hostvars.c */
void site_sets(struct site *s);                                  /* sets.c: fills in `sets` */
void site_dry_run(struct site *s, struct errs *errs);            /* dry.c */
void problems_once(const struct errs *found, struct errs *errs); /* each that is not there yet */
struct value *extra_vars_read(struct site *s, const char *const *texts, struct errs *errs);
/* Which keys count; others are text. */
struct kv_keys {
	bool (*known)(void *ctx, struct str key);
	void *ctx;
};
/* "k=v k2='v 2'" like Ansible's module arguments; Jinja braces are kept whole. Without `keys`
 * any key counts. */
bool kv_split(struct arena *a, const struct value *text, struct value *map, struct str *rest,
	const struct kv_keys *keys, struct err *e);
