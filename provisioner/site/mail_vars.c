/* SPDX-License-Identifier: MIT
 *
 * The declared mail state of a host: `mail:` of its groups, the host, the play and -e, merged key
 * by key, evaluated, checked. Contacts nobody and never shows a password.
 *
 * Variables for the roles where `mail:` is declared; no value contains a template:
 *   mail            the whole map, every key of the schema with its default
 *   mail_domains    [{name, spf, dmarc, catch_all or null}] of the domains that are local here;
 *                   with unicode: [spelling] where the name is an internationalised one
 *   mail_mailboxes  [{address, local, domain, home: "domain/local", password_hash, quota: bytes,
 *                   state unless it is active; with a vacation also vacation: {subject, text}
 *                   and addresses, by which others write to the owner; logins: [address] in the
 *                   Unicode spellings of the domain, where there are any}]
 *   mail_vacations  the mailboxes with a vacation
 *   mail_closed     the mailboxes whose state is not active
 *   mail_has_quotas does any mailbox have a quota?
 *   mail_aliases    [{address, targets: [address]}], including postmaster and abuse of every domain
 *   mail_catchalls  [{address: "@domain", targets}], after the domain's mailboxes, each as its own
 *                   target: Postfix looks up aliases first, so a catch-all would take their mail
 *   mail_senders    [{address or "@domain", logins: [mailbox]}]: who may send as what (no logins:
 *                   nobody). A mailbox may send as itself, the aliases that lead to it, the lists
 *                   it owns and its send_as; the owner of a catch-all as addresses of nobody else
 *   mail_certificates {name: PEM text of key, certificate, chain} of the given ones; if the server
 *                   has two, the RSA one has its name, the other is HOSTNAME.ecdsa; secret
 *   mail_acme       [name] of the certificates to obtain by ACME, the server's first
 *   mail_sni        [{name, digest of a given certificate or ""}] of domains with their own
 *   mail_zones      what is published for each domain: [{name, provider, provider_key, spf, dmarc
 *                   (null: the provider's default), certificate (is there one for mail.DOMAIN?),
 *                   dkim: [{selector, owner: the key belongs to the domain, or "global"}]}]
 *   mail_host_dkim  the list dkim for the host's own name, which bounces come from
 *   mail_dkim_keys  [{domain (or "global"), selector, algorithm, bits}]: the keys to have
 *   mail_dkim_signers  [{domain, selectors: [{selector, owner}]}]: which keys sign for which domain
 *   mail_outbound   how mail leaves: addresses [{name, address, family, helo}] in use, the default
 *                   first; transport: for senders without one of their own; relay: "[host]:port"
 *                   or ""; senders [{sender: "@domain" or "<>", transport}], our own; from
 *                   mail.transports [{domain, transport}], hops: mail that leaves this host, ends:
 *                   mail refused or delivered here; dnsbl: postscreen's sites
 *   mail_traps      [address]: mail to them is learned as spam; with a catch-all, each is its own
 *                   target
 *   mail_lists      [{address, owner, moderators, members, post, subscription, subject_prefix or
 *                   null, reply_to, dmarc, language}], all addresses whole
 *   mail_list_aliases  [{address, targets}]: a list's addresses beside its own: +owner; with
 *                   Majordomo the list itself, -request, owner- and so on
 *   mail_list_ways  [address]: of lists, and of aliases that lead to one
 *   mail_reader     {address: who reads the mail of root and of the server's own name, or null;
 *                   declared: is it from mail.root?}
 *   mail_refused    [{address or domain, refused}]: what leads to suspended mailboxes only; if a
 *                   domain's catch-all does, its other addresses are listed with refused: false
 *   mail_list_archive  a tar archive of the folder with Majordomo's source; null: not a folder
 */
#include "site/vars.h"

/* ---- what mail/ asks of the site ---- */
static const char *find_file(void *ctx, const char *name, struct arena *a)
{
	return task_file(ctx, NULL, "files", name, a);
}

static const struct str *read_text(void *ctx, const char *path, struct err *e)
{
	struct site *s = ctx;
	struct file *f = files_get(&s->files, path, e);
	if (!f && !e->kind)
		err_set(e, ERR_CONFIG, "there is no file '%s'", path);
	return f ? &f->text : NULL;
}

