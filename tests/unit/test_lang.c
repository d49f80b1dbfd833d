/* SPDX-License-Identifier: MIT
 *
 * Runs the cases of tests/cases/yaml and tests/cases/jinja. A case begins with "=== name" and has
 * sections, each begun by "--- kind":
 *   template | expr | resolve | condition | yaml | json    what is read (one of them)
 *   vars      YAML: the variables      files: YAML, name: text, for include
 *   secret, unknown    names (of vars) that are so
 *   expect    a template's text, else the value as JSON; "<unknown>", "<secret> TEXT"
 *   error     a part of the message, after "LINE:COL: " when it starts with a number
 *   flags     lstrip, no-trim, strip-newline
 */
#include "case_file.h"
#include "jinja/jinja.h"
#include "yaml/yaml.h"

struct world {
	struct value *vars, *files;
	const char **names;
};

static struct value *find_variable(void *ctx, struct str name)
{
	struct world *w = ctx;
	return map_get(w->vars, name);
}

static const char *const *list_names(void *ctx)
{
	return ((struct world *)ctx)->names;
}

static struct value *run_plugin(void *ctx, const char *name, const struct value *args,
	const struct value *kwargs, struct err *e)
{
	(void)ctx;
	(void)kwargs;
	struct value *list = value_list(cases_arena());
	if (strcmp(name, "echo") != 0) {
		err_set(e, ERR_CONFIG, "no lookup '%s'", name);
		return NULL;
	}
	for (size_t i = 0; i < args->list.n; i++)
		list_add(cases_arena(), list, args->list.v[i]);
	return list;
}

static bool find_template(void *ctx, struct str name, const char *from, struct str *text,
	const char **file, struct err *e)
{
	(void)from;
	struct world *w = ctx;
	struct value *v = w->files ? map_get(w->files, name) : NULL;
	if (!v)
		return err_set(e, ERR_CONFIG, "no template '" STR_FMT "'", STR_ARG(name));
	*text = v->s;
	*file = name.p;
	return true;
}

static struct value *yaml_section(struct arena *a, const struct test_case *t, const char *kind)
{
	const struct str *s = find_section(t, kind);
	struct errs errs;
	errs_init(&errs, a);
	if (!s)
		return value_map(a);
	struct value *v = yaml_parse(a, kind, *s, &errs);
	if (!v)
		fail_msg("%s: %s: section %s: %s", t->file, t->name, kind, errs.v[0].msg);
	return v;
}

/* Marks the variables that the case says are secret or unknown. */
static void mark_values(struct arena *a, const struct test_case *t, struct value *vars)
{
	const struct str *secret = find_section(t, "secret"), *unknown = find_section(t, "unknown");
	for (size_t i = 0; i < vars->map.n; i++) {
		struct map_entry *e = &vars->map.e[i];
		if (secret && memmem(secret->p, secret->n, e->key.p, e->key.n))
			e->value->secret = true;
		if (unknown && memmem(unknown->p, unknown->n, e->key.p, e->key.n))
			e->value = value_unknown(a, STR_FMT, STR_ARG(e->key));
	}
}

static unsigned flags_of(const struct test_case *t)
{
	const struct str *s = find_section(t, "flags");
	unsigned flags = TEMPLATE_TRIM_BLOCKS;
	if (s && strstr(s->p, "lstrip"))
		flags |= TEMPLATE_LSTRIP_BLOCKS;
	if (s && strstr(s->p, "no-trim"))
		flags &= ~(unsigned)TEMPLATE_TRIM_BLOCKS;
	if (s && strstr(s->p, "strip-newline"))
		flags |= TEMPLATE_STRIP_NEWLINE;
	return flags;
}

static struct value *read_yaml(struct arena *a, struct str text, struct err *e)
{
	struct errs errs;
	errs_init(&errs, a);
	struct value *v = yaml_parse(a, "case", text, &errs);
	if (!v)
		*e = errs.v[0];
	return v;
}

