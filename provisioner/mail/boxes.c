/* SPDX-License-Identifier: MIT
 *
 * States of mailboxes: which are suspended, which aliases lead only to suspended ones, which
 * addresses are refused for that reason, and by which addresses others write to a mailbox's owner.
 */
#include "mail/boxes.h"

/* The part of the address graph that the rules of suspended mailboxes need. */
struct boxes {
	struct arena *a;
	struct value *suspended; /* address -> null */
	struct value *aliases;   /* address -> list of whole addresses */
};

const struct mail_box *mail_box_named(const struct mail_domain *d, struct str name)
{
	const struct map_entry *e = map_entry(d->boxes, name);
	return e ? &d->mailboxes[e - d->boxes->map.e] : NULL;
}

static struct str drop_extension(struct arena *a, struct str address)
{
	const char *at = strrchr(address.p, '@');
	const char *plus = at ? memchr(address.p, '+', (size_t)(at - address.p)) : NULL;
	return plus && plus > address.p
		       ? str_printf(a, "%.*s%s", (int)(plus - address.p), address.p, at)
		       : address;
}

bool mail_box_suspended(const struct mail_domain *d, struct str address)
{
	const char *at = strrchr(address.p, '@');
	const struct mail_box *box;
	if (!at || !str_is(d->name, at + 1))
		return false;
	box = mail_box_named(d, (struct str){address.p, strcspn(address.p, "+@")});
	return box && box->state == MAIL_SUSPENDED;
}

/* Does mail to the address reach suspended mailboxes only? seen: the aliases followed already. */
static bool leads_nowhere(const struct boxes *b, struct str address, struct value *seen, int depth)
{
	struct str at = drop_extension(b->a, address);
	const struct value *to = map_get(b->aliases, at);
	bool any = false;
	if (map_get(b->suspended, at))
		return true;
	if (!to || depth >= ROUTE_DEPTH)
		return false;
	map_set(b->a, seen, at, value_null(b->a));
	for (size_t i = 0; i < to->list.n; i++) {
		struct str next = drop_extension(b->a, to->list.v[i]->s);
		if (str_eq(next, at)) /* the mailbox of its own name */
			return false;
		if (map_get(seen, next))
			continue;
		if (!leads_nowhere(b, next, seen, depth + 1))
			return false;
		any = true;
	}
	return any;
}

static bool is_closed(const struct boxes *b, struct str address)
{
	struct str at = drop_extension(b->a, address);
	return map_get(b->suspended, at) ||
	       (map_get(b->aliases, at) && leads_nowhere(b, at, value_map(b->a), 0));
}

/* ---- rules ---- */
static void read_aliases(struct boxes *b, const struct mail_domain *d)
{
	for (size_t i = 0; i < d->n_aliases; i++) {
		const struct mail_texts *from = &d->aliases[i].to;
		struct value *to = value_list(b->a);
		for (size_t j = 0; j < from->n; j++)
			if (mail_nth(from, j).s.p)
				list_add(b->a, to,
					value_str(b->a,
						mail_address(b->a, mail_nth(from, j).s, d->name)));
		map_set(b->a, b->aliases, d->aliases[i].address, to);
	}
}

static void read_suspended(struct boxes *b, const struct mail_domain *d)
{
	for (size_t i = 0; i < d->n_mailboxes; i++)
		if (d->mailboxes[i].state == MAIL_SUSPENDED)
			map_set(b->a, b->suspended, d->mailboxes[i].address, value_null(b->a));
}

/* RFC 5321 4.5.1 and RFC 2142: somebody must read these. */
static bool has_duty(struct str name)
{
	return str_is(name, "postmaster") || str_is(name, "abuse");
}

static void check_alias(
	const struct boxes *b, const struct mail_alias *alias, struct str domain, struct errs *errs)
{
	struct str address = alias->address;
	if (is_closed(b, address)) {
		if (has_duty(alias->name))
			errs_add(errs, alias->pos,
				"alias '%s' leads only to suspended mailboxes, but somebody has "
				"to read it; add another target",
				address.p);
		else
			errs_warn(errs, alias->pos,
				"alias '%s' leads only to suspended mailboxes: mail to it is "
				"refused",
				address.p);
		return;
	}
	for (size_t i = 0; i < alias->to.n; i++) {
		struct mail_text target = mail_nth(&alias->to, i);
		struct str to;
		if (!target.s.p || mail_target_wrong(target.s))
			continue;
		to = mail_address(b->a, target.s, domain);
		if (is_closed(b, to))
			errs_warn(errs, mail_pos(target),
				"'%s' is suspended: mail to alias '%s' reaches only its other "
				"targets",
				to.p, address.p);
	}
}

