/* SPDX-License-Identifier: MIT
 *
 * What package.c (the types, observing) and apt.c (the transactions) share.
 */
#pragma once
#include "host/args.h"
#include "host/dpkg.h"
#include "host/foresight.h"

#define APT_LISTS "/var/lib/apt/lists" /* its time says when they were refreshed */
/* A name that no package has is an error, not a pattern: else "g++" would stand for all with a g */
#define APT_EXACT_NAMES "--option=APT::Cmd::Pattern-Only=true"
#define APT_LISTS_CHANGE "package lists" /* the change that says that they are refreshed */
#define APT_UPGRADE_CHANGE "upgrade"     /* with it, what they then offer of state latest */

/* One name of a package resource: "postfix", "libc6:i386", "postfix=3.7*". */
struct package_want {
	const char *name, *arch, *version; /* arch, version: NULL when not given */
	const char *text;                  /* as it was written */
};
/* false: not a name that a package can have. */
bool package_want_parse(struct arena *a, struct str text, struct package_want *w);
/* Is it as wanted now? `removes` and `purge` are the resource's. */
bool package_as_wanted(const struct package_want *w, const struct dpkg_package *p);

/* The options of apt-get that a resource's parameters mean. */
void apt_options(struct arena *a, const struct value *params, struct args *args);
/* apt_lists.c: when the package lists were refreshed; 0: never. */
int64_t apt_lists_time(void);
/* Are they to be refreshed? After the names: whether something is to be installed counts. */
void apt_lists_observe(struct host *h, const struct value *params, struct observation *o);
/* A step changes files, perhaps those that name the sources: lists that an earlier step
 * refreshes are refreshed again when that is asked for. */
void apt_lists_foresee_old(struct foresight *f);
/* Refreshes them, waiting for another apt that does. */
bool apt_lists_refresh(struct host *h, struct err *e);

/* One run of apt-get; apt_failed says why it failed and what to do. */
bool apt_try(struct host *h, const char *const *argv, struct proc_result *r, struct err *e);
bool apt_failed(struct arena *a, const char *what, const struct proc_result *r, struct err *e);
/* apt-get's environment, for proc_run. */
extern const char *const apt_env[];
/* What `apt-get --simulate ACTION names` would remove: "name version" lines; "" when it fails. */
bool apt_simulate(struct host *h, const char *const *argv, struct str *out, struct err *e);
