/* SPDX-License-Identifier: MIT
 *
 * provision dns records: prints the DNS records that the domains of a site need, as zone-file text.
 * Publishes nothing; queries the hosts only for public DKIM keys.
 */
#include "command/command.h"
#include "dns/dns.h"
#include "agent/restype.h"

/* ---- providers ---- */
static void warn_stale(const char *stale)
{
	static const char *told;
	if (stale && stale != told)
		cli_say("warning: %s\n", stale);
	told = stale;
}

bool cli_providers(struct cli *c, const struct site *s)
{
	const struct value *keys = site_provider_keys(s, c->a, "mxroute");
	struct errs errs;
	errs_init(&errs, c->a);
	for (size_t i = 0; i < keys->list.n; i++) {
		struct mxroute mx;
		const char *stale;
		struct err e = {0};
		if (mxroute_find(c->a, keys->list.v[i]->s.p, c->offline, &mx, &stale, &e))
			warn_stale(stale);
		else
			errs_add(&errs, keys->list.v[i]->pos, "%s", e.msg);
	}
	if (errs.n)
		cli_problems(c, &errs);
	return errs.n == 0;
}

/* ---- the hosts ---- */
struct records {
	struct cli *c;
	const struct site *s;
	struct value *zones; /* host -> the result of site_zones */
};

/* Reads the DKIM keys that the role declares; only their public halves are returned. */
static const struct step *probe_keys(
	void *ctx, struct arena *a, const char *host, struct value *facts, struct err *e)
{
	struct records *r = ctx;
	struct value *zones = site_zones(r->s, a, host, facts, e), *params;
	const struct value *keys = zones ? map_at(zones, "mail_dkim_keys") : NULL;
	struct step *step;
	if (!zones)
		return NULL;
	map_put(r->c->a, r->zones, host, zones);
	if (!keys || keys->list.n == 0)
		return NULL;
	params = value_map(a);
	map_put(a, params, "folder",
		value_text(a, map_cstr(zones, "dkim_folder", "/var/lib/rspamd/dkim")));
	map_put(a, params, "keys", (struct value *)keys);
	map_put(a, params, "state", value_text(a, "read"));
	step = ARENA_NEW(a, struct step);
	*step = (struct step){
		.id = 1,
		.task = 1,
		.name = "DKIM keys",
		.type = restype_find(str_c("dkim_keys")),
		.params = params,
		.changed = -1,
		.failed = -1,
	};
	return step;
}

static bool ask_hosts(struct records *r, struct fleet_result *result)
{
	struct fleet_options o = {.mode = FLEET_FACTS,
		.site = r->s,
		.hosts = site_hosts(r->s),
		.probe = probe_keys,
		.probe_ctx = r};
	r->c->stdout_is_data = true;
	return cli_fleet(r->c, &o, true, result);
}

static bool without_hosts(struct records *r)
{
	struct err e = {0};
	for (const char *const *h = site_hosts(r->s); *h; h++) {
		struct value *zones = site_zones(r->s, r->c->a, *h, NULL, &e);
		if (!zones) {
			cli_error(&e);
			return false;
		}
		map_put(r->c->a, r->zones, *h, zones);
	}
	return true;
}

/* ---- output ---- */
/* mxroute makes the domain's DKIM key: the published record is printed, so that a zone made of this
 * output keeps it. */
static void look_up_key(struct cli *c, const char *domain, struct mxroute *mx)
{
	struct str text;
	if (c->offline)
		return;
	mx->dkim_known =
		dns_txt(c->a, arena_printf(c->a, "x._domainkey.%s", domain), "v=DKIM1", &text);
	if (mx->dkim_known == DNS_FOUND)
		mx->dkim = text.p;
}

