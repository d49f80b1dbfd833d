/* SPDX-License-Identifier: MIT
 *
 * Floor 1: values, their printed, JSON and binary forms, and problems shown with their line.
 */
#include <math.h>
#include <setjmp.h>
#include "value/value.h"
#include "printed.h"
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

static struct value *make_sample(void)
{
	struct value *m = value_map(a), *list = value_list(a);
	list_add(a, list, value_int(a, -1));
	list_add(a, list, value_text(a, "it's"));
	list_add(a, list, value_null(a));
	map_put(a, m, "list", list);
	map_put(a, m, "float", value_float(a, 0.1));
	map_put(a, m, "yes", value_bool(a, true));
	map_put(a, m, "min", value_int(a, INT64_MIN));
	map_put(a, m, "blob", value_blob(a, str_c("content")));
	map_put(a, m, "later", value_unknown(a, "task '%s' ran", "x"));
	m->pos = (struct pos){"site.yml", 3, 7};
	return m;
}

static const char *print_json(const struct value *v)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	json_write(&b, v);
	const char *text = buf_str(a, &b).p;
	buf_free(&b);
	return text;
}

static void map_keeps_order_and_finds(void **state)
{
	struct value *m = value_map(a);
	(void)state;
	for (int i = 0; i < 50000; i++)
		map_set(a, m, str_printf(a, "key%d", i), value_int(a, i));
	assert_int_equal(m->map.n, 50000);
	for (int i = 0; i < 50000; i++) {
		assert_int_equal(map_get(m, str_printf(a, "key%d", i))->i, i);
		assert_int_equal(m->map.e[i].value->i, i);
	}
	map_put(a, m, "key7", value_text(a, "new"));
	assert_int_equal(m->map.n, 50000);
	assert_string_equal(map_cstr(m, "key7", ""), "new");
	assert_null(map_at(m, "none"));
	assert_null(map_at(value_int(a, 1), "none"));
	assert_int_equal(map_int(m, "key8", 0), 8);
	assert_int_equal(map_int(m, "none", 5), 5);
	assert_true(map_bool(m, "none", true));
}

static void merge_key_by_key(void **state)
{
	struct value *under = value_map(a), *over = value_map(a), *u = value_map(a);
	struct value *o = value_map(a);
	(void)state;
	map_put(a, u, "x", value_int(a, 1));
	map_put(a, u, "y", value_int(a, 2));
	map_put(a, under, "m", u);
	map_put(a, under, "l", value_list(a));
	map_put(a, o, "y", value_int(a, 3));
	map_put(a, o, "z", value_null(a));
	map_put(a, over, "m", o);
	map_put(a, over, "l", value_text(a, "whole"));
	struct value *c = value_merge(a, under, over);
	assert_string_equal(
		print_json(c), "{\"m\": {\"x\": 1, \"y\": 3, \"z\": null}, \"l\": \"whole\"}");
	assert_int_equal(map_int(map_at(under, "m"), "y", 0), 2);
	assert_int_equal(map_at(over, "m")->map.n, 2);
}

static void equal_and_true_as_in_python(void **state)
{
	(void)state;
	assert_true(value_equal(value_int(a, 1), value_float(a, 1.0)));
	assert_true(value_equal(value_bool(a, true), value_int(a, 1)));
	assert_true(value_equal(value_float(a, 0.0), value_bool(a, false)));
	assert_false(value_equal(value_int(a, INT64_MAX), value_float(a, 0x1p63)));
	assert_false(value_equal(value_text(a, "1"), value_int(a, 1)));
	assert_false(value_equal(value_null(a), value_bool(a, false)));
	assert_true(value_equal(make_sample(), value_copy(a, make_sample())));
	assert_true(value_equal(make_sample(), value_shallow(a, make_sample())));
	assert_false(value_true(value_text(a, "")));
	assert_true(value_true(value_text(a, "0")));
	assert_false(value_true(value_list(a)));
	assert_false(value_true(value_null(a)));
	assert_false(value_true(value_float(a, -0.0)));
	assert_true(value_true(make_sample()));
}

