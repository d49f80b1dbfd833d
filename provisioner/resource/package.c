/* SPDX-License-Identifier: MIT
 *
 * The types `package` and `apt`: which packages are installed. Observing reads the list of
 * installed packages; it runs a program only for state latest, for a name that may be virtual, and
 * to find what else a removal takes along. It never changes anything; package_apply.c does.
 */
#include <fnmatch.h>
#include "host/foresight.h"
#include "resource/package.h"
#include "resource/types.h"

enum { LATEST_FRESH_S = 3600 };

#define NAMES_DOC "Package names. 'name=version' (with * as a wildcard) asks for a version."
/* package passes on to apt all that apt takes, as in Ansible. */
#define APT_FIELDS                                                                           \
	{.name = "state",                                                                    \
		.kind = FIELD_ENUM,                                                          \
		.choices = "present installed latest absent removed",                        \
		.dflt = "present",                                                           \
		.doc = "installed is present, removed is absent. latest also upgrades."},    \
		{.name = "update_cache",                                                     \
			.kind = FIELD_BOOL,                                                  \
			.aliases = "update-cache",                                           \
			.dflt = "false",                                                     \
			.doc = "Refresh the package lists first. Without names: every "      \
			       "time, unless cache_valid_time is given. With names and "     \
			       "state present: only if something will be installed. With "   \
			       "state latest: if they are older than an hour."},             \
		{.name = "cache_valid_time",                                                 \
			.kind = FIELD_INT,                                                   \
			.aliases = "cache-valid-time",                                       \
			.dflt = "0",                                                         \
			.min = 0,                                                            \
			.max = INT32_MAX,                                                    \
			.doc = "Age in seconds up to which package lists count as fresh, "   \
			       "unless there are none or the list of sources has changed "   \
			       "since. Implies update_cache."},                              \
		{.name = "purge",                                                            \
			.kind = FIELD_BOOL,                                                  \
			.dflt = "false",                                                     \
			.doc = "With state absent: also remove configuration files."},       \
		{.name = "autoremove",                                                       \
			.kind = FIELD_BOOL,                                                  \
			.dflt = "false",                                                     \
			.doc = "Also remove packages that were installed as dependencies "   \
			       "and are no longer needed."},                                 \
		{.name = "install_recommends",                                               \
			.kind = FIELD_BOOL,                                                  \
			.aliases = "install-recommends",                                     \
			.doc = "Also install recommended packages. Default: as apt on the "  \
			       "host is configured."},                                       \
		{.name = "default_release",                                                  \
			.kind = FIELD_STR,                                                   \
			.aliases = "default-release",                                        \
			.doc = "Take packages from this release, as apt-get -t does."},      \
		{.name = "only_upgrade",                                                     \
			.kind = FIELD_BOOL,                                                  \
			.dflt = "false",                                                     \
			.doc = "Upgrade installed packages only; install nothing new."},     \
		{.name = "allow_downgrade",                                                  \
			.kind = FIELD_BOOL,                                                  \
			.aliases = "allow-downgrade allow_downgrades allow-downgrades",      \
			.dflt = "false",                                                     \
			.doc = "Allow a version lower than the installed one."},             \
		{.name = "allow_unauthenticated",                                            \
			.kind = FIELD_BOOL,                                                  \
			.aliases = "allow-unauthenticated",                                  \
			.dflt = "false",                                                     \
			.doc = "Allow packages whose origin cannot be verified."},           \
		{.name = "allow_change_held_packages",                                       \
			.kind = FIELD_BOOL,                                                  \
			.dflt = "false",                                                     \
			.doc = "Change packages that are on hold."},                         \
		{.name = "dpkg_options",                                                     \
			.kind = FIELD_LIST,                                                  \
			.flags = FIELD_COMMA | FIELD_ACTION,                                 \
			.dflt = "force-confdef,force-confold",                               \
			.doc = "Options for dpkg. The default keeps edited configuration "   \
			       "files."},                                                    \
		{.name = "policy_rc_d",                                                      \
			.kind = FIELD_INT,                                                   \
			.flags = FIELD_ACTION,                                               \
			.dflt = "101",                                                       \
			.min = 0,                                                            \
			.max = 255,                                                          \
			.doc = "Exit status of policy-rc.d while packages are installed. "   \
			       "101: services that were not running before are not started " \
			       "half-configured. 0: they are started."},                     \
		{.name = "lock_timeout",                                                     \
			.kind = FIELD_INT,                                                   \
			.flags = FIELD_ACTION,                                               \
			.dflt = "120",                                                       \
			.min = 0,                                                            \
			.max = 3600,                                                         \
			.doc = "Seconds to wait while another program holds dpkg's lock."},  \
		{.name = "force_apt_get",                                                    \
			.kind = FIELD_BOOL,                                                  \
			.flags = FIELD_ACTION,                                               \
			.doc = "Accepted; apt-get is always used."},                         \
		{.name = "upgrade",                                                          \
			.kind = FIELD_STR,                                                   \
			.flags = FIELD_LATER,                                                \
			.doc = "Upgrade the host."},                                         \
		{.name = "deb",                                                              \
			.kind = FIELD_STR,                                                   \
			.flags = FIELD_LATER,                                                \
			.doc = "A .deb file to install."},                                   \
		{.name = "clean",                                                            \
			.kind = FIELD_BOOL,                                                  \
			.flags = FIELD_LATER,                                                \
			.doc = "Remove downloaded packages from apt's cache."},              \
		{.name = "autoclean",                                                        \
			.kind = FIELD_BOOL,                                                  \
			.flags = FIELD_LATER,                                                \
			.doc = "Remove outdated packages from apt's cache."},                \
	{                                                                                    \
		.name = "force", .kind = FIELD_BOOL, .flags = FIELD_LATER,                   \
		.doc = "apt-get --force-yes."                                                \
	}

