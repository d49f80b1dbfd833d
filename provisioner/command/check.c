/* SPDX-License-Identifier: MIT
 *
 * provision check: every mistake that can be found without a host.
 */
#include "command/command.h"

static int run(struct cli *c)
{
	const char *manifest = cli_manifest(c);
	struct site *s = manifest ? cli_site(c, manifest) : NULL;
	if (!s)
		return EXIT_BEFORE;
	const struct play *plays;
	size_t n = 0, n_plays = site_plays(s, &plays);
	for (const char *const *h = site_hosts(s); *h; h++)
		n++;
	printf("%s: no problem found in %zu play%s for %zu host%s\n", manifest, n_plays,
		n_plays == 1 ? "" : "s", n, n == 1 ? "" : "s");
	return EXIT_FINE;
}

const struct command command_check = {
	.name = "check",
	.args = "[SITE] [options]",
	.doc = "Finds every mistake that can be found without contacting a host.",
	.options = "inventory limit tags skip-tags extra-vars roles-path verbose",
	.run = run,
};
