/* SPDX-License-Identifier: MIT
 *
 * Floor 8: the subcommands, one file each, and the options that they share. Contains no algorithm.
 */
#pragma once
#include "fleet/fleet.h"

enum { EXIT_FINE = 0, EXIT_BEFORE = 1, EXIT_FAILED = 2, EXIT_CHANGES = 3, EXIT_UNREACHABLE = 4 };

struct cli { /* the parsed command line */
	struct arena *a;
	struct site_options site;
	const char **inventories, **extra_vars;
	size_t n_inventories, n_extra_vars;
	const char **args; /* arguments that are not options; NULL-terminated */
	size_t n_args;
	const char *out, *known_hosts;
	bool accept_new, ask_pass, ask_become_pass, check, diff, json, list_hosts, list_tasks;
	bool exit_code, offline, markdown, man;
	bool helped;         /* --help was printed: nothing else to do */
	bool stdout_is_data; /* standard output is for data: progress goes to stderr */
	int forks, timeout, host_timeout, lock_timeout, verbosity;
	size_t warnings; /* number of warnings that cli_site has shown */
	const char *password, *become_password;
};
struct command {
	const char *name, *args, *doc;
	const char *about;   /* what it does, in whole sentences; each has some, and an example */
	const char *example; /* shell commands */
	const char *options; /* long names of its options, separated by blanks */
	int (*run)(struct cli *c);
};
extern const struct command *const commands[]; /* NULL-terminated */
extern const struct command command_plan, command_apply, command_check, command_facts,
	command_explain, command_render, command_eval, command_doc, command_dns, command_schema,
	command_completion;

struct option_row {
	int key; /* the short letter, or a number above all letters */
	/* arg: its argument: a placeholder in capitals, or the allowed words "a|b"; NULL: none */
	const char *name, *arg, *doc;
};
const struct option_row *cli_option(size_t i);                  /* NULL: i is too large */
char option_letter(const struct option_row *r);                 /* 0: it has no short form */
void option_usage(struct buf *out, const struct option_row *r); /* "-i, --inventory PATH" */
/* Does the command accept the option? */
bool cli_takes(const struct command *cmd, const struct option_row *r);
struct cli_exit { /* exit codes; the last has doc NULL */
	int code;
	const char *doc;
};
extern const struct cli_exit cli_exits[];
void cli_version(struct buf *out); /* version.c: what --version prints */

/* options.c: false: the command line is wrong; a message was printed to stderr. */
bool cli_parse(struct cli *c, const struct command *cmd, int argc, char **argv);
void cli_help(struct buf *out, const struct command *cmd);
/* common.c */
struct site *cli_site(struct cli *c, const char *manifest); /* NULL: its problems were printed */
/* Prints them to stderr; with --json also as events to standard output. */
void cli_problems(const struct cli *c, const struct errs *errs);
int cli_error(const struct err *e);              /* prints it; returns EXIT_BEFORE */
void cli_print(const struct buf *b);             /* to standard output */
void cli_page(struct page *p);                   /* to standard output */
void cli_say(const char *fmt, ...) PRINTF(1, 2); /* a message to the user, on stderr */
bool cli_fleet(struct cli *c, struct fleet_options *o, bool planning, struct fleet_result *r);
/* the argument, or ./site.yml; NULL: there is none, a message was printed */
const char *cli_manifest(struct cli *c);
/* dns.c: are the server names known that mxroute has given to the site's account? false: a message
 * was printed. */
bool cli_providers(struct cli *c, const struct site *s);
int cli_plan(struct cli *c, struct site *s); /* for plan, and apply -C */
bool cli_passwords(struct cli *c); /* prompts for -k and -K; false: a message was printed */
