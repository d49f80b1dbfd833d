/* SPDX-License-Identifier: MIT
 *
 * What package.c (the types, observing) and apt.c (the transactions) share.
 */
#pragma once
#include "resource/args.h"
#include "resource/dpkg.h"

#define APT_LISTS "/var/lib/apt/lists" /* its time says when they were refreshed */

/* One name of a package resource: "postfix", "libc6:i386", "postfix=3.7*". */
struct package_want {
	const char *name, *arch, *version; /* arch, version: NULL when not given */
	const char *text;                  /* as it was written */
};
/* false: not a name that a package can have. */
bool package_want_parse(struct arena *a, struct str text, struct package_want *w);
bool package_removes(const struct value *params); /* state absent */
/* Is it as wanted now? `removes` and `purge` are the resource's. */
bool package_as_wanted(const struct package_want *w, const struct dpkg_package *p);

/* The options of apt-get that a resource's parameters mean. */
void apt_options(struct arena *a, const struct value *params, struct args *args);
/* apt-get's environment, for proc_run. */
extern const char *const apt_env[];
/* What `apt-get --simulate ACTION names` would remove, as "name version" lines; "" when it fails.
 */
bool apt_simulate(struct host *h, const char *const *argv, struct str *out, struct err *e);
