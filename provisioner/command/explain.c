/* SPDX-License-Identifier: MIT
 *
 * provision explain: the value of a variable for a host, and which source sets each layer.
 */
#include "command/command.h"
#include "site/listing.h"

static int run_explain(struct cli *c)
{
	struct err e = {0};
	if (c->n_args < 1 || c->n_args > 2 || !c->site.limit) {
		cli_say("usage: provision explain VARIABLE [SITE] -l HOST\n");
		return EXIT_BEFORE;
	}
	const char *limit = c->site.limit;
	const char *manifest = c->n_args == 2 ? c->args[1] : NULL;
	struct site *s = cli_site(c, manifest);
	const char *const *hosts = s ? site_match(s, limit, &e) : NULL;
	if (!s)
		return EXIT_BEFORE;
	if (!hosts)
		return cli_error(&e);
	struct page *p = page_new(false);
	bool ok = true;
	for (; *hosts && ok; hosts++) {
		page_addf(p, "%s\n", *hosts);
		ok = site_explain(s, *hosts, c->args[0], p, &e);
	}
	cli_page(p);
	return ok ? EXIT_FINE : cli_error(&e);
}

const struct command command_explain = {
	.name = "explain",
	.args = "VARIABLE [SITE] [options]",
	.doc = "show the value of a variable on -l HOST, and where it is set",
	.about = "Prints the value that a variable has on a host, and each file and line that "
		 "gives it one, from the weakest to the strongest.",
	.example = "provision explain mail site.yml -i hosts.yml -l mx1.example.com\n",
	.options = "inventory limit extra-vars roles-path verbose",
	.run = run_explain,
};
