/* SPDX-License-Identifier: MIT
 *
 * The reference of the commands, and the manual pages, made from the tables of commands and
 * options.
 */
#include "command/manual.h"

const struct cli_exit cli_exits[] = {
	{EXIT_FINE, "success"},
	{EXIT_BEFORE, "error before any host was contacted"},
	{EXIT_FAILED, "a host failed"},
	{EXIT_CHANGES, "something to change (plan --exit-code)"},
	{EXIT_UNREACHABLE, "a host was unreachable"},
	{0, NULL},
};
static const struct {
	const char *path, *doc;
} files[] = {
	{"site.yml", "The site, if the command line names none."},
	{"~/.ssh/known_hosts", "Keys of hosts, unless `--known-hosts` names another file."},
	{"~/.cache/provision/mxroute.json",
		"The copy of mxroute's answers, when a domain's provider is mxroute."},
	{PREFIX "/lib/provision/provision-agent", "The agent, which is copied to the hosts."},
	{PREFIX "/share/provision/roles", "The roles, searched after those beside the site."},
	{"/var/lib/provision",
		"On a host: the agent, the journal, originals of replaced files, and handlers "
		"that have not run yet."},
};
static const struct {
	const char *name, *doc;
} variables[] = {
	{"PROVISION_ROLES_PATH", "Folders of roles, colon separated, as `--roles-path`."},
	{"PROVISION_AGENT", "Path of the agent, if it is elsewhere."},
	{"SSH_AUTH_SOCK", "The socket of the ssh-agent whose keys are tried at login."},
	{"XDG_CACHE_HOME", "Folder of caches, instead of `~/.cache`."},
	{"NO_COLOR", "No colours."},
};

/* option_usage() in macros. */
static void option_mdoc(struct buf *b, const struct option_row *r)
{
	if (option_letter(r))
		buf_addf(b, "Fl %c , ", option_letter(r));
	buf_addf(b, "Fl Fl %s", r->name);
	if (r->arg)
		buf_addf(b, " Ar %s", r->arg);
}

static void print_options(struct form *f, const struct command *cmd)
{
	form_list(f);
	for (size_t i = 0; cli_option(i); i++) {
		const struct option_row *r = cli_option(i);
		struct buf name;
		if (!cli_takes(cmd, r))
			continue;
		buf_init(&name, 4096);
		if (f->kind == FORM_MAN) {
			option_mdoc(&name, r);
			form_item_mdoc(f, name.p);
		} else {
			option_usage(&name, r);
			form_item(f, name.p, NULL);
		}
		form_text(f, "%s", r->doc);
		buf_free(&name);
	}
	form_list_end(f);
}

void manual_command(struct form *f, const struct command *cmd)
{
	form_section(f, cmd->name);
	form_code(f, "",
		arena_printf(
			f->a, "provision %s%s%s", cmd->name, *cmd->args ? " " : "", cmd->args));
	form_text(f, "%s", cmd->about);
	form_text(f, "Options:");
	print_options(f, cmd);
	form_code(f, "sh", cmd->example);
}

void manual_commands(struct form *f)
{
	for (size_t i = 0; commands[i]; i++)
		manual_command(f, commands[i]);
}

const char *const *manual_names(struct arena *a)
{
	const char **names = NULL;
	size_t n = 0, cap = 0;
	PUSH(a, names, n, cap, "commands");
	for (size_t i = 0; commands[i]; i++)
		PUSH(a, names, n, cap, commands[i]->name);
	for (const char *const *name = reference_names(a); *name; name++)
		PUSH(a, names, n, cap, *name);
	PUSH(a, names, n, cap, NULL);
	return names;
}

/* ---- pages ---- */
/* Sorts by section, then by name. */
static int by_section(const void *a, const void *b)
{
	const char *one = *(const char *const *)a, *two = *(const char *const *)b;
	size_t n = strlen(one) - 2, m = strlen(two) - 2; /* without ".1" */
	int order = one[n + 1] - two[m + 1];
	if (!order)
		order = memcmp(one, two, n < m ? n : m);
	return order ? order : (n > m) - (n < m);
}

static void see_also(struct form *f, const char *but)
{
	const char **names = NULL, *name, *sep = "";
	size_t n = 0, cap = 0;
	for (size_t i = 0; (name = manual_page_name(f->a, i)); i++)
		if (strcmp(name, but) != 0)
			PUSH(f->a, names, n, cap, name);
	if (n)
		qsort(names, n, sizeof(*names), by_section);
	form_section(f, "See also");
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i]) - 2;
		buf_addf(f->out, "%s.Xr %.*s %s", sep, (int)len, names[i], names[i] + len + 1);
		sep = " ,\n";
	}
	buf_addc(f->out, '\n');
}

static void exits_and_files(struct form *f)
{
	form_section(f, "Environment");
	form_list(f);
	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		form_item_mdoc(f, arena_printf(f->a, "Ev %s", variables[i].name));
		form_text(f, "%s", variables[i].doc);
	}
	form_list_end(f);
	form_section(f, "Files");
	form_list(f);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		form_item_mdoc(f, arena_printf(f->a, "Pa %s", files[i].path));
		form_text(f, "%s", files[i].doc);
	}
	form_list_end(f);
	form_section(f, "Exit status");
	form_list(f);
	for (size_t i = 0; cli_exits[i].doc; i++) {
		form_item_mdoc(f, arena_printf(f->a, "%d", cli_exits[i].code));
		form_text(f, "%s", cli_exits[i].doc);
	}
	form_list_end(f);
}

