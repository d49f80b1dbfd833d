/* SPDX-License-Identifier: MIT
 *
 * provision completion: completions for bash, zsh and fish, made from the tables of commands and
 * options.
 */
#include "command/manual.h"

struct operands {         /* operands: arguments that are not options */
	struct buf words; /* fixed ones, separated by blanks */
	bool files;
};

/* Needs the name no quoting in a shell? Tests with the name of an operator do. */
static bool is_plain(const char *name)
{
	return !name[strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789")];
}

static void add_word(struct buf *b, const char *word, size_t n)
{
	buf_addf(b, "%s%.*s", b->n ? " " : "", (int)n, word);
}

/* Derived from `args`: a word in lower case is literal, NAME is an entry of the reference. */
static struct operands operands_of(struct arena *a, const struct command *cmd)
{
	static const char *const of_files[] = {"SITE", "PLAN", "TEMPLATE", "FILE"};
	struct operands o = {.files = false};
	buf_init(&o.words, 1 << 16);
	for (const char *p = cmd->args; *p;) {
		size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
		struct str word = {p, n};
		p += n ? n : 1;
		if (!n || str_is(word, "options"))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(of_files); i++)
			o.files = o.files || str_is(word, of_files[i]);
		if (*word.p >= 'a')
			add_word(&o.words, word.p, n);
		const char *const *names = str_is(word, "NAME") ? manual_names(a) : NULL;
		for (; names && *names; names++)
			if (is_plain(*names))
				add_word(&o.words, *names, strlen(*names));
	}
	return o;
}

static bool takes_file(const struct option_row *r)
{
	return r->arg &&
	       (!strcmp(r->arg, "FILE") || !strcmp(r->arg, "PATH") || !strcmp(r->arg, "PATHS"));
}

/* The possible words, separated by blanks; "": any. */
static const char *print_choices(struct arena *a, const struct option_row *r)
{
	if (!r->arg || !strchr(r->arg, '|'))
		return "";
	char *words = arena_printf(a, "%s", r->arg);
	for (char *p = words; (p = strchr(p, '|'));)
		*p = ' ';
	return words;
}

/* ---- bash ---- */
static void bash_options(struct buf *out, const struct command *cmd)
{
	buf_addc(out, '\'');
	for (size_t i = 0; cli_option(i); i++)
		if (cli_takes(cmd, cli_option(i)))
			buf_addf(out, " --%s", cli_option(i)->name);
	buf_addc(out, '\'');
}

static void bash_arguments(struct cli *c, struct buf *out)
{
	buf_adds(out, "\tcase $prev in\n");
	for (size_t i = 0; cli_option(i); i++) {
		const struct option_row *r = cli_option(i);
		if (!r->arg)
			continue;
		buf_adds(out, "\t");
		if (option_letter(r))
			buf_addf(out, "-%c | ", option_letter(r));
		buf_addf(out, "--%s)\n", r->name);
		if (takes_file(r))
			buf_adds(out, "\t\t_provision_files\n");
		else if (*print_choices(c->a, r))
			buf_addf(out, "\t\tmapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\")\n",
				print_choices(c->a, r));
		buf_adds(out, "\t\treturn ;;\n");
	}
	buf_adds(out, "\tesac\n");
}

static void print_bash(struct cli *c, struct buf *out)
{
	buf_adds(out,
		"# bash completion for provision, made by `provision completion bash`\n"
		"_provision_files()\n{\n"
		"\tcompopt -o filenames\n"
		"\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n}\n\n"
		"_provision()\n{\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
		"\tlocal options='--help --version' words='' files=''\n"
		"\tif [[ $cur == = ]]; then\n\t\tcur=''\n"
		"\telif [[ $prev == = ]]; then\n\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n\tfi\n");
	bash_arguments(c, out);
	buf_adds(out, "\tif ((COMP_CWORD == 1)); then\n\t\twords='");
	for (size_t i = 0; commands[i]; i++)
		buf_addf(out, "%s%s", i ? " " : "", commands[i]->name);
	buf_adds(out, "'\n\telse\n\t\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; commands[i]; i++) {
		struct operands o = operands_of(c->a, commands[i]);
		buf_addf(out, "\t\t%s)\n\t\t\toptions=", commands[i]->name);
		bash_options(out, commands[i]);
		buf_addf(out, "\n\t\t\twords='%s' files=%s ;;\n", o.words.n ? o.words.p : "",
			o.files ? "yes" : "''");
		buf_free(&o.words);
	}
	buf_adds(out, "\t\tesac\n\tfi\n"
		      "\tif [[ $cur == -* ]]; then\n\t\twords=$options\n"
		      "\telif [[ $files ]]; then\n\t\t_provision_files\n\tfi\n"
		      "\tmapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < "
		      "<(compgen -W \"$words\" -- \"$cur\")\n}\n"
		      "complete -F _provision provision\n");
}

/* ---- zsh ---- */
/* Escapes text for a specification of _arguments, in single quotes. */
static void zsh_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("[]:\\", *text))
			buf_addc(out, '\\');
		buf_adds(out, *text == '\'' ? "'\\''" : "");
		if (*text != '\'')
			buf_addc(out, *text);
	}
}

