/* SPDX-License-Identifier: MIT
 *
 * The options, one row each: parsing and help are loops over the table. Options that Ansible has,
 * too, have its letters and names.
 */
#include "command/command.h"
#include <getopt.h>

enum { OPT_LONG = 256 };
enum {
	OPT_OUT = OPT_LONG,
	OPT_JSON,
	OPT_KNOWN_HOSTS,
	OPT_ACCEPT_NEW,
	OPT_ROLES_PATH,
	OPT_KEY,
	OPT_SKIP_TAGS,
	OPT_LIST_HOSTS,
	OPT_LIST_TASKS,
	OPT_EXIT_CODE,
	OPT_BECOME_USER,
	OPT_OFFLINE,
	OPT_LOCK_TIMEOUT,
	OPT_HOST_TIMEOUT,
	OPT_UNSUPPORTED_OK,
	OPT_MARKDOWN,
	OPT_MAN
};

static const struct option_row rows[] = {
	{'i', "inventory", "PATH", "file, folder or \"host,\" list; repeatable"},
	{'l', "limit", "PATTERN", "only these hosts; repeatable"},
	{'t', "tags", "TAGS", "only tasks with these tags; repeatable"},
	{OPT_SKIP_TAGS, "skip-tags", "TAGS", "skip tasks with these tags; repeatable"},
	{'e', "extra-vars", "VARS", "k=v, YAML, JSON or @file; repeatable"},
	{'f', "forks", "N", "number of connections at once (default 64)"},
	{'u', "user", "NAME", "log in as this user"},
	{OPT_KEY, "private-key", "FILE", "log in with this key"},
	{'c', "connection", "ssh|openssh|local", "how to connect to hosts (default ssh)"},
	{'T', "timeout", "SECONDS", "limit for connecting and logging in (default 10)"},
	{OPT_LOCK_TIMEOUT, "lock-timeout", "SECONDS",
		"wait this long for another apply on a host (default 0)"},
	{OPT_HOST_TIMEOUT, "host-timeout", "SECONDS",
		"limit for observing a host, and for each task (default 3600)"},
	{'k', "ask-pass", NULL, "ask for the login password"},
	{'b', "become", NULL, "become another user by sudo (default root)"},
	{OPT_BECOME_USER, "become-user", "NAME", "the user to become"},
	{'K', "ask-become-pass", NULL, "ask for the sudo password"},
	{OPT_KNOWN_HOSTS, "known-hosts", "FILE", "file of host keys (default ~/.ssh/known_hosts)"},
	{OPT_ACCEPT_NEW, "accept-new-host-keys", NULL, "accept and save the keys of unknown hosts"},
	{OPT_ROLES_PATH, "roles-path", "PATHS", "folders of roles, separated by colons"},
	{'C', "check", NULL, "plan only: change nothing"},
	{'D', "diff", NULL, "show the diff of each change as it is made"},
	{OPT_OUT, "out", "FILE", "save the plan, for `provision apply FILE`"},
	{OPT_EXIT_CODE, "exit-code", NULL, "exit with 3 if something would change"},
	{OPT_JSON, "json", NULL, "print one JSON event per line"},
	{OPT_OFFLINE, "offline", NULL, "do not contact providers (dns: nor hosts)"},
	{OPT_UNSUPPORTED_OK, "unsupported-ok", NULL,
		"also change hosts with an unsupported system"},
	{OPT_LIST_HOSTS, "list-hosts", NULL, "only list the hosts"},
	{OPT_LIST_TASKS, "list-tasks", NULL, "only list the tasks"},
	{OPT_MARKDOWN, "markdown", NULL, "print Markdown; without NAME: the list of pages"},
	{OPT_MAN, "man", NULL, "print a manual page as mdoc(7); without NAME: the list"},
	{'v', "verbose", NULL, "print more; -vv still more"},
	{'h', "help", NULL, "list the options"},
};

const struct option_row *cli_option(size_t i)
{
	return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

char option_letter(const struct option_row *r)
{
	return r->key < OPT_LONG ? (char)r->key : 0;
}

bool cli_takes(const struct command *cmd, const struct option_row *r)
{
	const char *p = cmd->options;
	size_t n = strlen(r->name);
	if (r->key == 'h')
		return true;
	while ((p = strstr(p, r->name))) {
		bool starts = p == cmd->options || p[-1] == ' ';
		if (starts && (p[n] == 0 || p[n] == ' '))
			return true;
		p += n;
	}
	return false;
}

void option_usage(struct buf *out, const struct option_row *r)
{
	if (option_letter(r))
		buf_addf(out, "-%c, ", option_letter(r));
	buf_addf(out, "--%s", r->name);
	if (r->arg)
		buf_addf(out, " %s", r->arg);
}

void cli_help(struct buf *out, const struct command *cmd)
{
	enum { COLUMN = 30 }; /* of what an option does */
	buf_addf(out, "usage: provision %s%s%s\n%s\n\n", cmd->name, *cmd->args ? " " : "",
		cmd->args, cmd->doc);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct option_row *r = &rows[i];
		size_t from = out->n;
		if (!cli_takes(cmd, r))
			continue;
		buf_adds(out, option_letter(r) ? "  " : "      ");
		option_usage(out, r);
		if (out->n - from > COLUMN) {
			buf_addc(out, '\n');
			from = out->n;
		}
		buf_addf(out, "%*s %s\n", (int)(COLUMN - (out->n - from)), "", r->doc);
	}
}

static bool read_number(const char *text, const char *option, int max, int *out)
{
	char *end;
	long n = strtol(text, &end, 10);
	if (*end || end == text || n < 1 || n > max) {
		cli_say("provision: --%s takes a number from 1 to %d, not '%s'\n", option, max,
			text);
		return false;
	}
	*out = (int)n;
	return true;
}

