/* SPDX-License-Identifier: MIT
 *
 * Plans: what a step comes to, freezing, the saved file and its refusals, diffs, waves.
 */
#define MAY_PRINT
#include "fleet/fleet.h"
#include "agent/restype.h"
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

static struct arena *a;

static int set_up(void **state)
{
	(void)state;
	a = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static struct value *one_change(
	const char *field, const char *kind, struct value *before, struct value *after)
{
	struct value *l = value_list(a), *m = value_map(a);
	map_put(a, m, "field", value_text(a, field));
	map_put(a, m, "kind", value_text(a, kind));
	map_put(a, m, "before", before);
	map_put(a, m, "after", after);
	list_add(a, l, m);
	return l;
}

static struct planned *add_step(struct plan_target *hp, const struct step *s, struct value *changes)
{
	struct step *copy = ARENA_NEW(a, struct step);
	*copy = *s;
	copy->id = (uint32_t)hp->n + 1;
	struct planned *p = plan_add(hp, copy);
	p->changes = changes;
	return p;
}

static struct value *file_params(const char *path, const char *content)
{
	struct value *m = value_map(a);
	map_put(a, m, "path", value_text(a, path));
	map_put(a, m, "dest", value_text(a, path));
	map_put(a, m, "content", value_blob(a, str_c(content)));
	return m;
}

static struct plan *small_plan(struct plan_target **hp)
{
	struct plan *p = plan_new(a);
	*hp = plan_target(p, a, TARGET_HOST, "mx1");
	(*hp)->connection.kind = "ssh";
	const struct restype *copy = restype_find(str_c("copy"));
	struct value *text =
		one_change("content", "text", value_null(a), value_blob(a, str_c("new\n")));
	add_step(*hp,
		&(struct step){.name = "write",
			.type = copy,
			.changed = -1,
			.params = file_params("/etc/x", "new\n")},
		text);
	add_step(*hp,
		&(struct step){.name = "same",
			.type = copy,
			.changed = -1,
			.params = file_params("/etc/y", "y\n")},
		value_list(a));
	uint32_t *by = ARENA_ARRAY(a, uint32_t, 2);
	by[0] = 1;
	add_step(*hp,
		&(struct step){.name = "loud",
			.type = copy,
			.handler = "loud",
			.changed = -1,
			.notified_by = by,
			.params = file_params("/etc/z", "z\n")},
		NULL);
	by = ARENA_ARRAY(a, uint32_t, 2);
	by[0] = 2;
	add_step(*hp,
		&(struct step){.name = "quiet",
			.type = copy,
			.handler = "quiet",
			.changed = -1,
			.notified_by = by,
			.params = file_params("/etc/q", "q\n")},
		NULL);
	return p;
}

static void test_classify(void **state)
{
	(void)state;
	struct plan_target *hp;
	struct plan *p = small_plan(&hp);
	plan_freeze(p);
	assert_int_equal(hp->v[0]->kind, PLANNED_CHANGE);
	assert_int_equal(hp->v[1]->kind, PLANNED_OK);
	assert_int_equal(hp->v[2]->kind, PLANNED_HANDLER);
	assert_int_equal(hp->v[3]->kind, PLANNED_QUIET);
	assert_int_equal(p->counts.change, 1);
	assert_int_equal(p->counts.resources, 2);
	assert_int_equal(p->counts.handler, 1);
}

/* What may change may notify; what fails does not. */
static void test_handlers_of_what_is_open(void **state)
{
	(void)state;
	struct plan_target *hp;
	struct value *maybe = one_change("state", "maybe", value_null(a), value_null(a));
	static const struct {
		bool unknown, maybe;
		int failed;
		enum planned_kind kind;
	} rows[] = {
		{true, false, -1, PLANNED_HANDLER_MAYBE},
		{false, true, -1, PLANNED_HANDLER_MAYBE},
		{false, true, 1, PLANNED_QUIET},
		{false, false, -1, PLANNED_HANDLER},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct plan *p = small_plan(&hp);
		struct step *writes = (struct step *)hp->v[0]->step;
		if (rows[i].unknown)
			writes->unknown = "until task 'x' has run";
		if (rows[i].maybe)
			hp->v[0]->changes = maybe;
		writes->failed = rows[i].failed;
		plan_freeze(p);
		assert_int_equal(hp->v[2]->kind, rows[i].kind);
		assert_int_equal(p->counts.handler, rows[i].kind == PLANNED_HANDLER);
	}
}

static void test_digest_moves_with_the_content(void **state)
{
	(void)state;
	struct plan_target *x, *y;
	struct plan *p = small_plan(&x), *q = small_plan(&y);
	plan_freeze(p);
	((struct step *)y->v[1]->step)->params = file_params("/etc/y", "Y\n");
	plan_freeze(q);
	assert_string_not_equal(p->digest, q->digest);
}

static const char *make_temp(void)
{
	char *path = arena_printf(a, "/tmp/test_plan.%d", (int)getpid());
	return path;
}

static void test_save_and_load(void **state)
{
	(void)state;
	struct plan_target *hp;
	struct err e = {0};
	struct plan *p = small_plan(&hp);
	plan_freeze(p);
	assert_true(plan_save(p, make_temp(), &e));
	assert_true(plan_is_file(make_temp()));
	struct plan *q = plan_load(a, make_temp(), &e);
	assert_non_null(q);
	assert_string_equal(p->digest, q->digest);
	const struct value *content = map_at(q->v[0]->v[0]->step->params, "content");
	assert_true(str_is(content->blob.bytes, "new\n"));
	unlink(make_temp());
}

/* The places of the settings name the user's files when the saved plan fails. */
static void test_settings_keep_their_places(void **state)
{
	(void)state;
	struct plan_target *hp;
	struct err e = {0};
	struct plan *p = small_plan(&hp);
	hp->settings = value_map(a);
	map_set_at(a, hp->settings, str_c("rspamd"), (struct pos){"site.yml", 7, 5}, value_map(a));
	plan_freeze(p);
	assert_true(plan_save(p, make_temp(), &e));
	struct plan *q = plan_load(a, make_temp(), &e);
	assert_non_null(q);
	assert_null(q->v[0]->error);
	const struct map_entry *m = map_entry(q->v[0]->settings, str_c("rspamd"));
	assert_non_null(m);
	assert_string_equal(m->key_pos.file, "site.yml");
	assert_int_equal(m->key_pos.line, 7);
	unlink(make_temp());
}

static void test_a_zone_is_a_target(void **state)
{
	(void)state;
	struct plan_target *hp;
	struct err e = {0};
	struct plan *p = small_plan(&hp);
	plan_target(p, a, TARGET_ZONE, "example.com");
	plan_freeze(p);
	assert_true(plan_save(p, make_temp(), &e));
	struct plan *q = plan_load(a, make_temp(), &e);
	assert_non_null(q);
	assert_int_equal(q->n, 2);
	assert_int_equal(q->v[0]->kind, TARGET_HOST);
	assert_int_equal(q->v[1]->kind, TARGET_ZONE);
	assert_string_equal(q->v[1]->name, "example.com");
	assert_string_equal(map_cstr(plan_value(a, q->v[0]), "host", ""), "mx1");
	assert_string_equal(map_cstr(plan_value(a, q->v[1]), "zone", ""), "example.com");
	unlink(make_temp());
}

/* A host and a zone of one name are not the same plan. */
static void test_the_digest_has_the_kind(void **state)
{
	(void)state;
	struct plan *x = plan_new(a), *y = plan_new(a);
	plan_target(x, a, TARGET_HOST, "example.com");
	plan_target(y, a, TARGET_ZONE, "example.com");
	plan_freeze(x);
	plan_freeze(y);
	assert_string_not_equal(x->digest, y->digest);
}

static void test_a_loaded_step_fails_as_the_saved_one_would(void **state)
{
	(void)state;
	struct plan_target *hp;
	struct err e = {0};
	struct plan *p = small_plan(&hp);
	for (int i = 0; i < 3; i++)
		((struct step *)hp->v[i]->step)->failed = i - 1;
	add_step(hp,
		&(struct step){.name = "gone", .local = true, .failed = 1, .ignore_errors = true},
		NULL);
	plan_freeze(p);
	assert_true(plan_save(p, make_temp(), &e));
	struct plan *q = plan_load(a, make_temp(), &e);
	assert_non_null(q);
	for (size_t i = 0; i < hp->n; i++)
		assert_int_equal(q->v[0]->v[i]->step->failed, hp->v[i]->step->failed);
	unlink(make_temp());
}

/* Whoever writes a plan with a right digest still gets no step that the program cannot bear. */
static void refuse_step(const struct step *s, struct value *changes)
{
	struct err e = {0};
	struct plan *p = plan_new(a);
	struct plan_target *hp = plan_target(p, a, TARGET_HOST, "mx1");
	hp->connection.kind = "ssh";
	add_step(hp, s, changes);
	plan_freeze(p);
	assert_true(plan_save(p, make_temp(), &e));
	assert_null(plan_load(a, make_temp(), &e));
	assert_int_equal(e.kind, ERR_CONFIG);
	unlink(make_temp());
}

static void test_impossible_steps_are_refused(void **state)
{
	(void)state;
	struct value *odd = value_list(a);
	list_add(a, odd, value_text(a, "no change"));
	refuse_step(&(struct step){.name = "high", .task = UINT32_MAX, .local = true}, NULL);
	refuse_step(&(struct step){.name = "untyped", .local = true},
		one_change("mode", "attr", value_null(a), value_null(a)));
	refuse_step(&(struct step){.name = "odd",
			    .type = restype_find(str_c("copy")),
			    .params = file_params("/etc/x", "x\n")},
		odd);
}

static void test_every_damaged_byte_is_refused(void **state)
{
	(void)state;
	struct plan_target *hp;
	struct err e = {0};
	struct str file;
	struct plan *p = small_plan(&hp);
	plan_freeze(p);
	assert_true(plan_save(p, make_temp(), &e));
	assert_true(file_read(a, make_temp(), FILE_MAX, &file, &e));
	for (size_t i = 0; i < file.n; i++) {
		struct arena *own = arena_new();
		struct str bad = str_dup(own, file.p, file.n);
		struct err why = {0};
		((char *)bad.p)[i] ^= 0x20;
		FILE *f = fopen(make_temp(), "we");
		assert_non_null(f);
		assert_int_equal(fwrite(bad.p, 1, bad.n, f), bad.n);
		fclose(f);
		assert_null(plan_load(own, make_temp(), &why));
		assert_int_equal(why.kind, ERR_CONFIG);
		arena_free(own);
	}
	unlink(make_temp());
}

static void test_an_unknown_is_no_promise(void **state)
{
	(void)state;
	struct plan_target *hp;
	struct err e = {0};
	struct plan *p = small_plan(&hp);
	add_step(hp, &(struct step){.name = "later", .unknown = "until task 'x' has run"}, NULL);
	plan_freeze(p);
	assert_int_equal(p->counts.unknown, 1);
	assert_false(plan_save(p, make_temp(), &e));
	assert_non_null(strstr(e.msg, "later"));
	assert_int_equal(access(make_temp(), F_OK), -1);
}

static void test_diff(void **state)
{
	(void)state;
	struct str d = diff_text(a, "/etc/x", str_c("a\nb\nc\n"), str_c("a\nB\nc\n"));
	assert_non_null(strstr(d.p, "@@ -1,3 +1,3 @@"));
	assert_non_null(strstr(d.p, "\n-b\n+B\n"));
	assert_int_equal(diff_text(a, "x", str_c("a\n"), str_c("a\n")).n, 0);
}

static const char *show_step(const struct planned *p)
{
	struct page *page = page_new(false);
	change_print(page, a, p, p->changes->list.v[0], 0, true);
	const char *text = page_text(a, page).p;
	page_free(page);
	return text;
}

static void test_secrets_and_control_bytes_are_not_shown(void **state)
{
	(void)state;
	struct plan_target *hp;
	small_plan(&hp);
	assert_non_null(strstr(show_step(hp->v[0]), "+new"));
	map_at(hp->v[0]->step->params, "content")->secret = true;
	assert_null(strstr(show_step(hp->v[0]), "new"));
	hp->v[0]->changes =
		one_change("mode", "attr", value_text(a, "06\03344"), value_text(a, "0600"));
	assert_null(strchr(show_step(hp->v[0]), '\033'));
	((struct step *)hp->v[0]->step)->no_log = true;
	assert_null(strstr(show_step(hp->v[0]), "0600"));
}

static void check_waves(const struct share *serial, size_t n, size_t hosts, const char *expect)
{
	size_t count;
	size_t *w = waves(a, serial, n, hosts, &count);
	struct buf out;
	buf_init(&out, 4096);
	for (size_t i = 0; i < count; i++)
		buf_addf(&out, i ? " %zu" : "%zu", w[i]);
	buf_addc(&out, 0);
	assert_string_equal(out.p, expect);
	buf_free(&out);
}
#define WAVES(hosts, expect, ...)                  \
	check_waves((struct share[]){__VA_ARGS__}, \
		sizeof((struct share[]){__VA_ARGS__}) / sizeof(struct share), hosts, expect)

static void test_waves(void **state)
{
	(void)state;
	check_waves(NULL, 0, 7, "7");
	WAVES(5, "2 2 1", {2, false});
	WAVES(10, "1 2 7", {1, false}, {25, true}, {100, true});
	WAVES(4, "1 1 1 1", {10, true});
	WAVES(10, "10", {0, false});
	WAVES(10, "1 9", {1, false}, {-1, false});
	WAVES(3, "1 1 1", {0, true});
	WAVES(10, "10", {150, true});
	WAVES(100, "28 28 28 16", {29, true}); /* 0.29 * 100 is less than 29, there too */
	WAVES(5, "2 2 1", {2.9, false});
	WAVES(3, "3", {1e300, false});
	WAVES(0, "", {3, false});
}

static void test_budget(void **state)
{
	(void)state;
	struct play fatal = {.any_errors_fatal = true, .max_fail_percentage = -1};
	struct play ten = {.max_fail_percentage = 10}, all = {.max_fail_percentage = 100};
	struct play free = {.any_errors_fatal = true, .own_pace = true};
	struct play none = {.max_fail_percentage = -1}, odd = {.max_fail_percentage = 29.9};
	assert_true(wave_in_budget(&fatal, 10, 0));
	assert_false(wave_in_budget(&fatal, 10, 1));
	assert_true(wave_in_budget(&ten, 10, 1));
	assert_false(wave_in_budget(&ten, 10, 2));
	assert_false(wave_in_budget(&odd, 10, 3));
	assert_true(wave_in_budget(&all, 2, 2));
	assert_true(wave_in_budget(&none, 2, 2));
	assert_true(wave_in_budget(&free, 2, 1));
	assert_false(wave_goes_on(2, 2));
	assert_true(wave_goes_on(2, 1));
	assert_true(wave_goes_on(2, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classify),
		cmocka_unit_test(test_handlers_of_what_is_open),
		cmocka_unit_test(test_digest_moves_with_the_content),
		cmocka_unit_test(test_save_and_load),
		cmocka_unit_test(test_settings_keep_their_places),
		cmocka_unit_test(test_a_zone_is_a_target),
		cmocka_unit_test(test_the_digest_has_the_kind),
		cmocka_unit_test(test_a_loaded_step_fails_as_the_saved_one_would),
		cmocka_unit_test(test_impossible_steps_are_refused),
		cmocka_unit_test(test_every_damaged_byte_is_refused),
		cmocka_unit_test(test_an_unknown_is_no_promise),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_secrets_and_control_bytes_are_not_shown),
		cmocka_unit_test(test_waves),
		cmocka_unit_test(test_budget),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
