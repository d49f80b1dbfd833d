/* SPDX-License-Identifier: MIT
 *
 * Rules of the mail state that reach across keys: names, passwords, where aliases lead. Reports
 * every problem with its place; what is not known before the facts are is passed over.
 */
#include "site/mail.h"

enum { ALIAS_DEPTH = 1000 }; /* Postfix's virtual_alias_recursion_limit */
enum mark { MARK_NEW, MARK_OPEN, MARK_DONE };
struct alias {
	struct str address;
	struct pos pos;
	struct str *target;
	struct pos *target_pos;
	size_t n;
	enum mark mark;
};
struct rules {
	struct arena *a;
	const struct value *mail;
	struct errs *errs;
	struct value *domains;   /* ASCII name -> is it local here? */
	struct value *mailboxes; /* address -> null */
	struct value *index;     /* address -> number in aliases */
	struct value *lists;     /* address -> null */
	struct alias *aliases;
	size_t n, cap;
};

static const struct value *known(const struct value *map, const char *key, enum value_type type)
{
	const struct value *v = map_at(map, key);

	return v && v->type == type ? v : NULL;
}

/* ---- the server ---- */
static void check_hostname(struct rules *r)
{
	const struct value *name = known(r->mail, "hostname", VALUE_STR);
	struct str ascii;

	if (!name)
		return;
	if (!mail_domain_ascii(r->a, name->s, &ascii) || !str_eq(ascii, name->s))
		errs_add(r->errs, name->pos,
			"mail.hostname '%s' is not a fully qualified host name, such "
			"as mx1.example.com in lower case",
			name->s.p);
	else if (map_get(r->domains, ascii))
		errs_add(r->errs, name->pos,
			"mail.hostname '%s' is one of the hosted domains; give the "
			"server a name of its own, such as mx1.%s",
			name->s.p, name->s.p);
}

static void check_server(struct rules *r)
{
	const struct value *nets = known(r->mail, "authorized_relay", VALUE_LIST);

	check_hostname(r);
	for (size_t i = 0; nets && i < nets->list.n; i++)
		if (nets->list.v[i]->type == VALUE_STR && !mail_network_ok(nets->list.v[i]->s))
			errs_add(r->errs, nets->list.v[i]->pos,
				"'%s' is no network; write 192.0.2.0/24 or 2001:db8::/48",
				nets->list.v[i]->s.p);
}

/* ---- mailboxes ---- */
static void check_password(struct rules *r, const char *address, const struct map_entry *e)
{
	const struct value *plain = map_at(e->value, "password");
	const struct value *hash = map_at(e->value, "password_hash");
	struct pos pos = e->key_pos.line ? e->key_pos : e->value->pos;

	if (!plain && !hash)
		errs_add(r->errs, pos, "mailbox '%s' needs a password or a password_hash", address);
	else if (plain && hash)
		errs_add(r->errs, pos,
			"mailbox '%s' has both password and password_hash; leave one", address);
	else if (plain && plain->type == VALUE_STR && plain->s.n == 0)
		errs_add(r->errs, plain->pos, "the password of mailbox '%s' is empty", address);
	else if (hash && hash->type == VALUE_STR && !mail_hash_ok(hash->s))
		errs_add(r->errs, hash->pos,
			"password_hash of '%s' is no crypt(3) hash of a strong kind "
			"($y$, $6$, $5$, $2b$); `openssl passwd -6` makes one",
			address);
}

static bool check_local(struct rules *r, const struct map_entry *e, const char *what)
{
	struct pos pos = e->key_pos.line ? e->key_pos : e->value->pos;

	if (mail_local_part(e->key))
		return true;
	return errs_add(r->errs, pos,
		"'%s' cannot be the name of %s: use lower-case letters, digits and . _ - = ~",
		e->key.p, what);
}

static void read_mailboxes(struct rules *r, const struct value *domain, struct str name)
{
	const struct value *boxes = known(domain, "mailboxes", VALUE_MAP);

	for (size_t i = 0; boxes && i < boxes->map.n; i++) {
		const struct map_entry *e = &boxes->map.e[i];
		struct str address = str_printf(r->a, "%s@%s", e->key.p, name.p);

		if (!check_local(r, e, "a mailbox"))
			continue;
		map_set(r->a, r->mailboxes, address, value_null(r->a));
		if (e->value->type == VALUE_MAP)
			check_password(r, address.p, e);
	}
}

/* ---- aliases ---- */
bool mail_target_ok(struct str t)
{
	const char *at = memchr(t.p, '@', t.n);
	size_t n = at ? (size_t)(at - t.p) : t.n;

	if (n == 0 || n > 64 || strlen(t.p) != t.n || strpbrk(t.p, " \t\r\n,;:|<>()[]\"\\/"))
		return false;
	return !at || (strchr(at + 1, '@') == NULL && strchr(at + 1, '.') != NULL);
}