/* Joins the earlier values of an option and the new one. */
static const char *join_lists(struct arena *a, const char *before, const char *now)
{
	return before ? arena_printf(a, "%s,%s", before, now) : now;
}

/* An option with a file name. A shell expands ~ in `-i ~/x`, but not in `--inventory=~/x`, so it is
 * expanded here. */
static bool take_path(struct cli *c, const char *arg, const char **out)
{
	struct err e = {0};
	*out = path_expand(c->a, arg, &e);
	if (!*out)
		cli_say("provision: %s\n", e.msg);
	return *out != NULL;
}

static bool take_option(struct cli *c, int key, const char *arg)
{
	switch (key) {
	case 'i':
		return take_path(c, arg, &c->inventories[c->n_inventories++]);
	case 'e':
		c->extra_vars[c->n_extra_vars++] = arg;
		break;
	case 'l':
		c->site.limit = join_lists(c->a, c->site.limit, arg);
		break;
	case 't':
		c->site.tags = join_lists(c->a, c->site.tags, arg);
		break;
	case OPT_SKIP_TAGS:
		c->site.skip_tags = join_lists(c->a, c->site.skip_tags, arg);
		break;
	case 'f':
		return read_number(arg, "forks", 10000, &c->forks);
	case 'T':
		return read_number(arg, "timeout", 3600, &c->timeout);
	case OPT_LOCK_TIMEOUT:
		return read_number(arg, "lock-timeout", 86400, &c->lock_timeout);
	case OPT_HOST_TIMEOUT:
		return read_number(arg, "host-timeout", 7 * 24 * 3600, &c->host_timeout);
	case 'u':
		c->site.remote_user = arg;
		break;
	case OPT_KEY:
		c->site.private_key = arg;
		break;
	case 'c':
		c->site.connection = arg;
		break;
	case OPT_BECOME_USER:
		c->site.become_user = arg;
		break;
	case OPT_KNOWN_HOSTS:
		return take_path(c, arg, &c->known_hosts);
	case OPT_ROLES_PATH:
		c->site.roles_path = arg;
		break;
	case OPT_OUT:
		return take_path(c, arg, &c->out);
	case 'v':
		c->verbosity++;
		break;
	case 'b':
		c->site.become = 1;
		break;
	default:
		return false;
	}
	return true;
}

static bool *flag_of(struct cli *c, int key)
{
	switch (key) {
	case 'k':
		return &c->ask_pass;
	case 'K':
		return &c->ask_become_pass;
	case 'C':
		return &c->check;
	case 'D':
		return &c->diff;
	case OPT_ACCEPT_NEW:
		return &c->accept_new;
	case OPT_JSON:
		return &c->json;
	case OPT_LIST_HOSTS:
		return &c->list_hosts;
	case OPT_LIST_TASKS:
		return &c->list_tasks;
	case OPT_EXIT_CODE:
		return &c->exit_code;
	case OPT_OFFLINE:
		return &c->offline;
	case OPT_MARKDOWN:
		return &c->markdown;
	case OPT_MAN:
		return &c->man;
	case OPT_UNSUPPORTED_OK:
		return &c->site.unsupported_ok;
	}
	return NULL;
}

/* The tables for getopt_long(3), with the rows that the command accepts. */
static void getopt_tables(const struct command *cmd, char *letters, struct option *longs)
{
	*letters++ = ':';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct option_row *r = &rows[i];
		if (!cli_takes(cmd, r))
			continue;
		*longs++ = (struct option){
			r->name, r->arg ? required_argument : no_argument, NULL, r->key};
		if (r->key >= OPT_LONG)
			continue;
		*letters++ = (char)r->key;
		if (r->arg)
			*letters++ = ':';
	}
	*letters = 0;
	*longs = (struct option){NULL, 0, NULL, 0};
}

static bool refuse_word(const struct command *cmd, const char *word, bool missing)
{
	if (missing) {
		cli_say("provision: %s needs a value\n", word);
		return false;
	}
	const char *names[ARRAY_LEN(rows) + 1];
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (cli_takes(cmd, &rows[i]))
			names[n++] = rows[i].name;
	names[n] = NULL;
	const char *near = str_nearest(word + strspn(word, "-"), names);
	cli_say("provision %s: unknown option '%s'", cmd->name, word);
	if (near)
		cli_say(" (did you mean '--%s'?)", near);
	cli_say("\nSee: provision %s --help\n", cmd->name);
	return false;
}

bool cli_parse(struct cli *c, const struct command *cmd, int argc, char **argv)
{
	char letters[2 * ARRAY_LEN(rows) + 2];
	struct option longs[ARRAY_LEN(rows) + 1];
	size_t n = (size_t)argc + 1;
	c->inventories = ARENA_ARRAY(c->a, const char *, n);
	c->extra_vars = ARENA_ARRAY(c->a, const char *, n);
	c->args = ARENA_ARRAY(c->a, const char *, n);
	getopt_tables(cmd, letters, longs);
	int key;
	while ((key = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (key == 'h') {
			struct buf out;
			buf_init(&out, 1 << 16);
			cli_help(&out, cmd);
			cli_print(&out);
			buf_free(&out);
			c->helped = true;
			return false;
		}
		if (key == '?' || key == ':')
			return refuse_word(cmd, argv[optind - 1], key == ':');
		bool *f = flag_of(c, key);
		if (f)
			*f = true;
		else if (!take_option(c, key, optarg))
			return false;
	}
	for (; optind < argc; optind++)
		c->args[c->n_args++] = argv[optind];
	c->site.inventories = c->inventories;
	c->site.extra_vars = c->extra_vars;
	return true;
}
