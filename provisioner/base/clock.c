/* SPDX-License-Identifier: MIT
 *
 * The time as integers. Cannot fail: the clocks used exist always.
 */
#include "base/base.h"

int64_t clock_us(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t now_ms(void)
{
	return clock_us(CLOCK_MONOTONIC) / 1000;
}
