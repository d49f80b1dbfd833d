/* SPDX-License-Identifier: MIT
 *
 * Which of the user's values a program refused. A case of tests/cases/refusal has what is declared,
 * what the program said, and the places that are shown. A case with `step` takes that step of the
 * site in tests/cases/refusal/site instead.
 */
#include <unistd.h>
#include "case_file.h"
#include "mail/mail.h"
#include "site/refusal.h"
#include "site/site.h"
#include "yaml/yaml.h"

static struct arena *a; /* of the whole program: sources are remembered by name */
static struct site *site;

static struct value *read_yaml(const struct test_case *t, const char *kind)
{
	const struct str *text = find_section(t, kind);
	struct errs errs;
	struct value *v;
	errs_init(&errs, a);
	if (!text)
		return NULL;
	source_add(kind, *text);
	v = yaml_parse(a, kind, *text, &errs);
	if (errs.n)
		fail_msg("%s: %s", t->name, errs.v[0].msg);
	return v;
}

static const char *text_of(const struct test_case *t, const char *kind)
{
	const struct str *text = find_section(t, kind);
	return text ? text->p : NULL;
}

static struct value *lines_of(const struct test_case *t)
{
	struct value *lines = value_list(a);
	char *text = arena_strdup(a, find_section(t, "lines") ? text_of(t, "lines") : "");
	for (char *rest = NULL, *p = strtok_r(text, "\n", &rest); p;
		p = strtok_r(NULL, "\n", &rest))
		list_add(a, lines, value_text(a, p));
	return lines;
}

static struct origins in_declared(const struct test_case *t)
{
	struct refusal r = {.words = refusal_words(a, text_of(t, "error")),
		.lines = lines_of(t),
		.daemon = text_of(t, "daemon")};
	struct finding f = {.a = a, .r = &r};
	struct value *mail = read_yaml(t, "mail.yml"), *vars = read_yaml(t, "vars.yml");
	for (size_t i = 0; vars && i < vars->map.n; i++)
		find_in_variable(&f, vars->map.e[i].key, vars->map.e[i].value);
	if (mail)
		find_in_fields(&f, mail_fields, mail, "mail");
	return finding_end(&f);
}

/* As an apply of a saved plan finds it. */
static struct origins in_saved(const struct test_case *t)
{
	struct value *settings = settings_only(a, mail_fields, read_yaml(t, "mail.yml"));
	const struct str *kept = find_section(t, "saved");
	struct buf b;
	buf_init(&b, FILE_MAX);
	json_write(&b, settings ? settings : value_null(a));
	same_text(t->name, *kept, (struct str){b.p, b.n});
	buf_free(&b);
	if (!settings)
		return (struct origins){0};
	return settings_origins(
		a, settings, text_of(t, "daemon"), text_of(t, "error"), lines_of(t));
}

static struct site *read_site(void)
{
	static const char *const inventories[] = {"box.example.net,", NULL};
	struct site_options opt = {
		.manifest = "tests/cases/refusal/site/site.yml", .inventories = inventories};
	struct errs errs;
	errs_init(&errs, a);
	struct site *s = site_load(a, &opt, &errs);
	if (!s)
		fail_msg("%s", errs.n ? errs.v[0].msg : "no site");
	return s;
}

static struct origins in_site(const struct test_case *t)
{
	struct resolve_start start = {.host = "box.example.net", .mode = RESOLVE_PLAN};
	struct err e = {0};
	struct step *s, *wanted = NULL;
	if (!site)
		site = read_site();
	struct resolver *r = resolver_new(site, a, &start);
	while (resolver_next(r, &s, &e) == RESOLVE_STEP)
		if (strcmp(s->name, text_of(t, "step")) == 0)
			wanted = s;
	if (!wanted)
		fail_msg("%s: no step '%s'; %s", t->name, text_of(t, "step"), e.msg);
	return resolver_origins(r, wanted, text_of(t, "error"), lines_of(t));
}

static void run_case(void **state)
{
	const struct test_case *t = *state;
	struct origins found = find_section(t, "step")    ? in_site(t)
			       : find_section(t, "saved") ? in_saved(t)
							  : in_declared(t);
	const struct str *places = find_section(t, "places");
	struct page *page = page_new(false);
	origins_print(page, 0, &found);
	struct str got = page_text(a, page);
	page_free(page);
	got = str_dup(a, got.p, got.n ? got.n - 1 : 0);
	same_text(t->name, places ? *places : str_c(""), got);
}

int main(void)
{
	a = arena_new();
	read_folder("tests/cases/refusal", run_case);
	int failed = run_cases("refusal");
	arena_free(a);
	return failed;
}
