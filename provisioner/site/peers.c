/* SPDX-License-Identifier: MIT
 *
 * What the hosts of a run know of one another: facts, set facts and registered results, which
 * hostvars shows at a task. A task sees those values of another host that it would see in Ansible's
 * order of tasks; a value that is still to come is UNKNOWN and waited for, and one that never comes
 * is an error.
 */
#include "site/peers_private.h"

struct peer *peer_of(const struct site *s, const char *host)
{
	struct invhost *h = inventory_host(s->inv, str_c(host));
	struct site *own = (struct site *)s;
	if (!h)
		panic("no host '%s'", host);
	if (!own->peers)
		own->peers = ARENA_ARRAY(s->a, struct peer, s->inv->n_hosts);
	return &own->peers[h->order];
}

/* ---- told by the run ---- */
void site_host_comes(const struct site *s, const char *host)
{
	*peer_of(s, host) = (struct peer){.coming = true}; /* drops results of an earlier run */
}

bool peer_facts(const struct site *s, const struct value *map)
{
	for (size_t i = 0; s->peers && i < s->inv->n_hosts; i++)
		if (s->peers[i].facts == map)
			return true;
	return false;
}

void site_host_facts(const struct site *s, const char *host, struct value *facts)
{
	struct peer *p = peer_of(s, host);
	p->facts = facts;
	p->stamp++;
}

void site_host_lost(const struct site *s, const char *host, size_t play)
{
	struct peer *p = peer_of(s, host);
	p->lost = true;
	p->lost_play = play;
	p->stamp++;
}

void site_batch(const struct site *s, size_t play, const char *const *hosts)
{
	struct play_in *p = s->plays[play];
	struct value *list = value_list(s->a);
	list->literal = true;
	p->batches++;
	if (!p->batch_of)
		p->batch_of = value_map(s->a);
	for (size_t i = 0; hosts[i]; i++) {
		list_add(s->a, list, value_text(s->a, hosts[i]));
		map_put(s->a, p->batch_of, hosts[i], list);
		peer_of(s, hosts[i])->batch = p->batches;
		peer_of(s, hosts[i])->batch_play = play;
	}
}

void peer_resolver(struct resolver *r)
{
	struct peer *p = peer_of(r->s, r->v->host->name);
	p->r = r;
	if (r->v->facts && !p->facts)
		p->facts = r->v->facts;
	p->stamp++;
}

void peer_moved(struct resolver *r)
{
	if (!r->dry)
		peer_of(r->s, r->v->host->name)->stamp++;
}

void peer_note(struct resolver *r, const struct place *at, const char *name, struct value *value,
	bool included)
{
	struct peer *p;
	if (r->dry)
		return;
	p = peer_of(r->s, r->v->host->name);
	p->stamp++;
	for (size_t i = p->n; i-- > 0;)
		if (place_order(&p->v[i].at, at) == 0 && strcmp(p->v[i].name, name) == 0) {
			p->v[i].value = value;
			return;
		}
	PUSH(r->s->a, p->v, p->n, p->cap,
		((struct noted){*at, arena_strdup(r->s->a, name), value, included}));
}

/* ---- places: how far a host has come in the plays ---- */
int place_order(const struct place *a, const struct place *b)
{
	if (a->play != b->play)
		return a->play < b->play ? -1 : 1;
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (a->id[i] != b->id[i])
			return a->id[i] < b->id[i] ? -1 : 1;
	return (a->n > b->n) - (a->n < b->n);
}

/* ---- seen from a task of another host ---- */
enum seen peer_view(const struct resolver *me, const struct peer *mine, const char *host)
{
	const struct peer *p = peer_of(me->s, host);
	if (!play_has(me->p, host))
		return SEEN_EARLIER_PLAYS;
	if (!mine->batch || mine->batch_play != me->at.play)
		return SEEN_SO_FAR; /* nobody has told the batches: one */
	if (!p->batch || p->batch_play != me->at.play || p->batch > mine->batch)
		return SEEN_EARLIER_PLAYS;
	return p->batch < mine->batch ? SEEN_ALL : SEEN_SO_FAR;
}

