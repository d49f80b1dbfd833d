/* SPDX-License-Identifier: MIT
 *
 * Reads the account files of the host into tables. Never writes them: user.c and group.c run
 * useradd and its relatives for that.
 */
#include <errno.h>
#include <unistd.h>
#include "host/account.h"
#include "host/args.h"

enum { ACCOUNT_FILE_MAX = 16 << 20, COLUMNS_MAX = 9, NAME_LEN_MAX = 32 };

bool account_number(const char *text, unsigned *out)
{
	char *end;
	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	unsigned long v = strtoul(text, &end, 10);
	if (*end || errno || v >= 0xffffffffUL)
		return false;
	*out = (unsigned)v;
	return true;
}

bool account_name_valid(const char *name)
{
	size_t n = strlen(name);
	bool first = (name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z') ||
		     name[0] == '_';
	size_t plain = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.-");
	return first && n <= NAME_LEN_MAX && (plain == n || (plain == n - 1 && name[plain] == '$'));
}

/* Splits a line at its colons; returns the number of columns, 0 when there are too many. */
static size_t split_columns(
	struct arena *a, struct line line, char sep, const char **out, size_t max)
{
	size_t n = 0, start = 0;
	for (size_t i = 0; i <= line.n; i++) {
		if (i < line.n && line.p[i] != sep)
			continue;
		if (n == max)
			return 0;
		out[n++] = str_dup(a, line.p + start, i - start).p;
		start = i + 1;
	}
	return n;
}

static size_t count_lines(struct str s)
{
	size_t n = 1;
	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\n';
	return n;
}

static void parse_users(struct arena *a, struct str text, struct accounts *out)
{
	struct line line;
	const char *c[COLUMNS_MAX];
	out->users = ARENA_ARRAY(a, struct account_user, count_lines(text));
	while (line_next(&text, &line)) {
		struct account_user u = {0};
		if (split_columns(a, line, ':', c, COLUMNS_MAX) != 7)
			continue;
		if (!account_number(c[2], &u.uid) || !account_number(c[3], &u.gid))
			continue;
		u.name = c[0];
		u.comment = c[4];
		u.home = c[5];
		u.shell = c[6];
		out->users[out->n_users++] = u;
	}
}

static const char **split_members(struct arena *a, const char *list)
{
	struct args members = {0};
	while (*list) {
		size_t n = strcspn(list, ",");
		if (n)
			args_add(a, &members, str_dup(a, list, n).p);
		list += n + (list[n] == ',');
	}
	return members.v ? members.v : ARENA_ARRAY(a, const char *, 1);
}

static void parse_groups(struct arena *a, struct str text, struct accounts *out)
{
	struct line line;
	const char *c[COLUMNS_MAX];
	out->groups = ARENA_ARRAY(a, struct account_group, count_lines(text));
	while (line_next(&text, &line)) {
		struct account_group g = {0};
		if (split_columns(a, line, ':', c, COLUMNS_MAX) != 4 ||
			!account_number(c[2], &g.gid))
			continue;
		g.name = c[0];
		g.members = split_members(a, c[3]);
		out->groups[out->n_groups++] = g;
	}
}

static void parse_passwords(struct arena *a, struct str text, struct accounts *out)
{
	struct line line;
	const char *c[COLUMNS_MAX];
	while (line_next(&text, &line)) {
		if (split_columns(a, line, ':', c, COLUMNS_MAX) < 2)
			continue;
		for (size_t i = 0; i < out->n_users; i++)
			if (strcmp(out->users[i].name, c[0]) == 0)
				out->users[i].password = c[1];
	}
}

void accounts_parse(struct arena *a, struct str passwd, struct str group, struct str shadow,
	struct accounts *out)
{
	*out = (struct accounts){0};
	parse_users(a, passwd, out);
	parse_groups(a, group, out);
	parse_passwords(a, shadow, out);
}

bool accounts_read(struct arena *a, struct accounts *out, struct err *e)
{
	struct str passwd, group, shadow = {"", 0};
	bool found;
	if (!file_read(a, "/etc/passwd", ACCOUNT_FILE_MAX, &passwd, e) ||
		!file_read(a, "/etc/group", ACCOUNT_FILE_MAX, &group, e))
		return false;
	if (access("/etc/shadow", R_OK) == 0 &&
		!file_read_opt(a, "/etc/shadow", ACCOUNT_FILE_MAX, &shadow, &found, e))
		return false;
	accounts_parse(a, passwd, group, shadow, out);
	return true;
}

const struct account_user *account_user(const struct accounts *all, const char *name)
{
	for (size_t i = 0; i < all->n_users; i++)
		if (strcmp(all->users[i].name, name) == 0)
			return &all->users[i];
	return NULL;
}

const struct account_group *account_group(const struct accounts *all, const char *name)
{
	unsigned gid;
	for (size_t i = 0; i < all->n_groups; i++)
		if (strcmp(all->groups[i].name, name) == 0)
			return &all->groups[i];
	if (!account_number(name, &gid))
		return NULL;
	for (size_t i = 0; i < all->n_groups; i++)
		if (all->groups[i].gid == gid)
			return &all->groups[i];
	return NULL;
}
