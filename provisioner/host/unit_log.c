/* SPDX-License-Identifier: MIT
 *
 * Reads a unit's lines since a given time from systemd's journal and from its log file. Where
 * neither exists there are no lines; never an error.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/args.h"
#include "host/regex.h"
#include "host/unit_log.h"

enum {
	ASK_S = 10,
	LOG_LINES = 2000,
	LINE_MAX = 400,
	WORDS_LINES = 6,
	STAMP_MAX = 64,
	TAIL_MAX = 256 << 10
};
#define TROUBLE "(?i)warn|err|fatal|panic|fail|refus|invalid|cannot|can't|unable|bad "

/* By time, not by cursor: journalctl of systemd 252 takes the first line that matches a filter for
 * the cursor's own, and drops it. */
static const char *journal_since(struct host *h, int64_t us)
{
	if (!systemd_runs() || !program_there("journalctl"))
		return NULL;
	return arena_printf(
		h->a, "@%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
}

struct unit_log unit_log_open(struct host *h, const char *unit, const char *file)
{
	struct stat st;
	return (struct unit_log){.unit = unit,
		.since = journal_since(h, clock_us(CLOCK_REALTIME)),
		.file = file,
		.at = file && lstat(file, &st) == 0 ? st.st_size : 0,
		.stamp = ""};
}

struct unit_log unit_log_from(struct host *h, const char *unit, const char *file, int64_t us)
{
	int64_t then = clock_us(CLOCK_REALTIME) - (clock_us(CLOCK_MONOTONIC) - us);
	time_t s = (time_t)(then / 1000000);
	char *stamp = arena_calloc(h->a, STAMP_MAX, 1);
	struct tm tm;
	strftime(stamp, STAMP_MAX, "%Y-%m-%d %H:%M:%S", localtime_r(&s, &tm));
	return (struct unit_log){
		.unit = unit, .since = journal_since(h, then), .file = file, .stamp = stamp};
}

/* The daemon owns the log; with root's rights it must not make us read other files. */
static struct str file_tail(struct host *h, const struct unit_log *log)
{
	int fd = log->file ? open(log->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	struct str text = str_c("");
	struct stat st;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		int64_t from = log->at <= st.st_size ? log->at : 0; /* rotated: a new file */
		if (from < st.st_size - TAIL_MAX)
			from = st.st_size - TAIL_MAX;
		char *p = arena_calloc(h->a, TAIL_MAX + 1, 1);
		ssize_t n = pread(fd, p, TAIL_MAX, from);
		text = (struct str){p, n > 0 ? (size_t)n : 0};
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static void add_file_lines(struct host *h, const struct unit_log *log, struct buf *b)
{
	struct str rest = file_tail(h, log);
	size_t stamp = strlen(log->stamp);
	struct line line;
	while (line_next(&rest, &line)) {
		if (line.n < stamp || memcmp(line.p, log->stamp, stamp) < 0)
			continue;
		buf_add(b, line.p, line.n);
		buf_addc(b, '\n');
	}
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

struct str unit_log_lines(struct host *h, struct unit_log *log)
{
	struct str journal = journal_lines(h, log);
	struct buf b;
	if (!log->file)
		return journal;
	buf_init(&b, journal.n + TAIL_MAX + 2);
	buf_add(&b, journal.p, journal.n);
	if (journal.n && journal.p[journal.n - 1] != '\n')
		buf_addc(&b, '\n');
	add_file_lines(h, log, &b);
	struct str all = buf_str(h->a, &b);
	buf_free(&b);
	return all;
}

/* Matching lines without duplicates, the latest first. */
static size_t find_matching(
	struct host *h, struct str text, const char *pattern, const char **out, size_t max)
{
	struct err ignored = {0};
	struct pattern *trouble = pattern_compile(h->a, str_c(pattern), 0, &ignored);
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
