/* SPDX-License-Identifier: MIT
 *
 * The tests behind `is`: Jinja2's and Ansible's. None opens a file.
 */
#include "jinja/call.h"

static struct value *yes_if(struct call *c, bool b)
{
	return jinja_bool(c->in, b);
}

static bool is_int(const struct value *v)
{
	return v->type == VALUE_INT || v->type == VALUE_BOOL;
}

static struct value *t_defined(struct call *c)
{
	return yes_if(c, c->v->type != VALUE_UNDEFINED);
}

static struct value *t_undefined(struct call *c)
{
	return yes_if(c, c->v->type == VALUE_UNDEFINED);
}

static struct value *t_string(struct call *c)
{
	return yes_if(c, c->v->type == VALUE_STR);
}

static struct value *t_none(struct call *c)
{
	return yes_if(c, c->v->type == VALUE_NULL);
}

static bool has_items(const struct value *v)
{
	return v->type == VALUE_STR || v->type == VALUE_LIST || v->type == VALUE_MAP;
}

static struct value *t_iterable(struct call *c)
{
	return yes_if(c, has_items(c->v));
}

static struct value *t_mapping(struct call *c)
{
	return yes_if(c, c->v->type == VALUE_MAP);
}

static struct value *t_list(struct call *c)
{
	return yes_if(c, c->v->type == VALUE_LIST);
}

static struct value *t_number(struct call *c)
{
	return yes_if(c, is_int(c->v) || c->v->type == VALUE_FLOAT);
}

static struct value *t_integer(struct call *c)
{
	return yes_if(c, c->v->type == VALUE_INT);
}

static struct value *t_float(struct call *c)
{
	return yes_if(c, c->v->type == VALUE_FLOAT);
}

static struct value *t_boolean(struct call *c)
{
	return yes_if(c, c->v->type == VALUE_BOOL);
}

static struct value *t_true(struct call *c)
{
	return yes_if(c, c->v->type == VALUE_BOOL && c->v->b);
}

static struct value *t_false(struct call *c)
{
	return yes_if(c, c->v->type == VALUE_BOOL && !c->v->b);
}

/* With convert_bool, text such as "no" counts by its meaning. */
static bool truthy(struct call *c)
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
	return yes_if(c, truthy(c));
}

static struct value *t_falsy(struct call *c)
{
	return yes_if(c, !truthy(c));
}

/* ---- comparisons ---- */
static struct value *t_eq(struct call *c)
{
	return jinja_compare(c->in, TOK_EQ, c->v, c->arg[0], c->pos);
}

static struct value *t_ne(struct call *c)
{
	return jinja_compare(c->in, TOK_NE, c->v, c->arg[0], c->pos);
}

static struct value *t_lt(struct call *c)
{
	return jinja_compare(c->in, TOK_LT, c->v, c->arg[0], c->pos);
}

static struct value *t_le(struct call *c)
{
	return jinja_compare(c->in, TOK_LE, c->v, c->arg[0], c->pos);
}

static struct value *t_gt(struct call *c)
{
	return jinja_compare(c->in, TOK_GT, c->v, c->arg[0], c->pos);
}

static struct value *t_ge(struct call *c)
{
	return jinja_compare(c->in, TOK_GE, c->v, c->arg[0], c->pos);
}

static struct value *is_in(struct call *c, struct value *item, struct value *holder)
{
	struct value *all = jinja_holder(c->in, holder, item, c->pos);
	return all ? jinja_compare(c->in, TOK_IN, item, all, c->pos) : NULL;
}

static struct value *t_in(struct call *c)
{
	return is_in(c, c->v, c->arg[0]);
}

static struct value *t_contains(struct call *c)
{
	return is_in(c, c->arg[0], c->v);
}

static struct value *t_sameas(struct call *c)
{
	struct value *a = c->v, *b = c->arg[0];
	bool plain = a->type != VALUE_LIST && a->type != VALUE_MAP;
	return yes_if(c, a == b || (plain && a->type == b->type && value_equal(a, b)));
}

static struct value *t_odd(struct call *c)
{
	if (!is_int(c->v))
		return call_fail(c, "a whole number is needed, not %s", value_type_name(c->v));
	return yes_if(c, (c->v->type == VALUE_INT ? c->v->i : c->v->b) % 2 != 0);
}

