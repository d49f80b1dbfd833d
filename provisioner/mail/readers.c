/* SPDX-License-Identifier: MIT
 *
 * Who reads mail that belongs to no mailbox: to postmaster and abuse of each domain and of the
 * server's own name, and what cron and other local programs write to root. Knows who is declared;
 * routes.c checks that the address exists, boxes.c that it is not suspended.
 */
#include "mail/boxes.h"

static const char *hostname_of(const struct mail_state *mail)
{
	return mail->hostname.s.p ? mail->hostname.s.p : "localhost.localdomain";
}

/* The domains whose mail Postfix delivers to local accounts (mydestination). */
static bool own_name(const struct mail_state *mail, struct str domain)
{
	const struct mail_texts *former = &mail->former_hostnames;
	for (size_t i = 0; i < former->n; i++) {
		struct str name = mail_nth(former, i).s;
		if (name.p && str_eq(name, domain))
			return true;
	}
	return str_is(domain, hostname_of(mail)) || str_starts(domain, "localhost");
}

/* The catch-all, else the first mailbox that is not suspended. */
static bool keeper_in(struct arena *a, const struct mail_domain *d, struct str *out)
{
	if (d->catch_all.s.p) {
		*out = mail_address(a, d->catch_all.s, d->name);
		if (!mail_box_suspended(d, *out))
			return true;
	}
	for (size_t i = 0; i < d->n_mailboxes; i++) {
		*out = d->mailboxes[i].address;
		if (!mail_box_suspended(d, *out))
			return true;
	}
	return false;
}

struct str mail_default_postmaster(
	struct arena *a, const struct mail_state *mail, const struct mail_domain *d)
{
	struct str out;
	if (mail->postmaster.s.p)
		return mail_address(a, mail->postmaster.s, str_c(hostname_of(mail)));
	if (keeper_in(a, d, &out))
		return out;
	return str_printf(a, "root@%s", hostname_of(mail));
}

/* The domain of the server's own name first: the others may belong to customers. */
static bool keeper_of_server(struct arena *a, const struct mail_state *mail, struct str *out)
{
	const char *parent = strchr(hostname_of(mail), '.');
	struct str who;
	bool found = false;
	for (size_t i = 0; i < mail->n_domains; i++) {
		const struct mail_domain *d = &mail->domains[i];
		bool ours;
		if (!mail_receives(d))
			continue;
		ours = parent && str_is(d->name, parent + 1);
		if ((found && !ours) || !keeper_in(a, d, &who))
			continue;
		*out = who;
		found = true;
		if (ours)
			break;
	}
	return found;
}

bool mail_reader(struct arena *a, const struct mail_state *mail, struct str *out,
	const struct mail_text **named)
{
	const struct mail_text *const given[] = {&mail->root, &mail->postmaster};

	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		*named = given[i];
		if (!given[i]->s.p)
			continue;
		*out = mail_address(a, given[i]->s, str_c(hostname_of(mail)));
		if (!own_name(mail, str_c(strrchr(out->p, '@') + 1)))
			return true;
	}
	*named = NULL;
	return keeper_of_server(a, mail, out);
}

/* ---- rules ---- */
/* `root` itself must not name an address of the server: that would lead back to root. */
static void check_named(struct arena *a, const struct mail_state *mail,
	const struct mail_routes *routes, bool root, struct errs *errs)
{
	struct mail_text who = root ? mail->root : mail->postmaster;
	const char *key = root ? "mail.root" : "mail.postmaster", *wrong;
	struct str to;
	if (!who.s.p)
		return;
	wrong = mail_target_wrong(who.s);
	if (!wrong && !memchr(who.s.p, '@', who.s.n) && (root || !str_is(who.s, "root")))
		wrong = "it has no domain";
	if (wrong) {
		errs_add(errs, mail_pos(who),
			"%s must be a whole address, such as admin@example.com: %s", key, wrong);
		return;
	}
	to = mail_address(a, who.s, str_c(hostname_of(mail)));
	if (!own_name(mail, str_c(strrchr(to.p, '@') + 1)))
		mail_routes_check(routes, to, mail_pos(who), key, errs);
	else if (root || !str_starts(to, "root@"))
		errs_add(errs, mail_pos(who),
			"%s leads to '%s', an address of the server itself, which has no "
			"mailboxes; use an address of a domain, or one elsewhere",
			key, to.p);
}

void mail_readers_rules(struct arena *a, const struct mail_state *mail,
	const struct mail_routes *routes, struct errs *errs)
{
	const struct mail_text *named;
	struct str to;
	check_named(a, mail, routes, true, errs);
	check_named(a, mail, routes, false, errs);
	if (!mail_unknown(mail->root) && !mail_unknown(mail->postmaster) &&
		!mail_reader(a, mail, &to, &named))
		errs_warn(errs, mail->map->pos,
			"nobody reads the mail of root, cron and the server's own postmaster and "
			"abuse: it collects in /var/mail; set mail.root to who should read it");
}

void mail_reader_derive(struct arena *a, const struct mail_state *mail, struct value *out)
{
	const struct mail_text *named;
	struct value *m = value_map(a), *who;
	struct str to;
	bool any = mail_reader(a, mail, &to, &named);
	who = any ? value_str(a, to) : value_null(a);
	who->literal = m->literal = true;
	map_put(a, m, "address", who);
	map_put(a, m, "declared", value_bool(a, any && named == &mail->root));
	map_put(a, out, "mail_reader", m);
}