static const struct field package_fields[] = {
	{.name = "name",
		.kind = FIELD_LIST,
		.flags = FIELD_COMMA | FIELD_REQUIRED,
		.aliases = "pkg",
		.doc = NAMES_DOC},
	{.name = "use",
		.kind = FIELD_ENUM,
		.choices = "auto apt",
		.dflt = "auto",
		.flags = FIELD_ACTION,
		.doc = "The package manager; apt in each case."},
	APT_FIELDS,
	{0},
};

static const struct field apt_fields[] = {
	{.name = "name",
		.kind = FIELD_LIST,
		.flags = FIELD_COMMA,
		.aliases = "pkg package",
		.doc = NAMES_DOC},
	APT_FIELDS,
	{0},
};

static const struct field package_returns[] = {
	{.name = "packages", .kind = FIELD_MAP, .doc = "Each name with the version installed."},
	{.name = "cache_update_time",
		.kind = FIELD_INT,
		.doc = "Time of the last refresh of the lists."},
	{.name = "cache_updated", .kind = FIELD_BOOL, .doc = "Whether this run refreshed them."},
	{0},
};

/* ---- names ---- */

static bool name_char(char c, bool first)
{
	bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
	return word || (!first && (c == '+' || c == '-' || c == '.' || c == '_'));
}

static bool is_plain(const char *s, size_t n, const char *allowed)
{
	for (size_t i = 0; i < n; i++) {
		bool word = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
			    (s[i] >= '0' && s[i] <= '9');
		if (!word && !strchr(allowed, s[i]))
			return false;
	}
	return n > 0;
}

bool package_want_parse(struct arena *a, struct str text, struct package_want *w)
{
	size_t n = 0;
	*w = (struct package_want){.text = text.p};
	while (n < text.n && name_char(text.p[n], n == 0))
		n++;
	w->name = str_dup(a, text.p, n).p;
	if (n < text.n && text.p[n] == ':') {
		const char *arch = text.p + n + 1;
		size_t len = strcspn(arch, "=");
		if (!is_plain(arch, len, "-"))
			return false;
		w->arch = str_dup(a, arch, len).p;
		n += 1 + len;
	}
	if (n < text.n && text.p[n] == '=') {
		const char *version = text.p + n + 1;
		if (!is_plain(version, text.n - n - 1, ".+-~:*"))
			return false;
		w->version = version;
		n = text.n;
	}
	/* apt-get takes "name-" for a removal */
	return w->name[0] && n == text.n && w->name[strlen(w->name) - 1] != '-';
}

static bool package_check(const struct value *params, struct errs *errs)
{
	const struct value *names = map_at(params, "name");
	bool ok = true;
	struct package_want w;
	for (size_t i = 0; names && names->type == VALUE_LIST && i < names->list.n; i++) {
		const struct value *v = names->list.v[i];
		if (v->type != VALUE_STR || package_want_parse(errs->a, v->s, &w))
			continue;
		ok = errs_add(errs, v->pos,
			"'%s' is not a package name; write 'name', 'name:arch' or 'name=version'",
			v->s.p);
	}
	return ok;
}

bool package_removes(const struct value *params)
{
	const char *state = map_cstr(params, "state", "present");
	return strcmp(state, "absent") == 0 || strcmp(state, "removed") == 0;
}

