/* SPDX-License-Identifier: MIT
 *
 * The program: picks the subcommand and hands it the command line.
 */
#include "command/command.h"
#include <signal.h>
#include <unistd.h>

enum { COMMANDS_MOST = 64 };

static void print_usage(int fd)
{
	struct page *p = page_new(false);
	page_addf(p,
		"provision sets up mail servers as declared, and keeps them that way.\n\n"
		"usage: provision COMMAND ...   (provision COMMAND --help lists its options)\n\n");
	for (size_t i = 0; commands[i]; i++) {
		const char *args = commands[i]->args, *end = strstr(args, " [options]");
		page_addf(p, "  %-10s %-17.*s %s\n", commands[i]->name,
			(int)(end ? (size_t)(end - args) : strlen(args)), args, commands[i]->doc);
	}
	page_addf(p, "\nexit codes:\n");
	for (size_t i = 0; cli_exits[i].doc; i++)
		page_addf(p, "  %d  %s\n", cli_exits[i].code, cli_exits[i].doc);
	(void)!page_write(p, fd);
	page_free(p);
}

static int refuse_unknown(const char *name)
{
	const char *names[COMMANDS_MOST + 1] = {NULL};
	for (size_t i = 0; commands[i] && i < COMMANDS_MOST; i++)
		names[i] = commands[i]->name;
	const char *near = str_nearest(name, names);
	cli_say("provision: unknown command '%s'", name);
	if (near)
		cli_say(" (did you mean '%s'?)", near);
	cli_say("\n\n");
	print_usage(STDERR_FILENO);
	return EXIT_BEFORE;
}

static int run_command(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(STDERR_FILENO);
		return EXIT_BEFORE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_usage(STDOUT_FILENO);
		return EXIT_FINE;
	}
	if (!strcmp(argv[1], "--version")) {
		struct buf out;
		buf_init(&out, 4096);
		cli_version(&out);
		cli_print(&out);
		buf_free(&out);
		return EXIT_FINE;
	}
	for (size_t i = 0; commands[i]; i++) {
		if (strcmp(commands[i]->name, argv[1]) != 0)
			continue;
		struct cli c = {.a = arena_new()};
		int code;
		if (cli_parse(&c, commands[i], argc - 1, argv + 1))
			code = commands[i]->run(&c);
		else
			code = c.helped ? EXIT_FINE : EXIT_BEFORE;
		arena_free(c.a);
		return code;
	}
	return refuse_unknown(argv[1]);
}

/* Who reads the output must be able to believe that it is whole. */
int main(int argc, char **argv)
{
	struct err e = {0};
	signal(SIGPIPE, SIG_IGN);
	output_open();
	int code = run_command(argc, argv);
	if (output_close(&e))
		return code;
	cli_say("provision: %s\n", e.msg);
	return code == EXIT_FINE || code == EXIT_CHANGES ? EXIT_BEFORE : code;
}
