/* SPDX-License-Identifier: MIT
 *
 * SHA-1 (FIPS 180-4): the checksum of Ansible's stat module. Implemented here because the agent
 * links only libc. Not used where a collision would help an attacker.
 */
#include "base/base.h"

static uint32_t rotate_left(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

static void schedule_words(uint32_t w[80], const unsigned char *p)
{
	for (int i = 0; i < 16; i++, p += 4)
		w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	for (int i = 16; i < 80; i++)
		w[i] = rotate_left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
}

/* The function and constant of a round: sections 4.1.1 and 4.2.1. */
static uint32_t mix_words(int round, uint32_t b, uint32_t c, uint32_t d)
{
	if (round < 20)
		return ((b & c) ^ (~b & d)) + 0x5a827999;
	if (round < 40)
		return (b ^ c ^ d) + 0x6ed9eba1;
	if (round < 60)
		return ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1bbcdc;
	return (b ^ c ^ d) + 0xca62c1d6;
}

static void compress_block(uint32_t h[5], const unsigned char *p)
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
	schedule_words(w, p);
	for (int i = 0; i < 80; i++) {
		uint32_t next = rotate_left(a, 5) + mix_words(i, b, c, d) + e + w[i];
		e = d;
		d = c;
		c = rotate_left(b, 30);
		b = a;
		a = next;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

void sha1_init(struct sha1 *s)
{
	*s = (struct sha1){.h = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
}

void sha1_add(struct sha1 *s, const void *data, size_t n)
{
	const unsigned char *p = data;
	while (n) {
		size_t have = s->len % 64, part = n < 64 - have ? n : 64 - have;
		memcpy(s->block + have, p, part);
		s->len += part;
		p += part;
		n -= part;
		if (have + part == 64)
			compress_block(s->h, s->block);
	}
}

void sha1_end(struct sha1 *s, unsigned char out[SHA1_LEN])
{
	static const unsigned char padding[64] = {0x80};
	unsigned char length[8];
	uint64_t bits = s->len * 8;
	size_t have = s->len % 64;
	for (int i = 0; i < 8; i++)
		length[i] = (unsigned char)(bits >> (56 - 8 * i));
	sha1_add(s, padding, have < 56 ? 56 - have : 120 - have);
	sha1_add(s, length, sizeof(length));
	for (int i = 0; i < SHA1_LEN; i++)
		out[i] = (unsigned char)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}
