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
static bool key_ok(struct str key)
{
	if (key.n == 0 || key.n > PROVIDER_KEY_MAX)
		return false;
	for (size_t i = 0; i < key.n; i++)
		if (!isalnum((unsigned char)key.p[i]) && !strchr("-._", key.p[i]))
			return false;
	return true;
}

static void check_key(const struct mail_domain *d, struct errs *errs)
{
	struct mail_text key = d->provider_key;
	if (d->provider != MAIL_MXROUTE) {
		if (d->own_key.s.p)
			errs_add(errs, entry_pos(d->own_key_entry),
				"provider %s does not take a provider_key; remove it",
				d->provider_word);
	} else if (!key.s.p) {
		errs_add(errs, d->pos,
			"'%s' has the provider mxroute, which needs a provider_key: the name of "
			"its server there",
			d->key.p);
	} else if (!key_ok(key.s)) {
		errs_add(errs, mail_pos(key), "'%s' is not a valid name of an mxroute server",
			key.s.p);
	}
}

/* Reports what only a local domain can have. With provider null it has no effect, which is a
 * warning. */
static void check_inside(const struct mail_domain *d, struct errs *errs)
{
	static const char *const words[MAIL_INSIDES] = {[MAIL_MAILBOXES] = "a mailbox",
		[MAIL_ALIASES] = "an alias",
		[MAIL_CATCH_ALL] = "a catch_all",
		[MAIL_LISTS] = "a list"};
	for (size_t i = 0; i < MAIL_INSIDES; i++) {
		if (!d->inside[i])
			continue;
		if (d->provider == MAIL_NULL)
			errs_warn(errs, *d->inside[i],
				"'%s' has the provider null: %s in it has no effect", d->key.p,
				words[i]);
		else
			errs_add(errs, *d->inside[i],
				"'%s' has the provider %s, so it is not local here and cannot "
				"have %s",
				d->key.p, d->provider_word, words[i]);
	}
}

static void check_provider(const struct mail_domain *d, struct errs *errs)
{
	if (!d->provider_word)
		return;
	check_key(d, errs);
	if (d->provider != MAIL_BUILTIN)
		check_inside(d, errs);
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

static void check_texts(struct mail_text spf, struct mail_text dmarc, struct errs *errs)
{
	struct record r = {.errs = errs};
	if (spf.s.p) {
		r.pos = mail_pos(spf);
		spf_check(spf.s, take_verdict, &r);
	}
	if (dmarc.s.p) {
		r.pos = mail_pos(dmarc);
		dmarc_check(dmarc.s, take_verdict, &r);
	}
}

void mail_records_rules(const struct mail_state *mail, struct errs *errs)
{
	check_texts(mail->spf, mail->dmarc, errs);
	for (size_t i = 0; i < mail->n_domains; i++) {
		const struct mail_domain *d = &mail->domains[i];
		if (!d->map)
			continue;
		check_texts(d->spf, d->dmarc, errs);
		check_provider(d, errs);
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
static const char *record_of(struct mail_text own, struct mail_text all, bool local)
{
	return own.s.p ? own.s.p : local ? all.s.p : NULL;
}

static struct value *zone_of(struct arena *a, const struct mail_state *mail,
	const struct mail_domain *d, struct mail_dkim *dkim)
{
	struct value *m = value_map(a);
	if (!d->provider_word || !d->name.p)
		panic("domain '%s' is invalid but passed the checks", d->key.p);
	map_put(a, m, "name", make_literal(a, d->name.p));
	map_put(a, m, "provider", make_literal(a, d->provider_word));
	map_put(a, m, "provider_key",
		make_literal(a, d->provider == MAIL_MXROUTE ? d->provider_key.s.p : NULL));
	map_put(a, m, "spf", make_literal(a, record_of(d->spf, mail->spf, d->local)));
	map_put(a, m, "dmarc", make_literal(a, record_of(d->dmarc, mail->dmarc, d->local)));
	map_put(a, m, "certificate", value_bool(a, d->local && mail_tls_own(d)));
	map_put(a, m, "dkim", mail_dkim_of(dkim, d, d->name.p));
	return m;
}

void mail_zones(struct arena *a, const struct mail_state *mail, struct value *out)
{
	struct mail_dkim *dkim = mail_dkim_new(a, mail, out);
	struct value *zones = value_list(a);
	const char *host = mail->hostname.s.p;
	zones->literal = true;
	for (size_t i = 0; i < mail->n_domains; i++)
		list_add(a, zones, zone_of(a, mail, &mail->domains[i], dkim));
	map_put(a, out, "mail_zones", zones);
	/* bounces and the host's own messages come from its own name */
	map_put(a, out, "mail_host_dkim", host ? mail_dkim_of(dkim, NULL, host) : value_list(a));
}