static struct mail_env env_of(struct vars *v)
{
	return (struct mail_env){.memory = &v->s->mail_memory,
		.host = v->host->name,
		.facts = v->facts,
		.find = find_file,
		.read = read_text,
		.ctx = v->s};
}

/* ---- names ---- */
/* The names that mail_derive computes. */
static const char *const derived[] = {"mail_domains", "mail_mailboxes", "mail_vacations",
	"mail_closed", "mail_has_quotas", "mail_aliases", "mail_catchalls", "mail_senders",
	"mail_traps", "mail_zones", "mail_host_dkim", "mail_dkim_keys", "mail_dkim_signers",
	"mail_outbound", "mail_acme", "mail_certificates", "mail_sni", "mail_lists",
	"mail_list_aliases", "mail_list_ways", "mail_list_archive", "mail_reader", "mail_refused"};

bool mail_name_has_hashes(struct str name)
{
	return str_is(name, "mail_mailboxes") || str_is(name, "mail_vacations") ||
	       str_is(name, "mail_closed");
}

bool mail_name(struct str name)
{
	if (!str_starts(name, "mail")) /* called for every name, so it must be fast */
		return false;
	for (size_t i = 0; i < ARRAY_LEN(derived); i++)
		if (str_is(name, derived[i]))
			return true;
	return str_is(name, "mail");
}

/* Merges one layer over the previous ones; a layer that is not a map is a problem. */
static void merge_layer(struct vars *v, struct value **all, struct value *layer, struct errs *errs)
{
	if (!layer || layer->type == VALUE_NULL)
		return;
	if (layer->type != VALUE_MAP) {
		errs_add(errs, layer->pos, "mail must be a map, not %s", value_type_name(layer));
		return;
	}
	*all = *all ? value_merge(v->a, *all, layer) : layer;
}

static struct value *merge_layers(struct vars *v, struct errs *errs)
{
	struct layer *layers;
	struct value *all = NULL;
	size_t n = host_layers(v->s, v->host, v->a, &layers);
	for (size_t i = 0; i < n; i++)
		merge_layer(v, &all, map_at(layers[i].map, "mail"), errs);
	if (v->play && v->play->vars)
		merge_layer(v, &all, map_at(v->play->vars, "mail"), errs);
	if (v->play)
		merge_layer(v, &all, v->play->mail, errs);
	merge_layer(v, &all, map_at(v->s->extra, "mail"), errs);
	return all;
}

bool mail_declared(const struct vars *v)
{
	struct layer *layers;
	size_t n;
	if ((v->play && (v->play->mail || (v->play->vars && map_at(v->play->vars, "mail")))) ||
		map_at(v->s->extra, "mail"))
		return true;
	n = host_layers(v->s, v->host, v->a, &layers);
	for (size_t i = 0; i < n; i++)
		if (map_at(layers[i].map, "mail"))
			return true;
	return false;
}

/* In the scope of the play: variables of a role or a task do not affect the declared state. */
static struct value *evaluate_raw(struct vars *v, struct value *raw, struct err *e)
{
	struct scope *scope = v->scope;
	const struct task *task = v->task;
	struct value *loop = v->loop, *out;
	bool cache_off = v->cache_off, loop_dependent = v->loop_dependent;
	if (v->n_busy == VARS_DEPTH)
		return NULL;
	v->mail_busy = true;
	v->busy[v->n_busy++] = "mail";
	vars_enter(v, NULL, NULL);
	vars_loop(v, NULL);
	out = vars_resolve(v, raw, e);
	v->scope = scope;
	v->task = task;
	v->loop = loop;
	v->cache_off = cache_off;
	v->loop_dependent = loop_dependent;
	v->n_busy--;
	v->mail_busy = false;
	if ((!out || v->not_undefined) && v->err.kind)
		*e = v->err;
	return e->kind ? NULL : out;
}

/* Evaluates each leaf on its own, so that one undefined variable does not hide other mistakes: a
 * leaf that fails is a problem, and unknown to the checks that follow. */
