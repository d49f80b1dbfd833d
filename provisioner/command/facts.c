/* SPDX-License-Identifier: MIT
 *
 * provision facts: prints facts of hosts as JSON.
 */
#include "command/command.h"

static int run_facts(struct cli *c)
{
	struct err e = {0};
	struct fleet_result r = {0};
	if (c->n_args > 1) {
		cli_say("provision facts: one pattern, please\n");
		return EXIT_BEFORE;
	}
	struct site *s = cli_site(c, NULL);
	if (!s)
		return EXIT_BEFORE;
	struct fleet_options o = {.mode = FLEET_FACTS, .site = s};
	o.hosts = site_match(s, c->n_args ? c->args[0] : "all", &e);
	if (!o.hosts)
		return cli_error(&e);
	if (!cli_fleet(c, &o, true, &r))
		return EXIT_BEFORE;
	struct buf out;
	buf_init(&out, 1 << 26);
	if (c->json)
		json_write(&out, r.facts);
	else
		json_write_pretty(&out, r.facts, 0);
	buf_addc(&out, '\n');
	cli_print(&out);
	buf_free(&out);
	fleet_result_free(&r);
	return r.exit_code;
}

const struct command command_facts = {
	.name = "facts",
	.args = "[PATTERN] [options]",
	.doc = "gather and print facts of hosts (ansible_NAME)",
	.about =
		"Prints the facts of hosts as JSON: the variables ansible_NAME that plays can use.",
	.example = "provision facts -i hosts.yml mail\n",
	.options = "inventory limit extra-vars forks user private-key connection timeout "
		   "host-timeout ask-pass "
		   "become become-user ask-become-pass known-hosts accept-new-host-keys json "
		   "verbose",
	.run = run_facts,
};
