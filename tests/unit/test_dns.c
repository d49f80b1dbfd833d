/* SPDX-License-Identifier: MIT
 *
 * What a hostile host says of itself does not become a line of a zone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "dns/dns.h"
#include "lang/lang.h"

/* The records of the host, with these facts and these keys of its agent. */
static const char *zone(struct arena *a, const char *facts, const char *keys)
{
	struct err e = {0};
	struct dns_records out = {.a = a};
	struct dns_host h = {
		.mail = json_parse(a, str_c("{\"hostname\": \"mx.x.test\"}"), &e),
		.facts = json_parse(a, str_c(facts), &e),
		.keys = dns_keys(a, json_parse(a, str_c(keys), &e)),
	};
	const struct value *dkim =
		json_parse(a, str_c("[{\"owner\": \"x\", \"selector\": \"s\"}]"), &e);
	struct buf text;

	assert_int_equal(e.kind, ERR_NONE);
	dns_host_records(&out, &h, dkim);
	buf_init(&text, 1 << 16);
	dns_print(&out, &text);
	const char *all = buf_str(a, &text).p;
	buf_free(&text);
	return all;
}

static void test_facts(void **state)
{
	struct arena *a = arena_new();
	(void)state;
	assert_non_null(strstr(zone(a, "{\"default_ipv4\": {\"address\": \"192.0.2.1\"}}", "[]"),
		"\tA\t192.0.2.1\n"));
	assert_non_null(strstr(zone(a, "{\"default_ipv6\": {\"address\": \"2001:db8::1\"}}", "[]"),
		"\tAAAA\t2001:db8::1\n"));
	assert_null(strstr(zone(a,
				   "{\"default_ipv4\": {\"address\": \"192.0.2.1\\nevil.test. IN A "
				   "192.0.2.2\"}}",
				   "[]"),
		"evil"));
	arena_free(a);
}

static void test_keys(void **state)
{
	static const char *const odd[] = {"\"text of a host\"", "7", "{\"a\": 1}", "[\"text\", 7]"};
	struct arena *a = arena_new();
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		assert_non_null(strstr(zone(a, "{}", odd[i]), "no key on the host yet"));
	assert_non_null(strstr(
		zone(a, "{}", "[{\"domain\": \"x\", \"selector\": \"s\", \"p\": \"AAAA\\\"\\n\"}]"),
		"p=AAAA\\\"\\010\"\n"));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
