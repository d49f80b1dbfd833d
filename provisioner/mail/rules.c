/* SPDX-License-Identifier: MIT
 *
 * Rules of the mail state that involve several keys: names, passwords, targets of aliases. Reports
 * every problem with its place; skips what depends on facts not yet known.
 */
#include "mail/boxes.h"

enum { ADDRESS_MAX = 254 };
struct rules {
	struct arena *a;
	const struct value *mail;
	struct errs *errs;
	struct value *seen; /* ASCII names of the domains seen so far -> null */
	struct mail_routes *routes;
};

/* ---- the server ---- */
static void check_hostname(struct rules *r)
{
	const struct value *name = map_typed(r->mail, "hostname", VALUE_STR);
	struct str ascii;
	if (!name)
		return;
	if (!mail_domain_ascii(r->a, name->s, &ascii)) {
		errs_add(r->errs, name->pos,
			"mail.hostname '%s' is not a fully qualified host name, such "
			"as mx1.example.com in lower case",
			name->s.p);
		return;
	}
	if (!str_eq(ascii, name->s))
		errs_add(r->errs, name->pos, "mail.hostname '%s' must be written as '%s'",
			name->s.p, ascii.p);
	if (mail_routes_domain(r->routes, ascii))
		errs_add(r->errs, name->pos,
			"mail.hostname '%s' is one of the hosted domains; give the "
			"server a name of its own, such as mx1.%s",
			ascii.p, ascii.p);
}

static void check_former(struct rules *r)
{
	const struct value *host = map_typed(r->mail, "hostname", VALUE_STR);
	const struct value *list = map_typed(r->mail, "former_hostnames", VALUE_LIST);
	for (size_t i = 0; list && i < list->list.n; i++) {
		const struct value *name = list->list.v[i];
		struct str ascii;
		if (name->type != VALUE_STR)
			continue;
		if (!mail_domain_ascii(r->a, name->s, &ascii) || !str_eq(ascii, name->s))
			errs_add(r->errs, name->pos,
				"former host name '%s' is not a fully qualified name in lower case",
				name->s.p);
		else if (mail_routes_domain(r->routes, ascii))
			errs_add(r->errs, name->pos,
				"former host name '%s' is one of the hosted domains, which take "
				"their own mail; remove it",
				name->s.p);
		else if (host && str_eq(host->s, ascii))
			errs_add(r->errs, name->pos,
				"'%s' is the current mail.hostname; former_hostnames holds only "
				"earlier ones",
				name->s.p);
	}
}

static void check_networks(struct rules *r, const char *key)
{
	const struct value *nets = map_typed(r->mail, key, VALUE_LIST);
	bool first;
	for (size_t i = 0; nets && i < nets->list.n; i++) {
		const struct value *net = nets->list.v[i];
		if (net->type != VALUE_STR)
			continue;
		if (!mail_network_ok(net->s, &first))
			errs_add(r->errs, net->pos,
				"'%s' is not a valid network; write 192.0.2.0/24 or 2001:db8::/48",
				net->s.p);
		else if (!first) /* with such an entry in mynetworks Postfix defers all mail */
			errs_add(r->errs, net->pos,
				"'%s' has bits set after the first %s; write the network's first "
				"address, as in 192.0.2.0/24, or one address without '/'",
				net->s.p, strchr(net->s.p, '/') + 1);
	}
}

static void check_server(struct rules *r)
{
	check_hostname(r);
	check_former(r);
	check_networks(r, "authorized_relay");
	check_networks(r, "trusted_forwarders");
}

/* ---- mailboxes ---- */
static void check_password(struct rules *r, const char *address, const struct map_entry *e)
{
	const struct value *plain = map_at(e->value, "password");
	const struct value *hash = map_at(e->value, "password_hash");
	struct pos pos = entry_pos(e);
	if (!plain && !hash)
		errs_add(r->errs, pos, "mailbox '%s' needs a password or a password_hash", address);
	else if (plain && hash)
		errs_add(r->errs, pos,
			"mailbox '%s' has both password and password_hash; remove one", address);
	else if (plain && plain->type == VALUE_STR && plain->s.n == 0)
		errs_add(r->errs, plain->pos, "the password of mailbox '%s' is empty", address);
	else if (hash && hash->type == VALUE_STR && !mail_hash_ok(hash->s))
		errs_add(r->errs, hash->pos,
			"password_hash of '%s' is not a crypt(3) hash of a strong kind ($y$, $6$, "
			"$5$, $2b$); make one with `openssl passwd -6`",
			address);
}

static bool check_local(
	struct rules *r, const struct map_entry *e, struct str domain, const char *what)
{
	const char *wrong = mail_local_wrong(e->key);
	if (!wrong && e->key.n + 1 + domain.n > ADDRESS_MAX)
		return errs_add(r->errs, entry_pos(e),
			"'%s@%s' cannot be the address of %s: it has more than %d characters (RFC "
			"5321, 4.5.3.1.3)",
			e->key.p, domain.p, what, ADDRESS_MAX);
	return !wrong || errs_add(r->errs, entry_pos(e), "'%s' is not a valid name for %s: %s",
				 e->key.p, what, wrong);
}

/* Postfix sends its own messages and probes from these names: it recognizes no extension behind
 * them, and nobody answers mail from them. */