static struct value *evaluate_parts(struct vars *v, struct value *raw, struct errs *errs)
{
	struct err e = {0};
	struct value *out;
	if (raw->type == VALUE_MAP || raw->type == VALUE_LIST) {
		out = value_shallow(v->a, raw);
		for (size_t i = 0; raw->type == VALUE_MAP && i < raw->map.n; i++)
			out->map.e[i].value = evaluate_parts(v, raw->map.e[i].value, errs);
		for (size_t i = 0; raw->type == VALUE_LIST && i < raw->list.n; i++)
			out->list.v[i] = evaluate_parts(v, raw->list.v[i], errs);
		return out;
	}
	v->err = (struct err){0};
	v->not_undefined = false;
	out = evaluate_raw(v, raw, &e);
	if (out)
		return out;
	if (!e.kind)
		err_at(&e, raw->pos, "this cannot be evaluated");
	errs_take(errs, &e);
	out = value_unknown(v->a, "until it can be evaluated");
	out->pos = raw->pos;
	return out;
}

static struct value *with_hostname(struct vars *v, struct value *mail, struct errs *errs)
{
	struct str name;
	if (map_at(mail, "hostname"))
		return mail;
	if (!mail_domain_ascii(v->a, str_c(v->host->name), &name)) {
		errs_add(errs, mail->pos,
			"mail.hostname is missing for host '%s', whose inventory name is not "
			"fully qualified",
			v->host->name);
		return mail;
	}
	mail = value_shallow(v->a, mail);
	map_put(v->a, mail, "hostname", value_str(v->a, name));
	map_at(mail, "hostname")->pos = mail->pos;
	return mail;
}

/* Evaluates the merged layers and checks them by the field table; returns a map after problems,
 * too. NULL: it is not a map. */
static struct value *read_fields(struct vars *v, struct value *raw, struct errs *errs)
{
	struct value *mail, *checked;
	struct err e = {0};
	mail = evaluate_raw(v, raw, &e);
	if (!mail)
		mail = evaluate_parts(v, raw, errs);
	mail = vars_omit(v->a, mail);
	if (!mail)
		mail = value_null(v->a);
	checked = fields_check(v->a, mail_fields, mail, "mail", errs);
	if (mail->type != VALUE_MAP)
		return NULL;
	mail_sizes_rules(mail, errs); /* as written: with or without a unit */
	return with_hostname(v, checked ? checked : mail, errs);
}

/* NULL with problems; *none: nothing is declared. keep: the arena for a state that needs no facts
 * and has no problems of the field table, so that it need not be parsed again; NULL: none is kept.
 */
static const struct mail_state *read_declared(
	struct vars *v, struct arena *keep, bool *none, struct errs *errs)
{
	struct value *raw = merge_layers(v, errs), *map;
	const struct mail_state *mail;
	struct mail_env env = env_of(v);
	*none = !raw && !errs->n;
	if (!raw || errs->n)
		return NULL;
	map = read_fields(v, raw, errs);
	if (!map)
		return NULL;
	if (keep && !errs->n && !value_find_type(map, VALUE_UNKNOWN))
		mail = mail_parse(keep, value_keep(keep, map, v->a));
	else
		mail = mail_parse(v->a, map);
	mail_rules(v->a, mail, errs); /* also after problems of the field table */
	mail_tls_rules(&env, mail, errs);
	mail_fail2ban_rules(mail, errs);
	mail_source_rules(&env, mail, errs);
	return errs->n ? NULL : mail;
}

static struct str state_key(const struct vars *v, struct arena *a)
{
	return str_printf(a, "%s %p", v->host->name, (const void *)v->play);
}

static struct known_mail *known_state(const struct vars *v)
{
	struct value *i = map_get(v->s->mail_index, state_key(v, v->a));
	return i ? &v->s->mails[i->i] : NULL;
}

/* A state that is complete without the host's facts stays the same with them: it is kept for the
 * resolver. */
void mail_check(struct vars *v, struct errs *errs)
{
	struct site *s = v->s;
	const struct mail_state *mail;
	struct errs own;
	bool none;
	errs_init(&own, v->a);
	mail = read_declared(v, s->a, &none, &own);
	errs_join(errs, &own);
	if (!mail || !mail->known)
		return;
	map_set(s->a, s->mail_index, state_key(v, s->a), value_int(s->a, (int64_t)s->n_mails));
	PUSH(s->a, s->mails, s->n_mails, s->cap_mails, ((struct known_mail){.mail = mail}));
}