bool peer_seen(const struct resolver *me, enum seen how, const struct place *at)
{
	if (at->play != me->at.play)
		return at->play < me->at.play;
	return how == SEEN_ALL || (how == SEEN_SO_FAR && place_order(at, &me->at) < 0);
}

/* How many of the values it set are visible to the task: those before its own place. A host sees
 * all of its own; a verdict, which may come later, sees those from before the task. */
static size_t seen_of(const struct resolver *me, const struct peer *mine, const char *host)
{
	const struct peer *p = peer_of(me->s, host);
	enum seen how = peer_view(me, mine, host);
	size_t n = p->n;
	if (p == mine && !me->v->own)
		return n;
	while (n > 0 && !peer_seen(me, p == mine ? SEEN_SO_FAR : how, &p->v[n - 1].at))
		n--;
	return n;
}

bool peer_behind(const struct resolver *me, const struct peer *mine, const char *host)
{
	const struct peer *p = peer_of(me->s, host);
	enum seen how = peer_view(me, mine, host);
	const struct resolver *r = p->r;
	if (p == mine || p->lost || !p->coming || how == SEEN_EARLIER_PLAYS)
		return false;
	if (!r || r->at.play < me->at.play)
		return true;
	if (r->at.play > me->at.play || r->ended || r->failed)
		return false;
	return how == SEEN_ALL || place_order(&r->at, &me->at) < 0;
}

bool peer_awaits(const struct resolver *r)
{
	return r->unanswered || (r->mode == RESOLVE_RUN && r->planned);
}

/* Its answers are on their way, and no waiting host has any on their way. */
static bool is_busy(const struct resolver *me, const struct peer *p)
{
	return p->r && p->r != me && !p->lost && !p->r->failed && peer_awaits(p->r);
}

struct value *peer_wait_for(struct vars *v, struct invhost *h, bool facts, const char *what)
{
	struct peer_wait w = {
		.host = h->name, .facts = facts, .stamp = peer_of(v->s, h->name)->stamp};
	for (size_t i = 0; i < v->n_waits; i++)
		if (strcmp(v->waits[i].host, h->name) == 0 && v->waits[i].facts == facts)
			return value_unknown(v->a, "until %s of host '%s' %s known", what, h->name,
				facts ? "are" : "is");
	PUSH(v->a, v->waits, v->n_waits, v->cap_waits, w);
	return value_unknown(
		v->a, "until %s of host '%s' %s known", what, h->name, facts ? "are" : "is");
}

/* ---- the value of a name ---- */
/* As in the host's own layers, not evaluated; of the values it set, the first n. */
static struct value *raw_value(
	struct site *s, struct invhost *h, const struct peer *p, size_t n, struct str name)
{
	struct value *found = map_get(s->extra, name);
	for (int included = 0; !found && included < 2; included++)
		for (size_t i = n; !found && i-- > 0;)
			if (p->v[i].included == included && str_is(name, p->v[i].name))
				found = p->v[i].value;
	if (!found && p->facts && str_is(name, "ansible_facts"))
		found = p->facts;
	if (!found && p->facts && str_starts(name, "ansible_"))
		found = map_get(p->facts, str_c(name.p + strlen("ansible_")));
	return found ? found : map_get(host_merged(s, h), name);
}

