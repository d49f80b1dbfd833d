/* SPDX-License-Identifier: MIT
 *
 * Parses the mail state into the structs of state.h: what has a key of its own by the tables of
 * parts.c, mailboxes and the like by a function each. Reports nothing: a value of another type
 * counts as lacking, since the field table reports it.
 */
#include "mail/mail.h"
#include "mail/parse.h"

/* ---- one value ---- */
/* v NULL: the key is absent. */
static struct mail_text text_of(struct value *v)
{
	bool text = v && v->type == VALUE_STR;
	return (struct mail_text){text ? v->s : (struct str){NULL, 0}, v};
}

struct mail_text mail_nth(const struct mail_texts *texts, size_t i)
{
	return text_of(texts->v[i]);
}

/* The number of the word among those that blanks separate, or how many those are. */
static unsigned find_word(const char *words, struct str word)
{
	unsigned i = 0;
	for (const char *w = words; *w; i++) {
		size_t n = strcspn(w, " ");
		if (n == word.n && memcmp(w, word.p, n) == 0)
			return i;
		w += n + (w[n] == ' ');
	}
	return i;
}

static void take_parts(const struct mail_part *parts, const struct value *map, void *to);

/* Where the key is absent the member stays zero. */
static void take_part(const struct mail_part *part, const struct map_entry *e, void *at)
{
	struct value *v = e->value;
	switch (part->kind) {
	case PART_TEXT:
		*(struct mail_text *)at = text_of(v);
		break;
	case PART_TEXTS:
		if (v->type == VALUE_LIST)
			*(struct mail_texts *)at = (struct mail_texts){v->list.v, v->list.n};
		break;
	case PART_FLAG:
		if (v->type == VALUE_BOOL)
			*(struct mail_flag *)at = (struct mail_flag){v->b, v};
		break;
	case PART_NUMBER:
		if (v->type == VALUE_INT)
			*(struct mail_number *)at = (struct mail_number){v->i, v};
		break;
	case PART_WORD:
		if (v->type == VALUE_STR)
			*(unsigned *)at = find_word(part->words, v->s);
		break;
	case PART_VALUE:
		*(struct value **)at = v;
		break;
	case PART_MAP:
		*(struct value **)at = v->type == VALUE_MAP ? v : NULL;
		break;
	case PART_ENTRY:
		*(const struct map_entry **)at = e;
		break;
	case PART_SUB:
		take_parts(part->sub, v, at);
		break;
	}
}

static void take_parts(const struct mail_part *parts, const struct value *map, void *to)
{
	for (; parts->key.p; parts++) {
		const struct map_entry *e = map_entry(map, parts->key);
		if (e)
			take_part(parts, e, (char *)to + parts->offset);
	}
}

/* ---- what there is many of ---- */
struct parse {
	struct arena *a;
	struct mail_state *s;
};

/* The map's value, and the number of its entries. */
static const struct value *find_map(const struct value *in, const char *key, size_t *n)
{
	const struct value *map = map_typed(in, key, VALUE_MAP);
	*n = map ? map->map.n : 0;
	return map;
}

static const struct value *find_list(const struct value *in, const char *key, size_t *n)
{
	const struct value *list = map_typed(in, key, VALUE_LIST);
	*n = list ? list->list.n : 0;
	return list;
}

static struct value *only_map(struct value *v)
{
	return v->type == VALUE_MAP ? v : NULL;
}

static struct str address_in(struct parse *p, struct str name, struct str domain)
{
	return domain.p ? mail_join(p->a, name, '@', domain) : (struct str){NULL, 0};
}

static void parse_mailboxes(struct parse *p, struct mail_domain *d)
{
	const struct value *map = find_map(d->map, "mailboxes", &d->n_mailboxes);
	d->boxes = map;
	d->mailboxes = ARENA_ARRAY(p->a, struct mail_box, d->n_mailboxes);
	for (size_t i = 0; i < d->n_mailboxes; i++) {
		const struct map_entry *e = &map->map.e[i];
		struct mail_box *box = &d->mailboxes[i];
		box->name = e->key;
		box->address = address_in(p, e->key, d->name);
		box->pos = entry_pos(e);
		box->map = only_map(e->value);
		take_parts(mail_box_parts, box->map, box);
	}
}

