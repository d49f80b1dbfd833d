/* SPDX-License-Identifier: MIT
 *
 * Strings with a length. Independent of the locale: letters, white space and order are ASCII's.
 */
#include <stdint.h>
#include "base/base.h"

enum { NEAREST_MAX = 64 }; /* words longer than this get no suggestion */

struct str str_c(const char *s)
{
	if (!s)
		panic("str_c(NULL)");
	return (struct str){s, strlen(s)};
}

struct str str_dup(struct arena *a, const char *p, size_t n)
{
	char *copy = arena_alloc(a, n + 1);
	if (n)
		memcpy(copy, p, n);
	copy[n] = 0;
	return (struct str){copy, n};
}

struct str str_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct str s = str_c(arena_vprintf(a, fmt, ap));
	va_end(ap);
	return s;
}

struct str str_between(struct arena *a, const char *before, struct str s, const char *after)
{
	size_t left = strlen(before), right = strlen(after);
	char *p = arena_alloc(a, left + s.n + right + 1);
	memcpy(p, before, left);
	memcpy(p + left, s.p, s.n);
	memcpy(p + left + s.n, after, right + 1);
	return (struct str){p, left + s.n + right};
}

bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* a fast test first: in lists of words nearly all differ in the first byte */
bool str_is(struct str a, const char *s)
{
	for (size_t i = 0; i < a.n; i++)
		if (s[i] == 0 || s[i] != a.p[i])
			return false;
	return s[a.n] == 0;
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	if (c)
		return c < 0 ? -1 : 1;
	return (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, const char *prefix)
{
	for (size_t i = 0; prefix[i]; i++)
		if (i == s.n || s.p[i] != prefix[i])
			return false;
	return true;
}

bool str_ends(struct str s, const char *suffix)
{
	size_t n = strlen(suffix);
	return s.n >= n && (n == 0 || memcmp(s.p + s.n - n, suffix, n) == 0);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct arena *a, struct str s)
{
	size_t from = 0, to = s.n;
	while (from < to && is_space(s.p[from]))
		from++;
	while (to > from && is_space(s.p[to - 1]))
		to--;
	if (from == 0 && to == s.n)
		return s;
	return str_dup(a, s.p + from, to - from);
}

/* Edit distance in which a swap of two neighbours counts once (optimal string alignment). */
static size_t measure_distance(const char *a, size_t an, const char *b, size_t bn)
{
	size_t rows[3][NEAREST_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	for (size_t j = 0; j <= bn; j++)
		last[j] = j;
	for (size_t i = 1; i <= an; i++) {
		now[0] = i;
		for (size_t j = 1; j <= bn; j++) {
			size_t d = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < d)
				d = last[j] + 1;
			if (now[j - 1] + 1 < d)
				d = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < d)
				d = before[j - 2] + 1;
			now[j] = d;
		}
		size_t *spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[bn];
}

const char *str_nearest(const char *word, const char *const *words)
{
	size_t n = strlen(word), best = n < 6 ? 1 : n / 3;
	const char *found = NULL;
	if (n == 0 || n > NEAREST_MAX)
		return NULL;
	for (; *words; words++) {
		size_t m = strlen(*words);
		if (m == 0 || m > NEAREST_MAX)
			continue;
		size_t d = measure_distance(word, n, *words, m);
		/* that many changes can turn any word into any other */
		if (d < m && (d < best || (d == best && !found))) {
			best = d;
			found = *words;
		}
	}
	return found;
}

/* Length of the well-formed sequence at p; 0: none (RFC 3629, section 4). */
static size_t measure_sequence(const unsigned char *p, size_t n)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t len;
	if (p[0] < 0x80)
		return p[0] ? 1 : 0;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0; /* overlong below */
	else if (p[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (n < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

size_t str_utf8_len(const char *p, size_t n)
{
	return n ? measure_sequence((const unsigned char *)p, n) : 0;
}

struct str str_no_bom(struct str s)
{
	return str_starts(s, "\xef\xbb\xbf") ? (struct str){s.p + 3, s.n - 3} : s;
}

bool str_utf8(struct str s)
{
	for (size_t i = 0, len; i < s.n; i += len) {
		len = str_utf8_len(s.p + i, s.n - i);
		if (len == 0)
			return false;
	}
	return true;
}

bool word_in(const char *words, struct str word)
{
	while (words && *words) {
		size_t n = strcspn(words, " ");
		if (n && n == word.n && memcmp(words, word.p, n) == 0)
			return true;
		words += n;
		words += strspn(words, " ");
	}
	return false;
}

int compare_names(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

const char **split_commas(struct arena *a, const char *s)
{
	const char **out = NULL;
	size_t n = 0, cap = 0;
	if (!s)
		return NULL;
	while (*s) {
		size_t len = strcspn(s, ",");
		struct str word = str_trim(a, str_dup(a, s, len));
		if (word.n)
			PUSH(a, out, n, cap, word.p);
		s += len + (s[len] == ',');
	}
	PUSH(a, out, n, cap, NULL);
	return out;
}
