/* SPDX-License-Identifier: MIT
 *
 * SHA-256 (FIPS 180-4) and base64 (RFC 4648). Implemented here because the agent links only libc.
 * Not constant-time: do not use it on secrets that an attacker could time.
 */
#include "base/base.h"
#ifdef WITH_LIBCRYPTO
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#elif defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#ifdef WITH_LIBCRYPTO
/* The controller uses libcrypto, which has the processor's SHA instructions and is several times as
 * fast. */
static void compress_all(uint32_t state[8], const unsigned char *p, size_t blocks)
{
	SHA256_CTX c = {.md_len = SHA256_LEN};
	memcpy(c.h, state, sizeof(c.h));
	SHA256_Update(&c, p, blocks * 64);
	memcpy(state, c.h, sizeof(c.h));
}
#else
static const uint32_t K[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b,
	0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6,
	0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d,
	0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
	0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585,
	0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa,
	0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate_right(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static uint32_t big_endian(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void schedule_words(uint32_t w[64], const unsigned char *p)
{
	for (int i = 0; i < 16; i++)
		w[i] = big_endian(p + i * 4);
	for (int i = 16; i < 64; i++) {
		uint32_t s0 =
			rotate_right(w[i - 15], 7) ^ rotate_right(w[i - 15], 18) ^ w[i - 15] >> 3;
		uint32_t s1 =
			rotate_right(w[i - 2], 17) ^ rotate_right(w[i - 2], 19) ^ w[i - 2] >> 10;
		w[i] = w[i - 16] + s0 + w[i - 7] + s1;
	}
}

/* One round in place: instead of moving values between variables, each round permutes the names. */
#define ROUND(a, b, c, d, e, f, g, h, i)                                                        \
	do {                                                                                    \
		(h) += (rotate_right((e), 6) ^ rotate_right((e), 11) ^ rotate_right((e), 25)) + \
		       K[i] + w[i];                                                             \
		(h) += (g) ^ ((e) & ((f) ^ (g)));                                               \
		(d) += (h);                                                                     \
		(h) += (rotate_right((a), 2) ^ rotate_right((a), 13) ^ rotate_right((a), 22));  \
		(h) += ((a) & (b)) | ((c) & ((a) | (b)));                                       \
	} while (0)

/* The names of variables are those of section 6.2.2. */
static void compress_block(uint32_t state[8], const unsigned char *p)
{
	uint32_t w[64];
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
	schedule_words(w, p);
	for (int i = 0; i < 64; i += 8) {
		ROUND(a, b, c, d, e, f, g, h, i);
		ROUND(h, a, b, c, d, e, f, g, i + 1);
		ROUND(g, h, a, b, c, d, e, f, i + 2);
		ROUND(f, g, h, a, b, c, d, e, i + 3);
		ROUND(e, f, g, h, a, b, c, d, i + 4);
		ROUND(d, e, f, g, h, a, b, c, i + 5);
		ROUND(c, d, e, f, g, h, a, b, i + 6);
		ROUND(b, c, d, e, f, g, h, a, i + 7);
	}
	const uint32_t v[8] = {a, b, c, d, e, f, g, h};
	for (int i = 0; i < 8; i++)
		state[i] += v[i];
}

static void compress_plain(uint32_t state[8], const unsigned char *p, size_t blocks)
{
	for (size_t i = 0; i < blocks; i++)
		compress_block(state, p + i * 64);
}

#ifdef __x86_64__
static bool has_sha_instructions(void)
{
	enum { FEATURES = 7, EBX_SHA = 1 << 29 };
	static int known = -1;
	unsigned a, b = 0, c, d;
	if (known < 0)
		known = __get_cpuid_count(FEATURES, 0, &a, &b, &c, &d) && (b & EBX_SHA);
	return known;
}

/* Four words of the message schedule from the previous sixteen; group `i` of four words is w[i %
 * 4]. */
__attribute__((target("sha,sse4.1"))) static __m128i next_words(const __m128i w[4], int i)
{
	__m128i last = w[(i + 3) % 4];
	__m128i sum = _mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]);
	sum = _mm_add_epi32(sum, _mm_alignr_epi8(last, w[(i + 2) % 4], 4));
	return _mm_sha256msg2_epu32(sum, last);
}

/* With the processor's SHA instructions (Intel 64 manual, volume 2, SHA256RNDS2 and SHA256MSG1):
 * two rounds per instruction. */
__attribute__((target("sha,sse4.1"))) static void compress_x86(
	uint32_t state[8], const unsigned char *p, size_t blocks)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	int v[8];
	memcpy(v, state, sizeof(v));
	__m128i abef = _mm_set_epi32(v[0], v[1], v[4], v[5]);
	__m128i cdgh = _mm_set_epi32(v[2], v[3], v[6], v[7]);
	for (; blocks > 0; blocks--, p += 64) {
		const __m128i abef_before = abef, cdgh_before = cdgh;
		__m128i w[4];
		for (int i = 0; i < 16; i++) {
			w[i % 4] = i < 4 ? _mm_shuffle_epi8(
						   _mm_loadu_si128((const __m128i *)p + i), swap)
					 : next_words(w, i);
			__m128i sum =
				_mm_add_epi32(w[i % 4], _mm_loadu_si128((const __m128i *)K + i));
			/* each instruction swaps the two */
			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
		}
		abef = _mm_add_epi32(abef, abef_before);
		cdgh = _mm_add_epi32(cdgh, cdgh_before);
	}
	state[0] = (uint32_t)_mm_extract_epi32(abef, 3);
	state[1] = (uint32_t)_mm_extract_epi32(abef, 2);
	state[2] = (uint32_t)_mm_extract_epi32(cdgh, 3);
	state[3] = (uint32_t)_mm_extract_epi32(cdgh, 2);
	state[4] = (uint32_t)_mm_extract_epi32(abef, 1);
	state[5] = (uint32_t)_mm_extract_epi32(abef, 0);
	state[6] = (uint32_t)_mm_extract_epi32(cdgh, 1);
	state[7] = (uint32_t)_mm_extract_epi32(cdgh, 0);
}
#endif

