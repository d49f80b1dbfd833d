/* SPDX-License-Identifier: MIT
 *
 * The lists that the roles need of the mail state: domains, mailboxes, aliases, catch-alls,
 * senders. The names are documented in site/mail_vars.c. A pure function of the checked state, fast
 * for many entries.
 */
#include "jinja/jinja.h"
#include "mail/boxes.h"

struct wanted_hash {
	struct value *hash; /* mail_hashes_end fills in its text */
	struct str password, address;
};
struct mail_hashing {
	struct value **hash; /* hash[i] gets the result of v[i] */
	struct stable_hash *v;
	size_t n;
	struct stable_hashing *work;
};
struct derive {
	struct mail_memory *memory;
	struct arena *a, *work; /* work: temporary memory, freed before mail_derive returns */
	const struct mail_state *mail;
	struct errs *errs;
	struct value *domains, *mailboxes, *vacations, *closed, *aliases, *catchalls, *traps;
	struct value *suspended;    /* addresses of such mailboxes */
	bool quotas;                /* has any mailbox a quota? */
	struct wanted_hash *wanted; /* of passwords given in plain text */
	size_t n_wanted, cap_wanted;
	struct value *boxes;  /* address -> the same as a value */
	struct value *routes; /* alias's address -> list of targets */
};

static struct value *make_text(struct derive *d, struct str s)
{
	struct value *v = value_str(d->a, s);
	v->literal = true;
	return v;
}

/* There are many records and lists: each is allocated at its final size and marked as literal, so
 * that the template language does not copy it. */
static struct value *make_record(struct derive *d, size_t n)
{
	struct value *m = value_map(d->a);
	map_reserve(d->a, m, n);
	m->literal = true;
	return m;
}

static struct value *list_of(struct derive *d, size_t n)
{
	struct value *list = value_list(d->a);
	list_reserve(d->a, list, n);
	list->literal = true;
	return list;
}

static void put_member(struct derive *d, struct value *m, const char *key, struct value *v)
{
	map_append(d->a, m, str_c(key), (struct pos){0}, v);
}

/* ---- passwords ---- */
enum { PASSWORD_MAX = 511 }; /* the longest password that crypt(3) takes, in bytes */

static bool can_be_hashed(struct str password)
{
	return password.n <= PASSWORD_MAX && !memchr(password.p, 0, password.n);
}

/* Each password is hashed once in a run. */
static struct value *password_hash(struct derive *d, struct str address, const struct value *plain)
{
	struct mail_memory *memory = d->memory;
	unsigned char sum[SHA256_LEN];
	char key[SHA256_HEX];
	struct sha256 sha;
	sha256_init(&sha);
	sha256_add(&sha, address.p, address.n + 1);
	sha256_add(&sha, plain->s.p, plain->s.n);
	sha256_end(&sha, sum);
	hex(sum, sizeof(sum), key);
	if (!memory->hashes)
		memory->hashes = value_map(memory->a);
	struct value *hash = map_at(memory->hashes, key);
	if (hash)
		return hash;
	hash = value_str(memory->a, str_c(""));
	hash->pos = plain->pos;
	hash->literal = hash->secret = true;
	map_put(memory->a, memory->hashes, arena_strdup(memory->a, key), hash);
	PUSH(d->work, d->wanted, d->n_wanted, d->cap_wanted,
		((struct wanted_hash){hash, plain->s, address}));
	return hash;
}

/* Starts the hashing on other processors; mail_hashes_end collects the results. */
static void begin_hashes(struct derive *d)
{
	struct mail_memory *memory = d->memory;
	const struct wanted_hash *w = d->wanted;
	mail_hashes_end(memory);
	if (d->n_wanted == 0)
		return;
	memory->hashing = ARENA_NEW(memory->a, struct mail_hashing);
	*memory->hashing =
		(struct mail_hashing){.hash = ARENA_ARRAY(memory->a, struct value *, d->n_wanted),
			.v = ARENA_ARRAY(memory->a, struct stable_hash, d->n_wanted),
			.n = d->n_wanted};
	for (size_t i = 0; i < d->n_wanted; i++) {
		memory->hashing->hash[i] = w[i].hash;
		memory->hashing->v[i] = (struct stable_hash){
			w[i].password, str_dup(memory->a, w[i].address.p, w[i].address.n), ""};
		if (!can_be_hashed(w[i].password))
			errs_add(d->errs, w[i].hash->pos,
				"the password is too long or has a NUL byte: crypt(3) takes at "
				"most %d bytes",
				PASSWORD_MAX);
	}
	memory->hashing->work = stable_hashes_begin(memory->hashing->v, memory->hashing->n);
}

