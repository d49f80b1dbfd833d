/* SPDX-License-Identifier: MIT
 *
 * Who may send as what: the rules of `send_as`, and the one table that Postfix uses for the
 * envelope sender and rspamd for the header. A pure function of the checked state, fast for many
 * entries.
 *
 * An address is looked up as Postfix does it: whole, without its extension, then "@domain"; the
 * first match decides. So where a login may send as a whole domain, every address in it that
 * belongs to somebody else needs an entry of its own, an empty one where no login owns it.
 */
#include "mail/mail.h"

enum { OWNERS_MAX = 1000 };

/* ---- rules ---- */
struct send_as_rules {
	struct arena *a;
	const struct mail_routes *routes;
	struct errs *errs;
	struct str login;
};

static bool well_formed(struct arena *a, struct str text)
{
	const char *at = memchr(text.p, '@', text.n);
	struct str local = {text.p, at ? (size_t)(at - text.p) : text.n}, domain;
	char *lower = arena_strdup(a, str_printf(a, "%.*s", (int)local.n, local.p).p);
	if (strlen(text.p) != text.n)
		return false;
	for (char *p = lower; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
	if (local.n == 0 ? !at : mail_local_wrong(str_c(lower)) != NULL)
		return false;
	return !at || mail_domain_ascii(a, str_c(at + 1), &domain);
}

static void check_grant(struct send_as_rules *r, struct mail_text grant, struct str domain)
{
	struct str address;
	if (mail_unknown(grant))
		return;
	if (!grant.s.p || !well_formed(r->a, grant.s)) {
		errs_add(r->errs, mail_pos(grant),
			"send_as of '%s' takes an address without an extension, such as "
			"info@example.com, or a whole domain, such as \"@example.com\"",
			r->login.p);
		return;
	}
	address = mail_address(r->a, grant.s, domain);
	if (!mail_routes_domain(r->routes, str_c(strchr(address.p, '@') + 1)))
		errs_warn(r->errs, mail_pos(grant),
			"'%s' may send as '%s', whose domain is not declared here: receivers "
			"refuse such mail unless its SPF record names this server",
			r->login.p, address.p);
	else if (address.p[0] != '@' && mail_routes_find(r->routes, address) == MAIL_NOWHERE)
		errs_warn(r->errs, mail_pos(grant),
			"'%s' may send as '%s', which does not exist%s: replies will bounce",
			r->login.p, address.p, mail_routes_near(r->routes, address));
}

static void check_domain(struct send_as_rules *r, const struct mail_domain *d)
{
	for (size_t i = 0; i < d->n_mailboxes; i++) {
		const struct mail_box *box = &d->mailboxes[i];
		r->login = box->address;
		for (size_t j = 0; j < box->send_as.n; j++)
			check_grant(r, mail_nth(&box->send_as, j), d->name);
	}
}

void mail_senders_rules(struct arena *a, const struct mail_state *mail,
	const struct mail_routes *routes, struct errs *errs)
{
	struct send_as_rules r = {.a = a, .routes = routes, .errs = errs};
	for (size_t i = 0; i < mail->n_domains; i++)
		if (mail->domains[i].name.p)
			check_domain(&r, &mail->domains[i]);
}

/* ---- the table ---- */
struct senders {
	struct arena *a, *work; /* temporary memory, freed before mail_senders_derive returns */
	const struct value *names;
	const struct value *boxes; /* address -> the same as a value */
	struct value *routes;      /* alias's address -> list of targets */
	struct value *out;         /* mail_senders */
	struct value *logins;      /* address -> its list of logins in `out` */
	struct value *wide;        /* domain -> the logins that may send as all of it */
	bool domains;              /* may any login send as a whole domain? */
};

static struct value *new_list(struct arena *a)
{
	struct value *list = value_list(a);
	list_reserve(a, list, 1);
	list->literal = true;
	return list;
}

/* The logins of an address; adds an empty entry when there is none. */
static struct value *need_entry(struct senders *s, struct value *address)
{
	struct value *list = map_get(s->logins, address->s), *m;
	if (list)
		return list;
	s->domains = s->domains || address->s.p[0] == '@';
	list = new_list(s->a);
	m = value_map(s->a);
	map_reserve(s->a, m, 2);
	m->literal = true;
	map_append(s->a, m, str_c("address"), (struct pos){0}, address);
	map_append(s->a, m, str_c("logins"), (struct pos){0}, list);
	list_add(s->a, s->out, m);
	map_set(s->work, s->logins, address->s, list);
	return list;
}

static void add_once(struct arena *a, struct value *list, struct value *login)
{
	for (size_t i = 0; i < list->list.n; i++)
		if (str_eq(list->list.v[i]->s, login->s))
			return;
	if (list->list.n < OWNERS_MAX)
		list_add(a, list, login);
}

/* Adds to the logins of `address` the mailboxes that these targets finally reach. seen: the aliases
 * followed already. An address that reaches none gets no entry. */
static void add_owners(struct senders *s, struct value *address, const struct value *targets,
	struct value *seen, int depth)
{
	for (size_t i = 0; i < targets->list.n; i++) {
		struct str t = targets->list.v[i]->s;
		struct value *next = map_get(s->routes, t), *box = map_get(s->boxes, t);
		if (box)
			add_once(s->a, need_entry(s, address), box);
		if (!next || next == targets || depth >= ROUTE_DEPTH || map_get(seen, t))
			continue;
		map_set(s->work, seen, t, next);
		add_owners(s, address, next, seen, depth + 1);
	}
}

static void add_route(struct senders *s, struct value *address, const struct value *targets)
{
	add_owners(s, address, targets, value_map(s->work), 0);
}

static void add_aliases(struct senders *s, const char *name)
{
	const struct value *list = map_at(s->names, name);
	for (size_t i = 0; i < list->list.n; i++)
		add_route(
			s, map_at(list->list.v[i], "address"), map_at(list->list.v[i], "targets"));
}

/* A list's address belongs to its owner, who may be an alias as well. */
static void add_lists(struct senders *s)
{
	const struct value *lists = map_at(s->names, "mail_lists");
	for (size_t i = 0; i < lists->list.n; i++) {
		struct value *owner = value_list(s->work);
		list_add(s->work, owner, map_at(lists->list.v[i], "owner"));
		add_route(s, map_at(lists->list.v[i], "address"), owner);
	}
}

static struct value *make_text(struct senders *s, struct str address)
{
	struct value *v = value_str(s->a, address);
	v->literal = true;
	return v;
}

/* What `send_as` grants one mailbox: an address, or "@domain". */
static void add_grants(struct senders *s, const struct mail_box *box, struct str domain)
{
	struct value *login = NULL, *address, *all;
	for (size_t i = 0; i < box->send_as.n; i++) {
		address = make_text(s, mail_address(s->a, mail_nth(&box->send_as, i).s, domain));
		login = map_get(s->boxes, box->address);
		add_once(s->a, need_entry(s, address), login);
		if (address->s.p[0] != '@')
			continue;
		all = map_get(s->wide, str_c(address->s.p + 1));
		if (!all) {
			all = value_list(s->work);
			map_set(s->work, s->wide, str_c(address->s.p + 1), all);
		}
		add_once(s->work, all, login);
	}
}

/* Of the whole domain: the logins with "@domain" in send_as, and those its catch-all reaches. */
static void add_domain(struct senders *s, const struct mail_domain *d)
{
	struct value *targets = value_list(s->work);
	if (!mail_receives(d))
		return;
	for (size_t i = 0; i < d->n_mailboxes; i++)
		add_grants(s, &d->mailboxes[i], d->name);
	if (!d->catch_all.s.p)
		return;
	list_add(s->work, targets, make_text(s, mail_address(s->a, d->catch_all.s, d->name)));
	add_route(s, make_text(s, str_printf(s->a, "@%s", d->name.p)), targets);
}

/* Where a login may send as the whole domain, this address needs an entry of its own. */
static void keep_owned(struct senders *s, struct value *address)
{
	if (map_get(s->logins, str_c(strchr(address->s.p, '@'))))
		need_entry(s, address);
}

static void keep_all(struct senders *s, const char *name)
{
	const struct value *list = map_at(s->names, name);
	for (size_t i = 0; s->domains && i < list->list.n; i++) {
		struct value *v = list->list.v[i];
		keep_owned(s, v->type == VALUE_MAP ? map_at(v, "address") : v);
	}
}

static void add_wide(struct senders *s)
{
	for (size_t i = 0; s->wide->map.n && i < s->out->list.n; i++) {
		const struct value *m = s->out->list.v[i];
		struct str address = map_at(m, "address")->s;
		const struct value *all = map_get(s->wide, str_c(strchr(address.p, '@') + 1));
		for (size_t j = 0; all && j < all->list.n; j++)
			add_once(s->a, map_at(m, "logins"), all->list.v[j]);
	}
}

void mail_senders_derive(struct arena *a, const struct mail_state *mail, const struct value *boxes,
	struct value *routes, struct value *out)
{
	struct senders s = {.a = a, .names = out, .boxes = boxes, .routes = routes};
	const struct value *all = map_at(out, "mail_mailboxes");
	const struct value *companions = map_at(out, "mail_list_aliases");
	s.work = arena_new();
	s.out = map_at(out, "mail_senders");
	s.logins = value_map(s.work);
	s.wide = value_map(s.work);
	map_reserve(s.work, s.logins, boxes->map.n + routes->map.n);
	list_reserve(a, s.out, boxes->map.n + routes->map.n);
	for (size_t i = 0; i < companions->list.n; i++)
		map_set(s.work, routes, map_at(companions->list.v[i], "address")->s,
			map_at(companions->list.v[i], "targets"));
	for (size_t i = 0; i < all->list.n; i++) {
		struct value *address = map_at(all->list.v[i], "address");
		add_once(a, need_entry(&s, address), address);
	}
	add_aliases(&s, "mail_aliases");
	add_aliases(&s, "mail_list_aliases");
	add_lists(&s);
	for (size_t i = 0; i < mail->n_domains; i++)
		add_domain(&s, &mail->domains[i]);
	keep_all(&s, "mail_aliases");
	keep_all(&s, "mail_list_aliases");
	keep_all(&s, "mail_lists");
	keep_all(&s, "mail_traps");
	add_wide(&s);
	arena_free(s.work);
}
