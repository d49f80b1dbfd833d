/* SPDX-License-Identifier: MIT
 *
 * Packages, beside the verbs of the types `package` and `apt`: several resources in one
 * transaction.
 */
#pragma once
#include "host/packages.h"
#include "resource/resource.h"

/* Names of changes beside those of packages. */
#define LISTS_CHANGE "package lists" /* the lists are refreshed */
#define UPGRADE_CHANGE "upgrade"     /* upgrades that the refreshed lists will determine */

/* false: it is not a valid package name. */
bool package_want_parse(struct arena *a, struct str text, struct package_want *w);
/* Is it installed as wanted? */
bool package_as_wanted(const struct package_want *w, const struct package *p);
/* A step may change the list of sources: lists that an earlier step refreshes must then be
 * refreshed again. */
void package_lists_foresee_old(struct foresight *f);

/* ---- package_apply.c ---- */
/* Applies n adjacent package resources together: those with the same options share one run of the
 * package manager. params[i] and o[i] belong together; a resource whose o[i] has no changes is left
 * alone. On failure none of them counts as applied; the next apply continues. */
bool package_apply_many(struct host *h, const struct value *const *params,
	struct observation *const *o, size_t n, struct err *e);

bool package_removes(const struct value *params); /* state absent */
/* Does one install a package that the other removes? */
bool package_undoes(const struct value *params, const struct value *other);
/* The installed package that contains the configuration file at `path`; NULL: none. */
const char *package_of_conffile(struct host *h, const char *path);
/* Restores configuration files of the package that were removed; existing ones stay as they are. It
 * is an error if `path` still does not exist afterwards. */
bool package_bring_back(struct host *h, const char *package, const char *path, struct err *e);

/* Removes what an interrupted run has left on the host, as its policy-rc.d. Cheap when there is
 * nothing to do. Call it at the start of an apply; package_apply_many does. */
bool package_clean_leftovers(struct err *e);
