/* SPDX-License-Identifier: MIT
 *
 * What an expression sees on one host, at one task: the layers of Ansible's precedence, looked up
 * by name, evaluated on first use and cached while their inputs stay the same.
 */
#pragma once
#include "site/task.h"

struct layer {
	const char *what;
	const struct value *map;
	bool facts; /* the layer of the host's facts */
};
struct include_scope { /* a dynamic include during its run */
	struct include_scope *up;
	struct value *vars; /* its vars and the loop's */
};
struct scope { /* tasks that see the same layers share one, with its cached values */
	uint64_t key;
	struct layer *layer; /* highest precedence first */
	size_t n;
	struct value *cache; /* name -> evaluated */
	struct value *reads; /* name -> its inputs; none: it depends on this run */
	struct value *deps;  /* names that the cached values depend on */
	const struct role_use *role;
};
enum { VARS_DEPTH = 60 };
struct peer_wait { /* for another host: its facts, or what its tasks set */
	const char *host;
	bool facts;
	uint64_t stamp; /* what was known of it at that time */
};
struct resolver;
struct vars {
	struct site *s;
	struct arena *a;
	struct invhost *host;
	struct play_in *play;      /* NULL: outside of any play */
	struct value *facts;       /* NULL: not known yet, and names of facts are UNKNOWN */
	struct value *facts_named; /* ansible_NAME -> fact */
	struct value *set;         /* set_fact and registered results */
	struct value *included;    /* include_vars */
	struct value *play_files;  /* vars_files */
	struct value *loop;        /* loop variables; NULL: none */
	struct value *magic;
	struct value *own;   /* the name whose result is being judged, which is UNKNOWN */
	struct value *mail;  /* mail and its derived names; NULL: not computed */
	struct err mail_err; /* why it could not be computed */
	bool mail_busy, mail_done;
	struct scope **scopes;
	size_t n_scopes, cap_scopes;
	struct scope *scope;
	const struct task *task;     /* for the lookups of files */
	const struct file *template; /* being rendered; NULL: none */
	bool loop_dependent;         /* a loop variable was used */
	bool cache_off;
	const char *busy[VARS_DEPTH];
	size_t n_busy;
	struct value *reads; /* of the present evaluation; NULL: there is none */
	bool reads_lost;     /* it has read something that does not outlive this run */
	struct errs *found;  /* dry: collects undefined names, and the walk continues; or NULL */
	struct err err;      /* of a variable's own template */
	bool not_undefined;  /* err is not about an undefined name */
	/* a task that may set any name has not run: no name counts as undefined */
	struct value *hidden;
	const struct resolver *resolver; /* NULL: nobody runs a play */
	struct peer_wait *waits;         /* of the current task */
	size_t n_waits, cap_waits;
	struct jinja_env env;
};

struct vars *vars_new(struct site *s, struct arena *a, struct invhost *h, struct play_in *play,
	struct value *facts);
/* Moves to another play of the same host: set facts and registered results stay. */
void vars_play(struct vars *v, struct play_in *play);
void vars_enter(
	struct vars *v, const struct task *t, const struct include_scope *in); /* t may be NULL */
void vars_loop(struct vars *v, struct value *loop);                            /* NULL: none */
void vars_set(struct vars *v, struct str name, struct value *value);
void vars_include(struct vars *v, const struct value *map);
bool vars_undefined(void *ctx, const struct err *e); /* dry.c: jinja_env's, records needed names */
/* Records nothing until its result is put back to v->found: an error here is not a problem. */
struct errs *vars_quiet(struct vars *v);
/* As in lang.h, with the error of the variable that caused it. */
struct value *vars_resolve(struct vars *v, struct value *x, struct err *e);
struct value *vars_condition(struct vars *v, struct value *cond, struct err *e);
struct value *vars_render(struct vars *v, const struct template *t, struct err *e);
struct value *vars_expression(struct vars *v, struct str text, struct pos pos, struct err *e);
/* The value of a variable whose evaluation failed: undefined; unless it failed because of an
 * undefined name, which default() accepts as in Ansible, the whole evaluation fails. */
struct value *vars_fail(struct vars *v, struct str name, const struct err *e);
/* A variable's value, evaluated; NULL without error: it is undefined. */
struct value *vars_value(struct vars *v, const char *name, struct err *e);
/* What is read between begin and end: names with the values found for them, or NULL when that is
 * not known. same: does this run find the same for each of them? */
struct outer_reads {
	struct value *reads;
	bool lost;
};
struct outer_reads vars_reads_begin(struct vars *v);
struct value *vars_reads_end(struct vars *v, struct outer_reads outer);
bool vars_reads_same(struct vars *v, const struct value *reads);
/* Removes what equals `omit`, deep; NULL: nothing remains. Returns v itself where nothing is
 * removed. */
struct value *vars_omit(struct arena *a, struct value *v);

/* ---- hostvars.c ---- */
enum { HOST_LAYERS = 2048 };
/* The inventory's layers of a host, lowest first. */
size_t host_layers(
	const struct site *s, const struct invhost *h, struct arena *a, struct layer **out);
struct value *host_merged(struct site *s, struct invhost *h);
struct value *magic_groups(struct site *s);
/* ---- magic.c: the variables that Ansible defines ---- */
struct value *magic_vars(struct vars *v);
struct value *magic_of_play(struct vars *v, struct str name); /* the hosts that are left */
struct value *magic_of_task(struct vars *v, struct str name); /* NULL: no such one */
/* ---- names.c: the names that Ansible gives a meaning ---- */
bool name_reaches(struct str name);        /* names that set how a host is reached */
bool name_may_be_fact(struct str name);    /* or ansible_facts itself */
const char *name_lacking(struct str name); /* not supported: the reason, or what to do; else NULL */
bool fact_lacking(struct str name);        /* as in ansible_facts, without ansible_ */
/* The first name in a map of variables that sets how the host is reached. */
bool vars_reach(const struct value *map, const char **name, struct pos *pos);
/* ---- lookup.c ---- */
struct value *lookup_plugin(void *ctx, const char *name, const struct value *args,
	const struct value *kwargs, struct err *e);
/* `from`: the file of the template that includes it, or NULL. */
bool lookup_include(void *ctx, struct str name, const char *from, struct str *text,
	const char **file, struct err *e);
/* ---- template.c ---- */
/* Compiled once per site; NULL with e. */
const struct template *template_get(struct site *s, struct file *f, struct err *e);
struct value *template_text(
	struct vars *v, const struct file *f, const struct template *t, struct err *e);
struct value *template_file(struct vars *v, const char *path, struct pos pos, struct err *e);
/* The items of `with_KIND: value`; value is evaluated. UNKNOWN when that is. */
struct value *loop_items(struct vars *v, const char *kind, struct value *value, struct err *e);

/* ---- mail_vars.c ---- */
/* The map of `mail` and the derived names, evaluated and checked; NULL with problems in errs. An
 * empty map when nothing declares `mail:` for the host. */
struct value *mail_vars(struct vars *v, struct errs *errs);
bool mail_declared(const struct vars *v);
bool mail_name(struct str name);
/* The values of such names contain hashes of passwords: they are complete after mail_hashes_end. */
bool mail_name_has_hashes(struct str name);
/* Checks the host's declared state without its facts; what depends on them counts as unknown. */
void mail_check(struct vars *v, struct errs *errs);