static void zsh_option(struct cli *c, struct buf *out, const struct option_row *r)
{
	buf_adds(out, " \\\n\t\t\t'*'");
	if (option_letter(r))
		buf_addf(out, "{-%c%s,--%s%s}", option_letter(r), r->arg ? "+" : "", r->name,
			r->arg ? "=" : "");
	else
		buf_addf(out, "--%s%s", r->name, r->arg ? "=" : "");
	buf_adds(out, "'[");
	zsh_text(out, r->doc);
	buf_addc(out, ']');
	if (takes_file(r))
		buf_addf(out, ":%s:_files", r->arg);
	else if (*print_choices(c->a, r))
		buf_addf(out, ":%s:(%s)", r->name, print_choices(c->a, r));
	else if (r->arg)
		buf_addf(out, ":%s: ", r->arg);
	buf_addc(out, '\'');
}

static void zsh_command(struct cli *c, struct buf *out, const struct command *cmd)
{
	struct operands o = operands_of(c->a, cmd);
	buf_addf(out, "\t%s)\n\t\t_arguments -s", cmd->name);
	for (size_t i = 0; cli_option(i); i++)
		if (cli_takes(cmd, cli_option(i)))
			zsh_option(c, out, cli_option(i));
	if (o.words.n && o.files)
		buf_addf(out, " \\\n\t\t\t'1:word:(%s)' '*:file:_files'", o.words.p);
	else if (o.words.n)
		buf_addf(out, " \\\n\t\t\t'1:word:(%s)'", o.words.p);
	else if (o.files)
		buf_adds(out, " \\\n\t\t\t'*:file:_files'");
	buf_adds(out, " ;;\n");
	buf_free(&o.words);
}

static void print_zsh(struct cli *c, struct buf *out)
{
	buf_adds(out, "#compdef provision\n"
		      "# zsh completion for provision, made by `provision completion zsh`\n"
		      "local -a commands\ncommands=(\n");
	for (size_t i = 0; commands[i]; i++) {
		buf_addf(out, "\t'%s:", commands[i]->name);
		zsh_text(out, commands[i]->doc);
		buf_adds(out, "'\n");
	}
	buf_adds(out, ")\nif ((CURRENT == 2)); then\n"
		      "\tif [[ $words[2] == -* ]]; then\n\t\tcompadd -- --help --version\n"
		      "\telse\n\t\t_describe command commands\n\tfi\n\treturn\nfi\n"
		      "shift words\n((CURRENT--))\ncase $words[1] in\n");
	for (size_t i = 0; commands[i]; i++)
		zsh_command(c, out, commands[i]);
	buf_adds(out, "esac\n");
}

/* ---- fish ---- */
static void fish_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("'\\", *text))
			buf_addc(out, '\\');
		buf_addc(out, *text);
	}
}

static void fish_option(
	struct cli *c, struct buf *out, const struct command *cmd, const struct option_row *r)
{
	buf_addf(out, "complete -c provision -n '__fish_seen_subcommand_from %s'", cmd->name);
	if (option_letter(r))
		buf_addf(out, " -s %c", option_letter(r));
	buf_addf(out, " -l %s", r->name);
	if (takes_file(r))
		buf_adds(out, " -r -F");
	else if (*print_choices(c->a, r))
		buf_addf(out, " -x -a '%s'", print_choices(c->a, r));
	else if (r->arg)
		buf_adds(out, " -x");
	buf_adds(out, " -d '");
	fish_text(out, r->doc);
	buf_adds(out, "'\n");
}

static void print_fish(struct cli *c, struct buf *out)
{
	buf_adds(out, "# fish completion for provision, made by `provision completion fish`\n"
		      "complete -c provision -f\n"
		      "complete -c provision -n __fish_use_subcommand -s h -l help"
		      " -d 'list the commands'\n"
		      "complete -c provision -n __fish_use_subcommand -l version"
		      " -d 'print the version'\n");
	for (size_t i = 0; commands[i]; i++) {
		const struct command *cmd = commands[i];
		struct operands o = operands_of(c->a, cmd);
		buf_addf(out, "complete -c provision -n __fish_use_subcommand -a %s -d '",
			cmd->name);
		fish_text(out, cmd->doc);
		buf_adds(out, "'\n");
		for (size_t k = 0; cli_option(k); k++)
			if (cli_takes(cmd, cli_option(k)))
				fish_option(c, out, cmd, cli_option(k));
		if (o.files || o.words.n)
			buf_addf(out, "complete -c provision -n '__fish_seen_subcommand_from %s'%s",
				cmd->name, o.files ? " -F" : "");
		if (o.words.n)
			buf_addf(out, " -a '%s'", o.words.p);
		buf_adds(out, o.files || o.words.n ? "\n" : "");
		buf_free(&o.words);
	}
}

static int run_completion(struct cli *c)
{
	static const struct {
		const char *name;
		void (*body)(struct cli *c, struct buf *out);
	} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
	struct buf out;
	for (size_t i = 0; c->n_args == 1 && i < ARRAY_LEN(shells); i++) {
		if (strcmp(shells[i].name, c->args[0]) != 0)
			continue;
		buf_init(&out, 1 << 24);
		shells[i].body(c, &out);
		cli_print(&out);
		buf_free(&out);
		return EXIT_FINE;
	}
	cli_say("usage: provision completion bash | zsh | fish\n");
	return EXIT_BEFORE;
}

const struct command command_completion = {
	.name = "completion",
	.args = "bash | zsh | fish",
	.doc = "print the completions of a shell",
	.about = "Prints a script that lets bash, zsh or fish complete commands, options, their "
		 "arguments and file names. `make install` puts them where the shells look.",
	.example =
		"provision completion bash >~/.local/share/bash-completion/completions/provision\n"
		"provision completion zsh >~/.zfunc/_provision\n"
		"provision completion fish >~/.config/fish/completions/provision.fish\n",
	.options = "",
	.run = run_completion,
};
