/* SPDX-License-Identifier: MIT
 *
 * Rules of the mail state that involve several keys: names, passwords, targets of aliases. Reports
 * every problem with its place; skips what depends on facts not yet known.
 */
#include "mail/boxes.h"

enum { ADDRESS_MAX = 254 };
struct rules {
	struct arena *a;
	const struct mail_state *mail;
	struct errs *errs;
	struct value *seen; /* ASCII names of the domains seen so far -> null */
	struct mail_routes *routes;
};

/* ---- the server ---- */
static void check_hostname(struct rules *r)
{
	struct mail_text name = r->mail->hostname;
	struct str ascii;
	if (!name.s.p)
		return;
	if (!mail_domain_ascii(r->a, name.s, &ascii)) {
		errs_add(r->errs, mail_pos(name),
			"mail.hostname '%s' is not a fully qualified host name, such "
			"as mx1.example.com in lower case",
			name.s.p);
		return;
	}
	if (!str_eq(ascii, name.s))
		errs_add(r->errs, mail_pos(name), "mail.hostname '%s' must be written as '%s'",
			name.s.p, ascii.p);
	if (mail_routes_domain(r->routes, ascii))
		errs_add(r->errs, mail_pos(name),
			"mail.hostname '%s' is one of the hosted domains; give the "
			"server a name of its own, such as mx1.%s",
			ascii.p, ascii.p);
}

static void check_former(struct rules *r)
{
	struct mail_text host = r->mail->hostname;
	const struct mail_texts *list = &r->mail->former_hostnames;
	for (size_t i = 0; i < list->n; i++) {
		struct mail_text name = mail_nth(list, i);
		struct str ascii;
		if (!name.s.p)
			continue;
		if (!mail_domain_ascii(r->a, name.s, &ascii) || !str_eq(ascii, name.s))
			errs_add(r->errs, mail_pos(name),
				"former host name '%s' is not a fully qualified name in lower case",
				name.s.p);
		else if (mail_routes_domain(r->routes, ascii))
			errs_add(r->errs, mail_pos(name),
				"former host name '%s' is one of the hosted domains, which take "
				"their own mail; remove it",
				name.s.p);
		else if (host.s.p && str_eq(host.s, ascii))
			errs_add(r->errs, mail_pos(name),
				"'%s' is the current mail.hostname; former_hostnames holds only "
				"earlier ones",
				name.s.p);
	}
}

static void check_networks(struct rules *r, const struct mail_texts *nets)
{
	bool first;
	for (size_t i = 0; i < nets->n; i++) {
		struct mail_text net = mail_nth(nets, i);
		if (!net.s.p)
			continue;
		if (!mail_network_ok(net.s, &first))
			errs_add(r->errs, mail_pos(net),
				"'%s' is not a valid network; write 192.0.2.0/24 or 2001:db8::/48",
				net.s.p);
		else if (!first) /* with such an entry in mynetworks Postfix defers all mail */
			errs_add(r->errs, mail_pos(net),
				"'%s' has bits set after the first %s; write the network's first "
				"address, as in 192.0.2.0/24, or one address without '/'",
				net.s.p, strchr(net.s.p, '/') + 1);
	}
}

static void check_server(struct rules *r)
{
	check_hostname(r);
	check_former(r);
	check_networks(r, &r->mail->authorized_relay);
	check_networks(r, &r->mail->trusted_forwarders);
}

/* ---- mailboxes ---- */
static void check_password(struct rules *r, const struct mail_box *box)
{
	struct mail_text plain = box->password, hash = box->password_hash;
	const char *address = box->address.p;
	if (!plain.v && !hash.v)
		errs_add(r->errs, box->pos, "mailbox '%s' needs a password or a password_hash",
			address);
	else if (plain.v && hash.v)
		errs_add(r->errs, box->pos,
			"mailbox '%s' has both password and password_hash; remove one", address);
	else if (plain.s.p && plain.s.n == 0)
		errs_add(
			r->errs, mail_pos(plain), "the password of mailbox '%s' is empty", address);
	else if (hash.s.p && !mail_hash_ok(hash.s))
		errs_add(r->errs, mail_pos(hash),
			"password_hash of '%s' is not a crypt(3) hash of a strong kind ($y$, $6$, "
			"$5$, $2b$); make one with `openssl passwd -6`",
			address);
}

static bool check_local(
	struct rules *r, struct str name, struct str address, struct pos pos, const char *what)
{
	const char *wrong = mail_local_wrong(name);
	if (!wrong && address.n > ADDRESS_MAX)
		return errs_add(r->errs, pos,
			"'%s' cannot be the address of %s: it has more than %d characters (RFC "
			"5321, 4.5.3.1.3)",
			address.p, what, ADDRESS_MAX);
	return !wrong ||
	       errs_add(r->errs, pos, "'%s' is not a valid name for %s: %s", name.p, what, wrong);
}

/* Postfix sends its own messages and probes from these names: it recognizes no extension behind
 * them, and nobody answers mail from them. */
static bool check_reserved(struct rules *r, const struct mail_box *box)
{
	static const char *const reserved[] = {"mailer-daemon", "double-bounce"};

	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (str_is(box->name, reserved[i]))
			return errs_add(r->errs, box->pos,
				"'%s' cannot be the name of a mailbox: Postfix sends its own "
				"messages from it; make it an alias",
				box->name.p);
	return true;
}

