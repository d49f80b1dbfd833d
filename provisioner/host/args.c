/* SPDX-License-Identifier: MIT
 *
 * Argument vectors that grow, lines of text, and the end of a program's output. Knows no tool.
 */
#include <unistd.h>
#include "host/args.h"

void args_add(struct arena *a, struct args *args, const char *word)
{
	PUSH(a, args->v, args->n, args->cap, word);
	PUSH(a, args->v, args->n, args->cap, NULL);
	args->n--;
}

void args_addf(struct arena *a, struct args *args, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	args_add(a, args, arena_vprintf(a, fmt, ap));
	va_end(ap);
}

bool line_next(struct str *rest, struct line *line)
{
	if (rest->n == 0)
		return false;
	const char *end = memchr(rest->p, '\n', rest->n);
	line->p = rest->p;
	line->n = end ? (size_t)(end - rest->p) : rest->n;
	size_t used = line->n + (end != NULL);
	rest->p += used;
	rest->n -= used;
	return true;
}

bool line_is_blank(struct line line)
{
	for (size_t i = 0; i < line.n; i++)
		if (!memchr(" \t\r\f\v", line.p[i], 5))
			return false;
	return true;
}

const char *last_words(struct arena *a, struct str said, size_t max)
{
	struct str s = str_trim(a, said);
	if (s.n == 0)
		return "it printed nothing";
	const char *p = s.n > max ? s.p + s.n - max : s.p;
	const char *next = p > s.p ? strchr(p, '\n') : NULL;
	if (next && p[-1] != '\n') /* begins at a line, not in the middle of one */
		p = next + 1;
	while (((unsigned char)*p & 0xc0) == 0x80) /* begins at a character, not inside one */
		p++;
	struct buf b;
	struct line line;
	struct str rest = str_c(p);
	buf_init(&b, 3 * max);
	while (line_next(&rest, &line)) {
		if (line_is_blank(line))
			continue;
		if (b.n)
			buf_adds(&b, "; ");
		buf_add(&b, line.p, line.n);
	}
	const char *out = buf_str(a, &b).p;
	buf_free(&b);
	return out;
}

bool run_with(struct host *h, const char *const *argv, struct str input, struct proc_result *r,
	struct err *e)
{
	struct proc p = {.argv = argv, .uid = (uid_t)-1, .input = input};
	if (!proc_run(h->a, &p, r, e))
		return false;
	if (r->timed_out)
		return err_set(e, ERR_TRANSIENT, "%s timed out after %d s", argv[0], r->limit_s);
	return true;
}

bool program_there(const char *name)
{
	static const char *const folders[] = {
		"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};
	char path[256];
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		int n = snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (n > 0 && (size_t)n < sizeof(path) && access(path, X_OK) == 0)
			return true;
	}
	return false;
}