static void floats_print_as_in_python(void **state)
{
	static const struct {
		double f;
		const char *text;
	} cases[] = {{1, "1.0"}, {0.1, "0.1"}, {-2.5, "-2.5"}, {1e15, "1000000000000000.0"},
		{1e16, "1e+16"}, {1.5e300, "1.5e+300"}, {0.0001, "0.0001"}, {0.00001, "1e-05"},
		{1.0 / 3, "0.3333333333333333"}, {123456.789, "123456.789"}, {0, "0.0"},
		{5e-324, "5e-324"}, {HUGE_VAL, "inf"}, {-HUGE_VAL, "-inf"}, {NAN, "nan"}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(value_print(a, value_float(a, cases[i].f)).p, cases[i].text);
}

static void prints_as_in_python(void **state)
{
	struct value *l = value_list(a);
	(void)state;
	assert_string_equal(value_print(a, value_text(a, "it's")).p, "it's");
	assert_string_equal(value_print(a, value_null(a)).p, "None");
	assert_string_equal(value_print(a, value_bool(a, false)).p, "False");
	list_add(a, l, value_text(a, "it's"));
	list_add(a, l, value_text(a, "both ' and \""));
	list_add(a, l, value_text(a, "a\n\t\\\x01\xc3\xa4"));
	struct value *m = value_map(a);
	map_put(a, m, "k", value_bool(a, true));
	list_add(a, l, m);
	assert_string_equal(value_print(a, l).p,
		"[\"it's\", 'both \\' and \"', 'a\\n\\t\\\\\\x01\xc3\xa4', {'k': True}]");
	struct value *secret = value_text(a, "s3cret");
	secret->secret = true;
	assert_string_equal(value_print(a, secret).p, "s3cret");
}

static void json_hides_and_escapes(void **state)
{
	struct value *m = value_map(a), *secret = value_text(a, "s3cret"), *list = value_list(a);
	struct buf b;
	(void)state;
	secret->secret = true;
	list_add(a, list, secret);
	map_put(a, m, "p", list);
	map_put(a, m, "q\"\\\n", value_text(a, "\x01\xff\xc3\xa4\x7f"));
	map_put(a, m, "nan", value_float(a, NAN));
	assert_string_equal(print_json(m),
		"{\"p\": [\"********\"], \"q\\\"\\\\\\n\": "
		"\"\\u0001\xef\xbf\xbd\xc3\xa4\\u007f\", \"nan\": null}");
	assert_true(value_has_secret(m));
	assert_false(value_has_secret(make_sample()));
	assert_string_equal(print_json(value_blob(a, str_c("abc"))),
		"{\"sha256\": "
		"\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\", "
		"\"size\": 3}");
	buf_init(&b, 1000);
	json_write_pretty(&b, m, 0);
	assert_true(str_starts(buf_str(a, &b), "{\n  \"p\": [\n    \"********\"\n  ],\n"));
	buf_free(&b);
}

static void find_type_is_deep(void **state)
{
	(void)state;
	assert_non_null(value_find_type(make_sample(), VALUE_UNKNOWN));
	assert_null(value_find_type(make_sample(), VALUE_UNDEFINED));
}

static struct value *round_trip(const struct value *v, enum codec_flags flags)
{
	struct buf b;
	struct value *out = NULL;
	struct err e = {0};
	buf_init(&b, 1 << 24);
	value_encode(&b, v, flags);
	assert_true(value_decode(a, b.p, b.n, &out, &e));
	buf_free(&b);
	return out;
}

static void codec_round_trip(void **state)
{
	struct value *v = make_sample(), *list = map_at(v, "list");
	(void)state;
	list->list.v[1]->secret = true;
	list->list.v[1]->literal = true;
	list->list.v[0]->src = str_c("-1");
	v->map.e[0].key_pos = (struct pos){"site.yml", 4, 1};
	struct value *plain = round_trip(v, 0), *full = round_trip(v, CODEC_BLOBS | CODEC_POS);
	assert_true(value_equal(v, plain));
	assert_true(value_equal(v, full));
	assert_null(map_at(plain, "blob")->blob.bytes.p);
	assert_string_equal(map_at(full, "blob")->blob.bytes.p, "content");
	assert_int_equal(plain->pos.line, 0);
	assert_int_equal(full->pos.line, 3);
	assert_string_equal(full->pos.file, "site.yml");
	assert_int_equal(full->map.e[0].key_pos.line, 4);
	struct value *item = map_at(plain, "list")->list.v[1];
	assert_true(item->secret && item->literal);
	assert_string_equal(map_at(plain, "list")->list.v[0]->src.p, "-1");
}

/* Every cut and every changed byte either decodes to something or is refused: never more. */
static void codec_survives_damage(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 1 << 20);
	value_encode(&b, make_sample(), CODEC_BLOBS | CODEC_POS);
	for (size_t n = 0; n < b.n; n++) {
		struct value *out;
		struct err e = {0};
		char *cut = malloc(n ? n : 1);
		memcpy(cut, b.p, n);
		assert_false(value_decode(a, cut, n, &out, &e));
		assert_int_equal(e.kind, ERR_PERMANENT);
		free(cut);
	}
	for (size_t at = 0; at < b.n; at++) {
		for (int bit = 0; bit < 8; bit++) {
			struct value *out;
			struct err e = {0};
			b.p[at] ^= (char)(1 << bit);
			value_decode(a, b.p, b.n, &out, &e);
			b.p[at] ^= (char)(1 << bit);
		}
	}
	buf_free(&b);
}

