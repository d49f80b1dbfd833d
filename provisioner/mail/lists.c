/* SPDX-License-Identifier: MIT
 *
 * Mailing lists in the mail state: their rules, and what the roles need of them. Knows which
 * addresses an engine takes beside a list's own, not its files.
 */
#include <ctype.h>
#include "mail/mail.h"

enum { LIST_NAME_MAX = 48 };
/* The domain of Postfix's aliases for Majordomo's commands; nobody outside can send to it, because
 * it is not one of our domains. */
#define MAJORDOMO_DOMAIN "majordomo.invalid"

/* An address that Majordomo takes beside a list's own: it leads to one of its programs, or to
 * people. */
struct companion {
	const char *before, *after;
	bool command;   /* leads to a program of Majordomo; otherwise to people */
	bool moderator; /* to the moderators; otherwise to the owner */
};
static const struct companion companions[] = {
	{"", "", true, false},
	{"", "-request", true, false},
	{"owner-", "", false, false},
	{"", "-owner", false, false},
	{"", "-approval", false, true},
};
static const struct companion servers[] = {
	{"", "", true, false},
	{"owner-", "", false, false},
	{"", "-owner", false, false},
};

static bool uses_majordomo(const struct mail_state *mail)
{
	return mail->engines.engine == MAIL_MAJORDOMO;
}

bool mail_lists_own(const struct mail_state *mail)
{
	return !uses_majordomo(mail);
}

static struct str companion_address(
	struct arena *a, const struct companion *c, const char *name, const char *domain)
{
	return str_printf(a, "%s%s%s@%s", c->before, name, c->after, domain);
}

void mail_list_service_addresses(struct arena *a, const struct mail_state *mail, struct str list,
	struct str domain, struct value *out)
{
	if (!uses_majordomo(mail))
		return;
	for (size_t i = 1; i < ARRAY_LEN(companions); i++)
		map_set(a, out, companion_address(a, &companions[i], list.p, domain.p),
			value_null(a));
	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		map_set(a, out, companion_address(a, &servers[i], "majordomo", domain.p),
			value_null(a));
}

/* ---- rules ---- */
struct list_rules {
	struct arena *a;
	const struct mail_state *mail;
	struct errs *errs;
	bool majordomo;
	struct mail_routes *routes;
	struct value *domains; /* ASCII name of each local domain -> null */
	struct value *taken;   /* address -> what has it, for messages */
};

static void take_address(struct list_rules *r, struct str address, const char *what)
{
	map_set(r->a, r->taken, address, value_text(r->a, what));
}

/* Collects every address of the hosted domains, to find those that collide with a list. */
static void take_all(struct list_rules *r)
{
	const struct mail_texts *traps = &r->mail->spam_traps;
	for (size_t i = 0; i < traps->n; i++) {
		struct str trap = mail_nth(traps, i).s;
		if (trap.p)
			take_address(r, mail_address(r->a, trap, str_c("")), "spam trap");
	}
	for (size_t i = 0; i < r->mail->n_domains; i++) {
		const struct mail_domain *d = &r->mail->domains[i];
		if (!mail_receives(d))
			continue;
		map_set(r->a, r->domains, d->name, value_null(r->a));
		for (size_t j = 0; j < d->n_lists; j++)
			take_address(r, d->lists[j].address, "list");
		for (size_t j = 0; j < d->n_mailboxes; j++)
			take_address(r, d->mailboxes[j].address, "mailbox");
		for (size_t j = 0; j < d->n_aliases; j++)
			take_address(r, d->aliases[j].address, "alias");
	}
}

/* Stricter than for mailboxes: the name becomes part of bounce addresses and of commands. */
static bool name_ok(const struct list_rules *r, struct str s)
{
	if (mail_local_wrong(s) || s.n > LIST_NAME_MAX || s.p[0] == '_')
		return false;
	if (r->majordomo && strstr(s.p, "--")) /* Majordomo's commands are named NAME--DOMAIN */
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!islower((unsigned char)s.p[i]) && !isdigit((unsigned char)s.p[i]) &&
			!strchr(r->majordomo ? "_-" : "._-", s.p[i]))
			return false;
	return true;
}