void mail_hashes_end(struct mail_memory *memory)
{
	struct mail_hashing *h = memory->hashing;
	if (!h)
		return;
	memory->hashing = NULL;
	stable_hashes_end(h->work);
	for (size_t i = 0; i < h->n; i++) {
		if (!h->v[i].text[0] && can_be_hashed(h->v[i].password))
			panic("crypt(3) failed on a password of %zu bytes", h->v[i].password.n);
		h->hash[i]->s = str_dup(memory->a, h->v[i].text, strlen(h->v[i].text));
	}
}

/* ---- lists ---- */
/* The login names of a mailbox: one for each Unicode spelling of its domain. */
static void put_logins(
	struct derive *d, struct value *m, struct str local, const struct value *unicode)
{
	struct value *logins = list_of(d, unicode->list.n);
	for (size_t i = 0; i < unicode->list.n; i++)
		list_add(d->a, logins,
			make_text(d, mail_join(d->a, local, '@', unicode->list.v[i]->s)));
	put_member(d, m, "logins", logins);
}

static void add_mailbox(struct derive *d, const struct mail_box *box, struct value *domain,
	const struct value *unicode)
{
	struct value *m = make_record(d, 10);
	struct value *address = make_text(d, box->address);
	put_member(d, m, "address", address);
	put_member(d, m, "local", make_text(d, box->name));
	put_member(d, m, "domain", domain);
	put_member(d, m, "home", make_text(d, mail_join(d->a, domain->s, '/', box->name)));
	put_member(d, m, "password_hash",
		box->password.v ? password_hash(d, address->s, box->password.v)
				: box->password_hash.v);
	put_member(d, m, "quota", value_int(d->a, box->quota.i));
	d->quotas = d->quotas || box->quota.i > 0;
	if (box->state != MAIL_ACTIVE) {
		put_member(d, m, "state", box->state_word);
		list_add(d->a, d->closed, m);
	}
	if (box->state == MAIL_SUSPENDED)
		list_add(d->a, d->suspended, address);
	if (box->vacation) {
		put_member(d, m, "vacation", box->vacation);
		put_member(d, m, "addresses", mail_own_addresses(d->a, box, address, domain->s));
		list_add(d->a, d->vacations, m);
	}
	if (unicode->list.n)
		put_logins(d, m, box->name, unicode);
	list_add(d->a, d->mailboxes, m);
	map_set(d->work, d->boxes, address->s, address);
}

static void add_route(
	struct derive *d, struct value *list, struct value *address, struct value *targets)
{
	struct value *m = make_record(d, 2);
	put_member(d, m, "address", address);
	put_member(d, m, "targets", targets);
	list_add(d->a, list, m);
}

static struct value *list_one(struct derive *d, struct value *address)
{
	struct value *list = list_of(d, 1);
	list_add(d->a, list, address);
	return list;
}

static void add_alias(struct derive *d, struct str address, struct value *targets)
{
	add_route(d, d->aliases, make_text(d, address), targets);
	map_set(d->work, d->routes, address, targets);
}

static void add_aliases(struct derive *d, const struct mail_domain *domain)
{
	for (size_t i = 0; i < domain->n_aliases; i++) {
		const struct mail_texts *from = &domain->aliases[i].to;
		struct value *to = list_of(d, from->n);
		for (size_t j = 0; j < from->n; j++)
			list_add(d->a, to,
				make_text(
					d, mail_address(d->a, mail_nth(from, j).s, domain->name)));
		add_alias(d, domain->aliases[i].address, to);
	}
}

/* RFC 2142: the addresses that every domain must accept. */
static void add_duties(struct derive *d, const struct mail_domain *domain)
{
	static const char *const duties[] = {"postmaster", "abuse"};
	struct str who = mail_default_postmaster(d->a, d->mail, domain);

	for (size_t i = 0; i < ARRAY_LEN(duties); i++) {
		struct str address = mail_join(d->a, str_c(duties[i]), '@', domain->name);
		if (!map_get(d->boxes, address) && !map_get(d->routes, address) &&
			!str_eq(address, who))
			add_alias(d, address, list_one(d, make_text(d, who)));
	}
}

/* Spam traps: addresses that nobody owns; a catch-all does not take them. */
static void add_traps(struct derive *d)
{
	const struct mail_texts *traps = &d->mail->spam_traps;
	for (size_t i = 0; i < traps->n; i++)
		list_add(d->a, d->traps,
			make_text(d, mail_address(d->a, mail_nth(traps, i).s, str_c(""))));
}