/* The case's subject, whatever its kind; *is_text for a template. */
static struct value *evaluate_case(struct arena *a, const struct test_case *t,
	const struct jinja_env *env, bool *is_text, struct err *e)
{
	struct pos pos = {"case", 1, 1};
	const struct str *s;
	if ((s = find_section(t, "template"))) {
		const struct template *tpl = template_parse(a, *s, pos, flags_of(t), e);
		*is_text = true;
		return tpl ? template_render(env, tpl, e) : NULL;
	}
	if ((s = find_section(t, "expr")))
		return expression_eval(env, *s, pos, e);
	if ((s = find_section(t, "json")))
		return json_parse(a, *s, e);
	if ((s = find_section(t, "yaml")))
		return read_yaml(a, *s, e);
	if ((s = find_section(t, "resolve"))) {
		struct value *v = read_yaml(a, *s, e);
		return v ? template_resolve(env, v, e) : NULL;
	}
	if ((s = find_section(t, "condition"))) {
		struct value *v = read_yaml(a, *s, e);
		return v ? condition_eval(env, v, e) : NULL;
	}
	fail_msg("%s: %s: no subject", t->file, t->name);
	return NULL;
}

static const char *show_value(struct arena *a, const struct value *v, bool is_text)
{
	struct buf b;
	if (v->type == VALUE_UNKNOWN)
		return "<unknown>";
	buf_init(&b, 1 << 20);
	if (v->secret && v->type == VALUE_STR)
		buf_addf(&b, "<secret> " STR_FMT, STR_ARG(v->s));
	else if (is_text)
		buf_add(&b, v->s.p, v->s.n);
	else
		json_write(&b, v);
	const char *s = buf_str(a, &b).p;
	buf_free(&b);
	return s;
}

/* The expected value in the writer's own layout, so that cases may be laid out freely. */
static const char *parse_wanted(struct arena *a, struct str text, bool is_text)
{
	struct err e = {0};
	struct value *v = is_text || text.p[0] == '<' ? NULL : json_parse(a, text, &e);
	return v ? show_value(a, v, false) : text.p;
}

static void check_error(struct arena *a, const struct test_case *t, const struct err *e)
{
	const struct str *want = find_section(t, "error");
	const char *have = e->pos.line
				   ? arena_printf(a, "%u:%u: %s", e->pos.line, e->pos.col, e->msg)
				   : e->msg;
	if (!want)
		fail_msg("%s: %s: %s", t->file, t->name, have);
	bool placed = want->n && want->p[0] >= '0' && want->p[0] <= '9';
	const char *at = strstr(have, want->p);
	if (!at || (placed && at != have))
		fail_msg("%s: %s:\n  error '%s'\n  wanted '%s'", t->file, t->name, have, want->p);
}

static void run_case(void **state)
{
	const struct test_case *t = *state;
	struct arena *a = arena_new();
	struct err e = {0};
	bool is_text = false;
	struct world w = {.vars = yaml_section(a, t, "vars"), .files = yaml_section(a, t, "files")};
	mark_values(a, t, w.vars);
	w.names = ARENA_ARRAY(a, const char *, w.vars->map.n + 1);
	for (size_t i = 0; i < w.vars->map.n; i++)
		w.names[i] = w.vars->map.e[i].key.p;
	struct jinja_env env = {.a = a,
		.ctx = &w,
		.lookup = find_variable,
		.names = list_names,
		.plugin = run_plugin,
		.include = find_template};
	struct value *v = evaluate_case(a, t, &env, &is_text, &e);
	const struct str *want = find_section(t, "expect");
	if (!v) {
		assert_true(e.kind != ERR_NONE);
		check_error(a, t, &e);
	} else if (!want) {
		fail_msg("%s: %s: gave %s instead of an error", t->file, t->name,
			show_value(a, v, is_text));
	} else {
		same_text(arena_printf(a, "%s: %s", t->file, t->name),
			str_c(parse_wanted(a, *want, is_text)), str_c(show_value(a, v, is_text)));
	}
	arena_free(a);
}

int main(void)
{
	read_folder("tests/cases/yaml", run_case);
	read_folder("tests/cases/jinja", run_case);
	return run_cases("lang");
}