static bool check_name(struct list_rules *r, const struct mail_list *list)
{
	static const char *const duties[] = {"postmaster", "abuse", "majordomo"};

	for (size_t i = 0; i < ARRAY_LEN(duties); i++)
		if (str_is(list->name, duties[i]))
			return errs_add(r->errs, list->pos,
				"'%s' cannot be a list: the address is reserved", list->name.p);
	if (name_ok(r, list->name))
		return true;
	return errs_add(r->errs, list->pos,
		"'%s' is not a valid name for a list%s; use lower-case letters, digits and %s, at "
		"most %d characters",
		list->name.p, r->majordomo ? " of Majordomo" : "",
		r->majordomo ? "- _ (but no --)" : ". - _", LIST_NAME_MAX);
}

/* Majordomo itself names the subscribers of a list NAME-outgoing. */
static void check_outgoing(struct list_rules *r, const struct mail_list *list, struct str domain)
{
	struct str address = str_printf(r->a, "%s-outgoing@%s", list->name.p, domain.p);
	const struct value *what = map_get(r->taken, address);
	if (r->majordomo && what && str_is(what->s, "list"))
		errs_add(r->errs, list->pos,
			"list '%s' and list '%s' cannot both be Majordomo's: it uses the second "
			"address for the subscribers of the first",
			list->address.p, address.p);
}

/* `taken` holds the list's own address as "list", unless a mailbox or an alias has it, too. */
static void check_taken(struct list_rules *r, const struct mail_list *list, struct str domain)
{
	size_t n = r->majordomo ? ARRAY_LEN(companions) : 1;
	for (size_t i = 0; i < n; i++) {
		struct str address =
			companion_address(r->a, &companions[i], list->name.p, domain.p);
		const struct value *what = map_get(r->taken, address);
		if (what && (i || !str_is(what->s, "list")))
			errs_add(r->errs, list->pos,
				"list '%s' needs the address '%s', which already belongs to %s %s",
				list->address.p, address.p, str_is(what->s, "alias") ? "an" : "a",
				what->s.p);
	}
}

/* Checks one person of a list; problems point to where that person is named. */
static bool check_person(struct list_rules *r, struct mail_text who, struct str list,
	struct str domain, const char *role, struct str *out)
{
	struct pos pos = mail_pos(who);
	const char *wrong;
	if (mail_unknown(who))
		return false;
	wrong = !who.s.p            ? ""
		: who.s.p[0] == '.' ? "its first character is '.'"
				    : mail_target_wrong(who.s);
	if (wrong)
		return errs_add(r->errs, pos,
			"%s of list '%s' must be an address or the name of a mailbox%s%s", role,
			list.p, *wrong ? ": " : "", wrong);
	*out = mail_address(r->a, who.s, domain);
	if (str_eq(*out, list))
		return errs_add(
			r->errs, pos, "%s of list '%s' is the list's own address", role, list.p);
	if (mail_routes_find(r->routes, *out) == MAIL_NOWHERE)
		return errs_add(r->errs, pos, "%s of list '%s' is '%s', which does not exist%s",
			role, list.p, out->p, mail_routes_near(r->routes, *out));
	if (mail_routes_find(r->routes, *out) == MAIL_CAUGHT)
		errs_warn(r->errs, pos,
			"%s of list '%s' is '%s', an address that only the catch_all takes%s", role,
			list.p, out->p, mail_routes_near(r->routes, *out));
	return true;
}

/* For those who get the engine's reports and what waits for a moderator: such mail must not lead to
 * the list. */
static bool check_keeper(struct list_rules *r, struct mail_text who, struct str list,
	struct str domain, const char *role, struct str *out)
{
	if (!check_person(r, who, list, domain, role, out))
		return false;
	return !mail_routes_reach(r->routes, *out, list) ||
	       errs_add(r->errs, mail_pos(who),
		       "%s of list '%s' is '%s', which leads to the list itself", role, list.p,
		       out->p);
}

