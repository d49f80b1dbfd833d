/* SPDX-License-Identifier: MIT
 *
 * Every field table of the program is well-formed: names once each, a doc for each, choices and
 * sub-tables only where they mean something, defaults that their own field takes. The parser of the
 * mail state reads only keys of its schema. The tables of the template language have a doc and an
 * example for each row, and the example gives what it says.
 */
#include <setjmp.h>
#include "resource/resource.h"
#include "mail/mail.h"
#include "mail/parse.h"
#include "site/site.h"
#include "value/field_kind.h"
#include "yaml/yaml.h"
#include "command/command.h"
#include "printed.h"
#include "agent/restype.h"
#include "jinja/callables.h"
#include "jinja/jinja.h"
#include <cmocka.h>

enum { DEPTH_MOST = 8 };

static struct arena *a;
static int faults;

static int set_up(void **state)
{
	(void)state;
	a = arena_new();
	faults = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static void report_fault(const char *table, const struct field *f, const char *what)
{
	print_error("%s: %s: %s\n", table, f->name, what);
	faults++;
}

static void check_names(const char *table, const struct field *fields, const struct field *f)
{
	for (const struct field *other = fields; other->name; other++) {
		if (other == f)
			continue;
		if (strcmp(other->name, f->name) == 0 || word_in(other->aliases, str_c(f->name)))
			report_fault(table, f, "its name is there twice");
	}
	size_t good =
		strspn(f->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-");
	if (f->name[good])
		report_fault(table, f, "its name has an odd character");
}

static void check_kind(const char *table, const struct field *f)
{
	bool holds = f->kind == FIELD_LIST || f->kind == FIELD_MAP || f->kind == FIELD_MAPOF;
	if (f->kind == FIELD_ENUM && (!f->choices || !*f->choices))
		report_fault(table, f, "an enum without choices");
	if (f->choices && f->kind != FIELD_ENUM && f->kind != FIELD_MODE)
		report_fault(table, f, "choices without an enum");
	if (f->sub && !holds)
		report_fault(table, f, "a sub-table that nothing uses");
	if ((f->flags & FIELD_COMMA) && (f->kind != FIELD_LIST || f->sub))
		report_fault(table, f, "comma separated, but no list of strings");
	if (f->min > f->max)
		report_fault(table, f, "min above max");
	if (f->dflt && (f->flags & FIELD_REQUIRED))
		report_fault(table, f, "required, with a default");
}

static void check_default(const char *table, const struct field *f)
{
	struct errs errs;
	if (!f->dflt)
		return;
	errs_init(&errs, a);
	struct check c = {a, &errs};
	struct value *v = field_default(a, f);
	if (v->type == VALUE_NULL) {
		if (!(f->flags & FIELD_NULLABLE) && f->kind != FIELD_ANY)
			report_fault(table, f, "the default is null, which it does not take");
		return;
	}
	if (field_convert(&c, f, v, f->name) && errs.n == 0)
		return;
	report_fault(table, f, print_errs(a, &errs));
}

static void check_table(const char *table, const struct field *fields, int depth)
{
	if (!fields || depth > DEPTH_MOST)
		return;
	for (const struct field *f = fields; f->name; f++) {
		check_names(table, fields, f);
		check_kind(table, f);
		check_default(table, f);
		if (!f->doc || !*f->doc)
			report_fault(table, f, "no doc");
		check_table(arena_printf(a, "%s.%s", table, f->name), f->sub, depth + 1);
	}
}

static void resource_types(void **state)
{
	(void)state;
	for (const struct restype *const *t = restypes; *t; t++) {
		check_table((*t)->name, (*t)->fields, 0);
		check_table(arena_printf(a, "%s returns", (*t)->name), (*t)->returns, 0);
		if (!(*t)->doc || !(*t)->example || !(*t)->returns) {
			print_error("%s: no doc, example or returns\n", (*t)->name);
			faults++;
		}
		if ((*t)->key && !field_find((*t)->fields, str_c((*t)->key))) {
			print_error("%s: no field is called %s\n", (*t)->name, (*t)->key);
			faults++;
		}
		if (restype_find(str_c((*t)->name)) != *t) {
			print_error("%s: not found by its name\n", (*t)->name);
			faults++;
		}
	}
	assert_int_equal(faults, 0);
}

static void declared_mail_state(void **state)
{
	(void)state;
	check_table("mail", mail_fields, 0);
	assert_int_equal(faults, 0);
}

static bool kind_fits(const struct mail_part *part, const struct field *f)
{
	switch (part->kind) {
	case PART_TEXTS:
		return f->kind == FIELD_LIST && !f->sub;
	case PART_FLAG:
		return f->kind == FIELD_BOOL;
	case PART_NUMBER:
		return f->kind == FIELD_INT || f->kind == FIELD_SIZE;
	case PART_WORD:
		return f->kind == FIELD_ENUM && strcmp(part->words, f->choices) == 0;
	case PART_MAP:
		return f->kind == FIELD_MAP;
	case PART_SUB:
		return f->kind == FIELD_MAP && part->sub;
	case PART_TEXT:
		return f->kind == FIELD_STR || f->kind == FIELD_ENUM;
	case PART_VALUE:
	case PART_ENTRY:
		return true;
	}
	return false;
}

/* Each key that the parser reads is one of the schema, of a kind that the member can hold. */
static void check_parts(const struct mail_part *parts, const struct field *fields)
{
	for (; parts->key.p; parts++) {
		const struct field *f = field_find(fields, parts->key);
		if (!f || !kind_fits(parts, f)) {
			print_error("mail: the schema has no such key, or of another kind: %s\n",
				parts->key.p);
			faults++;
		} else if (parts->sub && f->sub) {
			check_parts(parts->sub, f->sub);
		}
	}
}

static const struct field *sub_of(const struct field *fields, const char *key)
{
	const struct field *f = field_find(fields, str_c(key));
	assert_non_null(f);
	return f->sub;
}

static void parts_of_mail(void **state)
{
	const struct field *domain = sub_of(mail_fields, "domains");
	(void)state;
	check_parts(mail_parts, mail_fields);
	check_parts(mail_domain_parts, domain);
	check_parts(mail_box_parts, sub_of(domain, "mailboxes"));
	check_parts(mail_list_parts, sub_of(domain, "lists"));
	check_parts(mail_out_parts, sub_of(sub_of(mail_fields, "outbound"), "addresses"));
	check_parts(mail_pair_parts, sub_of(sub_of(mail_fields, "tls"), "certificates"));
	assert_int_equal(faults, 0);
}

static void examples_of_mail(void **state)
{
	(void)state;
	for (const struct field *f = mail_fields; f->name; f++)
		if (!mail_example(f->name))
			report_fault("mail", f, "no example");
	for (const struct mail_example *m = mail_examples; m->key; m++) {
		struct errs errs;
		errs_init(&errs, a);
		const char *text = arena_printf(a, "%s: %s\n", m->key, m->yaml);
		struct value *v = yaml_parse(a, "example", str_c(text), &errs);
		if (!v || !fields_check(a, mail_fields, v, "mail", &errs)) {
			print_error("mail: %s: %s\n", text, print_errs(a, &errs));
			faults++;
		}
	}
	assert_int_equal(faults, 0);
}

static void tasks_and_plays(void **state)
{
	(void)state;
	check_table("task", site_task_fields(), 0);
	check_table("play", site_play_fields(), 0);
	assert_int_equal(faults, 0);
}

static struct value *no_variable(void *ctx, struct str name)
{
	(void)ctx;
	(void)name;
	return NULL;
}

/* An example that is a template gives what it prints. */
static struct value *evaluate_example(const char *example, struct err *e)
{
	struct jinja_env env = {.a = a, .lookup = no_variable};
	struct pos pos = {"example", 1, 1};
	if (!text_is_template(str_c(example)))
		return expression_eval(&env, str_c(example), pos, e);
	const struct template *t = template_parse(a, str_c(example), pos, 0, e);
	return t ? template_render(&env, t, e) : NULL;
}

static void check_example(const struct callable *f)
{
	struct err e = {0};
	struct value *v = evaluate_example(f->example, &e);
	struct buf b;
	buf_init(&b, 1 << 20);
	if (v)
		json_write(&b, v);
	if (!v || strcmp(b.p, f->result) != 0) {
		print_error("%s: %s: gives %s, not %s\n", f->name, f->example, v ? b.p : e.msg,
			f->result);
		faults++;
	}
	if (!strstr(f->example, f->name)) {
		print_error("%s: its example does not use it\n", f->name);
		faults++;
	}
	buf_free(&b);
}

static void template_language(void **state)
{
	(void)state;
	for (enum callables kind = 0; kind < CALL_KINDS; kind++) {
		const struct callable *const *f = callables(kind);
		assert_non_null(f[0]);
		for (; *f; f++) {
			assert_true(!f[1] || strcmp(f[0]->name, f[1]->name) < 0);
			if (!(*f)->doc || !(*f)->example || !(*f)->result) {
				print_error("%s: no doc or example\n", (*f)->name);
				faults++;
				continue;
			}
			check_example(*f);
		}
	}
	assert_int_equal(faults, 0);
}

static bool is_option(struct str name)
{
	for (size_t i = 0; cli_option(i); i++)
		if (str_is(name, cli_option(i)->name))
			return true;
	return false;
}

static void commands_and_options(void **state)
{
	(void)state;
	for (const struct command *const *c = commands; *c; c++) {
		if (!(*c)->doc || !(*c)->about || !(*c)->example ||
			!strstr((*c)->example, (*c)->name)) {
			print_error("%s: no doc, or no example with it\n", (*c)->name);
			faults++;
		}
		for (const char *w = (*c)->options; *w;) {
			size_t n = strcspn(w, " ");
			if (!n || !is_option((struct str){w, n})) {
				print_error(
					"%s: no option is called '%.*s'\n", (*c)->name, (int)n, w);
				faults++;
			}
			w += n + (w[n] == ' ');
		}
	}
	for (size_t i = 0; cli_option(i); i++) {
		bool taken = false;
		for (const struct command *const *c = commands; *c; c++)
			taken = taken || cli_takes(*c, cli_option(i));
		if (!taken) {
			print_error("--%s: no command takes it\n", cli_option(i)->name);
			faults++;
		}
	}
	assert_int_equal(faults, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(resource_types, set_up, tear_down),
		cmocka_unit_test_setup_teardown(declared_mail_state, set_up, tear_down),
		cmocka_unit_test_setup_teardown(parts_of_mail, set_up, tear_down),
		cmocka_unit_test_setup_teardown(examples_of_mail, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tasks_and_plays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(template_language, set_up, tear_down),
		cmocka_unit_test_setup_teardown(commands_and_options, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
