/* SPDX-License-Identifier: MIT
 *
 * What every kind of link shares: who logs in, where, and the account of what was sent. It opens
 * nothing itself.
 */
#include <pwd.h>
#include <unistd.h>
#include "transport/link.h"

enum {
	PORT_SSH = 22,
	COMPACT = 1 << 20, /* sent bytes are dropped in large pieces: moving the rest up costs */
};

const char *target_login(struct arena *a, const struct target *t)
{
	if (t->user && t->user[0])
		return t->user;
	struct passwd *pw = getpwuid(geteuid());
	return pw ? arena_strdup(a, pw->pw_name) : "root";
}

const char *home_dir(struct arena *a)
{
	const char *home = getenv("HOME");
	if (home && home[0])
		return home;
	struct passwd *pw = getpwuid(geteuid());
	return pw && pw->pw_dir ? arena_strdup(a, pw->pw_dir) : "";
}

int target_port(const struct target *t)
{
	return t->port > 0 ? t->port : PORT_SSH;
}

bool link_all_sent(const struct link *k)
{
	return k->sent == k->out.n;
}

void link_sent(struct link *k, size_t n)
{
	k->sent += n;
	k->moved += n;
	if (link_all_sent(k)) {
		buf_clear(&k->out);
		k->sent = 0;
	} else if (k->sent >= COMPACT && k->sent >= k->out.n / 2) {
		buf_consume(&k->out, k->sent);
		k->sent = 0;
	}
}