bool package_as_wanted(const struct package_want *w, const struct package *p)
{
	if (!package_installed(p))
		return false;
	return !w->version || fnmatch(w->version, p->version, 0) == 0;
}

/* ---- observe ---- */

static bool no_package(const struct package *p)
{
	return !p || strcmp(p->state, "not-installed") == 0;
}

/* The present state of the package: its version, "half-configured", or NULL for none. */
static const char *standing_version(const struct package *p)
{
	if (no_package(p) || strcmp(p->state, "config-files") == 0)
		return NULL;
	return package_installed(p) ? p->version : p->state;
}

/* The host's package manager and what it knows, for the time of one observation. */
struct manager {
	const struct package_backend *m;
	const struct packages *all;
};

/* A virtual name that an installed package provides counts as installed, unless a real package of
 * that name exists too: apt would install that one. */
static bool there_virtually(
	struct host *h, struct manager m, const struct package_want *w, struct err *e)
{
	bool real;
	if (w->version || !package_provided(m.all, w->name))
		return false;
	return m.m->has_real(h, w->name, &real, e) && !real;
}

static enum foreseen find_planned(struct host *h, const struct package_want *w)
{
	return foreseen(h, thing_named(h->a, "package", w->name));
}

static bool observe_present(struct host *h, struct manager m, const struct package_want *w,
	struct observation *o, struct err *e)
{
	const struct package *p = package_find(m.all, w->name, w->arch);
	bool removed = find_planned(h, w) == FORESEEN_REMOVED;
	if (!removed && package_as_wanted(w, p))
		return true;
	if (!removed && !standing_version(p) && there_virtually(h, m, w, e))
		return true;
	if (e->kind != ERR_NONE)
		return false;
	observe_attr(h, o, w->name, removed ? NULL : standing_version(p),
		w->version ? w->version : "present");
	return true;
}

static void observe_absent(struct host *h, const struct package *p, const struct package_want *w,
	bool purge, struct observation *o)
{
	enum foreseen then = find_planned(h, w);
	if (then == FORESEEN_REMOVED || (then == FORESEEN_NOTHING && no_package(p)))
		return;
	if (then == FORESEEN_MADE && !standing_version(p))
		observe_attr(h, o, w->name, "brought by an earlier step", NULL);
	else if (standing_version(p))
		observe_attr(h, o, w->name, standing_version(p), NULL);
	else if (purge)
		observe_attr(h, o, w->name, p->state, NULL);
}

/* Which of the installed packages have another version in the lists? */
static bool observe_latest(struct host *h, struct manager m, const struct args *names,
	struct observation *o, struct err *e)
{
	struct packages found = {0};
	if (names->n == 0)
		return true;
	if (!m.m->candidates(h, names, &found, e))
		return false;
	for (size_t i = 0; i < found.n; i++) {
		const struct package *to = &found.v[i];
		const struct package *p = package_find(m.all, to->name, to->arch);
		if (package_installed(p) && strcmp(p->version, to->version) != 0)
			observe_attr(h, o, to->name, p->version, to->version);
	}
	return true;
}

/* What a removal takes along. */
static bool observe_side_effects(struct host *h, struct manager m, const struct value *params,
	const struct args *names, struct observation *o, struct err *e)
{
	struct package_options options = m.m->options(h->a, params);
	struct packages found = {0};
	if (!m.m->removals(h, &options, names, &found, e))
		return false;
	for (size_t i = 0; i < found.n; i++) {
		const struct package *p = &found.v[i];
		if (!observed_change(o, p->name))
			observe_attr(h, o, p->name, p->version ? p->version : "installed", NULL);
	}
	return true;
}

/* Do the lists need a refresh? Call it after the names: it matters whether something will be
 * installed. */
static void observe_lists(struct host *h, const struct package_backend *m,
	const struct value *params, struct observation *o)
{
	int64_t valid = map_int(params, "cache_valid_time", 0);
	const struct value *names = map_at(params, "name");
	bool asked = map_bool(params, "update_cache", false) || valid > 0;
	bool latest = strcmp(map_cstr(params, "state", ""), "latest") == 0;
	bool named = names && names->list.n > 0;
	if (!asked || (named && !latest && o->changes->list.n == 0))
		return;
	if (named && latest && valid == 0)
		valid = LATEST_FRESH_S;
	if (valid > 0 && !m->lists_stale(valid))
		return;
	observe_run(h, o, LISTS_CHANGE, "refresh");
	if (named && latest)
		observe_run(h, o, UPGRADE_CHANGE, "to the versions that the lists then offer");
}

