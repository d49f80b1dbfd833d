/* SPDX-License-Identifier: MIT
 *
 * Plays, roles and tasks by cases: tests/cases/site/NAME is a small tree with the expected steps,
 * or the expected problems, in `expect`.
 */
#include "site/listing.h"
#include "site_case.h"
#include "yaml/yaml.h"

/* ---- steps as text ---- */
static bool is_shown(const struct map_entry *e)
{
	return e->value->pos.line || e->value->type == VALUE_BLOB ||
	       (e->key.p[0] == '_' && value_true(e->value));
}

static void dump_params(struct buf *out, const struct value *params)
{
	for (size_t i = 0; params && i < params->map.n; i++) {
		const struct map_entry *e = &params->map.e[i];
		if (!is_shown(e))
			continue;
		buf_addf(out, " %s=", e->key.p);
		if (e->value->type == VALUE_BLOB && !e->value->secret)
			json_quote(out, e->value->blob.bytes);
		else
			json_write(out, e->value);
	}
}

static void dump_list(struct buf *out, const char *what, const char *const *list)
{
	if (!list || !list[0])
		return;
	buf_addf(out, " %s=[", what);
	for (size_t i = 0; list[i]; i++)
		buf_addf(out, "%s%s", i ? ", " : "", list[i]);
	buf_addc(out, ']');
}

static void dump_flags(struct buf *out, const struct step *s)
{
	if (s->user)
		buf_addf(out, " user=%s", s->user);
	if (s->no_log)
		buf_adds(out, " no_log");
	if (s->timeout_s)
		buf_addf(out, " timeout %d", s->timeout_s);
	if (s->ignore_errors)
		buf_adds(out, " ignore_errors");
	if (s->changed >= 0)
		buf_addf(out, " changed=%d", s->changed);
	if (s->failed >= 0)
		buf_addf(out, " failed=%d", s->failed);
	if (s->verdict)
		buf_adds(out, " verdict");
	dump_list(out, "notify", s->notify);
	if (s->handler)
		buf_addf(out, " handler='%s'%s by", s->handler, s->was_pending ? " pending" : "");
	for (size_t i = 0; s->notified_by && s->notified_by[i]; i++)
		buf_addf(out, " %u", s->notified_by[i]);
}

static void dump_step(struct buf *out, const struct step *s)
{
	buf_addf(out, "%u %s", s->id, s->name);
	if (s->item)
		buf_addf(out, " (%s)", s->item);
	buf_adds(out, ":");
	if (s->skipped)
		buf_adds(out, s->dropped ? " dropped" : " skipped");
	if (s->unknown)
		buf_addf(out, " unknown %s", s->unknown);
	if (s->local)
		buf_addf(out, " local '%s'", s->message ? s->message : "");
	if (s->type)
		buf_addf(out, " %s", s->type->name);
	dump_params(out, s->params);
	dump_flags(out, s);
	buf_addc(out, '\n');
}

/* ---- answers: what the host would say, by the step's name ---- */
struct answers {
	struct arena *a;
	struct value *map; /* name -> {changed, failed, planned, result} */
	struct step *open[4096];
	size_t n_open;
	struct step *planned[4096];
	size_t n_planned;
};

static void give_answer(
	struct resolver *r, struct answers *w, const struct step *s, bool applied, struct buf *out)
{
	struct value *say = map_at(w->map, s->name);
	struct step_result res = {.planned = true, .changed = true};
	if (say) {
		res.planned = map_bool(say, "planned", false) && !applied;
		res.changed = map_bool(say, "changed", res.planned);
		res.failed = map_bool(say, "failed", false);
		res.result = res.planned ? NULL : map_at(say, "result");
	} else if (applied) {
		res.planned = false;
	}
	resolver_result(r, s->id, &res);
	if (s->verdict && !res.planned)
		buf_addf(out, "verdict of %u:%s%s\n", s->id, res.changed ? " changed" : " ok",
			res.failed ? " failed" : "");
	if (res.planned)
		w->planned[w->n_planned++] = (struct step *)s;
}

static void answer_open(struct resolver *r, struct answers *w, struct buf *out)
{
	size_t n = w->n_open;
	w->n_open = 0;
	for (size_t i = 0; i < n; i++)
		give_answer(r, w, w->open[i], false, out);
}

static void answer_applied(struct resolver *r, struct answers *w, struct buf *out)
{
	size_t n = w->n_planned;
	w->n_planned = 0;
	for (size_t i = 0; i < n; i++)
		give_answer(r, w, w->planned[i], true, out);
}