static void keep_traps(struct derive *d, struct str name)
{
	for (size_t i = 0; i < d->traps->list.n; i++) {
		struct value *trap = d->traps->list.v[i];
		if (str_is(name, strchr(trap->s.p, '@') + 1))
			add_route(d, d->catchalls, trap, list_one(d, trap));
	}
}

/* Every address that exists beside the catch-all is listed as its own target: otherwise Postfix
 * would hand its mail to the catch-all. */
static void keep_from_catchall(struct derive *d, struct str address)
{
	struct value *v;
	if (map_get(d->routes, address))
		return;
	v = make_text(d, address);
	add_route(d, d->catchalls, v, list_one(d, v));
}

static void add_catchall(struct derive *d, const struct mail_domain *domain)
{
	struct mail_text who = domain->catch_all;
	if (!who.s.p)
		return;
	for (size_t i = 0; i < domain->n_mailboxes; i++)
		keep_from_catchall(d, domain->mailboxes[i].address);
	for (size_t i = 0; mail_lists_own(d->mail) && i < domain->n_lists; i++)
		keep_from_catchall(d, domain->lists[i].address);
	keep_traps(d, domain->name);
	add_route(d, d->catchalls, make_text(d, str_printf(d->a, "@%s", domain->name.p)),
		list_one(d, make_text(d, mail_address(d->a, who.s, domain->name))));
}

static struct value *record_of(struct derive *d, struct mail_text own, struct mail_text all)
{
	return make_text(d, own.s.p ? own.s : all.s.p ? all.s : str_c(""));
}

static void add_domain(struct derive *d, const struct mail_domain *domain)
{
	struct value *m = make_record(d, 5), *name;
	struct mail_text who = domain->catch_all;
	struct value *unicode = list_of(d, 2);
	if (!domain->local)
		return;
	if (!domain->name.p)
		panic("domain '%s' is invalid but passed the checks", domain->key.p);
	name = make_text(d, domain->name);
	put_member(d, m, "name", name);
	put_member(d, m, "spf", record_of(d, domain->spf, d->mail->spf));
	put_member(d, m, "dmarc", record_of(d, domain->dmarc, d->mail->dmarc));
	put_member(d, m, "catch_all",
		who.s.p ? make_text(d, mail_address(d->a, who.s, domain->name)) : value_null(d->a));
	mail_domain_unicode(d->a, domain->name, unicode);
	if (unicode->list.n)
		put_member(d, m, "unicode", unicode);
	list_add(d->a, d->domains, m);
	for (size_t i = 0; i < domain->n_mailboxes; i++)
		add_mailbox(d, &domain->mailboxes[i], name, unicode);
	add_aliases(d, domain);
	add_duties(d, domain);
	add_catchall(d, domain);
}

static struct value *new_list(struct derive *d, struct value *out, const char *name)
{
	struct value *list = value_list(d->a);
	list->literal = true;
	map_put(d->a, out, name, list);
	return list;
}

void mail_derive(const struct mail_env *env, struct arena *a, const struct mail_state *mail,
	struct value *out, struct errs *errs)
{
	struct derive d = {.memory = env->memory, .a = a, .mail = mail, .errs = errs};
	size_t aliases = mail->n_aliases + 2 * mail->n_domains;
	d.domains = new_list(&d, out, "mail_domains");
	d.mailboxes = new_list(&d, out, "mail_mailboxes");
	d.vacations = new_list(&d, out, "mail_vacations");
	d.closed = new_list(&d, out, "mail_closed");
	d.aliases = new_list(&d, out, "mail_aliases");
	d.catchalls = new_list(&d, out, "mail_catchalls");
	new_list(&d, out, "mail_senders");
	d.traps = new_list(&d, out, "mail_traps");
	d.suspended = value_list(a);
	d.work = arena_new();
	d.boxes = value_map(d.work);
	d.routes = value_map(d.work);
	map_reserve(d.work, d.boxes, mail->n_mailboxes);
	map_reserve(d.work, d.routes, aliases);
	list_reserve(d.a, d.aliases, aliases);
	add_traps(&d);
	for (size_t i = 0; i < mail->n_domains; i++)
		add_domain(&d, &mail->domains[i]);
	begin_hashes(&d);
	map_put(a, out, "mail_has_quotas", value_bool(a, d.quotas));
	mail_zones(d.a, mail, out);
	mail_derive_outbound(a, mail, out);
	mail_tls_derive(env, a, mail, out, errs);
	mail_lists_derive(a, mail, out);
	mail_senders_derive(a, mail, d.boxes, d.routes, out);
	arena_free(d.work);
	mail_reader_derive(a, mail, out);
	mail_boxes_derive(a, d.suspended, out);
	mail_source_derive(env, a, mail, out, errs);
}
