/* SPDX-License-Identifier: MIT
 *
 * provision schema: the JSON Schema of site.yml, for editors.
 */
#include "command/command.h"
#include "reference/reference.h"

static int run_schema(struct cli *c)
{
	struct buf out;
	if (c->n_args) {
		cli_say("usage: provision schema\n");
		return EXIT_BEFORE;
	}
	buf_init(&out, 1 << 24);
	json_write_pretty(&out, reference_schema(c->a), 0);
	buf_addc(&out, '\n');
	cli_print(&out);
	buf_free(&out);
	return EXIT_FINE;
}

const struct command command_schema = {
	.name = "schema",
	.args = "",
	.doc = "print the JSON Schema of site.yml, for editors",
	.about = "Prints a JSON Schema (draft-07) of a manifest: plays, tasks with their modules, "
		 "and the mail state. An editor that supports it completes keys, shows "
		 "their documentation and marks mistakes. `check` finds more problems than a "
		 "schema can describe.",
	.example = "provision schema >provision.schema.json\n"
		   "# first line of site.yml, for yaml-language-server:\n"
		   "# yaml-language-server: $schema=provision.schema.json\n",
	.options = "",
	.run = run_schema,
};
