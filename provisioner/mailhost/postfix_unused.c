/* SPDX-License-Identifier: MIT
 *
 * Removes services from master.cf that a distribution added for programs that are not installed.
 * Never one that differs from the shipped line, nor one whose name is used as a transport in
 * main.cf, in master.cf, or in a table beside them or named by main.cf.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include "host/path.h"
#include "mailhost/postfix.h"
#include "mailhost/postfix_master.h"

enum { CONFIG_MAX = 1 << 20, TABLE_MAX = 64 << 20 };

struct search {
	struct host *h;
	const char *folder;
	struct str name; /* of the service */
};

/* ---- is the name a transport somewhere? ---- */
static bool part_of_word(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_.-/@$", c));
}

/* The service's name at the beginning of a word; NULL: not after `p`. */
static const char *find_word(const char *text, const char *p, struct str name)
{
	while ((p = strstr(p, name.p)) && p > text && part_of_word(p[-1]))
		p += name.n;
	return p;
}

/* "NAME:" or "..._transport=NAME"; with `alone`, NAME by itself as well. */
static bool names_transport(struct str text, struct str name, bool alone)
{
	static const char setting[] = "_transport=";
	const size_t n = sizeof(setting) - 1;
	for (const char *p = text.p; (p = find_word(text.p, p, name)); p += name.n) {
		if (p[name.n] == ':')
			return true;
		if (part_of_word(p[name.n]))
			continue;
		if (alone || ((size_t)(p - text.p) > n && memcmp(p - n, setting, n) == 0))
			return true;
	}
	return false;
}

static bool named_in_file(const struct search *s, const char *path, bool *named, struct err *e)
{
	struct stat st;
	struct str text;
	bool found;
	if (!path_stat(path, &st, &found, e))
		return false;
	if (!found || !S_ISREG(st.st_mode) || st.st_size > TABLE_MAX)
		return true;
	if (!path_read(s->h->a, path, TABLE_MAX, &text, &found, e))
		return false;
	*named = found && names_transport(text, s->name, false);
	return true;
}

static bool is_compiled(const char *file)
{
	struct str name = str_c(file);
	return str_ends(name, ".db") || str_ends(name, ".cdb") || str_ends(name, ".lmdb");
}

static bool named_beside(const struct search *s, bool *named, struct err *e)
{
	DIR *d = opendir(s->folder);
	struct dirent *entry;
	bool ok = d || err_errno(e, "cannot read %s", s->folder);
	while (ok && !*named && d && (entry = readdir(d))) {
		const char *file = arena_strdup(s->h->a, entry->d_name);
		/* main.cf and master.cf are parsed as such */
		if (file[0] == '.' || strcmp(file, "main.cf") == 0 ||
			strcmp(file, "master.cf") == 0 || is_compiled(file))
			continue;
		ok = named_in_file(s, path_join(s->h->a, s->folder, file), named, e);
	}
	if (d)
		closedir(d);
	return ok;
}

/* Tables that main.cf names by their path, wherever they are. */
static bool named_elsewhere(const struct search *s, struct str main_cf, bool *named, struct err *e)
{
	bool ok = true;
	for (const char *p = main_cf.p; ok && !*named && (p = strstr(p, ":/")); p++) {
		size_t n = strcspn(p + 1, " \t\r\n,{}");
		ok = named_in_file(s, str_dup(s->h->a, p + 1, n).p, named, e);
	}
	return ok;
}

/* Without comments: a comment does not use a service. */
static struct str entries_of(struct arena *a, struct str text)
{
	struct config c;
	struct buf b;
	config_parse(a, text, &c);
	buf_init(&b, CONFIG_MAX);
	for (size_t i = 0; i < c.n_entries; i++)
		buf_addf(&b, "%s\n", config_text(a, &c, &c.entries[i]).p);
	struct str out = buf_str(a, &b);
	buf_free(&b);
	return out;
}

static bool is_used(const struct search *s, struct str master_cf, bool *used, struct err *e)
{
	struct arena *a = s->h->a;
	struct str main_cf;
	bool found;
	*used = names_transport(entries_of(a, master_cf), s->name, false);
	if (*used)
		return true;
	if (!path_read(a, path_join(a, s->folder, "main.cf"), CONFIG_MAX, &main_cf, &found, e))
		return false;
	main_cf = found ? entries_of(a, main_cf) : str_c("");
	*used = names_transport(main_cf, s->name, true);
	return *used ||
	       (named_beside(s, used, e) && (*used || named_elsewhere(s, main_cf, used, e)));
}

/* ---- cutting ---- */
static bool is_shipped(struct arena *a, struct str entry, const struct config *shipped)
{
	for (size_t i = 0; i < shipped->n_entries; i++)
		if (str_eq(entry, config_squeeze(a, config_text(a, shipped, &shipped->entries[i]))))
			return true;
	return false;
}

bool master_cf_cut(struct host *h, const char *folder, struct str *text, struct str whole,
	struct str shipped, struct err *e)
{
	struct arena *a = h->a;
	struct config c, s;
	struct buf b;
	size_t line = 0;
	config_parse(a, *text, &c);
	config_parse(a, shipped, &s);
	buf_init(&b, CONFIG_MAX);
	for (size_t i = 0; i < c.n_entries; i++) {
		struct str entry = config_squeeze(a, config_text(a, &c, &c.entries[i]));
		struct search search = {h, folder, str_dup(a, entry.p, strcspn(entry.p, " "))};
		bool used = true;
		if (is_shipped(a, entry, &s) && !is_used(&search, whole, &used, e)) {
			buf_free(&b);
			return false;
		}
		for (; line < c.entries[i].end; line++)
			if (used || line < c.entries[i].first || config_is_comment(c.lines[line]))
				buf_addf(&b, "%.*s\n", (int)c.lines[line].n, c.lines[line].p);
	}
	for (; line < c.n_lines; line++)
		buf_addf(&b, "%.*s\n", (int)c.lines[line].n, c.lines[line].p);
	*text = buf_str(a, &b);
	buf_free(&b);
	return true;
}
