/* SPDX-License-Identifier: MIT
 *
 * The hash of the hash tables: SipHash-1-3 with a random key per process, so that no input can
 * cause many collisions. It differs in each run: do not store it or sort by it.
 */
#include <endian.h>
#include <sys/random.h>
#include "base/base.h"

static uint64_t rotate_left(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate_left(v[1], 13) ^ v[0];
	v[3] = rotate_left(v[3], 16) ^ v[2];
	v[0] = rotate_left(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate_left(v[1], 17) ^ v[2];
	v[3] = rotate_left(v[3], 21) ^ v[0];
	v[2] = rotate_left(v[2], 32);
}

static const uint64_t *process_key(void)
{
	static uint64_t key[2];
	static bool drawn;
	if (!drawn) {
		/* no entropy yet, early in a boot: use the time instead; collisions would only be
		 * slow */
		if (getrandom(key, sizeof(key), GRND_NONBLOCK) != (ssize_t)sizeof(key))
			key[0] = (uint64_t)time(NULL);
		drawn = true;
	}
	return key;
}

/* The last n bytes (n < 8) of `all`, as a little-endian number. If `all` has eight bytes or more,
 * one read of the last eight is enough. */
static uint64_t read_tail(const unsigned char *p, size_t n, size_t all)
{
	uint64_t x = 0;
	if (n && all >= sizeof(x)) {
		memcpy(&x, p + n - sizeof(x), sizeof(x));
		return le64toh(x) >> (8 * (sizeof(x) - n));
	}
	for (size_t i = 0; i < n; i++)
		x |= (uint64_t)p[i] << (8 * i);
	return x;
}

uint64_t hash64(const void *data, size_t n)
{
	const unsigned char *p = data;
	const uint64_t *key = process_key();
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
	size_t left = n;
	for (; left >= 8; p += 8, left -= 8) {
		uint64_t m;
		memcpy(&m, p, sizeof(m));
		m = le64toh(m);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	uint64_t last = read_tail(p, left, n) | (uint64_t)n << 56;
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