static void check_people(struct list_rules *r, const struct mail_texts *people, struct str list,
	struct str domain, bool members)
{
	const char *role = members ? "a member" : "a moderator";
	struct value *seen = value_map(r->a);
	struct str address;
	for (size_t i = 0; i < people->n; i++) {
		struct mail_text who = mail_nth(people, i);
		if (!(members ? check_person(r, who, list, domain, role, &address)
			      : check_keeper(r, who, list, domain, role, &address)))
			continue;
		if (map_get(seen, address))
			errs_add(r->errs, mail_pos(who), "%s of list '%s': '%s' is named twice",
				role, list.p, address.p);
		map_set(r->a, seen, address, value_null(r->a));
	}
}

static void check_prefix(struct list_rules *r, struct mail_text prefix)
{
	if (prefix.s.p && (prefix.s.n == 0 || prefix.s.n > 60 || strpbrk(prefix.s.p, "\r\n") ||
				  strlen(prefix.s.p) != prefix.s.n))
		errs_add(r->errs, mail_pos(prefix),
			"subject_prefix must be one line of 1 to 60 bytes");
}

static void check_list(struct list_rules *r, const struct mail_list *list, struct str domain)
{
	struct str address = list->address, owner;
	if (!check_name(r, list) || !list->map)
		return;
	check_taken(r, list, domain);
	check_outgoing(r, list, domain);
	if (list->owner.s.p)
		check_keeper(r, list->owner, address, domain, "owner", &owner);
	check_people(r, &list->moderators, address, domain, false);
	check_people(r, &list->members, address, domain, true);
	check_prefix(r, list->subject_prefix);
}

static void check_domain(struct list_rules *r, const struct mail_domain *d)
{
	if (!d->n_lists || !d->name.p || !map_get(r->domains, d->name)) /* reported elsewhere */
		return;
	for (size_t i = 0; i < d->n_lists; i++)
		check_list(r, &d->lists[i], d->name);
	if (r->majordomo && map_get(r->taken, str_printf(r->a, "majordomo@%s", d->name.p)))
		errs_add(r->errs, d->pos,
			"'majordomo@%s' is reserved: Majordomo takes its commands there",
			d->name.p);
}

static bool any_list(const struct mail_state *mail)
{
	for (size_t i = 0; i < mail->n_domains; i++)
		if (mail->domains[i].n_lists)
			return true;
	return false;
}

void mail_lists_rules(struct arena *a, const struct mail_state *mail, struct mail_routes *routes,
	struct errs *errs)
{
	struct list_rules r = {.a = a,
		.mail = mail,
		.errs = errs,
		.routes = routes,
		.majordomo = uses_majordomo(mail)};
	if (!mail->domains_known || !any_list(mail))
		return;
	r.domains = value_map(a);
	r.taken = value_map(a);
	take_all(&r);
	for (size_t i = 0; i < mail->n_domains; i++)
		check_domain(&r, &mail->domains[i]);
}

/* ---- for the roles ---- */
struct list_derive {
	struct arena *a;
	const struct mail_state *mail;
	struct value *lists, *aliases;
	bool majordomo;
};

static struct value *make_text(struct list_derive *d, struct str s)
{
	struct value *v = value_str(d->a, s);
	v->literal = true;
	return v;
}

static struct value *list_people(
	struct list_derive *d, const struct mail_texts *in, struct str domain)
{
	struct value *out = value_list(d->a);
	for (size_t i = 0; i < in->n; i++)
		list_add(d->a, out, make_text(d, mail_address(d->a, mail_nth(in, i).s, domain)));
	return out;
}

static void add_alias(struct list_derive *d, struct str address, struct value *targets)
{
	struct value *m = value_map(d->a);
	map_put(d->a, m, "address", make_text(d, address));
	map_put(d->a, m, "targets", targets);
	list_add(d->a, d->aliases, m);
}

static struct value *list_one(struct list_derive *d, struct str address)
{
	struct value *list = value_list(d->a);
	list_add(d->a, list, make_text(d, address));
	return list;
}

/* An address that a program takes leads to an entry NAME--DOMAIN of Majordomo's alias table. */
static struct value *command_target(
	struct list_derive *d, const struct companion *c, const char *name, const char *domain)
{
	return list_one(d, str_printf(d->a, "%s%s%s--%s@" MAJORDOMO_DOMAIN, c->before, name,
				   c->after, domain));
}

