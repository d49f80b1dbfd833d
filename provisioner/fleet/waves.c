/* SPDX-License-Identifier: MIT
 *
 * Rollout in waves: sizes and the failure budget, as pure functions.
 */
#include "fleet/fleet.h"

static size_t wave_size(const struct value *v, size_t n)
{
	int64_t size = 0;
	if (v->type == VALUE_INT)
		size = v->i;
	else if (v->type == VALUE_STR) {
		char *end;
		long k = strtol(v->s.p, &end, 10);
		size = *end == '%' ? (int64_t)n * k / 100 : k;
	}
	if (size < 1)
		size = 1; /* a small percentage of few hosts is still one host, as in Ansible */
	return (size_t)size;
}

size_t *waves(struct arena *a, const struct value *serial, size_t n, size_t *count)
{
	size_t *sizes = ARENA_ARRAY(a, size_t, n + 1);
	size_t left = n, k = 0;
	while (left > 0) {
		size_t size = left;
		if (serial && serial->type == VALUE_LIST && serial->list.n) {
			size_t i = k < serial->list.n ? k : serial->list.n - 1;
			size = wave_size(serial->list.v[i], n);
		}
		if (size > left)
			size = left;
		sizes[k++] = size;
		left -= size;
	}
	*count = k;
	return sizes;
}

bool wave_goes_on(size_t wave_hosts, size_t wave_failed, size_t play_hosts, size_t play_failed,
	int max_percent, bool any_errors_fatal)
{
	if (any_errors_fatal && wave_failed)
		return false;
	if (wave_hosts && wave_failed == wave_hosts)
		return false;
	if (max_percent >= 0 && play_hosts)
		return play_failed * 100 <= (size_t)max_percent * play_hosts;
	return true;
}