static void check_person(const struct boxes *b, struct mail_text who, struct str domain,
	const char *role, struct errs *errs)
{
	struct str to;
	if (!who.s.p || mail_target_wrong(who.s))
		return;
	to = mail_address(b->a, who.s, domain);
	if (is_closed(b, to))
		errs_warn(errs, mail_pos(who),
			"%s is '%s', which is suspended: mail to it is refused", role, to.p);
}

static void check_domain(const struct boxes *b, const struct mail_domain *d, struct errs *errs)
{
	for (size_t i = 0; i < d->n_mailboxes; i++)
		if (has_duty(d->mailboxes[i].name) && d->mailboxes[i].state == MAIL_SUSPENDED)
			errs_add(errs, d->mailboxes[i].pos,
				"mailbox '%s' cannot be suspended: every domain needs somebody who "
				"reads this address",
				d->mailboxes[i].address.p);
	for (size_t i = 0; i < d->n_aliases; i++)
		check_alias(b, &d->aliases[i], d->name, errs);
	check_person(
		b, d->catch_all, d->name, arena_printf(b->a, "catch_all of '%s'", d->name.p), errs);
	for (size_t i = 0; i < d->n_lists; i++)
		check_person(b, d->lists[i].owner, d->name,
			arena_printf(b->a, "owner of list '%s'", d->lists[i].address.p), errs);
}

/* The mailbox that gets the server's own mail: that mail must not be refused. */
static void check_reader(
	const struct boxes *b, struct mail_text who, const char *key, struct errs *errs)
{
	struct str to;
	if (!who.s.p || mail_target_wrong(who.s) || !memchr(who.s.p, '@', who.s.n))
		return;
	to = mail_address(b->a, who.s, str_c(""));
	if (is_closed(b, to))
		errs_add(errs, mail_pos(who),
			"mail.%s is '%s', which is suspended; name another address", key, to.p);
}

void mail_boxes_rules(struct arena *a, const struct mail_state *mail, struct errs *errs)
{
	struct boxes b = {.a = a, .suspended = value_map(a), .aliases = value_map(a)};
	for (size_t i = 0; i < mail->n_domains; i++)
		if (mail_receives(&mail->domains[i]))
			read_suspended(&b, &mail->domains[i]);
	if (!b.suspended->map.n)
		return;
	for (size_t i = 0; i < mail->n_domains; i++)
		if (mail_receives(&mail->domains[i]))
			read_aliases(&b, &mail->domains[i]);
	for (size_t i = 0; i < mail->n_domains; i++)
		if (mail_receives(&mail->domains[i]))
			check_domain(&b, &mail->domains[i], errs);
	check_reader(&b, mail->root, "root", errs);
	check_reader(&b, mail->postmaster, "postmaster", errs);
}

/* ---- for the roles ---- */
static void add_answer(struct arena *a, struct value *list, struct value *address, bool refused,
	struct value *seen)
{
	struct value *m;
	if (map_get(seen, address->s))
		return;
	map_set(a, seen, address->s, address);
	m = value_map(a);
	m->literal = true;
	map_put(a, m, "address", address);
	map_put(a, m, "refused", value_bool(a, refused));
	list_add(a, list, m);
}

/* An address of the domain itself still has checks before it; any other is left
 * to the catch-all. */
static void spare_domain(struct arena *a, struct value *list, const struct value *addresses,
	struct str domain, struct value *seen)
{
	for (size_t i = 0; i < addresses->list.n; i++) {
		struct value *v = addresses->list.v[i];
		if (v->type == VALUE_MAP)
			v = map_at(v, "address");
		if (str_is(domain, strrchr(v->s.p, '@') + 1))
			add_answer(a, list, v, false, seen);
	}
}

static void refuse_catch_alls(struct boxes *b, struct arena *a, const struct value *out,
	struct value *list, struct value *seen)
{
	static const char *const own[] = {
		"mail_mailboxes", "mail_aliases", "mail_lists", "mail_list_aliases", "mail_traps"};
	const struct value *domains = map_at(out, "mail_domains");

	for (size_t i = 0; i < domains->list.n; i++) {
		struct value *name = map_at(domains->list.v[i], "name");
		const struct value *who = map_at(domains->list.v[i], "catch_all");
		if (who->type != VALUE_STR || !is_closed(b, who->s))
			continue;
		for (size_t j = 0; j < ARRAY_LEN(own); j++)
			spare_domain(a, list, map_at(out, own[j]), name->s, seen);
		add_answer(a, list, name, true, seen);
	}
}

