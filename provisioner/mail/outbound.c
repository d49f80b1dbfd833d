/* SPDX-License-Identifier: MIT
 *
 * How mail leaves, in the form that Postfix's role needs: a transport for each outbound address,
 * which one each sender uses, and the next hops by domain. Reads no file; of the host only the
 * facts that list its addresses.
 */
#include "mail/mail.h"

struct out {
	struct arena *a;
	const struct mail_state *mail;
	struct value *services; /* in use: every address that is not cooling */
	struct str transport;   /* for senders without an assigned address: "smtp:" */
	struct str relay;       /* "[relay.example.net]:587", or empty */
	struct value *seen;     /* sender -> null */
};

static struct value *make_text(struct arena *a, struct str s)
{
	struct value *v = value_str(a, s);
	v->literal = true;
	return v;
}

static struct value *make_pair(
	struct arena *a, const char *k1, struct str v1, const char *k2, struct str v2)
{
	struct value *m = value_map(a);
	map_put(a, m, k1, make_text(a, v1));
	map_put(a, m, k2, make_text(a, v2));
	return m;
}

/* ---- addresses ---- */
/* The name of the address's service in master.cf. */
static struct str service_name(struct arena *a, struct str ip)
{
	char *name = arena_printf(a, "out-%s", ip.p);
	for (char *p = name; *p; p++)
		if (*p == '.' || *p == ':')
			*p = '-';
	return str_c(name);
}

/* The server's name, also before it is settled. */
static struct str host_of(const struct mail_state *mail)
{
	return mail->hostname.s.p ? mail->hostname.s : str_c("localhost");
}

static void add_service(struct out *o, const struct mail_out *entry)
{
	struct value *m;
	struct str ip;
	int family = mail_ip(o->a, entry->address.s, &ip);
	m = make_pair(o->a, "name", service_name(o->a, ip), "address", ip);
	map_put(o->a, m, "family", value_int(o->a, family));
	map_put(o->a, m, "helo",
		make_text(o->a, entry->helo.s.p ? entry->helo.s : host_of(o->mail)));
	list_add(o->a, o->services, m);
}

/* Active ones first: the first of the list is the default. */
static void add_services(struct out *o)
{
	static const enum mail_out_state states[] = {MAIL_OUT_ACTIVE, MAIL_OUT_STANDBY};
	const struct mail_outbound *all = &o->mail->outbound;
	for (size_t s = 0; s < ARRAY_LEN(states); s++)
		for (size_t i = 0; i < all->n_addresses; i++)
			if (all->addresses[i].state == states[s])
				add_service(o, &all->addresses[i]);
}

/* The transport of a sender who is assigned to the address; the default one while it is cooling. */
static struct str assigned_service(struct out *o, struct str address)
{
	struct str ip;
	mail_ip(o->a, address, &ip);
	for (size_t i = 0; i < o->services->list.n; i++)
		if (str_eq(map_at(o->services->list.v[i], "address")->s, ip))
			return str_printf(
				o->a, "%s:", map_cstr(o->services->list.v[i], "name", "smtp"));
	return o->transport;
}

/* ---- senders ---- */
static void add_sender(struct out *o, struct value *list, struct str sender, struct str transport)
{
	if (map_get(o->seen, sender))
		return;
	map_set(o->a, o->seen, sender, value_null(o->a));
	list_add(o->a, list, make_pair(o->a, "sender", sender, "transport", transport));
}

/* Our own senders: the assigned domains, the hosted ones, the host itself, and the null sender of
 * bounces. Mail with any other sender is forwarded mail. */
static struct value *list_senders(struct out *o)
{
	const struct mail_entries *assign = &o->mail->outbound.assign;
	const struct mail_texts *former = &o->mail->former_hostnames;
	struct value *list = value_list(o->a);
	struct str name;
	for (size_t i = 0; i < assign->n; i++)
		if (mail_domain_ascii(o->a, assign->v[i].key, &name))
			add_sender(o, list, str_printf(o->a, "@%s", name.p),
				assigned_service(o, assign->v[i].to.s));
	add_sender(o, list, str_c("<>"), o->transport);
	add_sender(o, list, str_printf(o->a, "@%s", host_of(o->mail).p), o->transport);
	for (size_t i = 0; i < former->n; i++)
		add_sender(o, list, str_printf(o->a, "@%s", mail_nth(former, i).s.p), o->transport);
	for (size_t i = 0; i < o->mail->n_domains; i++)
		if (o->mail->domains[i].local && o->mail->domains[i].name.p)
			add_sender(o, list, str_printf(o->a, "@%s", o->mail->domains[i].name.p),
				o->transport);
	return list;
}

/* ---- next hops ---- */
static struct str relay_of(struct arena *a, const struct mail_smart_host *smart)
{
	if (!smart->map)
		return str_c("");
	return str_printf(a, "%s:%lld", smart->host.s.p, (long long)smart->port.i);
}

