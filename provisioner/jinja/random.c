/* SPDX-License-Identifier: MIT
 *
 * Python's random.Random with a seed; gives the same numbers: a Mersenne Twister (MT19937,
 * Matsumoto and Nishimura 1998) seeded as in CPython. So `59 | random(seed=inventory_hostname)`
 * gives the same minute as in Ansible. Not for secrets.
 */
#include <openssl/sha.h>
#include "jinja/call.h"

enum { N = 624, M = 397 };

static void seed_one(struct python_random *r, uint32_t s)
{
	r->mt[0] = s;
	for (int i = 1; i < N; i++)
		r->mt[i] = 1812433253u * (r->mt[i - 1] ^ r->mt[i - 1] >> 30) + (uint32_t)i;
	r->i = N;
}

static void seed_array(struct python_random *r, const uint32_t *key, size_t n)
{
	int i = 1;
	size_t j = 0;
	seed_one(r, 19650218u);
	for (size_t k = n > N ? n : N; k; k--) {
		uint32_t before = r->mt[i - 1];
		r->mt[i] = (r->mt[i] ^ (before ^ before >> 30) * 1664525u) + key[j] + (uint32_t)j;
		if (++i >= N) {
			r->mt[0] = r->mt[N - 1];
			i = 1;
		}
		if (++j >= n)
			j = 0;
	}
	for (int k = N - 1; k; k--) {
		uint32_t before = r->mt[i - 1];
		r->mt[i] = (r->mt[i] ^ (before ^ before >> 30) * 1566083941u) - (uint32_t)i;
		if (++i >= N) {
			r->mt[0] = r->mt[N - 1];
			i = 1;
		}
	}
	r->mt[0] = 0x80000000u;
}

void random_seed_int(struct python_random *r, uint64_t seed)
{
	uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
	seed_array(r, key, key[1] ? 2 : 1);
}

enum { SEED_MAX = 4096 };

/* The key is the text followed by its SHA-512, as one large integer. */
void random_seed_text(struct python_random *r, struct str seed)
{
	unsigned char bytes[SEED_MAX + SHA512_DIGEST_LENGTH];
	uint32_t key[sizeof(bytes) / 4 + 1] = {0};
	size_t n = seed.n < SEED_MAX ? seed.n : SEED_MAX, words;
	memcpy(bytes, seed.p, n);
	SHA512((const unsigned char *)seed.p, n, bytes + n);
	n += SHA512_DIGEST_LENGTH;
	for (size_t i = 0; i < n; i++) /* the last byte is the least significant */
		key[i / 4] |= (uint32_t)bytes[n - 1 - i] << i % 4 * 8;
	for (words = (n + 3) / 4; words > 1 && !key[words - 1];)
		words--;
	seed_array(r, key, words);
}

static uint32_t next_word(struct python_random *r)
{
	if (r->i >= N) {
		for (int k = 0; k < N; k++) {
			uint32_t y = (r->mt[k] & 0x80000000u) | (r->mt[(k + 1) % N] & 0x7fffffffu);
			r->mt[k] = r->mt[(k + M) % N] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
		}
		r->i = 0;
	}
	uint32_t y = r->mt[r->i++];
	y ^= y >> 11;
	y ^= y << 7 & 0x9d2c5680u;
	y ^= y << 15 & 0xefc60000u;
	return y ^ y >> 18;
}

static uint64_t next_bits(struct python_random *r, int k)
{
	if (k <= 32)
		return next_word(r) >> (32 - k);
	uint64_t low = next_word(r);
	return low | (uint64_t)(next_word(r) >> (64 - k)) << 32;
}

uint64_t random_below(struct python_random *r, uint64_t n)
{
	int k = 0;
	uint64_t x;
	if (!n)
		return 0;
	while (k < 64 && n >> k)
		k++;
	do
		x = next_bits(r, k);
	while (x >= n);
	return x;
}
