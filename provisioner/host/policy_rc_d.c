/* SPDX-License-Identifier: MIT
 *
 * Creates and removes the policy-rc.d of a package change. Never changes one that is not ours: it
 * is moved aside and restored.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/policy_rc_d.h"

#define MARK "# provision made this for the time of a package change."

enum { POLICY_MAX = 1 << 20, POLICY_MODE = 0755 };

struct paths {
	const char *policy, *saved;
};

static struct paths paths_in(struct arena *a, const char *folder)
{
	return (struct paths){path_join(a, folder, "policy-rc.d"),
		path_join(a, folder, "policy-rc.d.provision-saved")};
}

/* Only names without special characters of shell patterns. */
static bool plain_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789@._-";
	return name[0] && strspn(name, allowed) == strlen(name);
}

/* invoke-rc.d passes the script's name, deb-systemd-invoke the unit's. Timers may start: their
 * programs are configured when they run. Stopping is always allowed. */
static struct str policy_text(
	struct arena *a, const char *held, int answer, const char *const *running)
{
	struct buf b;
	buf_init(&b, POLICY_MAX);
	buf_adds(&b, "#!/bin/sh\n" MARK "\n"
		     "# Services that did not run before are not started by it, half configured.\n"
		     "# If it is still here and provision is not running, remove it.\n"
		     "while [ \"${1#--}\" != \"$1\" ]; do shift; done\n"
		     "case $1 in *.timer) exit 0 ;; esac\n"
		     "case $2 in stop|force-stop) exit 0 ;; esac\n"
		     "case ${1%.service} in\n");
	for (size_t i = 0; running && running[i]; i++)
		if (plain_name(running[i]))
			buf_addf(&b, "%s) exit 0 ;;\n", running[i]);
	buf_addf(&b,
		"esac\n"
		"case $2 in *start) printf '%%s\\n' \"$1\" >>%s ;; esac\nexit %d\n",
		held, answer);
	struct str text = buf_str(a, &b);
	buf_free(&b);
	return text;
}

static bool is_ours(struct arena *a, const char *path, bool *there, bool *ours, struct err *e)
{
	struct str text;
	struct stat st;
	*ours = false;
	*there = lstat(path, &st) == 0;
	if (!*there || !S_ISREG(st.st_mode) || st.st_size > POLICY_MAX)
		return true;
	if (!file_read_opt(a, path, POLICY_MAX, &text, there, e))
		return false;
	*ours = strstr(text.p, MARK) != NULL;
	return true;
}

static bool put_back(struct arena *a, struct paths p, struct err *e)
{
	struct stat st;
	bool there, ours;
	if (!is_ours(a, p.policy, &there, &ours, e))
		return false;
	bool saved = lstat(p.saved, &st) == 0;
	if (saved && (!there || ours)) {
		if (rename(p.saved, p.policy) < 0)
			return err_errno(e, "cannot restore %s", p.policy);
	} else if (ours && unlink(p.policy) < 0) {
		return err_errno(e, "cannot remove %s", p.policy);
	}
	return true;
}

bool policy_end(const char *folder, struct err *e)
{
	struct arena *a = arena_new();
	bool ok = put_back(a, paths_in(a, folder), e);
	arena_free(a);
	return ok;
}

bool policy_begin(
	const char *folder, const char *held, int answer, const char *const *running, struct err *e)
{
	struct arena *a = arena_new();
	struct paths p = paths_in(a, folder);
	struct file_attr attr = {POLICY_MODE, (uid_t)-1, (gid_t)-1};
	bool ok = put_back(a, p, e);
	if (ok && rename(p.policy, p.saved) < 0 && errno != ENOENT)
		ok = err_errno(e, "cannot move %s aside", p.policy);
	if (ok) {
		struct str text = policy_text(a, held, answer, running);
		ok = file_replace(p.policy, text.p, text.n, attr, e);
	}
	if (!ok)
		put_back(a, p, NULL);
	arena_free(a);
	return ok;
}
