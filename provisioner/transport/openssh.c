/* SPDX-License-Identifier: MIT
 *
 * Builds the argument list for the system's ssh, with the behaviour that libssh2 has elsewhere: the
 * same host key rules, no questions. Passwords are never passed this way.
 */
#include <unistd.h>
#include "transport/openssh.h"

enum { ARGS_MAX = 96 };

struct args {
	struct arena *a;
	const char **v;
	size_t n;
};

static void add_word(struct args *args, const char *word)
{
	if (args->n < ARGS_MAX)
		args->v[args->n++] = word;
}

static void add_option(struct args *args, const char *text)
{
	add_word(args, "-o");
	add_word(args, text);
}

/* One word of `*p`, with sh's two kinds of quotes and the backslash; false: a quote is open. */
static bool next_word(struct args *args, const char **p, struct err *e)
{
	struct buf b;
	char quote = 0;
	buf_init(&b, 1 << 12);
	for (; **p && (quote || !strchr(" \t\n", **p)); (*p)++) {
		if (quote && **p == quote)
			quote = 0;
		else if (!quote && (**p == '\'' || **p == '"'))
			quote = **p;
		else if (**p == '\\' && quote != '\'' && (*p)[1])
			buf_addc(&b, *++*p);
		else
			buf_addc(&b, **p);
	}
	add_word(args, b.n ? buf_str(args->a, &b).p : "");
	buf_free(&b);
	if (quote)
		return err_set(
			e, ERR_CONFIG, "ansible_ssh_common_args has an unclosed quote %c", quote);
	return true;
}

static bool add_words(struct args *args, const char *text, struct err *e)
{
	for (const char *p = text; *p;) {
		if (strchr(" \t\n", *p))
			p++;
		else if (!next_word(args, &p, e))
			return false;
	}
	return true;
}

static void add_host_key_rules(struct args *args, const struct target *t)
{
	add_option(args,
		t->accept_new ? "StrictHostKeyChecking=accept-new" : "StrictHostKeyChecking=yes");
	if (!t->known_hosts)
		return;
	add_option(args, arena_printf(args->a, "UserKnownHostsFile=\"%s\"", t->known_hosts));
	add_option(args, "GlobalKnownHostsFile=/dev/null");
}

const char *const *openssh_argv(
	struct arena *a, const struct target *t, const char *command, struct err *e)
{
	struct args args = {.a = a, .v = ARENA_ARRAY(a, const char *, ARGS_MAX + 1)};
	add_word(&args, "ssh");
	/* ssh uses the first value of an option, so the inventory's arguments cannot override
	 * these. */
	add_option(&args, "BatchMode=yes");
	add_host_key_rules(&args, t);
	if (t->connection.ssh_args && !add_words(&args, t->connection.ssh_args, e))
		return NULL;
	add_option(&args, arena_printf(a, "ConnectTimeout=%d", t->timeout_s));
	add_option(&args, "ServerAliveInterval=5");
	add_option(&args, "ServerAliveCountMax=3");
	add_option(&args, "LogLevel=ERROR");
	add_word(&args, "-T");
	add_word(&args, "-x");
	if (t->connection.port > 0) {
		add_word(&args, "-p");
		add_word(&args, arena_printf(a, "%d", t->connection.port));
	}
	if (t->connection.user && t->connection.user[0]) {
		add_word(&args, "-l");
		add_word(&args, t->connection.user);
	}
	if (t->connection.key_file) {
		add_option(&args, "IdentitiesOnly=yes");
		add_word(&args, "-i");
		add_word(&args, t->connection.key_file);
	}
	add_word(&args, "--");
	add_word(&args, t->connection.address);
	add_word(&args, command);
	if (args.n == ARGS_MAX) {
		err_set(e, ERR_CONFIG, "%s: ansible_ssh_common_args has too many words", t->name);
		return NULL;
	}
	return args.v;
}

bool openssh_there(void)
{
	const char *path = getenv("PATH");
	char file[4096];
	for (const char *p = path ? path : ""; *p;) {
		size_t n = strcspn(p, ":");
		int len = snprintf(file, sizeof file, "%.*s/ssh", (int)n, p);
		if (len > 0 && (size_t)len < sizeof file && access(file, X_OK) == 0)
			return true;
		p += n + (p[n] == ':');
	}
	return false;
}
