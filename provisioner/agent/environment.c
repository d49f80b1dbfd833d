/* SPDX-License-Identifier: MIT
 *
 * The environment of a step's programs. The agent's own environment comes from the login or from
 * sudo; it is converted to that of the step's user, and the task's `environment` is added. Only
 * computes; sets nothing.
 */
#include <unistd.h>
#include "agent/session.h"

/* PATH of a non-root login by Debian's sshd. */
#define LOGIN_PATH "/usr/local/bin:/usr/bin:/bin:/usr/games"
#define SECURE_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" /* sudo's */

enum { ENVIRONMENT_FILE_MAX = 64 << 10, ENTRIES_MAX = 4096 };

struct entries {
	struct arena *a;
	char **v; /* NULL-terminated */
	size_t n;
};

static void put_entry(struct entries *all, char *entry)
{
	size_t name = strcspn(entry, "=") + 1, at = 0;
	while (at < all->n && strncmp(all->v[at], entry, name) != 0)
		at++;
	if (at >= ENTRIES_MAX)
		return;
	all->v[at] = entry;
	all->n += at == all->n;
}

static void put_pair(struct entries *all, const char *name, const char *value)
{
	put_entry(all, arena_printf(all->a, "%s=%s", name, value));
}

/* Parses a line as pam_env(8) does: KEY=VALUE, optionally after `export`, optionally in quotes. */
static void put_line(struct entries *all, const char *line, size_t n)
{
	static const char word[] = "export ";
	while (n && (*line == ' ' || *line == '\t'))
		line++, n--;
	if (n >= sizeof(word) - 1 && memcmp(line, word, sizeof(word) - 1) == 0)
		line += sizeof(word) - 1, n -= sizeof(word) - 1;
	while (n && strchr(" \t\r", line[n - 1]))
		n--;
	const char *equals = memchr(line, '=', n);
	if (!equals || equals == line || *line == '#')
		return;
	const char *value = equals + 1;
	size_t len = n - (size_t)(value - line);
	if (len && (*value == '"' || *value == '\''))
		value++, len--;
	if (len && (value[len - 1] == '"' || value[len - 1] == '\''))
		len--;
	put_entry(all,
		arena_printf(all->a, "%.*s=%.*s", (int)(equals - line), line, (int)len, value));
}

static void put_file(struct entries *all, const char *path)
{
	struct str text;
	struct err ignored = {0};
	bool found;
	if (!file_read_opt(all->a, path, ENVIRONMENT_FILE_MAX, &text, &found, &ignored))
		return;
	for (size_t at = 0; at < text.n;) {
		size_t n = strcspn(text.p + at, "\n");
		put_line(all, text.p + at, n);
		at += n + 1;
	}
}

/* The files that pam_env reads for a login and for sshd. */
static void put_files(struct entries *all)
{
	put_file(all, "/etc/environment");
	put_file(all, "/etc/default/locale");
}

/* Does the variable belong to the session of another user? */
static bool of_session(const char *entry)
{
	static const char *const starts[] = {"XDG_", "DBUS_", "SSH_", "PWD=", "OLDPWD="};
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (strncmp(entry, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

/* sudo has removed the login's environment: rebuilds it from the files that sshd's PAM stack
 * reads. */
static void as_at_login(struct entries *all)
{
	put_pair(all, "PATH", LOGIN_PATH);
	put_files(all);
}

/* Variables that sudo(8) keeps by default. */
static bool passes_sudo(const char *entry)
{
	static const char *const starts[] = {
		"LANG=", "LANGUAGE=", "LC_", "TZ=", "TERM=", "COLORTERM=", "LS_COLORS=", "COLORS="};
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (strncmp(entry, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

/* Does sudo's PAM configuration read /etc/environment? (Not in Debian.) */
static bool sudo_reads_files(struct arena *a)
{
	struct str text;
	struct err ignored = {0};
	bool found;
	const char *at;
	if (!file_read_opt(a, "/etc/pam.d/sudo", ENVIRONMENT_FILE_MAX, &text, &found, &ignored))
		return false;
	for (at = text.p; (at = strstr(at, "pam_env.so")); at++) {
		const char *line = at;
		while (line > text.p && line[-1] != '\n')
			line--;
		if (*line != '#')
			return true;
	}
	return false;
}

/* What sudo makes of the agent's environment for another user; the agent may itself run by sudo. */
static void as_by_sudo(struct entries *all, const struct account *who)
{
	bool through_sudo = getenv("SUDO_USER");
	for (char **e = environ; *e; e++)
		if (through_sudo ? !of_session(*e) : passes_sudo(*e))
			put_entry(all, *e);
	put_pair(all, "MAIL", arena_printf(all->a, "/var/mail/%s", who->name));
	if (through_sudo)
		return;
	put_pair(all, "PATH", SECURE_PATH);
	if (sudo_reads_files(all->a))
		put_files(all);
	put_pair(all, "SUDO_USER", getenv("USER") ? getenv("USER") : "root");
	put_pair(all, "SUDO_UID", arena_printf(all->a, "%u", (unsigned)geteuid()));
	put_pair(all, "SUDO_GID", arena_printf(all->a, "%u", (unsigned)getegid()));
}

static void as_user(struct entries *all, const struct account *who)
{
	const char *login = getenv("SUDO_USER");
	if (login && strcmp(login, who->name) == 0)
		as_at_login(all);
	else
		as_by_sudo(all, who);
	put_pair(all, "HOME", who->home);
	put_pair(all, "USER", who->name);
	put_pair(all, "LOGNAME", who->name);
	put_pair(all, "SHELL", who->shell[0] ? who->shell : "/bin/sh");
}

char **step_environment(struct arena *a, const struct account *who, const struct value *added)
{
	struct entries all = {.a = a, .v = ARENA_ARRAY(a, char *, ENTRIES_MAX + 1)};
	for (char **e = environ; !who && *e; e++)
		put_entry(&all, *e);
	if (who)
		as_user(&all, who);
	for (size_t i = 0; added && i < added->map.n; i++)
		put_pair(&all, added->map.e[i].key.p, added->map.e[i].value->s.p);
	return all.v;
}