/* One target alone, or a list of them; null: none. */
static struct mail_texts targets_of(const struct map_entry *e)
{
	const struct value *v = e->value;
	if (v->type == VALUE_LIST)
		return (struct mail_texts){v->list.v, v->list.n};
	return (struct mail_texts){&e->value, v->type != VALUE_NULL};
}

static void parse_aliases(struct parse *p, struct mail_domain *d)
{
	const struct value *map = find_map(d->map, "aliases", &d->n_aliases);
	d->aliases = ARENA_ARRAY(p->a, struct mail_alias, d->n_aliases);
	for (size_t i = 0; i < d->n_aliases; i++) {
		const struct map_entry *e = &map->map.e[i];
		d->aliases[i] = (struct mail_alias){.name = e->key,
			.address = address_in(p, e->key, d->name),
			.pos = entry_pos(e),
			.unknown = e->value->type == VALUE_UNKNOWN,
			.to = targets_of(e)};
	}
}

static void parse_lists(struct parse *p, struct mail_domain *d)
{
	const struct value *map = find_map(d->map, "lists", &d->n_lists);
	d->lists = ARENA_ARRAY(p->a, struct mail_list, d->n_lists);
	for (size_t i = 0; i < d->n_lists; i++) {
		const struct map_entry *e = &map->map.e[i];
		struct mail_list *list = &d->lists[i];
		list->name = e->key;
		list->address = address_in(p, e->key, d->name);
		list->pos = entry_pos(e);
		list->map = only_map(e->value);
		take_parts(mail_list_parts, list->map, list);
	}
}

/* ---- DKIM ---- */
/* an unquoted selector such as 202401 is a number in YAML */
static const char *selector_name(struct arena *a, const struct value *v)
{
	if (v && v->type == VALUE_INT)
		return arena_printf(a, "%lld", (long long)v->i);
	return v && v->type == VALUE_STR ? v->s.p : NULL;
}

static struct mail_kept parse_kept(struct arena *a, struct value *v)
{
	struct mail_kept kept = {.value = v};
	if (v->type != VALUE_MAP) {
		kept.name = selector_name(a, v);
		return kept;
	}
	kept.name = selector_name(a, map_at(v, "selector"));
	kept.algorithm = text_of(map_at(v, "algorithm"));
	kept.scope = text_of(map_at(v, "scope"));
	kept.others = v->map.n != 1U + (kept.algorithm.v != NULL) + (kept.scope.v != NULL);
	return kept;
}

static void parse_keep(struct arena *a, struct mail_keys *keys)
{
	struct value *list = as_list(a, keys->keep);
	keys->n_kept = list ? list->list.n : 0;
	keys->kept = ARENA_ARRAY(a, struct mail_kept, keys->n_kept);
	for (size_t i = 0; i < keys->n_kept; i++)
		keys->kept[i] = parse_kept(a, list->list.v[i]);
}

/* ---- domains ---- */
static void settle_provider(const struct mail_state *s, struct mail_domain *d)
{
	const struct value *v = d->own_provider.v ? d->own_provider.v : s->provider.v;
	if (!v)
		d->provider_word = "builtin";
	else if (v->type == VALUE_STR)
		d->provider_word = v->s.p;
	else if (v->type == VALUE_NULL)
		d->provider_word = "null";
	d->provider = MAIL_PROVIDER_UNKNOWN;
	if (d->provider_word)
		d->provider = find_word("builtin gmail mxroute null", str_c(d->provider_word));
	d->provider_key = d->own_key.v ? d->own_key : s->provider_key;
	d->local = d->map && d->provider == MAIL_BUILTIN;
}

/* The place of the value, or of the first one in it. */
static const struct pos *find_inside(struct parse *p, const struct mail_domain *d, struct str key)
{
	const struct map_entry *e = map_entry(d->map, key);
	struct pos *pos;
	if (!e || e->value->type == VALUE_NULL)
		return NULL;
	if (e->value->type == VALUE_MAP) {
		if (!e->value->map.n)
			return NULL;
		e = &e->value->map.e[0];
	}
	pos = ARENA_NEW(p->a, struct pos);
	*pos = entry_pos(e);
	return pos;
}

