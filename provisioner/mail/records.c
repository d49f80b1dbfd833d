/* SPDX-License-Identifier: MIT
 *
 * The rules of what is published for a domain: SPF, DMARC, and who receives its mail. A domain of
 * another provider is not local, so it cannot declare mailboxes or other things of this host.
 */
#include <ctype.h>
#include "dns/dns.h"
#include "mail/mail.h"

enum { PROVIDER_KEY_MAX = 63 };

/* ---- providers ---- */
const char *mail_provider(const struct value *mail, const struct value *domain)
{
	const struct value *own = map_at(domain, "provider"), *all = map_at(mail, "provider");
	const struct value *v = own ? own : all;
	if (!v)
		return "builtin";
	return v->type == VALUE_STR ? v->s.p : v->type == VALUE_NULL ? "null" : NULL;
}

const struct value *mail_provider_key(const struct value *mail, const struct value *domain)
{
	const struct value *own = map_at(domain, "provider_key");
	const struct value *v = own ? own : map_at(mail, "provider_key");
	return v && v->type == VALUE_STR ? v : NULL;
}

bool mail_is_local(const struct value *mail, const struct value *domain)
{
	const char *provider = mail_provider(mail, domain);
	return provider && strcmp(provider, "builtin") == 0;
}

static bool key_ok(struct str key)
{
	if (key.n == 0 || key.n > PROVIDER_KEY_MAX)
		return false;
	for (size_t i = 0; i < key.n; i++)
		if (!isalnum((unsigned char)key.p[i]) && !strchr("-._", key.p[i]))
			return false;
	return true;
}

static void check_key(const struct value *mail, const struct map_entry *domain,
	const char *provider, struct errs *errs)
{
	const struct map_entry *own = map_entry(domain->value, str_c("provider_key"));
	const struct value *key = mail_provider_key(mail, domain->value);
	if (strcmp(provider, "mxroute") != 0) {
		if (own && own->value->type == VALUE_STR)
			errs_add(errs, entry_pos(own),
				"provider %s does not take a provider_key; remove it", provider);
	} else if (!key) {
		errs_add(errs, entry_pos(domain),
			"'%s' has the provider mxroute, which needs a provider_key: the name of "
			"its server there",
			domain->key.p);
	} else if (!key_ok(key->s)) {
		errs_add(errs, key->pos, "'%s' is not a valid name of an mxroute server", key->s.p);
	}
}

/* Reports what only a local domain can have. With provider null it has no effect, which is a
 * warning. */
static void check_inside(const struct map_entry *domain, const char *provider, struct errs *errs)
{
	static const char *const keys[] = {"mailboxes", "aliases", "catch_all", "lists"};
	static const char *const words[] = {"a mailbox", "an alias", "a catch_all", "a list"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct map_entry *e = map_entry(domain->value, str_c(keys[i]));
		bool map = e && e->value->type == VALUE_MAP;
		if (!e || e->value->type == VALUE_NULL || (map && e->value->map.n == 0))
			continue;
		if (map)
			e = &e->value->map.e[0];
		if (strcmp(provider, "null") == 0)
			errs_warn(errs, entry_pos(e),
				"'%s' has the provider null: %s in it has no effect", domain->key.p,
				words[i]);
		else
			errs_add(errs, entry_pos(e),
				"'%s' has the provider %s, so it is not local here and cannot "
				"have %s",
				domain->key.p, provider, words[i]);
	}
}

static void check_provider(
	const struct value *mail, const struct map_entry *domain, struct errs *errs)
{
	const char *provider = mail_provider(mail, domain->value);
	if (!provider)
		return;
	check_key(mail, domain, provider, errs);
	if (strcmp(provider, "builtin") != 0)
		check_inside(domain, provider, errs);
}

/* ---- SPF and DMARC ---- */
struct record {
	struct errs *errs;
	struct pos pos;
};

static void take_verdict(void *ctx, bool warning, const char *what)
{
	const struct record *r = ctx;
	if (warning)
		errs_warn(r->errs, r->pos, "%s", what);
	else
		errs_add(r->errs, r->pos, "%s", what);
}

static void check_texts(const struct value *map, struct errs *errs)
{
	const struct value *spf = map_at(map, "spf"), *dmarc = map_at(map, "dmarc");
	struct record r = {.errs = errs};
	if (spf && spf->type == VALUE_STR) {
		r.pos = spf->pos;
		spf_check(spf->s, take_verdict, &r);
	}
	if (dmarc && dmarc->type == VALUE_STR) {
		r.pos = dmarc->pos;
		dmarc_check(dmarc->s, take_verdict, &r);
	}
}

void mail_records_rules(const struct value *mail, struct errs *errs)
{
	const struct value *domains = map_at(mail, "domains");
	check_texts(mail, errs);
	for (size_t i = 0; domains && domains->type == VALUE_MAP && i < domains->map.n; i++) {
		const struct map_entry *e = &domains->map.e[i];
		if (e->value->type != VALUE_MAP)
			continue;
		check_texts(e->value, errs);
		check_provider(mail, e, errs);
	}
}

/* ---- derived: what is published for each domain ---- */
static struct value *make_literal(struct arena *a, const char *text)
{
	struct value *v = text ? value_text(a, text) : value_null(a);
	v->literal = true;
	return v;
}

/* Another provider has its own defaults: only the domain's own record overrides them. */
static const char *record_of(
	const struct value *mail, const struct value *domain, const char *key, bool local)
{
	return map_cstr(domain, key, local ? map_cstr(mail, key, NULL) : NULL);
}

static struct value *zone_of(struct arena *a, const struct value *mail, const struct map_entry *e,
	struct mail_dkim *dkim)
{
	struct value *m = value_map(a);
	const struct value *key = mail_provider_key(mail, e->value);
	const char *provider = mail_provider(mail, e->value);
	bool local = mail_is_local(mail, e->value);
	struct str name;
	if (!provider || !mail_domain_ascii(a, e->key, &name))
		panic("domain '%s' is invalid but passed the checks", e->key.p);
	map_put(a, m, "name", make_literal(a, name.p));
	map_put(a, m, "provider", make_literal(a, provider));
	map_put(a, m, "provider_key",
		make_literal(a, strcmp(provider, "mxroute") == 0 && key ? key->s.p : NULL));
	map_put(a, m, "spf", make_literal(a, record_of(mail, e->value, "spf", local)));
	map_put(a, m, "dmarc", make_literal(a, record_of(mail, e->value, "dmarc", local)));
	map_put(a, m, "certificate", value_bool(a, local && mail_tls_own(e->value)));
	map_put(a, m, "dkim", mail_dkim_of(dkim, e->value, name.p));
	return m;
}

void mail_zones(struct arena *a, const struct value *mail, struct value *out)
{
	const struct value *domains = map_at(mail, "domains");
	struct mail_dkim *dkim = mail_dkim_new(a, mail, out);
	struct value *zones = value_list(a);
	const char *host = map_cstr(mail, "hostname", NULL);
	zones->literal = true;
	for (size_t i = 0; domains && i < domains->map.n; i++)
		list_add(a, zones, zone_of(a, mail, &domains->map.e[i], dkim));
	map_put(a, out, "mail_zones", zones);
	/* bounces and the host's own messages come from its own name */
	map_put(a, out, "mail_host_dkim", host ? mail_dkim_of(dkim, NULL, host) : value_list(a));
}
