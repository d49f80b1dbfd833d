/* SPDX-License-Identifier: MIT
 *
 * dpkg and apt as a package manager. A transaction keeps services from starting by a policy-rc.d.
 * Never asks a question, never overwrites an edited configuration file, never decides what is
 * installed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>
#include "host/apt.h"
#include "host/dpkg.h"
#include "host/held.h"
#include "host/policy_rc_d.h"
#include "host/services.h"

enum {
	LOCK_WAIT_S = 120,
	ANSWER_START = 0, /* exit status of a policy-rc.d that forbids nothing */
};

static const struct packages *read_packages(struct err *e)
{
	const struct dpkg *d = dpkg_host(e);
	return d ? &d->all : NULL;
}

static void add_flag(struct arena *a, const struct value *params, const char *name,
	const char *option, struct args *args)
{
	if (map_bool(params, name, false))
		args_add(a, args, option);
}

static struct package_options read_options(struct arena *a, const struct value *params)
{
	struct package_options o = {.answer = (int)map_int(params, "policy_rc_d", 101)};
	struct args *args = &o.words;
	const struct value *recommends = map_at(params, "install_recommends");
	const struct value *dpkg = map_at(params, "dpkg_options");
	const char *release = map_cstr(params, "default_release", NULL);
	if (recommends)
		args_add(a, args,
			recommends->b ? "--install-recommends" : "--no-install-recommends");
	if (release && release[0])
		args_addf(a, args, "--target-release=%s", release);
	add_flag(a, params, "purge", "--purge", args);
	add_flag(a, params, "autoremove", "--auto-remove", args);
	add_flag(a, params, "only_upgrade", "--only-upgrade", args);
	add_flag(a, params, "allow_downgrade", "--allow-downgrades", args);
	add_flag(a, params, "allow_unauthenticated", "--allow-unauthenticated", args);
	add_flag(a, params, "allow_change_held_packages", "--allow-change-held-packages", args);
	args_add(a, args, APT_EXACT_NAMES);
	args_addf(a, args, "--option=DPkg::Lock::Timeout=%d",
		(int)map_int(params, "lock_timeout", LOCK_WAIT_S));
	if (!dpkg) {
		args_add(a, args, "--option=Dpkg::Options::=--force-confdef");
		args_add(a, args, "--option=Dpkg::Options::=--force-confold");
	}
	for (size_t i = 0; dpkg && i < dpkg->list.n; i++)
		args_addf(a, args, "--option=Dpkg::Options::=--%s", dpkg->list.v[i]->s.p);
	return o;
}

/* ---- what a removal takes along ---- */

/* "Remv postfix [3.7.11]" */
static void add_removal(struct arena *a, struct line line, struct packages *out)
{
	size_t at = 5;
	if (line.n <= at || (memcmp(line.p, "Remv ", 5) != 0 && memcmp(line.p, "Purg ", 5) != 0))
		return;
	size_t n = 0, v = 0;
	while (at + n < line.n && line.p[at + n] != ' ')
		n++;
	struct package one = {.name = str_dup(a, line.p + at, n).p};
	at += n;
	while (at < line.n && line.p[at] != '[')
		at++;
	while (at + 1 + v < line.n && line.p[at + 1 + v] != ']')
		v++;
	if (v)
		one.version = str_dup(a, line.p + at + 1, v).p;
	PUSH(a, out->v, out->n, out->cap, one);
}

static void add_all(struct arena *a, struct args *argv, const struct args *words)
{
	for (size_t i = 0; i < words->n; i++)
		args_add(a, argv, words->v[i]);
}

static bool find_removals(struct host *h, const struct package_options *options,
	const struct args *names, struct packages *out, struct err *e)
{
	struct args argv = {0};
	struct str said;
	struct line line;
	args_add(h->a, &argv, "apt-get");
	args_add(h->a, &argv, "--simulate");
	add_all(h->a, &argv, &options->words);
	args_add(h->a, &argv, names->n ? "remove" : "autoremove");
	add_all(h->a, &argv, names);
	if (!apt_simulate(h, argv.v, &said, e))
		return false;
	while (line_next(&said, &line))
		add_removal(h->a, line, out);
	return true;
}

/* ---- before a transaction ---- */

static bool folder_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *d;
	bool empty = true;
	while (dir && empty && (d = readdir(dir)))
		empty = d->d_name[0] == '.';
	if (dir)
		closedir(dir);
	return empty;
}

