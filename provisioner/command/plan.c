/* SPDX-License-Identifier: MIT
 *
 * provision plan: what would change on each host, with diffs. Changes nothing.
 */
#include "command/command.h"
#include "site/listing.h"

static int plan_exit(const struct cli *c, const struct fleet_result *r)
{
	const struct plan_counts *n = &r->plan->counts;
	if (r->exit_code)
		return r->exit_code;
	if (n->failed)
		return EXIT_FAILED;
	if (c->exit_code && n->change + n->handler + n->unknown)
		return EXIT_CHANGES;
	return EXIT_FINE;
}

static int list_site(const struct cli *c, const struct site *s)
{
	struct page *p = page_new(false);
	if (c->list_hosts)
		site_list_hosts(s, p);
	if (c->list_hosts && c->list_tasks)
		page_addf(p, "\n");
	if (c->list_tasks)
		site_list_tasks(s, p);
	cli_page(p);
	return EXIT_FINE;
}

int cli_plan(struct cli *c, struct site *s)
{
	struct fleet_options o = {.mode = FLEET_PLAN, .site = s};
	struct fleet_result r = {0};
	struct err e = {0};
	if (c->list_hosts || c->list_tasks)
		return list_site(c, s);
	if (!cli_providers(c, s) || !cli_fleet(c, &o, true, &r))
		return EXIT_BEFORE;
	r.plan->site = c->site.manifest;
	int code = plan_exit(c, &r);
	if (c->out && !plan_save(r.plan, c->out, &e)) {
		cli_error(&e);
		code = code ? code : EXIT_BEFORE;
	} else if (c->out && !c->json) {
		struct page *p = page_new(false);
		page_addf(p, "Saved. To make exactly these changes: provision apply %s\n", c->out);
		cli_page(p);
	}
	fleet_result_free(&r);
	return code;
}

static int run_plan(struct cli *c)
{
	const char *manifest = cli_manifest(c);
	struct site *s = manifest ? cli_site(c, manifest) : NULL;
	return s ? cli_plan(c, s) : EXIT_BEFORE;
}

const struct command command_plan = {
	.name = "plan",
	.args = "[SITE] [options]",
	.doc = "show what would change; change nothing",
	.about = "Connects to the hosts of the site, observes their state, and prints each "
		 "change that `apply` would make, with diffs. Nothing is changed. With `--out` the "
		 "plan is saved: `provision apply FILE` then makes exactly those changes, or "
		 "none if a host has changed since.",
	.example = "provision plan site.yml -i hosts.yml\n"
		   "provision plan site.yml -i hosts.yml -l mx1.example.com --out monday.plan\n"
		   "provision plan site.yml -i hosts.yml --exit-code || echo 'not as declared'\n",
	.options = "inventory limit tags skip-tags extra-vars forks user private-key connection "
		   "timeout host-timeout ask-pass become become-user ask-become-pass known-hosts "
		   "accept-new-host-keys roles-path out exit-code offline unsupported-ok json "
		   "list-hosts list-tasks diff verbose",
	.run = run_plan,
};
