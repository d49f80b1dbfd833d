/* SPDX-License-Identifier: MIT
 *
 * Reads a unit's lines from systemd's journal, from a moment on. Where no journal is kept there are
 * no lines; never an error.
 */
#include "resource/args.h"
#include "resource/pattern.h"
#include "resource/unit_log.h"

enum { ASK_S = 10, LOG_LINES = 2000, LINE_MAX = 400, WORDS_LINES = 6 };
#define TROUBLE "(?i)warn|err|fatal|panic|fail|refus|invalid|cannot|can't|unable|bad "

static int64_t clock_us(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* By time, not by cursor: journalctl of systemd 252 takes the first line that matches a filter for
 * the cursor's own, and drops it. */
static struct unit_log log_since(struct host *h, const char *unit, int64_t ago_us)
{
	struct unit_log log = {unit, NULL};
	if (!systemd_runs() || !program_there("journalctl"))
		return log;
	int64_t us = clock_us(CLOCK_REALTIME) - ago_us;
	log.since = arena_printf(
		h->a, "@%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
	return log;
}

struct unit_log unit_log_open(struct host *h, const char *unit)
{
	return log_since(h, unit, 0);
}

struct unit_log unit_log_from(struct host *h, const char *unit, int64_t us)
{
	return log_since(h, unit, clock_us(CLOCK_MONOTONIC) - us);
}

/* A journal that hangs is asked once: it must not hold up who is to put a daemon right. */
static struct str ask(struct host *h, struct unit_log *log, const char *const *argv)
{
	struct proc p = {.argv = argv, .uid = (uid_t)-1, .timeout_s = ASK_S};
	struct proc_result r = {0};
	struct err ignored = {0};
	bool ran = log->since && proc_run(h->a, &p, &r, &ignored);
	if (ran && r.timed_out)
		log->since = NULL;
	return ran && !r.timed_out && r.status == 0 ? r.out : str_c("");
}

struct str unit_log_lines(struct host *h, struct unit_log *log)
{
	const char *sync[] = {"journalctl", "--sync", NULL};
	struct args argv = {0};
	ask(h, log, sync); /* else the last lines may be missing */
	if (!log->since)
		return str_c("");
	args_add(h->a, &argv, "journalctl");
	args_add(h->a, &argv, "--quiet");
	args_add(h->a, &argv, "--no-pager");
	args_add(h->a, &argv, "--output=cat");
	args_addf(h->a, &argv, "--lines=%d", LOG_LINES);
	args_addf(h->a, &argv, "--since=%s", log->since);
	if (log->unit)
		args_addf(h->a, &argv, "--unit=%s", log->unit);
	else
		args_add(h->a, &argv, "--priority=warning");
	if (log->unit && !strchr(log->unit, '.') && !strchr(log->unit, '@'))
		args_addf(h->a, &argv, "--unit=%s@*", log->unit);
	return ask(h, log, argv.v);
}

/* Lines that tell of trouble, each once, the latest first. */
static size_t troubled(struct host *h, struct str text, const char **out, size_t max)
{
	struct err ignored = {0};
	struct pattern *trouble = pattern_compile(h->a, str_c(TROUBLE), 0, &ignored);
	const char **all = ARENA_ARRAY(h->a, const char *, LOG_LINES + 1);
	struct line line;
	size_t n = 0, kept = 0;
	while (trouble && n < LOG_LINES && line_next(&text, &line)) {
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

const char *unit_log_words(struct host *h, struct unit_log *log, size_t max)
{
	const char *lines[WORDS_LINES];
	size_t n = troubled(h, unit_log_lines(h, log), lines, WORDS_LINES), first = 0, used = 0;
	struct buf b;
	if (n == 0)
		return "no complaint in its journal";
	while (first < n && (first == 0 || used + strlen(lines[first]) + 2 <= max))
		used += strlen(lines[first++]) + 2;
	buf_init(&b, used + 1);
	while (first-- > 0)
		buf_addf(&b, "%s%s", lines[first], first ? "; " : "");
	const char *words = buf_str(h->a, &b).p;
	buf_free(&b);
	return words;
}
