/* SPDX-License-Identifier: MIT
 *
 * Keys and certificates as openssl makes them, read by our own reader, and what damage does to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "host/x509.h"

static struct str run_openssl(struct arena *a, const char *const *argv, struct str input)
{
	struct proc p = {.argv = argv, .uid = (uid_t)-1, .input = input};
	struct proc_result r;
	struct err e = {0};
	if (!proc_run(a, &p, &r, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(r.status, 0);
	return r.out;
}

static struct str make_key(struct arena *a, const char *algorithm, const char *option)
{
	const char *argv[] = {"openssl", "genpkey", "-algorithm", algorithm,
		option ? "-pkeyopt" : NULL, option, NULL};
	return run_openssl(a, argv, (struct str){0});
}

static struct str make_cert(struct arena *a, struct str key)
{
	const char *argv[] = {"openssl", "req", "-x509", "-new", "-key", "/dev/stdin", "-days",
		"30", "-subj", "/O=Test/CN=mx.test", "-addext",
		"subjectAltName=DNS:mx.test,DNS:*.mx.test,IP:192.0.2.1,IP:2001:db8::1", NULL};
	return run_openssl(a, argv, key);
}

static void test_keys(void **state)
{
	static const struct {
		const char *algorithm, *option, *curve;
		enum key_type type;
		int bits;
	} cases[] = {
		{"RSA", "rsa_keygen_bits:1024", NULL, KEY_RSA, 1024},
		{"RSA", "rsa_keygen_bits:1536", NULL, KEY_RSA, 1536},
		{"EC", "ec_paramgen_curve:prime256v1", "secp256r1", KEY_EC, 256},
		{"EC", "ec_paramgen_curve:secp384r1", "secp384r1", KEY_EC, 384},
		{"EC", "ec_paramgen_curve:secp521r1", "secp521r1", KEY_EC, 521},
		{"ED25519", NULL, NULL, KEY_ED25519, 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new();
		struct key_info k;
		struct cert_info c;
		struct str pem = make_key(a, cases[i].algorithm, cases[i].option);
		assert_true(key_read(a, pem, &k));
		assert_int_equal(k.type, cases[i].type);
		assert_int_equal(k.bits, cases[i].bits);
		assert_string_equal(k.curve ? k.curve : "", cases[i].curve ? cases[i].curve : "");
		assert_true(cert_read(a, make_cert(a, pem), &c));
		assert_int_equal(c.key.type, k.type);
		assert_true(!k.id.p || str_eq(k.id, c.key.id));
		assert_string_equal(c.common_name, "mx.test");
		assert_true(c.self_issued);
		assert_int_equal(c.n_names, 4);
		assert_string_equal(c.names[1], "DNS:*.mx.test");
		assert_string_equal(c.names[2], "IP:192.0.2.1");
		assert_string_equal(c.names[3], "IP:2001:db8::1");
		assert_int_equal(c.not_after - c.not_before, 30 * 86400);
		assert_true(c.not_before <= time(NULL) && c.not_before > time(NULL) - 3600);
		arena_free(a);
	}
}

/* PEM of DER that was cut or has a wrong byte: refused or read, never beyond its end. */
static struct str damage_der(struct arena *a, struct str der, size_t cut, size_t at, unsigned flip)
{
	struct str copy = str_dup(a, der.p, cut);
	if (at < cut)
		((char *)(uintptr_t)copy.p)[at] ^= (char)flip;
	return str_printf(a, "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n",
		base64(a, copy.p, copy.n).p);
}

static struct str der_of_cert(struct arena *a, struct str pem)
{
	static const char head[] = "-----BEGIN CERTIFICATE-----";
	struct str der, body = str_c(pem.p + sizeof(head));
	char *text = arena_alloc(a, body.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < body.n && body.p[i] != '-'; i++)
		if (body.p[i] != '\n')
			text[n++] = body.p[i];
	assert_true(base64_decode(a, str_dup(a, text, n), &der));
	return der;
}

static void test_damaged_certificates(void **state)
{
	struct arena *a = arena_new();
	struct cert_info c;
	struct str pem = make_cert(a, make_key(a, "ED25519", NULL));
	struct str der = der_of_cert(a, pem);
	(void)state;
	assert_true(cert_read(a, damage_der(a, der, der.n, der.n, 0), &c));
	for (size_t cut = 0; cut < der.n; cut++) {
		struct arena *one = arena_new();
		assert_false(cert_read(one, damage_der(one, der, cut, cut, 0), &c));
		arena_free(one);
	}
	for (size_t at = 0; at < der.n; at++) {
		struct arena *one = arena_new();
		for (unsigned flip = 1; flip < 256; flip <<= 1)
			cert_read(one, damage_der(one, der, der.n, at, flip), &c);
		arena_free(one);
	}
	assert_false(cert_read(a, str_c(""), &c));
	assert_false(cert_read(a, str_c("-----BEGIN CERTIFICATE-----"), &c));
	assert_false(
		cert_read(a, str_c("-----END CERTIFICATE----------BEGIN CERTIFICATE-----"), &c));
	assert_false(cert_read(a, str_c("-----BEGIN CERTIFICATE-----END CERTIFICATE-----"), &c));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_damaged_certificates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
