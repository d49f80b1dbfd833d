/* SPDX-License-Identifier: MIT
 *
 * Package transactions by apt-get: runs adjacent resources together, with a policy-rc.d that keeps
 * services from starting, and waits for other users of dpkg. Never asks a question, never
 * overwrites an edited configuration file, never decides what is installed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "resource/apt.h"
#include "resource/package.h"
#include "host/held.h"
#include "host/policy_rc_d.h"
#include "resource/service.h"

enum {
	APT_TIMEOUT_S = 3600,
	APT_OUTPUT = 8 << 20,
	LOCK_WAIT_S = 120,
	SAID_MAX = 700,
	ANSWER_START = 0, /* exit status of a policy-rc.d that forbids nothing */
};

const char *const apt_env[] = {"DEBIAN_FRONTEND=noninteractive", "DEBIAN_PRIORITY=critical",
	"LC_ALL=C", "LANG=C", "APT_LISTCHANGES_FRONTEND=none", "NEEDRESTART_SUSPEND=1", NULL};

static void add_flag(struct arena *a, const struct value *params, const char *name,
	const char *option, struct args *args)
{
	if (map_bool(params, name, false))
		args_add(a, args, option);
}

void apt_options(struct arena *a, const struct value *params, struct args *args)
{
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
}

/* ---- running apt-get and dpkg ---- */

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* The nth word of a line, from 0. */
static struct line nth_word(const char *s, size_t nth)
{
	s += strspn(s, " ");
	for (; nth > 0; nth--) {
		s += strcspn(s, " ");
		s += strspn(s, " ");
	}
	return (struct line){s, strcspn(s, " ")};
}

/* Get:3 http://mirror bookworm/main amd64 postfix amd64 3.7.11 [1,500 kB] */
static void note_fetch(struct host *h, const char *s)
{
	struct line suite = nth_word(s, 2), name = nth_word(s, 4);
	if (suite.n && suite.p[suite.n - 1] == '/') /* a flat repository has one word less */
		name = nth_word(s, 3);
	if (name.n)
		h->note(h->ctx, "fetching %.*s", (int)name.n, name.p);
}

/* The output of apt-get and dpkg while they work, as one word of progress for each package. */
static void note_line(void *ctx, struct str line)
{
	static const struct {
		const char *start, *note;
		size_t word;
	} told[] = {
		{"Unpacking ", "unpacking", 1},
		{"Setting up ", "setting up", 2},
		{"Removing ", "removing", 1},
		{"Purging configuration files for ", "purging", 4},
		{"Processing triggers for ", "processing triggers of", 3},
	};
	struct host *h = ctx;
	if (starts_with(line.p, "Get:"))
		note_fetch(h, line.p);
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		if (!starts_with(line.p, told[i].start))
			continue;
		struct line name = nth_word(line.p, told[i].word);
		/* without a version behind it, the word is not a package's name */
		if (name.p[name.n] != ' ' || name.p[name.n + 1] != '(')
			continue;
		h->note(h->ctx, "%s %.*s", told[i].note, (int)name.n, name.p);
	}
}

/* The lines of apt's and dpkg's output that explain the failure; without any, the last ones. */
static const char *find_complaint(struct arena *a, const struct proc_result *r)
{
	struct str rest = r->err_out;
	struct line line;
	struct buf b;
	buf_init(&b, SAID_MAX);
	while (line_next(&rest, &line)) {
		bool said = line.n > 3 && (memcmp(line.p, "E: ", 3) == 0 ||
						  (line.n > 5 && memcmp(line.p, "dpkg:", 5) == 0));
		if (!said)
			continue;
		if (b.n)
			buf_adds(&b, "; ");
		size_t skip = line.p[0] == 'E' ? 3 : 0;
		buf_add(&b, line.p + skip, line.n - skip);
	}
	const char *text = b.n ? buf_str(a, &b).p
			       : last_words(a, r->err_out.n ? r->err_out : r->out, SAID_MAX);
	buf_free(&b);
	return text;
}

