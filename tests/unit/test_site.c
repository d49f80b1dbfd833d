/* SPDX-License-Identifier: MIT
 *
 * The site floor, by cases: tests/cases/site/NAME is a small tree with the expected steps, or the
 * expected problems, in `expect`; tests/cases/mail/NAME.yml is a manifest with `mail:`.
 * UPDATE=1 writes the expected texts anew.
 */
#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>
#include "site/site.h"

static char root[PATH_MAX];
static struct arena *run; /* of the whole program: sources are remembered by name */

struct options {
	struct site_options site;
	const char *inventories[8], *extra[8];
	size_t n_inventories, n_extra;
	const char *explain, *vars, *match;
	bool run;
};

/* ---- a case's options: "name: value" lines ---- */
static void read_option(struct options *o, const char *key, const char *value)
{
	if (strcmp(key, "inventory") == 0 && o->n_inventories < 7)
		o->inventories[o->n_inventories++] = value;
	else if (strcmp(key, "extra") == 0 && o->n_extra < 7)
		o->extra[o->n_extra++] = value;
	else if (strcmp(key, "limit") == 0)
		o->site.limit = value;
	else if (strcmp(key, "tags") == 0)
		o->site.tags = value;
	else if (strcmp(key, "skip_tags") == 0)
		o->site.skip_tags = value;
	else if (strcmp(key, "explain") == 0)
		o->explain = value;
	else if (strcmp(key, "vars") == 0)
		o->vars = value;
	else if (strcmp(key, "match") == 0)
		o->match = value;
	else if (strcmp(key, "mode") == 0)
		o->run = strcmp(value, "run") == 0;
	else
		fail_msg("unknown option '%s'", key);
}

static void read_options(struct arena *a, struct options *o)
{
	struct str text;
	struct err e = {0};
	bool found;
	char *line, *next, *colon;

	memset(o, 0, sizeof(*o));
	o->site.manifest = access("site.yml", R_OK) == 0 ? "site.yml" : NULL;
	assert_true(file_read_opt(a, "options", 1 << 16, &text, &found, &e));
	line = found ? arena_strdup(a, text.p) : NULL;
	for (; line && *line; line = next) {
		next = strchr(line, '\n');
		next = next ? (*next = 0, next + 1) : line + strlen(line);
		colon = strstr(line, ": ");
		if (!colon)
			continue;
		*colon = 0;
		read_option(o, line, colon + 2);
	}
	o->site.inventories = o->inventories;
	o->site.extra_vars = o->extra;
}

/* ---- steps as text ---- */
static bool shown(const struct map_entry *e)
{
	return e->value->pos.line || e->value->type == VALUE_BLOB ||
	       (e->key.p[0] == '_' && value_true(e->value));
}

static void dump_params(struct buf *out, const struct value *params)
{
	for (size_t i = 0; params && i < params->map.n; i++) {
		const struct map_entry *e = &params->map.e[i];

		if (!shown(e))
			continue;
		buf_addf(out, " %s=", e->key.p);
		if (e->value->type == VALUE_BLOB && !e->value->secret)
			json_string(out, e->value->blob.bytes);
		else
			json_write(out, e->value);
	}
}

static void dump_list(struct buf *out, const char *what, const char *const *list)
{
	if (!list || !list[0])
		return;
	buf_addf(out, " %s=[", what);
	for (size_t i = 0; list[i]; i++)
		buf_addf(out, "%s%s", i ? ", " : "", list[i]);
	buf_addc(out, ']');
}

static void dump_flags(struct buf *out, const struct step *s)
{
	if (s->user)
		buf_addf(out, " user=%s", s->user);
	if (s->no_log)
		buf_adds(out, " no_log");
	if (s->ignore_errors)
		buf_adds(out, " ignore_errors");
	if (s->changed >= 0)
		buf_addf(out, " changed=%d", s->changed);
	if (s->failed >= 0)
		buf_addf(out, " failed=%d", s->failed);
	if (s->verdict)
		buf_adds(out, " verdict");
	dump_list(out, "notify", s->notify);
	if (s->handler)
		buf_addf(out, " handler='%s'%s by", s->handler, s->was_pending ? " pending" : "");
	for (size_t i = 0; s->notified_by && s->notified_by[i]; i++)
		buf_addf(out, " %u", s->notified_by[i]);
}

static void dump_step(struct buf *out, const struct step *s)
{
	buf_addf(out, "%u %s", s->id, s->name);
	if (s->item)
		buf_addf(out, " (%s)", s->item);
	buf_adds(out, ":");
	if (s->skipped)
		buf_adds(out, " skipped");
	if (s->unknown)
		buf_addf(out, " unknown %s", s->unknown);
	if (s->local)
		buf_addf(out, " local '%s'", s->message ? s->message : "");
	if (s->type)
		buf_addf(out, " %s", s->type->name);
	dump_params(out, s->params);
	dump_flags(out, s);
	buf_addc(out, '\n');
}