/* "[SITE | PLAN] records" as macros, one per line. */
static void print_synopsis(struct form *f, const char *args)
{
	while (*args) {
		size_t n = *args == '[' ? strcspn(args, "]") + 1 : strcspn(args, " ");
		if (*args == '[')
			buf_addf(f->out, ".Op Ar %.*s\n", (int)n - 2, args + 1);
		else if (*args == '|')
			buf_adds(f->out, "|\n");
		else
			buf_addf(f->out, ".%s %.*s\n", *args >= 'a' ? "Cm" : "Ar", (int)n, args);
		args += n;
		args += strspn(args, " ");
	}
}

static void command_page(struct form *f, const struct command *cmd)
{
	form_page(f, arena_printf(f->a, "provision-%s", cmd->name), 1, cmd->doc);
	form_section(f, "Synopsis");
	buf_addf(f->out, ".Nm provision %s\n", cmd->name);
	print_synopsis(f, cmd->args);
	form_section(f, "Description");
	form_text(f, "%s", cmd->about);
	form_section(f, "Options");
	print_options(f, cmd);
	exits_and_files(f);
	form_section(f, "Examples");
	form_code(f, "sh", cmd->example);
	see_also(f, arena_printf(f->a, "provision-%s.1", cmd->name));
}

static void main_page(struct form *f)
{
	form_page(f, "provision", 1, "set up mail servers as declared, and keep them so");
	form_section(f, "Synopsis");
	buf_adds(f->out, ".Nm\n.Ar COMMAND\n.Op Ar ...\n.Nm\n.Fl Fl help | Fl Fl version\n");
	form_section(f, "Description");
	form_text(f, "Reads a site (plays in Ansible's format, with a declared mail state), and "
		     "sets up Debian hosts over SSH as the mail servers that it declares. A plan "
		     "shows what would change, and applying it makes exactly these changes.");
	form_text(f, "The commands are:");
	form_list(f);
	for (size_t i = 0; commands[i]; i++) {
		form_item_mdoc(f, arena_printf(f->a, "Cm %s", commands[i]->name));
		form_text(f, "%s", commands[i]->doc);
	}
	form_list_end(f);
	form_section(f, "Options");
	form_list(f);
	form_item_mdoc(f, "Fl h , Fl Fl help");
	form_text(f, "list the commands; after a command: its options");
	form_item_mdoc(f, "Fl Fl version");
	form_text(f, "print the version, and the commit that it was built from");
	form_list_end(f);
	exits_and_files(f);
	form_section(f, "Examples");
	form_code(f, "sh",
		"provision check site.yml -i hosts.yml\n"
		"provision plan  site.yml -i hosts.yml\n"
		"provision apply site.yml -i hosts.yml\n");
	see_also(f, "provision.1");
}

static void site_page(struct form *f)
{
	form_page(f, "provision-site", 5, "plays, tasks and modules of a site");
	form_section(f, "Description");
	form_text(f, "A site is a YAML file with a list of plays.");
	reference_playbook(f);
	form_section(f, "Modules");
	form_text(f, "`provision doc NAME` documents each of these:");
	form_words(f, reference_modules(f->a));
	form_section(f, "Examples");
	form_code(f, "yaml",
		"- hosts: mail\n  become: true\n  mail:\n"
		"    hostname: mx1.example.com\n  roles: [mail]\n  tasks:\n"
		"    - name: A file of our own\n      copy:\n"
		"        dest: /etc/motd\n        content: \"{{ inventory_hostname }}\\n\"\n");
	see_also(f, "provision-site.5");
}

static void mail_page(struct form *f)
{
	form_page(f, "provision-mail", 5, "the declared state of a mail server");
	form_section(f, "Description");
	reference_mail(f);
	form_section(f, "Examples");
	form_code(f, "yaml",
		"- hosts: mail\n  mail:\n    hostname: mx1.example.com\n"
		"    domains:\n      example.com:\n        mailboxes:\n"
		"          alice: {password: \"{{ vault_alice }}\", quota: 1G}\n"
		"        aliases:\n          sales: [alice, partner@example.net]\n"
		"  roles: [mail]\n");
	see_also(f, "provision-mail.5");
}

static const struct {
	const char *name;
	void (*body)(struct form *f);
} pages[] = {
	{"provision.1", main_page},
	{"provision-mail.5", mail_page},
	{"provision-site.5", site_page},
};

const char *manual_page_name(struct arena *a, size_t i)
{
	size_t n = 0;
	if (i < ARRAY_LEN(pages))
		return pages[i].name;
	while (commands[n])
		n++;
	i -= ARRAY_LEN(pages);
	return i < n ? arena_printf(a, "provision-%s.1", commands[i]->name) : NULL;
}

bool manual_page(struct form *f, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (strcmp(pages[i].name, name) == 0) {
			pages[i].body(f);
			return true;
		}
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(arena_printf(f->a, "provision-%s.1", commands[i]->name), name) == 0) {
			command_page(f, commands[i]);
			return true;
		}
	return false;
}
