/* SPDX-License-Identifier: MIT
 *
 * DKIM: the rules of mail.dkim and domains.X.dkim, and what follows from them: which keys exist,
 * which of them sign for which domain, which records are published. Makes no key.
 *
 * With algorithm both, a selector S stands for two keys: S (RSA) and S-ed25519.
 */
#include "mail/mail.h"

enum { SELECTOR_MAX = 63, BITS_ADVISED = 2048 };
#define SECOND "-ed25519" /* suffix of the second selector of `both` */

/* ---- settings: the domain's over those of all ---- */
static const struct value *dkim_map(const struct value *of)
{
	const struct value *v = of ? map_at(of, "dkim") : NULL;
	return v && v->type == VALUE_MAP ? v : NULL;
}

static struct value *find_setting(
	const struct value *mail, const struct value *domain, const char *key)
{
	const struct value *own = dkim_map(domain), *all = dkim_map(mail);
	struct value *v = own ? map_at(own, key) : NULL;
	if (v && v->type != VALUE_NULL)
		return v;
	v = all ? map_at(all, key) : NULL;
	return v && v->type != VALUE_NULL ? v : NULL;
}

static const char *text_of(
	const struct value *mail, const struct value *domain, const char *key, const char *dflt)
{
	const struct value *v = find_setting(mail, domain, key);
	return v && v->type == VALUE_STR ? v->s.p : dflt;
}

/* A domain whose mail is received elsewhere signs here only when its own dkim says so. */
static bool signs_domain(const struct value *mail, const struct value *domain)
{
	const struct value *own = dkim_map(domain), *v;
	if (domain && !mail_is_local(mail, domain)) {
		v = own ? map_at(own, "enabled") : NULL;
		return v && v->type == VALUE_BOOL && v->b;
	}
	v = find_setting(mail, domain, "enabled");
	return !v || v->type != VALUE_BOOL || v->b;
}

/* Does the domain have settings of its own about keys? Then a global key does not sign for it. */
static bool own_keys(const struct value *domain)
{
	static const char *const keys[] = {"selector", "algorithm", "bits", "keep"};
	const struct value *own = dkim_map(domain);

	for (size_t i = 0; own && i < ARRAY_LEN(keys); i++) {
		const struct value *v = map_at(own, keys[i]);
		if (v && v->type != VALUE_NULL)
			return true;
	}
	return false;
}

/* ---- selectors ---- */
struct selector {
	const char *name, *algorithm; /* "rsa" or "ed25519" */
	const char *scope;            /* "domain" or "global" where `keep` says so; else NULL */
	bool signs;                   /* else only kept */
	struct pos pos;
};
struct selectors {
	struct arena *a;
	struct selector *v;
	size_t n, cap;
};

static void add_selector(struct selectors *s, struct selector one)
{
	bool both = strcmp(one.algorithm, "both") == 0;
	if (both)
		one.algorithm = "rsa";
	PUSH(s->a, s->v, s->n, s->cap, one);
	if (!both)
		return;
	one.name = arena_printf(s->a, "%s" SECOND, one.name);
	one.algorithm = "ed25519";
	PUSH(s->a, s->v, s->n, s->cap, one);
}

/* an unquoted selector such as 202401 is a number in YAML */
static const char *name_of(struct arena *a, const struct value *v)
{
	if (v && v->type == VALUE_INT)
		return arena_printf(a, "%lld", (long long)v->i);
	return v && v->type == VALUE_STR ? v->s.p : NULL;
}

/* NAME, or {selector: NAME, algorithm: ..., scope: ...} where these differ from
 * the signing key's. */
static void add_kept(struct selectors *s, const struct value *v, const char *algorithm)
{
	bool map = v->type == VALUE_MAP;
	struct selector one = {
		.name = name_of(s->a, map ? map_at(v, "selector") : v),
		.algorithm = map ? map_cstr(v, "algorithm", algorithm) : algorithm,
		.scope = map ? map_cstr(v, "scope", NULL) : NULL,
		.pos = v->pos,
	};
	if (one.name)
		add_selector(s, one);
}

