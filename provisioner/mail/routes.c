/* SPDX-License-Identifier: MIT
 *
 * Where the addresses of the mail state lead: which exist, which only a catch-all takes, and which
 * lead back to themselves, as Postfix would follow them. Knows every address; contacts no host.
 *
 * Postfix expands an alias until nothing changes (cleanup_map1n.c). It does not expand an address
 * again that leads to itself, so an alias that keeps a copy in the mailbox of its name ends a
 * circle. Postfix passes an extension (name+extension) on at each step, so in a circle it grows
 * without end. A list sends each post as a new message, so a copy never ends a circle through a
 * list.
 */
#include "mail/boxes.h"

enum kind { ROUTE_ALIAS, ROUTE_DUTY, ROUTE_CATCH_ALL, ROUTE_LIST };
struct edge {
	struct str to;
	struct pos pos;
	size_t next; /* index of a node; NONE: the address is no node */
	enum mail_found found;
	bool extended; /* leads to name+extension of the node `next` */
};
struct node {
	enum kind kind;
	struct str address; /* "@domain" for a catch-all */
	struct edge *edge;
	size_t n, cap;
	bool keeps; /* also leads to the mailbox of its own name */
	enum { MARK_NEW, MARK_OPEN, MARK_DONE } mark;
	size_t order, low, circle; /* of Tarjan's algorithm */
	bool stacked;
	size_t asked; /* the last search that visited this node */
};
struct mail_routes {
	struct arena *a;
	const struct mail_state *mail;
	struct value *domains;   /* ASCII name -> is it local here? */
	struct value *mailboxes; /* address -> null */
	struct value *others;    /* addresses that lists need beside their own -> null */
	struct value *index;     /* address -> index of its node */
	struct node *node;
	size_t n, cap;
	size_t *stack, n_stack, orders, circles, questions;
	bool *told; /* by circle: has its problem been reported? */
};
#define NONE SIZE_MAX

/* ---- reading ---- */
static void add_edge(struct mail_routes *r, struct node *from, struct str to, struct pos pos)
{
	struct edge e = {.to = to, .pos = pos, .next = NONE};
	PUSH(r->a, from->edge, from->n, from->cap, e);
}

/* A target with wrong syntax is reported by rules.c. */
static void add_target(
	struct mail_routes *r, struct node *from, struct mail_text to, struct str domain)
{
	if (to.s.p && !mail_target_wrong(to.s))
		add_edge(r, from, mail_address(r->a, to.s, domain), mail_pos(to));
}

/* Most aliases have one or two targets: an array that doubles would take most of
 * the memory here. */
static void reserve_edges(struct mail_routes *r, struct node *node, size_t n)
{
	node->edge = ARENA_ARRAY(r->a, struct edge, n);
	node->cap = n;
}

static void add_node(struct mail_routes *r, const struct node *node)
{
	map_set(r->a, r->index, node->address, value_int(r->a, (int64_t)r->n));
	PUSH(r->a, r->node, r->n, r->cap, *node);
}

static void add_aliases(struct mail_routes *r, const struct mail_domain *d)
{
	for (size_t i = 0; i < d->n_aliases; i++) {
		const struct mail_alias *alias = &d->aliases[i];
		struct node node = {.kind = ROUTE_ALIAS, .address = alias->address};
		if (alias->unknown || mail_local_wrong(alias->name))
			continue;
		reserve_edges(r, &node, alias->to.n);
		for (size_t j = 0; j < alias->to.n; j++)
			add_target(r, &node, mail_nth(&alias->to, j), d->name);
		add_node(r, &node);
	}
}

static void add_lists(struct mail_routes *r, const struct mail_domain *d)
{
	for (size_t i = 0; i < d->n_lists; i++) {
		const struct mail_list *list = &d->lists[i];
		struct node node = {.kind = ROUTE_LIST, .address = list->address};
		mail_list_service_addresses(r->a, r->mail, list->name, d->name, r->others);
		for (size_t j = 0; j < list->members.n; j++)
			add_target(r, &node, mail_nth(&list->members, j), d->name);
		if (!map_get(r->index, node.address)) /* other problems are reported by lists.c */
			add_node(r, &node);
	}
}

static void add_catch_all(struct mail_routes *r, const struct mail_domain *d)
{
	struct node node = {.kind = ROUTE_CATCH_ALL};
	if (!d->catch_all.s.p)
		return;
	node.address = str_printf(r->a, "@%s", d->name.p);
	reserve_edges(r, &node, 1);
	add_target(r, &node, d->catch_all, d->name);
	add_node(r, &node);
}