/* The other targets of an alias still get its mail. */
static struct value *open_targets(struct boxes *b, struct arena *a, struct value *targets)
{
	struct value *open = value_list(a);
	open->literal = true;
	for (size_t i = 0; i < targets->list.n; i++)
		if (!is_closed(b, targets->list.v[i]->s))
			list_add(a, open, targets->list.v[i]);
	return open->list.n && open->list.n < targets->list.n ? open : targets;
}

static void close_boxes(struct boxes *b, struct arena *a, struct value *out, struct value *refused)
{
	struct value *aliases = map_at(out, "mail_aliases"), *seen = value_map(a);
	for (size_t i = 0; i < b->suspended->map.n; i++)
		add_answer(a, refused, b->suspended->map.e[i].value, true, seen);
	for (size_t i = 0; i < aliases->list.n; i++) {
		struct value *al = aliases->list.v[i], *address = map_at(al, "address");
		if (is_closed(b, address->s))
			add_answer(a, refused, address, true, seen);
		else
			map_put(a, al, "targets", open_targets(b, a, map_at(al, "targets")));
	}
	refuse_catch_alls(b, a, out, refused, seen);
}

/* ---- who is away ---- */
static void add_own(struct arena *a, struct value *own, struct value *address)
{
	for (size_t i = 0; i < own->list.n; i++)
		if (str_eq(own->list.v[i]->s, address->s))
			return;
	list_add(a, own, address);
}

struct value *mail_own_addresses(
	struct arena *a, const struct mail_box *box, struct value *address, struct str domain)
{
	const struct mail_texts *more = &box->send_as;
	struct value *own = value_list(a);
	own->literal = true;
	list_add(a, own, address);
	for (size_t i = 0; i < more->n; i++) {
		struct str grant = mail_nth(more, i).s;
		struct value *v;
		if (!grant.p || grant.p[0] == '@') /* a whole domain has no owner */
			continue;
		v = value_str(a, mail_address(a, grant, domain));
		v->literal = true;
		add_own(a, own, v);
	}
	return own;
}

/* An alias is an owner's own address when it names that owner, or leads to nobody else. */
static void add_alias_to_own(
	struct boxes *b, struct arena *a, const struct value *away, struct value *address)
{
	const struct value *to = map_get(b->aliases, address->s);
	for (size_t i = 0; i < to->list.n; i++) {
		struct value *own = map_get(away, drop_extension(b->a, to->list.v[i]->s));
		if (own)
			add_own(a, own, address);
	}
	for (int depth = 0; to && to->list.n == 1 && depth < ROUTE_DEPTH; depth++) {
		struct str next = drop_extension(b->a, to->list.v[0]->s);
		struct value *own = map_get(away, next);
		if (own)
			add_own(a, own, address);
		to = own ? NULL : map_get(b->aliases, next);
	}
}

/* address -> list of their own addresses */
static struct value *who_is_away(struct arena *a, const struct value *boxes)
{
	struct value *away = value_map(a);
	for (size_t i = 0; i < boxes->list.n; i++) {
		struct value *own = map_at(boxes->list.v[i], "addresses");
		if (own)
			map_set(a, away, map_at(boxes->list.v[i], "address")->s, own);
	}
	return away;
}

static void find_own(
	struct boxes *b, struct arena *a, const struct value *away, const struct value *aliases)
{
	for (size_t i = 0; away->map.n && i < aliases->list.n; i++) {
		struct value *address = map_at(aliases->list.v[i], "address");
		size_t n = strcspn(address->s.p, "@");
		if (!has_duty(str_dup(b->a, address->s.p, n)))
			add_alias_to_own(b, a, away, address);
	}
}

static struct value *new_list(struct arena *a, struct value *out, const char *name)
{
	struct value *list = value_list(a);
	list->literal = true;
	map_put(a, out, name, list);
	return list;
}

void mail_boxes_derive(struct arena *a, const struct value *suspended, struct value *out)
{
	struct boxes b = {.a = arena_new()};
	struct value *refused = new_list(a, out, "mail_refused");
	const struct value *aliases = map_at(out, "mail_aliases"), *away;
	b.suspended = value_map(b.a);
	b.aliases = value_map(b.a);
	for (size_t i = 0; i < suspended->list.n; i++)
		map_set(b.a, b.suspended, suspended->list.v[i]->s, suspended->list.v[i]);
	away = who_is_away(b.a, map_at(out, "mail_mailboxes"));
	if (b.suspended->map.n || away->map.n) {
		map_reserve(b.a, b.aliases, aliases->list.n);
		for (size_t i = 0; i < aliases->list.n; i++)
			map_set(b.a, b.aliases, map_at(aliases->list.v[i], "address")->s,
				map_at(aliases->list.v[i], "targets"));
		find_own(&b, a, away, aliases);
	}
	if (b.suspended->map.n)
		close_boxes(&b, a, out, refused);
	arena_free(b.a);
}
