/* SPDX-License-Identifier: MIT
 *
 * The places where messages are kept, and what is found in all of them. Where a host has none there
 * are no lines; never an error.
 */
#include "host/args.h"
#include "host/logs.h"
#include "host/regex.h"

enum { LINES_MAX = 2000, LINE_MAX = 400, WORDS_LINES = 6 };
#define TROUBLE "(?i)warn|err|fatal|panic|fail|refus|invalid|cannot|can't|unable|bad "

static const struct log_backend *const places[] = {&log_backend_journal, &log_backend_file};

static struct unit_log begin_log(struct host *h, const char *unit, const char *file, int64_t us)
{
	struct unit_log log = {.unit = unit, .file = file};
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		places[i]->begin(h, &log, us);
	return log;
}

struct unit_log unit_log_open(struct host *h, const char *unit, const char *file)
{
	return begin_log(h, unit, file, 0);
}

struct unit_log unit_log_from(struct host *h, const char *unit, const char *file, int64_t us)
{
	return begin_log(
		h, unit, file, clock_us(CLOCK_REALTIME) - (clock_us(CLOCK_MONOTONIC) - us));
}

bool unit_log_exists(const struct unit_log *log)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (places[i]->has(log))
			return true;
	return false;
}

static struct str join_lines(struct arena *a, struct str text, struct str more)
{
	struct buf b;
	buf_init(&b, text.n + more.n + 2);
	buf_add(&b, text.p, text.n);
	if (text.n && text.p[text.n - 1] != '\n')
		buf_addc(&b, '\n');
	buf_add(&b, more.p, more.n);
	struct str all = buf_str(a, &b);
	buf_free(&b);
	return all;
}

struct str unit_log_lines(struct host *h, struct unit_log *log)
{
	struct str all = str_c("");
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (places[i]->has(log))
			all = join_lines(h->a, all, places[i]->lines(h, log));
	return all;
}

/* Matching lines without duplicates, the latest first. */
static size_t find_matching(
	struct host *h, struct str text, const char *pattern, const char **out, size_t max)
{
	struct err ignored = {0};
	struct pattern *trouble = pattern_compile(h->a, str_c(pattern), 0, &ignored);
	const char **all = ARENA_ARRAY(h->a, const char *, LINES_MAX + 1);
	struct line line;
	size_t n = 0, kept = 0;
	while (trouble && n < LINES_MAX && line_next(&text, &line)) {
		all[n] = str_dup(h->a, line.p, line.n < LINE_MAX ? line.n : LINE_MAX).p;
		n += pattern_search(trouble, all[n], false, NULL);
	}
	while (n-- > 0 && kept < max) {
		bool again = false;
		for (size_t i = 0; i < kept && !again; i++)
			again = strcmp(out[i], all[n]) == 0;
		if (!again)
			out[kept++] = all[n];
	}
	pattern_free(trouble);
	return kept;
}

const char *unit_log_words(struct host *h, struct unit_log *log, const char *pattern, size_t max)
{
	const char *lines[WORDS_LINES];
	size_t n = find_matching(
		h, unit_log_lines(h, log), pattern ? pattern : TROUBLE, lines, WORDS_LINES);
	size_t first = 0, used = 0;
	struct buf b;
	if (n == 0)
		return NULL;
	while (first < n && (first == 0 || used + strlen(lines[first]) + 2 <= max))
		used += strlen(lines[first++]) + 2;
	buf_init(&b, used + 1);
	while (first-- > 0)
		buf_addf(&b, "%s%s", lines[first], first ? "; " : "");
	const char *words = buf_str(h->a, &b).p;
	buf_free(&b);
	return words;
}