static bool errors_mention(const struct proc_result *r, const char *text)
{
	return strstr(r->err_out.p, text) != NULL;
}

/* Why it failed, what to do, and whether a retry can help. */
bool apt_failed(struct arena *a, const char *what, const struct proc_result *r, struct err *e)
{
	const char *said = find_complaint(a, r);
	if (r->timed_out)
		return err_set(
			e, ERR_TRANSIENT, "%s timed out after %d s: %s", what, r->limit_s, said);
	if (errors_mention(r, "Could not get lock") || errors_mention(r, "Unable to lock"))
		return err_set(e, ERR_TRANSIENT,
			"%s: another program is changing packages on this host; try again when it "
			"has finished: %s",
			what, said);
	if (errors_mention(r, "Failed to fetch") ||
		errors_mention(r, "Temporary failure resolving"))
		return err_set(e, ERR_TRANSIENT,
			"%s: packages could not be fetched (if the mirror no longer has them, set "
			"update_cache: true): %s",
			what, said);
	if (errors_mention(r, "Unable to locate package"))
		return err_set(e, ERR_CONFIG,
			"%s: the host's package lists have no such package; check the name, or "
			"refresh the lists with update_cache: true: %s",
			what, said);
	return err_set(e, ERR_PERMANENT, "%s failed (exit %d): %s", what, r->status, said);
}

bool apt_try(struct host *h, const char *const *argv, struct proc_result *r, struct err *e)
{
	struct proc p = {.argv = argv,
		.env = apt_env,
		.uid = (uid_t)-1,
		.timeout_s = APT_TIMEOUT_S,
		.max_output = APT_OUTPUT,
		.line = h->note ? note_line : NULL,
		.ctx = h};
	return proc_run(h->a, &p, r, e);
}

static bool apt_run(struct host *h, const char *what, const char *const *argv, struct err *e)
{
	struct proc_result r;
	if (!apt_try(h, argv, &r, e))
		return false;
	return (r.status == 0 && !r.timed_out) || apt_failed(h->a, what, &r, e);
}

bool apt_simulate(struct host *h, const char *const *argv, struct str *out, struct err *e)
{
	struct proc p = {.argv = argv, .env = apt_env, .uid = (uid_t)-1, .max_output = APT_OUTPUT};
	struct proc_result r;
	*out = str_c("");
	if (!proc_run(h->a, &p, &r, e))
		return false;
	if (r.status == 0)
		*out = r.out;
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
	if (!dpkg_interrupted(d) && folder_empty("/var/lib/dpkg/updates"))
		return true;
	if (h->note)
		h->note(h->ctx, "finishing an interrupted package change");
	return apt_run(h, "dpkg --configure --pending", argv, e);
}

/* ---- transactions ---- */

struct batch { /* adjacent resources with the same options */
	struct args argv;
	size_t head; /* words before the package names */
	int answer;
	bool lists; /* refresh the package lists first */
};

static bool changes_anything(const struct observation *o)
{
	return o->changes->list.n > 0;
}

static void batch_init(struct host *h, const struct value *params, struct batch *b)
{
	*b = (struct batch){.answer = (int)map_int(params, "policy_rc_d", 101)};
	args_add(h->a, &b->argv, "apt-get");
	args_add(h->a, &b->argv, "--quiet");
	args_add(h->a, &b->argv, "--yes");
	args_add(h->a, &b->argv, "--option=Dpkg::Use-Pty=0");
	apt_options(h->a, params, &b->argv);
	args_add(h->a, &b->argv, "install");
	b->head = b->argv.n;
}

static bool same_options(const struct batch *a, const struct batch *b)
{
	if (a->answer != b->answer || a->head != b->head)
		return false;
	for (size_t i = 0; i < a->head; i++)
		if (strcmp(a->argv.v[i], b->argv.v[i]) != 0)
			return false;
	return true;
}

