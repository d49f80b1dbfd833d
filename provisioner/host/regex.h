/* SPDX-License-Identifier: MIT
 *
 * Python's regular expressions on a host that has only the C library: translated into POSIX
 * extended ones (regcomp, in the C locale, so bytes as in Ansible). Constructs without a
 * counterpart are refused by name: look-around, backreferences inside a pattern, atomic groups. Of
 * several matches at one place the longest counts (POSIX), not the first alternative (Python).
 *
 *   p = pattern_compile(a, text, 0, e); ... pattern_search(p, line, false, spans) ...;
 * pattern_free(p);
 */
#pragma once
#include "value/value.h"

enum { PATTERN_GROUPS = 10, PATTERN_MAX = 4096 };
enum pattern_flags {
	/* the caller uses the matched text, not only whether there is a match: lazy quantifiers are
	 * refused */
	PATTERN_SPANS = 1,
	/* a whole text: ^ and $ match at every line, as with re.MULTILINE */
	PATTERN_LINES = 2,
	/* '.' matches newlines too, as with re.DOTALL */
	PATTERN_DOTALL = 4,
};
struct span { /* bytes from..to; from -1: the group did not take part */
	ssize_t from, to;
};
struct pattern;
/* NULL: e holds what is wrong or not supported (ERR_CONFIG). */
struct pattern *pattern_compile(struct arena *a, struct str text, unsigned flags, struct err *e);
void pattern_free(struct pattern *p); /* NULL is allowed */
/* Searches s (up to its NUL). spans may be NULL. inside: s does not start a line. */
bool pattern_search(
	const struct pattern *p, const char *s, bool inside, struct span spans[PATTERN_GROUPS]);
/* Appends a replacement with \1, \g<1>, \g<name>, \n, \t inserted. */
bool pattern_expand(const struct pattern *p, struct str template, const char *s,
	const struct span spans[PATTERN_GROUPS], struct buf *out, struct err *e);
/* For a type's check: reports a parameter that is not a supported pattern. */
bool pattern_check(const struct value *params, const char *key, unsigned flags, struct errs *errs);
