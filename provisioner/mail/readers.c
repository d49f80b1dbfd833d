/* SPDX-License-Identifier: MIT
 *
 * Who reads mail that belongs to no mailbox: to postmaster and abuse of each domain and of the
 * server's own name, and what cron and other local programs write to root. Knows who is declared;
 * routes.c checks that the address exists, boxes.c that it is not suspended.
 */
#include "mail/boxes.h"

static const char *hostname_of(const struct value *mail)
{
	return map_cstr(mail, "hostname", "localhost.localdomain");
}

/* The domains whose mail Postfix delivers to local accounts (mydestination). */
static bool own_name(const struct value *mail, struct str domain)
{
	const struct value *former = map_typed(mail, "former_hostnames", VALUE_LIST);
	for (size_t i = 0; former && i < former->list.n; i++)
		if (former->list.v[i]->type == VALUE_STR && str_eq(former->list.v[i]->s, domain))
			return true;
	return str_is(domain, hostname_of(mail)) || str_starts(domain, "localhost");
}

/* The catch-all, else the first mailbox that is not suspended. */
static bool keeper_in(struct arena *a, const struct value *domain, struct str name, struct str *out)
{
	const struct value *who = map_typed(domain, "catch_all", VALUE_STR);
	const struct value *boxes = map_typed(domain, "mailboxes", VALUE_MAP);
	if (who) {
		*out = mail_address(a, who->s, name);
		if (!mail_box_suspended(domain, name, *out))
			return true;
	}
	for (size_t i = 0; boxes && i < boxes->map.n; i++) {
		*out = mail_join(a, boxes->map.e[i].key, '@', name);
		if (!mail_box_suspended(domain, name, *out))
			return true;
	}
	return false;
}

struct str mail_default_postmaster(
	struct arena *a, const struct value *mail, const struct value *domain, struct str name)
{
	const struct value *who = map_typed(mail, "postmaster", VALUE_STR);
	struct str out;
	if (who)
		return mail_address(a, who->s, str_c(hostname_of(mail)));
	if (keeper_in(a, domain, name, &out))
		return out;
	return str_printf(a, "root@%s", hostname_of(mail));
}

/* The domain of the server's own name first: the others may belong to customers. */
static bool keeper_of_server(struct arena *a, const struct value *mail, struct str *out)
{
	const struct value *domains = map_typed(mail, "domains", VALUE_MAP);
	const char *parent = strchr(hostname_of(mail), '.');
	struct str name, who;
	bool found = false;
	for (size_t i = 0; domains && i < domains->map.n; i++) {
		const struct value *domain = domains->map.e[i].value;
		bool ours;
		if (domain->type != VALUE_MAP || !mail_is_local(mail, domain) ||
			!mail_domain_ascii(a, domains->map.e[i].key, &name))
			continue;
		ours = parent && str_is(name, parent + 1);
		if ((found && !ours) || !keeper_in(a, domain, name, &who))
			continue;
		*out = who;
		found = true;
		if (ours)
			break;
	}
	return found;
}

bool mail_reader(
	struct arena *a, const struct value *mail, struct str *out, const struct value **named)
{
	static const char *const keys[] = {"root", "postmaster"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		*named = map_typed(mail, keys[i], VALUE_STR);
		if (!*named)
			continue;
		*out = mail_address(a, (*named)->s, str_c(hostname_of(mail)));
		if (!own_name(mail, str_c(strrchr(out->p, '@') + 1)))
			return true;
	}
	*named = NULL;
	return keeper_of_server(a, mail, out);
}

/* ---- rules ---- */
/* `root` itself must not name an address of the server: that would lead back to root. */
static void check_named(struct arena *a, const struct value *mail, const struct mail_routes *routes,
	const char *key, struct errs *errs)
{
	const struct value *who = map_typed(mail, key, VALUE_STR);
	bool root = strcmp(key, "root") == 0;
	const char *wrong;
	struct str to;
	if (!who)
		return;
	wrong = mail_target_wrong(who->s);
	if (!wrong && !memchr(who->s.p, '@', who->s.n) && (root || !str_is(who->s, "root")))
		wrong = "it has no domain";
	if (wrong) {
		errs_add(errs, who->pos,
			"mail.%s must be a whole address, such as admin@example.com: %s", key,
			wrong);
		return;
	}
	to = mail_address(a, who->s, str_c(hostname_of(mail)));
	if (!own_name(mail, str_c(strrchr(to.p, '@') + 1)))
		mail_routes_check(
			routes, to, who->pos, root ? "mail.root" : "mail.postmaster", errs);
	else if (root || !str_starts(to, "root@"))
		errs_add(errs, who->pos,
			"mail.%s leads to '%s', an address of the server itself, which has no "
			"mailboxes; use an address of a domain, or one elsewhere",
			key, to.p);
}

void mail_readers_rules(struct arena *a, const struct value *mail, const struct mail_routes *routes,
	struct errs *errs)
{
	const struct value *root = map_at(mail, "root"), *all = map_at(mail, "postmaster"), *named;
	struct str to;
	check_named(a, mail, routes, "root", errs);
	check_named(a, mail, routes, "postmaster", errs);
	if (mail->type == VALUE_MAP && !(root && root->type == VALUE_UNKNOWN) &&
		!(all && all->type == VALUE_UNKNOWN) && !mail_reader(a, mail, &to, &named))
		errs_warn(errs, mail->pos,
			"nobody reads the mail of root, cron and the server's own postmaster and "
			"abuse: it collects in /var/mail; set mail.root to who should read it");
}

void mail_reader_derive(struct arena *a, const struct value *mail, struct value *out)
{
	const struct value *named;
	struct value *m = value_map(a), *who;
	struct str to;
	bool any = mail_reader(a, mail, &to, &named);
	who = any ? value_str(a, to) : value_null(a);
	who->literal = m->literal = true;
	map_put(a, m, "address", who);
	map_put(a, m, "declared",
		value_bool(a, any && named && named == map_typed(mail, "root", VALUE_STR)));
	map_put(a, out, "mail_reader", m);
}
