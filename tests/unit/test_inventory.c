/* SPDX-License-Identifier: MIT
 *
 * Inventories and the precedence of variables, compared with ansible-inventory where that is
 * installed.
 */
#include "site_case.h"
#include "yaml/yaml.h"

/* ---- the same variables as ansible-inventory gives, where that is installed ---- */
static struct value *ask_ansible(const char *inventory, const char *host)
{
	const char *argv[] = {
		"ansible-inventory", "-i", inventory, "--host", host, "--playbook-dir", ".", NULL};
	struct proc p = {.argv = argv,
		.dir = arena_strdup(run, getcwd((char[PATH_MAX]){0}, PATH_MAX)),
		.uid = (uid_t)-1};
	struct proc_result r;
	struct err e = {0};
	if (!proc_run(run, &p, &r, &e) || r.status != 0)
		return NULL;
	return json_parse(run, r.out, &e);
}

static bool is_plain(const struct value *v)
{
	return v->type != VALUE_STR || !text_is_template(v->s);
}

static void compare_host(const struct site *s, const char *inventory, const char *host)
{
	struct value *want = ask_ansible(inventory, host);
	struct err e = {0};
	struct value *got = site_vars(s, host, &e);
	assert_non_null(got);
	assert_non_null(want);
	for (size_t i = 0; i < want->map.n; i++) {
		struct value *mine = map_get(got, want->map.e[i].key);
		if (!mine)
			fail_msg("%s: no variable '%s'", host, want->map.e[i].key.p);
		if (is_plain(want->map.e[i].value) && !value_equal(mine, want->map.e[i].value))
			fail_msg("%s: '%s' differs", host, want->map.e[i].key.p);
	}
	for (size_t i = 0; i < got->map.n; i++)
		if (!map_get(want, got->map.e[i].key))
			fail_msg("%s: '%s' is too much", host, got->map.e[i].key.p);
}

static void run_case(void **state)
{
	const char *name = *state;
	struct options o;
	struct errs errs;
	struct site *s;
	const char *const *hosts;

	if (access("/usr/bin/ansible-inventory", X_OK) != 0)
		skip();
	assert_int_equal(chdir(arena_printf(run, "%s/tests/cases/site/%s", root, name)), 0);
	read_options(run, &o);
	o.site.extra_vars = NULL;
	errs_init(&errs, run);
	s = site_load(run, &o.site, &errs);
	if (!s)
		fail_msg("%s", print_errs(run, &errs));
	hosts = site_hosts(s);
	for (size_t i = 0; hosts[i] && i < 12; i++)
		compare_host(s, o.inventories[0], hosts[i]);
}

/* The cases that show variables. */
static void add_site(const char *path, const char *name)
{
	struct arena *a = cases_arena();
	struct str text;
	struct err e = {0};
	bool found;
	if (file_read_opt(a, path_join(a, path, "options"), 1 << 16, &text, &found, &e) && found &&
		(str_starts(text, "vars: ") || strstr(text.p, "\nvars: ")))
		add_case(name, run_case, arena_strdup(a, name));
}

int main(void)
{
	each_entry("tests/cases/site", "", add_site);
	return run_site_cases("inventory");
}