static void add_zone(struct cli *c, struct dns_records *out, struct dns_host *h,
	const struct value *zone, bool *ok)
{
	const char *key = map_cstr(zone, "provider_key", NULL), *stale = NULL;
	bool asks = strcmp(map_cstr(zone, "provider", ""), "mxroute") == 0;
	struct mxroute mx;
	struct err e = {0};
	bool known = asks && mxroute_find(c->a, key ? key : "", c->offline, &mx, &stale, &e);
	warn_stale(stale);
	h->mxroute_error = asks && !known ? arena_strdup(c->a, e.msg) : NULL;
	if (asks && !known) {
		*ok = false;
		cli_say("%s: %s\n", map_cstr(zone, "name", ""), e.msg);
	}
	if (known)
		look_up_key(c, map_cstr(zone, "name", ""), &mx);
	dns_domain(out, h, zone, known ? &mx : NULL);
}

static void print_json(const struct dns_records *r, const char *host, struct buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		struct value *m = value_map(r->a);
		bool note = strcmp(r->v[i].type, ";") == 0;
		map_put(r->a, m, "event", value_text(r->a, note ? "note" : "record"));
		map_put(r->a, m, "host", value_text(r->a, host));
		if (!note) {
			map_put(r->a, m, "name", value_text(r->a, r->v[i].name));
			map_put(r->a, m, "ttl", value_int(r->a, DNS_TTL));
			map_put(r->a, m, "type", value_text(r->a, r->v[i].type));
		}
		map_put(r->a, m, note ? "text" : "data", value_str(r->a, r->v[i].data));
		json_write(out, m);
		buf_addc(out, '\n');
	}
}

static bool print_host(struct records *r, const char *host, const struct fleet_result *result)
{
	const struct value *zones = map_at(r->zones, host);
	const struct value *list = zones ? map_at(zones, "mail_zones") : NULL;
	const struct value *probed = result->probed ? map_at(result->probed, host) : NULL;
	struct dns_records out = {.a = r->c->a};
	struct dns_host h = {
		.facts = result->facts ? map_at(result->facts, host) : NULL,
		.keys = dns_keys(r->c->a, probed ? map_at(probed, "records") : NULL),
	};
	struct buf text;
	bool ok = true;
	if (!list)
		return true;
	h.mail = map_at(zones, "mail");
	h.zones = list;
	dns_host_records(&out, &h, map_at(zones, "mail_host_dkim"));
	for (size_t i = 0; i < list->list.n; i++)
		add_zone(r->c, &out, &h, list->list.v[i], &ok);
	buf_init(&text, 1 << 28);
	if (r->c->json)
		print_json(&out, host, &text);
	else
		dns_print(&out, &text);
	cli_print(&text);
	buf_free(&text);
	return ok;
}

static int run_dns(struct cli *c)
{
	struct fleet_result result = {0};
	struct records r = {.c = c, .zones = value_map(c->a)};
	bool ok;
	if (c->n_args < 1 || strcmp(c->args[0], "records") != 0) {
		cli_say("usage: provision dns records [SITE] [options]\n");
		return EXIT_BEFORE;
	}
	c->args++;
	c->n_args--;
	const char *manifest = cli_manifest(c);
	r.s = manifest ? cli_site(c, manifest) : NULL;
	if (!r.s || !(c->offline ? without_hosts(&r) : ask_hosts(&r, &result)))
		return EXIT_BEFORE;
	if (c->offline && !c->json) {
		struct page *p = page_new(false);
		page_addf(p, "; offline: no host was asked, so no DKIM record is here\n");
		cli_page(p);
	}
	ok = true;
	for (const char *const *h = site_hosts(r.s); *h; h++)
		ok = print_host(&r, *h, &result) && ok;
	fleet_result_free(&result);
	return result.exit_code ? result.exit_code : ok ? EXIT_FINE : EXIT_FAILED;
}

const struct command command_dns = {
	.name = "dns",
	.args = "records [SITE] [options]",
	.doc = "print the DNS records of every domain, as a zone file",
	.about = "Prints the DNS records that every domain of the site needs: MX, SPF, DKIM, DMARC "
		 "and others, as zone-file text. It reads the public DKIM keys from the hosts, "
		 "unless "
		 "`--offline` is given.",
	.example = "provision dns records site.yml -i hosts.yml >zone\n",
	.options = "inventory limit extra-vars forks user private-key connection timeout "
		   "host-timeout ask-pass "
		   "become become-user ask-become-pass known-hosts accept-new-host-keys "
		   "roles-path offline json verbose",
	.run = run_dns,
};