static void dump_waits(const struct resolver *r, struct buf *out)
{
	bool facts;
	buf_adds(out, "-- waits for");
	for (size_t i = 0; resolver_waits(r, i, &facts); i++)
		buf_addf(out, " %s%s", resolver_waits(r, i, &facts), facts ? " (facts)" : "");
	buf_addc(out, '\n');
}

/* true: it waits for other hosts */
static bool walk_play(struct resolver *r, struct answers *w, struct buf *out)
{
	struct step *s;
	struct err e = {0};
	for (;;) {
		switch (resolver_next(r, &s, &e)) {
		case RESOLVE_STEP:
			dump_step(out, s);
			if (s->type)
				w->open[w->n_open++] = s;
			break;
		case RESOLVE_OBSERVE:
			buf_adds(out, "-- observe\n");
			answer_open(r, w, out);
			break;
		case RESOLVE_APPLY:
			buf_adds(out, "-- apply\n");
			answer_applied(r, w, out);
			break;
		case RESOLVE_PEERS:
			dump_waits(r, out);
			return true;
		case RESOLVE_END:
			buf_adds(out, "-- end\n");
			return false;
		case RESOLVE_FAILED:
			buf_addf(out, "-- failed: %s:%u:%u: %s\n", e.pos.file ? e.pos.file : "",
				e.pos.line, e.pos.col, e.msg);
			return false;
		}
	}
}

static struct value *yaml_file(struct arena *a, const char *path)
{
	struct errs errs;
	struct err e = {0};
	struct str text;
	bool found;
	struct value *v;
	errs_init(&errs, a);
	assert_true(file_read_opt(a, path, 1 << 20, &text, &found, &e));
	v = found ? yaml_parse(a, path, text, &errs) : NULL;
	return v && v->type == VALUE_MAP ? v : value_map(a);
}

static const char *const *pending_of(struct arena *a, const struct value *answers)
{
	const struct value *list = map_at(answers, "pending");
	const char **out = arena_calloc(a, 64, sizeof(*out));
	for (size_t i = 0; list && i < list->list.n && i < 63; i++)
		out[i] = list->list.v[i]->s.p;
	return out;
}

static void dump_host(struct arena *a, const struct site *s, const struct options *o,
	const char *host, struct buf *out)
{
	static struct answers w;
	struct resolver *r = NULL;
	const struct play *plays;
	size_t n = site_plays(s, &plays);
	struct value *facts = yaml_file(a, "facts.yml");
	memset(&w, 0, sizeof(w));
	w.a = a;
	w.map = yaml_file(a, "answers.yml");
	for (size_t i = 0; i < n; i++) {
		bool in = false;
		for (size_t j = 0; plays[i].hosts[j]; j++)
			in = in || strcmp(plays[i].hosts[j], host) == 0;
		if (!in)
			continue;
		buf_addf(out, "== %s: %s\n", host, plays[i].name);
		r = r ? resolver_continue(r, i)
		      : resolver_new(s, a,
				&(struct resolve_start){host, i, facts, pending_of(a, w.map),
					o->run ? RESOLVE_RUN : RESOLVE_PLAN});
		walk_play(r, &w, out);
		answer_open(r, &w, out);
	}
}

/* ---- several hosts side by side ---- */
enum { TOGETHER = 8 };
struct walker {
	const char *host;
	struct resolver *r;
	struct answers w;
	struct value *facts;
	struct buf out;
	bool in, waits;
};

static void begin_walk(struct arena *a, const struct site *s, const struct options *o, size_t play,
	struct walker *k)
{
	buf_addf(&k->out, "== %s: play %zu\n", k->host, play + 1);
	if (k->facts)
		site_host_facts(s, k->host, k->facts);
	k->r = k->r ? resolver_continue(k->r, play)
		    : resolver_new(s, a,
			      &(struct resolve_start){k->host, play, k->facts, NULL,
				      o->run ? RESOLVE_RUN : RESOLVE_PLAN});
	k->waits = walk_play(k->r, &k->w, &k->out);
}

static bool go_on(struct walker *k)
{
	if (!k->waits || !resolver_may_go_on(k->r))
		return false;
	k->waits = walk_play(k->r, &k->w, &k->out);
	return true;
}

static void play_together(struct arena *a, const struct site *s, const struct options *o,
	size_t play, struct walker *k, size_t n)
{
	const struct play *plays;
	bool moved = true;
	site_plays(s, &plays);
	for (size_t i = 0; i < n; i++) {
		k[i].in = false;
		for (size_t j = 0; plays[play].hosts[j]; j++)
			k[i].in = k[i].in || strcmp(plays[play].hosts[j], k[i].host) == 0;
		if (k[i].in)
			begin_walk(a, s, o, play, &k[i]);
	}
	while (moved) {
		moved = false;
		for (size_t i = 0; i < n; i++)
			moved = (k[i].in && go_on(&k[i])) || moved;
	}
	for (size_t i = 0; i < n; i++)
		if (k[i].in) {
			answer_open(k[i].r, &k[i].w, &k[i].out);
			answer_applied(k[i].r, &k[i].w, &k[i].out);
		}
}