static void codec_refuses(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *why;
	} cases[] = {
		{"\0\5\xff\xff\xff\xff\x0f", 7, "more items than bytes"},
		{"\0\4\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, "a string is longer"},
		{"\0\4\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 12, "a number is too large"},
		{"\0\6\2\1a\0\1a\0", 8, "a duplicate key"},
		{"\0\x0f", 2, "an unknown type"},
		{"\0\1\2", 3, "a boolean is neither"},
		{"\x80\0", 2, "an unknown form"},
		{"\0\0\0", 3, "something follows"},
		{"", 0, "cut short"},
	};
	struct value *out, *deep = value_null(a);
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		assert_false(value_decode(a, cases[i].bytes, cases[i].n, &out, &e));
		assert_non_null(strstr(e.msg, cases[i].why));
	}
	for (int i = 0; i < CODEC_DEPTH; i++) {
		struct value *list = value_list(a);
		list_add(a, list, deep);
		deep = list;
	}
	struct buf b;
	struct err e = {0};
	buf_init(&b, 1000);
	value_encode(&b, deep, 0);
	assert_false(value_decode(a, b.p, b.n, &out, &e));
	assert_non_null(strstr(e.msg, "nested too deeply"));
	buf_free(&b);
}

static bool same_digest(const struct value *x, const struct value *y)
{
	unsigned char dx[SHA256_LEN], dy[SHA256_LEN];
	value_digest(x, dx);
	value_digest(y, dy);
	return memcmp(dx, dy, SHA256_LEN) == 0;
}

static void equal_values_have_equal_digests(void **state)
{
	struct value *x = value_map(a), *y = value_map(a);
	(void)state;
	map_put(a, x, "a", value_int(a, 1));
	map_put(a, x, "b", value_blob(a, str_c("c")));
	map_put(a, y, "b", round_trip(value_blob(a, str_c("c")), 0));
	map_put(a, y, "a", value_float(a, 1));
	y->pos.line = 9;
	map_at(y, "a")->src = str_c("1.0");
	assert_true(value_equal(x, y) && same_digest(x, y));
	assert_false(same_digest(value_text(a, "1"), value_int(a, 1)));
	assert_false(same_digest(value_list(a), value_map(a)));
}

static const char *show_error(const char *text, uint32_t line, uint32_t col, const char *msg)
{
	struct err e = {.kind = ERR_CONFIG, .pos = {"shown.yml", line, col}};
	struct errs errs;
	source_add("shown.yml", str_c(arena_strdup(a, text)));
	snprintf(e.msg, sizeof(e.msg), "%s", msg);
	errs_init(&errs, a);
	errs_take(&errs, &e);
	return print_errs(a, &errs);
}

static void problem_shows_its_line(void **state)
{
	(void)state;
	assert_string_equal(show_error("a: 1\nb: [\n", 2, 4, "bad"),
		"shown.yml:2:4: bad\n    b: [\n       ^\n");
	assert_string_equal(
		show_error("\tx\r\n", 1, 2, "tab"), "shown.yml:1:2: tab\n     x\n     ^\n");
	assert_string_equal(show_error("\xc3\xa4\xc3\xa4x", 1, 3, "umlauts"),
		"shown.yml:1:3: umlauts\n    \xc3\xa4\xc3\xa4x\n      ^\n");
	assert_string_equal(show_error("a", 7, 1, "no such line"), "shown.yml:7:1: no such line\n");
	assert_string_equal(
		show_error("a", 1, 99, "beyond"), "shown.yml:1:99: beyond\n    a\n     ^\n");
	assert_string_equal(show_error("\x1b[2J\xff", 1, 1, "\x1b[1mred\ntwo"),
		"shown.yml:1:1: \\x1b[1mred\n    two\n    \\x1b[2J\\xff\n    ^\n");
}

/* A control character before the caret takes more columns than one. */
static void caret_stands_under_what_is_shown(void **state)
{
	(void)state;
	assert_string_equal(show_error("\xe2\x80\xae: x", 1, 4, "m"),
		"shown.yml:1:4: m\n    \\u202e: x\n            ^\n");
}