/* ---- answers: what the host would say, by the step's name ---- */
struct answers {
	struct arena *a;
	struct value *map; /* name -> {changed, failed, planned, result} */
	struct step *open[4096];
	size_t n_open;
	struct step *planned[4096];
	size_t n_planned;
};

static void answer(
	struct resolver *r, struct answers *w, const struct step *s, bool applied, struct buf *out)
{
	struct value *say = map_at(w->map, s->name);
	struct step_result res = {.planned = true, .changed = true};
	struct err e = {0};

	if (say) {
		res.planned = map_bool(say, "planned", false) && !applied;
		res.changed = map_bool(say, "changed", res.planned);
		res.failed = map_bool(say, "failed", false);
		res.result = res.planned ? NULL : map_at(say, "result");
	} else if (applied) {
		res.planned = false;
	}
	if (!resolver_result(r, s->id, &res, &e))
		buf_addf(out, "result of %u: %s\n", s->id, e.msg);
	if (s->verdict && !res.planned)
		buf_addf(out, "verdict of %u:%s%s\n", s->id, res.changed ? " changed" : " ok",
			res.failed ? " failed" : "");
	if (res.planned)
		w->planned[w->n_planned++] = (struct step *)s;
}

static void answer_open(struct resolver *r, struct answers *w, struct buf *out)
{
	size_t n = w->n_open;

	w->n_open = 0;
	for (size_t i = 0; i < n; i++)
		answer(r, w, w->open[i], false, out);
}

static void answer_applied(struct resolver *r, struct answers *w, struct buf *out)
{
	size_t n = w->n_planned;

	w->n_planned = 0;
	for (size_t i = 0; i < n; i++)
		answer(r, w, w->planned[i], true, out);
}

static void walk(struct resolver *r, struct answers *w, struct buf *out)
{
	struct step *s;
	struct err e = {0};

	for (;;) {
		switch (resolver_next(r, &s, &e)) {
		case RESOLVE_STEP:
			dump_step(out, s);
			if (s->type)
				w->open[w->n_open++] = s;
			break;
		case RESOLVE_OBSERVE:
			buf_adds(out, "-- observe\n");
			answer_open(r, w, out);
			break;
		case RESOLVE_APPLY:
			buf_adds(out, "-- apply\n");
			answer_applied(r, w, out);
			break;
		case RESOLVE_END:
			buf_adds(out, "-- end\n");
			return;
		case RESOLVE_FAILED:
			buf_addf(out, "-- failed: %s:%u:%u: %s\n", e.pos.file ? e.pos.file : "",
				e.pos.line, e.pos.col, e.msg);
			return;
		}
	}
}

static struct value *yaml_file(struct arena *a, const char *path)
{
	struct errs errs;
	struct err e = {0};
	struct str text;
	bool found;
	struct value *v;

	errs_init(&errs, a);
	assert_true(file_read_opt(a, path, 1 << 20, &text, &found, &e));
	v = found ? yaml_parse(a, path, text, &errs) : NULL;
	return v && v->type == VALUE_MAP ? v : value_map(a);
}

static const char *const *pending_of(struct arena *a, const struct value *answers)
{
	const struct value *list = map_at(answers, "pending");
	const char **out = arena_calloc(a, 64, sizeof(*out));

	for (size_t i = 0; list && i < list->list.n && i < 63; i++)
		out[i] = list->list.v[i]->s.p;
	return out;
}

static void dump_host(struct arena *a, const struct site *s, const struct options *o,
	const char *host, struct buf *out)
{
	static struct answers w;
	struct resolver *r = NULL;
	const struct play *plays;
	size_t n = site_plays(s, &plays);
	struct value *facts = yaml_file(a, "facts.yml");

	memset(&w, 0, sizeof(w));
	w.a = a;
	w.map = yaml_file(a, "answers.yml");
	for (size_t i = 0; i < n; i++) {
		bool in = false;

		for (size_t j = 0; plays[i].hosts[j]; j++)
			in = in || strcmp(plays[i].hosts[j], host) == 0;
		if (!in)
			continue;
		buf_addf(out, "== %s: %s\n", host, plays[i].name);
		r = r ? resolver_continue(r, i)
		      : resolver_new(s, a, host, i, facts, pending_of(a, w.map),
				o->run ? RESOLVE_RUN : RESOLVE_PLAN);
		walk(r, &w, out);
		answer_open(r, &w, out);
	}
}

static void dump_site(
	struct arena *a, const struct site *s, const struct options *o, struct buf *out)
{
	const char *const *hosts = site_hosts(s);
	struct err e = {0};

