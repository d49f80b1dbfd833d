/* SPDX-License-Identifier: MIT
 *
 * Host patterns: a:b:!c:&d, globs, ~regex, ranges of a group. Works on names only; regular
 * expressions are POSIX extended ones, matched from the start.
 */
#include <ctype.h>
#include <fnmatch.h>
#include <regex.h>
#include "inventory/host_pattern.h"

enum { PATTERN_FILE = 1 << 20 };
struct hostset {
	struct arena *a;
	struct invhost **v;
	size_t n, cap;
	struct value *index;
};

static void set_init(struct hostset *s, struct arena *a)
{
	*s = (struct hostset){.a = a, .index = value_map(a)};
}

static void set_add(struct hostset *s, struct invhost *h)
{
	if (map_at(s->index, h->name))
		return;
	map_put(s->a, s->index, h->name, value_null(s->a));
	PUSH(s->a, s->v, s->n, s->cap, h);
}

static bool one_address(const char *p)
{
	const char *colon = strchr(p, ':');
	if (!colon)
		return true;
	if (strchr(colon + 1, ':'))
		return strspn(p, "0123456789abcdefABCDEF:.%") == strlen(p);
	return colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1);
}

static const char **split_pattern(struct arena *a, const char *p)
{
	const char **out = NULL, *start = p;
	size_t n = 0, cap = 0;
	char sep = strchr(p, ',') ? ',' : ':';
	bool whole = sep == ':' && one_address(p);
	int depth = 0;
	for (;; p++) {
		depth += (*p == '[') - (*p == ']');
		if (*p && (whole || depth > 0 || *p != sep))
			continue;
		if (p > start) {
			struct str word = str_trim(a, str_dup(a, start, (size_t)(p - start)));
			if (word.n)
				PUSH(a, out, n, cap, word.p);
		}
		if (!*p)
			break;
		start = p + 1;
	}
	PUSH(a, out, n, cap, NULL);
	return out;
}

struct subscript {
	bool given, range;
	long first, last;
};

/* Removes "[0]", "[-1]", "[0:2]", "[1:]" from the end of a name. */
static struct str cut_subscript(struct arena *a, const char *p, struct subscript *sub)
{
	size_t n = strlen(p);
	const char *open = strrchr(p, '[');
	char *end;
	*sub = (struct subscript){0};
	if (!open || open == p || p[n - 1] != ']' || p[0] == '~')
		return str_c(p);
	sub->first = strtol(open + 1, &end, 10);
	if (end == open + 1)
		return str_c(p);
	sub->last = sub->first;
	if ((*end == ':' || *end == '-') && sub->first >= 0) {
		const char *second = end + 1;
		sub->range = true;
		sub->last = *second == ']' ? -1 : strtol(second, &end, 10);
		if (*second == ']')
			end++;
	}
	if (end != p + n - 1)
		return str_c(p);
	sub->given = true;
	return str_dup(a, p, (size_t)(open - p));
}

static bool name_matches(const char *pattern, const regex_t *re, const char *name)
{
	return re ? regexec(re, name, 0, NULL, 0) == 0 : fnmatch(pattern, name, 0) == 0;
}

static void add_subset(struct hostset *out, struct hostset *in, const struct subscript *sub)
{
	long n = (long)in->n, first = sub->first, last = sub->last;
	if (!sub->given) {
		first = 0;
		last = n - 1;
	} else if (!sub->range) {
		first = last = first < 0 ? first + n : first;
	} else if (last < 0) {
		last += n;
	}
	for (long i = first; i <= last && i < n; i++)
		if (i >= 0)
			set_add(out, in->v[i]);
}

static struct invhost *implicit_localhost(struct inventory *inv, const char *p)
{
	struct invhost *h;
	if (strcmp(p, "localhost") != 0 && strcmp(p, "127.0.0.1") != 0 && strcmp(p, "::1") != 0)
		return NULL;
	h = inventory_add_host(inv, str_c(p));
	h->implicit = true;
	map_put(inv->a, h->vars, "ansible_connection", value_text(inv->a, "local"));
	inventory_finish(inv);
	return h;
}

static bool match_one(
	struct inventory *inv, struct arena *a, const char *p, struct hostset *out, struct err *e)
{
	struct subscript sub;
	struct str name = cut_subscript(a, p, &sub);
	struct hostset found;
	struct invhost *local;
	regex_t re;
	bool is_re = name.p[0] == '~', any_group = false;
	int rc =
		is_re ? regcomp(&re, arena_printf(a, "^(%s)", name.p + 1), REG_EXTENDED | REG_NOSUB)
		      : 0;
	if (rc != 0)
		return err_set(
			e, ERR_CONFIG, "host pattern '%s' is not a valid regular expression", p);
	set_init(&found, a);
	for (size_t i = 0; i < inv->n_groups; i++) {
		struct invhost **hosts;
		size_t n;
		if (!name_matches(name.p, is_re ? &re : NULL, inv->groups[i]->name))
			continue;
		any_group = true;
		n = group_hosts(inv, inv->groups[i], a, &hosts);
		for (size_t j = 0; j < n; j++)
			if (!hosts[j]->implicit)
				set_add(&found, hosts[j]);
	}
	if (!any_group || is_re || strpbrk(name.p, ".?*["))
		for (size_t i = 0; i < inv->n_hosts; i++)
			if (name_matches(name.p, is_re ? &re : NULL, inv->hosts[i]->name) &&
				(!inv->hosts[i]->implicit ||
					strcmp(name.p, inv->hosts[i]->name) == 0))
				set_add(&found, inv->hosts[i]);
	if (is_re)
		regfree(&re);
	if (!found.n && (local = implicit_localhost(inv, name.p)))
		set_add(&found, local);
	add_subset(out, &found, &sub);
	return true;
}