bool package_undoes(const struct value *params, const struct value *other)
{
	const struct value *v = map_at(params, "name"), *w = map_at(other, "name");
	bool same = package_removes(params) == package_removes(other);
	for (size_t i = 0; !same && v && w && i < v->list.n; i++)
		for (size_t k = 0; k < w->list.n; k++)
			if (value_equal(v->list.v[i], w->list.v[k]))
				return true;
	return false;
}

/* "name-" makes apt-get install remove it: one transaction for both directions. It also takes
 * "name+" for name if no such package exists; with an architecture the word is only a name. */
static void add_word(struct host *h, struct batch *b, const struct package_want *w, bool removes)
{
	bool plus = !w->arch && w->name[strlen(w->name) - 1] == '+';
	args_addf(h->a, &b->argv, "%s%s%s%s", w->name,
		w->arch ? arena_printf(h->a, ":%s", w->arch)
		: plus  ? ":native"
			: "",
		w->version ? arena_printf(h->a, "=%s", w->version) : "", removes ? "-" : "");
}

static bool batch_add(struct host *h, struct batch *b, const struct value *params,
	const struct observation *o, struct err *e)
{
	const struct value *list = map_at(params, "name");
	bool removes = package_removes(params), all = observed_change(o, APT_UPGRADE_CHANGE);
	b->lists = b->lists || observed_change(o, APT_LISTS_CHANGE);
	for (size_t i = 0; list && i < list->list.n; i++) {
		struct package_want w;
		if (!package_want_parse(h->a, list->list.v[i]->s, &w))
			return err_set(
				e, ERR_CONFIG, "'%s' is not a package name", list->list.v[i]->s.p);
		if (all || observed_change(o, w.name))
			add_word(h, b, &w, removes);
	}
	return true;
}

static void list_enabled(struct arena *a, struct args *names)
{
	const struct service_backend *m = service_manager();
	if (m->list_enabled)
		m->list_enabled(a, names);
}

static bool run_transaction(struct host *h, struct batch *b, struct err *e)
{
	const struct service_backend *m = service_manager();
	struct args running = {0}, before = {0}, after = {0};
	struct err late = {0};
	if (b->answer == ANSWER_START)
		return finish_interrupted(h, e) && apt_run(h, "apt-get", b->argv.v, e);
	list_enabled(h->a, &before);
	if ((m->list_running && !m->list_running(h, &running, e)) ||
		!policy_begin(POLICY_FOLDER, HELD_FILE, b->answer, running.v, e))
		return false;
	bool ok = finish_interrupted(h, e) && apt_run(h, "apt-get", b->argv.v, e);
	list_enabled(h->a, &after);
	if (!held_add_new(h->a, HELD_FILE, &before, &after, ok ? e : &late))
		ok = false;
	return policy_end(POLICY_FOLDER, ok ? e : &late) && ok;
}

static bool batch_run(struct host *h, struct batch *b, bool autoremove, struct err *e)
{
	if (b->lists && !apt_lists_refresh(h, e))
		return false;
	if (b->argv.n == b->head && !autoremove)
		return true;
	return run_transaction(h, b, e);
}

/* apt-get can report success without the change (because of a pin or a hold). */
static bool verify_packages(
	struct host *h, const struct value *params, const struct observation *o, struct err *e)
{
	const struct value *list = map_at(params, "name");
	const struct dpkg *d = dpkg_host(e);
	for (size_t i = 0; d && list && i < list->list.n; i++) {
		struct package_want w;
		if (!package_want_parse(h->a, list->list.v[i]->s, &w) ||
			!observed_change(o, w.name))
			continue;
		const struct dpkg_package *p = dpkg_find(d, w.name, w.arch);
		bool removes = package_removes(params);
		bool there = package_as_wanted(&w, p) || dpkg_provides(d, w.name);
		if (removes ? dpkg_installed(p) : !there)
			return err_set(e, ERR_PERMANENT,
				"apt-get reported success, but %s is %s; `apt-cache policy %s` on "
				"the host may show why",
				w.text, removes ? "still installed" : "not installed", w.name);
	}
	return d != NULL;
}