static bool check_reserved(struct rules *r, const struct map_entry *e)
{
	static const char *const reserved[] = {"mailer-daemon", "double-bounce"};

	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (str_is(e->key, reserved[i]))
			return errs_add(r->errs, entry_pos(e),
				"'%s' cannot be the name of a mailbox: Postfix sends its own "
				"messages from it; make it an alias",
				e->key.p);
	return true;
}

static void check_mailboxes(struct rules *r, const struct value *domain, struct str name)
{
	const struct value *boxes = map_typed(domain, "mailboxes", VALUE_MAP);
	for (size_t i = 0; boxes && i < boxes->map.n; i++) {
		const struct map_entry *e = &boxes->map.e[i];
		struct str address = mail_join(r->a, e->key, '@', name);
		if (!check_local(r, e, name, "a mailbox") || !check_reserved(r, e))
			continue;
		if (e->value->type == VALUE_MAP)
			check_password(r, address.p, e);
	}
}

/* ---- aliases ---- */
static void check_alias(struct rules *r, const struct map_entry *e, struct str domain,
	const struct value *mailboxes)
{
	struct pos pos = entry_pos(e);
	struct str address = mail_join(r->a, e->key, '@', domain);
	struct value *list = as_list(r->a, e->value);
	bool itself = false;
	if (e->value->type == VALUE_UNKNOWN || !check_local(r, e, domain, "an alias"))
		return;
	for (size_t i = 0; list && i < list->list.n; i++) {
		const struct value *v = list->list.v[i];
		const char *wrong = v->type == VALUE_STR ? mail_target_wrong(v->s) : "";
		if (!wrong)
			itself = itself || str_eq(mail_address(r->a, v->s, domain), address);
		else if (v->type == VALUE_UNKNOWN)
			itself = true; /* it may turn out to be valid */
		else
			errs_add(r->errs, v->pos,
				"a target of alias '%s' must be an address or the name of a "
				"mailbox%s%s",
				address.p, *wrong ? ": " : "", wrong);
	}
	if (!list || list->list.n == 0)
		errs_add(r->errs, pos, "alias '%s' has no target", address.p);
	if (mailboxes && map_get(mailboxes, e->key) && !itself)
		errs_add(r->errs, pos,
			"alias '%s' hides the mailbox of that name; add the mailbox to the "
			"alias's targets or remove one of them",
			address.p);
}

/* ---- domains ---- */
static void check_domain(struct rules *r, const struct map_entry *e)
{
	struct pos pos = entry_pos(e);
	const struct value *aliases, *catch_all;
	const char *wrong;
	struct str name;
	if (!mail_domain_ascii(r->a, e->key, &name)) {
		errs_add(r->errs, pos, "'%s' is not a domain name", e->key.p);
		return;
	}
	if (map_get(r->seen, name))
		errs_add(r->errs, pos, "domain '%s' is declared twice", name.p);
	map_set(r->a, r->seen, name, value_null(r->a));
	if (e->value->type != VALUE_MAP || !mail_is_local(r->mail, e->value))
		return;
	check_mailboxes(r, e->value, name);
	aliases = map_typed(e->value, "aliases", VALUE_MAP);
	for (size_t i = 0; aliases && i < aliases->map.n; i++)
		check_alias(
			r, &aliases->map.e[i], name, map_typed(e->value, "mailboxes", VALUE_MAP));
	catch_all = map_typed(e->value, "catch_all", VALUE_STR);
	wrong = catch_all ? mail_target_wrong(catch_all->s) : NULL;
	if (wrong)
		errs_add(r->errs, catch_all->pos,
			"catch_all of '%s' must be an address or the name of a mailbox: %s", name.p,
			wrong);
}

static void check_quota_warnings(struct rules *r)
{
	const struct value *list = map_typed(r->mail, "quota_warnings", VALUE_LIST);
	for (size_t i = 0; list && i < list->list.n; i++) {
		const struct value *v = list->list.v[i];
		const char *text = v->type == VALUE_STR ? v->s.p : "";
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

static void check_settings(
	struct rules *r, const char *program, const char *key, bool lists, const char *called)
{
	const struct value *own = map_typed(r->mail, program, VALUE_MAP);
	const struct value *map = own ? map_typed(own, key, VALUE_MAP) : NULL;
	for (size_t i = 0; map && i < map->map.n; i++)
		check_setting(r, &map->map.e[i], lists, called);
}

void mail_rules(struct arena *a, const struct value *mail, struct errs *errs)
{
	struct rules r = {.a = a, .mail = mail, .errs = errs};
	const struct value *domains = map_typed(mail, "domains", VALUE_MAP);
	r.seen = value_map(a);
	r.routes = mail_routes_new(a, mail);
	for (size_t i = 0; domains && i < domains->map.n; i++)
		check_domain(&r, &domains->map.e[i]);
	check_server(&r);
	check_quota_warnings(&r);
	check_settings(&r, "postfix", "main", true, "mail.postfix.main");
	check_settings(&r, "dovecot", "settings", false, "mail.dovecot.settings");
	mail_records_rules(mail, errs);
	mail_dkim_rules(a, mail, errs);
	mail_spam_rules(a, mail, r.routes, errs);
	mail_lists_rules(a, mail, r.routes, errs);
	mail_senders_rules(a, mail, r.routes, errs);
	if (domains && !value_find_type(domains, VALUE_UNKNOWN)) {
		mail_routes_rules(r.routes, errs);
		mail_readers_rules(a, mail, r.routes, errs);
		mail_boxes_rules(a, mail, errs);
	}
	mail_outbound_rules(a, mail, errs);
}