/* If any part of the mail state depends on facts not yet known, every derived variable is UNKNOWN
 * too. */
static void derive_none(struct arena *a, struct value *out)
{
	for (size_t i = 0; i < ARRAY_LEN(derived); i++)
		map_put(a, out, derived[i],
			value_unknown(a, "until the facts of the host are known"));
}

/* kept: the state and what is derived of it outlive the run of `v`. */
static struct value *names_of(struct vars *v, struct arena *a, const struct mail_state *mail,
	bool kept, struct errs *errs)
{
	struct value *out = value_map(a);
	struct mail_env env = env_of(v);
	size_t before = errs->n;
	mail->map->literal = true;
	map_put(a, out, "mail", mail->map);
	if (!mail->known)
		derive_none(a, out);
	else
		mail_derive(&env, a, mail, out, errs);
	if (!kept || v->s->loaded) /* pending work must not outlive its arena */
		mail_hashes_end(&v->s->mail_memory);
	if (out->map.n != ARRAY_LEN(derived) + 1 && errs->n == before)
		panic("a name that is computed from the mail state is missing in the list");
	return errs->n == before ? out : NULL;
}

struct value *mail_vars(struct vars *v, struct errs *errs)
{
	struct known_mail *state = known_state(v);
	struct mail_env env = env_of(v);
	const struct mail_state *mail;
	size_t before = errs->n;
	bool none;
	if (state) {
		if (!state->vars)
			state->vars = names_of(v, v->s->a, state->mail, true, errs);
		mail_outbound_on_host(&env, v->a, state->mail, errs);
		return errs->n == before ? state->vars : NULL;
	}
	mail = read_declared(v, NULL, &none, errs);
	if (!mail)
		return none ? value_map(v->a) : NULL;
	mail_outbound_on_host(&env, v->a, mail, errs);
	return errs->n == before ? names_of(v, v->a, mail, false, errs) : NULL;
}

/* The state of one play, evaluated again where it needs the facts. */
static const struct mail_state *state_of(struct vars *v, struct errs *errs)
{
	struct known_mail *state = known_state(v);
	const struct mail_state *mail;
	const struct value *unknown;
	bool none;
	if (state)
		return state->mail;
	mail = read_declared(v, NULL, &none, errs);
	unknown = mail ? value_find_type(mail->map, VALUE_UNKNOWN) : NULL;
	if (unknown)
		errs_add(errs, unknown->pos, "this cannot be known without the facts of '%s'",
			v->host->name);
	return unknown ? NULL : mail;
}

struct value *site_zones(
	const struct site *s, struct arena *a, const char *host, struct value *facts, struct err *e)
{
	struct value *out = value_map(a), *folder;
	const struct mail_state *mail = NULL;
	struct invhost *h = inventory_host(s->inv, str_c(host));
	struct vars *v = NULL;
	struct errs errs;
	errs_init(&errs, a);
	for (size_t i = 0; h && i < s->n_plays && !mail; i++) {
		if (!play_has(s->plays[i], host))
			continue;
		v = vars_new((struct site *)s, a, h, s->plays[i], facts);
		if (mail_declared(v) && !(mail = state_of(v, &errs)))
			break;
	}
	if (errs.n) {
		*e = errs.v[0];
		return NULL;
	}
	if (!mail)
		return out;
	map_put(a, out, "mail", mail->map);
	mail_zones(a, mail, out);
	folder = vars_value(v, "dkim_folder", &(struct err){0});
	if (folder && folder->type == VALUE_STR)
		map_put(a, out, "dkim_folder", folder);
	return out;
}

struct value *site_provider_keys(const struct site *s, struct arena *a, const char *provider)
{
	struct value *out = value_list(a);
	for (size_t i = 0; i < s->n_mails; i++) {
		const struct mail_state *mail = s->mails[i].mail;
		for (size_t j = 0; j < mail->n_domains; j++) {
			const struct mail_domain *d = &mail->domains[j];
			if (d->provider_key.s.p && strcmp(d->provider_word, provider) == 0)
				list_add(a, out, d->provider_key.v);
		}
	}
	return out;
}