static void parse_domain(struct parse *p, const struct map_entry *e, struct mail_domain *d)
{
	static const struct str inside[MAIL_INSIDES] = {[MAIL_MAILBOXES] = {"mailboxes", 9},
		[MAIL_ALIASES] = {"aliases", 7},
		[MAIL_CATCH_ALL] = {"catch_all", 9},
		[MAIL_LISTS] = {"lists", 5}};
	d->key = e->key;
	d->pos = entry_pos(e);
	d->map = only_map(e->value);
	if (!mail_domain_ascii(p->a, e->key, &d->name))
		d->name = (struct str){NULL, 0};
	take_parts(mail_domain_parts, d->map, d);
	if (d->tls.map)
		d->tls.own.pos = d->tls.map->pos;
	parse_keep(p->a, &d->dkim);
	settle_provider(p->s, d);
	for (size_t i = 0; d->provider != MAIL_BUILTIN && i < MAIL_INSIDES; i++)
		d->inside[i] = find_inside(p, d, inside[i]);
	parse_mailboxes(p, d);
	parse_aliases(p, d);
	parse_lists(p, d);
	p->s->n_mailboxes += d->n_mailboxes;
	p->s->n_aliases += d->n_aliases;
}

static void parse_domains(struct parse *p)
{
	const struct value *map = find_map(p->s->map, "domains", &p->s->n_domains);
	p->s->domains = ARENA_ARRAY(p->a, struct mail_domain, p->s->n_domains);
	for (size_t i = 0; i < p->s->n_domains; i++)
		parse_domain(p, &map->map.e[i], &p->s->domains[i]);
	p->s->known = !value_find_type(p->s->map, VALUE_UNKNOWN);
	p->s->domains_known = map && (p->s->known || !value_find_type(map, VALUE_UNKNOWN));
}

/* ---- the server ---- */
static void parse_pairs(struct parse *p)
{
	const struct value *list = find_list(p->s->tls.map, "certificates", &p->s->n_pairs);
	p->s->pairs = ARENA_ARRAY(p->a, struct mail_pair, p->s->n_pairs);
	for (size_t i = 0; i < p->s->n_pairs; i++) {
		take_parts(mail_pair_parts, list->list.v[i], &p->s->pairs[i]);
		p->s->pairs[i].pos = list->list.v[i]->pos;
	}
}

static struct mail_entries parse_entries(struct parse *p, const struct value *in, const char *key)
{
	struct mail_entries entries = {0};
	const struct value *map = find_map(in, key, &entries.n);
	entries.v = ARENA_ARRAY(p->a, struct mail_entry, entries.n);
	for (size_t i = 0; i < entries.n; i++) {
		const struct map_entry *e = &map->map.e[i];
		entries.v[i] = (struct mail_entry){e->key, entry_pos(e), text_of(e->value)};
	}
	return entries;
}

static void parse_outbound(struct parse *p, struct mail_outbound *o)
{
	o->list = map_typed(o->map, "addresses", VALUE_LIST);
	o->n_addresses = o->list ? o->list->list.n : 0;
	o->addresses = ARENA_ARRAY(p->a, struct mail_out, o->n_addresses);
	for (size_t i = 0; i < o->n_addresses; i++)
		take_parts(mail_out_parts, o->list->list.v[i], &o->addresses[i]);
	o->assign = parse_entries(p, o->map, "assign");
}

const struct mail_state *mail_parse(struct arena *a, struct value *map)
{
	struct parse p = {a, ARENA_NEW(a, struct mail_state)};
	p.s->map = map;
	take_parts(mail_parts, map, p.s);
	if (p.s->tls.map)
		p.s->tls.own.pos = p.s->tls.map->pos;
	parse_keep(a, &p.s->dkim);
	parse_pairs(&p);
	parse_outbound(&p, &p.s->outbound);
	p.s->transports = parse_entries(&p, map, "transports");
	parse_domains(&p);
	return p.s;
}