static struct value *t_even(struct call *c)
{
	struct value *odd = t_odd(c);
	return odd ? yes_if(c, !odd->b) : NULL;
}

static struct value *t_divisibleby(struct call *c)
{
	int64_t n;
	if (!call_int(c, 0, 1, &n))
		return NULL;
	if (!is_int(c->v) || n == 0)
		return call_fail(c, "whole numbers are needed, and not 0");
	if (n == -1)
		return yes_if(c, true);
	return yes_if(c, (c->v->type == VALUE_INT ? c->v->i : c->v->b) % n == 0);
}

/* ---- lists ---- */
static struct value *within(struct call *c, struct value *small, struct value *large)
{
	struct value_set set;
	if (!(small = call_list(c, small)) || !(large = call_list(c, large)))
		return NULL;
	set_init(&set, c->a);
	for (size_t i = 0; i < large->list.n; i++)
		set_add(&set, c, large->list.v[i]);
	for (size_t i = 0; i < small->list.n; i++)
		if (!set_has(&set, c, small->list.v[i]))
			return yes_if(c, false);
	return yes_if(c, true);
}

static struct value *t_subset(struct call *c)
{
	return within(c, c->v, c->arg[0]);
}

static struct value *t_superset(struct call *c)
{
	return within(c, c->arg[0], c->v);
}

static struct value *any_all(struct call *c, bool stop_at)
{
	struct value *list = call_list(c, c->v), *unknown = NULL;
	for (size_t i = 0; list && i < list->list.n; i++) {
		struct value *v = list->list.v[i];
		if (v->type == VALUE_UNKNOWN)
			unknown = v;
		else if (call_truth(c, v) == stop_at)
			return yes_if(c, stop_at);
	}
	return !list ? NULL : unknown ? unknown : yes_if(c, !stop_at);
}

static struct value *t_any(struct call *c)
{
	return any_all(c, true);
}

static struct value *t_all(struct call *c)
{
	return any_all(c, false);
}

/* ---- text ---- */
static struct value *t_lower(struct call *c)
{
	struct str s = call_text(c, c->v);
	return yes_if(c, str_eq(s, text_lower(c->a, s)) && !str_eq(s, text_upper(c->a, s)));
}

static struct value *t_upper(struct call *c)
{
	struct str s = call_text(c, c->v);
	return yes_if(c, str_eq(s, text_upper(c->a, s)) && !str_eq(s, text_lower(c->a, s)));
}

static struct value *t_abs(struct call *c)
{
	return yes_if(c, str_starts(call_text(c, c->v), "/"));
}

static struct value *matches(struct call *c, bool start, bool end)
{
	struct regex_match m;
	struct str s = call_text(c, c->v);
	unsigned flags = call_bool(c, 1, false) ? REGEX_IGNORECASE : 0;
	flags |= call_bool(c, 2, false) ? REGEX_MULTILINE : 0;
	struct str pattern = call_arg(c, 0, "");
	if (start || end) /* at the start, as re.match */
		pattern = str_printf(
			c->a, "\\A(?:" STR_FMT ")%s", STR_ARG(pattern), end ? "\\Z" : "");
	struct regex *r = regex_get(c, pattern, flags);
	int found = r ? regex_match(c, r, s, 0, false, &m) : -1;
	return found < 0 ? NULL : yes_if(c, found > 0);
}

static struct value *t_match(struct call *c)
{
	return matches(c, true, false);
}

static struct value *t_search(struct call *c)
{
	return matches(c, false, false);
}

static struct value *t_regex(struct call *c)
{
	struct str how = call_arg(c, 3, "search");
	return matches(c, !str_is(how, "search"), str_is(how, "fullmatch"));
}

/* ---- results of tasks ---- */
static struct value *result_flag(struct call *c, const char *key, bool when_missing)
{
	if (c->v->type != VALUE_MAP)
		return call_fail(c, "a task's result is needed, not %s", value_type_name(c->v));
	struct value *v = map_at(c->v, key);
	if (v && v->type == VALUE_UNKNOWN)
		return v;
	return yes_if(c, v ? call_truth(c, v) : when_missing);
}

static struct value *t_failed(struct call *c)
{
	return result_flag(c, "failed", false);
}

