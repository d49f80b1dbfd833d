/* SPDX-License-Identifier: MIT
 *
 * The inside of a loaded site: the files read, each once, and what was found in them.
 */
#pragma once
#include "mail/mail.h"
#include "site/inventory.h"
#include "site/site.h"

struct file {
	const char *path;
	struct str text;
	struct value *yaml; /* NULL: not parsed, or with problems */
	bool yaml_done;
	const struct template *tmpl;
	bool tmpl_done;
	struct err tmpl_err;
};
struct files {
	struct arena *a;
	struct file **v;
	size_t n, cap;
	struct value *index; /* path -> number in v; -1: there is no such file */
};
/* The file, read once; NULL and no error when there is none. */
struct file *files_get(struct files *f, const char *path, struct err *e);
/* Its YAML; NULL when there is no such file, or with problems in errs. */
struct value *files_yaml(struct files *f, const char *path, struct errs *errs);
/* The same of a file of variables: NULL too when it is empty. */
struct value *files_vars(struct files *f, const char *path, struct errs *errs);
bool is_dir(const char *path);
bool is_there(const char *path); /* whatever it is: who reads it says so */
bool is_file(const char *path);
char *dir_join(struct arena *a, const char *dir, const char *name); /* "." leaves no trace */
/* Names in a folder, sorted, without hidden ones; none when it is no folder. */
size_t dir_list(struct arena *a, const char *dir, const char ***out);

struct play_in;
struct mail_state { /* of a host in a play; evaluated without its facts, and free of unknowns */
	struct value *mail;
	struct value *vars; /* with what is derived; NULL: not yet asked for */
};
struct render { /* a template's text, and what it was made from */
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
	struct play *face;  /* as site.h shows them */
	const char **hosts; /* after --limit */
	size_t n_hosts;
	struct value *limited;          /* set of the names in hosts */
	const char **tags, **skip_tags; /* NULL: none given */
	struct mail_memory mail_memory; /* what mail/ remembers */
	bool loaded;                    /* site_load is done with it */
	struct value *mail_index;       /* "host play" -> number in mails */
	struct value *render_index;     /* key -> number in renders */
	struct render *renders;
	size_t n_renders, cap_renders, kept_bytes;
	struct mail_state *mails;
	size_t n_mails, cap_mails;
	struct value *groups_var;
	const char *inventory_abs; /* the first source's absolute path; NULL: none, or not asked */
	struct peer *peers;        /* by the number of the host; NULL: not asked for yet */
	struct value *sets;        /* set of the names that tasks set or register */
	bool sets_open;            /* and there may be more, of tasks that are read later */
	struct value *includes;    /* cache of dynamic includes: key -> number in include_v */
	struct task **include_v;
	size_t n_include, cap_include;
	uint32_t tasks; /* ids given out */
	const char **roles_path;
};
extern const char OMIT[]; /* the text that the variable `omit` holds */

/* Equal values, equal keys; secrets count with what they are. */
const char *digest_key(struct arena *a, const struct value *v);
/* "a,b c" split at commas, trimmed, NULL-terminated; NULL gives NULL. */
const char **split_commas(struct arena *a, const char *s);
/* Pieces shared by load.c's neighbours. */
void site_plays_load(struct site *s, struct errs *errs);  /* play.c */
void site_beside_vars(struct site *s, struct errs *errs); /* hostvars.c */
/* pattern.c: names of the hosts, NULL-terminated; n may come out 0. */
bool pattern_match(const struct site *s, struct arena *a, const char *pattern, const char ***out,
	size_t *n, struct err *e);
bool pattern_limit(const struct site *s, struct arena *a, const char *limit, const char ***out,
	size_t *n, struct err *e); /* also @file */
bool pattern_none(const struct site *s, struct arena *a, const char *pattern, struct err *e);
void site_sets(struct site *s);                                  /* sets.c: fills in `sets` */
void site_dry_run(struct site *s, struct errs *errs);            /* dry.c */
void problems_once(const struct errs *found, struct errs *errs); /* each that is not there yet */
struct value *extra_vars_read(struct site *s, const char *const *texts, struct errs *errs);
/* "k=v k2='v 2'" as Ansible splits module arguments; Jinja braces are kept whole. */
bool kv_split(struct arena *a, struct str s, struct pos pos, struct value *map, struct str *rest,
	bool (*known)(void *ctx, struct str key), void *ctx, struct err *e);
