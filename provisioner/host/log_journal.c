/* SPDX-License-Identifier: MIT
 *
 * systemd's journal as a place for messages, by journalctl(1).
 */
#include "host/args.h"
#include "host/logs.h"
#include "host/systemd.h"

enum { ASK_S = 10, LOG_LINES = 2000 };

/* By time, not by cursor: journalctl of systemd 252 takes the first line that matches a filter for
 * the cursor's own, and drops it. */
static void begin_journal(struct host *h, struct unit_log *log, int64_t us)
{
	if (!systemd_runs() || !program_there("journalctl"))
		return;
	if (us == 0)
		us = clock_us(CLOCK_REALTIME);
	log->since = arena_printf(
		h->a, "@%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
}

static bool has_journal(const struct unit_log *log)
{
	return log->since != NULL;
}

/* A journal that hangs is asked only once: it must not delay a rollback. */
static struct str ask_journal(struct host *h, struct unit_log *log, const char *const *argv)
{
	struct proc p = {.argv = argv, .uid = (uid_t)-1, .timeout_s = ASK_S};
	struct proc_result r = {0};
	struct err ignored = {0};
	bool ran = log->since && proc_run(h->a, &p, &r, &ignored);
	if (ran && r.timed_out)
		log->since = NULL;
	return ran && !r.timed_out && r.status == 0 ? r.out : str_c("");
}

static struct str journal_lines(struct host *h, struct unit_log *log)
{
	const char *sync[] = {"journalctl", "--sync", NULL};
	struct args argv = {0};
	ask_journal(h, log, sync); /* otherwise the last lines may be missing */
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
	if (!log->unit && log->tag)
		args_addf(h->a, &argv, "--identifier=%s", log->tag);
	if (log->unit && !strchr(log->unit, '.') && !strchr(log->unit, '@'))
		args_addf(h->a, &argv, "--unit=%s@*", log->unit);
	return ask_journal(h, log, argv.v);
}

const char *journal_last_words(struct host *h, const char *unit, size_t max)
{
	const char *argv[] = {"journalctl", "--quiet", "--no-pager", "--output=cat", "--lines=20",
		"--unit", unit, NULL};
	struct proc_result r;
	struct err ignored = {0};
	if (!run_with(h, argv, (struct str){0}, &r, &ignored) || r.out.n == 0)
		return NULL;
	return last_words(h->a, r.out, max);
}

const struct log_backend log_backend_journal = {
	.begin = begin_journal,
	.has = has_journal,
	.lines = journal_lines,
};