/* With the variables of that host, as they are outside of any play. */
static struct value *evaluate_peer(
	struct vars *v, struct invhost *h, const struct peer *p, size_t n, struct str name)
{
	struct arena *a = arena_new(); /* otherwise the memory for thousands of hosts adds up */
	struct vars *o = vars_new(v->s, a, h, NULL, p->facts);
	struct err e = {0};
	struct value *x;
	o->mail_busy = true; /* the state of a mail server belongs to a play */
	for (size_t i = 0; i < n; i++)
		if (p->v[i].included)
			map_put(a, o->included, p->v[i].name, p->v[i].value);
		else
			map_put(a, o->set, p->v[i].name, p->v[i].value);
	x = vars_value(o, name.p, &e);
	x = x ? value_copy(v->a, x) : NULL;
	arena_free(a);
	return e.kind ? vars_fail(v, name, &e) : x;
}

static struct value *value_of(
	struct vars *v, struct invhost *h, const struct peer *p, size_t n, struct str name)
{
	struct value *raw = raw_value(v->s, h, p, n, name);
	return raw && (raw->literal || !has_template(raw)) ? raw : evaluate_peer(v, h, p, n, name);
}

static struct value *refuse_var(struct vars *v, struct invhost *h, struct str name, const char *why)
{
	struct err e = {0};
	err_set(&e, ERR_CONFIG, "hostvars['%s'].%s is not known: %s", h->name, name.p, why);
	return vars_fail(v, name, &e);
}

/* Outside of a run, or before it: hosts have the values of the files, and the rest is unknown. */
static struct value *of_files(
	struct vars *v, struct invhost *h, const struct peer *p, struct str name)
{
	struct value *x = h == v->host ? map_get(v->set, name) : NULL;
	if (!x)
		x = value_of(v, h, p, 0, name);
	if (x)
		return x;
	return v->s->sets_open || map_get(v->s->sets, name)
		       ? value_unknown(v->a, "until host '%s' has set it", h->name)
		       : NULL;
}

static bool may_be_set(struct site *s, struct invhost *h, struct str name)
{
	const struct value *raw = map_get(host_merged(s, h), name);
	if (raw && (raw->literal || !has_template(raw)))
		return map_get(s->sets, name) != NULL;
	/* it may be set by tasks, or be computed from such names */
	return s->sets_open || (raw ? s->sets->map.n > 0 : map_get(s->sets, name) != NULL);
}

/* UNKNOWN: the host must first come further, or report its facts; NULL: it need not. */
static struct value *wait_before(
	struct vars *v, struct invhost *h, const struct peer *p, struct str name)
{
	const struct resolver *me = v->resolver;
	bool fact = name_may_be_fact(name);
	if (!fact && peer_behind(me, peer_of(v->s, v->host->name), h->name) &&
		may_be_set(v->s, h, name))
		return peer_wait_for(v, h, false, name.p);
	if (fact && !p->facts && p->coming && !p->lost)
		return peer_wait_for(v, h, true, "the facts");
	return NULL;
}

/* Why the value of the host's variable cannot be had, if what was found of it is `x` (or NULL);
 * NULL: it can. */
static const char *find_refusal(
	const struct vars *v, const struct peer *p, struct str name, const struct value *x)
{
	if (name_may_be_fact(name) && !p->facts)
		return p->lost ? "the host was lost"
			       : "no play of this run contacts that host, so its facts are not "
				 "known";
	return p->lost && (x || map_get(v->s->sets, name)) ? "the host was lost before it was set"
							   : NULL;
}

struct value *peer_var(struct vars *v, struct invhost *h, struct str name)
{
	struct peer *p = peer_of(v->s, h->name);
	const struct resolver *me = v->resolver;
	struct value *x;
	if (!me || me->dry)
		return of_files(v, h, p, name);
	x = wait_before(v, h, p, name);
	if (x)
		return x;
	x = value_of(v, h, p, seen_of(me, peer_of(v->s, v->host->name), h->name), name);
	if (x && !value_find_type(x, VALUE_UNKNOWN))
		return x;
	if (x && is_busy(me, p))
		return peer_wait_for(v, h, false, name.p);
	const char *why = find_refusal(v, p, name, x);
	return why ? refuse_var(v, h, name, why) : x;
}