static void problem_hides_passwords(void **state)
{
	static const char *const cases[][2] = {
		{"  password: hunter2, x", "  password: **********"},
		{"alice: {password: hunter2, quota: 2X}", "alice: {password: *******, quota: 2X}"},
		{"alice: {password: \"h\\\"2\", q: 2X}", "alice: {password: \"****\", q: 2X}"},
		{"\"my_secret\" : 'a b' # c", "\"my_secret\" : '***' # c"},
		{"password: \"{{ vault_alice }}\"", "password: \"{{ vault_alice }}\""},
		{"h1 ansible_password=a,b x=1", "h1 ansible_password=*** x=1"},
		{"password: p\xc3\xa4ss", "password: ****"},
		{"password: \"open", "password: \"****"},
		{"passwords are: bad", "passwords are: bad"},
		{"password:", "password:"},
		{"key: value", "key: value"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *line = strchr(show_error(cases[i][0], 1, 1, "x"), '\n') + 5;
		assert_string_equal(str_dup(a, line, strcspn(line, "\n")).p, cases[i][1]);
	}
}

static void long_line_is_shown_around_the_caret(void **state)
{
	char text[601];
	(void)state;
	for (size_t i = 0; i < 600; i++)
		text[i] = (char)('a' + i % 26);
	text[600] = 0;
	text[299] = '*';
	const char *s = show_error(text, 1, 300, "long");
	const char *line = strchr(s, '\n') + 1, *caret = strchr(line, '\n') + 1;
	assert_int_equal(line[strchr(caret, '^') - caret], '*');
	assert_in_range(caret - line, 100, 140);
	assert_non_null(strstr(line, "...\n"));
}

static void problems_are_sorted_and_bounded(void **state)
{
	struct errs e;
	(void)state;
	errs_init(&e, a);
	errs_add(&e, (struct pos){"b.yml", 1, 1}, "third");
	errs_add(&e, (struct pos){"a.yml", 10, 1}, "second");
	assert_false(errs_add(&e, (struct pos){"a.yml", 9, 5}, "first %d", 1));
	errs_add(&e, (struct pos){0}, "without a place");
	assert_string_equal(print_errs(a, &e),
		"without a place\na.yml:9:5: first 1\na.yml:10:1: second\n"
		"b.yml:1:1: third\n");
	for (int i = 0; i < 60; i++)
		errs_add(&e, (struct pos){0}, "more");
	assert_int_equal(e.n, ERRS_MAX);
	assert_int_equal(e.dropped, 14);
	assert_true(str_ends(str_c(print_errs(a, &e)), "and 14 more\n"));
}

/* A warning is shown among the errors, by place, and counts as nothing wrong. */
static void warnings_stand_apart(void **state)
{
	struct errs e, all;
	struct buf b;
	(void)state;
	errs_init(&e, a);
	errs_warn(&e, (struct pos){"a.yml", 10, 1}, "odd \"%s\"", "x");
	assert_int_equal(e.n, 0);
	errs_add(&e, (struct pos){"a.yml", 9, 5}, "wrong");
	errs_init(&all, a);
	errs_join(&all, &e);
	assert_int_equal(all.n, 1);
	assert_int_equal(all.n_warn, 1);
	assert_string_equal(
		print_errs(a, &all), "a.yml:9:5: wrong\na.yml:10:1: warning: odd \"x\"\n");
	buf_init(&b, 100000);
	errs_json(&all, &b);
	assert_string_equal(b.p,
		"{\"event\": \"error\", \"file\": \"a.yml\", \"line\": 9, \"column\": 5, "
		"\"message\": \"wrong\"}\n"
		"{\"event\": \"warning\", \"file\": \"a.yml\", \"line\": 10, \"column\": 1, "
		"\"message\": \"odd \\\"x\\\"\"}\n");
	for (int i = 0; i < 60; i++)
		errs_warn(&all, (struct pos){0}, "more");
	assert_int_equal(all.n, 1);
	assert_int_equal(all.n_warn, ERRS_MAX);
	buf_free(&b);
	assert_true(str_ends(str_c(print_errs(a, &all)), "and 11 more warnings\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_keeps_order_and_finds),
		cmocka_unit_test(merge_key_by_key),
		cmocka_unit_test(equal_and_true_as_in_python),
		cmocka_unit_test(floats_print_as_in_python),
		cmocka_unit_test(prints_as_in_python),
		cmocka_unit_test(json_hides_and_escapes),
		cmocka_unit_test(find_type_is_deep),
		cmocka_unit_test(codec_round_trip),
		cmocka_unit_test(codec_survives_damage),
		cmocka_unit_test(codec_refuses),
		cmocka_unit_test(equal_values_have_equal_digests),
		cmocka_unit_test(problem_shows_its_line),
		cmocka_unit_test(caret_stands_under_what_is_shown),
		cmocka_unit_test(problem_hides_passwords),
		cmocka_unit_test(long_line_is_shown_around_the_caret),
		cmocka_unit_test(problems_are_sorted_and_bounded),
		cmocka_unit_test(warnings_stand_apart),
	};
	return cmocka_run_group_tests_name("value", tests, set_up, tear_down);
}