/* The settings of a domain (NULL: of those that share one key, and of the host's own name). */
static struct selectors selectors_of(
	struct arena *a, const struct value *mail, const struct value *domain)
{
	struct selectors s = {.a = a};
	const char *algorithm = text_of(mail, domain, "algorithm", "rsa");
	const struct value *name = find_setting(mail, domain, "selector");
	struct value *keep = find_setting(mail, domain, "keep");
	struct value *list = keep ? as_list(a, keep) : NULL;
	struct selector signing = {.name = text_of(mail, domain, "selector", "dkim"),
		.algorithm = algorithm,
		.signs = true,
		.pos = name ? name->pos : mail->pos};
	add_selector(&s, signing);
	for (size_t i = 0; list && i < list->list.n; i++) {
		const char *kept = name_of(a, list->list.v[i]);
		/* a domain may still sign with any selector that mail.dkim keeps */
		if (kept && keep != find_setting(domain, NULL, "keep") && domain &&
			strcmp(kept, signing.name) == 0)
			continue;
		add_kept(&s, list->list.v[i], algorithm);
	}
	return s;
}

/* ---- rules ---- */
/* One label (RFC 6376 3.1 allows several): a key's file is DOMAIN.SELECTOR.key. */
static bool label_ok(const char *p)
{
	size_t n = strlen(p);
	return n > 0 && n <= SELECTOR_MAX && p[0] != '-' && p[n - 1] != '-' &&
	       strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == n;
}

static void check_selectors(
	struct arena *a, const struct value *mail, const struct value *domain, struct errs *errs)
{
	struct selectors s = selectors_of(a, mail, domain);
	for (size_t i = 0; i < s.n; i++) {
		bool twice = false;
		if (!label_ok(s.v[i].name)) {
			errs_add(errs, s.v[i].pos,
				"'%s' is not a valid selector; write one label of letters, digits "
				"and '-', at most %d characters",
				s.v[i].name, SELECTOR_MAX);
			break;
		}
		for (size_t j = 0; j < i && !twice; j++)
			twice = strcasecmp(s.v[i].name, s.v[j].name) == 0;
		if (twice)
			errs_add(errs, s.v[i].pos, "selector '%s' is declared twice", s.v[i].name);
	}
}

static bool one_of(const struct value *map, const char *key, const char *words)
{
	const struct value *v = map_at(map, key);
	const char *at = v && v->type == VALUE_STR ? strstr(words, v->s.p) : NULL;
	return !v || (at && (at == words || at[-1] == ' ') && strchr(" ", at[v->s.n]));
}

static bool kept_ok(struct arena *a, const struct value *v)
{
	size_t known;
	if (v->type != VALUE_MAP)
		return name_of(a, v) != NULL;
	known = 1 + (map_at(v, "algorithm") != NULL) + (map_at(v, "scope") != NULL);
	return name_of(a, map_at(v, "selector")) && v->map.n == known &&
	       one_of(v, "algorithm", "rsa ed25519 both") && one_of(v, "scope", "domain global");
}

static void check_keep(struct arena *a, const struct value *dkim, struct errs *errs)
{
	struct value *keep = map_at(dkim, "keep");
	struct value *list = keep && keep->type != VALUE_UNKNOWN ? as_list(a, keep) : NULL;
	for (size_t i = 0; list && i < list->list.n; i++)
		if (list->list.v[i]->type != VALUE_UNKNOWN && !kept_ok(a, list->list.v[i]))
			errs_add(errs, list->list.v[i]->pos,
				"an entry of keep must be a selector, or {selector: NAME, "
				"algorithm: rsa, ed25519 or both, scope: domain or global}");
}

