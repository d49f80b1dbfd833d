/* SPDX-License-Identifier: MIT
 *
 * The types `package` and `apt`: which packages are installed. Observing reads dpkg's status; it
 * runs a program only for state latest, for a name that may be virtual, and to find what else a
 * removal takes along. It never changes anything; apt.c does.
 */
#include <fnmatch.h>
#include "resource/apt.h"
#include "host/foresight.h"
#include "resource/package.h"
#include "resource/types.h"

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

bool package_as_wanted(const struct package_want *w, const struct dpkg_package *p)
{
	if (!dpkg_installed(p))
		return false;
	return !w->version || fnmatch(w->version, p->version, 0) == 0;
}

/* ---- observe ---- */

static bool no_package(const struct dpkg_package *p)
{
	return !p || strcmp(p->state, "not-installed") == 0;
}

/* The present state of the package: its version, "half-configured", or NULL for none. */
static const char *standing_version(const struct dpkg_package *p)
{
	if (no_package(p) || strcmp(p->state, "config-files") == 0)
		return NULL;
	return dpkg_installed(p) ? p->version : p->state;
}

/* A virtual name that an installed package provides counts as installed, unless a real package of
 * that name exists too: apt would install that one. */
static bool there_virtually(
	struct host *h, const struct dpkg *d, const struct package_want *w, struct err *e)
{
	struct proc_result r;
	if (w->version || !dpkg_provides(d, w->name))
		return false;
	const char *argv[] = {
		"apt-cache", "show", "--no-all-versions", APT_EXACT_NAMES, w->name, NULL};
	if (!run_with(h, argv, (struct str){0}, &r, e))
		return false;
	return r.status != 0 || r.out.n == 0;
}

static enum foreseen find_planned(struct host *h, const struct package_want *w)
{
	return foreseen(h, thing_named(h->a, "package", w->name));
}

static bool observe_present(struct host *h, const struct dpkg *d, const struct package_want *w,
	struct observation *o, struct err *e)
{
	const struct dpkg_package *p = dpkg_find(d, w->name, w->arch);
	bool removed = find_planned(h, w) == FORESEEN_REMOVED;
	if (!removed && package_as_wanted(w, p))
		return true;
	if (!removed && !standing_version(p) && there_virtually(h, d, w, e))
		return true;
	if (e->kind != ERR_NONE)
		return false;
	observe_attr(h, o, w->name, removed ? NULL : standing_version(p),
		w->version ? w->version : "present");
	return true;
}

