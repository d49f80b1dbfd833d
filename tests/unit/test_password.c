/* SPDX-License-Identifier: MIT
 *
 * Passwords of users, by tables: what is a hash, and when a lock stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "resource/password.h"

static void test_password_words(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} cases[] = {
		{"$6$abc$defghijk", true},
		{"$y$j9T$abc$def/ghi.", true},
		{"$6$rounds=5000$salt$hash", true},
		{"$2b$10$abcdefghijklmnopqrstuv", true},
		{"!$6$abc$defghijk", true},
		{"!", true},
		{"*", true},
		{"!!", true},
		{"*************", true},
		{"", false},
		{"plaintext", false},
		{"Sommer2024abc", false}, /* 13 letters: it could be the hash of DES */
		{"$6$abc", false},
		{"$6$abc$", false},
		{"$6$", false},
		{"$9$abc$def", false},
		{"pa$$word", false},
		{"$6$abc$def:ghi", false},
		{"$6$abc$def ghi", false},
		{"$6$abc$def\n", false},
		{"!plaintext", false},
	};
	struct arena *a = arena_new();
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct errs errs;
		struct value *params = value_map(a);
		errs_init(&errs, a);
		map_put(a, params, "password", value_text(a, cases[i].text));
		if (password_check(params, &errs) != cases[i].ok || errs.n != !cases[i].ok)
			fail_msg("'%s' is %s", cases[i].text, cases[i].ok ? "refused" : "taken");
		if (errs.n && cases[i].text[0] && strlen(cases[i].text) > 2 &&
			strstr(errs.v[0].msg, cases[i].text))
			fail_msg("'%s' is repeated: %s", cases[i].text, errs.v[0].msg);
	}
	arena_free(a);
}

/* "password -> as declared, lock: no -> yes" */
static const char *changes_text(struct arena *a, const struct observation *o)
{
	const char *out = "";
	for (size_t i = 0; i < o->changes->list.n; i++) {
		const struct value *c = o->changes->list.v[i];
		out = arena_printf(a, "%s%s%s %s", out, i ? ", " : "", map_cstr(c, "field", ""),
			map_cstr(c, "after", ""));
	}
	return out;
}

static void test_password_lock(void **state)
{
	enum { NO, YES, UNSAID };
	static const struct {
		const char *now, *want; /* NULL: no such user yet; not declared */
		int lock;
		const char *changes;
	} cases[] = {
		{"$6$a$x", "$6$a$x", UNSAID, ""},
		{"!$6$a$x", "$6$a$x", UNSAID, ""}, /* an administrator locked it */
		{"!!$6$a$x", "$6$a$x", UNSAID, ""},
		{"!$6$a$x", "$6$b$y", UNSAID, "password as declared"},
		{"$6$a$x", "$6$a$x", YES, "password lock yes"},
		{"!$6$a$x", "$6$a$x", YES, ""},
		{"!$6$a$x", "$6$a$x", NO, "password lock no"},
		{"!$6$a$x", NULL, NO, "password lock no"},
		{"!$6$a$x", NULL, YES, ""},
		{"!$6$a$x", NULL, UNSAID, ""},
		{"$6$a$x", NULL, YES, "password lock yes"},
		{"$6$a$x", "!$6$a$x", UNSAID, "password lock yes"},
		{"!$6$a$x", "!$6$a$x", UNSAID, ""},
		{"!", "$6$a$x", UNSAID, "password as declared"}, /* none yet: not a lock */
		{"!", "$6$a$x", YES, "password as declared, password lock yes"},
		{"!", NULL, NO, ""},
		{"*", NULL, YES, ""},
		{"*", "!", UNSAID, "password as declared"},
		{"!", "!", UNSAID, ""},
		{"!!", "!", UNSAID, ""},
		{"$6$a$x", "!", UNSAID, "password as declared"},
		{NULL, "$6$a$x", UNSAID, "password as declared"},
		{NULL, "$6$a$x", YES, "password as declared, password lock yes"},
		{NULL, "!$6$a$x", UNSAID, "password as declared, password lock yes"},
		{NULL, NULL, YES, ""},
		{NULL, "!", UNSAID, "password as declared"},
	};
	struct arena *a = arena_new();
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct account_user u = {.name = "u", .password = cases[i].now};
		struct host h = {.a = a};
		struct observation o;
		struct err e = {0};
		struct value *params = value_map(a);
		observation_init(&h, &o);
		if (cases[i].want)
			map_put(a, params, "password", value_text(a, cases[i].want));
		if (cases[i].lock != UNSAID)
			map_put(a, params, "password_lock", value_bool(a, cases[i].lock == YES));
		if (!password_observe(&h, params, cases[i].now ? &u : NULL, &o, &e))
			fail_msg("%s", e.msg);
		if (strcmp(changes_text(a, &o), cases[i].changes) != 0)
			fail_msg("%zu: %s declared over %s: '%s'", i,
				cases[i].want ? cases[i].want : "nothing",
				cases[i].now ? cases[i].now : "nobody", changes_text(a, &o));
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_password_words),
		cmocka_unit_test(test_password_lock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
