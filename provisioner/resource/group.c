/* SPDX-License-Identifier: MIT
 *
 * The type `group`: groups of the host, observed in /etc/group and changed by groupadd, groupmod
 * and groupdel. Never changes the members; `user` does.
 */
#include "host/foresight.h"
#include "host/account.h"
#include "host/args.h"
#include "resource/types.h"

static const struct field group_fields[] = {
	{.name = "name", .kind = FIELD_STR, .flags = FIELD_REQUIRED, .doc = "The group's name."},
	{.name = "state",
		.kind = FIELD_ENUM,
		.choices = "present absent",
		.dflt = "present",
		.doc = "Whether the group exists."},
	{.name = "gid",
		.kind = FIELD_INT,
		.min = 0,
		.max = UINT32_MAX - 1,
		.doc = "Group id. Default: the next free one."},
	{.name = "system",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "For a new group: take the id from the range for the system."},
	{.name = "non_unique",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Allow an id that another group has."},
	{.name = "force",
		.kind = FIELD_BOOL,
		.flags = FIELD_ACTION,
		.doc = "Delete it even when it is the primary group of a user."},
	{.name = "local",
		.kind = FIELD_BOOL,
		.flags = FIELD_ACTION,
		.doc = "Always so here; accepted for Ansible."},
	{0},
};

static const struct field group_returns[] = {
	{.name = "name", .kind = FIELD_STR, .doc = "The group's name."},
	{.name = "gid", .kind = FIELD_INT, .doc = "Its id, when it exists."},
	{.name = "state", .kind = FIELD_STR, .doc = "present or absent."},
	{0},
};

static bool group_check(const struct value *params, struct errs *errs)
{
	const struct value *name = map_at(params, "name");
	if (!name || name->type != VALUE_STR || account_name_valid(name->s.p))
		return true;
	return errs_add(errs, name->pos,
		"'%s' is not a group name; use letters, digits, '_', '-' and '.', not beginning "
		"with a digit",
		name->s.p);
}

static bool is_wanted(const struct value *params)
{
	return strcmp(map_cstr(params, "state", "present"), "present") == 0;
}

static void tell_group(
	struct host *h, const char *name, const struct account_group *g, struct observation *o)
{
	map_put(h->a, o->result, "name", value_text(h->a, name));
	map_put(h->a, o->result, "state", value_text(h->a, g ? "present" : "absent"));
	if (g)
		map_put(h->a, o->result, "gid", value_int(h->a, g->gid));
}

static bool group_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *name = map_cstr(params, "name", "");
	int64_t gid = map_int(params, "gid", -1);
	struct accounts all;
	observation_init(h, o);
	if (!accounts_read(h->a, &all, e))
		return false;
	const struct account_group *g = account_group(&all, name);
	tell_group(h, name, g, o);
	if (account_observe(h, "group", name, is_wanted(params), g != NULL, o))
		g = NULL;
	if (is_wanted(params) && gid >= 0 && (!g || g->gid != gid))
		observe_attr(h, o, "gid", g ? arena_printf(h->a, "%u", g->gid) : NULL,
			arena_printf(h->a, "%lld", (long long)gid));
	return true;
}

static void group_foresee(
	const struct value *params, const struct observation *o, struct foresight *f)
{
	account_foresee("group", params, o, f);
}

static bool group_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *name = map_cstr(params, "name", "");
	int64_t gid = map_int(params, "gid", -1);
	bool made = observed_change(o, "state") && is_wanted(params);
	struct accounts all;
	struct args argv = {0};
	args_add(h->a, &argv, !is_wanted(params) ? "groupdel" : made ? "groupadd" : "groupmod");
	if (!is_wanted(params) && map_bool(params, "force", false))
		args_add(h->a, &argv, "--force");
	if (made && map_bool(params, "system", false))
		args_add(h->a, &argv, "--system");
	if (is_wanted(params) && gid >= 0)
		args_addf(h->a, &argv, "--gid=%lld", (long long)gid);
	if (is_wanted(params) && gid >= 0 && map_bool(params, "non_unique", false))
		args_add(h->a, &argv, "--non-unique");
	args_add(h->a, &argv, name);
	if (!run_program(h, argv.v, NULL, e) || !accounts_read(h->a, &all, e))
		return false;
	tell_group(h, name, account_group(&all, name), o);
	return true;
}

const struct restype restype_group = {
	.name = "group",
	.full_names = BUILTIN_NAMES("group"),
	.key = "name",
	.doc = "A group of the host.",
	.example = "- name: The group of the mailboxes\n  group:\n    name: vmail\n    gid: 5000\n",
	.fields = group_fields,
	.returns = group_returns,
	.class = RES_ACCOUNT,
	.touches = RES_ACCOUNT,
	.check = group_check,
	.observe = group_observe,
	.foresee = group_foresee,
	.apply = group_apply,
};
