/* SPDX-License-Identifier: MIT
 *
 * Packages: which are installed, and changing that, by whatever package manager the host has.
 */
#pragma once
#include "host/args.h"

struct package {
	const char *name, *version, *arch;
	const char *state; /* as dpkg names it: "installed", "config-files", ... */
};
struct packages {
	struct package *v;
	size_t n, cap;
	struct args provided; /* names of virtual packages that installed ones provide */
};

/* One name of a package resource: "postfix", "libc6:i386", "postfix=3.7*". */
struct package_want {
	const char *name, *arch, *version; /* arch, version: NULL when not given */
	const char *text;                  /* as it was written */
};
/* How packages are changed; equal options can share one run of the package manager. */
struct package_options {
	struct args words; /* for the manager's command line */
	int answer;        /* exit status of policy-rc.d; 0: services are started */
};
struct package_change {
	struct package_want want;
	bool removes;
};
struct package_changes {
	struct package_options options;
	struct package_change *v;
	size_t n, cap;
};

/* A package manager: one row of the table in packages.c. */
struct package_backend {
	const char *name;             /* the program that changes packages */
	const char *explain, *repair; /* commands to suggest, before a package's name */
	bool (*probe)(struct err *e); /* is it this host's? e: why not */

	/* What it knows of this host, sorted by name; read again only when that has changed, and
	 * owned by the backend. NULL: e is set. */
	const struct packages *(*read)(struct err *e);
	/* The installed package that contains the configuration file at `path`; NULL: none. */
	const char *(*owner)(struct arena *a, const char *path);

	/* ---- the lists of what can be installed ---- */
	int64_t (*lists_time)(void); /* of the last refresh; 0: never */
	/* Are they older than `valid` seconds, or than the list of sources? */
	bool (*lists_stale)(int64_t valid);
	bool (*lists_refresh)(struct host *h, struct err *e); /* waits for another that does */
	/* Do they have a package of that name, not only others that provide it? */
	bool (*has_real)(struct host *h, const char *name, bool *has, struct err *e);
	/* The versions of installed or new packages that an upgrade would bring. */
	bool (*candidates)(
		struct host *h, const struct args *names, struct packages *out, struct err *e);

	/* ---- changes ---- */
	/* The options for the parameters of a resource of the type package. */
	struct package_options (*options)(struct arena *a, const struct value *params);
	/* What the removal of `names` would remove; no names: what is no longer needed. An entry
	 * without a version has NULL. Nothing when it cannot be told. */
	bool (*removals)(struct host *h, const struct package_options *options,
		const struct args *names, struct packages *out, struct err *e);
	/* Installs and removes in one transaction, after one that was interrupted is finished. */
	bool (*change)(struct host *h, const struct package_changes *c, struct err *e);
	/* Restores configuration files of the package that were removed; existing ones stay as they
	 * are. */
	bool (*restore)(struct host *h, const char *package, struct err *e);
	bool (*busy)(void); /* is another program changing packages? */
	/* Removes what an interrupted transaction of ours has left on the host. */
	bool (*clean)(struct err *e);
};
extern const struct package_backend package_backend_apt;
/* The package manager of this host; NULL: it has none that is in the table. */
const struct package_backend *package_manager(struct err *e);

void packages_sort(struct packages *all);
/* In a sorted list. arch NULL: of any architecture, an installed one first. NULL: not there. */
const struct package *package_find(const struct packages *all, const char *name, const char *arch);
bool package_installed(const struct package *p); /* unpacked and configured; NULL: false */
/* Does an installed package provide this name (of a virtual package)? */
bool package_provided(const struct packages *all, const char *name);
