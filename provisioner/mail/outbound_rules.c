/* SPDX-License-Identifier: MIT
 *
 * Rules of how mail leaves and what is let in: outbound addresses, smart host, transports,
 * postscreen, header checks. Reports every problem with its place; contacts no host and no name
 * server.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include "mail/mail.h"

enum { TRANSPORT_MOST = 40, REASON_MOST = 400, LOGIN_MOST = 255 };

struct rules {
	struct arena *a;
	const struct mail_state *mail;
	struct errs *errs;
	struct value *addresses; /* normal form -> null */
};

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return strlen(s.p) == s.n;
}

/* ---- outbound addresses ---- */
int mail_ip(struct arena *a, struct str text, struct str *out)
{
	static const int families[] = {AF_INET, AF_INET6};
	unsigned char ip[16];
	char normal[INET6_ADDRSTRLEN];
	for (size_t i = 0; strlen(text.p) == text.n && i < ARRAY_LEN(families); i++)
		if (inet_pton(families[i], text.p, ip) == 1 &&
			inet_ntop(families[i], ip, normal, sizeof(normal))) {
			*out = str_dup(a, normal, strlen(normal));
			return families[i] == AF_INET ? 4 : 6;
		}
	return 0;
}

static void check_address(struct rules *r, const struct mail_out *entry)
{
	struct mail_text address = entry->address, helo = entry->helo;
	struct str ip;
	if (helo.s.p && !mail_fqdn(helo.s))
		errs_add(r->errs, mail_pos(helo),
			"helo '%s' is not a fully qualified name, such as mx1.example.com",
			helo.s.p);
	if (!address.s.p)
		return;
	if (!mail_ip(r->a, address.s, &ip))
		errs_add(r->errs, mail_pos(address), "'%s' is not an IP address", address.s.p);
	else if (map_get(r->addresses, ip))
		errs_add(r->errs, mail_pos(address), "address %s is listed twice", ip.p);
	else
		map_set(r->a, r->addresses, ip, value_null(r->a));
}

static size_t count_state(const struct mail_outbound *all, enum mail_out_state state)
{
	size_t n = 0;
	for (size_t i = 0; i < all->n_addresses; i++)
		n += all->addresses[i].state == state;
	return n;
}

static void check_assign(struct rules *r, const struct mail_entries *assign)
{
	struct value *seen = value_map(r->a);
	for (size_t i = 0; i < assign->n; i++) {
		const struct mail_entry *e = &assign->v[i];
		struct str name, ip;
		if (!mail_domain_ascii(r->a, e->key, &name))
			errs_add(r->errs, e->pos, "'%s' is not a domain name", e->key.p);
		else if (map_get(seen, name))
			errs_add(r->errs, e->pos, "'%s' is assigned twice", name.p);
		else
			map_set(r->a, seen, name, value_null(r->a));
		if (mail_unknown(e->to))
			continue;
		if (!e->to.s.p || !mail_ip(r->a, e->to.s, &ip))
			errs_add(r->errs, mail_pos(e->to), "'%s' must be assigned to an IP address",
				e->key.p);
		else if (!map_get(r->addresses, ip))
			errs_add(r->errs, mail_pos(e->to),
				"'%s' is assigned to %s, which is not in mail.outbound.addresses",
				e->key.p, ip.p);
	}
}

static void check_outbound(struct rules *r)
{
	const struct mail_outbound *all = &r->mail->outbound;
	r->addresses = value_map(r->a);
	for (size_t i = 0; i < all->n_addresses; i++)
		check_address(r, &all->addresses[i]);
	if (all->map && !value_find_type(all->map, VALUE_UNKNOWN))
		check_assign(r, &all->assign);
	if (all->n_addresses == 0 || value_find_type(all->list, VALUE_UNKNOWN))
		return;
	if (!count_state(all, MAIL_OUT_ACTIVE) && !count_state(all, MAIL_OUT_STANDBY))
		errs_add(r->errs, all->list->pos,
			"every outbound address is cooling, so no mail can leave; make one active");
	else if (!count_state(all, MAIL_OUT_STANDBY))
		errs_warn(r->errs, all->list->pos,
			"no outbound address is on standby; add one with state: standby to switch "
			"to when this one gets blocked");
}

