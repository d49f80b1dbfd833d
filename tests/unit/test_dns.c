/* SPDX-License-Identifier: MIT
 *
 * What a hostile host says of itself does not become a line of a zone; records that would void one
 * another are not printed together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "dns/dns.h"
#include "jinja/jinja.h"
#include "yaml/yaml.h"

/* The records of the host, with these facts and these keys of its agent. */
static const char *print_zone(struct arena *a, const char *facts, const char *keys)
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
	assert_non_null(
		strstr(print_zone(a, "{\"default_ipv4\": {\"address\": \"192.0.2.1\"}}", "[]"),
			"\tA\t192.0.2.1\n"));
	assert_non_null(
		strstr(print_zone(a, "{\"default_ipv6\": {\"address\": \"2001:db8::1\"}}", "[]"),
			"\tAAAA\t2001:db8::1\n"));
	assert_null(strstr(print_zone(a,
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
		assert_non_null(strstr(print_zone(a, "{}", odd[i]), "no key on the host yet"));
	assert_non_null(strstr(
		print_zone(a, "{}",
			"[{\"domain\": \"x\", \"selector\": \"s\", \"p\": \"AAAA\\\"\\n\"}]"),
		"p=AAAA\\\"\\010\"\n"));
	arena_free(a);
}

/* ---- a whole zone: the host's records, and those of its domains ---- */
static const char *print_all(struct arena *a, const char *mail, const char *zones)
{
	struct err e = {0};
	struct dns_records out = {.a = a};
	struct dns_host h = {
		.mail = json_parse(a, str_c(mail), &e), .zones = json_parse(a, str_c(zones), &e)};
	struct buf text;
	const char *all;
	assert_int_equal(e.kind, ERR_NONE);
	dns_host_records(&out, &h, NULL);
	for (size_t i = 0; i < h.zones->list.n; i++)
		dns_domain(&out, &h, h.zones->list.v[i], NULL);
	buf_init(&text, 1 << 16);
	dns_print(&out, &text);
	all = buf_str(a, &text).p;
	buf_free(&text);
	return all;
}

static size_t count_text(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
		n++;
	return n;
}

/* Two SPF records of a name are an error to receivers (RFC 7208 4.5). */
static void test_one_spf(void **state)
{
	struct arena *a = arena_new();
	const char *all = print_all(a,
		"{\"hostname\": \"mx.x.test\", \"outbound\": {\"addresses\": ["
		"{\"address\": \"192.0.2.1\", \"helo\": \"Y.test\"},"
		"{\"address\": \"192.0.2.2\", \"helo\": \"out.test\"},"
		"{\"address\": \"192.0.2.3\", \"helo\": \"out.test\"}]}}",
		"[{\"name\": \"y.test\", \"provider\": \"builtin\", \"spf\": \"v=spf1 a mx "
		"-all\"}]");
	(void)state;
	assert_int_equal(count_text(all, "\ny.test.\t3600\tIN\tTXT\t\"v=spf1"), 1);
	assert_int_equal(count_text(all, "Y.test.\t3600\tIN\tTXT"), 0);
	assert_int_equal(count_text(all, "out.test.\t3600\tIN\tTXT\t\"v=spf1"), 1);
	assert_int_equal(count_text(all, "\nout.test.\t3600\tIN\tA\t"), 2);
	arena_free(a);
}

/* Nothing stands beside a CNAME; a certificate's name leads to the host. */
static void test_cname(void **state)
{
	static const char zones[] =
		"[{\"name\": \"x.test\", \"provider\": \"gmail\"},"
		"{\"name\": \"y.test\", \"provider\": \"gmail\"},"
		"{\"name\": \"z.test\", \"provider\": \"builtin\", \"certificate\": true}]";
	struct arena *a = arena_new();
	const char *all = print_all(a, "{\"hostname\": \"mail.x.test\"}", zones);
	(void)state;
	assert_null(strstr(all, "mail.x.test.\t3600\tIN\tCNAME"));
	assert_non_null(strstr(all, "mail.y.test.\t3600\tIN\tCNAME\tghs.google.com.\n"));
	assert_non_null(strstr(all, "mail.z.test.\t3600\tIN\tCNAME\tmail.x.test.\n"));
	arena_free(a);
}

/* RFC 9990 section 4: another domain has to say that it takes the reports. */
static void test_reports(void **state)
{
	static const char zones[] =
		"[{\"name\": \"x.test\", \"provider\": \"builtin\", \"dmarc\": \"v=DMARC1; p=none; "
		"rua=mailto:a@X.test,mailto:a@sub.x.test,mailto:b@Y.test!10m,mailto:c@far.test; "
		"ruf=mailto:c@far.test\"}, {\"name\": \"y.test\", \"provider\": \"builtin\"}]";
	struct arena *a = arena_new();
	const char *all = print_all(a, "{\"hostname\": \"mx.x.test\"}", zones);
	(void)state;
	assert_int_equal(count_text(all, "_report."), 2);
	assert_non_null(
		strstr(all, "x.test._report._dmarc.Y.test.\t3600\tIN\tTXT\t\"v=DMARC1\"\n"));
	assert_non_null(
		strstr(all, "; x.test._report._dmarc.far.test. TXT: publish v=DMARC1 there"));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_one_spf),
		cmocka_unit_test(test_cname),
		cmocka_unit_test(test_reports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
