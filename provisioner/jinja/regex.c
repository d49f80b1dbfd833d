/* SPDX-License-Identifier: MIT
 *
 * Regular expressions in Python's dialect, by PCRE2. The work per match is limited, since pattern
 * and text may come from anyone. Compiled patterns are cached during the evaluation.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include "jinja/call.h"

enum { MATCH_LIMIT = 2000000, HEAP_LIMIT_KB = 64 << 10, PATTERN_MAX = 1 << 16 };

struct regex {
	struct str pattern;
	unsigned flags;
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
};

void regex_free(struct regex *r)
{
	pcre2_code_free(r->code);
	pcre2_match_data_free(r->match);
	pcre2_match_context_free(r->limits);
	free(r);
}

/* Python's \Z is PCRE2's \z; other differences do not matter in practice. */
static struct str to_pcre(struct arena *a, struct str p)
{
	char *copy = arena_alloc(a, p.n + 1);
	for (size_t i = 0; i < p.n; i++) {
		copy[i] = p.p[i];
		if (p.p[i] != '\\' || i + 1 >= p.n)
			continue;
		i++;
		copy[i] = p.p[i] == 'Z' ? 'z' : p.p[i];
	}
	return (struct str){copy, p.n};
}

static struct regex *compile_pattern(struct call *c, struct str pattern, unsigned flags)
{
	int code = 0;
	PCRE2_SIZE at = 0;
	uint32_t options = PCRE2_NEVER_BACKSLASH_C;
	if (str_utf8(pattern))
		options |= PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF;
	options |= flags & REGEX_IGNORECASE ? PCRE2_CASELESS : 0;
	options |= flags & REGEX_MULTILINE ? PCRE2_MULTILINE : 0;
	if (pattern.n > PATTERN_MAX)
		return call_fail(c, "this regular expression is too long"), NULL;
	struct str text = to_pcre(c->a, pattern);
	pcre2_code *re = pcre2_compile((PCRE2_SPTR)text.p, text.n, options, &code, &at, NULL);
	if (!re) {
		unsigned char why[200];
		pcre2_get_error_message(code, why, sizeof(why));
		call_fail(c, "the regular expression '" STR_FMT "' is wrong at character %zu: %s",
			STR_ARG(pattern), (size_t)at + 1, (char *)why);
		return NULL;
	}
	struct regex *r = calloc(1, sizeof(*r));
	if (!r)
		panic("out of memory");
	r->pattern = pattern;
	r->flags = flags;
	r->code = re;
	r->match = pcre2_match_data_create_from_pattern(re, NULL);
	r->limits = pcre2_match_context_create(NULL);
	if (!r->match || !r->limits)
		panic("out of memory");
	pcre2_set_match_limit(r->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(r->limits, HEAP_LIMIT_KB);
	return r;
}

struct regex *regex_get(struct call *c, struct str pattern, unsigned flags)
{
	struct jinja *in = c->in;
	unsigned kept = flags & (REGEX_IGNORECASE | REGEX_MULTILINE);
	for (size_t i = 0; i < in->regex_n; i++)
		if (in->regex[i]->flags == kept && str_eq(in->regex[i]->pattern, pattern))
			return in->regex[i];
	struct regex *r = compile_pattern(c, pattern, kept);
	if (!r)
		return NULL;
	if (in->regex_n == REGEX_CACHE) { /* replace the oldest */
		regex_free(in->regex[0]);
		memmove(in->regex, in->regex + 1, (REGEX_CACHE - 1) * sizeof(*in->regex));
		in->regex_n--;
	}
	return in->regex[in->regex_n++] = r;
}

int regex_match(struct call *c, struct regex *r, struct str s, size_t from, bool not_empty,
	struct regex_match *m)
{
	uint32_t options = not_empty ? PCRE2_NOTEMPTY_ATSTART : 0;
	int n = pcre2_match(r->code, (PCRE2_SPTR)s.p, s.n, from, options, r->match, r->limits);
	if (n == PCRE2_ERROR_NOMATCH)
		return 0;
	if (n < 0) {
		call_fail(c, "the regular expression '" STR_FMT "' needs too much work (%d)",
			STR_ARG(r->pattern), n);
		return -1;
	}
	m->at = pcre2_get_ovector_pointer(r->match);
	m->n = pcre2_get_ovector_count(r->match);
	return jinja_step(c->in, s.n - from, c->pos) ? 1 : -1;
}

int regex_group(struct regex *r, struct str name)
{
	bool is_int;
	int64_t i;
	double f;
	uint32_t groups = 0;
	if (text_number(name, &is_int, &i, &f) && is_int) {
		pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &groups);
		return i >= 0 && i <= (int64_t)groups ? (int)i : -1;
	}
	int n = pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)name.p);
	return n > 0 ? n : -1;
}