static bool any_autoremove(
	const struct value *const *params, struct observation *const *o, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (changes_anything(o[i]) && map_bool(params[i], "autoremove", false))
			return true;
	return false;
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

bool package_clean_leftovers(struct err *e)
{
	return dpkg_busy() || policy_end(POLICY_FOLDER, e);
}

/* An apt-get of an interrupted run may still be working, and needs its policy-rc.d
 * until it ends. */
static bool wait_for_dpkg(struct host *h, int64_t seconds, struct err *e)
{
	int64_t end = proc_until(now_ms() + 1000 * seconds);
	for (int64_t i = 0; dpkg_busy(); i++) {
		if (now_ms() >= end)
			return err_set(e, ERR_TRANSIENT,
				"another program has been changing packages on this host for more "
				"than %lld s; try again when it has finished",
				(long long)seconds);
		if (h->note && i % 10 == 0)
			h->note(h->ctx, "waiting for another program that changes packages");
		sleep(1);
	}
	return true;
}

/* Runs the resources from `first` on that share its options; returns how many. */
static size_t run_batch(struct host *h, const struct value *const *params,
	struct observation *const *o, size_t n, struct err *e)
{
	struct batch b, other;
	size_t used = 0;
	batch_init(h, params[0], &b);
	for (; used < n; used++) {
		batch_init(h, params[used], &other);
		if (!same_options(&b, &other))
			break;
		if (!batch_add(h, &b, params[used], o[used], e))
			return 0;
	}
	if (!batch_run(h, &b, any_autoremove(params, o, used), e))
		return 0;
	for (size_t i = 0; i < used; i++) {
		if (!verify_packages(h, params[i], o[i], e))
			return 0;
		map_put(h->a, o[i]->result, "cache_updated", value_bool(h->a, b.lists));
	}
	return used;
}

bool package_apply_many(struct host *h, const struct value *const *params,
	struct observation *const *o, size_t n, struct err *e)
{
	service_forget(); /* packages contain units */
	if (n && !wait_for_dpkg(h, map_int(params[0], "lock_timeout", LOCK_WAIT_S), e))
		return false;
	if (!package_clean_leftovers(e))
		return false;
	for (size_t at = 0, used; at < n; at += used) {
		used = run_batch(h, params + at, o + at, n - at, e);
		if (used == 0)
			return false;
	}
	return true;
}

/* ---- configuration files that were removed ---- */

const char *package_of_conffile(struct host *h, const char *path)
{
	struct str status;
	struct err ignored = {0};
	if (!file_read(h->a, DPKG_STATUS, FILE_MAX, &status, &ignored))
		return NULL;
	return dpkg_conffile(h->a, status, path);
}

bool package_bring_back(struct host *h, const char *package, const char *path, struct err *e)
{
	static const char *const options[] = {"force-confdef", "force-confold", "force-confmiss"};
	struct value *params = value_map(h->a), *list = value_list(h->a);
	struct batch b;
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		list_add(h->a, list, value_text(h->a, options[i]));
	map_put(h->a, params, "dpkg_options", list);
	batch_init(h, params, &b);
	args_add(h->a, &b.argv, "--reinstall");
	args_add(h->a, &b.argv, package);
	service_forget();
	if (!wait_for_dpkg(h, LOCK_WAIT_S, e) || !package_clean_leftovers(e) ||
		!run_transaction(h, &b, e))
		return err_prefix(e, "cannot restore %s from its package", path);
	/* apt-get also succeeds when its lists have the package only in another version */
	return access(path, F_OK) == 0 ||
	       err_set(e, ERR_PERMANENT,
		       "%s does not exist, and its package %s did not restore it; reinstall the "
		       "package (apt-get --reinstall -o Dpkg::Options::=--force-confmiss install "
		       "%s)",
		       path, package, package);
}
