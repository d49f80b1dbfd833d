/* SPDX-License-Identifier: MIT
 *
 * Floor 8: the subcommands, one file each, and the options they share. No algorithm lives here.
 */
#pragma once
#include "fleet/fleet.h"

enum { EXIT_FINE = 0, EXIT_BEFORE = 1, EXIT_FAILED = 2, EXIT_CHANGES = 3, EXIT_UNREACHABLE = 4 };

struct cli { /* what the command line says */
	struct arena *a;
	struct site_options site;
	const char **inventories, **extra_vars;
	size_t n_inventories, n_extra_vars;
	const char **args; /* what is not an option; NULL-terminated */
	size_t n_args;
	const char *out, *known_hosts;
	bool accept_new, ask_pass, ask_become_pass, check, diff, json, list_hosts, list_tasks;
	bool exit_code, offline, markdown, man;
	bool helped;         /* by --help: nothing else is to be done */
	bool stdout_is_data; /* events and progress go to stderr */
	int forks, timeout, host_timeout, lock_timeout, verbosity;
	size_t warnings; /* found by cli_site, and shown */
	const char *password, *become_password;
};
struct command {
	const char *name, *args, *doc;
	const char *about;   /* what it does, in sentences; each has some, and an example */
	const char *example; /* lines of a shell */
	const char *options; /* the long names of those it takes, space separated */
	int (*run)(struct cli *c);
};
extern const struct command *const commands[]; /* NULL-terminated */
extern const struct command command_plan, command_apply, command_check, command_facts,
	command_explain, command_render, command_eval, command_doc, command_dns, command_schema,
	command_completion;

struct option_row {
	int key; /* the short letter, or a number past those */
	/* arg: what it takes: a word in capitals, or the words it may be, "a|b"; NULL: nothing */
	const char *name, *arg, *doc;
};
const struct option_row *cli_option(size_t i);                  /* NULL past the last */
char option_letter(const struct option_row *r);                 /* 0: it has none */
void option_usage(struct buf *out, const struct option_row *r); /* "-i, --inventory PATH" */
bool cli_takes(const struct command *cmd, const struct option_row *r);
struct cli_exit { /* exit codes, the last with doc NULL */
	int code;
	const char *doc;
};
extern const struct cli_exit cli_exits[];
void cli_version(struct buf *out); /* version.c: as --version prints it */

/* options.c: false and a message on stderr when the command line is wrong. */
bool cli_parse(struct cli *c, const struct command *cmd, int argc, char **argv);
void cli_help(struct buf *out, const struct command *cmd);
/* common.c */
struct site *cli_site(struct cli *c, const char *manifest); /* NULL: problems were printed */
/* To people on stderr; with --json also to programs, with the events. */
void cli_problems(const struct cli *c, const struct errs *errs);
int cli_error(const struct err *e);              /* prints it; EXIT_BEFORE */
void cli_print(const struct buf *b);             /* to standard output */
void cli_page(struct page *p);                   /* the same */
void cli_say(const char *fmt, ...) PRINTF(1, 2); /* to people: standard error */
bool cli_fleet(struct cli *c, struct fleet_options *o, bool planning, struct fleet_result *r);
const char *cli_manifest(struct cli *c); /* the argument, or site.yml here; NULL: said why not */
/* dns.c: are the names of providers' servers known that the site asks for? false: said what not. */
bool cli_providers(struct cli *c, const struct site *s);
int cli_plan(struct cli *c, struct site *s); /* plan and apply -C */
bool cli_passwords(struct cli *c);           /* -k and -K ask */
