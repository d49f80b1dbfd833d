/* SPDX-License-Identifier: MIT
 *
 * Floor 5: what the user declared: inventory, variables, plays, roles, mail state; and resolve(),
 * which turns it into the resources wanted on one host, in order.
 *
 *   s = site_load(a, &opt, &errs);                      all files read, every problem reported
 *   r = resolver_new(s, a, &start);
 *   while ((st = resolver_next(r, &step, &e)) ...)      STEP / OBSERVE / APPLY / END / FAILED
 *
 * Everything here is a pure function of the files, the facts and the results so far. No host is
 * contacted. Files are read by site_load, and by resolver_next for templates and files of roles.
 */
#pragma once
#include "jinja/jinja.h"
#include "resource/resource.h"
#include "step/step.h"
#include "value/origin.h"

struct site_options {
	const char *manifest; /* site.yml; NULL: inventory and variables only */
	/* -i, NULL-terminated; none: `inventories/` or `inventory` beside the manifest (ansible.cfg
	 * is not read), else localhost */
	const char *const *inventories;
	const char *const *extra_vars; /* -e: k=v, JSON/YAML text or @file; NULL-terminated */
	const char *limit;             /* -l */
	const char *tags, *skip_tags;  /* comma separated */
	const char *roles_path;        /* --roles-path, PROVISION_ROLES_PATH; colon separated */
	const char *remote_user;       /* -u */
	const char *private_key;
	const char *connection; /* -c */
	int become;             /* -b given: 1; else 0 */
	const char *become_user;
	int forks, verbosity; /* as ansible_forks and ansible_verbosity have them */
	bool unsupported_ok;  /* run roles also on systems that they do not support */
};
struct site;
struct site *site_load(struct arena *a, const struct site_options *opt, struct errs *errs);
/* Warns of valid settings that have no effect: a tag that no task has, a play that declares mail
 * but has no role. */
void site_warnings(const struct site *s, struct errs *errs);
const char *const *site_hosts(const struct site *s); /* after --limit, inventory order */
/* Hosts of a pattern (Ansible's: a:b:!c:&d, globs, ~regex, ranges). NULL and e when none match. */
const char *const *site_match(const struct site *s, const char *pattern, struct err *e);
bool site_connection(const struct site *s, const char *host, struct connection *out, struct err *e);
struct value *site_vars(const struct site *s, const char *host, struct err *e); /* all, resolved */
/* An expression, or a template, with the host's variables: evaluates those that it uses. UNKNOWN
 * when it uses the host's facts. */
struct value *site_eval(const struct site *s, const char *host, struct str expression,
	struct pos pos, struct err *e);
struct value *site_render(
	const struct site *s, const char *host, const struct template *t, struct err *e);
/* The mail records to publish for a host: {mail, mail_zones, mail_host_dkim, mail_dkim_keys,
 * dkim_folder}; empty: it declares no mail. facts NULL: it is an error if they are needed. */
struct value *site_zones(const struct site *s, struct arena *a, const char *host,
	struct value *facts, struct err *e);
/* Every domain's provider_key with this provider, with its place; only of states that need no
 * facts. */
struct value *site_provider_keys(const struct site *s, struct arena *a, const char *provider);
const struct field *site_play_fields(void); /* keywords of a play */
const struct field *site_task_fields(void); /* keywords of a task */
/* The folder of a role on the roles path; NULL: there is none. */
const char *site_role_dir(const struct site *s, struct arena *a, const char *role);

struct share { /* a number of hosts (0 and less: all that are left), or a percentage */
	double n;
	bool percent;
};
struct play {
	const char *name;
	struct pos pos;
	const char *const *hosts; /* matched and limited */
	const struct share *serial;
	size_t n_serial;            /* 0: all hosts at once */
	double max_fail_percentage; /* -1: none given */
	bool any_errors_fatal;
	bool own_pace; /* strategy free or host_pinned: no limit of failures, as in Ansible */
};
size_t site_plays(const struct site *s, const struct play **out);

struct step_result {
	bool changed, failed;
	bool planned;         /* would change: the result is not known, only that it changes */
	bool unsure;          /* planned, but it is not known whether it changes */
	struct value *result; /* the registered result; may be NULL */
	const char *error;    /* out: why it failed */
	const char *unknown;  /* out: the verdict depends on tasks that have not run */
};
enum resolve_mode { RESOLVE_PLAN, RESOLVE_RUN };
enum resolve_status {
	RESOLVE_STEP,    /* *out is the next step */
	RESOLVE_OBSERVE, /* give resolver_result for the steps so far (observed), then go on */
	RESOLVE_PEERS,   /* it waits for other hosts: continue when resolver_may_go_on */
	RESOLVE_APPLY,   /* RUN only: apply the steps so far, give their results, then go on */
	RESOLVE_END,
	RESOLVE_FAILED, /* e holds the reason: the host's play ends here */
};
struct resolver;
struct resolve_start {
	const char *host;
	size_t play;
	struct value *facts;        /* NULL: none */
	const char *const *pending; /* handlers that an unfinished run has left; NULL: none */
	enum resolve_mode mode;
};
struct resolver *resolver_new(
	const struct site *s, struct arena *a, const struct resolve_start *start);
enum resolve_status resolver_next(struct resolver *r, struct step **out, struct err *e);
/* Called for every step with a type: once with what observe found (planned when it would change),
 * and in RUN again after it was applied, or once more when the verdict was unknown. Returns the
 * verdict of changed_when and failed_when in *res; a condition that cannot be evaluated is a
 * failure. resolver_continue keeps step ids and registered values for the next play. */
void resolver_result(struct resolver *r, uint32_t id, struct step_result *res);
struct resolver *resolver_continue(struct resolver *done, size_t play);
/* Where the user's files set what a program refused in this step, by its error and by the lines of
 * its files that it names (a list of texts). The mail state counts, and the variables that the task
 * reads: for a handler, also those of the tasks that notify it. */
struct origins resolver_origins(
	struct resolver *r, const struct step *step, const char *error, const struct value *lines);
/* The same for a saved plan, which has only the settings of resolver_settings. daemon: the role's
 * name, or NULL. */
struct origins settings_origins(struct arena *a, const struct value *settings, const char *daemon,
	const char *error, const struct value *lines);
struct value *resolver_settings(struct resolver *r); /* of the present play; NULL: there are none */
/* The i-th host that it waits for, for its facts or for values that its tasks set; NULL past the
 * last. */
const char *resolver_waits(const struct resolver *r, size_t i, bool *facts);
bool resolver_may_go_on(const struct resolver *r);
uint32_t resolver_task(const struct resolver *r); /* number of the task that it has reached */
/* For hostvars: the host takes part in this run; its facts, which outlive the site's use; it takes
 * no further part from that play of the run on. */
void site_host_comes(const struct site *s, const char *host);
void site_host_facts(const struct site *s, const char *host, struct value *facts);
void site_host_lost(const struct site *s, const char *host, size_t play);
/* The hosts (NULL-terminated) that run the play together, in the order of these calls: the value of
 * ansible_play_batch on each of them. */
void site_batch(const struct site *s, size_t play, const char *const *hosts);