void package_lists_foresee_old(struct foresight *f)
{
	foresee_text(f, thing_named(foresight_arena(f), "package", LISTS_CHANGE), NULL);
}

/* ---- the verbs ---- */

static bool observe_names(struct host *h, struct manager m, const struct value *params,
	struct observation *o, struct err *e)
{
	const struct value *list = map_at(params, "name");
	bool removes = package_removes(params), purge = map_bool(params, "purge", false);
	bool latest = strcmp(map_cstr(params, "state", ""), "latest") == 0;
	struct args names = {0};
	for (size_t i = 0; list && i < list->list.n; i++) {
		struct package_want w;
		if (!package_want_parse(h->a, list->list.v[i]->s, &w))
			return err_set(
				e, ERR_CONFIG, "'%s' is not a package name", list->list.v[i]->s.p);
		const struct package *p = package_find(m.all, w.name, w.arch);
		if (removes)
			observe_absent(h, p, &w, purge, o);
		else if (!observe_present(h, m, &w, o, e))
			return false;
		bool changes = observed_change(o, w.name);
		if ((removes && changes && !no_package(p)) || (latest && !changes && !w.version))
			args_add(h->a, &names, w.name);
	}
	if (latest)
		return observe_latest(h, m, &names, o, e);
	bool autoremove = map_bool(params, "autoremove", false) && (!list || !list->list.n);
	if (names.n == 0 && !autoremove)
		return true;
	return observe_side_effects(h, m, params, &names, o, e);
}

static void tell_versions(
	struct host *h, struct manager m, const struct value *params, struct observation *o)
{
	const struct value *list = map_at(params, "name");
	struct value *versions = value_map(h->a);
	for (size_t i = 0; list && i < list->list.n; i++) {
		struct package_want w;
		if (!package_want_parse(h->a, list->list.v[i]->s, &w))
			continue;
		const struct package *p = package_find(m.all, w.name, w.arch);
		if (package_installed(p))
			map_put(h->a, versions, w.name, value_text(h->a, p->version));
	}
	map_put(h->a, o->result, "packages", versions);
	map_put(h->a, o->result, "cache_update_time", value_int(h->a, m.m->lists_time()));
}

static bool read_manager(struct manager *m, struct err *e)
{
	m->m = package_manager(e);
	m->all = m->m ? m->m->read(e) : NULL;
	return m->all != NULL;
}

static bool package_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct manager m;
	observation_init(h, o);
	if (!read_manager(&m, e) || !observe_names(h, m, params, o, e))
		return false;
	leave_out_foreseen(h, "package", o);
	observe_lists(h, m.m, params, o);
	leave_out_foreseen(h, "package", o);
	tell_versions(h, m, params, o);
	map_put(h->a, o->result, "cache_updated", value_bool(h->a, false));
	return true;
}

static void package_foresee(
	const struct value *params, const struct observation *o, struct foresight *f)
{
	(void)params;
	foresee_changes("package", o, f);
}

static bool package_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct manager m;
	if (!package_apply_many(h, &params, &o, 1, e) || !read_manager(&m, e))
		return false;
	tell_versions(h, m, params, o);
	return true;
}

const struct restype restype_package = {
	.name = "package",
	.full_names = BUILTIN_NAMES("package"),
	.key = "name",
	.doc = "Packages that are installed or not. An installation does not start new services; "
	       "a service resource starts them when they are configured.",
	.example = "- name: Postfix\n  package:\n    name: [postfix, postfix-pcre]\n",
	.fields = package_fields,
	.returns = package_returns,
	.class = RES_PACKAGE,
	.touches = RES_PACKAGE | RES_FILE | RES_ACCOUNT | RES_SERVICE | RES_COMMAND,
	.check = package_check,
	.observe = package_observe,
	.foresee = package_foresee,
	.apply = package_apply,
};

const struct restype restype_apt = {
	.name = "apt",
	.full_names = BUILTIN_NAMES("apt"),
	.key = "name",
	.doc = "Packages of Debian and its derivatives. An installation does not start new "
	       "services; a service resource starts them when they are configured.",
	.example = "- name: Postfix\n  apt:\n    name: postfix\n    update_cache: true\n"
		   "    cache_valid_time: 3600\n",
	.fields = apt_fields,
	.returns = package_returns,
	.class = RES_PACKAGE,
	.touches = RES_PACKAGE | RES_FILE | RES_ACCOUNT | RES_SERVICE | RES_COMMAND,
	.moved_by = RES_FILE, /* for the list of sources */
	.check = package_check,
	.observe = package_observe,
	.foresee = package_foresee,
	.apply = package_apply,
};