/* owner: a list of that one address */
static void add_companions(struct list_derive *d, const char *name, struct str domain,
	struct value *owner, struct value *moderators)
{
	for (size_t i = 0; i < ARRAY_LEN(companions); i++) {
		const struct companion *c = &companions[i];
		struct value *to = c->moderator && moderators->list.n ? moderators : owner;
		add_alias(d, companion_address(d->a, c, name, domain.p),
			c->command ? command_target(d, c, name, domain.p) : to);
	}
}

static void add_server(struct list_derive *d, const struct mail_domain *domain)
{
	const char *name = domain->name.p;
	struct str who = mail_default_postmaster(d->a, d->mail, domain);
	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		add_alias(d, companion_address(d->a, &servers[i], "majordomo", name),
			servers[i].command ? command_target(d, &servers[i], "majordomo", name)
					   : list_one(d, who));
}

static void add_list(struct list_derive *d, const struct mail_list *list, struct str domain)
{
	const struct {
		const char *name;
		struct value *v;
	} same[] = {{"post", list->post}, {"subscription", list->subscription},
		{"subject_prefix", list->subject_prefix.v}, {"reply_to", list->reply_to},
		{"dmarc", list->dmarc}, {"language", list->language}};
	struct str owner = mail_address(d->a, list->owner.s, domain);
	struct value *moderators = list_people(d, &list->moderators, domain);
	struct value *m = value_map(d->a);

	map_put(d->a, m, "address", make_text(d, list->address));
	map_put(d->a, m, "owner", make_text(d, owner));
	map_put(d->a, m, "moderators", moderators);
	map_put(d->a, m, "members", list_people(d, &list->members, domain));
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		map_put(d->a, m, same[i].name, same[i].v ? same[i].v : value_null(d->a));
	list_add(d->a, d->lists, m);
	if (d->majordomo)
		add_companions(d, list->name.p, domain, list_one(d, owner), moderators);
	else /* mlmmj would forward it with the writer as envelope sender */
		add_alias(d, str_printf(d->a, "%s+owner@%s", list->name.p, domain.p),
			list_one(d, owner));
}

/* Adds each alias that leads to an address of `ways`; returns whether there was one. */
static bool add_ways(struct list_derive *d, const struct value *aliases, struct value *ways)
{
	bool added = false;
	for (size_t i = 0; i < aliases->list.n; i++) {
		struct value *address = map_at(aliases->list.v[i], "address");
		const struct value *to = map_at(aliases->list.v[i], "targets");
		for (size_t j = 0; j < to->list.n && !map_get(ways, address->s); j++)
			if (map_get(ways, to->list.v[j]->s)) {
				map_set(d->a, ways, address->s, address);
				added = true;
			}
	}
	return added;
}

static void add_list_ways(struct list_derive *d, struct value *out)
{
	struct value *found = value_map(d->a), *ways = value_list(d->a);
	for (size_t i = 0; i < d->lists->list.n; i++) {
		struct value *address = map_at(d->lists->list.v[i], "address");
		map_set(d->a, found, address->s, address);
	}
	while (found->map.n && add_ways(d, map_at(out, "mail_aliases"), found))
		continue;
	for (size_t i = 0; i < found->map.n; i++)
		list_add(d->a, ways, found->map.e[i].value);
	ways->literal = true;
	map_put(d->a, out, "mail_list_ways", ways);
}

void mail_lists_derive(struct arena *a, const struct mail_state *mail, struct value *out)
{
	struct list_derive d = {.a = a, .mail = mail, .majordomo = uses_majordomo(mail)};
	d.lists = value_list(a);
	d.aliases = value_list(a);
	d.lists->literal = d.aliases->literal = true;
	map_put(a, out, "mail_lists", d.lists);
	map_put(a, out, "mail_list_aliases", d.aliases);
	for (size_t i = 0; i < mail->n_domains; i++) {
		const struct mail_domain *domain = &mail->domains[i];
		if (!domain->n_lists || !mail_receives(domain))
			continue;
		for (size_t j = 0; j < domain->n_lists; j++)
			add_list(&d, &domain->lists[j], domain->name);
		if (d.majordomo)
			add_server(&d, domain);
	}
	add_list_ways(&d, out);
}
