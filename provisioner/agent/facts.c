/* SPDX-License-Identifier: MIT
 *
 * The host's facts, with Ansible's names. Reads a few files only: runs no program and uses no
 * network.
 */
#include <pwd.h>
#include <unistd.h>
#include "agent/facts.h"

enum { SMALL_FILE = 1 << 20 };

static struct value *host_text(struct arena *a, const char *text)
{
	struct value *v = value_text(a, text);
	v->literal = true;
	return v;
}

void fact_text(struct arena *a, struct value *map, const char *key, const char *text)
{
	if (text)
		map_put(a, map, key, host_text(a, text));
}

void fact_int(struct arena *a, struct value *map, const char *key, int64_t i)
{
	map_put(a, map, key, value_int(a, i));
}

void fact_item(struct arena *a, struct value *list, const char *text)
{
	list_add(a, list, host_text(a, text));
}

struct str fact_file(struct arena *a, const char *path)
{
	struct err ignored = {0}; /* a fact that cannot be found is absent */
	struct str text;
	bool found;
	if (!file_read_opt(a, path, SMALL_FILE, &text, &found, &ignored))
		return str_c("");
	return text;
}

bool fact_line(struct arena *a, struct str text, size_t *at, struct str *line)
{
	if (*at >= text.n)
		return false;
	const char *end = memchr(text.p + *at, '\n', text.n - *at);
	size_t n = end ? (size_t)(end - text.p) - *at : text.n - *at;
	*line = str_dup(a, text.p + *at, n);
	*at += n + 1;
	return true;
}

const char *fact_word(struct arena *a, const char **at)
{
	const char *start = *at + strspn(*at, " \t");
	size_t n = strcspn(start, " \t");
	*at = start + n;
	return n ? str_dup(a, start, n).p : NULL;
}

static void facts_user(struct arena *a, struct value *facts)
{
	struct passwd *pw = getpwuid(geteuid());
	fact_int(a, facts, "user_uid", geteuid());
	fact_int(a, facts, "user_gid", getegid());
	fact_int(a, facts, "effective_user_id", geteuid());
	fact_int(a, facts, "effective_group_id", getegid());
	fact_int(a, facts, "real_user_id", getuid());
	fact_int(a, facts, "real_group_id", getgid());
	if (!pw)
		return;
	fact_text(a, facts, "user_id", pw->pw_name);
	fact_text(a, facts, "user_gecos", pw->pw_gecos ? pw->pw_gecos : "");
	fact_text(a, facts, "user_dir", pw->pw_dir);
	fact_text(a, facts, "user_shell", pw->pw_shell);
}

struct value *facts_gather(struct arena *a)
{
	struct value *facts = value_map(a);
	facts_os(a, facts);
	facts_user(a, facts);
	facts_hardware(a, facts);
	facts_time(a, facts);
	facts_network(a, facts); /* last, so that no interface name replaces a fact */
	return facts;
}
