/* SPDX-License-Identifier: MIT
 *
 * The records to publish for a domain and for a host, and their form in a zone file. Publishes
 * nothing.
 */
#include <arpa/inet.h>
#include "dns/dns.h"

enum { PREFERENCE = 10, BACKUP_PREFERENCE = 20 };

/* ---- the list ---- */
static void push_record(struct dns_records *r, const char *name, const char *type, struct str data)
{
	PUSH(r->a, r->v, r->n, r->cap, ((struct dns_record){name, type, data}));
}

void dns_add(struct dns_records *r, const char *name, const char *type, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	push_record(r, arena_strdup(r->a, name), type, str_c(arena_vprintf(r->a, fmt, ap)));
	va_end(ap);
}

void dns_note(struct dns_records *r, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	push_record(r, "", ";", str_c(arena_vprintf(r->a, fmt, ap)));
	va_end(ap);
}

/* ---- zone-file text ---- */
static void put_char(struct buf *out, unsigned char c)
{
	if (c == '"' || c == '\\')
		buf_addf(out, "\\%c", c);
	else if (c < 0x20 || c > 0x7e)
		buf_addf(out, "\\%03u", c);
	else
		buf_addc(out, (char)c);
}

/* A character-string holds 255 octets (RFC 1035 3.3); readers join them without a blank. */
static void put_text(struct buf *out, struct str text)
{
	size_t i = 0;
	do {
		buf_adds(out, i ? " \"" : "\"");
		for (size_t end = i + DNS_STRING_MAX; i < text.n && i < end; i++)
			put_char(out, (unsigned char)text.p[i]);
		buf_addc(out, '"');
	} while (i < text.n);
}

static void put_note(struct buf *out, struct str text)
{
	buf_adds(out, "; ");
	for (size_t i = 0; i < text.n; i++)
		buf_addc(out, (unsigned char)text.p[i] < 0x20 ? ' ' : text.p[i]);
	buf_addc(out, '\n');
}

void dns_print(const struct dns_records *r, struct buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct dns_record *one = &r->v[i];
		if (strcmp(one->type, ";") == 0) {
			put_note(out, one->data);
			continue;
		}
		buf_addf(out, "%s.\t%d\tIN\t%s\t", one->name, DNS_TTL, one->type);
		if (strcmp(one->type, "TXT") == 0)
			put_text(out, one->data);
		else
			buf_add(out, one->data.p, one->data.n);
		buf_addc(out, '\n');
	}
}

/* ---- what domains share ---- */
static const char *key_name(struct arena *a, const char *owner, const char *selector)
{
	return arena_printf(a, "%s %s", owner, selector);
}

const struct value *dns_keys(struct arena *a, const struct value *told)
{
	struct value *keys = told ? value_map(a) : NULL;
	for (size_t i = 0; told && told->type == VALUE_LIST && i < told->list.n; i++) {
		struct value *k = told->list.v[i];
		const char *name;
		if (k->type != VALUE_MAP)
			continue;
		name = key_name(a, map_cstr(k, "domain", ""), map_cstr(k, "selector", ""));
		if (!map_at(keys, name))
			map_put(a, keys, name, k);
	}
	return keys;
}

static void add_dkim(struct dns_records *r, const struct dns_host *h, const char *domain,
	const struct value *selectors)
{
	for (size_t i = 0; selectors && i < selectors->list.n; i++) {
		const struct value *s = selectors->list.v[i], *key;
		const char *selector = map_cstr(s, "selector", "");
		const char *name = arena_printf(r->a, "%s._domainkey.%s", selector, domain);
		if (!h->keys) {
			dns_note(r, "%s. TXT: DKIM, not known without contacting the host", name);
			continue;
		}
		key = map_at(h->keys, key_name(r->a, map_cstr(s, "owner", ""), selector));
		if (key)
			dns_add(r, name, "TXT", "v=DKIM1; k=%s; p=%s",
				map_cstr(key, "algorithm", "rsa"), map_cstr(key, "p", ""));
		else
			dns_note(r, "%s. TXT: DKIM, no key on the host yet; apply makes it", name);
	}
}

/* ---- policies ---- */
/* The entry of a domain whose records come from here; NULL: not one of those. */
static const struct value *zone_of(const struct dns_host *h, const char *name)
{
	for (size_t i = 0; h->zones && i < h->zones->list.n; i++) {
		const struct value *zone = h->zones->list.v[i];
		if (strcasecmp(map_cstr(zone, "name", ""), name) == 0 &&
			strcmp(map_cstr(zone, "provider", "builtin"), "null") != 0)
			return zone;
	}
	return NULL;
}

