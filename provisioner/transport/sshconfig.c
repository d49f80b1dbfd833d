/* SPDX-License-Identifier: MIT
 *
 * Finds whether a host needs the user's ssh_config(5); then the system's ssh makes the connection.
 * Uses no value from there: only ssh itself implements that file completely.
 */
#include <glob.h>
#include <strings.h>
#include "transport/pattern.h"
#include "transport/sshconfig.h"

enum { CONFIG_MAX = 1 << 20, DEPTH_MAX = 4 };

struct reading {
	struct arena *a; /* scratch memory, except for the result */
	struct arena *result;
	const struct target *target;
	bool applies; /* the current block applies to the host */
	const char *found;
};

static void read_config(struct reading *r, const char *path, const char *dir, int depth);

/* The next word of a line: words are separated by blanks, or one '=' after the keyword; quotes may
 * enclose them. */
static struct str next_word(const char **p, const char *end)
{
	while (*p < end && strchr(" \t\r=", **p))
		(*p)++;
	char quote = *p < end && **p == '"' ? *(*p)++ : 0;
	const char *start = *p;
	while (*p < end && (quote ? **p != quote : !strchr(" \t\r=", **p)))
		(*p)++;
	struct str word = {start, (size_t)(*p - start)};
	if (quote && *p < end)
		(*p)++;
	return word;
}

static bool keyword_is(struct str word, const char *name)
{
	return word.n == strlen(name) && strncasecmp(word.p, name, word.n) == 0;
}

static bool word_matters(const struct target *t, struct str word)
{
	const struct {
		const char *name;
		bool settled; /* set by the inventory */
	} keywords[] = {{"HostName", false}, {"ProxyJump", false}, {"ProxyCommand", false},
		{"User", t->connection.user != NULL}, {"Port", t->connection.port > 0},
		{"IdentityFile", t->connection.key_file != NULL},
		{"IdentityAgent", t->connection.key_file != NULL}, {"CertificateFile", false},
		{"PKCS11Provider", false}, {"SecurityKeyProvider", false}, {"HostKeyAlias", false},
		{"UserKnownHostsFile", t->known_hosts != NULL}, {"BindAddress", false},
		{"BindInterface", false}, {"AddressFamily", false}};
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (keyword_is(word, keywords[i].name))
			return !keywords[i].settled;
	return false;
}

/* `Host a b !c`: each pattern a word. */
static bool host_applies(const struct target *t, const char *p, const char *end)
{
	bool found = false;
	for (struct str word = next_word(&p, end); word.n; word = next_word(&p, end)) {
		bool negated = word.p[0] == '!';
		if (!pattern_matches(word.p + negated, word.n - negated, t->connection.address))
			continue;
		if (negated)
			return false;
		found = true;
	}
	return found;
}

/* Of `Match` only conditions about hosts are understood; for blocks with another condition the user
 * has to choose openssh. */
static bool match_applies(const struct target *t, const char *p, const char *end)
{
	struct str word = next_word(&p, end);
	if (keyword_is(word, "all"))
		return true;
	if (!keyword_is(word, "host") && !keyword_is(word, "originalhost"))
		return false;
	return pattern_list_matches(next_word(&p, end), t->connection.address) &&
	       next_word(&p, end).n == 0;
}

static void include_files(
	struct reading *r, const char *p, const char *end, const char *dir, int depth)
{
	for (struct str word = next_word(&p, end); word.n; word = next_word(&p, end)) {
		const char *name = str_dup(r->a, word.p, word.n).p;
		if (strncmp(name, "~/", 2) == 0)
			name = path_join(r->a, home_dir(r->a), name + 2);
		glob_t files;
		if (glob(path_join(r->a, dir, name), 0, NULL, &files) == 0)
			for (size_t i = 0; i < files.gl_pathc && !r->found; i++)
				read_config(r, files.gl_pathv[i], dir, depth + 1);
		globfree(&files);
	}
}

static void read_line(struct reading *r, const char *path, unsigned line, struct str text,
	const char *dir, int depth)
{
	const char *p = text.p, *end = text.p + text.n;
	struct str word = next_word(&p, end);
	if (word.n == 0 || word.p[0] == '#')
		return;
	if (keyword_is(word, "Host"))
		r->applies = host_applies(r->target, p, end);
	else if (keyword_is(word, "Match"))
		r->applies = match_applies(r->target, p, end);
	else if (r->applies && keyword_is(word, "Include"))
		include_files(r, p, end, dir, depth);
	else if (r->applies && word_matters(r->target, word))
		r->found =
			arena_printf(r->result, "%s:%u sets " STR_FMT, path, line, STR_ARG(word));
}

/* A block begun in an included file ends with that file. */
static void read_config(struct reading *r, const char *path, const char *dir, int depth)
{
	struct str text;
	struct err ignored = {0};
	bool there, before = r->applies;
	if (depth > DEPTH_MAX || !file_read_opt(r->a, path, CONFIG_MAX, &text, &there, &ignored) ||
		!there)
		return;
	unsigned line = 0;
	for (const char *p = text.p; p < text.p + text.n && !r->found;) {
		const char *nl = memchr(p, '\n', (size_t)(text.p + text.n - p));
		const char *end = nl ? nl : text.p + text.n;
		read_line(r, path, ++line, (struct str){p, (size_t)(end - p)}, dir, depth);
		p = end + 1;
	}
	r->applies = before;
}

const char *sshconfig_for_ssh(struct arena *a, const struct target *t)
{
	struct reading r = {.a = arena_new(), .result = a, .target = t, .applies = true};
	const char *own = path_join(r.a, home_dir(r.a), ".ssh");
	read_config(&r, path_join(r.a, own, "config"), own, 0);
	if (!r.found)
		read_config(&r, "/etc/ssh/ssh_config", "/etc/ssh", 0);
	arena_free(r.a);
	return r.found;
}
