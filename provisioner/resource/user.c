/* SPDX-License-Identifier: MIT
 *
 * The type `user`: users of the host, observed in /etc/passwd, /etc/group and /etc/shadow and
 * changed by useradd, usermod and userdel. A password hash never appears in an argument list.
 */
#include <sys/stat.h>
#include "host/foresight.h"
#include "host/account.h"
#include "host/args.h"
#include "host/path.h"
#include "resource/password.h"
#include "resource/types.h"

static const struct field user_fields[] = {
	{.name = "name",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.aliases = "user",
		.doc = "The user's name."},
	{.name = "state",
		.kind = FIELD_ENUM,
		.choices = "present absent",
		.dflt = "present",
		.doc = "Whether the user exists."},
	{.name = "uid",
		.kind = FIELD_INT,
		.min = 0,
		.max = UINT32_MAX - 1,
		.doc = "User id. Default: the next free one."},
	{.name = "non_unique",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Allow an id that another user has."},
	{.name = "group", .kind = FIELD_STR, .doc = "The primary group, by name or id."},
	{.name = "groups",
		.kind = FIELD_LIST,
		.flags = FIELD_COMMA,
		.doc = "Further groups. An empty list removes the user from all."},
	{.name = "append",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Only add to groups; otherwise the user leaves all groups that are not "
		       "named."},
	{.name = "comment", .kind = FIELD_STR, .doc = "The full name or a description."},
	{.name = "home", .kind = FIELD_PATH, .doc = "The home folder."},
	{.name = "shell", .kind = FIELD_PATH, .doc = "The login shell."},
	{.name = "password",
		.kind = FIELD_STR,
		.flags = FIELD_SECRET,
		.doc = "The password's hash by crypt(5); '!' or '*' for no password. A locked "
		       "user stays locked, and a '!' before the hash locks it."},
	{.name = "update_password",
		.kind = FIELD_ENUM,
		.choices = "always on_create",
		.dflt = "always",
		.doc = "on_create leaves the password of an existing user alone."},
	{.name = "system",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "For a new user: take the id from the range for the system."},
	{.name = "create_home",
		.kind = FIELD_BOOL,
		.aliases = "createhome",
		.dflt = "true",
		.doc = "Create the home folder when it is missing."},
	{.name = "move_home",
		.kind = FIELD_BOOL,
		.flags = FIELD_ACTION,
		.dflt = "false",
		.doc = "When home changes: move the content of the old one."},
	{.name = "skeleton",
		.kind = FIELD_PATH,
		.flags = FIELD_ACTION,
		.doc = "Folder whose content is copied into a new home. Default: /etc/skel."},
	{.name = "remove",
		.kind = FIELD_BOOL,
		.flags = FIELD_ACTION,
		.dflt = "false",
		.doc = "With state absent: also remove the home folder and the mail spool."},
	{.name = "force",
		.kind = FIELD_BOOL,
		.flags = FIELD_ACTION,
		.dflt = "false",
		.doc = "With state absent: remove the user even while logged in."},
	{.name = "local",
		.kind = FIELD_BOOL,
		.flags = FIELD_ACTION,
		.doc = "Always so here; accepted for Ansible."},
	{.name = "expires",
		.kind = FIELD_STR,
		.flags = FIELD_LATER,
		.doc = "Expiry date of the account."},
	{.name = "password_lock",
		.kind = FIELD_BOOL,
		.doc = "Whether the password is locked; a user without a password stays as it is. "
		       "Default: no change."},
	{.name = "generate_ssh_key",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.doc = "Generate an SSH key for the user."},
	{0},
};

static const struct field user_returns[] = {
	{.name = "name", .kind = FIELD_STR, .doc = "The user's name."},
	{.name = "state", .kind = FIELD_STR, .doc = "present or absent."},
	{.name = "uid", .kind = FIELD_INT, .doc = "The id, when the user exists."},
	{.name = "group", .kind = FIELD_INT, .doc = "The primary group's id."},
	{.name = "home", .kind = FIELD_STR, .doc = "The home folder."},
	{.name = "shell", .kind = FIELD_STR, .doc = "The login shell."},
	{.name = "comment", .kind = FIELD_STR, .doc = "The description."},
	{0},
};

static bool user_check(const struct value *params, struct errs *errs)
{
	static const char *const texts[] = {"comment", "home", "shell"};
	const struct value *name = map_at(params, "name");
	bool ok = true;
	if (name && name->type == VALUE_STR && !account_name_valid(name->s.p))
		ok = errs_add(errs, name->pos,
			"'%s' is not a user name; use letters, digits, '_', '-' and '.', not "
			"beginning with a digit",
			name->s.p);
	ok = password_check(params, errs) && ok;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct value *v = map_at(params, texts[i]);
		if (v && v->type == VALUE_STR && v->s.p[strcspn(v->s.p, ":\n")])
			ok = errs_add(
				errs, v->pos, "%s must not contain ':' or a line break", texts[i]);
	}
	return ok;
}