static bool keep_matching(struct inventory *inv, struct arena *a, const char *p,
	struct hostset *set, bool when, struct err *e)
{
	struct hostset other, left;
	set_init(&other, a);
	set_init(&left, a);
	if (!match_one(inv, a, p, &other, e))
		return false;
	for (size_t i = 0; i < set->n; i++)
		if ((map_at(other.index, set->v[i]->name) != NULL) == when)
			set_add(&left, set->v[i]);
	*set = left;
	return true;
}

bool pattern_match(struct inventory *inv, struct arena *a, const char *pattern, const char ***out,
	size_t *n, struct err *e)
{
	const char **parts = split_pattern(a, pattern);
	struct hostset set;
	bool any = false;
	set_init(&set, a);
	*n = 0;
	for (size_t i = 0; parts[i]; i++)
		if (parts[i][0] != '!' && parts[i][0] != '&') {
			any = true;
			if (!match_one(inv, a, parts[i], &set, e))
				return false;
		}
	if (!any && parts[0] && !match_one(inv, a, "all", &set, e))
		return false;
	for (size_t i = 0; parts[i]; i++)
		if (parts[i][0] == '&' && !keep_matching(inv, a, parts[i] + 1, &set, true, e))
			return false;
	for (size_t i = 0; parts[i]; i++)
		if (parts[i][0] == '!' && !keep_matching(inv, a, parts[i] + 1, &set, false, e))
			return false;
	*out = arena_calloc(a, set.n + 1, sizeof(**out));
	for (; *n < set.n; (*n)++)
		(*out)[*n] = set.v[*n]->name;
	return true;
}

/* The lines of a file, each a pattern. */
static bool add_patterns_of(struct arena *a, const char *path, struct buf *b, struct err *e)
{
	struct str text;
	const char **lines;
	path = path_expand(a, path, e);
	if (!path || !file_read(a, path, PATTERN_FILE, &text, e))
		return false;
	text = str_no_bom(text);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\n')
			((char *)text.p)[i] = ',';
	lines = split_commas(a, text.p);
	for (size_t i = 0; lines[i]; i++)
		buf_addf(b, "%s,", lines[i]);
	return true;
}

bool pattern_limit(struct inventory *inv, struct arena *a, const char *limit, const char ***out,
	size_t *n, struct err *e)
{
	const char **parts;
	struct buf b;
	bool ok = true;
	if (!strchr(limit, '@'))
		return pattern_match(inv, a, limit, out, n, e);
	parts = split_commas(a, limit);
	buf_init(&b, PATTERN_FILE);
	for (size_t i = 0; ok && parts[i]; i++) {
		if (parts[i][0] == '@')
			ok = add_patterns_of(a, parts[i] + 1, &b, e);
		else
			buf_addf(&b, "%s,", parts[i]);
	}
	limit = buf_str(a, &b).p;
	buf_free(&b);
	return ok && pattern_match(inv, a, limit, out, n, e);
}

/* The group or host with a name like the word, or the first host whose name in a domain it is. */
static const char *nearest_name(const struct inventory *inv, struct arena *a, const char *word)
{
	const char **names = arena_calloc(a, inv->n_groups + inv->n_hosts + 1, sizeof(*names));
	size_t n = 0;
	for (size_t i = 0; i < inv->n_groups; i++)
		names[n++] = inv->groups[i]->name;
	for (size_t i = 0; i < inv->n_hosts; i++)
		names[n++] = inv->hosts[i]->name;
	const char *near = str_nearest(word, names);
	size_t len = strlen(word);
	for (size_t i = 0; !near && len && i < inv->n_hosts; i++)
		if (strncmp(inv->hosts[i]->name, word, len) == 0 && inv->hosts[i]->name[len] == '.')
			near = inv->hosts[i]->name;
	return near;
}

bool pattern_none(const struct inventory *inv, struct arena *a, const char *pattern, struct err *e)
{
	const char *near = nearest_name(inv, a, pattern);
	if (near && strcmp(near, pattern) == 0)
		return err_set(
			e, ERR_CONFIG, "no host matches '%s': the group has no hosts", pattern);
	if (near)
		return err_set(
			e, ERR_CONFIG, "no host matches '%s' (did you mean '%s'?)", pattern, near);
	if (!inv->given && inv->n_sources == 0)
		return err_set(e, ERR_CONFIG,
			"no host matches '%s'; no inventory is given (-i), so only localhost "
			"exists",
			pattern);
	return err_set(e, ERR_CONFIG,
		"no host matches '%s'; the inventory has %zu host%s in %zu groups", pattern,
		inv->n_hosts, inv->n_hosts == 1 ? "" : "s", inv->n_groups);
}
