/* SPDX-License-Identifier: MIT
 *
 * provision apply: brings the hosts to the declared state, or makes exactly the changes of a saved
 * plan.
 */
#include "command/command.h"

static int apply_site(struct cli *c, struct fleet_options *o)
{
	struct fleet_result r = {0};
	o->mode = FLEET_APPLY;
	int code = cli_fleet(c, o, false, &r) ? r.exit_code : EXIT_BEFORE;
	fleet_result_free(&r);
	return code;
}

static bool only_hosts(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i]->kind == TARGET_HOST)
			continue;
		cli_say("provision: %s changes the %s %s; apply takes plans of hosts only\n", path,
			target_kind_name(p->v[i]->kind), p->v[i]->name);
		return false;
	}
	return true;
}

static int apply_saved(struct cli *c, const char *path)
{
	struct err e = {0};
	struct plan *p = plan_load(c->a, path, &e);
	if (!p)
		return cli_error(&e);
	if (!only_hosts(p, path))
		return EXIT_BEFORE;
	if (c->check || c->list_hosts || c->list_tasks) {
		cli_say("provision: %s is a plan already; -C and --list-* take a site\n", path);
		return EXIT_BEFORE;
	}
	if (c->site.limit || c->site.tags || c->site.skip_tags || c->n_extra_vars) {
		cli_say("provision: a saved plan is applied as it is: no -l, -t or -e\n");
		return EXIT_BEFORE;
	}
	return apply_site(c, &(struct fleet_options){.saved = p});
}

static int run_apply(struct cli *c)
{
	const char *manifest = cli_manifest(c);
	if (!manifest)
		return EXIT_BEFORE;
	if (plan_is_file(manifest))
		return apply_saved(c, manifest);
	struct site *s = cli_site(c, manifest);
	if (!s)
		return EXIT_BEFORE;
	if (c->check || c->list_hosts || c->list_tasks)
		return cli_plan(c, s);
	return cli_providers(c, s) ? apply_site(c, &(struct fleet_options){.site = s})
				   : EXIT_BEFORE;
}

const struct command command_apply = {
	.name = "apply",
	.args = "[SITE | PLAN] [options]",
	.doc = "make the changes of the site, or exactly those of a saved plan",
	.about = "Plans and makes the changes, one after another; a second apply finds nothing to "
		 "do. A service that does not serve with its new configuration gets the old one "
		 "back. Given a file that `plan --out` has written, it makes exactly the changes "
		 "in it, or none.",
	.example = "provision apply site.yml -i hosts.yml -D\n"
		   "provision apply monday.plan\n",
	.options = "inventory limit tags skip-tags extra-vars forks user private-key connection "
		   "timeout host-timeout lock-timeout ask-pass become become-user ask-become-pass "
		   "known-hosts accept-new-host-keys roles-path offline unsupported-ok check diff "
		   "json list-hosts list-tasks verbose",
	.run = run_apply,
};
