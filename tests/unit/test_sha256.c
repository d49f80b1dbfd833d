/* SPDX-License-Identifier: MIT
 *
 * The agent's own SHA-256, and SHA-1, beside libcrypto's. The other tests of digests are in
 * test_base.c.
 */
#define sha256_init own_init
#define sha256_add own_add
#define sha256_end own_end
#define sha256 own_sha256
#define hex own_hex
#define base64 own_base64
#define base64_decode own_base64_decode
#include "base/sha256.c"
#undef sha256

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

static void both_agree(void **state)
{
	unsigned char bytes[1000], ours[SHA256_LEN], theirs[SHA256_LEN];
	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * i + i / 7);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		own_sha256(bytes, n, ours);
		SHA256(bytes, n, theirs);
		assert_memory_equal(ours, theirs, SHA256_LEN);
	}
}

/* The rounds without the processor's own instructions: both_agree may never come to them. */
static void plain_rounds_agree(void **state)
{
	unsigned char bytes[64 * 5 + 1];
	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7 + i / 3);
	for (size_t blocks = 0; blocks <= 5; blocks++) {
		struct own_sha256 ours;
		SHA256_CTX theirs;
		own_init(&ours);
		compress_plain(ours.h, bytes + 1, blocks);
		SHA256_Init(&theirs);
		SHA256_Update(&theirs, bytes + 1, blocks * 64);
		assert_memory_equal(ours.h, theirs.h, sizeof(ours.h));
	}
}

static void sha1_agrees(void **state)
{
	unsigned char bytes[300], ours[SHA1_LEN], theirs[SHA1_LEN];
	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * i + i / 7);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		struct sha1 s;
		sha1_init(&s);
		sha1_add(&s, bytes, n / 3);
		sha1_add(&s, bytes + n / 3, n - n / 3);
		sha1_end(&s, ours);
		SHA1(bytes, n, theirs);
		assert_memory_equal(ours, theirs, SHA1_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(both_agree),
		cmocka_unit_test(plain_rounds_agree), cmocka_unit_test(sha1_agrees)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
