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

static bool uses_majordomo(const struct value *mail)
{
	return strcmp(map_cstr(map_at(mail, "lists"), "engine", "mlmmj"), "majordomo") == 0;
}

bool mail_lists_own(const struct value *mail)
{
	return !uses_majordomo(mail);
}

static struct str companion_address(
	struct arena *a, const struct companion *c, const char *name, const char *domain)
{
	return str_printf(a, "%s%s%s@%s", c->before, name, c->after, domain);
}

void mail_list_service_addresses(struct arena *a, const struct value *mail, struct str list,
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
	const struct value *mail;
	struct errs *errs;
	bool majordomo;
	struct mail_routes *routes;
	struct value *domains; /* ASCII name of each local domain -> null */
	struct value *taken;   /* address -> what has it, for messages */
};

static void take_names(
	struct list_rules *r, const struct value *names, struct str domain, const char *what)
{
	for (size_t i = 0; names && i < names->map.n; i++)
		map_set(r->a, r->taken, mail_join(r->a, names->map.e[i].key, '@', domain),
			value_text(r->a, what));
}

/* Collects every address of the hosted domains, to find those that collide with a list. */
static void take_all(struct list_rules *r, const struct value *domains)
{
	const struct value *traps = map_typed(r->mail, "spam_traps", VALUE_LIST);
	struct str name;
	for (size_t i = 0; traps && i < traps->list.n; i++)
		if (traps->list.v[i]->type == VALUE_STR)
			map_set(r->a, r->taken, mail_address(r->a, traps->list.v[i]->s, str_c("")),
				value_text(r->a, "spam trap"));
	for (size_t i = 0; i < domains->map.n; i++) {
		const struct map_entry *e = &domains->map.e[i];
		if (e->value->type != VALUE_MAP || !mail_is_local(r->mail, e->value) ||
			!mail_domain_ascii(r->a, e->key, &name))
			continue;
		map_set(r->a, r->domains, name, value_null(r->a));
		take_names(r, map_typed(e->value, "lists", VALUE_MAP), name, "list");
		take_names(r, map_typed(e->value, "mailboxes", VALUE_MAP), name, "mailbox");
		take_names(r, map_typed(e->value, "aliases", VALUE_MAP), name, "alias");
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

static bool check_name(struct list_rules *r, const struct map_entry *e)
{
	static const char *const duties[] = {"postmaster", "abuse", "majordomo"};

	for (size_t i = 0; i < ARRAY_LEN(duties); i++)
		if (str_is(e->key, duties[i]))
			return errs_add(r->errs, entry_pos(e),
				"'%s' cannot be a list: the address is reserved", e->key.p);
	if (name_ok(r, e->key))
		return true;
	return errs_add(r->errs, entry_pos(e),
		"'%s' is not a valid name for a list%s; use lower-case letters, digits and %s, at "
		"most %d characters",
		e->key.p, r->majordomo ? " of Majordomo" : "",
		r->majordomo ? "- _ (but no --)" : ". - _", LIST_NAME_MAX);
}

/* Majordomo itself names the subscribers of a list NAME-outgoing. */
static void check_outgoing(struct list_rules *r, const struct map_entry *e, struct str domain)
{
	struct str address = str_printf(r->a, "%s-outgoing@%s", e->key.p, domain.p);
	const struct value *what = map_get(r->taken, address);
	if (r->majordomo && what && str_is(what->s, "list"))
		errs_add(r->errs, entry_pos(e),
			"list '%s@%s' and list '%s' cannot both be Majordomo's: it uses the "
			"second address for the subscribers of the first",
			e->key.p, domain.p, address.p);
}

/* `taken` holds the list's own address as "list", unless a mailbox or an alias has it, too. */
static void check_taken(struct list_rules *r, const struct map_entry *e, struct str domain)
{
	size_t n = r->majordomo ? ARRAY_LEN(companions) : 1;
	for (size_t i = 0; i < n; i++) {
		struct str address = companion_address(r->a, &companions[i], e->key.p, domain.p);
		const struct value *what = map_get(r->taken, address);
		if (what && (i || !str_is(what->s, "list")))
			errs_add(r->errs, entry_pos(e),
				"list '%s@%s' needs the address '%s', which already belongs to %s "
				"%s",
				e->key.p, domain.p, address.p,
				str_is(what->s, "alias") ? "an" : "a", what->s.p);
	}
}

/* Checks one person of a list; problems point to where that person is named. */
static bool check_person(struct list_rules *r, const struct value *v, struct str list,
	struct str domain, const char *role, struct str *out)
{
	const char *wrong;
	if (v->type == VALUE_UNKNOWN)
		return false;
	wrong = v->type != VALUE_STR ? ""
		: v->s.p[0] == '.'   ? "its first character is '.'"
				     : mail_target_wrong(v->s);
	if (wrong)
		return errs_add(r->errs, v->pos,
			"%s of list '%s' must be an address or the name of a mailbox%s%s", role,
			list.p, *wrong ? ": " : "", wrong);
	*out = mail_address(r->a, v->s, domain);
	if (str_eq(*out, list))
		return errs_add(
			r->errs, v->pos, "%s of list '%s' is the list's own address", role, list.p);
	if (mail_routes_find(r->routes, *out) == MAIL_NOWHERE)
		return errs_add(r->errs, v->pos, "%s of list '%s' is '%s', which does not exist%s",
			role, list.p, out->p, mail_routes_near(r->routes, *out));
	if (mail_routes_find(r->routes, *out) == MAIL_CAUGHT)
		errs_warn(r->errs, v->pos,
			"%s of list '%s' is '%s', an address that only the catch_all takes%s", role,
			list.p, out->p, mail_routes_near(r->routes, *out));
	return true;
}

/* For those who get the engine's reports and what waits for a moderator: such mail must not lead to
 * the list. */
static bool check_keeper(struct list_rules *r, const struct value *v, struct str list,
	struct str domain, const char *role, struct str *out)
{
	if (!check_person(r, v, list, domain, role, out))
		return false;
	return !mail_routes_reach(r->routes, *out, list) ||
	       errs_add(r->errs, v->pos, "%s of list '%s' is '%s', which leads to the list itself",
		       role, list.p, out->p);
}

static void check_people(struct list_rules *r, const struct value *people, struct str list,
	struct str domain, bool members)
{
	const char *role = members ? "a member" : "a moderator";
	struct value *seen = value_map(r->a);
	struct str address;
	for (size_t i = 0; people && i < people->list.n; i++) {
		const struct value *v = people->list.v[i];
		if (!(members ? check_person(r, v, list, domain, role, &address)
			      : check_keeper(r, v, list, domain, role, &address)))
			continue;
		if (map_get(seen, address))
			errs_add(r->errs, v->pos, "%s of list '%s': '%s' is named twice", role,
				list.p, address.p);
		map_set(r->a, seen, address, value_null(r->a));
	}
}

static void check_prefix(struct list_rules *r, const struct value *def)
{
	const struct value *prefix = map_typed(def, "subject_prefix", VALUE_STR);
	if (prefix && (prefix->s.n == 0 || prefix->s.n > 60 || strpbrk(prefix->s.p, "\r\n") ||
			      strlen(prefix->s.p) != prefix->s.n))
		errs_add(r->errs, prefix->pos, "subject_prefix must be one line of 1 to 60 bytes");
}

static void check_list(struct list_rules *r, const struct map_entry *e, struct str domain)
{
	struct str list = mail_join(r->a, e->key, '@', domain), owner;
	const struct value *def = e->value, *who = map_typed(def, "owner", VALUE_STR);
	if (!check_name(r, e) || def->type != VALUE_MAP)
		return;
	check_taken(r, e, domain);
	check_outgoing(r, e, domain);
	if (who)
		check_keeper(r, who, list, domain, "owner", &owner);
	check_people(r, map_typed(def, "moderators", VALUE_LIST), list, domain, false);
	check_people(r, map_typed(def, "members", VALUE_LIST), list, domain, true);
	check_prefix(r, def);
}

static void check_domain(struct list_rules *r, const struct map_entry *e)
{
	const struct value *lists = map_typed(e->value, "lists", VALUE_MAP);
	struct str name;
	if (!lists || !lists->map.n || !mail_domain_ascii(r->a, e->key, &name) ||
		!map_get(r->domains, name)) /* not local: reported elsewhere */
		return;
	for (size_t i = 0; i < lists->map.n; i++)
		check_list(r, &lists->map.e[i], name);
	if (r->majordomo && map_get(r->taken, str_printf(r->a, "majordomo@%s", name.p)))
		errs_add(r->errs, entry_pos(e),
			"'majordomo@%s' is reserved: Majordomo takes its commands there", name.p);
}

static bool any_list(const struct value *domains)
{
	for (size_t i = 0; i < domains->map.n; i++) {
		const struct value *lists = map_typed(domains->map.e[i].value, "lists", VALUE_MAP);
		if (lists && lists->map.n)
			return true;
	}
	return false;
}

void mail_lists_rules(
	struct arena *a, const struct value *mail, struct mail_routes *routes, struct errs *errs)
{
	struct list_rules r = {.a = a,
		.mail = mail,
		.errs = errs,
		.routes = routes,
		.majordomo = uses_majordomo(mail)};
	const struct value *domains = map_typed(mail, "domains", VALUE_MAP);
	if (!domains || !any_list(domains) || value_find_type(domains, VALUE_UNKNOWN))
		return;
	r.domains = value_map(a);
	r.taken = value_map(a);
	take_all(&r, domains);
	for (size_t i = 0; i < domains->map.n; i++)
		check_domain(&r, &domains->map.e[i]);
}

/* ---- for the roles ---- */
struct list_derive {
	struct arena *a;
	const struct value *mail;
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
	struct list_derive *d, const struct value *def, const char *key, struct str domain)
{
	const struct value *in = map_at(def, key);
	struct value *out = value_list(d->a);
	for (size_t i = 0; in && i < in->list.n; i++)
		list_add(d->a, out, make_text(d, mail_address(d->a, in->list.v[i]->s, domain)));
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

static void add_companions(
	struct list_derive *d, const char *name, struct str domain, const struct value *list)
{
	struct value *owner = list_one(d, map_at(list, "owner")->s);
	struct value *moderators = map_at(list, "moderators");
	for (size_t i = 0; i < ARRAY_LEN(companions); i++) {
		const struct companion *c = &companions[i];
		struct value *to = c->moderator && moderators->list.n ? moderators : owner;
		add_alias(d, companion_address(d->a, c, name, domain.p),
			c->command ? command_target(d, c, name, domain.p) : to);
	}
}

static void add_server(struct list_derive *d, const struct value *domain, struct str name)
{
	struct str who = mail_default_postmaster(d->a, d->mail, domain, name);
	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		add_alias(d, companion_address(d->a, &servers[i], "majordomo", name.p),
			servers[i].command ? command_target(d, &servers[i], "majordomo", name.p)
					   : list_one(d, who));
}

static void add_list(struct list_derive *d, const struct map_entry *e, struct str domain)
{
	static const char *const same[] = {
		"post", "subscription", "subject_prefix", "reply_to", "dmarc", "language"};
	const struct value *def = e->value;
	struct value *m = value_map(d->a);

	map_put(d->a, m, "address", make_text(d, mail_join(d->a, e->key, '@', domain)));
	map_put(d->a, m, "owner",
		make_text(d, mail_address(d->a, map_at(def, "owner")->s, domain)));
	map_put(d->a, m, "moderators", list_people(d, def, "moderators", domain));
	map_put(d->a, m, "members", list_people(d, def, "members", domain));
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		struct value *v = map_at(def, same[i]);
		map_put(d->a, m, same[i], v ? v : value_null(d->a));
	}
	list_add(d->a, d->lists, m);
	if (d->majordomo)
		add_companions(d, e->key.p, domain, m);
	else /* mlmmj would forward it with the writer as envelope sender */
		add_alias(d, str_printf(d->a, "%s+owner@%s", e->key.p, domain.p),
			list_one(d, map_at(m, "owner")->s));
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

void mail_lists_derive(struct arena *a, const struct value *mail, struct value *out)
{
	struct list_derive d = {.a = a, .mail = mail, .majordomo = uses_majordomo(mail)};
	const struct value *domains = map_at(mail, "domains");
	struct str name;
	d.lists = value_list(a);
	d.aliases = value_list(a);
	d.lists->literal = d.aliases->literal = true;
	map_put(a, out, "mail_lists", d.lists);
	map_put(a, out, "mail_list_aliases", d.aliases);
	for (size_t i = 0; domains && i < domains->map.n; i++) {
		const struct map_entry *e = &domains->map.e[i];
		const struct value *lists = map_at(e->value, "lists");
		if (!lists || !lists->map.n || !mail_is_local(mail, e->value) ||
			!mail_domain_ascii(a, e->key, &name))
			continue;
		for (size_t j = 0; j < lists->map.n; j++)
			add_list(&d, &lists->map.e[j], name);
		if (d.majordomo)
			add_server(&d, e->value, name);
	}
	add_list_ways(&d, out);
}