static void check_mailboxes(struct rules *r, const struct mail_domain *d)
{
	for (size_t i = 0; i < d->n_mailboxes; i++) {
		const struct mail_box *box = &d->mailboxes[i];
		if (!check_local(r, box->name, box->address, box->pos, "a mailbox") ||
			!check_reserved(r, box))
			continue;
		if (box->map)
			check_password(r, box);
	}
}

/* ---- aliases ---- */
static void check_alias(
	struct rules *r, const struct mail_domain *d, const struct mail_alias *alias)
{
	struct str address = alias->address;
	bool itself = false;
	if (alias->unknown || !check_local(r, alias->name, address, alias->pos, "an alias"))
		return;
	for (size_t i = 0; i < alias->to.n; i++) {
		struct mail_text to = mail_nth(&alias->to, i);
		const char *wrong = to.s.p ? mail_target_wrong(to.s) : "";
		if (!wrong)
			itself = itself || str_eq(mail_address(r->a, to.s, d->name), address);
		else if (mail_unknown(to))
			itself = true; /* it may turn out to be valid */
		else
			errs_add(r->errs, mail_pos(to),
				"a target of alias '%s' must be an address or the name of a "
				"mailbox%s%s",
				address.p, *wrong ? ": " : "", wrong);
	}
	if (alias->to.n == 0)
		errs_add(r->errs, alias->pos, "alias '%s' has no target", address.p);
	if (mail_box_named(d, alias->name) && !itself)
		errs_add(r->errs, alias->pos,
			"alias '%s' hides the mailbox of that name; add the mailbox to the "
			"alias's targets or remove one of them",
			address.p);
}

/* ---- domains ---- */
static void check_domain(struct rules *r, const struct mail_domain *d)
{
	const char *wrong;
	if (!d->name.p) {
		errs_add(r->errs, d->pos, "'%s' is not a domain name", d->key.p);
		return;
	}
	if (map_get(r->seen, d->name))
		errs_add(r->errs, d->pos, "domain '%s' is declared twice", d->name.p);
	map_set(r->a, r->seen, d->name, value_null(r->a));
	if (!d->local)
		return;
	check_mailboxes(r, d);
	for (size_t i = 0; i < d->n_aliases; i++)
		check_alias(r, d, &d->aliases[i]);
	wrong = d->catch_all.s.p ? mail_target_wrong(d->catch_all.s) : NULL;
	if (wrong)
		errs_add(r->errs, mail_pos(d->catch_all),
			"catch_all of '%s' must be an address or the name of a mailbox: %s",
			d->name.p, wrong);
}

static void check_quota_warnings(struct rules *r)
{
	const struct mail_texts *list = &r->mail->quota_warnings;
	for (size_t i = 0; i < list->n; i++) {
		struct mail_text given = mail_nth(list, i);
		const struct value *v = given.v;
		const char *text = given.s.p ? given.s.p : "";
		size_t digits = strspn(text, "0123456789");
		long mark = v->type == VALUE_INT ? (long)v->i : strtol(text, NULL, 10);
		if (v->type == VALUE_UNKNOWN)
			continue;
		if (mark < 1 || mark > 99 || (v->type != VALUE_INT && text[digits]))
			errs_add(r->errs, v->pos,
				"an entry of mail.quota_warnings must be a percentage from 1 to "
				"99");
	}
}

/* A second line would be a second setting that the key does not name. */
static void check_setting(
	struct rules *r, const struct map_entry *e, bool lists, const char *called)
{
	bool text = e->value->type == VALUE_STR;
	if (strpbrk(e->key.p, "\r\n") || (text && strpbrk(e->value->s.p, "\r\n")))
		errs_add(r->errs, entry_pos(e),
			"each setting of %s must be on one line; in YAML, '>-' folds several lines "
			"into one",
			called);
	if (e->value->type == VALUE_MAP || (!lists && e->value->type == VALUE_LIST))
		errs_add(r->errs, e->value->pos,
			"%s.%s must be a text, a number, yes or no, %sor null, not %s", called,
			e->key.p, lists ? "a list of those, " : "", value_type_name(e->value));
}

static void check_settings(struct rules *r, const struct value *map, bool lists, const char *called)
{
	for (size_t i = 0; map && i < map->map.n; i++)
		check_setting(r, &map->map.e[i], lists, called);
}

void mail_rules(struct arena *a, const struct mail_state *mail, struct errs *errs)
{
	struct rules r = {.a = a, .mail = mail, .errs = errs};
	r.seen = value_map(a);
	r.routes = mail_routes_new(a, mail);
	for (size_t i = 0; i < mail->n_domains; i++)
		check_domain(&r, &mail->domains[i]);
	check_server(&r);
	check_quota_warnings(&r);
	check_settings(&r, mail->main, true, "mail.postfix.main");
	check_settings(&r, mail->dovecot, false, "mail.dovecot.settings");
	mail_records_rules(mail, errs);
	mail_dkim_rules(a, mail, errs);
	mail_spam_rules(a, mail, r.routes, errs);
	mail_lists_rules(a, mail, r.routes, errs);
	mail_senders_rules(a, mail, r.routes, errs);
	if (mail->domains_known) {
		mail_routes_rules(r.routes, errs);
		mail_readers_rules(a, mail, r.routes, errs);
		mail_boxes_rules(a, mail, errs);
	}
	mail_outbound_rules(a, mail, errs);
}