static void add_target(
	struct rules *r, struct alias *al, size_t *cap, const struct value *v, struct str domain)
{
	size_t n = al->n, cap_pos = *cap;

	if (v->type == VALUE_UNKNOWN)
		return;
	if (v->type != VALUE_STR || !mail_target_ok(v->s)) {
		errs_add(r->errs, v->pos,
			"a target of alias '%s' must be an address or the name of a "
			"mailbox",
			al->address.p);
		return;
	}
	al->target_pos = grow(r->a, al->target_pos, n, &cap_pos, sizeof(*al->target_pos));
	al->target_pos[n] = v->pos;
	PUSH(r->a, al->target, al->n, *cap, mail_address(r->a, v->s, domain));
}

static void read_alias(struct rules *r, const struct map_entry *e, struct str domain)
{
	struct alias al = {.pos = e->key_pos.line ? e->key_pos : e->value->pos};
	struct value *list = as_list(r->a, e->value);
	size_t cap = 0;

	if (e->value->type == VALUE_UNKNOWN || !check_local(r, e, "an alias"))
		return;
	al.address = str_printf(r->a, "%s@%s", e->key.p, domain.p);
	for (size_t i = 0; list && i < list->list.n; i++)
		add_target(r, &al, &cap, list->list.v[i], domain);
	if (!list || list->list.n == 0)
		errs_add(r->errs, al.pos, "alias '%s' has no target", al.address.p);
	map_set(r->a, r->index, al.address, value_int(r->a, (int64_t)r->n));
	PUSH(r->a, r->aliases, r->n, r->cap, al);
}

static bool exists(const struct rules *r, struct str address)
{
	return map_get(r->mailboxes, address) || map_get(r->index, address) ||
	       map_get(r->lists, address);
}

static const char *nearest_address(struct rules *r, struct str address)
{
	const char **names = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < r->mailboxes->map.n && n < 2000; i++)
		PUSH(r->a, names, n, cap, r->mailboxes->map.e[i].key.p);
	for (size_t i = 0; i < r->n && n < 4000; i++)
		PUSH(r->a, names, n, cap, r->aliases[i].address.p);
	PUSH(r->a, names, n, cap, NULL);
	return str_nearest(address.p, names);
}

