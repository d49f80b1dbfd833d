/* SPDX-License-Identifier: MIT
 *
 * Tests of a task's result, and whether a filter or test exists.
 */
#include "jinja/call.h"

static struct value *result_flag(struct call *c, const char *key, bool when_missing)
{
	if (c->v->type != VALUE_MAP)
		return call_fail(c, "a task's result is needed, not %s", value_type_name(c->v));
	struct value *v = map_at(c->v, key);
	if (v && v->type == VALUE_UNKNOWN)
		return v;
	return call_yes(c, v ? call_truth(c, v) : when_missing);
}

static struct value *t_failed(struct call *c)
{
	return result_flag(c, "failed", false);
}

static struct value *t_succeeded(struct call *c)
{
	struct value *failed = t_failed(c);
	return !failed || failed->type == VALUE_UNKNOWN ? failed : call_yes(c, !failed->b);
}

static struct value *t_changed(struct call *c)
{
	return result_flag(c, "changed", false);
}

static struct value *t_skipped(struct call *c)
{
	return result_flag(c, "skipped", false);
}

static struct value *t_finished(struct call *c)
{
	return result_flag(c, "finished", true);
}

static struct value *t_unreachable(struct call *c)
{
	return result_flag(c, "unreachable", false);
}

static struct value *t_reachable(struct call *c)
{
	struct value *v = t_unreachable(c);
	return !v || v->type == VALUE_UNKNOWN ? v : call_yes(c, !v->b);
}

static struct value *t_filter(struct call *c)
{
	return call_yes(c, jinja_filter(call_text(c, c->v)) != NULL);
}

static struct value *t_test(struct call *c)
{
	return call_yes(c, jinja_test(call_text(c, c->v)) != NULL);
}

const struct callable tests_result[] = {
	{"change", t_changed, "", 0, "The same as changed.", "{'changed': true} is change", "true"},
	{"changed", t_changed, "", 0,
		"Did the task change something? The value is a result from register.",
		"{'changed': true} is changed", "true"},
	{"failed", t_failed, "", 0, "Did the task fail? The value is a result from register.",
		"{'failed': true} is failed", "true"},
	{"failure", t_failed, "", 0, "The same as failed.", "{'failed': false} is failure",
		"false"},
	{"filter", t_filter, "", 0, "Is there a filter of this name?", "'upper' is filter", "true"},
	{"finished", t_finished, "", 0,
		"Has the task ended? The value is a result from register. Always true, unless "
		"the result says otherwise: no task runs in the background.",
		"{'changed': false} is finished", "true"},
	{"reachable", t_reachable, "", 0,
		"Was the host reached? The value is a result from register.",
		"{'unreachable': false} is reachable", "true"},
	{"skip", t_skipped, "", 0, "The same as skipped.", "{'skipped': true} is skip", "true"},
	{"skipped", t_skipped, "", 0, "Was the task skipped? The value is a result from register.",
		"{'changed': false} is skipped", "false"},
	{"succeeded", t_succeeded, "", 0,
		"Did the task not fail? The value is a result from register.",
		"{'failed': false} is succeeded", "true"},
	{"success", t_succeeded, "", 0, "The same as succeeded.", "{'failed': true} is success",
		"false"},
	{"successful", t_succeeded, "", 0, "The same as succeeded.",
		"{'failed': false} is successful", "true"},
	{"test", t_test, "", 0, "Is there a test of this name?", "'defined' is test", "true"},
	{"unreachable", t_unreachable, "", 0,
		"Was the host not reached? The value is a result from register.",
		"{'changed': false} is unreachable", "false"},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
