/* SPDX-License-Identifier: MIT
 *
 * The declared mail state by cases: tests/cases/mail/NAME.yml is a manifest, and beside it stands
 * what is derived of it or the problems found.
 */
#include "site_case.h"

/* ---- mail: a manifest, for the host mx1.example.net ---- */
static void run_case(void **state)
{
	const char *path = *state;
	struct arena *a = run;
	struct site_options opt = {.manifest = path};
	const char *inventories[] = {"mx1.example.net,", NULL};
	struct err e = {0};
	struct errs errs;
	struct site *s;
	struct buf out;
	opt.inventories = inventories;
	errs_init(&errs, a);
	buf_init(&out, 1 << 20);
	s = site_load(a, &opt, &errs);
	if (s) {
		buf_adds(&out, print_errs(a, &errs)); /* warnings */
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
		buf_adds(&out, print_errs(a, &errs));
	}
	same_as_file(a, arena_printf(a, "%.*s.expect", (int)(strlen(path) - 4), path), &out);
	buf_free(&out);
}

static void add_manifest(const char *path, const char *name)
{
	struct arena *a = cases_arena();
	add_case(arena_printf(a, "%.*s", (int)(strlen(name) - 4), name), run_case,
		arena_strdup(a, path));
}

int main(void)
{
	each_entry("tests/cases/mail", ".yml", add_manifest);
	return run_site_cases("mail");
}