static bool address_exists(const struct mail_routes *r, struct str address)
{
	return map_get(r->mailboxes, address) || map_get(r->index, address) ||
	       map_get(r->others, address);
}

/* The same aliases as in derive.c. Unknown while mail.postmaster is unknown. */
static void add_duties(struct mail_routes *r, const struct mail_domain *d)
{
	static const char *const duties[] = {"postmaster", "abuse"};
	const struct value *all = r->mail->postmaster.v, *own = d->catch_all.v;
	bool unknown = mail_unknown(r->mail->postmaster);
	struct str who = mail_default_postmaster(r->a, r->mail, d);

	for (size_t i = 0; i < ARRAY_LEN(duties); i++) {
		struct node node = {.kind = ROUTE_DUTY};
		node.address = mail_join(r->a, str_c(duties[i]), '@', d->name);
		if (address_exists(r, node.address) || (!unknown && str_eq(node.address, who)))
			continue;
		reserve_edges(r, &node, 1);
		if (!unknown)
			add_edge(r, &node, who, all ? all->pos : own ? own->pos : d->map->pos);
		add_node(r, &node);
	}
}

/* The server's own name: root leads to its reader; postmaster and abuse lead to root. */
static void add_server(struct mail_routes *r)
{
	static const char *const duties[] = {"postmaster", "abuse"};
	struct mail_text host = r->mail->hostname;
	const struct mail_text *named;
	struct node root = {.kind = ROUTE_DUTY};
	struct str to;

	if (!host.s.p || map_get(r->domains, host.s) || mail_unknown(r->mail->root) ||
		mail_unknown(r->mail->postmaster))
		return;
	root.address = str_printf(r->a, "root@%s", host.s.p);
	if (mail_reader(r->a, r->mail, &to, &named))
		add_edge(r, &root, to, named ? mail_pos(*named) : mail_pos(host));
	add_node(r, &root);
	for (size_t i = 0; i < ARRAY_LEN(duties); i++) {
		struct node node = {.kind = ROUTE_DUTY};
		node.address = str_printf(r->a, "%s@%s", duties[i], host.s.p);
		add_edge(r, &node, root.address, mail_pos(host));
		add_node(r, &node);
	}
}

static void add_domain(struct mail_routes *r, const struct mail_domain *d)
{
	if (!d->name.p)
		return;
	map_set(r->a, r->domains, d->name, value_bool(r->a, d->local));
	if (!d->local)
		return;
	for (size_t i = 0; i < d->n_mailboxes; i++)
		map_set(r->a, r->mailboxes, d->mailboxes[i].address, value_null(r->a));
	add_aliases(r, d);
	add_lists(r, d);
	add_catch_all(r, d);
	add_duties(r, d);
}

/* ---- where an address leads ---- */
static struct str without_extension(struct arena *a, struct str address)
{
	const char *at = strrchr(address.p, '@');
	const char *plus = at ? memchr(address.p, '+', (size_t)(at - address.p)) : NULL;
	return plus && plus > address.p
		       ? str_printf(a, "%.*s%s", (int)(plus - address.p), address.p, at)
		       : address;
}

static const struct value *catch_all_of(const struct mail_routes *r, struct str address)
{
	return map_get(r->index, str_c(strrchr(address.p, '@')));
}

/* plain: the address without its extension; next: its node. */
static enum mail_found find_target(
	const struct mail_routes *r, struct str address, struct str plain, const struct value *next)
{
	const struct value *local = map_get(r->domains, str_c(strrchr(address.p, '@') + 1));
	if (!local || !local->b)
		return MAIL_ELSEWHERE;
	if (next || map_get(r->mailboxes, plain) || map_get(r->others, plain))
		return MAIL_HERE;
	return catch_all_of(r, address) ? MAIL_CAUGHT : MAIL_NOWHERE;
}

enum mail_found mail_routes_find(const struct mail_routes *r, struct str address)
{
	struct str plain = without_extension(r->a, address);
	return find_target(r, address, plain, map_get(r->index, plain));
}

const struct value *mail_routes_domain(const struct mail_routes *r, struct str name)
{
	return map_get(r->domains, name);
}

bool mail_routes_taken(const struct mail_routes *r, struct str address)
{
	return address_exists(r, address);
}