/* ---- smart host ---- */
static bool host_ok(struct arena *a, struct str host)
{
	struct str name = host, ip;
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		name = str_dup(a, host.p + 1, host.n - 2);
	if (str_starts(name, "IPv6:"))
		name = str_c(name.p + 5);
	return mail_fqdn(name) || mail_ip(a, name, &ip);
}

static void check_smart_host(struct rules *r)
{
	const struct mail_smart_host *smart = &r->mail->smart_host;
	struct mail_text host = smart->host, user = smart->user, password = smart->password;
	if (host.s.p && !host_ok(r->a, host.s))
		errs_add(r->errs, mail_pos(host),
			"'%s' is not a host; write relay.example.net, [relay.example.net] or an "
			"address in brackets, and the port in its own key",
			host.s.p);
	if (!user.v != !password.v)
		errs_add(r->errs, smart->map->pos,
			"mail.smart_host needs both user and password, or neither");
	if (user.s.p && (user.s.n == 0 || strchr(user.s.p, ':') || !is_printable(user.s)))
		errs_add(r->errs, mail_pos(user),
			"the user of mail.smart_host must not contain a colon");
	if (password.s.p &&
		(password.s.n == 0 || password.s.n > LOGIN_MOST || !is_printable(password.s) ||
			password.s.p[password.s.n - 1] == ' '))
		errs_add(r->errs, mail_pos(password),
			"the password of mail.smart_host must be one line of 1 to %d bytes "
			"without a blank at its end",
			LOGIN_MOST);
}

