/* SPDX-License-Identifier: MIT
 *
 * Hashes of many passwords at once: each as crypt(3) makes it, and the same in every run.
 */
#include <crypt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "jinja/jinja.h"
#include <cmocka.h>

/* Made by Python's crypt module with a salt from SHA-256 of "provision-salt\0alice@example.com". */
static const char known[] = "$6$DdVtMTw2VoJ8F92g$YpBq2Q55jDNBbw4fGHz59tAcuVSpQL6AXWyElg/"
			    "VUED6nySmc6BUbJhKMzLFNVh8c8CcGkSiyToehvXHyx.BV.";

static void a_known_password(void **state)
{
	struct stable_hash h = {str_c("correct horse"), str_c("alice@example.com"), ""};
	(void)state;
	stable_hashes(&h, 1);
	assert_string_equal(h.text, known);
}

static void many_at_once(void **state)
{
	enum { MANY = 40 };
	struct stable_hash v[MANY];
	char password[MANY][16], name[MANY][16];
	(void)state;
	stable_hashes(v, 0);
	for (int i = 0; i < MANY; i++) {
		snprintf(password[i], sizeof(password[i]), "password %d", i % 7);
		snprintf(name[i], sizeof(name[i]), "name %d", i);
		v[i] = (struct stable_hash){str_c(password[i]), str_c(name[i]), ""};
	}
	v[3].password = (struct str){"with\0NUL", 8};
	stable_hashes(v, MANY);
	for (int i = 0; i < MANY; i++) {
		struct crypt_data data = {0};
		if (i == 3)
			assert_string_equal(v[i].text, "");
		else
			assert_string_equal(v[i].text, crypt_r(password[i], v[i].text, &data));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(v[i].text, v[k].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_password), cmocka_unit_test(many_at_once)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
