/* SPDX-License-Identifier: MIT
 *
 * Arenas: what they hand out is zeroed, aligned and nobody else's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "base/base.h"
#include <cmocka.h>

static void arena_hands_out_zeroed_memory(void **state)
{
	(void)state;
	struct arena *own = arena_new();
	for (size_t n = 0; n < 3000; n++) {
		unsigned char *p = arena_alloc(own, n);
		assert_int_equal((uintptr_t)p % 8, 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		if (n)
			memset(p, 0xff, n);
	}
	memset(arena_alloc(own, 5 << 20), 0xff, 5 << 20);
	assert_int_equal(arena_size(own), 3000 * 2999 / 2 + (5 << 20));
	arena_free(own);
	arena_free(NULL);
}

/* Chunks of an arena that ended serve the next ones: wiped, and each in one arena only. */
static void arenas_share_nothing_with_those_before(void **state)
{
	enum { MANY = 40, BYTES = 30000 };
	struct arena *v[MANY];
	unsigned char *p[MANY];
	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			v[i] = arena_new();
			for (int n = 0; n < 2; n++) {
				p[i] = arena_alloc(v[i], BYTES / (i + 1));
				for (int at = 0; at < BYTES / (i + 1); at++)
					assert_int_equal(p[i][at], 0);
				memset(p[i], 0xff, BYTES / (i + 1));
			}
		}
		for (int i = 0; i < MANY; i++)
			for (int k = 0; k < MANY; k++)
				assert_int_equal(arena_owns(v[k], p[i]), i == k);
		for (int i = 0; i < MANY; i++)
			arena_free(v[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_hands_out_zeroed_memory),
		cmocka_unit_test(arenas_share_nothing_with_those_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
