/* SPDX-License-Identifier: MIT
 *
 * The syntax of a DMARC record (RFC 9989 section 4.7). Retired tags of RFC 7489 get a warning,
 * because receivers ignore them.
 */
#include <ctype.h>
#include "dns/dns.h"

enum { TAGS_MAX = 32 };

struct tag {
	struct str name, value;
};
struct dmarc {
	struct arena *a;
	dns_said_fn *said;
	void *ctx;
	struct tag tags[TAGS_MAX];
	size_t n;
};

PRINTF(3, 4) static void say_problem(struct dmarc *d, bool warning, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	d->said(d->ctx, warning, arena_vprintf(d->a, fmt, ap));
	va_end(ap);
}

static const struct tag *find_tag(const struct dmarc *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcasecmp(d->tags[i].name.p, name) == 0)
			return &d->tags[i];
	return NULL;
}

static bool split_tag(struct dmarc *d, struct str part)
{
	const char *equals = strchr(part.p, '=');
	struct tag t;
	if (!equals || d->n == TAGS_MAX) {
		say_problem(d, false,
			equals ? "dmarc: '%s' is one tag too many"
			       : "dmarc: '%s' is not a tag; write name=value, separated by ;",
			part.p);
		return false;
	}
	t.name = str_trim(d->a, str_dup(d->a, part.p, (size_t)(equals - part.p)));
	t.value = str_trim(d->a, str_c(equals + 1));
	for (size_t i = 0; i < t.name.n; i++)
		if (!isalnum((unsigned char)t.name.p[i]) && t.name.p[i] != '_') {
			say_problem(d, false,
				"dmarc: '%s' is not a tag; write name=value, separated by ;",
				part.p);
			return false;
		}
	if (find_tag(d, t.name.p)) {
		say_problem(d, false, "dmarc: the tag %s occurs twice", t.name.p);
		return false;
	}
	d->tags[d->n++] = t;
	return true;
}

static void split_tags(struct dmarc *d, const char *p)
{
	while (*p) {
		size_t n = strcspn(p, ";");
		struct str part = str_trim(d->a, str_dup(d->a, p, n));
		if (part.n == 0 && p[n] == ';')
			say_problem(d, false, "dmarc: there is an empty tag between two ';'");
		else if (part.n)
			split_tag(d, part);
		p += n + (p[n] == ';');
	}
}

/* ---- values ---- */

/* Is the value one of the space separated words? */
static bool one_of(struct str value, const char *words)
{
	for (const char *p = words; *p;) {
		size_t n = strcspn(p, " ");
		if (value.n == n && strncasecmp(value.p, p, n) == 0)
			return true;
		p += n + (p[n] == ' ');
	}
	return false;
}

static void check_choice(struct dmarc *d, const struct tag *t, const char *words)
{
	if (!one_of(t->value, words))
		say_problem(
			d, false, "dmarc: %s=%s is not one of: %s", t->name.p, t->value.p, words);
}

static void check_fo(struct dmarc *d, const struct tag *t)
{
	const char *p = t->value.p;
	do {
		size_t n = strcspn(p, ":");
		struct str option = str_trim(d->a, str_dup(d->a, p, n));
		if (!one_of(option, "0 1 d s"))
			say_problem(d, false, "dmarc: fo=%s: '%s' is not one of: 0 1 d s",
				t->value.p, option.p);
		p += n + (p[n] == ':');
	} while (*p);
}

/* A domain name, up to the end or the size; it must be in ASCII. */
static bool domain_ok(const char *p)
{
	size_t n = strcspn(p, "!?"), dots = 0;
	if (n == 0 || p[n - 1] == '.' || p[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '.' && p[i + 1] == '.')
			return false;
		if (!isalnum((unsigned char)p[i]) && p[i] != '-' && p[i] != '.')
			return false;
		dots += p[i] == '.';
	}
	return dots > 0;
}

static void check_uri(struct dmarc *d, const struct tag *t, struct str uri)
{
	const char *at = strchr(uri.p, '@'), *size = strchr(uri.p, '!');
	if (strncasecmp(uri.p, "mailto:", 7) != 0)
		say_problem(d, uri.n && strchr(uri.p, ':'),
			"dmarc: %s: '%s' is not a mailto: address, the only place where reports go",
			t->name.p, uri.p);
	else if (!at || at == uri.p + 7 || !domain_ok(at + 1) || strpbrk(uri.p, " \t"))
		say_problem(d, false, "dmarc: %s: '%s' has a syntax error", t->name.p, uri.p);
	else if (size)
		say_problem(d, true, "dmarc: %s: the size '%s' is retired and ignored", t->name.p,
			size);
}

static void check_uris(struct dmarc *d, const struct tag *t)
{
	const char *p = t->value.p;
	do {
		size_t n = strcspn(p, ",");
		check_uri(d, t, str_trim(d->a, str_dup(d->a, p, n)));
		p += n + (p[n] == ',');
	} while (*p);
}

static void check_tag(struct dmarc *d, const struct tag *t)
{
	if (one_of(t->name, "p sp np"))
		check_choice(d, t, "none quarantine reject");
	else if (one_of(t->name, "adkim aspf"))
		check_choice(d, t, "r s");
	else if (one_of(t->name, "t"))
		check_choice(d, t, "y n");
	else if (one_of(t->name, "psd"))
		check_choice(d, t, "y n u");
	else if (one_of(t->name, "fo"))
		check_fo(d, t);
	else if (one_of(t->name, "rua ruf"))
		check_uris(d, t);
	else if (one_of(t->name, "pct rf ri"))
		say_problem(d, true,
			"dmarc: the tag %s is retired (RFC 9989) and ignored; remove it%s",
			t->name.p, one_of(t->name, "pct") ? ", and use t=y for testing" : "");
	else if (!one_of(t->name, "v"))
		say_problem(d, true, "dmarc: the tag '%s' does not exist; receivers ignore it",
			t->name.p);
}

static void check_policy(struct dmarc *d)
{
	const struct tag *p = find_tag(d, "p");
	if (!p && find_tag(d, "rua"))
		say_problem(d, true, "dmarc: without p= the policy is none");
	else if (!p)
		say_problem(
			d, false, "dmarc: p= is missing; write p=none, p=quarantine or p=reject");
	else if (p != &d->tags[1])
		say_problem(d, true,
			"dmarc: p= should follow v= directly: receivers that read RFC 7489 expect "
			"it there");
}

static bool is_plain(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((text.p[i] < ' ' && text.p[i] != '\t') || text.p[i] > '~' || text.p[i] == '"')
			return false;
	return true;
}

void dmarc_check(struct str text, dns_said_fn *said, void *ctx)
{
	struct dmarc *d = calloc(1, sizeof(*d));
	if (!d)
		panic("dmarc_check: out of memory");
	d->a = arena_new();
	d->said = said;
	d->ctx = ctx;
	if (!is_plain(text)) {
		say_problem(d, false, "dmarc must be one line of ASCII without quotes");
	} else {
		split_tags(d, text.p);
		if (!d->n || !str_is(d->tags[0].name, "v") || !str_is(d->tags[0].value, "DMARC1"))
			say_problem(d, false, "dmarc must begin with 'v=DMARC1'");
		else
			check_policy(d);
		for (size_t i = 0; i < d->n; i++)
			check_tag(d, &d->tags[i]);
	}
	arena_free(d->a);
	free(d);
}
