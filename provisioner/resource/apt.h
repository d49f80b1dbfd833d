/* SPDX-License-Identifier: MIT
 *
 * Shared by package.c (the types, observing) and apt.c (the transactions).
 */
#pragma once
#include "host/args.h"
#include "host/dpkg.h"
#include "host/foresight.h"

#define APT_LISTS "/var/lib/apt/lists" /* its modification time is the time of the last refresh */
/* Makes apt take a name for a name: otherwise "g++" is a pattern that matches every name
 * with a g */
#define APT_EXACT_NAMES "--option=APT::Cmd::Pattern-Only=true"
#define APT_LISTS_CHANGE "package lists" /* name of the change for a refresh */
#define APT_UPGRADE_CHANGE "upgrade"     /* upgrades that the refreshed lists will determine */

/* One name of a package resource: "postfix", "libc6:i386", "postfix=3.7*". */
struct package_want {
	const char *name, *arch, *version; /* arch, version: NULL when not given */
	const char *text;                  /* as it was written */
};
/* false: it is not a valid package name. */
bool package_want_parse(struct arena *a, struct str text, struct package_want *w);
/* Is it as wanted now? `removes` and `purge` come from the resource. */
bool package_as_wanted(const struct package_want *w, const struct dpkg_package *p);

/* The options of apt-get for a resource's parameters. */
void apt_options(struct arena *a, const struct value *params, struct args *args);
/* apt_lists.c: when the package lists were refreshed; 0: never. */
int64_t apt_lists_time(void);
/* Do they need a refresh? Call it after the names: it matters whether something
 * will be installed. */
void apt_lists_observe(struct host *h, const struct value *params, struct observation *o);
/* A step may change the list of sources: lists that an earlier step refreshes must then be
 * refreshed again. */
void apt_lists_foresee_old(struct foresight *f);
/* Refreshes them; waits for another apt that does. */
bool apt_lists_refresh(struct host *h, struct err *e);

/* One run of apt-get; apt_failed sets the reason and what to do. */
bool apt_try(struct host *h, const char *const *argv, struct proc_result *r, struct err *e);
bool apt_failed(struct arena *a, const char *what, const struct proc_result *r, struct err *e);
/* apt-get's environment, for proc_run. */
extern const char *const apt_env[];
/* The packages that `apt-get --simulate ACTION names` would remove: "name version" lines; ""
 * when it fails. */
bool apt_simulate(struct host *h, const char *const *argv, struct str *out, struct err *e);
