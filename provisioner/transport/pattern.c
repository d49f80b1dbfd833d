/* SPDX-License-Identifier: MIT
 *
 * Host patterns of known_hosts and ssh_config. Compares names as text, without look-up.
 */
#include <ctype.h>
#include "transport/pattern.h"

bool pattern_matches(const char *p, size_t n, const char *name)
{
	const char *s = name, *end = p + n, *star = NULL, *again = NULL;
	while (*s) {
		if (p < end && *p == '*') {
			star = p++;
			again = s;
		} else if (p < end && (*p == '?' || tolower((unsigned char)*p) ==
							    tolower((unsigned char)*s))) {
			p++;
			s++;
		} else if (star) {
			p = star + 1;
			s = ++again;
		} else {
			return false;
		}
	}
	while (p < end && *p == '*')
		p++;
	return p == end;
}

bool pattern_list_matches(struct str list, const char *name)
{
	bool found = false;
	for (size_t at = 0; at < list.n;) {
		const char *p = list.p + at, *comma = memchr(p, ',', list.n - at);
		size_t n = comma ? (size_t)(comma - p) : list.n - at;
		bool negated = n && *p == '!';
		if (pattern_matches(p + negated, n - negated, name)) {
			if (negated)
				return false;
			found = true;
		}
		at += n + 1;
	}
	return found;
}
