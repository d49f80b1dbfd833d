/* SPDX-License-Identifier: MIT
 *
 * A log file of the daemon's own as a place for messages.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/args.h"
#include "host/logs.h"

enum { STAMP_MAX = 64, TAIL_MAX = 256 << 10 };

static void begin_file(struct host *h, struct unit_log *log, int64_t us)
{
	time_t s = (time_t)(us / 1000000);
	struct stat st;
	struct tm tm;
	log->stamp = "";
	if (us == 0) {
		log->at = log->file && lstat(log->file, &st) == 0 ? st.st_size : 0;
		return;
	}
	char *stamp = arena_calloc(h->a, STAMP_MAX, 1);
	strftime(stamp, STAMP_MAX, "%Y-%m-%d %H:%M:%S", localtime_r(&s, &tm));
	log->stamp = stamp;
}

static bool has_file(const struct unit_log *log)
{
	return log->file != NULL;
}

/* The daemon owns the log; with root's rights it must not make us read other files. */
static struct str file_tail(struct host *h, const struct unit_log *log)
{
	int fd = open(log->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
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

static struct str file_lines(struct host *h, struct unit_log *log)
{
	struct str rest = file_tail(h, log);
	size_t stamp = strlen(log->stamp);
	struct line line;
	struct buf b;
	buf_init(&b, TAIL_MAX + 1);
	while (line_next(&rest, &line)) {
		if (line.n < stamp || memcmp(line.p, log->stamp, stamp) < 0)
			continue;
		buf_add(&b, line.p, line.n);
		buf_addc(&b, '\n');
	}
	struct str lines = buf_str(h->a, &b);
	buf_free(&b);
	return lines;
}

const struct log_backend log_backend_file = {
	.begin = begin_file,
	.has = has_file,
	.lines = file_lines,
};
