/* SPDX-License-Identifier: MIT
 *
 * Filters with regular expressions; replacement texts and results are as in Python's re.
 */
#include "jinja/call.h"

static unsigned flag_args(struct call *c, int multiline, int ignorecase)
{
	unsigned flags = 0;
	if (call_bool(c, multiline, false))
		flags |= REGEX_MULTILINE;
	if (call_bool(c, ignorecase, false))
		flags |= REGEX_IGNORECASE;
	return flags;
}

static void add_group(struct buf *b, struct str s, const struct regex_match *m, int group)
{
	if (group >= 0 && (size_t)group < m->n && m->at[2 * group] != (size_t)-1)
		buf_add(b, s.p + m->at[2 * group], m->at[2 * group + 1] - m->at[2 * group]);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Parses \g<name>; i is after the g. */
static bool named_group(struct call *c, struct regex *r, struct str to, size_t *i, int *group)
{
	size_t end = *i;
	while (end < to.n && to.p[end] != '>')
		end++;
	if (*i >= to.n || to.p[*i] != '<' || end >= to.n)
		return call_fail(c, "\\g in the replacement needs <name>") != NULL;
	struct str name = str_dup(c->a, to.p + *i + 1, end - *i - 1);
	*group = regex_group(r, name);
	*i = end + 1;
	if (*group < 0)
		return call_fail(c, "the pattern has no group '" STR_FMT "'", STR_ARG(name)) !=
		       NULL;
	return true;
}

/* Expands Python's replacement text: \1, \g<1>, \g<name>, \n and the like. */
static bool expand_replacement(struct call *c, struct regex *r, struct buf *b, struct str to,
	struct str s, const struct regex_match *m)
{
	static const char from[] = "nrtabfv", into[] = "\n\r\t\a\b\f\v";
	for (size_t i = 0; i < to.n;) {
		char ch = to.p[i++];
		if (ch != '\\' || i >= to.n) {
			buf_addc(b, ch);
			continue;
		}
		ch = to.p[i++];
		const char *known = ch ? strchr(from, ch) : NULL;
		int group = -1;
		if (ch == 'g') {
			if (!named_group(c, r, to, &i, &group))
				return false;
			add_group(b, s, m, group);
		} else if (ch >= '1' && ch <= '9') {
			group = ch - '0';
			if (i < to.n && is_digit(to.p[i]))
				group = group * 10 + (to.p[i++] - '0');
			if ((size_t)group >= m->n)
				return call_fail(c, "the pattern has no group %d", group) != NULL;
			add_group(b, s, m, group);
		} else if (ch == '0') {
			return call_fail(c, "\\0 in the replacement: write \\g<0>") != NULL;
		} else if (known) {
			buf_addc(b, into[known - from]);
		} else if (ch == '\\') {
			buf_addc(b, '\\');
		} else {
			buf_addf(b, "\\%c", ch);
		}
	}
	return true;
}

/* Iterates over all matches as re.sub and re.findall do: an empty match may be at the end of
 * another match. Returns 1, 0 or -1 like regex_match; advances *from, and sets *last to the end of
 * the last match. */
struct scan {
	struct str s;
	size_t from; /* where the next search starts */
	bool empty; /* the last match was empty and ended at from: the next one must not be empty */
};

static int next_match(struct call *c, struct regex *r, struct scan *scan, struct regex_match *m)
{
	if (scan->from > scan->s.n)
		return 0;
	int found = regex_match(c, r, scan->s, scan->from, scan->empty, m);
	if (found > 0) {
		scan->empty = m->at[0] == m->at[1];
		scan->from = m->at[1];
	}
	return found;
}

static struct value *regex_replace(struct call *c)
{
	struct regex_match m;
	struct buf b;
	struct str s = call_text(c, c->v), to = call_arg(c, 1, "");
	int64_t count, done = 0;
	size_t copied = 0;
	int found = 0;
	if (!call_int(c, 4, 0, &count))
		return NULL;
	struct regex *r = regex_get(c, call_arg(c, 0, ""), flag_args(c, 3, 2));
	if (!r)
		return NULL;
	struct scan scan = {s, 0, false};
	buf_init(&b, TEXT_MAX);
	while ((count <= 0 || done < count) && (found = next_match(c, r, &scan, &m)) > 0) {
		buf_add(&b, s.p + copied, m.at[0] - copied);
		copied = m.at[1];
		if (!expand_replacement(c, r, &b, to, s, &m) || b.over) {
			found = b.over ? 0 : -1;
			break;
		}
		done++;
	}
	if (found < 0) {
		buf_free(&b);
		return NULL;
	}
	buf_add(&b, s.p + copied, s.n - copied);
	return call_buf(c, &b);
}

static struct value *group_value(struct call *c, struct str s, const struct regex_match *m, int i)
{
	if (i < 0 || (size_t)i >= m->n || m->at[2 * i] == (size_t)-1)
		return c->in->none;
	return call_str(c, str_dup(c->a, s.p + m->at[2 * i], m->at[2 * i + 1] - m->at[2 * i]));
}

static struct value *text_or_empty(struct call *c, struct value *v)
{
	return v->type == VALUE_NULL ? c->in->empty : v;
}

static struct value *regex_findall(struct call *c)
{
	struct regex_match m;
	struct str s = call_text(c, c->v);
	struct regex *r = regex_get(c, call_arg(c, 0, ""), flag_args(c, 1, 2));
	struct value *list = value_list(c->a);
	struct scan scan = {s, 0, false};
	int found = r ? 0 : -1;
	while (r && (found = next_match(c, r, &scan, &m)) > 0) {
		if (m.n <= 2) {
			list_add(c->a, list, text_or_empty(c, group_value(c, s, &m, m.n == 2)));
			continue;
		}
		struct value *groups = value_list(c->a);
		for (int i = 1; (size_t)i < m.n; i++)
			list_add(c->a, groups, text_or_empty(c, group_value(c, s, &m, i)));
		groups->literal = true;
		list_add(c->a, list, groups);
	}
	return found < 0 ? NULL : list;
}

/* A further argument of regex_search: \1 or \g<name>. */
static struct value *wanted_group(struct call *c, struct regex *r, struct str s,
	const struct regex_match *m, const struct value *arg)
{
	struct str t = call_text(c, arg), name = {NULL, 0};
	if (str_starts(t, "\\g<") && str_ends(t, ">"))
		name = str_dup(c->a, t.p + 3, t.n - 4);
	else if (str_starts(t, "\\"))
		name = str_dup(c->a, t.p + 1, t.n - 1);
	int group = name.p && name.n ? regex_group(r, name) : -1;
	if (group < 0)
		return call_fail(c, "'" STR_FMT "' names no group of the pattern", STR_ARG(t));
	return group_value(c, s, m, group);
}

static struct value *regex_search(struct call *c)
{
	struct regex_match m;
	struct str s = call_text(c, c->v);
	struct regex *r = regex_get(c, call_arg(c, 0, ""), flag_args(c, 1, 2));
	int found = r ? regex_match(c, r, s, 0, false, &m) : -1;
	if (found < 0)
		return NULL;
	if (!found)
		return c->in->none;
	if (!c->rest->list.n)
		return group_value(c, s, &m, 0);
	struct value *list = value_list(c->a);
	for (size_t i = 0; i < c->rest->list.n; i++) {
		struct value *v = wanted_group(c, r, s, &m, c->rest->list.v[i]);
		if (!v)
			return NULL;
		list_add(c->a, list, v);
	}
	return list;
}

/* re.escape: puts a backslash before characters that may be special. */
static struct value *regex_escape(struct call *c)
{
	struct str s = call_text(c, c->v), type = call_arg(c, 0, "python");
	const char *special = "()[]{}?*+-|^$\\.&~# \t\n\r\v\f";
	struct buf b;
	if (str_is(type, "posix_basic"))
		special = "[]./\\^$*";
	else if (!str_is(type, "python"))
		return call_fail(c, "the type is python or posix_basic");
	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] && strchr(special, s.p[i]))
			buf_addc(&b, '\\');
		buf_addc(&b, s.p[i]);
	}
	return call_buf(c, &b);
}

const struct callable filters_regex[] = {
	{"regex_escape", regex_escape, "re_type", 0,
		"The text as a pattern that matches it. re_type: python (default) or posix_basic.",
		"'a.b' | regex_escape", "\"a\\\\.b\""},
	{"regex_findall", regex_findall, "!regex multiline ignorecase", 0,
		"All matches of the pattern; of a pattern with groups, what the groups "
		"matched.",
		"'mx1 mx2' | regex_findall('mx[0-9]')", "[\"mx1\", \"mx2\"]"},
	{"regex_replace", regex_replace, "pattern replacement ignorecase multiline count", 0,
		"Each match of the pattern replaced; \\1 stands for its first group.",
		"'mx1.example.com' | regex_replace('^([a-z]+).*', '\\\\1')", "\"mx\""},
	{"regex_search", regex_search, "!regex * multiline ignorecase", 0,
		"The first match of the pattern, or a list of the groups that the other "
		"arguments name; null when nothing matches.",
		"'port=25' | regex_search('[0-9]+')", "\"25\""},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