static bool is_wanted(const struct value *params)
{
	return strcmp(map_cstr(params, "state", "present"), "present") == 0;
}

/* ---- observe ---- */

static void tell_user(
	struct host *h, const char *name, const struct account_user *u, struct observation *o)
{
	map_put(h->a, o->result, "name", value_text(h->a, name));
	map_put(h->a, o->result, "state", value_text(h->a, u ? "present" : "absent"));
	if (!u)
		return;
	map_put(h->a, o->result, "uid", value_int(h->a, u->uid));
	map_put(h->a, o->result, "group", value_int(h->a, u->gid));
	map_put(h->a, o->result, "home", value_text(h->a, u->home));
	map_put(h->a, o->result, "shell", value_text(h->a, u->shell));
	map_put(h->a, o->result, "comment", value_text(h->a, u->comment));
}

static void observe_string(struct host *h, const struct value *params, const char *field,
	const char *now, struct observation *o)
{
	const char *want = map_cstr(params, field, NULL);
	if (want && (!now || strcmp(now, want) != 0))
		observe_attr(h, o, field, now, want);
}

static bool group_there(struct host *h, const struct accounts *all, const char *name,
	const char *user, struct err *e)
{
	if (account_group(all, name) || (h->pending & (RES_ACCOUNT | RES_PACKAGE)))
		return true;
	/* useradd creates a group with the user's name */
	if (strcmp(name, user) == 0 && !account_user(all, user))
		return true;
	return err_set(e, ERR_PERMANENT,
		"there is no group '%s' on the host; create it first (group: name: %s)", name,
		name);
}

static bool observe_group(struct host *h, const struct value *params, const struct accounts *all,
	const struct account_user *u, struct observation *o, struct err *e)
{
	const char *want = map_cstr(params, "group", NULL);
	if (!want)
		return true;
	if (!group_there(h, all, want, map_cstr(params, "name", ""), e))
		return false;
	const struct account_group *g = account_group(all, want);
	if (g && u && g->gid == u->gid)
		return true;
	const char *now = u ? arena_printf(h->a, "%u", u->gid) : NULL;
	for (size_t i = 0; u && i < all->n_groups; i++)
		if (all->groups[i].gid == u->gid)
			now = all->groups[i].name;
	observe_attr(h, o, "group", now, want);
	return true;
}

static bool is_member(const struct account_group *g, const char *user)
{
	for (const char **m = g->members; *m; m++)
		if (strcmp(*m, user) == 0)
			return true;
	return false;
}

static bool names_group(
	const struct value *list, const struct accounts *all, const struct account_group *g)
{
	for (size_t i = 0; i < list->list.n; i++)
		if (account_group(all, list->list.v[i]->s.p) == g)
			return true;
	return false;
}

static const char *join_groups(struct arena *a, const struct args *words)
{
	struct buf b;
	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < words->n; i++)
		buf_addf(&b, "%s%s", i ? "," : "", words->v[i]);
	const char *text = buf_str(a, &b).p;
	buf_free(&b);
	return text;
}

/* "before" lists the present groups of the user, "after" the wanted ones. */
static bool observe_groups(struct host *h, const struct value *params, const struct accounts *all,
	const struct account_user *u, struct observation *o, struct err *e)
{
	const struct value *list = map_at(params, "groups");
	const char *name = map_cstr(params, "name", "");
	bool append = map_bool(params, "append", false), differs = false;
	struct args now = {0}, then = {0};
	if (!list)
		return true;
	for (size_t i = 0; i < list->list.n; i++) {
		const char *group = list->list.v[i]->s.p;
		const struct account_group *g = account_group(all, group);
		if (!group_there(h, all, group, name, e))
			return false;
		differs = differs || !u || !g || (!is_member(g, name) && g->gid != u->gid);
		args_add(h->a, &then, group);
	}
	for (size_t i = 0; u && i < all->n_groups; i++) {
		const struct account_group *g = &all->groups[i];
		if (!is_member(g, name))
			continue;
		args_add(h->a, &now, g->name);
		if (names_group(list, all, g) || g->gid == u->gid)
			continue;
		differs = differs || !append;
		if (append)
			args_add(h->a, &then, g->name);
	}
	if (differs)
		observe_attr(h, o, "groups", u ? join_groups(h->a, &now) : NULL,
			join_groups(h->a, &then));
	return true;
}

