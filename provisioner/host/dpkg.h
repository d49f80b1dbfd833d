/* SPDX-License-Identifier: MIT
 *
 * The installed packages by dpkg's status file (dpkg(1), deb822(5)). Only reads.
 *
 *     dpkg_read(text, &d); p = dpkg_find(d, "postfix", NULL); ... dpkg_free(d);
 */
#pragma once
#include "base/base.h"

#define DPKG_STATUS "/var/lib/dpkg/status"

struct dpkg_package {
	const char *name, *version, *arch;
	const char *state; /* "installed", "half-configured", "config-files", ... */
};
struct dpkg;
struct dpkg *dpkg_parse(struct str status);
void dpkg_free(struct dpkg *d); /* NULL is allowed */
/* arch NULL: of any architecture, an installed one first. NULL: dpkg does not know it. */
const struct dpkg_package *dpkg_find(const struct dpkg *d, const char *name, const char *arch);
bool dpkg_installed(const struct dpkg_package *p); /* unpacked and configured; NULL: false */
/* Does an installed package provide this name (of a virtual package)? */
bool dpkg_provides(const struct dpkg *d, const char *name);
/* The installed package that owns a configuration file, by the status file; NULL: none. */
const char *dpkg_conffile(struct arena *a, struct str status, const char *path);
bool dpkg_interrupted(const struct dpkg *d); /* is a package unpacked but not configured? */
/* The status of this host, read again only when the file has changed. Owned by this file. */
const struct dpkg *dpkg_host(struct err *e);
