/* SPDX-License-Identifier: MIT
 *
 * The steps of a session: read from messages and kept by id, with the results of their observation.
 * Does not observe.
 */
#include "agent/session.h"
#include "agent/restype.h"

enum { KEY_SHOWN = 200 };

const char *err_kind_name(enum err_kind kind)
{
	switch (kind) {
	case ERR_CONFIG:
	case ERR_UNDEFINED:
		return "config";
	case ERR_TRANSIENT:
		return "transient";
	case ERR_UNREACHABLE:
		return "unreachable";
	default:
		return "permanent";
	}
}

const char *step_key(struct arena *a, const struct agent_step *step)
{
	const struct step *want = &step->want;
	if (!want->type)
		return "unknown";
	const struct value *key =
		want->type->key && want->params ? map_at(want->params, want->type->key) : NULL;
	if (!key || key->secret || key->type != VALUE_STR)
		return want->type->name;
	return arena_printf(a, "%s %.*s", want->type->name, KEY_SHOWN, key->s.p);
}

/* The controller has checked the parameters by the same tables; this protects the types from a peer
 * that has not. */
void step_check(struct arena *a, struct agent_step *step)
{
	struct arena *work = arena_new();
	struct errs errs;
	errs_init(&errs, work);
	struct value *checked = fields_check(work, step->want.type->fields, step->want.params,
		arena_printf(work, "module '%s'", step->want.type->name), &errs);
	if (checked && step->want.type->check)
		step->want.type->check(checked, &errs);
	if (errs.n)
		err_set(&step->bad, ERR_CONFIG, "%s", errs.v[0].msg);
	else
		step->want.params = value_copy(a, checked);
	arena_free(work);
}

/* Are all names and values valid in an environment? The controller sends no others. */
static bool good_environment(const struct value *given)
{
	for (size_t i = 0; given && i < given->map.n; i++) {
		struct str key = given->map.e[i].key;
		const struct value *v = given->map.e[i].value;
		if (key.n == 0 || strcspn(key.p, "=") != key.n || v->type != VALUE_STR ||
			strlen(v->s.p) != v->s.n)
			return false;
	}
	return true;
}

static void take_type(struct agent_step *step, const char *type)
{
	step->want.type = restype_find(str_c(type));
	if (!step->want.type || !step->want.type->observe) {
		err_set(&step->bad, ERR_CONFIG, "the agent does not know the resource type '%s'",
			type);
		step->want.type = NULL;
	}
}

struct agent_step *step_read(struct arena *a, const struct value *msg, enum step_use use)
{
	struct agent_step *step = ARENA_NEW(a, struct agent_step);
	struct step *want = &step->want;
	const char *type = map_cstr(msg, "type", NULL);
	record_take(a, step_members, use, value_copy(a, msg), want);
	bool when_due = use == STEP_OBSERVE && want->handler;
	if (!want->name)
		want->name = arena_printf(a, "step %u", want->id);
	if (!good_environment(want->environment))
		err_set(&step->bad, ERR_CONFIG, "the environment is damaged");
	if (type)
		take_type(step, type);
	if (!want->params && !(when_due && want->type))
		want->params = value_map(a);
	if (want->type && !when_due)
		step_check(a, step);
	return step;
}

/* The index of the step with this id, or where to insert it. */
static size_t find_place(const struct session *s, uint32_t id)
{
	size_t low = 0, high = s->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (s->steps[mid]->want.id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct agent_step *steps_find(const struct session *s, uint32_t id)
{
	size_t at = find_place(s, id);
	return at < s->n && s->steps[at]->want.id == id ? s->steps[at] : NULL;
}

void steps_add(struct session *s, struct agent_step *step)
{
	size_t at = find_place(s, step->want.id);
	if (at < s->n && s->steps[at]->want.id == step->want.id) {
		s->steps[at] = step;
		return;
	}
	s->steps = array_grow(s->a, s->steps, s->n, &s->cap, sizeof(struct agent_step *));
	if (at < s->n)
		memmove(s->steps + at + 1, s->steps + at,
			(s->n - at) * sizeof(struct agent_step *));
	s->steps[at] = step;
	s->n++;
}

unsigned step_may_touch(const struct agent_step *step)
{
	if (step->applied || step->bad.kind != ERR_NONE)
		return 0;
	if (!step->want.type)
		return RES_ALL;
	return step->planned || !step->want.params ? step->want.type->touches : 0;
}

void steps_settle(struct session *s, uint32_t id)
{
	for (size_t i = 0; i < s->n && s->steps[i]->want.id <= id; i++)
		s->steps[i]->applied = true;
}

void steps_observing(struct session *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->steps[i]->moved |= s->touched;
	s->touched = 0;
}

bool step_explained(const struct session *s, const struct agent_step *step)
{
	return (step->moved | s->touched) & (step->want.type->class | step->want.type->moved_by);
}

bool step_flaps(const struct agent_step *step, const struct value *changes)
{
	if (step->want.type->class != RES_SERVICE || !changes)
		return false;
	for (size_t i = 0; i < changes->list.n; i++)
		if (strcmp(map_cstr(changes->list.v[i], "field", ""), "state") != 0 ||
			strcmp(map_cstr(changes->list.v[i], "before", ""), "failed") != 0)
			return false;
	return true;
}

static struct value *as_digest(struct arena *a, struct value *v)
{
	struct value *blob = v && v->type == VALUE_STR ? value_blob(a, v->s) : v;
	if (!blob || blob->type != VALUE_BLOB)
		return value_null(a);
	blob = value_shallow(a, blob);
	blob->secret = false;
	blob->literal = false;
	return blob;
}

void step_digest(const struct value *changes, unsigned char out[SHA256_LEN])
{
	struct arena *a = arena_new();
	struct value *plain = value_list(a);
	for (size_t i = 0; i < changes->list.n; i++) {
		struct value *c = value_shallow(a, changes->list.v[i]);
		if (strcmp(map_cstr(c, "kind", ""), "text") == 0) {
			map_put(a, c, "before", as_digest(a, map_at(c, "before")));
			map_put(a, c, "after", as_digest(a, map_at(c, "after")));
		}
		list_add(a, plain, c);
	}
	value_digest(plain, out);
	arena_free(a);
}