const char *mail_routes_near(const struct mail_routes *r, struct str address)
{
	const char **names = NULL, *near;
	size_t n = 0, cap = 0;
	for (size_t i = 0; i < r->mailboxes->map.n && n < 2000; i++)
		PUSH(r->a, names, n, cap, r->mailboxes->map.e[i].key.p);
	for (size_t i = 0; i < r->n && n < 4000; i++)
		if (r->node[i].kind == ROUTE_ALIAS)
			PUSH(r->a, names, n, cap, r->node[i].address.p);
	PUSH(r->a, names, n, cap, NULL);
	near = str_nearest(without_extension(r->a, address).p, names);
	return near ? arena_printf(r->a, " (did you mean '%s'?)", near) : "";
}

static void resolve_edge(struct mail_routes *r, struct node *from, struct edge *e)
{
	struct str plain = without_extension(r->a, e->to);
	const struct value *next = map_get(r->index, plain);
	e->found = find_target(r, e->to, plain, next);
	if (e->found == MAIL_CAUGHT)
		next = catch_all_of(r, e->to);
	else if (next)
		e->extended = plain.n != e->to.n;
	/* a list's own commands (name+subscribe and the like) are not posts */
	if (!next || (e->extended && r->node[next->i].kind == ROUTE_LIST))
		return;
	if (str_eq(e->to, from->address) && map_get(r->mailboxes, from->address))
		from->keeps = true;
	else if (&r->node[next->i] != from || from->kind != ROUTE_CATCH_ALL)
		e->next = (size_t)next->i;
}

struct mail_routes *mail_routes_new(struct arena *a, const struct mail_state *mail)
{
	struct mail_routes *r = ARENA_NEW(a, struct mail_routes);
	*r = (struct mail_routes){.a = a, .mail = mail};
	r->domains = value_map(a);
	r->mailboxes = value_map(a);
	r->others = value_map(a);
	r->index = value_map(a);
	map_reserve(a, r->mailboxes, mail->n_mailboxes);
	map_reserve(a, r->index, mail->n_aliases + 3 * mail->n_domains);
	for (size_t i = 0; i < mail->n_domains; i++)
		add_domain(r, &mail->domains[i]);
	add_server(r);
	for (size_t i = 0; i < r->n; i++)
		for (size_t j = 0; j < r->node[i].n; j++)
			resolve_edge(r, &r->node[i], &r->node[i].edge[j]);
	return r;
}

/* ---- circles: Tarjan's strongly connected components ---- */
static void find_circles(struct mail_routes *r, size_t at, int depth)
{
	struct node *node = &r->node[at];
	node->order = node->low = ++r->orders;
	node->stacked = true;
	r->stack[r->n_stack++] = at;
	for (size_t i = 0; i < node->n; i++) {
		struct node *next =
			node->edge[i].next == NONE ? NULL : &r->node[node->edge[i].next];
		if (next && !next->order && depth < ROUTE_DEPTH) {
			find_circles(r, node->edge[i].next, depth + 1);
			node->low = next->low < node->low ? next->low : node->low;
		} else if (next && next->stacked) {
			node->low = next->order < node->low ? next->order : node->low;
		}
	}
	if (node->low != node->order)
		return;
	r->circles++;
	for (size_t top = NONE; top != at;) {
		top = r->stack[--r->n_stack];
		r->node[top].stacked = false;
		r->node[top].circle = r->circles;
	}
}

static const char *name_node(const struct mail_routes *r, const struct node *node)
{
	if (node->kind == ROUTE_CATCH_ALL)
		return arena_printf(r->a, "catch_all of '%s'", node->address.p + 1);
	return arena_printf(
		r->a, "%s '%s'", node->kind == ROUTE_LIST ? "list" : "alias", node->address.p);
}

/* Ends at a list: a post is a new message, so check_edges asks it of the list. With an extension it
 * ends at a catch-all, which drops the extension. */
static bool reaches_node(
	struct mail_routes *r, size_t from, size_t to, bool with_extension, int depth)
{
	struct node *node = &r->node[from];
	if (from == to)
		return true;
	if (node->asked == r->questions || depth >= ROUTE_DEPTH || node->kind == ROUTE_LIST ||
		(with_extension && node->kind == ROUTE_CATCH_ALL))
		return false;
	node->asked = r->questions;
	for (size_t i = 0; i < node->n; i++)
		if (node->edge[i].next != NONE &&
			reaches_node(r, node->edge[i].next, to, with_extension, depth + 1))
			return true;
	return false;
}

