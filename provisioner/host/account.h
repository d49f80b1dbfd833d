/* SPDX-License-Identifier: MIT
 *
 * Users and groups from /etc/passwd, /etc/group and /etc/shadow (passwd(5), group(5), shadow(5)).
 * Only reads; other sources of accounts are not used.
 */
#pragma once
#include "base/base.h"

struct account_user {
	const char *name, *comment, *home, *shell;
	unsigned uid, gid;
	const char *password; /* the hash; NULL: not known */
};
struct account_group {
	const char *name;
	unsigned gid;
	const char **members; /* NULL-terminated */
};
struct accounts {
	struct account_user *users;
	size_t n_users;
	struct account_group *groups;
	size_t n_groups;
};
/* Parses the texts of the three files; skips malformed lines. */
void accounts_parse(struct arena *a, struct str passwd, struct str group, struct str shadow,
	struct accounts *out);
/* Those of this host; with hashes only where /etc/shadow is readable. */
bool accounts_read(struct arena *a, struct accounts *out, struct err *e);
const struct account_user *account_user(const struct accounts *all, const char *name);
/* By name, or by number where it is one. */
const struct account_group *account_group(const struct accounts *all, const char *name);
bool account_number(const char *text, unsigned *out); /* a whole number below 2^32 - 1 */
bool account_name_valid(const char *name);            /* a name that useradd(8) accepts */
