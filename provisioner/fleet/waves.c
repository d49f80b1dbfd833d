/* SPDX-License-Identifier: MIT
 *
 * Sizes of waves and the failure budget, as pure functions.
 */
#include "fleet/fleet.h"

/* Rounded down, but at least one host, as in Ansible. */
static size_t wave_size(const struct share *s, size_t hosts, size_t left)
{
	double n = s->percent ? s->n / 100.0 * (double)hosts : s->n;
	if (s->percent && n < 1)
		n = 1;
	return n < 1 || n > (double)left ? left : (size_t)n;
}

size_t *waves(struct arena *a, const struct share *serial, size_t n, size_t hosts, size_t *count)
{
	size_t *sizes = ARENA_ARRAY(a, size_t, hosts + 1);
	size_t left = hosts, k = 0;
	while (left > 0) {
		const struct share *s = n ? &serial[k < n ? k : n - 1] : NULL;
		sizes[k] = s ? wave_size(s, hosts, left) : left;
		left -= sizes[k++];
	}
	*count = k;
	return sizes;
}

bool play_watched(const struct play *p)
{
	return !p->own_pace && (p->any_errors_fatal || p->max_fail_percentage >= 0);
}

bool wave_in_budget(const struct play *p, size_t hosts, size_t failed)
{
	if (!play_watched(p) || !failed)
		return true;
	if (p->any_errors_fatal)
		return false;
	return p->max_fail_percentage < 0 ||
	       (double)failed / (double)hosts <= p->max_fail_percentage / 100.0;
}

bool wave_goes_on(size_t hosts, size_t failed)
{
	return failed < hosts;
}
