/* SPDX-License-Identifier: MIT
 *
 * The steps of a session: read from messages, kept by id, with what was found about each. Never
 * looks at the host.
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
	const struct value *key =
		step->type && step->type->key ? map_at(step->params, step->type->key) : NULL;
	if (!step->type)
		return "unknown";
	if (!key || key->secret || key->type != VALUE_STR)
		return step->type->name;
	return arena_printf(a, "%s %.*s", step->type->name, KEY_SHOWN, key->s.p);
}

/* The controller checked them by the same tables; this keeps a peer that did not from misleading
 * the verbs about types. */
void step_check(struct arena *a, struct agent_step *step)
{
	struct arena *work = arena_new();
	struct errs errs;
	errs_init(&errs, work);
	struct value *checked = fields_check(work, step->type->fields, step->params,
		arena_printf(work, "module '%s'", step->type->name), &errs);
	if (checked && step->type->check)
		step->type->check(checked, &errs);
	if (errs.n)
		err_set(&step->bad, ERR_CONFIG, "%s", errs.v[0].msg);
	else
		step->params = value_copy(a, checked);
	arena_free(work);
}

static const char *kept(struct arena *a, const struct value *msg, const char *key)
{
	const char *text = map_cstr(msg, key, NULL);
	return text ? arena_strdup(a, text) : NULL;
}

/* Texts that can stand in an environment, as the controller made them. */
static const struct value *take_environment(
	struct arena *a, struct agent_step *step, const struct value *given)
{
	for (size_t i = 0; i < given->map.n; i++) {
		struct str key = given->map.e[i].key;
		const struct value *v = given->map.e[i].value;
		if (key.n == 0 || strcspn(key.p, "=") != key.n || v->type != VALUE_STR ||
			strlen(v->s.p) != v->s.n)
			err_set(&step->bad, ERR_CONFIG, "the environment is damaged");
	}
	return value_copy(a, given);
}

static const struct value *take_ids(
	struct arena *a, struct agent_step *step, const struct value *given)
{
	bool ok = given->type == VALUE_LIST;
	for (size_t i = 0; ok && i < given->list.n; i++)
		ok = given->list.v[i]->type == VALUE_INT;
	if (!ok)
		err_set(&step->bad, ERR_CONFIG, "the list of what notifies it is damaged");
	return ok ? value_copy(a, given) : NULL;
}

struct agent_step *step_read(struct arena *a, const struct value *msg)
{
	struct agent_step *step = ARENA_NEW(a, struct agent_step);
	const char *type = map_cstr(msg, "type", NULL);
	const struct value *given = map_at(msg, "params");
	step->id = (uint32_t)map_int(msg, "id", 0);
	step->user = kept(a, msg, "user");
	step->timeout_s = (int)map_int(msg, "timeout", 0);
	step->name = kept(a, msg, "name");
	if (map_at(msg, "notified_by"))
		step->notified_by = take_ids(a, step, map_at(msg, "notified_by"));
	if (map_at(msg, "environment"))
		step->environment = take_environment(a, step, map_at(msg, "environment"));
	if (!step->name)
		step->name = arena_printf(a, "step %u", step->id);
	step->params = value_map(a);
	if (!type)
		return step;
	step->type = restype_find(str_c(type));
	if (!step->type || !step->type->observe) {
		err_set(&step->bad, ERR_CONFIG, "the host knows no resource type '%s'", type);
		step->type = NULL;
		return step;
	}
	if (given)
		step->params = value_copy(a, given);
	else if (step->notified_by)
		step->params = NULL;
	if (!step->notified_by)
		step_check(a, step);
	return step;
}

/* Where a step with this id stands, or would. */
static size_t place(const struct session *s, uint32_t id)
{
	size_t low = 0, high = s->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (s->steps[mid]->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct agent_step *steps_find(const struct session *s, uint32_t id)
{
	size_t at = place(s, id);
	return at < s->n && s->steps[at]->id == id ? s->steps[at] : NULL;
}

void steps_add(struct session *s, struct agent_step *step)
{
	size_t at = place(s, step->id);
	if (at < s->n && s->steps[at]->id == step->id) {
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
	if (!step->type)
		return RES_ALL;
	return step->planned || !step->params ? step->type->touches : 0;
}

void steps_settle(struct session *s, uint32_t id)
{
	for (size_t i = 0; i < s->n && s->steps[i]->id <= id; i++)
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
	return (step->moved | s->touched) & (step->type->class | step->type->moved_by);
}

bool step_flaps(const struct agent_step *step, const struct value *changes)
{
	if (step->type->class != RES_SERVICE || !changes)
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
