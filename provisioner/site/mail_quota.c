/* SPDX-License-Identifier: MIT
 *
 * Which mailboxes that have a quota lie behind an address that is no mailbox itself, for a refusal
 * in the SMTP dialog. Made of the other derived names; empty where no mailbox has a quota.
 *
 * A catch-all is asked by its domain when its address has no entry. In such a domain every address
 * that exists has one, so that the catch-all's mailbox is not asked for the mail of others.
 */
#include "site/mail.h"

enum { OWNERS_MAX = 1000, ROUTE_DEPTH = 1000 };
struct quota {
	struct arena *a, *work;
	struct value *boxes;  /* address -> its address where it has a quota, else null */
	struct value *routes; /* address or "@domain" -> its targets */
	struct value *caught; /* domains whose catch-all leads to a quota -> null */
	struct value *done;   /* addresses that have an entry -> null */
	struct value *out;
};

static struct value *targets_of(const struct quota *q, struct str address)
{
	const char *at = strchr(address.p, '@');
	const char *plus = memchr(address.p, '+', (size_t)(at - address.p));
	struct value *found = map_get(q->routes, address);

	if (found || !plus || plus == address.p)
		return found;
	return map_get(
		q->routes, str_printf(q->work, "%.*s%s", (int)(plus - address.p), address.p, at));
}

static struct value *box_of(const struct quota *q, struct str address)
{
	const char *at = strchr(address.p, '@');
	const char *plus = memchr(address.p, '+', (size_t)(at - address.p));

	return map_get(q->boxes,
		plus && plus > address.p
			? str_printf(q->work, "%.*s%s", (int)(plus - address.p), address.p, at)
			: address);
}

static void add_box(struct quota *q, struct value *list, struct value *box)
{
	for (size_t i = 0; i < list->list.n; i++)
		if (list->list.v[i] == box)
			return;
	if (list->list.n < OWNERS_MAX)
		list_add(q->a, list, box);
}

/* seen: the addresses followed already. */
static void gather(struct quota *q, struct value *list, const struct value *targets,
	struct value *seen, int depth)
{
	for (size_t i = 0; i < targets->list.n; i++) {
		struct str t = targets->list.v[i]->s;
		struct value *box = box_of(q, t), *next = targets_of(q, t);

		if (box && box->type == VALUE_STR)
			add_box(q, list, box);
		if (!next && !box)
			next = map_get(q->routes, str_c(strchr(t.p, '@')));
		if (!next || next == targets || depth >= ROUTE_DEPTH || map_get(seen, t))
			continue;
		map_set(q->work, seen, t, next);
		gather(q, list, next, seen, depth + 1);
	}
}

static struct value *boxes_behind(struct quota *q, const struct value *targets)
{
	struct value *list = value_list(q->a);

	list->literal = true;
	gather(q, list, targets, value_map(q->work), 0);
	return list;
}

static void add_entry(struct quota *q, struct value *address, struct value *boxes)
{
	struct value *m;

	if (map_get(q->done, address->s))
		return;
	map_set(q->work, q->done, address->s, value_null(q->work));
	m = value_map(q->a);
	m->literal = true;
	map_put(q->a, m, "address", address);
	map_put(q->a, m, "mailboxes", boxes);
	list_add(q->a, q->out, m);
}

static bool read_boxes(struct quota *q, const struct value *mailboxes)
{
	bool any = false;

	for (size_t i = 0; i < mailboxes->list.n; i++)
		any = any || map_int(mailboxes->list.v[i], "quota", 0) > 0;
	if (!any)
		return false;
	map_reserve(q->work, q->boxes, mailboxes->list.n);
	for (size_t i = 0; i < mailboxes->list.n; i++) {
		const struct value *m = mailboxes->list.v[i];
		struct value *address = map_at(m, "address");

		map_set(q->work, q->boxes, address->s,
			map_int(m, "quota", 0) > 0 ? address : value_null(q->work));
	}
	return true;
}

static void read_routes(struct quota *q, const struct value *list)
{
	for (size_t i = 0; i < list->list.n; i++) {
		struct str address = map_at(list->list.v[i], "address")->s;

		if (!map_get(q->routes, address))
			map_set(q->work, q->routes, address, map_at(list->list.v[i], "targets"));
	}
}

static void add_catchalls(struct quota *q, const struct value *list)
{
	for (size_t i = 0; i < list->list.n; i++) {
		const struct value *address = map_at(list->list.v[i], "address");
		struct value *boxes, *domain;

		if (address->s.p[0] != '@')
			continue;
		boxes = boxes_behind(q, map_at(list->list.v[i], "targets"));
		if (!boxes->list.n)
			continue;
		domain = value_str(q->a, str_c(address->s.p + 1));
		domain->literal = true;
		map_set(q->work, q->caught, domain->s, value_null(q->work));
		add_entry(q, domain, boxes);
	}
}

static void add_aliases(struct quota *q, const struct value *list)
{
	for (size_t i = 0; i < list->list.n; i++) {
		struct value *address = map_at(list->list.v[i], "address"), *boxes;

		if (address->s.p[0] == '@')
			continue;
		boxes = boxes_behind(q, map_at(list->list.v[i], "targets"));
		if (boxes->list.n || map_get(q->caught, str_c(strchr(address->s.p, '@') + 1)))
			add_entry(q, address, boxes);
	}
}

/* What leads to itself keeps its mail from a catch-all; a mailbox is asked by its own address. */
static void add_kept(struct quota *q, const struct value *list)
{
	for (size_t i = 0; i < list->list.n; i++) {
		struct value *address = map_at(list->list.v[i], "address"), *none;

		if (address->s.p[0] == '@' ||
			!map_get(q->caught, str_c(strchr(address->s.p, '@') + 1)))
			continue;
		none = value_list(q->a);
		none->literal = true;
		add_entry(q, address, none);
	}
}

void mail_quota_derive(struct arena *a, struct value *out)
{
	struct quota q = {.a = a, .work = arena_new()};
	const struct value *aliases = map_at(out, "mail_aliases");
	const struct value *lists = map_at(out, "mail_list_aliases");
	const struct value *catchalls = map_at(out, "mail_catchalls");

	q.out = value_list(a);
	q.out->literal = true;
	map_put(a, out, "mail_quota_owners", q.out);
	q.boxes = value_map(q.work);
	q.routes = value_map(q.work);
	q.caught = value_map(q.work);
	q.done = value_map(q.work);
	if (read_boxes(&q, map_at(out, "mail_mailboxes"))) {
		map_reserve(q.work, q.routes, aliases->list.n + catchalls->list.n);
		map_reserve(q.work, q.done, aliases->list.n + catchalls->list.n);
		read_routes(&q, aliases);
		read_routes(&q, lists);
		read_routes(&q, catchalls);
		add_catchalls(&q, catchalls);
		add_aliases(&q, aliases);
		add_aliases(&q, lists);
		add_kept(&q, catchalls);
	}
	arena_free(q.work);
}