	for (size_t i = 0; o->vars && hosts[i]; i++) {
		struct value *v = site_vars(s, hosts[i], &e);

		buf_addf(out, "== %s\n", hosts[i]);
		if (v)
			json_write_pretty(out, v, 0);
		else
			buf_addf(out, "%s", e.msg);
		buf_addc(out, '\n');
	}
	if (o->match) {
		const char *const *m = site_match(s, o->match, &e);

		dump_list(out, o->match, m);
		buf_addf(out, "%s\n", m ? "" : e.msg);
	}
	for (size_t i = 0; hosts[i] && o->explain; i++)
		if (!site_explain(s, hosts[i], o->explain, out, &e))
			buf_addf(out, "%s\n", e.msg);
	for (size_t i = 0; hosts[i] && !o->vars && !o->match && !o->explain; i++)
		dump_host(a, s, o, hosts[i], out);
}

/* ---- comparing ---- */
static void compare(struct arena *a, const char *path, const struct buf *got)
{
	struct str want;
	struct err e = {0};
	bool found;

	if (getenv("UPDATE")) {
		assert_true(file_replace(path, got->p, got->n,
			(struct file_attr){0644, (uid_t)-1, (gid_t)-1}, NULL, NULL, &e));
		return;
	}
	assert_true(file_read_opt(a, path, 1 << 22, &want, &found, &e));
	if (!found)
		fail_msg("%s is missing; UPDATE=1 makes it", path);
	if (want.n != got->n || memcmp(want.p, got->p ? got->p : "", got->n) != 0)
		fail_msg("%s\n---- expected\n%s---- got\n%.*s----", path, want.p, (int)got->n,
			got->p);
}

static void run_case(const char *name)
{
	struct arena *a = run;
	struct options o;
	struct errs errs;
	struct site *s;
	struct buf out;

	assert_int_equal(chdir(arena_printf(a, "%s/tests/cases/site/%s", root, name)), 0);
	print_message("           %s\n", name);
	buf_init(&out, 1 << 22);
	read_options(a, &o);
	errs_init(&errs, a);
	s = site_load(a, &o.site, &errs);
	if (s)
		dump_site(a, s, &o, &out);
	else
		errs_print(&errs, &out);
	assert_true(s || errs.n);
	compare(a, "expect", &out);
	buf_free(&out);
	assert_int_equal(chdir(root), 0);
}

static int by_name(const struct dirent **x, const struct dirent **y)
{
	return strcmp((*x)->d_name, (*y)->d_name);
}

static void test_sites(void **state)
{
	struct dirent **names;
	int n = scandir("tests/cases/site", &names, NULL, by_name);

	(void)state;
	assert_true(n > 2);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.')
			run_case(names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

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
		errs_print(&errs, &out);
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

/* ---- the same variables as ansible-inventory gives, where that is installed ---- */
static struct value *theirs(const char *inventory, const char *host)
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

static bool plain(const struct value *v)
{
	return v->type != VALUE_STR || !lang_is_template(v->s);
}

static void compare_host(const struct site *s, const char *inventory, const char *host)
{
	struct value *want = theirs(inventory, host);
	struct err e = {0};
	struct value *got = site_vars(s, host, &e);

	assert_non_null(got);
	assert_non_null(want);
	for (size_t i = 0; i < want->map.n; i++) {
		struct value *mine = map_get(got, want->map.e[i].key);

		if (!mine)
			fail_msg("%s: no variable '%s'", host, want->map.e[i].key.p);
		if (plain(want->map.e[i].value) && !value_equal(mine, want->map.e[i].value))
			fail_msg("%s: '%s' differs", host, want->map.e[i].key.p);
	}
	for (size_t i = 0; i < got->map.n; i++)
		if (!map_get(want, got->map.e[i].key))
			fail_msg("%s: '%s' is too much", host, got->map.e[i].key.p);
}

static void differential(const char *name)
{
	struct options o;
	struct errs errs;
	struct site *s;
	const char *const *hosts;

	assert_int_equal(chdir(arena_printf(run, "%s/tests/cases/site/%s", root, name)), 0);
	read_options(run, &o);
	o.site.extra_vars = NULL;
	errs_init(&errs, run);
	s = o.vars ? site_load(run, &o.site, &errs) : NULL;
	if (s) {
		print_message("           %s\n", name);
		hosts = site_hosts(s);
		for (size_t i = 0; hosts[i] && i < 12; i++)
			compare_host(s, o.inventories[0], hosts[i]);
	}
	assert_int_equal(chdir(root), 0);
}

static void test_ansible_inventory(void **state)
{
	struct dirent **names;
	int n = scandir("tests/cases/site", &names, NULL, by_name);

	(void)state;
	for (int i = 0; i < n; i++)
		if (names[i]->d_name[0] == '.')
			names[i]->d_name[0] = 0;
	if (access("/usr/bin/ansible-inventory", X_OK) == 0)
		for (int i = 0; i < n; i++)
			if (names[i]->d_name[0])
				differential(names[i]->d_name);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	if (access("/usr/bin/ansible-inventory", X_OK) != 0)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sites),
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_ansible_inventory),
	};
	int rc;

	assert_non_null(getcwd(root, sizeof(root)));
	run = arena_new();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(run);
	return rc;
}
