/* SPDX-License-Identifier: MIT
 *
 * The syntax of an SPF record (RFC 7208 section 12), and those of its rules that its text alone can
 * break. Follows no include.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include "dns/dns.h"

enum { LOOKUPS_MAX = 10, TERM_MAX = 255, OCTETS_ADVISED = 450 };

struct spf {
	struct arena *a;
	dns_said_fn *said;
	void *ctx;
	int lookups;
	bool all, after_all, redirect, exp;
};
enum argument { ARG_NONE, ARG_DOMAIN, ARG_DOMAIN_CIDR, ARG_IP4, ARG_IP6 };
struct mechanism {
	const char *name;
	enum argument argument;
	bool required, lookup; /* its argument; does it cause a DNS lookup? */
};
static const struct mechanism mechanisms[] = {
	{"all", ARG_NONE, false, false},
	{"include", ARG_DOMAIN, true, true},
	{"a", ARG_DOMAIN_CIDR, false, true},
	{"mx", ARG_DOMAIN_CIDR, false, true},
	{"ptr", ARG_DOMAIN, false, true},
	{"ip4", ARG_IP4, true, false},
	{"ip6", ARG_IP6, true, false},
	{"exists", ARG_DOMAIN, true, true},
};

PRINTF(3, 4) static void say_problem(struct spf *s, bool warning, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	s->said(s->ctx, warning, arena_vprintf(s->a, fmt, ap));
	va_end(ap);
}

/* ---- macros and domains ---- */

/* "%{d2r.}" and the like at *p, "%%", "%_", "%-"; *p is moved after it. The letters c, r and t are
 * allowed only in the text of exp= (section 7.2), and the number of labels must not be 0 (7.3). */
static bool macro_expand(const char **p)
{
	const char *s = *p + 1;
	size_t digits;
	if (*s == '%' || *s == '_' || *s == '-') {
		*p = s + 1;
		return true;
	}
	if (*s++ != '{' || !*s || !strchr("slodiphv", tolower((unsigned char)*s)))
		return false;
	s++;
	digits = strspn(s, "0123456789");
	if (digits && strspn(s, "0") == digits)
		return false;
	s += digits;
	s += *s == 'r' || *s == 'R';
	s += strspn(s, ".-+,/_=");
	if (*s != '}')
		return false;
	*p = s + 1;
	return true;
}

static bool macro_string(const char *p, const char **last_macro_end)
{
	*last_macro_end = NULL;
	while (*p) {
		if (*p == '%') {
			if (!macro_expand(&p))
				return false;
			*last_macro_end = p;
		} else if (*p > 0x20 && *p < 0x7f) {
			p++;
		} else {
			return false;
		}
	}
	return true;
}

/* A macro string that ends in a macro or in a label that can be a top-level domain. */
static bool domain_spec(struct arena *a, const char *text)
{
	const char *macro_end, *dot;
	size_t n = strlen(text);
	if (n == 0 || n > TERM_MAX || !macro_string(text, &macro_end) || strstr(text, ".."))
		return false;
	if (macro_end == text + n)
		return true;
	if (text[n - 1] == '.')
		text = str_dup(a, text, --n).p;
	dot = strrchr(text, '.');
	if (!dot || dot == text || !dot[1] || dot[1] == '-' || text[n - 1] == '-')
		return false;
	if (strspn(dot + 1, "0123456789") == strlen(dot + 1))
		return false;
	for (const char *p = dot + 1; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-')
			return false;
	return true;
}

/* ---- addresses ---- */

static bool prefix_ok(const char *digits, int max)
{
	size_t n = strlen(digits);
	return n > 0 && n <= 3 && strspn(digits, "0123456789") == n &&
	       (n == 1 || digits[0] != '0') && strtol(digits, NULL, 10) <= max;
}

static bool is_network(struct arena *a, const char *text, int family, int max)
{
	unsigned char raw[16];
	const char *slash = strchr(text, '/');
	const char *address = slash ? str_dup(a, text, (size_t)(slash - text)).p : text;
	return inet_pton(family, address, raw) == 1 && (!slash || prefix_ok(slash + 1, max));
}

/* Removes "/24", "//64" or "/24//64" from the end of `text`; false when it is invalid. */
static bool take_cidr(struct arena *a, const char **text)
{
	const char *slash = strchr(*text, '/'), *six;
	const char *four;
	while (slash && strchr(slash, '}')) /* a macro's delimiter */
		slash = strchr(slash + 1, '/');
	if (!slash)
		return true;
	six = strstr(slash, "//");
	four = str_dup(a, slash, six ? (size_t)(six - slash) : strlen(slash)).p;
	*text = str_dup(a, *text, (size_t)(slash - *text)).p;
	return (!*four || prefix_ok(four + 1, 32)) && (!six || prefix_ok(six + 2, 128)) &&
	       (*four || six);
}

/* ---- terms ---- */

static bool argument_ok(struct spf *s, const struct mechanism *m, const char *colon)
{
	/* "a/24" has a length but no domain */
	const char *rest = *colon == ':' ? colon + 1 : colon;
	bool given = *colon == ':';
	switch (m->argument) {
	case ARG_NONE:
		return !*colon;
	case ARG_IP4:
		return given && is_network(s->a, rest, AF_INET, 32);
	case ARG_IP6:
		return given && is_network(s->a, rest, AF_INET6, 128);
	case ARG_DOMAIN_CIDR:
		if (!take_cidr(s->a, &rest))
			return false;
		return given ? domain_spec(s->a, rest) : !*rest;
	case ARG_DOMAIN:
		return given ? domain_spec(s->a, rest) : !*colon && !m->required;
	}
	return false;
}

static const struct mechanism *mechanism_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
		if (strcasecmp(mechanisms[i].name, name.p) == 0)
			return &mechanisms[i];
	return NULL;
}

