/* SPDX-License-Identifier: MIT
 *
 * Runs programs for a resource type, and splits a command line into arguments. Never starts a
 * shell.
 */
#include "host/host.h"

enum { WORDS_MAX = 4096, SAID_MAX = 600 };

/* The last lines of a program's output on one line, as the reason for its failure. */
static const char *last_words(struct arena *a, const struct proc_result *r)
{
	struct str s = str_trim(a, r->err_out.n ? r->err_out : r->out);
	if (s.n == 0)
		return "it printed nothing";
	if (s.n > SAID_MAX)
		s = str_trim(a, str_c(s.p + s.n - SAID_MAX));
	char *line = arena_strdup(a, s.p);
	for (char *p = line; *p; p++)
		if (*p == '\n' || *p == '\r' || *p == '\t')
			*p = ' ';
	return line;
}

static bool run_checked(struct host *h, const struct proc *p, struct str *out, struct err *e)
{
	const char *const *argv = p->argv;
	struct proc_result r = {0};
	if (!proc_run(h->a, p, &r, e))
		return false;
	if (r.timed_out)
		return err_set(e, ERR_TRANSIENT, "%s timed out after %d s: %s", argv[0], r.limit_s,
			last_words(h->a, &r));
	if (r.status != 0)
		return err_set(e, ERR_PERMANENT, "%s failed (exit %d): %s", argv[0], r.status,
			last_words(h->a, &r));
	if (out)
		*out = r.out;
	return true;
}

bool run_program(struct host *h, const char *const *argv, struct str *out, struct err *e)
{
	return run_checked(h, &(struct proc){.argv = argv, .uid = (uid_t)-1}, out, e);
}

bool run_users_program(struct host *h, const char *const *argv, struct err *e)
{
	return run_checked(
		h, &(struct proc){.argv = argv, .uid = (uid_t)-1, .users = true}, NULL, e);
}

/* ---- words ---- */

struct splitter {
	const char *p, *end;
	struct buf word;
	bool open; /* a word has begun, perhaps an empty one: '' */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* p is after the backslash. At the end of a line it continues the line. */
static bool outside_escape(struct splitter *s, struct err *e)
{
	if (s->p == s->end)
		return err_set(e, ERR_CONFIG, "a command line ends in a backslash");
	if (*s->p != '\n') {
		buf_addc(&s->word, *s->p);
		s->open = true;
	}
	s->p++;
	return true;
}

static bool single_quoted(struct splitter *s, struct err *e)
{
	for (; s->p < s->end && *s->p != '\''; s->p++)
		buf_addc(&s->word, *s->p);
	if (s->p == s->end)
		return err_set(e, ERR_CONFIG, "a command line has an unclosed single quote (')");
	s->p++;
	return true;
}

static bool double_quoted(struct splitter *s, struct err *e)
{
	for (; s->p < s->end && *s->p != '"'; s->p++) {
		if (*s->p == '\\' && s->p + 1 < s->end && strchr("$`\"\\\n", s->p[1])) {
			s->p++;
			if (*s->p == '\n')
				continue;
		}
		buf_addc(&s->word, *s->p);
	}
	if (s->p == s->end)
		return err_set(e, ERR_CONFIG, "a command line has an unclosed double quote (\")");
	s->p++;
	return true;
}

/* Takes one character or quoted part of a word. */
static bool word_part(struct splitter *s, struct err *e)
{
	char c = *s->p++;
	if (c == '\\')
		return outside_escape(s, e);
	s->open = true;
	if (c == '\'')
		return single_quoted(s, e);
	if (c == '"')
		return double_quoted(s, e);
	if (c == 0)
		return err_set(e, ERR_CONFIG, "a command line contains a NUL character");
	buf_addc(&s->word, c);
	return true;
}

static bool split_text(
	struct arena *a, struct splitter *s, const char **argv, size_t *n, struct err *e)
{
	while (s->p < s->end) {
		bool gap = is_blank(*s->p);
		if (gap)
			s->p++;
		else if (!word_part(s, e))
			return false;
		if (!s->open || (s->p < s->end && !gap && !is_blank(*s->p)))
			continue;
		if (*n == WORDS_MAX)
			return err_set(
				e, ERR_CONFIG, "a command line has more than %d words", WORDS_MAX);
		argv[(*n)++] = buf_str(a, &s->word).p;
		buf_clear(&s->word);
		s->open = false;
	}
	return true;
}

bool split_words(struct arena *a, struct str line, const char ***argv, struct err *e)
{
	struct splitter s = {.p = line.p, .end = line.p + line.n};
	size_t n = 0;
	*argv = ARENA_ARRAY(a, const char *, WORDS_MAX + 1);
	buf_init(&s.word, line.n + 1);
	bool ok = split_text(a, &s, *argv, &n, e);
	buf_free(&s.word);
	return ok;
}
