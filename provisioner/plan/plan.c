/* SPDX-License-Identifier: MIT
 *
 * Collects observations into a plan, classifies each step, and freezes the plan with a digest.
 * site/resolve*.c decides what is wanted.
 */
#include "plan/plan.h"

struct plan *plan_new(struct arena *a)
{
	struct plan *p = ARENA_NEW(a, struct plan);
	p->a = a;
	return p;
}

static const char *const target_kinds[] = {[TARGET_HOST] = "host", [TARGET_ZONE] = "zone"};

const char *target_kind_name(enum target_kind kind)
{
	return target_kinds[kind];
}

struct plan_target *plan_target(
	struct plan *p, struct arena *a, enum target_kind kind, const char *name)
{
	struct plan_target *target = ARENA_NEW(a, struct plan_target);
	target->a = a;
	target->kind = kind;
	target->name = name;
	PUSH(p->a, p->v, p->n, p->cap, target);
	return target;
}

struct planned *plan_add(struct plan_target *target, const struct step *step)
{
	if (target->frozen)
		panic("plan_add: the plan of %s is frozen", target->name);
	struct planned *p = ARENA_NEW(target->a, struct planned);
	p->step = step;
	PUSH(target->a, target->v, target->n, target->cap, p);
	return p;
}

struct planned *plan_find(struct plan_target *target, uint32_t id)
{
	/* ids are consecutive from 1: try that index first */
	if (id >= 1 && id <= target->n && target->v[id - 1]->step->id == id)
		return target->v[id - 1];
	for (size_t i = 0; i < target->n; i++)
		if (target->v[i]->step->id == id)
			return target->v[i];
	return NULL;
}

const char *plan_unknown(const struct planned *p)
{
	if (p->step->unknown || p->open)
		return p->open ? p->open : p->step->unknown;
	for (size_t i = 0; p->changes && i < p->changes->list.n; i++) {
		const struct value *c = p->changes->list.v[i];
		if (strcmp(map_cstr(c, "kind", ""), "maybe") == 0)
			return map_cstr(c, "after", "");
	}
	return NULL;
}

/* The kind of a handler that only this step notifies. */
static enum planned_kind handler_of(const struct planned *p)
{
	if (p->step->failed == 1)
		return PLANNED_QUIET;
	switch (p->kind) {
	case PLANNED_CHANGE:
	case PLANNED_HANDLER:
		return PLANNED_HANDLER;
	case PLANNED_MAYBE:
	case PLANNED_UNKNOWN:
	case PLANNED_HANDLER_MAYBE:
		return PLANNED_HANDLER_MAYBE;
	default:
		return PLANNED_QUIET;
	}
}

static enum planned_kind classify_handler(struct plan_target *target, const struct step *s)
{
	enum planned_kind kind = PLANNED_QUIET;
	if (s->was_pending)
		return PLANNED_HANDLER;
	for (const uint32_t *id = s->notified_by; id && *id; id++) {
		const struct planned *p = plan_find(target, *id);
		enum planned_kind k = p ? handler_of(p) : PLANNED_QUIET;
		if (k == PLANNED_HANDLER)
			return k;
		if (k == PLANNED_HANDLER_MAYBE)
			kind = k;
	}
	return kind;
}

static enum planned_kind classify_step(struct plan_target *target, const struct planned *p)
{
	const struct step *s = p->step;
	if (s->skipped)
		return PLANNED_SKIPPED;
	if (s->unknown || p->open)
		return PLANNED_UNKNOWN;
	if (p->error || (s->local && s->failed == 1))
		return s->ignore_errors ? PLANNED_IGNORED : PLANNED_FAILED;
	if (s->local)
		return s->changed == 1 ? PLANNED_CHANGE : PLANNED_LOCAL;
	if (s->handler)
		return classify_handler(target, s);
	if (!p->changes || p->changes->list.n == 0)
		return p->changed || (p->changes && s->changed == 1) ? PLANNED_CHANGE : PLANNED_OK;
	if (plan_unknown(p))
		return PLANNED_MAYBE;
	return s->changed == 0 ? PLANNED_RUN : PLANNED_CHANGE;
}

void plan_classify(struct plan_target *target)
{
	for (size_t i = 0; i < target->n; i++)
		target->v[i]->kind = classify_step(target, target->v[i]);
}