/* relaylim and oneshot use the smart host where there is one. */
static struct str hop_of(struct out *o, struct str hop)
{
	if (str_is(hop, "relaylim") || str_is(hop, "oneshot"))
		hop = str_printf(o->a, "%s:", hop.p);
	if (str_is(hop, "relaylim:") || str_is(hop, "oneshot:"))
		return str_printf(o->a, "%s%s", hop.p, o->relay.p);
	return hop;
}

static bool ends_here(struct str hop)
{
	return str_starts(hop, "error:") || str_starts(hop, "discard:") ||
	       str_starts(hop, "retry:") || str_starts(hop, "local:") ||
	       str_starts(hop, "virtual:");
}

/* leaves: the next hops of mail that leaves this host; else those that refuse or deliver it here.
 * SRS rewrites senders for the former only. */
static struct value *list_hops(struct out *o, bool leaves)
{
	const struct mail_entries *hops = &o->mail->transports;
	struct value *list = value_list(o->a);
	struct str name;
	for (size_t i = 0; i < hops->n; i++) {
		const struct mail_entry *e = &hops->v[i];
		bool below = e->key.p[0] == '.';
		struct str hop = hop_of(o, e->to.s);
		if (ends_here(hop) != leaves &&
			mail_domain_ascii(
				o->a, below ? str_printf(o->a, "x%s", e->key.p) : e->key, &name))
			list_add(o->a, list,
				make_pair(o->a, "domain", below ? str_c(name.p + 1) : name,
					"transport", hop));
	}
	return list;
}

/* ---- blocklists ---- */
/* Answers that mean "too many queries" or "this resolver is refused" must not count as a listing:
 * blocklists answer 127.0.0.2 and up, allowlists (weight below 0) encode more in the answer. */
static struct str narrow_dnsbl(struct arena *a, struct str entry)
{
	size_t zone = strcspn(entry.p, "=*");
	const char *rest = entry.p + zone;
	if (*rest == '=')
		return entry;
	return str_printf(a, "%s=127.0.%s%s", str_dup(a, entry.p, zone).p,
		rest[0] == '*' && rest[1] == '-' ? "[0..255].[0..254]" : "0.[2..254]", rest);
}

static struct value *list_dnsbls(struct out *o)
{
	const struct mail_texts *lists = &o->mail->dnsbl;
	struct value *out = value_list(o->a);
	for (size_t i = 0; i < lists->n; i++)
		list_add(o->a, out, make_text(o->a, narrow_dnsbl(o->a, mail_nth(lists, i).s)));
	return out;
}

void mail_derive_outbound(struct arena *a, const struct mail_state *mail, struct value *out)
{
	struct out o = {.a = a, .mail = mail};
	struct value *m = value_map(a);
	o.seen = value_map(a);
	o.services = value_list(a);
	o.relay = relay_of(a, &mail->smart_host);
	add_services(&o);
	o.transport = str_c(o.relay.n ? "smarthost:" : "smtp:");
	if (o.services->list.n)
		o.transport = str_printf(a, "%s:", map_cstr(o.services->list.v[0], "name", "smtp"));
	m->literal = true;
	map_put(a, m, "addresses", o.services);
	map_put(a, m, "transport", make_text(a, o.transport));
	map_put(a, m, "relay", make_text(a, o.relay));
	map_put(a, m, "senders", list_senders(&o));
	map_put(a, m, "hops", list_hops(&o, true));
	map_put(a, m, "ends", list_hops(&o, false));
	map_put(a, m, "dnsbl", list_dnsbls(&o));
	map_put(a, out, "mail_outbound", m);
}

/* ---- facts ---- */
static bool has_address(const struct value *facts, struct arena *a, struct str ip)
{
	static const char *const names[] = {"all_ipv4_addresses", "all_ipv6_addresses"};
	struct str other;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct value *list = map_at(facts, names[i]);
		for (size_t j = 0; list && list->type == VALUE_LIST && j < list->list.n; j++)
			if (list->list.v[j]->type == VALUE_STR &&
				mail_ip(a, list->list.v[j]->s, &other) && str_eq(ip, other))
				return true;
	}
	return false;
}

void mail_outbound_on_host(const struct mail_env *env, struct arena *a,
	const struct mail_state *mail, struct errs *errs)
{
	const struct mail_outbound *all = &mail->outbound;
	struct str ip;
	if (!env->facts || !map_at(env->facts, "all_ipv4_addresses"))
		return;
	for (size_t i = 0; i < all->n_addresses; i++) {
		struct mail_text address = all->addresses[i].address;
		if (!address.s.p || !mail_ip(a, address.s, &ip) || has_address(env->facts, a, ip))
			continue;
		errs_add(errs, mail_pos(address),
			"outbound address %s is on no interface of host '%s'; add it there or "
			"remove it from mail.outbound",
			ip.p, env->host);
	}
}