static void observe_absent(struct host *h, const struct dpkg *d, const struct package_want *w,
	bool purge, struct observation *o)
{
	const struct dpkg_package *p = dpkg_find(d, w->name, w->arch);
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

/* The word after "  Candidate: " in a stanza of apt-cache policy. */
static const char *read_candidate(struct arena *a, struct line line)
{
	static const char key[] = "  Candidate: ";
	size_t n = sizeof(key) - 1;
	if (line.n <= n || memcmp(line.p, key, n) != 0)
		return NULL;
	return str_dup(a, line.p + n, line.n - n).p;
}

static void observe_upgrade(struct host *h, const struct dpkg *d, const char *name,
	const char *version, struct observation *o)
{
	char *plain_name = arena_strdup(h->a, name);
	char *arch = strchr(plain_name, ':');
	if (arch)
		*arch++ = 0;
	const struct dpkg_package *p = dpkg_find(d, plain_name, arch);
	if (dpkg_installed(p) && strcmp(version, "(none)") != 0 && strcmp(p->version, version) != 0)
		observe_attr(h, o, plain_name, p->version, version);
}

/* One call for all names (about 50 ms): which versions could be installed? */
static bool observe_latest(struct host *h, const struct dpkg *d, const struct args *names,
	struct observation *o, struct err *e)
{
	struct args argv = {0};
	struct str out;
	struct line line;
	const char *name = NULL, *version;
	if (names->n == 0)
		return true;
	args_add(h->a, &argv, "apt-cache");
	args_add(h->a, &argv, "policy");
	args_add(h->a, &argv, APT_EXACT_NAMES);
	for (size_t i = 0; i < names->n; i++)
		args_add(h->a, &argv, names->v[i]);
	if (!run_program(h, argv.v, &out, e))
		return false;
	while (line_next(&out, &line)) {
		if (line.n && line.p[0] != ' ' && line.p[line.n - 1] == ':')
			name = str_dup(h->a, line.p, line.n - 1).p;
		else if (name && (version = read_candidate(h->a, line)))
			observe_upgrade(h, d, name, version, o);
	}
	return true;
}

/* "Remv postfix [3.7.11]": a package that a removal takes along. */
static void observe_removed(struct host *h, struct line line, struct observation *o)
{
	size_t at = 5;
	if (line.n <= at || (memcmp(line.p, "Remv ", 5) != 0 && memcmp(line.p, "Purg ", 5) != 0))
		return;
	size_t n = 0, v = 0;
	while (at + n < line.n && line.p[at + n] != ' ')
		n++;
	const char *name = str_dup(h->a, line.p + at, n).p;
	at += n;
	while (at < line.n && line.p[at] != '[')
		at++;
	while (at + 1 + v < line.n && line.p[at + 1 + v] != ']')
		v++;
	if (!observed_change(o, name))
		observe_attr(
			h, o, name, v ? str_dup(h->a, line.p + at + 1, v).p : "installed", NULL);
}

static bool observe_side_effects(struct host *h, const struct value *params,
	const struct args *names, struct observation *o, struct err *e)
{
	struct args argv = {0};
	struct str out;
	struct line line;
	args_add(h->a, &argv, "apt-get");
	args_add(h->a, &argv, "--simulate");
	apt_options(h->a, params, &argv);
	args_add(h->a, &argv, names->n ? "remove" : "autoremove");
	for (size_t i = 0; i < names->n; i++)
		args_add(h->a, &argv, names->v[i]);
	if (!apt_simulate(h, argv.v, &out, e))
		return false;
	while (line_next(&out, &line))
		observe_removed(h, line, o);
	return true;
}

/* ---- the verbs ---- */

static bool observe_names(struct host *h, const struct dpkg *d, const struct value *params,
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
		if (removes)
			observe_absent(h, d, &w, purge, o);
		else if (!observe_present(h, d, &w, o, e))
			return false;
		bool changes = observed_change(o, w.name);
		if ((removes && changes && !no_package(dpkg_find(d, w.name, w.arch))) ||
			(latest && !changes && !w.version))
			args_add(h->a, &names, w.name);
	}
	if (latest)
		return observe_latest(h, d, &names, o, e);
	bool autoremove = map_bool(params, "autoremove", false) && (!list || !list->list.n);
	if (names.n == 0 && !autoremove)
		return true;
	return observe_side_effects(h, params, &names, o, e);
}

static void tell_versions(
	struct host *h, const struct dpkg *d, const struct value *params, struct observation *o)
{
	const struct value *list = map_at(params, "name");
	struct value *versions = value_map(h->a);
	for (size_t i = 0; list && i < list->list.n; i++) {
		struct package_want w;
		if (!package_want_parse(h->a, list->list.v[i]->s, &w))
			continue;
		const struct dpkg_package *p = dpkg_find(d, w.name, w.arch);
		if (dpkg_installed(p))
			map_put(h->a, versions, w.name, value_text(h->a, p->version));
	}
	map_put(h->a, o->result, "packages", versions);
	map_put(h->a, o->result, "cache_update_time", value_int(h->a, apt_lists_time()));
}

static bool package_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	observation_init(h, o);
	const struct dpkg *d = dpkg_host(e);
	if (!d || !observe_names(h, d, params, o, e))
		return false;
	leave_out_foreseen(h, "package", o);
	apt_lists_observe(h, params, o);
	leave_out_foreseen(h, "package", o);
	tell_versions(h, d, params, o);
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
	if (!package_apply_many(h, &params, &o, 1, e))
		return false;
	const struct dpkg *d = dpkg_host(e);
	if (d)
		tell_versions(h, d, params, o);
	return d != NULL;
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
