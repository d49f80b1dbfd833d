/* SPDX-License-Identifier: MIT
 *
 * provision check: reports every problem that can be found without contacting a host.
 */
#include "command/command.h"

/* For programs: writes the final event. */
static void say_end(int code)
{
	struct page *p = page_new(false);
	page_addf(p, "{\"event\": \"end\", \"exit_code\": %d}\n", code);
	cli_page(p);
}

static void say_fine(const struct cli *c, const char *manifest, const struct site *s)
{
	const struct play *plays;
	size_t n = 0, n_plays = site_plays(s, &plays);
	for (const char *const *h = site_hosts(s); *h; h++)
		n++;
	if (c->json) {
		say_end(EXIT_FINE);
		return;
	}
	struct page *p = page_new(false);
	page_addf(p, "%s: no problem found in %zu play%s for %zu host%s", manifest, n_plays,
		n_plays == 1 ? "" : "s", n, n == 1 ? "" : "s");
	if (c->warnings)
		page_addf(p, ", %zu warning%s", c->warnings, c->warnings == 1 ? "" : "s");
	page_addf(p, "\n");
	cli_page(p);
}

static int run_check(struct cli *c)
{
	const char *manifest = cli_manifest(c);
	struct site *s = manifest ? cli_site(c, manifest) : NULL;
	if (s)
		say_fine(c, manifest, s);
	else if (c->json)
		say_end(EXIT_BEFORE);
	return s ? EXIT_FINE : EXIT_BEFORE;
}

const struct command command_check = {
	.name = "check",
	.args = "[SITE] [options]",
	.doc = "validate the site without contacting a host",
	.about = "Reads the site with its inventory, variables and roles, and reports all problems "
		 "together, with their lines. No host is contacted.",
	.example = "provision check site.yml -i hosts.yml -e @secrets.yml\n",
	.options = "inventory limit tags skip-tags extra-vars roles-path json verbose",
	.run = run_check,
};
