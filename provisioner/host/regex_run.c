/* SPDX-License-Identifier: MIT
 *
 * Uses compiled patterns: searches, and inserts matches into a replacement. Compiles none.
 */
#include "host/regex_parts.h"

bool pattern_class(char class, int c)
{
	bool digit = c >= '0' && c <= '9';
	bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	if (class == 'd')
		return digit;
	if (class == 's')
		return c == ' ' || (c >= '\t' && c <= '\r');
	return digit || alpha || c == '_';
}

void pattern_free(struct pattern *p)
{
	if (p)
		regfree(&p->re);
}

/* A newline that a '$' matched belongs to no group. */
static void leave_newline(
	const struct pattern *p, const regmatch_t *m, size_t n, struct span *spans)
{
	for (int i = 0; i < p->ends; i++) {
		const regmatch_t *end = (size_t)p->end[i] < n ? &m[p->end[i]] : m;
		if (end == m || end->rm_so < 0 || end->rm_so == end->rm_eo)
			continue;
		for (int g = 0; g < PATTERN_GROUPS; g++)
			if (spans[g].to == end->rm_eo && spans[g].from <= end->rm_so)
				spans[g].to = end->rm_so;
	}
}

bool pattern_search(
	const struct pattern *p, const char *s, bool inside, struct span spans[PATTERN_GROUPS])
{
	regmatch_t m[OURS_MAX];
	size_t n = p->re.re_nsub + 1;
	if (n > OURS_MAX)
		n = OURS_MAX;
	if (regexec(&p->re, s, spans ? n : 0, m, inside ? REG_NOTBOL : 0) != 0)
		return false;
	for (int i = 0; spans && i < PATTERN_GROUPS; i++) {
		bool there = i <= p->groups && (size_t)p->group[i] < n;
		spans[i] = (struct span){-1, -1};
		if (there)
			spans[i] = (struct span){m[p->group[i]].rm_so, m[p->group[i]].rm_eo};
	}
	if (spans)
		leave_newline(p, m, n, spans);
	return true;
}

/* ---- replacements ---- */

/* \g<1> or \g<name>; p is after the 'g'. -1: no such group. */
static int group_by_name(const struct pattern *p, const char **at, const char *end)
{
	const char *close = *at < end && **at == '<' ? memchr(*at, '>', (size_t)(end - *at)) : NULL;
	if (!close)
		return -1;
	const char *name = *at + 1;
	size_t n = (size_t)(close - name);
	*at = close + 1;
	if (n == 1 && *name >= '0' && *name <= '9')
		return *name - '0' <= p->groups ? *name - '0' : -1;
	for (int i = 1; i <= p->groups; i++)
		if (n && p->name[i].n == n && memcmp(p->name[i].p, name, n) == 0)
			return i;
	return -1;
}

/* What a replacement is made of. */
struct match {
	const struct pattern *p;
	const char *text;
	const struct span *spans;
};

static bool expand_escape(
	const struct match *m, const char **at, const char *end, struct buf *out, struct err *e)
{
	char c = *(*at)++;
	int group = -1;
	if (c == 'n' || c == 't' || c == 'r' || c == '\\') {
		buf_addc(out, c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c);
		return true;
	}
	if (c >= '1' && c <= '9')
		group = c - '0' <= m->p->groups ? c - '0' : -1;
	else if (c == 'g')
		group = group_by_name(m->p, at, end);
	else if (pattern_class('w', (unsigned char)c) && c != '_')
		return err_set(e, ERR_CONFIG, "'\\%c' is not supported in a replacement", c);
	else {
		buf_addc(out, '\\');
		buf_addc(out, c);
		return true;
	}
	if (group < 0)
		return err_set(e, ERR_CONFIG,
			"the replacement names a group that the pattern does not have");
	struct span s = m->spans[group];
	if (s.from >= 0)
		buf_add(out, m->text + s.from, (size_t)(s.to - s.from));
	return true;
}

bool pattern_expand(const struct pattern *p, struct str template, const char *s,
	const struct span spans[PATTERN_GROUPS], struct buf *out, struct err *e)
{
	const struct match m = {p, s, spans};
	const char *at = template.p, *end = template.p + template.n;
	while (at < end) {
		if (*at != '\\') {
			buf_addc(out, *at++);
			continue;
		}
		if (++at == end)
			return err_set(e, ERR_CONFIG, "the replacement ends in a backslash");
		if (!expand_escape(&m, &at, end, out, e))
			return false;
	}
	return true;
}