static void count_step(struct plan_counts *c, const struct planned *p)
{
	bool resource = p->step->type && !p->step->handler;
	c->resources += resource;
	c->unchanged += resource && (p->kind == PLANNED_OK || p->kind == PLANNED_RUN);
	c->change += p->kind == PLANNED_CHANGE;
	c->run += p->kind == PLANNED_RUN;
	c->handler += p->kind == PLANNED_HANDLER || (p->kind == PLANNED_LOCAL && p->step->handler);
	c->unknown += p->kind == PLANNED_UNKNOWN || p->kind == PLANNED_MAYBE ||
		      p->kind == PLANNED_HANDLER_MAYBE;
	c->failed += p->kind == PLANNED_FAILED;
	c->ignored += p->kind == PLANNED_IGNORED;
}

static void add_text(struct sha256 *s, const char *text)
{
	size_t n = text ? strlen(text) + 1 : 0;
	sha256_add(s, text ? text : "", n);
}

static void digest_target(struct plan_target *target)
{
	struct sha256 s;
	unsigned char d[SHA256_LEN];
	sha256_init(&s);
	add_text(&s, target_kind_name(target->kind));
	add_text(&s, target->name);
	for (size_t i = 0; i < target->n; i++) {
		const struct planned *p = target->v[i];
		unsigned char kind = (unsigned char)p->kind;
		sha256_add(&s, &kind, 1);
		add_text(&s, p->step->name);
		add_text(&s, p->step->item);
		add_text(&s, p->step->type ? p->step->type->name : NULL);
		if (p->step->params) {
			value_digest(p->step->params, d);
			sha256_add(&s, d, sizeof(d));
		}
		if (p->step->environment) {
			value_digest(p->step->environment, d);
			sha256_add(&s, d, sizeof(d));
		}
		if (p->changes) {
			value_digest(p->changes, d);
			sha256_add(&s, d, sizeof(d));
		}
	}
	sha256_end(&s, d);
	hex(d, sizeof(d), target->digest);
}

struct plan_counts plan_count(const struct plan_target *target, size_t from)
{
	struct plan_counts c = {0};
	for (size_t i = from; i < target->n; i++)
		count_step(&c, target->v[i]);
	return c;
}

void plan_freeze_target(struct plan_target *target)
{
	if (target->frozen)
		return;
	plan_classify(target);
	target->counts = plan_count(target, 0);
	digest_target(target);
	target->frozen = true;
}

static void add_counts(struct plan_counts *c, const struct plan_counts *h)
{
	c->resources += h->resources;
	c->change += h->change;
	c->unchanged += h->unchanged;
	c->run += h->run;
	c->handler += h->handler;
	c->unknown += h->unknown;
	c->failed += h->failed;
	c->ignored += h->ignored;
}

void plan_freeze(struct plan *p)
{
	struct sha256 s;
	unsigned char d[SHA256_LEN];
	sha256_init(&s);
	p->counts = (struct plan_counts){0};
	for (size_t i = 0; i < p->n; i++) {
		plan_freeze_target(p->v[i]);
		add_counts(&p->counts, &p->v[i]->counts);
		add_text(&s, p->v[i]->digest);
	}
	sha256_end(&s, d);
	hex(d, sizeof(d), p->digest);
}

const char *planned_error(const struct planned *p)
{
	if (p->kind != PLANNED_FAILED && p->kind != PLANNED_IGNORED)
		return NULL;
	return p->error ? p->error : p->step->message;
}

const char *planned_key(struct arena *a, const struct planned *p)
{
	const struct step *s = p->step;
	if (!s->type || !s->params || !s->type->key)
		return "";
	const struct value *v = map_at(s->params, s->type->key);
	if (!v)
		return "";
	if (v->secret || s->no_log)
		return SECRET_TEXT;
	if (v->type == VALUE_STR)
		return v->s.p;
	if (v->type != VALUE_LIST)
		return value_print(a, v).p;
	struct buf b;
	buf_init(&b, 4096);
	for (size_t i = 0; i < v->list.n; i++) {
		if (i)
			buf_adds(&b, ", ");
		struct str t = value_print(a, v->list.v[i]);
		buf_add(&b, t.p, t.n);
	}
	const char *text = buf_str(a, &b).p;
	buf_free(&b);
	return text;
}