/* An address of a hosted domain must exist there; "name+extension" counts as name. */
static void check_target(struct rules *r, struct str address, struct pos pos, const char *who)
{
	const char *at = strrchr(address.p, '@');
	const char *plus = memchr(address.p, '+', (size_t)(at - address.p));
	struct str plain = address;
	const char *near;

	const struct value *local = map_get(r->domains, str_c(at + 1));
	if (!local || !local->b)
		return;
	if (plus)
		plain = str_printf(r->a, "%.*s%s", (int)(plus - address.p), address.p, at);
	if (exists(r, plain) || str_starts(plain, "postmaster@") || str_starts(plain, "abuse@"))
		return;
	near = nearest_address(r, plain);
	errs_add(r->errs, pos, "%s leads to '%s', which does not exist%s%s%s", who, plain.p,
		near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static bool follow(struct rules *r, struct alias *al, int depth);

static bool follow_target(struct rules *r, struct alias *al, size_t i, int depth)
{
	struct value *next = map_get(r->index, al->target[i]);
	bool itself = str_eq(al->target[i], al->address);

	if (!next || (itself && map_get(r->mailboxes, al->address)))
		return true;
	if (itself || r->aliases[next->i].mark == MARK_OPEN || depth >= ALIAS_DEPTH)
		return errs_add(r->errs, al->target_pos[i],
			"alias '%s' leads back to itself through '%s'", al->address.p,
			al->target[i].p);
	return follow(r, &r->aliases[next->i], depth + 1);
}

static bool follow(struct rules *r, struct alias *al, int depth)
{
	bool ok = true;

	if (al->mark == MARK_DONE)
		return true;
	al->mark = MARK_OPEN;
	for (size_t i = 0; ok && i < al->n; i++)
		ok = follow_target(r, al, i, depth);
	al->mark = MARK_DONE;
	return ok;
}

static bool targets_itself(const struct alias *al)
{
	for (size_t i = 0; i < al->n; i++)
		if (str_eq(al->target[i], al->address))
			return true;
	return false;
}

static void check_aliases(struct rules *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct alias *al = &r->aliases[i];

		for (size_t j = 0; j < al->n; j++)
			check_target(r, al->target[j], al->target_pos[j],
				arena_printf(r->a, "alias '%s'", al->address.p));
		if (map_get(r->mailboxes, al->address) && !targets_itself(al))
			errs_add(r->errs, al->pos,
				"alias '%s' hides the mailbox of that name; add it to the "
				"alias's targets or take one away",
				al->address.p);
		follow(r, al, 0);
	}
}

/* ---- domains ---- */
static void check_one_target(struct rules *r, const struct value *map, const char *key,
	struct str domain, const char *what)
{
	const struct value *v = known(map, key, VALUE_STR);

	if (!v)
		return;
	if (!mail_target_ok(v->s))
		errs_add(r->errs, v->pos, "%s must be an address or the name of a mailbox", what);
	else
		check_target(r, mail_address(r->a, v->s, domain), v->pos, what);
}

static void read_lists(struct rules *r, const struct value *domain, struct str name)
{
	const struct value *lists = known(domain, "lists", VALUE_MAP);

	for (size_t i = 0; lists && i < lists->map.n; i++)
		map_set(r->a, r->lists, str_printf(r->a, "%s@%s", lists->map.e[i].key.p, name.p),
			value_null(r->a));
}

static void read_domains(struct rules *r, const struct value *domains)
{
	for (size_t i = 0; i < domains->map.n; i++) {
		const struct map_entry *e = &domains->map.e[i];
		struct pos pos = e->key_pos.line ? e->key_pos : e->value->pos;
		const struct value *aliases;
		struct str name;

		if (!mail_domain_ascii(r->a, e->key, &name)) {
			errs_add(r->errs, pos, "'%s' is no domain name", e->key.p);
			continue;
		}
		if (map_get(r->domains, name))
			errs_add(r->errs, pos, "domain '%s' is declared twice", name.p);
		bool local = e->value->type == VALUE_MAP && mail_is_local(r->mail, e->value);
		map_set(r->a, r->domains, name, value_bool(r->a, local));
		if (!local)
			continue;
		read_mailboxes(r, e->value, name);
		read_lists(r, e->value, name);
		aliases = known(e->value, "aliases", VALUE_MAP);
		for (size_t j = 0; aliases && j < aliases->map.n; j++)
			read_alias(r, &aliases->map.e[j], name);
	}
}

static void check_domains(struct rules *r, const struct value *domains)
{
	for (size_t i = 0; i < domains->map.n; i++) {
		const struct map_entry *e = &domains->map.e[i];
		struct str name;

		if (e->value->type == VALUE_MAP && mail_is_local(r->mail, e->value) &&
			mail_domain_ascii(r->a, e->key, &name))
			check_one_target(r, e->value, "catch_all", name,
				arena_printf(r->a, "catch_all of '%s'", name.p));
	}
}

/* A second line would be a second setting, which nobody named. */
static void check_settings(
	struct rules *r, const char *program, const char *key, const char *called)
{
	const struct value *own = known(r->mail, program, VALUE_MAP);
	const struct value *map = own ? known(own, key, VALUE_MAP) : NULL;

	for (size_t i = 0; map && i < map->map.n; i++) {
		const struct map_entry *e = &map->map.e[i];
		bool text = e->value->type == VALUE_STR;

		if (strpbrk(e->key.p, "\r\n") || (text && strpbrk(e->value->s.p, "\r\n")))
			errs_add(r->errs, e->key_pos.line ? e->key_pos : e->value->pos,
				"%s must be one line a setting; in YAML '>-' folds several",
				called);
	}
}

void mail_rules(struct arena *a, const struct value *mail, struct errs *errs)
{
	struct rules r = {.a = a, .mail = mail, .errs = errs};
	const struct value *domains = known(mail, "domains", VALUE_MAP);
	const struct value *host = known(mail, "hostname", VALUE_STR);

	r.domains = value_map(a);
	r.mailboxes = value_map(a);
	r.index = value_map(a);
	r.lists = value_map(a);
	if (domains)
		read_domains(&r, domains);
	check_server(&r);
	check_settings(&r, "postfix", "main", "mail.postfix.main");
	check_settings(&r, "dovecot", "settings", "mail.dovecot.settings");
	mail_records_rules(mail, errs);
	mail_dkim_rules(a, mail, errs);
	mail_spam_rules(a, mail, &(struct mail_known){r.domains, r.mailboxes, r.index}, errs);
	mail_lists_rules(a, mail, errs);
	if (domains && !value_find_type(domains, VALUE_UNKNOWN)) {
		check_aliases(&r);
		check_domains(&r, domains);
	}
	if (known(mail, "postmaster", VALUE_STR))
		check_one_target(&r, mail, "postmaster",
			host ? host->s : str_c("localhost.localdomain"), "mail.postmaster");
	mail_outbound_rules(a, mail, errs);
}
