/* SPDX-License-Identifier: MIT
 *
 * provision render and provision eval: evaluate a template or an expression with the variables of
 * the inventory and of -e, without contacting a host.
 */
#include "command/command.h"
#include <unistd.h>

/* The site of -i and -e, and the host whose variables are used. */
static struct site *find_host(struct cli *c, const char **host, struct err *e)
{
	struct site *s = cli_site(c, NULL);
	if (!s)
		return NULL;
	const char *const *hosts = site_match(s, c->site.limit ? c->site.limit : "localhost", e);
	*host = hosts ? hosts[0] : NULL;
	return hosts ? s : NULL;
}

static int refuse_unknown(const struct value *v)
{
	cli_say("provision: the value is unknown %s\n", value_find_type(v, VALUE_UNKNOWN)->s.p);
	return EXIT_BEFORE;
}

static int run_render(struct cli *c)
{
	struct err e = {0};
	struct str text;
	const char *host;
	if (c->n_args != 1) {
		cli_say("usage: provision render TEMPLATE [-e @vars.yml]\n");
		return EXIT_BEFORE;
	}
	if (!file_read(c->a, c->args[0], FILE_MAX, &text, &e))
		return cli_error(&e);
	source_add(c->args[0], text);
	text = str_no_bom(text);
	struct site *s = find_host(c, &host, &e);
	if (!s)
		return e.kind ? cli_error(&e) : EXIT_BEFORE;
	struct pos pos = {c->args[0], 1, 1};
	const struct template *t = template_parse(c->a, text, pos, TEMPLATE_TRIM_BLOCKS, &e);
	struct value *v = t ? site_render(s, host, t, &e) : NULL;
	if (!v)
		return cli_error(&e);
	if (v->type == VALUE_UNKNOWN)
		return refuse_unknown(v);
	(void)!write_data(STDOUT_FILENO, v->s);
	return EXIT_FINE;
}

static int run_eval(struct cli *c)
{
	struct err e = {0};
	const char *host;
	if (c->n_args != 1) {
		cli_say("usage: provision eval EXPRESSION [-e VARS] [-l HOST]\n");
		return EXIT_BEFORE;
	}
	struct site *s = find_host(c, &host, &e);
	if (!s)
		return e.kind ? cli_error(&e) : EXIT_BEFORE;
	source_add("expression", str_c(c->args[0]));
	struct value *v =
		site_eval(s, host, str_c(c->args[0]), (struct pos){"expression", 1, 1}, &e);
	if (!v)
		return cli_error(&e);
	if (value_find_type(v, VALUE_UNKNOWN))
		return refuse_unknown(v);
	struct buf out;
	buf_init(&out, FILE_MAX);
	json_write_pretty(&out, v, 0);
	buf_addc(&out, '\n');
	cli_print(&out);
	buf_free(&out);
	return EXIT_FINE;
}

const struct command command_render = {
	.name = "render",
	.args = "TEMPLATE [options]",
	.doc = "render a template with the variables of -e and -l HOST",
	.about = "Renders a template and prints the result, with the variables of `-e` and, with "
		 "`-l HOST`, of the inventory.",
	.example = "provision render templates/motd.j2 -e name=mx1\n",
	.options = "inventory limit extra-vars verbose",
	.run = run_render,
};
const struct command command_eval = {
	.name = "eval",
	.args = "EXPRESSION [options]",
	.doc = "evaluate an expression; print its value as JSON",
	.about = "Prints the value of an expression of the template language as JSON, with the "
		 "variables of `-e` and, with `-l HOST`, of the inventory.",
	.example = "provision eval \"names | map('upper') | list\" -e '{names: [a, b]}'\n",
	.options = "inventory limit extra-vars verbose",
	.run = run_eval,
};