/* ---- vars and hostvars, part by part ---- */
static const char hosts_path[] = "hostvars ";

struct value *vars_part(void *ctx, struct str path, struct str key, struct str *deeper)
{
	struct vars *v = ctx;
	struct invhost *h;
	bool hosts = str_is(key, "hostvars");
	if (path.n == 0 && !hosts && !str_is(key, "vars"))
		return NULL;
	v->loop_dependent = v->reads_lost = true; /* the result is valid for this moment only */
	if (path.n == 0 || (str_is(path, "vars") && hosts)) {
		*deeper = key;
	} else if (str_is(path, "vars")) {
		return v->env.lookup(v, key);
	} else if (str_is(path, "hostvars")) {
		if (inventory_host(v->s->inv, key))
			*deeper = str_printf(v->a, "%s" STR_FMT, hosts_path, STR_ARG(key));
	} else {
		h = inventory_host(v->s->inv, str_c(path.p + strlen(hosts_path)));
		return h ? peer_var(v, h, key) : NULL;
	}
	return NULL;
}

static void add_keys(
	struct value *out, struct arena *a, const struct value *map, const char *prefix)
{
	for (size_t i = 0; map && i < map->map.n; i++)
		map_put(a, out, arena_printf(a, "%s%s", prefix, map->map.e[i].key.p),
			value_null(a));
}

static void add_host_keys(struct vars *v, struct value *out, struct invhost *h)
{
	const struct peer *p = peer_of(v->s, h->name);
	const struct resolver *me = v->resolver;
	size_t n = me && !me->dry ? seen_of(me, peer_of(v->s, v->host->name), h->name) : 0;
	add_keys(out, v->a, host_merged(v->s, h), "");
	add_keys(out, v->a, v->s->extra, "");
	add_keys(out, v->a, p->facts, "ansible_");
	for (size_t i = 0; i < n; i++)
		map_put(v->a, out, p->v[i].name, value_null(v->a));
	map_put(v->a, out, "ansible_facts", value_null(v->a));
	map_put(v->a, out, "inventory_hostname", value_null(v->a));
	map_put(v->a, out, "inventory_hostname_short", value_null(v->a));
	map_put(v->a, out, "group_names", value_null(v->a));
	map_put(v->a, out, "groups", value_null(v->a));
}

const char *const *vars_parts(void *ctx, struct str path)
{
	struct vars *v = ctx;
	struct value *keys = value_map(v->a);
	const char **out;
	if (str_is(path, "vars"))
		return v->env.names(v);
	for (size_t i = 0; str_is(path, "hostvars") && i < v->s->inv->n_hosts; i++)
		map_put(v->a, keys, v->s->inv->hosts[i]->name, value_null(v->a));
	if (!str_is(path, "hostvars"))
		add_host_keys(
			v, keys, inventory_host(v->s->inv, str_c(path.p + strlen(hosts_path))));
	out = ARENA_ARRAY(v->a, const char *, keys->map.n + 1);
	for (size_t i = 0; i < keys->map.n; i++)
		out[i] = keys->map.e[i].key.p;
	return out;
}

/* ---- waiting ---- */
const char *resolver_waits(const struct resolver *r, size_t i, bool *facts)
{
	if (i >= r->v->n_waits)
		return NULL;
	*facts = r->v->waits[i].facts;
	return r->v->waits[i].host;
}

uint32_t resolver_task(const struct resolver *r)
{
	return r->tasks;
}

bool resolver_may_go_on(const struct resolver *r)
{
	bool results = false, moved = false;
	for (size_t i = 0; i < r->v->n_waits; i++) {
		const struct peer_wait *w = &r->v->waits[i];
		const struct peer *p = peer_of(r->s, w->host);
		if (w->facts && !p->facts && !p->lost)
			return false;
		results = results || !w->facts;
		moved = moved || (!w->facts && p->stamp != w->stamp);
	}
	return !results || moved;
}