static void dump_together(
	struct arena *a, const struct site *s, const struct options *o, struct buf *out)
{
	static struct walker k[TOGETHER];
	const struct play *plays;
	size_t n = 0, n_plays = site_plays(s, &plays);
	struct value *facts = yaml_file(a, "facts.yml"), *answers = yaml_file(a, "answers.yml");
	memset(k, 0, sizeof(k));
	for (const char *const *h = site_hosts(s); *h && n < TOGETHER; h++, n++) {
		k[n].host = *h;
		k[n].w.a = a;
		k[n].w.map = map_at(answers, *h) ? map_at(answers, *h) : value_map(a);
		k[n].facts = map_at(facts, *h);
		buf_init(&k[n].out, 1 << 20);
		if (k[n].facts)
			site_host_comes(s, *h);
	}
	for (size_t p = 0; p < n_plays; p++)
		play_together(a, s, o, p, k, n);
	for (size_t i = 0; i < n; i++) {
		buf_add(out, k[i].out.p, k[i].out.n);
		buf_free(&k[i].out);
	}
}

static void dump_connection(const struct site *s, const char *host, struct buf *out)
{
	struct connection c;
	struct err e = {0};
	if (!site_connection(s, host, &c, &e)) {
		buf_addf(out, "%s: %s\n", host, e.msg);
		return;
	}
	buf_addf(out, "%s: %s %s port %d user %s", host, c.kind, c.address, c.port,
		c.user ? c.user : "-");
	buf_addf(out, " key %s args %s%s%s%s%s\n", c.key_file ? c.key_file : "-",
		c.ssh_args ? c.ssh_args : "-", c.password ? " password" : "",
		c.become ? " become" : "", strcmp(c.become_user, "root") != 0 ? " " : "",
		strcmp(c.become_user, "root") != 0 ? c.become_user : "");
}

static void dump_layers(const struct site *s, const char *host, const char *name, struct buf *out)
{
	struct page *page = page_new(false);
	struct err e = {0};
	struct arena *mem = arena_new();
	bool ok = site_explain(s, host, name, page, &e);
	buf_adds(out, page_text(mem, page).p);
	if (!ok)
		buf_addf(out, "%s\n", e.msg);
	page_free(page);
	arena_free(mem);
}

static void dump_site(
	struct arena *a, const struct site *s, const struct options *o, struct buf *out)
{
	const char *const *hosts = site_hosts(s);
	bool special = o->vars || o->match || o->explain || o->connection;
	struct err e = {0};

	for (size_t i = 0; o->vars && hosts[i]; i++) {
		struct value *v = site_vars(s, hosts[i], &e);
		buf_addf(out, "== %s\n", hosts[i]);
		if (v)
			json_write_pretty(out, v, 0);
		else
			buf_addf(out, "%s", e.msg);
		buf_addc(out, '\n');
	}
	if (o->match) {
		const char *const *m = site_match(s, o->match, &e);

		dump_list(out, o->match, m);
		buf_addf(out, "%s\n", m ? "" : e.msg);
	}
	for (size_t i = 0; hosts[i] && o->connection; i++)
		dump_connection(s, hosts[i], out);
	for (size_t i = 0; hosts[i] && o->explain; i++)
		dump_layers(s, hosts[i], o->explain, out);
	if (o->together)
		dump_together(a, s, o, out);
	for (size_t i = 0; hosts[i] && !special && !o->together; i++)
		dump_host(a, s, o, hosts[i], out);
}

static void run_case(void **state)
{
	const char *name = *state;
	struct arena *a = run;
	struct options o;
	struct errs errs;
	struct site *s;
	struct buf out;
	assert_int_equal(chdir(arena_printf(a, "%s/tests/cases/site/%s", root, name)), 0);
	buf_init(&out, 1 << 22);
	read_options(a, &o);
	errs_init(&errs, a);
	s = site_load(a, &o.site, &errs);
	if (s)
		site_warnings(s, &errs);
	buf_adds(&out, print_errs(a, &errs));
	if (s)
		dump_site(a, s, &o, &out);
	assert_true(s || errs.n);
	same_as_file(a, "expect", &out);
	buf_free(&out);
}

static void add_site(const char *path, const char *name)
{
	(void)path;
	add_case(name, run_case, arena_strdup(cases_arena(), name));
}

int main(void)
{
	each_entry("tests/cases/site", "", add_site);
	return run_site_cases("site");
}
