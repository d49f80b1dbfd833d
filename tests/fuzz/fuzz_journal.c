/* SPDX-License-Identifier: MIT
 *
 * Fuzzes what the agent reads back of its own journal: a line that is taken is the same when it is
 * written and read again, and whatever a journal holds, the last run of it can be told.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/provision-fuzz-XXXXXX";
static char file[sizeof(dir) + 32];

static void remove_folder(void)
{
	unlink(file);
	*strrchr(file, '/') = 0;
	rmdir(file);
	rmdir(dir);
}

static void make_folder(void)
{
	if (*file)
		return;
	if (!mkdtemp(dir))
		panic("cannot make %s", dir);
	snprintf(file, sizeof(file), "%s/journal", dir);
	if (mkdir(file, 0700) != 0 || atexit(remove_folder) != 0)
		panic("cannot make %s", file);
	snprintf(file, sizeof(file), "%s/journal/20260101T000000.jsonl", dir);
}

static void read_line(struct arena *a, struct str text)
{
	struct value *line, *again;
	struct buf b;
	if (!journal_parse(a, text, &line) || !str_utf8(text)) /* which is written as it is not */
		return;
	buf_init(&b, 1 << 24);
	json_write(&b, line);
	if (!journal_parse(a, buf_str(a, &b), &again) || !value_equal(line, again))
		panic("another line is read back: %.*s", (int)b.n, b.p);
	buf_free(&b);
}

static void read_last(struct arena *a, const uint8_t *data, size_t size)
{
	struct last_run last;
	int fd;
	make_folder();
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || !write_all(fd, data, size))
		panic("cannot write %s", file);
	close(fd);
	if (!journal_last(a, dir, &last))
		panic("a journal without a run");
	if (strcmp(last.status, "done") != 0 && strcmp(last.status, "failed") != 0 &&
		strcmp(last.status, "interrupted") != 0)
		panic("the status '%s'", last.status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	read_line(a, str_dup(a, (const char *)data, size));
	read_last(a, data, size);
	arena_free(a);
	return 0;
}
