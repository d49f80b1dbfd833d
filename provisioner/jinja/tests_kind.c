/* SPDX-License-Identifier: MIT
 *
 * Tests for the type of a value, and whether it is defined.
 */
#include "jinja/call.h"

static struct value *t_defined(struct call *c)
{
	return call_yes(c, c->v->type != VALUE_UNDEFINED);
}

static struct value *t_undefined(struct call *c)
{
	return call_yes(c, c->v->type == VALUE_UNDEFINED);
}

static struct value *t_string(struct call *c)
{
	return call_yes(c, c->v->type == VALUE_STR);
}

static struct value *t_none(struct call *c)
{
	return call_yes(c, c->v->type == VALUE_NULL);
}

static bool has_items(const struct value *v)
{
	return v->type == VALUE_STR || v->type == VALUE_LIST || v->type == VALUE_MAP;
}

static struct value *t_iterable(struct call *c)
{
	return call_yes(c, has_items(c->v));
}

static struct value *t_mapping(struct call *c)
{
	return call_yes(c, c->v->type == VALUE_MAP);
}

static struct value *t_list(struct call *c)
{
	return call_yes(c, c->v->type == VALUE_LIST);
}

static struct value *t_number(struct call *c)
{
	return call_yes(c, jinja_is_number(c->v));
}

static struct value *t_integer(struct call *c)
{
	return call_yes(c, c->v->type == VALUE_INT);
}

static struct value *t_float(struct call *c)
{
	return call_yes(c, c->v->type == VALUE_FLOAT);
}

static struct value *t_boolean(struct call *c)
{
	return call_yes(c, c->v->type == VALUE_BOOL);
}

static struct value *t_true(struct call *c)
{
	return call_yes(c, c->v->type == VALUE_BOOL && c->v->b);
}

static struct value *t_false(struct call *c)
{
	return call_yes(c, c->v->type == VALUE_BOOL && !c->v->b);
}

/* With convert_bool a text such as "no" is converted. */
static bool is_truthy(struct call *c)
{
	static const char *const no[] = {"no", "off", "0", "false", "n", "f"};
	if (call_bool(c, 0, false) && c->v->type == VALUE_STR)
		for (size_t i = 0; i < ARRAY_LEN(no); i++)
			if (strcasecmp(c->v->s.p, no[i]) == 0)
				return false;
	return value_true(c->v);
}

static struct value *t_truthy(struct call *c)
{
	return call_yes(c, is_truthy(c));
}

static struct value *t_falsy(struct call *c)
{
	return call_yes(c, !is_truthy(c));
}

const struct callable tests_kind[] = {
	{"boolean", t_boolean, "", 0, "Is it true or false?", "1 is boolean", "false"},
	{"defined", t_defined, "", CALL_UNDEFINED, "Does the value exist?",
		"nothing_here is defined", "false"},
	{"false", t_false, "", 0, "Is it false, and no other value?", "0 is false", "false"},
	{"falsy", t_falsy, "convert_bool", 0,
		"Is it false, empty, 0 or null? convert_bool: also no, off and the like.",
		"'' is falsy", "true"},
	{"float", t_float, "", 0, "Is it a number with a fraction?", "1.0 is float", "true"},
	{"integer", t_integer, "", 0, "Is it a whole number?", "25 is integer", "true"},
	{"iterable", t_iterable, "", 0, "Is it a list, a mapping or a text?", "'mail' is iterable",
		"true"},
	{"list", t_list, "", 0, "Is it a list?", "[1] is list", "true"},
	{"mapping", t_mapping, "", 0, "Is it a mapping?", "{'a': 1} is mapping", "true"},
	{"none", t_none, "", 0, "Is it null?", "none is none", "true"},
	{"null", t_none, "", 0, "The same as none.", "0 is null", "false"},
	{"number", t_number, "", 0, "Is it a number?", "2.5 is number", "true"},
	{"sequence", t_iterable, "", 0, "The same as iterable.", "5 is sequence", "false"},
	{"string", t_string, "", 0, "Is it text?", "'25' is string", "true"},
	{"true", t_true, "", 0, "Is it true, and no other value?", "true is true", "true"},
	{"truthy", t_truthy, "convert_bool", 0,
		"Is it neither false, empty, 0 nor null? convert_bool: nor no, off and the like.",
		"'no' is truthy(convert_bool=true)", "false"},
	{"undefined", t_undefined, "", CALL_UNDEFINED, "Does the value not exist?",
		"nothing_here is undefined", "true"},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