/* Is one of the names the other, or below it? */
static bool is_related(const char *x, const char *y)
{
	size_t n = strlen(x), m = strlen(y);
	const char *end = n > m ? x + n - m : y + m - n, *low = n > m ? y : x;
	return strcasecmp(end, low) == 0 && (n == m || end[-1] == '.');
}

/* Reports go to another domain only when that domain agrees by a record (RFC 9990 section 4). */
static void add_receiver(
	struct dns_records *r, const struct dns_host *h, const char *domain, const char *receiver)
{
	const char *name = arena_printf(r->a, "%s._report._dmarc.%s", domain, receiver);
	if (is_related(domain, receiver))
		return;
	if (zone_of(h, receiver))
		dns_add(r, name, "TXT", "v=DMARC1");
	else
		dns_note(r, "%s. TXT: publish v=DMARC1 there, or it gets no reports", name);
}

static void add_receivers(
	struct dns_records *r, const struct dns_host *h, const char *domain, const char *dmarc)
{
	struct value *seen = value_map(r->a);
	for (const char *p = strchr(dmarc, '@'); p; p = strchr(p, '@')) {
		size_t n = strspn(++p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789-.");
		struct str receiver = str_dup(r->a, p, n);
		if (n && !map_get(seen, receiver))
			add_receiver(r, h, domain, receiver.p);
		map_set(r->a, seen, receiver, value_null(r->a));
	}
}

static void add_policies(struct dns_records *r, const struct dns_host *h, const char *domain,
	const struct value *zone, const char *spf)
{
	const char *dmarc = map_cstr(zone, "dmarc", NULL);
	spf = map_cstr(zone, "spf", spf);
	if (spf && *spf)
		dns_add(r, domain, "TXT", "%s", spf);
	if (!dmarc || !*dmarc)
		return;
	dns_add(r, arena_printf(r->a, "_dmarc.%s", domain), "TXT", "%s", dmarc);
	add_receivers(r, h, domain, dmarc);
}

/* The host's own names have address records, and nothing can exist beside a CNAME
 * (RFC 1034 3.6.2). */
static bool host_has(const struct dns_host *h, const char *name)
{
	const struct value *outbound = map_at(h->mail, "outbound");
	const struct value *list =
		outbound && outbound->type == VALUE_MAP ? map_at(outbound, "addresses") : NULL;
	for (size_t i = 0; list && list->type == VALUE_LIST && i < list->list.n; i++)
		if (strcasecmp(map_cstr(list->list.v[i], "helo", ""), name) == 0)
			return true;
	return strcasecmp(map_cstr(h->mail, "hostname", ""), name) == 0;
}

static void add_cname(
	struct dns_records *r, const struct dns_host *h, const char *name, const char *to)
{
	if (host_has(h, name))
		dns_note(r, "%s. CNAME %s. is left out: the name belongs to this host", name, to);
	else
		dns_add(r, name, "CNAME", "%s.", to);
}

/* ---- providers ---- */
static void add_gmail(struct dns_records *r, const struct dns_host *h, const char *domain,
	const struct value *zone)
{
	static const struct {
		int preference;
		const char *host;
	} servers[] = {{1, "ASPMX"}, {5, "ALT1.ASPMX"}, {5, "ALT2.ASPMX"}, {10, "ALT3.ASPMX"},
		{10, "ALT4.ASPMX"}};

	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		dns_add(r, domain, "MX", "%d %s.L.GOOGLE.COM.", servers[i].preference,
			servers[i].host);
	add_cname(r, h, arena_printf(r->a, "mail.%s", domain), "ghs.google.com");
	add_policies(r, h, domain, zone, "v=spf1 include:_spf.google.com a ~all");
}

static void add_mxroute(struct dns_records *r, const struct dns_host *h, const char *domain,
	const struct value *zone, const struct mxroute *mx)
{
	static const char *const names[] = {"mail", "webmail"};
	const char *name;

	if (!mx) {
		dns_note(r, "%s: %s", domain,
			h->mxroute_error ? h->mxroute_error : "the names of mxroute are not known");
		add_policies(r, h, domain, zone, NULL);
		return;
	}
	dns_add(r, domain, "MX", "%d %s.", PREFERENCE, mx->hostname);
	dns_add(r, domain, "MX", "%d %s.", BACKUP_PREFERENCE, mx->backup);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		add_cname(r, h, arena_printf(r->a, "%s.%s", names[i], domain), mx->hostname);
	add_policies(r, h, domain, zone, mx->spf);
	name = arena_printf(r->a, "x._domainkey.%s", domain);
	if (mx->dkim_known == DNS_FOUND)
		dns_add(r, name, "TXT", "%s", mx->dkim);
	else if (mx->dkim_known == DNS_UNKNOWN)
		dns_note(r, "%s. TXT: mxroute's DKIM key, not looked up; keep the published one",
			name);
}

void dns_domain(struct dns_records *r, const struct dns_host *h, const struct value *zone,
	const struct mxroute *mx)
{
	const char *domain = map_cstr(zone, "name", ""), *provider;
	provider = map_cstr(zone, "provider", "builtin");
	dns_note(r, "%s (%s)", domain, provider);
	if (strcmp(provider, "gmail") == 0)
		add_gmail(r, h, domain, zone);
	else if (strcmp(provider, "mxroute") == 0)
		add_mxroute(r, h, domain, zone, mx);
	else if (strcmp(provider, "builtin") == 0) {
		const char *host = map_cstr(h->mail, "hostname", "localhost");
		dns_add(r, domain, "MX", "%d %s.", PREFERENCE, host);
		if (map_bool(zone, "certificate", false)) /* it is for this name */
			add_cname(r, h, arena_printf(r->a, "mail.%s", domain), host);
		add_policies(r, h, domain, zone, NULL);
	}
	add_dkim(r, h, domain, map_at(zone, "dkim"));
}

/* ---- the host ---- */
static void add_address(struct dns_records *r, const char *name, const char *address)
{
	dns_add(r, name, strchr(address, ':') ? "AAAA" : "A", "%s", address);
}

/* The SPF record of a name in HELO (RFC 7208 2.3). */
static void add_helo(struct dns_records *r, const struct dns_host *h, const char *name)
{
	if (zone_of(h, name))
		dns_note(r, "%s. TXT: its SPF record is among the domain's records", name);
	else
		dns_add(r, name, "TXT", "v=spf1 a -all");
}

/* The host's name gets every address from which it sends: `mx` in SPF then covers them. */
static bool add_outbound(struct dns_records *r, const char *host, const struct dns_host *h)
{
	const struct value *outbound = map_at(h->mail, "outbound");
	const struct value *list =
		outbound && outbound->type == VALUE_MAP ? map_at(outbound, "addresses") : NULL;
	struct value *seen = value_map(r->a);
	for (size_t i = 0; list && list->type == VALUE_LIST && i < list->list.n; i++)
		add_address(r, host, map_cstr(list->list.v[i], "address", ""));
	for (size_t i = 0; list && list->type == VALUE_LIST && i < list->list.n; i++) {
		const char *helo = map_cstr(list->list.v[i], "helo", host);
		if (strcasecmp(helo, host) == 0)
			continue;
		add_address(r, helo, map_cstr(list->list.v[i], "address", ""));
		if (!map_at(seen, helo))
			add_helo(r, h, helo);
		map_put(r->a, seen, helo, value_null(r->a));
	}
	return list && list->type == VALUE_LIST && list->list.n > 0;
}

/* A fact is input from the host: only a valid address may become a line of the zone. */
static bool add_default(
	struct dns_records *r, const char *host, const struct value *facts, const char *fact)
{
	const struct value *m = facts ? map_at(facts, fact) : NULL;
	const char *address = m && m->type == VALUE_MAP ? map_cstr(m, "address", "") : "";
	unsigned char ip[sizeof(struct in6_addr)];
	bool known = inet_pton(strchr(address, ':') ? AF_INET6 : AF_INET, address, ip) == 1;
	if (known)
		add_address(r, host, address);
	return known;
}

void dns_host_records(struct dns_records *r, const struct dns_host *h, const struct value *dkim)
{
	const char *host = map_cstr(h->mail, "hostname", "localhost");
	dns_note(r, "%s (the host)", host);
	if (!add_outbound(r, host, h)) {
		bool four = add_default(r, host, h->facts, "default_ipv4");
		bool six = add_default(r, host, h->facts, "default_ipv6");
		if (!four && !six)
			dns_note(r, "%s. A, AAAA: not known%s", host,
				h->facts ? ": the host has no default route"
					 : " without contacting the host");
	}
	add_helo(r, h, host);
	add_dkim(r, h, host, dkim);
}