static void check_map(
	struct arena *a, const struct value *mail, const struct value *domain, struct errs *errs)
{
	const struct value *dkim = dkim_map(domain ? domain : mail);
	const struct value *bits;
	if (!dkim)
		return;
	bits = map_at(dkim, "bits");
	if (bits && bits->type == VALUE_INT && bits->i < BITS_ADVISED)
		errs_warn(errs, bits->pos,
			"an RSA key of %d bits is weak for DKIM; RFC 8301 asks for %d or more",
			(int)bits->i, BITS_ADVISED);
	check_keep(a, dkim, errs);
	if (!value_find_type(dkim, VALUE_UNKNOWN))
		check_selectors(a, mail, domain, errs);
}

void mail_dkim_rules(struct arena *a, const struct value *mail, struct errs *errs)
{
	const struct value *domains = map_at(mail, "domains");
	check_map(a, mail, NULL, errs);
	for (size_t i = 0; domains && domains->type == VALUE_MAP && i < domains->map.n; i++)
		if (domains->map.e[i].value->type == VALUE_MAP)
			check_map(a, mail, domains->map.e[i].value, errs);
}

/* ---- derived ---- */
struct mail_dkim {
	struct arena *a;
	const struct value *mail;
	struct value *keys, *signers;
	struct value *seen; /* DOMAIN.SELECTOR of keys */
};

struct mail_dkim *mail_dkim_new(struct arena *a, const struct value *mail, struct value *out)
{
	struct mail_dkim *d = ARENA_NEW(a, struct mail_dkim);
	*d = (struct mail_dkim){a, mail, value_list(a), value_list(a), value_map(a)};
	d->keys->literal = d->signers->literal = true;
	map_put(a, out, "mail_dkim_keys", d->keys);
	map_put(a, out, "mail_dkim_signers", d->signers);
	return d;
}

static void put_text(struct mail_dkim *d, struct value *m, const char *key, const char *text)
{
	struct value *v = value_text(d->a, text);
	v->literal = true;
	map_put(d->a, m, key, v);
}

static void add_key(struct mail_dkim *d, const struct value *domain, const char *owner,
	const struct selector *s)
{
	struct str name = str_printf(d->a, "%s.%s", owner, s->name);
	const struct value *bits = find_setting(d->mail, domain, "bits");
	struct value *m = value_map(d->a);
	if (map_get(d->seen, name))
		return;
	map_set(d->a, d->seen, name, value_null(d->a));
	put_text(d, m, "domain", owner);
	put_text(d, m, "selector", s->name);
	put_text(d, m, "algorithm", s->algorithm);
	map_put(d->a, m, "bits",
		value_int(d->a, bits && bits->type == VALUE_INT ? bits->i : BITS_ADVISED));
	list_add(d->a, d->keys, m);
}

static void add_selector_to(
	struct mail_dkim *d, struct value *list, const char *owner, const struct selector *s)
{
	struct value *m = value_map(d->a);
	put_text(d, m, "selector", s->name);
	put_text(d, m, "owner", owner);
	list_add(d->a, list, m);
}

struct value *mail_dkim_of(struct mail_dkim *d, const struct value *domain, const char *name)
{
	struct value *all = value_list(d->a), *signing = value_list(d->a);
	struct value *signer = value_map(d->a);
	bool global = strcmp(text_of(d->mail, NULL, "scope", "domain"), "global") == 0;
	const char *owner = global && !own_keys(domain) ? "global" : name;
	struct selectors s;
	if (!signs_domain(d->mail, domain))
		return all;
	s = selectors_of(d->a, d->mail, domain);
	for (size_t i = 0; i < s.n; i++) {
		const char *whose = !s.v[i].scope ? owner : *s.v[i].scope == 'g' ? "global" : name;
		add_key(d, domain, whose, &s.v[i]);
		add_selector_to(d, all, whose, &s.v[i]);
		if (s.v[i].signs)
			add_selector_to(d, signing, whose, &s.v[i]);
	}
	put_text(d, signer, "domain", name);
	map_put(d->a, signer, "selectors", signing);
	list_add(d->a, d->signers, signer);
	return all;
}
