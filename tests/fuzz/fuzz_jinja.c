/* SPDX-License-Identifier: MIT
 *
 * libFuzzer: any bytes as a template, as an expression and as a value with templates in it, over
 * variables of every type.
 */
#include "jinja/jinja.h"
#include "yaml/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char vars_text[] =
	"{i: 3, f: 1.5, s: text, t: '{{ s }}x', n: null, b: true, l: [1, a, [2]], "
	"m: {a: 1, k: {z: '{{ i }}'}}, u: [{n: x, g: [a]}, {n: y, g: []}], e: '', d: {}}";

static struct value *find_variable(void *ctx, struct str name)
{
	return map_get(ctx, name);
}

static bool find_template(void *ctx, struct str name, const char *from, struct str *text,
	const char **file, struct err *e)
{
	(void)from;
	(void)ctx;
	if (!str_is(name, "s"))
		return err_set(e, ERR_CONFIG, "no such template");
	*text = str_c("{% set x = 1 %}{{ s }}{{ x }}");
	*file = "s";
	return true;
}

static void check_result(const struct value *v, const struct err *e)
{
	if (!v && e->kind == ERR_NONE)
		panic("no value and no error");
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	struct str text = str_dup(a, (const char *)p, n);
	struct pos pos = {"fuzz", 1, 1};
	struct errs errs;
	errs_init(&errs, a);
	struct value *vars = yaml_parse(a, "vars", str_c(vars_text), &errs);
	map_put(a, vars, "w", value_unknown(a, "a result"));
	map_at(vars, "e")->secret = true;
	struct jinja_env env = {
		.a = a, .ctx = vars, .lookup = find_variable, .include = find_template};
	for (unsigned flags = 0; flags < 8; flags += 7) {
		struct err e = {0};
		const struct template *t = template_parse(a, text, pos, flags, &e);
		check_result(t ? template_render(&env, t, &e) : NULL, &e);
	}
	struct err e1 = {0}, e2 = {0}, e3 = {0};
	check_result(expression_eval(&env, text, pos, &e1), &e1);
	struct value *v = value_str(a, text);
	check_result(template_resolve(&env, v, &e2), &e2);
	check_result(condition_eval(&env, v, &e3), &e3);
	arena_free(a);
	return 0;
}
