/* SPDX-License-Identifier: MIT
 *
 * The packages of a host by dpkg's status file (dpkg(1), deb822(5)). Only reads.
 */
#pragma once
#include "host/packages.h"

#define DPKG_STATUS "/var/lib/dpkg/status"

struct dpkg {
	struct arena *a;
	struct packages all; /* sorted */
	bool interrupted;    /* is a package unpacked but not configured? */
};
struct dpkg *dpkg_parse(struct str status);
void dpkg_free(struct dpkg *d); /* NULL is allowed */
/* The installed package that owns a configuration file, by the status file; NULL: none. */
const char *dpkg_conffile(struct arena *a, struct str status, const char *path);

/* For the row of the table: see packages.h. */
bool dpkg_probe(struct err *e);
/* The status of this host, read again only when the file has changed. Owned by this file. */
const struct dpkg *dpkg_host(struct err *e);
const char *dpkg_owner(struct arena *a, const char *path);