static struct value *t_succeeded(struct call *c)
{
	struct value *failed = t_failed(c);
	return !failed || failed->type == VALUE_UNKNOWN ? failed : yes_if(c, !failed->b);
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
	return !v || v->type == VALUE_UNKNOWN ? v : yes_if(c, !v->b);
}

static struct value *t_filter(struct call *c)
{
	return yes_if(c, jinja_filter(call_text(c, c->v)) != NULL);
}

static struct value *t_test(struct call *c)
{
	return yes_if(c, jinja_test(call_text(c, c->v)) != NULL);
}

/* sorted */
static const struct callable tests[] = {
	{"!=", t_ne, "!other", 0},
	{"<", t_lt, "!other", 0},
	{"<=", t_le, "!other", 0},
	{"==", t_eq, "!other", 0},
	{">", t_gt, "!other", 0},
	{">=", t_ge, "!other", 0},
	{"abs", t_abs, "", 0},
	{"all", t_all, "", 0},
	{"any", t_any, "", 0},
	{"boolean", t_boolean, "", 0},
	{"change", t_changed, "", 0},
	{"changed", t_changed, "", 0},
	{"contains", t_contains, "!item", CALL_PARTS},
	{"defined", t_defined, "", CALL_UNDEFINED},
	{"divisibleby", t_divisibleby, "!num", 0},
	{"eq", t_eq, "!other", 0},
	{"equalto", t_eq, "!other", 0},
	{"even", t_even, "", 0},
	{"failed", t_failed, "", 0},
	{"failure", t_failed, "", 0},
	{"false", t_false, "", 0},
	{"falsy", t_falsy, "convert_bool", 0},
	{"filter", t_filter, "", 0},
	{"finished", t_finished, "", 0},
	{"float", t_float, "", 0},
	{"ge", t_ge, "!other", 0},
	{"greaterthan", t_gt, "!other", 0},
	{"gt", t_gt, "!other", 0},
	{"in", t_in, "!seq", CALL_PARTS},
	{"integer", t_integer, "", 0},
	{"issubset", t_subset, "!other", 0},
	{"issuperset", t_superset, "!other", 0},
	{"iterable", t_iterable, "", 0},
	{"le", t_le, "!other", 0},
	{"lessthan", t_lt, "!other", 0},
	{"list", t_list, "", 0},
	{"lower", t_lower, "", 0},
	{"lt", t_lt, "!other", 0},
	{"mapping", t_mapping, "", 0},
	{"match", t_match, "!pattern ignorecase multiline", 0},
	{"ne", t_ne, "!other", 0},
	{"none", t_none, "", 0},
	{"null", t_none, "", 0},
	{"number", t_number, "", 0},
	{"odd", t_odd, "", 0},
	{"reachable", t_reachable, "", 0},
	{"regex", t_regex, "!pattern ignorecase multiline match_type", 0},
	{"sameas", t_sameas, "!other", 0},
	{"search", t_search, "!pattern ignorecase multiline", 0},
	{"sequence", t_iterable, "", 0},
	{"skip", t_skipped, "", 0},
	{"skipped", t_skipped, "", 0},
	{"string", t_string, "", 0},
	{"subset", t_subset, "!other", 0},
	{"succeeded", t_succeeded, "", 0},
	{"success", t_succeeded, "", 0},
	{"successful", t_succeeded, "", 0},
	{"superset", t_superset, "!other", 0},
	{"test", t_test, "", 0},
	{"true", t_true, "", 0},
	{"truthy", t_truthy, "convert_bool", 0},
	{"undefined", t_undefined, "", CALL_UNDEFINED},
	{"unreachable", t_unreachable, "", 0},
	{"upper", t_upper, "", 0},
	{"version", test_version, "!version operator strict version_type", 0},
	{"version_compare", test_version, "!version operator strict version_type", 0},
};

const struct callable *jinja_test(struct str name)
{
	size_t from = 0, to = ARRAY_LEN(tests);
	while (from < to) {
		size_t mid = (from + to) / 2;
		int order = str_cmp(name, str_c(tests[mid].name));
		if (!order)
			return &tests[mid];
		if (order < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return NULL;
}

const char *const *test_names(void)
{
	static const char *names[ARRAY_LEN(tests) + 1];
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		names[i] = tests[i].name;
	return names;
}