static void observe_home_folder(struct host *h, const struct value *params,
	const struct account_user *u, struct observation *o)
{
	struct stat st;
	const char *home = map_cstr(params, "home", u ? u->home : NULL);
	if (!u || !home || !map_bool(params, "create_home", true) || stat(home, &st) == 0)
		return;
	if (!(observed_change(o, "home") && map_bool(params, "move_home", false)))
		observe_attr(h, o, "home folder", NULL, home);
}

static bool observe_present(struct host *h, const struct value *params, const struct accounts *all,
	const struct account_user *u, struct observation *o, struct err *e)
{
	int64_t uid = map_int(params, "uid", -1);
	if (uid >= 0 && (!u || u->uid != uid))
		observe_attr(h, o, "uid", u ? arena_printf(h->a, "%u", u->uid) : NULL,
			arena_printf(h->a, "%lld", (long long)uid));
	if (!observe_group(h, params, all, u, o, e) || !observe_groups(h, params, all, u, o, e))
		return false;
	observe_string(h, params, "comment", u ? u->comment : NULL, o);
	observe_string(h, params, "home", u ? u->home : NULL, o);
	observe_string(h, params, "shell", u ? u->shell : NULL, o);
	observe_home_folder(h, params, u, o);
	return password_observe(h, params, u, o, e);
}

static bool user_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *name = map_cstr(params, "name", "");
	struct accounts all;
	observation_init(h, o);
	if (!accounts_read(h->a, &all, e))
		return false;
	const struct account_user *u = account_user(&all, name);
	tell_user(h, name, u, o);
	if (account_observe(h, "user", name, is_wanted(params), u != NULL, o))
		u = NULL;
	return !is_wanted(params) || observe_present(h, params, &all, u, o, e);
}

static void user_foresee(
	const struct value *params, const struct observation *o, struct foresight *f)
{
	const char *home = map_cstr(is_wanted(params) ? params : o->result, "home", NULL);
	account_foresee("user", params, o, f);
	if (!home || !observed_change(o, "state"))
		return;
	if (is_wanted(params) && map_bool(params, "create_home", true))
		foresee_made(f, home);
	else if (!is_wanted(params) && map_bool(params, "remove", false))
		foresee_removed(f, home);
}

/* ---- apply ---- */

static void add_option(struct host *h, const struct value *params, const struct observation *o,
	const char *field, const char *flag, struct args *argv)
{
	const char *text = map_cstr(params, field, NULL);
	if (text && observed_change(o, field)) {
		args_add(h->a, argv, flag);
		args_add(h->a, argv, text);
	}
}

/* The options that useradd and usermod share. */
static void common_options(
	struct host *h, const struct value *params, const struct observation *o, struct args *argv)
{
	const struct value *groups = map_at(params, "groups");
	struct args names = {0};
	if (observed_change(o, "uid")) {
		args_add(h->a, argv, "--uid");
		args_addf(h->a, argv, "%lld", (long long)map_int(params, "uid", 0));
		if (map_bool(params, "non_unique", false))
			args_add(h->a, argv, "--non-unique");
	}
	add_option(h, params, o, "group", "--gid", argv);
	add_option(h, params, o, "comment", "--comment", argv);
	add_option(h, params, o, "home", "--home", argv);
	add_option(h, params, o, "shell", "--shell", argv);
	if (!observed_change(o, "groups"))
		return;
	for (size_t i = 0; i < groups->list.n; i++)
		args_add(h->a, &names, groups->list.v[i]->s.p);
	args_add(h->a, argv, "--groups");
	args_add(h->a, argv, join_groups(h->a, &names));
}

/* If a group has the user's name and `group` is not given, it becomes the primary one. */
static void primary_group(struct host *h, const struct value *params, struct args *argv)
{
	const char *name = map_cstr(params, "name", "");
	struct accounts all;
	struct err ignored = {0};
	if (map_at(params, "group") || !accounts_read(h->a, &all, &ignored))
		return;
	if (account_group(&all, name)) {
		args_add(h->a, argv, "--gid");
		args_add(h->a, argv, name);
	}
}

/* The programs open a home that they create, move or remove by its path. */
static bool home_is_guarded(struct host *h, const char *home, struct err *e)
{
	return folder_is_guarded(path_dir(h->a, home), e) || err_prefix(e, "the home %s", home);
}

/* useradd leaves an existing home as it is, so it is not asked to create one. */
static bool makes_home(const struct value *params)
{
	const char *home = map_cstr(params, "home", NULL);
	return map_bool(params, "create_home", true) && !(home && path_is_dir(home));
}

