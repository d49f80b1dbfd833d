/* SPDX-License-Identifier: MIT
 *
 * provision render and provision eval: try a template or an expression with the variables of the
 * inventory and of -e, without a host.
 */
#include "command/command.h"
#include <unistd.h>

static struct value *lookup_variable(void *ctx, struct str name)
{
	return map_get(ctx, name);
}

/* The variables that a host (or nobody in particular) has. */
static struct value *find_variables(struct cli *c, struct err *e)
{
	struct site *s = cli_site(c, NULL);
	if (!s)
		return NULL;
	const char *const *hosts = site_match(s, c->site.limit ? c->site.limit : "localhost", e);
	return hosts ? site_vars(s, hosts[0], e) : NULL;
}

static int run_render(struct cli *c)
{
	struct err e = {0};
	struct str text;
	if (c->n_args != 1) {
		cli_say("usage: provision render TEMPLATE [-e @vars.yml]\n");
		return EXIT_BEFORE;
	}
	if (!file_read(c->a, c->args[0], FILE_MAX, &text, &e))
		return cli_error(&e);
	source_add(c->args[0], text);
	text = str_no_bom(text);
	struct value *vars = find_variables(c, &e);
	if (!vars)
		return e.kind ? cli_error(&e) : EXIT_BEFORE;
	struct jinja_env env = {.a = c->a, .ctx = vars, .lookup = lookup_variable};
	struct pos pos = {c->args[0], 1, 1};
	const struct template *t = template_parse(c->a, text, pos, TEMPLATE_TRIM_BLOCKS, &e);
	struct value *v = t ? template_render(&env, t, &e) : NULL;
	if (!v)
		return cli_error(&e);
	(void)!write_data(STDOUT_FILENO, v->s);
	return EXIT_FINE;
}

static int run_eval(struct cli *c)
{
	struct err e = {0};
	if (c->n_args != 1) {
		cli_say("usage: provision eval EXPRESSION [-e VARS] [-l HOST]\n");
		return EXIT_BEFORE;
	}
	struct value *vars = find_variables(c, &e);
	if (!vars)
		return e.kind ? cli_error(&e) : EXIT_BEFORE;
	struct jinja_env env = {.a = c->a, .ctx = vars, .lookup = lookup_variable};
	source_add("expression", str_c(c->args[0]));
	struct value *v =
		expression_eval(&env, str_c(c->args[0]), (struct pos){"expression", 1, 1}, &e);
	if (!v)
		return cli_error(&e);
	if (v->type == VALUE_UNDEFINED) {
		cli_say("provision eval: it is undefined\n");
		return EXIT_BEFORE;
	}
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
	.doc = "try a template with variables of -e and inventory",
	.about = "Prints what a template gives with the variables of `-e` and, with `-l HOST`, of "
		 "the inventory.",
	.example = "provision render templates/motd.j2 -e name=mx1\n",
	.options = "inventory limit extra-vars verbose",
	.run = run_render,
};
const struct command command_eval = {
	.name = "eval",
	.args = "EXPRESSION [options]",
	.doc = "try an expression; its value as JSON",
	.about = "Prints the value of an expression of the template language as JSON, with the "
		 "variables of `-e` and, with `-l HOST`, of the inventory.",
	.example = "provision eval \"names | map('upper') | list\" -e '{names: [a, b]}'\n",
	.options = "inventory limit extra-vars verbose",
	.run = run_eval,
};