static void compress_all(uint32_t state[8], const unsigned char *p, size_t blocks)
{
#ifdef __x86_64__
	if (has_sha_instructions()) {
		compress_x86(state, p, blocks);
		return;
	}
#endif
	compress_plain(state, p, blocks);
}
#endif

void sha256_init(struct sha256 *s)
{
	static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	memcpy(s->h, start, sizeof(start));
	s->len = 0;
}

void sha256_add(struct sha256 *s, const void *data, size_t n)
{
	const unsigned char *p = data;
	size_t have = s->len % 64;
	s->len += n;
	if (have) {
		size_t part = n < 64 - have ? n : 64 - have;
		if (part)
			memcpy(s->block + have, p, part);
		if (have + part < 64)
			return;
		compress_all(s->h, s->block, 1);
		p += part;
		n -= part;
	}
	if (n >= 64)
		compress_all(s->h, p, n / 64);
	if (n % 64)
		memcpy(s->block, p + n - n % 64, n % 64);
}

void sha256_end(struct sha256 *s, unsigned char out[SHA256_LEN])
{
	static const unsigned char padding[64] = {0x80};
	unsigned char length[8];
	uint64_t bits = s->len * 8;
	for (int i = 0; i < 8; i++)
		length[i] = (unsigned char)(bits >> (56 - 8 * i));
	size_t have = s->len % 64;
	sha256_add(s, padding, have < 56 ? 56 - have : 120 - have);
	sha256_add(s, length, sizeof(length));
	for (int i = 0; i < SHA256_LEN; i++)
		out[i] = (unsigned char)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256(const void *p, size_t n, unsigned char out[SHA256_LEN])
{
	struct sha256 s;
	sha256_init(&s);
	sha256_add(&s, p, n);
	sha256_end(&s, out);
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct str base64(struct arena *a, const void *data, size_t n)
{
	const unsigned char *p = data;
	size_t len = (n + 2) / 3 * 4;
	char *out = arena_alloc(a, len + 1), *o = out;
	for (size_t i = 0; i < n; i += 3, o += 4) {
		size_t left = n - i;
		uint32_t x = (uint32_t)p[i] << 16;
		x |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		x |= left > 2 ? p[i + 2] : 0;
		o[0] = base64_digits[x >> 18];
		o[1] = base64_digits[x >> 12 & 63];
		o[2] = left > 1 ? base64_digits[x >> 6 & 63] : '=';
		o[3] = left > 2 ? base64_digits[x & 63] : '=';
	}
	return (struct str){out, len};
}

static int digit_of(char c)
{
	const char *at = c ? strchr(base64_digits, c) : NULL;
	return at ? (int)(at - base64_digits) : -1;
}

/* Accepts white space anywhere, as programs that wrap lines add it. */
bool base64_decode(struct arena *a, struct str s, struct str *out)
{
	unsigned char *p = arena_alloc(a, s.n / 4 * 3 + 4);
	size_t n = 0, digits = 0, pad = 0;
	uint32_t x = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
			continue;
		int d = c == '=' ? 0 : digit_of(c);
		if (d < 0 || (pad && c != '='))
			return false;
		pad += c == '=';
		x = x << 6 | (uint32_t)d;
		if (++digits % 4 == 0) {
			p[n++] = (unsigned char)(x >> 16);
			p[n++] = (unsigned char)(x >> 8);
			p[n++] = (unsigned char)x;
		}
	}
	if (digits % 4 || pad > 2 || pad > digits)
		return false;
	uint32_t unused = pad == 2 ? x & 0xffff : pad == 1 ? x & 0xff : 0;
	if (unused)
		return false;
	n -= pad;
	p[n] = 0;
	*out = (struct str){(const char *)p, n};
	return true;
}