/* An interrupted run of dpkg must be completed before the next. */
static bool finish_interrupted(struct host *h, struct err *e)
{
	const char *argv[] = {
		"dpkg", "--force-confdef", "--force-confold", "--configure", "--pending", NULL};
	const struct dpkg *d = dpkg_host(e);
	if (!d)
		return false;
	if (!d->interrupted && folder_empty("/var/lib/dpkg/updates"))
		return true;
	if (h->note)
		h->note(h->ctx, "finishing an interrupted package change");
	return apt_run(h, "dpkg --configure --pending", argv, e);
}

/* ---- transactions ---- */

/* "name-" makes apt-get install remove it: one transaction for both directions. It also takes
 * "name+" for name if no such package exists; with an architecture the word is only a name. */
static void add_word(struct arena *a, struct args *argv, const struct package_change *c)
{
	const struct package_want *w = &c->want;
	bool plus = !w->arch && w->name[strlen(w->name) - 1] == '+';
	args_addf(a, argv, "%s%s%s%s", w->name,
		w->arch ? arena_printf(a, ":%s", w->arch)
		: plus  ? ":native"
			: "",
		w->version ? arena_printf(a, "=%s", w->version) : "", c->removes ? "-" : "");
}

static struct args install_words(struct arena *a, const struct package_options *options)
{
	struct args argv = {0};
	args_add(a, &argv, "apt-get");
	args_add(a, &argv, "--quiet");
	args_add(a, &argv, "--yes");
	args_add(a, &argv, "--option=Dpkg::Use-Pty=0");
	add_all(a, &argv, &options->words);
	args_add(a, &argv, "install");
	return argv;
}

static void list_enabled(struct arena *a, struct args *names)
{
	const struct service_backend *m = service_manager();
	if (m->list_enabled)
		m->list_enabled(a, names);
}

static bool run_transaction(struct host *h, const char *const *argv, int answer, struct err *e)
{
	const struct service_backend *m = service_manager();
	struct args running = {0}, before = {0}, after = {0};
	struct err late = {0};
	if (answer == ANSWER_START)
		return finish_interrupted(h, e) && apt_run(h, "apt-get", argv, e);
	list_enabled(h->a, &before);
	if ((m->list_running && !m->list_running(h, &running, e)) ||
		!policy_begin(POLICY_FOLDER, HELD_FILE, answer, running.v, e))
		return false;
	bool ok = finish_interrupted(h, e) && apt_run(h, "apt-get", argv, e);
	list_enabled(h->a, &after);
	if (!held_add_new(h->a, HELD_FILE, &before, &after, ok ? e : &late))
		ok = false;
	return policy_end(POLICY_FOLDER, ok ? e : &late) && ok;
}

static bool change_packages(struct host *h, const struct package_changes *c, struct err *e)
{
	struct args argv = install_words(h->a, &c->options);
	for (size_t i = 0; i < c->n; i++)
		add_word(h->a, &argv, &c->v[i]);
	return run_transaction(h, argv.v, c->options.answer, e);
}

static bool restore_conffiles(struct host *h, const char *package, struct err *e)
{
	static const char *const options[] = {"force-confdef", "force-confold", "force-confmiss"};
	struct value *params = value_map(h->a), *list = value_list(h->a);
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		list_add(h->a, list, value_text(h->a, options[i]));
	map_put(h->a, params, "dpkg_options", list);
	struct package_options o = read_options(h->a, params);
	struct args argv = install_words(h->a, &o);
	args_add(h->a, &argv, "--reinstall");
	args_add(h->a, &argv, package);
	return run_transaction(h, argv.v, o.answer, e);
}

/* Does another program hold the lock that apt takes for its whole run? */
static bool dpkg_busy(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open("/var/lib/dpkg/lock-frontend", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool busy = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return busy;
}

/* An apt-get of an interrupted run may still be working, and needs its policy-rc.d
 * until it ends. */
static bool clean_policy(struct err *e)
{
	return dpkg_busy() || policy_end(POLICY_FOLDER, e);
}

const struct package_backend package_backend_apt = {
	.name = "apt-get",
	.explain = "apt-cache policy",
	.repair = "apt-get --reinstall -o Dpkg::Options::=--force-confmiss install",
	.probe = dpkg_probe,
	.read = read_packages,
	.owner = dpkg_owner,
	.lists_time = apt_lists_time,
	.lists_stale = apt_lists_stale,
	.lists_refresh = apt_lists_refresh,
	.has_real = apt_has_real,
	.candidates = apt_candidates,
	.options = read_options,
	.removals = find_removals,
	.change = change_packages,
	.restore = restore_conffiles,
	.busy = dpkg_busy,
	.clean = clean_policy,
};
