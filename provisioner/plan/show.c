/* SPDX-License-Identifier: MIT
 *
 * A plan, and one of its steps, as JSON objects; one table has the members of a step. Secrets stay
 * hidden.
 */
#include "plan/plan.h"

static const char *const kind_names[] = {[PLANNED_OK] = "ok",
	[PLANNED_CHANGE] = "change",
	[PLANNED_RUN] = "run",
	[PLANNED_HANDLER] = "handler",
	[PLANNED_QUIET] = "quiet",
	[PLANNED_SKIPPED] = "skipped",
	[PLANNED_LOCAL] = "local",
	[PLANNED_UNKNOWN] = "unknown",
	[PLANNED_FAILED] = "failed",
	[PLANNED_IGNORED] = "ignored",
	[PLANNED_MAYBE] = "maybe",
	[PLANNED_HANDLER_MAYBE] = "handler_maybe"};

#define SHOWN(member, what, uses, key)                                      \
	{                                                                   \
		{.name = (key)}, what, offsetof(struct shown, member), uses \
	}
static const struct member shown_members[] = {
	SHOWN(task, MEMBER_TEXT, SHOWN_PLAN | SHOWN_STEP, "task"),
	SHOWN(item, MEMBER_TEXT, SHOWN_PLAN | SHOWN_STEP, "item"),
	SHOWN(kind, MEMBER_TEXT, SHOWN_PLAN, "kind"),
	SHOWN(type, MEMBER_TEXT, SHOWN_PLAN | SHOWN_STEP, "type"),
	SHOWN(resource, MEMBER_TEXT, SHOWN_PLAN | SHOWN_STEP, "resource"),
	SHOWN(status, MEMBER_TEXT, SHOWN_STEP, "status"),
	SHOWN(message, MEMBER_TEXT, SHOWN_STEP, "message"),
	SHOWN(unknown, MEMBER_TEXT, SHOWN_PLAN, "unknown"),
	SHOWN(error, MEMBER_TEXT, SHOWN_PLAN, "error"),
	SHOWN(places, MEMBER_VALUE, SHOWN_PLAN | SHOWN_STEP, "places"),
	SHOWN(changes, MEMBER_VALUE, SHOWN_PLAN | SHOWN_STEP, "changes"),
	SHOWN(rolled_back, MEMBER_VALUE, SHOWN_STEP, "rolled_back"),
	SHOWN(ms, MEMBER_NUMBER, SHOWN_STEP, "ms"),
	{.field = {.name = NULL}},
};

void shown_fill(
	struct shown *s, struct arena *a, const struct planned *p, const struct value *changes)
{
	const struct step *step = p->step;
	s->task = step->name;
	s->item = step->no_log && step->item ? SECRET_TEXT : step->item;
	s->kind = kind_names[p->kind];
	s->type = step->type ? step->type->name : NULL;
	s->resource = planned_key(a, p);
	s->message = step->local ? step->message : NULL;
	s->unknown = plan_unknown(p);
	s->error = planned_error(p);
	s->places = origins_value(a, p->origins);
	if (changes && !step->no_log && !step->no_diff)
		s->changes = (struct value *)changes;
}

void shown_put(struct arena *a, const struct shown *s, enum shown_use use, struct value *map)
{
	record_put(a, shown_members, use, s, map);
}

static void put_count(struct arena *a, struct value *m, const char *key, size_t n)
{
	map_put(a, m, key, value_int(a, (int64_t)n));
}

struct value *plan_value(struct arena *a, const struct plan_target *target)
{
	struct value *m = value_map(a), *steps = value_list(a);
	map_put_text(a, m, target_kind_name(target->kind), target->name);
	map_put_text(a, m, "digest", target->digest);
	map_put_text(a, m, "error", target->error);
	put_count(a, m, "resources", target->counts.resources);
	put_count(a, m, "changes", target->counts.change);
	put_count(a, m, "handlers", target->counts.handler);
	put_count(a, m, "unknown", target->counts.unknown);
	put_count(a, m, "failed", target->counts.failed);
	for (size_t i = 0; i < target->n; i++) {
		const struct planned *p = target->v[i];
		if (p->kind == PLANNED_OK || p->kind == PLANNED_QUIET || p->kind == PLANNED_SKIPPED)
			continue;
		struct shown shown = {0};
		struct value *step = value_map(a);
		shown_fill(&shown, a, p, p->changes);
		shown_put(a, &shown, SHOWN_PLAN, step);
		list_add(a, steps, step);
	}
	map_put(a, m, "steps", steps);
	return m;
}
