/* SPDX-License-Identifier: MIT
 *
 * One run of apt-get or dpkg: its environment, what it tells while it works, and why it failed.
 */
#include "host/apt.h"

enum { APT_TIMEOUT_S = 3600, APT_OUTPUT = 8 << 20, SAID_MAX = 700 };

static const char *const apt_env[] = {"DEBIAN_FRONTEND=noninteractive", "DEBIAN_PRIORITY=critical",
	"LC_ALL=C", "LANG=C", "APT_LISTCHANGES_FRONTEND=none", "NEEDRESTART_SUSPEND=1", NULL};

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* The nth word of a line, from 0. */
static struct line nth_word(const char *s, size_t nth)
{
	s += strspn(s, " ");
	for (; nth > 0; nth--) {
		s += strcspn(s, " ");
		s += strspn(s, " ");
	}
	return (struct line){s, strcspn(s, " ")};
}

/* Get:3 http://mirror bookworm/main amd64 postfix amd64 3.7.11 [1,500 kB] */
static void note_fetch(struct host *h, const char *s)
{
	struct line suite = nth_word(s, 2), name = nth_word(s, 4);
	if (suite.n && suite.p[suite.n - 1] == '/') /* a flat repository has one word less */
		name = nth_word(s, 3);
	if (name.n)
		h->note(h->ctx, "fetching %.*s", (int)name.n, name.p);
}

/* The output of apt-get and dpkg while they work, as one word of progress for each package. */
static void note_line(void *ctx, struct str line)
{
	static const struct {
		const char *start, *note;
		size_t word;
	} told[] = {
		{"Unpacking ", "unpacking", 1},
		{"Setting up ", "setting up", 2},
		{"Removing ", "removing", 1},
		{"Purging configuration files for ", "purging", 4},
		{"Processing triggers for ", "processing triggers of", 3},
	};
	struct host *h = ctx;
	if (starts_with(line.p, "Get:"))
		note_fetch(h, line.p);
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		if (!starts_with(line.p, told[i].start))
			continue;
		struct line name = nth_word(line.p, told[i].word);
		/* without a version behind it, the word is not a package's name */
		if (name.p[name.n] != ' ' || name.p[name.n + 1] != '(')
			continue;
		h->note(h->ctx, "%s %.*s", told[i].note, (int)name.n, name.p);
	}
}

/* The lines of apt's and dpkg's output that explain the failure; without any, the last ones. */
static const char *find_complaint(struct arena *a, const struct proc_result *r)
{
	struct str rest = r->err_out;
	struct line line;
	struct buf b;
	buf_init(&b, SAID_MAX);
	while (line_next(&rest, &line)) {
		bool said = line.n > 3 && (memcmp(line.p, "E: ", 3) == 0 ||
						  (line.n > 5 && memcmp(line.p, "dpkg:", 5) == 0));
		if (!said)
			continue;
		if (b.n)
			buf_adds(&b, "; ");
		size_t skip = line.p[0] == 'E' ? 3 : 0;
		buf_add(&b, line.p + skip, line.n - skip);
	}
	const char *text = b.n ? buf_str(a, &b).p
			       : last_words(a, r->err_out.n ? r->err_out : r->out, SAID_MAX);
	buf_free(&b);
	return text;
}

static bool errors_mention(const struct proc_result *r, const char *text)
{
	return strstr(r->err_out.p, text) != NULL;
}

/* Why it failed, what to do, and whether a retry can help. */
bool apt_failed(struct arena *a, const char *what, const struct proc_result *r, struct err *e)
{
	const char *said = find_complaint(a, r);
	if (r->timed_out)
		return err_set(
			e, ERR_TRANSIENT, "%s timed out after %d s: %s", what, r->limit_s, said);
	if (errors_mention(r, "Could not get lock") || errors_mention(r, "Unable to lock"))
		return err_set(e, ERR_TRANSIENT,
			"%s: another program is changing packages on this host; try again when it "
			"has finished: %s",
			what, said);
	if (errors_mention(r, "Failed to fetch") ||
		errors_mention(r, "Temporary failure resolving"))
		return err_set(e, ERR_TRANSIENT,
			"%s: packages could not be fetched (if the mirror no longer has them, set "
			"update_cache: true): %s",
			what, said);
	if (errors_mention(r, "Unable to locate package"))
		return err_set(e, ERR_CONFIG,
			"%s: the host's package lists have no such package; check the name, or "
			"refresh the lists with update_cache: true: %s",
			what, said);
	return err_set(e, ERR_PERMANENT, "%s failed (exit %d): %s", what, r->status, said);
}

bool apt_try(struct host *h, const char *const *argv, struct proc_result *r, struct err *e)
{
	struct proc p = {.argv = argv,
		.env = apt_env,
		.uid = (uid_t)-1,
		.timeout_s = APT_TIMEOUT_S,
		.max_output = APT_OUTPUT,
		.line = h->note ? note_line : NULL,
		.ctx = h};
	return proc_run(h->a, &p, r, e);
}

bool apt_run(struct host *h, const char *what, const char *const *argv, struct err *e)
{
	struct proc_result r;
	if (!apt_try(h, argv, &r, e))
		return false;
	return (r.status == 0 && !r.timed_out) || apt_failed(h->a, what, &r, e);
}

bool apt_simulate(struct host *h, const char *const *argv, struct str *out, struct err *e)
{
	struct proc p = {.argv = argv, .env = apt_env, .uid = (uid_t)-1, .max_output = APT_OUTPUT};
	struct proc_result r;
	*out = str_c("");
	if (!proc_run(h->a, &p, &r, e))
		return false;
	if (r.status == 0)
		*out = r.out;
	return true;
}