/* Reports circles that a copy does not end. */
static bool check_edges(struct mail_routes *r, const struct node *node, struct errs *errs)
{
	for (size_t i = 0; i < node->n; i++) {
		const struct edge *e = &node->edge[i];
		if (e->next == NONE || r->node[e->next].circle != node->circle)
			continue;
		if (node->kind == ROUTE_LIST)
			return errs_add(errs, e->pos,
				"%s gets its own posts back through '%s', endlessly",
				name_node(r, node), e->to.p);
		r->questions++;
		if (e->extended && reaches_node(r, e->next, (size_t)(node - r->node), true, 0))
			return errs_add(errs, e->pos,
				"%s leads back to itself through '%s' with one more extension "
				"each time, which Postfix refuses",
				name_node(r, node), e->to.p);
	}
	return true;
}

/* Reports the other circles that no copy ends, each once. */
static bool follow_edges(struct mail_routes *r, struct node *node, int depth, struct errs *errs)
{
	bool ok = true;
	node->mark = MARK_OPEN;
	for (size_t i = 0; ok && i < node->n; i++) {
		const struct edge *e = &node->edge[i];
		struct node *next = e->next == NONE ? NULL : &r->node[e->next];
		if (!next || next->keeps || next->kind == ROUTE_LIST || next->mark == MARK_DONE ||
			r->told[next->circle])
			continue;
		if (next->mark != MARK_OPEN && depth >= ROUTE_DEPTH)
			ok = errs_add(errs, e->pos,
				"%s is the end of a chain of %d redirections, the most that "
				"Postfix follows, but leads on to '%s'",
				name_node(r, node), ROUTE_DEPTH, e->to.p);
		else if (next->mark == MARK_OPEN)
			ok = errs_add(errs, e->pos, "%s leads back to itself through '%s'",
				name_node(r, node), e->to.p);
		else
			ok = follow_edges(r, next, depth + 1, errs);
	}
	node->mark = MARK_DONE;
	return ok;
}

static void check_circles(struct mail_routes *r, struct errs *errs)
{
	r->stack = ARENA_ARRAY(r->a, size_t, r->n + 1);
	r->told = ARENA_ARRAY(r->a, bool, r->n + 1);
	for (size_t i = 0; i < r->n; i++)
		if (!r->node[i].order)
			find_circles(r, i, 0);
	for (size_t i = 0; i < r->n; i++)
		if (!r->told[r->node[i].circle] && !check_edges(r, &r->node[i], errs))
			r->told[r->node[i].circle] = true;
	for (size_t i = 0; i < r->n; i++) {
		struct node *node = &r->node[i];
		if (node->mark == MARK_NEW && !node->keeps && node->kind != ROUTE_LIST &&
			!r->told[node->circle])
			follow_edges(r, node, 0, errs);
	}
}

/* ---- rules ---- */
void mail_routes_check(const struct mail_routes *r, struct str address, struct pos pos,
	const char *who, struct errs *errs)
{
	enum mail_found found = mail_routes_find(r, address);
	if (found == MAIL_NOWHERE)
		errs_add(errs, pos, "%s leads to '%s', which does not exist%s", who, address.p,
			mail_routes_near(r, address));
	else if (found == MAIL_CAUGHT)
		errs_warn(errs, pos, "%s leads to '%s', an address that only the catch_all takes%s",
			who, address.p, mail_routes_near(r, address));
}

static void check_node(const struct mail_routes *r, const struct node *node, struct errs *errs)
{
	for (size_t i = 0; i < node->n; i++) {
		const struct edge *e = &node->edge[i];
		bool own = node->kind == ROUTE_CATCH_ALL && e->found == MAIL_CAUGHT &&
			   str_is(node->address, strrchr(e->to.p, '@'));
		if (e->found == MAIL_HERE || e->found == MAIL_ELSEWHERE)
			continue;
		if (own)
			errs_add(errs, e->pos, "%s leads to '%s', which does not exist%s",
				name_node(r, node), e->to.p, mail_routes_near(r, e->to));
		else if (node->kind == ROUTE_ALIAS || node->kind == ROUTE_CATCH_ALL)
			mail_routes_check(r, e->to, e->pos, name_node(r, node), errs);
	}
}

void mail_routes_rules(struct mail_routes *r, struct errs *errs)
{
	for (size_t i = 0; i < r->n; i++)
		check_node(r, &r->node[i], errs);
	check_circles(r, errs);
}

bool mail_routes_reach(struct mail_routes *r, struct str from, struct str to)
{
	const struct value *start = map_get(r->index, without_extension(r->a, from));
	const struct value *end = map_get(r->index, to);
	r->questions++;
	return start && end && reaches_node(r, (size_t)start->i, (size_t)end->i, false, 0);
}
