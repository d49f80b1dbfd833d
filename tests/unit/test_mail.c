/* SPDX-License-Identifier: MIT
 *
 * The declared mail state by cases: tests/cases/mail/NAME.yml is a manifest, and beside it stands
 * what is derived of it or the problems found.
 */
#include "site_case.h"

/* ---- mail: a manifest, for the host mx1.example.net ---- */
static void mail_case(const char *name)
{
	struct arena *a = run;
	struct site_options opt = {.manifest = name};
	const char *inventories[] = {"mx1.example.net,", NULL};
	struct err e = {0};
	struct errs errs;
	struct site *s;
	struct buf out;
	print_message("           %s\n", name);
	opt.inventories = inventories;
	errs_init(&errs, a);
	buf_init(&out, 1 << 20);
	s = site_load(a, &opt, &errs);
	if (s) {
		buf_adds(&out, printed(a, &errs)); /* warnings */
		struct value *v = site_vars(s, "mx1.example.net", &e);

		if (!v)
			buf_addf(&out, "%s\n", e.msg);
		for (size_t i = 0; v && i < v->map.n; i++)
			if (str_starts(v->map.e[i].key, "mail_")) {
				buf_addf(&out, "%s: ", v->map.e[i].key.p);
				json_write_pretty(&out, v->map.e[i].value, 0);
				buf_addc(&out, '\n');
			}
	} else {
		buf_adds(&out, printed(a, &errs));
	}
	compare(a, arena_printf(a, "%.*s.expect", (int)(strlen(name) - 4), name), &out);
	buf_free(&out);
}

static void test_mail(void **state)
{
	struct dirent **names;
	int n = scandir("tests/cases/mail", &names, NULL, by_name);
	(void)state;
	assert_true(n > 2);
	for (int i = 0; i < n; i++) {
		size_t len = strlen(names[i]->d_name);
		char path[512];
		snprintf(path, sizeof(path), "tests/cases/mail/%s", names[i]->d_name);
		if (len > 4 && strcmp(names[i]->d_name + len - 4, ".yml") == 0)
			mail_case(path);
		free(names[i]);
	}
	free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail),
	};
	return run_cases(tests, ARRAY_LEN(tests));
}
