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
static bool is_set(const struct value *v)
{
	return v && v->type != VALUE_NULL;
}

/* domain NULL: those that share one key, and the host's own name. */
static struct mail_keys settle_keys(const struct mail_state *mail, const struct mail_domain *domain)
{
	const struct mail_keys *own = domain ? &domain->dkim : &mail->dkim;
	struct mail_keys keys = mail->dkim;
	if (is_set(own->enabled.v))
		keys.enabled = own->enabled;
	if (is_set(own->selector.v))
		keys.selector = own->selector;
	if (is_set(own->algorithm.v))
		keys.algorithm = own->algorithm;
	if (is_set(own->bits.v))
		keys.bits = own->bits;
	if (is_set(own->keep)) {
		keys.kept = own->kept;
		keys.n_kept = own->n_kept;
	}
	return keys;
}

/* A domain whose mail is received elsewhere signs here only when its own dkim says so. */
static bool signs_domain(const struct mail_state *mail, const struct mail_domain *domain)
{
	struct mail_keys keys = settle_keys(mail, domain);
	if (domain && !domain->local)
		return domain->dkim.enabled.on;
	return !keys.enabled.v || keys.enabled.on;
}

/* Does the domain have settings of its own about keys? Then a global key does not sign for it. */
static bool own_keys(const struct mail_domain *domain)
{
	const struct mail_keys *own = domain ? &domain->dkim : NULL;
	return own && (is_set(own->selector.v) || is_set(own->algorithm.v) || is_set(own->bits.v) ||
			      is_set(own->keep));
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

/* The kind and the scope of the signing key, where the entry does not say otherwise. */
static void add_kept(struct selectors *s, const struct mail_kept *kept, const char *algorithm)
{
	struct selector one = {
		.name = kept->name,
		.algorithm = kept->algorithm.s.p ? kept->algorithm.s.p : algorithm,
		.scope = kept->scope.s.p,
		.pos = kept->value->pos,
	};
	if (one.name)
		add_selector(s, one);
}

/* The settings of a domain (NULL: of those that share one key, and of the host's own name). */
static struct selectors selectors_of(
	struct arena *a, const struct mail_state *mail, const struct mail_domain *domain)
{
	struct selectors s = {.a = a};
	struct mail_keys keys = settle_keys(mail, domain);
	const char *algorithm = keys.algorithm.s.p ? keys.algorithm.s.p : "rsa";
	bool inherited = domain && !is_set(domain->dkim.keep);
	struct selector signing = {.name = keys.selector.s.p ? keys.selector.s.p : "dkim",
		.algorithm = algorithm,
		.signs = true,
		.pos = is_set(keys.selector.v) ? mail_pos(keys.selector) : mail->map->pos};
	add_selector(&s, signing);
	for (size_t i = 0; i < keys.n_kept; i++) {
		const struct mail_kept *kept = &keys.kept[i];
		/* a domain may still sign with any selector that mail.dkim keeps */
		if (inherited && kept->name && kept->value->type != VALUE_MAP &&
			strcmp(kept->name, signing.name) == 0)
			continue;
		add_kept(&s, kept, algorithm);
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

static void check_selectors(struct arena *a, const struct mail_state *mail,
	const struct mail_domain *domain, struct errs *errs)
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

static bool one_of(struct mail_text t, const char *words)
{
	const char *at = t.s.p ? strstr(words, t.s.p) : NULL;
	return !t.v || (at && (at == words || at[-1] == ' ') && strchr(" ", at[t.s.n]));
}

static bool kept_ok(const struct mail_kept *kept)
{
	return kept->name && !kept->others && one_of(kept->algorithm, "rsa ed25519 both") &&
	       one_of(kept->scope, "domain global");
}

static void check_keep(const struct mail_keys *keys, struct errs *errs)
{
	for (size_t i = 0; i < keys->n_kept; i++)
		if (keys->kept[i].value->type != VALUE_UNKNOWN && !kept_ok(&keys->kept[i]))
			errs_add(errs, keys->kept[i].value->pos,
				"an entry of keep must be a selector, or {selector: NAME, "
				"algorithm: rsa, ed25519 or both, scope: domain or global}");
}

static void check_keys(struct arena *a, const struct mail_state *mail,
	const struct mail_domain *domain, struct errs *errs)
{
	const struct mail_keys *keys = domain ? &domain->dkim : &mail->dkim;
	if (!keys->map)
		return;
	if (keys->bits.v && keys->bits.i < BITS_ADVISED)
		errs_warn(errs, keys->bits.v->pos,
			"an RSA key of %d bits is weak for DKIM; RFC 8301 asks for %d or more",
			(int)keys->bits.i, BITS_ADVISED);
	check_keep(keys, errs);
	if (!value_find_type(keys->map, VALUE_UNKNOWN))
		check_selectors(a, mail, domain, errs);
}

void mail_dkim_rules(struct arena *a, const struct mail_state *mail, struct errs *errs)
{
	check_keys(a, mail, NULL, errs);
	for (size_t i = 0; i < mail->n_domains; i++)
		check_keys(a, mail, &mail->domains[i], errs);
}

/* ---- derived ---- */
struct mail_dkim {
	struct arena *a;
	const struct mail_state *mail;
	struct value *keys, *signers;
	struct value *seen; /* DOMAIN.SELECTOR of keys */
};

struct mail_dkim *mail_dkim_new(struct arena *a, const struct mail_state *mail, struct value *out)
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

static void add_key(struct mail_dkim *d, const struct mail_domain *domain, const char *owner,
	const struct selector *s)
{
	struct str name = str_printf(d->a, "%s.%s", owner, s->name);
	struct mail_number bits = settle_keys(d->mail, domain).bits;
	struct value *m = value_map(d->a);
	if (map_get(d->seen, name))
		return;
	map_set(d->a, d->seen, name, value_null(d->a));
	put_text(d, m, "domain", owner);
	put_text(d, m, "selector", s->name);
	put_text(d, m, "algorithm", s->algorithm);
	map_put(d->a, m, "bits", value_int(d->a, bits.v ? bits.i : BITS_ADVISED));
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

struct value *mail_dkim_of(struct mail_dkim *d, const struct mail_domain *domain, const char *name)
{
	struct value *all = value_list(d->a), *signing = value_list(d->a);
	struct value *signer = value_map(d->a);
	bool global = d->mail->scope == MAIL_KEY_GLOBAL;
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