/* ---- transports ---- */
/* Does the operator's own part of master.cf define a service of that name? */
static bool own_service(const struct rules *r, struct str name)
{
	const char *p = r->mail->master.s.p ? r->mail->master.s.p : "";
	for (; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (strncmp(p, name.p, name.n) == 0 && (p[name.n] == ' ' || p[name.n] == '\t'))
			return true;
	return false;
}

static bool service_known(const struct rules *r, struct str name)
{
	static const char *const names[] = {"smtp", "relay", "lmtp", "error", "retry", "discard",
		"local", "virtual", "relaylim", "oneshot"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(name, names[i]))
			return true;
	return own_service(r, name);
}

static bool check_hop(struct rules *r, const struct mail_entry *e)
{
	struct str hop = e->to.s, name;
	size_t n = strcspn(hop.p, ":");
	name = str_dup(r->a, hop.p, n);
	if (hop.n > REASON_MOST || n == 0 || n > TRANSPORT_MOST || !is_printable(hop))
		return errs_add(r->errs, mail_pos(e->to),
			"'%s' is not a valid next hop for mail to '%s'", hop.p, e->key.p);
	if (n == hop.n && !str_is(name, "relaylim") && !str_is(name, "oneshot"))
		return errs_add(r->errs, mail_pos(e->to),
			"'%s' is not a valid next hop; write relaylim, oneshot, error:TEXT or "
			"transport:nexthop",
			hop.p);
	if (!service_known(r, name))
		return errs_add(r->errs, mail_pos(e->to),
			"transport '%s' does not exist; use smtp, lmtp, error, discard, relaylim "
			"or oneshot, or define it in mail.postfix.master",
			name.p);
	return true;
}

static bool hosted_here(const struct rules *r, struct str name)
{
	for (size_t i = 0; i < r->mail->n_domains; i++) {
		const struct mail_domain *d = &r->mail->domains[i];
		if (d->name.p && str_eq(d->name, name) && d->provider == MAIL_BUILTIN)
			return true;
	}
	return false;
}

static void check_transports(struct rules *r)
{
	const struct mail_entries *hops = &r->mail->transports;
	struct value *seen = value_map(r->a);
	for (size_t i = 0; i < hops->n; i++) {
		const struct mail_entry *e = &hops->v[i];
		bool below = e->key.p[0] == '.';
		struct str name, whole = below ? str_printf(r->a, "x%s", e->key.p) : e->key;
		if (!mail_domain_ascii(r->a, whole, &name))
			errs_add(r->errs, e->pos,
				"'%s' is neither a domain name nor .NAME for its subdomains",
				e->key.p);
		else if (!below && hosted_here(r, name))
			errs_add(r->errs, e->pos,
				"'%s' is hosted here, so its mail is delivered on this host; "
				"remove it from mail.transports",
				name.p);
		else if (map_get(seen, str_c(name.p + below)))
			errs_add(r->errs, e->pos, "'%s' has two next hops", name.p + below);
		else
			map_set(r->a, seen, str_c(name.p + below), value_null(r->a));
		if (e->to.s.p)
			check_hop(r, e);
		else if (!mail_unknown(e->to))
			errs_add(r->errs, mail_pos(e->to),
				"the next hop of '%s' must be text, not %s", e->key.p,
				value_type_name(e->to.v));
	}
}

/* ---- port 25 ---- */
/* ZONE[=ANSWERS][*WEIGHT], the syntax of postscreen_dnsbl_sites. */
static bool dnsbl_ok(struct arena *a, struct str entry)
{
	size_t zone = strcspn(entry.p, "=*");
	const char *p = entry.p + zone;
	struct str name;
	if (!mail_domain_ascii(a, str_dup(a, entry.p, zone), &name) || strlen(entry.p) != entry.n)
		return false;
	if (*p == '=') {
		size_t n = strspn(p + 1, "0123456789.[];");
		if (n == 0 || !isdigit((unsigned char)p[1]))
			return false;
		p += n + 1;
	}
	if (*p == '*') {
		p += p[1] == '-' ? 2 : 1;
		size_t digits = strspn(p, "0123456789");

		if (digits == 0 || digits > 3)
			return false;
		p += digits;
	}
	return *p == 0;
}

static void check_postscreen(struct rules *r)
{
	const struct mail_texts *lists = &r->mail->dnsbl;
	for (size_t i = 0; i < lists->n; i++) {
		struct mail_text list = mail_nth(lists, i);
		if (list.s.p && !dnsbl_ok(r->a, list.s))
			errs_add(r->errs, mail_pos(list),
				"'%s' is not a blocklist; write zen.spamhaus.org*2, or with the "
				"answers that count, zen.spamhaus.org=127.0.0.[2..11]*2",
				list.s.p);
	}
}

/* A line of header_checks(5): /pattern/flags action, if /pattern/flags, or endif. */
static bool header_check_ok(struct str line)
{
	static const char *const actions[] = {"BCC", "DISCARD", "DUNNO", "FILTER", "HOLD", "IGNORE",
		"INFO", "PASS", "PREPEND", "REDIRECT", "REJECT", "REPLACE", "STRIP", "WARN"};
	const char *p = line.p;
	bool condition = strncasecmp(p, "if ", 3) == 0;

	if (strcasecmp(p, "endif") == 0)
		return true;
	p += condition ? 2 + strspn(p + 2, " \t") : 0;
	p += *p == '!';
	if (*p != '/')
		return false;
	for (p++; *p && *p != '/'; p++)
		p += *p == '\\' && p[1] ? 1 : 0;
	if (*p != '/')
		return false;
	p += 1 + strspn(p + 1, "imsxAEUXS");
	if (condition)
		return *p == 0;
	if (*p != ' ' && *p != '\t')
		return false;
	p += strspn(p, " \t");
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (strncasecmp(p, actions[i], strlen(actions[i])) == 0 &&
			!isalpha((unsigned char)p[strlen(actions[i])]))
			return true;
	return false;
}

static void check_headers(struct rules *r)
{
	const struct mail_texts *lines = &r->mail->header_checks;
	for (size_t i = 0; i < lines->n; i++) {
		struct mail_text line = mail_nth(lines, i);
		if (line.s.p && (!is_printable(line.s) || !header_check_ok(line.s)))
			errs_add(r->errs, mail_pos(line),
				"'%s' is not a line of header_checks(5); write one like "
				"/^Subject: .*viagra/ REJECT no thanks",
				line.s.p);
	}
}

/* The role appends the text to master.cf: an indented first line would continue the last line
 * before it. */
static void check_master(struct rules *r)
{
	struct mail_text master = r->mail->master;
	if (master.s.p && strchr(" \t", master.s.p[strspn(master.s.p, "\n")]) &&
		master.s.p[strspn(master.s.p, " \t\n")])
		errs_add(r->errs, mail_pos(master),
			"mail.postfix.master must begin with a service in the first column");
}

void mail_outbound_rules(struct arena *a, const struct mail_state *mail, struct errs *errs)
{
	struct rules r = {.a = a, .mail = mail, .errs = errs};
	check_outbound(&r);
	check_smart_host(&r);
	check_transports(&r);
	check_postscreen(&r);
	check_headers(&r);
	check_master(&r);
}