static void check_all(struct spf *s, char qualifier)
{
	s->all = true;
	if (qualifier == '+')
		say_problem(s, true,
			"spf ends in +all, which allows every server to send as this domain");
}

static void check_mechanism(struct spf *s, const char *term)
{
	char qualifier = strchr("+-?~", *term) ? *term : '+';
	const char *name = strchr("+-?~", *term) ? term + 1 : term;
	size_t n = strcspn(name, ":/");
	const struct mechanism *m = mechanism_of(str_dup(s->a, name, n));
	if (!m) {
		say_problem(s, false,
			"spf: '%s' is not a mechanism (all, include, a, mx, ip4, ip6, exists)",
			term);
		return;
	}
	if (!argument_ok(s, m, name + n))
		say_problem(s, false, "spf: '%s' has a syntax error", term);
	if (s->all) {
		s->after_all = true;
		return;
	}
	s->lookups += m->lookup;
	if (strcmp(m->name, "ptr") == 0)
		say_problem(s, true,
			"spf: ptr is deprecated (RFC 7208 5.5): it is slow, and some receivers "
			"ignore it");
	if (strcmp(m->name, "all") == 0)
		check_all(s, qualifier);
}

static bool note_once(struct spf *s, bool *seen, const char *name)
{
	if (*seen)
		say_problem(s, false, "spf: %s= occurs twice", name);
	*seen = true;
	return true;
}

static void check_modifier(struct spf *s, const char *term, size_t equals)
{
	struct str name = str_dup(s->a, term, equals);
	const char *value = term + equals + 1, *end;
	bool redirect = strcasecmp(name.p, "redirect") == 0;
	bool exp = strcasecmp(name.p, "exp") == 0;
	if (redirect)
		note_once(s, &s->redirect, "redirect");
	if (exp)
		note_once(s, &s->exp, "exp");
	if ((redirect || exp) && !domain_spec(s->a, value))
		say_problem(s, false, "spf: '%s' has a syntax error", term);
	else if (!redirect && !exp && !macro_string(value, &end))
		say_problem(s, false, "spf: '%s' has a syntax error", term);
	else if (strcasecmp(name.p, "v") == 0)
		say_problem(s, true, "spf: '%s' must be at the beginning of the record", term);
	else if (!redirect && !exp && mechanism_of(name))
		say_problem(s, true, "spf: '%s' has no meaning; write a mechanism as %s:%s", term,
			name.p, value);
}

static bool is_modifier(const char *term, size_t *equals)
{
	size_t n = strspn(term, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"0123456789-_.");
	*equals = n;
	return n > 0 && isalpha((unsigned char)term[0]) && term[n] == '=';
}

static void check_terms(struct spf *s, const char *p)
{
	while (*p) {
		size_t n = strcspn(p, " "), equals;
		const char *term = str_dup(s->a, p, n).p;
		if (n && is_modifier(term, &equals))
			check_modifier(s, term, equals);
		else if (n)
			check_mechanism(s, term);
		p += n + (p[n] == ' ');
	}
}

static void check_whole(struct spf *s, struct str text)
{
	int lookups = s->lookups + (s->redirect && !s->all);
	if (lookups > LOOKUPS_MAX)
		say_problem(s, false,
			"spf causes %d DNS lookups, more than the limit of %d (RFC 7208 4.6.4)",
			lookups, LOOKUPS_MAX);
	if (s->after_all)
		say_problem(s, true, "spf: terms after 'all' are never evaluated");
	if (s->redirect && s->all)
		say_problem(s, true, "spf: redirect= is ignored beside 'all'");
	if (!s->redirect && !s->all)
		say_problem(s, true,
			"spf has no 'all' at its end: servers that are not listed are neither "
			"allowed nor refused");
	if (text.n > OCTETS_ADVISED)
		say_problem(s, true,
			"spf is %zu octets long; with more than %d an answer may not fit (RFC "
			"7208 3.4)",
			text.n, OCTETS_ADVISED);
}

void spf_check(struct str text, dns_said_fn *said, void *ctx)
{
	struct spf s = {.a = arena_new(), .said = said, .ctx = ctx};
	bool begins = strncasecmp(text.p, "v=spf1", 6) == 0 && (!text.p[6] || text.p[6] == ' ');
	if (!begins)
		say_problem(&s, false, "spf must begin with 'v=spf1'");
	else if (strlen(text.p) != text.n || strpbrk(text.p, "\r\n\t\""))
		say_problem(&s, false,
			"spf must be one line without quotes, its terms separated by blanks");
	else {
		check_terms(&s, text.p + 6);
		check_whole(&s, text);
	}
	arena_free(s.a);
}