static bool create_user(
	struct host *h, const struct value *params, const struct observation *o, struct err *e)
{
	struct args argv = {0};
	const char *skeleton = map_cstr(params, "skeleton", NULL);
	const char *at = map_cstr(params, "home", NULL);
	bool home = makes_home(params);
	if (home && at && !home_is_guarded(h, at, e))
		return false;
	args_add(h->a, &argv, "useradd");
	common_options(h, params, o, &argv);
	primary_group(h, params, &argv);
	if (map_bool(params, "system", false))
		args_add(h->a, &argv, "--system");
	args_add(h->a, &argv, home ? "--create-home" : "--no-create-home");
	if (home && skeleton) {
		args_add(h->a, &argv, "--skel");
		args_add(h->a, &argv, skeleton);
	}
	args_add(h->a, &argv, map_cstr(params, "name", ""));
	return run_program(h, argv.v, NULL, e);
}

static bool modify_user(struct host *h, const struct value *params, const struct account_user *u,
	const struct observation *o, struct err *e)
{
	struct args argv = {0};
	bool moves = map_bool(params, "move_home", false);
	if (moves && observed_change(o, "home") &&
		(!home_is_guarded(h, map_cstr(params, "home", ""), e) ||
			(u && !home_is_guarded(h, u->home, e))))
		return false;
	args_add(h->a, &argv, "usermod");
	size_t head = argv.n;
	common_options(h, params, o, &argv);
	bool nothing = argv.n == head;
	/* usermod refuses to change the home while a process of the user runs, which is common on a
	 * mail server; but not with --prefix, for files below a folder, which may be the root.
	 */
	if (observed_change(o, "home") && !moves && !observed_change(o, "uid")) {
		args_add(h->a, &argv, "--prefix");
		args_add(h->a, &argv, "/.");
	}
	if (observed_change(o, "groups") && map_bool(params, "append", false))
		args_add(h->a, &argv, "--append");
	if (observed_change(o, "home") && moves)
		args_add(h->a, &argv, "--move-home");
	if (nothing)
		return true;
	args_add(h->a, &argv, map_cstr(params, "name", ""));
	return run_program(h, argv.v, NULL, e);
}

static bool remove_user(
	struct host *h, const struct value *params, const struct account_user *u, struct err *e)
{
	struct args argv = {0};
	if (u && map_bool(params, "remove", false) && !home_is_guarded(h, u->home, e))
		return false;
	args_add(h->a, &argv, "userdel");
	if (map_bool(params, "remove", false))
		args_add(h->a, &argv, "--remove");
	if (map_bool(params, "force", false))
		args_add(h->a, &argv, "--force");
	args_add(h->a, &argv, map_cstr(params, "name", ""));
	return run_program(h, argv.v, NULL, e);
}

static bool make_home(struct host *h, const struct value *params, const char *home, struct err *e)
{
	const char *name = map_cstr(params, "name", "");
	const char *argv[] = {
		"mkhomedir_helper", name, "0022", map_cstr(params, "skeleton", NULL), NULL};
	return home_is_guarded(h, home, e) && run_program(h, argv, NULL, e);
}

static bool user_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *name = map_cstr(params, "name", "");
	struct accounts all;
	const struct value *folder = observed_after(o, "home folder");
	bool changed_state = observed_change(o, "state"), ok;
	if (!accounts_read(h->a, &all, e))
		return false;
	const struct account_user *u = account_user(&all, name);
	if (changed_state && !is_wanted(params))
		ok = remove_user(h, params, u, e);
	else
		ok = changed_state ? create_user(h, params, o, e) : modify_user(h, params, u, o, e);
	if (!ok)
		return false;
	if (folder && !make_home(h, params, folder->s.p, e))
		return false;
	if (!accounts_read(h->a, &all, e) ||
		!password_apply(h, params, account_user(&all, name), o, e))
		return false;
	tell_user(h, name, account_user(&all, name), o);
	return true;
}

const struct restype restype_user = {
	.name = "user",
	.full_names = BUILTIN_NAMES("user"),
	.key = "name",
	.doc = "A user of the host.",
	.example = "- name: The user who owns all mailboxes\n  user:\n    name: vmail\n"
		   "    uid: 5000\n    group: vmail\n    home: /var/vmail\n"
		   "    shell: /usr/sbin/nologin\n    system: true\n",
	.fields = user_fields,
	.returns = user_returns,
	.class = RES_ACCOUNT,
	.touches = RES_ACCOUNT | RES_FILE,
	.check = user_check,
	.observe = user_observe,
	.foresee = user_foresee,
	.apply = user_apply,
};
