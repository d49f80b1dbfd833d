/* SPDX-License-Identifier: MIT
 *
 * Changes of packages for the types `package` and `apt`: adjacent resources in one transaction,
 * when no other program is changing packages. Never decides what is installed.
 */
#include <unistd.h>
#include "host/services.h"
#include "resource/package.h"

enum { LOCK_WAIT_S = 120 };

struct batch { /* adjacent resources with the same options */
	struct package_changes changes;
	bool lists; /* refresh the package lists first */
};

static bool changes_anything(const struct observation *o)
{
	return o->changes->list.n > 0;
}

static bool same_options(const struct package_options *a, const struct package_options *b)
{
	if (a->answer != b->answer || a->words.n != b->words.n)
		return false;
	for (size_t i = 0; i < a->words.n; i++)
		if (strcmp(a->words.v[i], b->words.v[i]) != 0)
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

static bool batch_add(struct host *h, struct batch *b, const struct value *params,
	const struct observation *o, struct err *e)
{
	const struct value *list = map_at(params, "name");
	bool all = observed_change(o, UPGRADE_CHANGE);
	b->lists = b->lists || observed_change(o, LISTS_CHANGE);
	for (size_t i = 0; list && i < list->list.n; i++) {
		struct package_change one = {.removes = package_removes(params)};
		if (!package_want_parse(h->a, list->list.v[i]->s, &one.want))
			return err_set(
				e, ERR_CONFIG, "'%s' is not a package name", list->list.v[i]->s.p);
		if (all || observed_change(o, one.want.name))
			PUSH(h->a, b->changes.v, b->changes.n, b->changes.cap, one);
	}
	return true;
}

static bool batch_run(struct host *h, const struct package_backend *m, const struct batch *b,
	bool autoremove, struct err *e)
{
	if (b->lists && !m->lists_refresh(h, e))
		return false;
	return (b->changes.n == 0 && !autoremove) || m->change(h, &b->changes, e);
}

/* The manager can report success without the change (apt because of a pin or a hold). */
static bool verify_packages(struct host *h, const struct package_backend *m,
	const struct value *params, const struct observation *o, struct err *e)
{
	const struct value *list = map_at(params, "name");
	const struct packages *all = m->read(e);
	for (size_t i = 0; all && list && i < list->list.n; i++) {
		struct package_want w;
		if (!package_want_parse(h->a, list->list.v[i]->s, &w) ||
			!observed_change(o, w.name))
			continue;
		const struct package *p = package_find(all, w.name, w.arch);
		bool removes = package_removes(params);
		bool there = package_as_wanted(&w, p) || package_provided(all, w.name);
		if (removes ? package_installed(p) : !there)
			return err_set(e, ERR_PERMANENT,
				"%s reported success, but %s is %s; `%s %s` on the host may show "
				"why",
				m->name, w.text, removes ? "still installed" : "not installed",
				m->explain, w.name);
	}
	return all != NULL;
}

static bool any_autoremove(
	const struct value *const *params, struct observation *const *o, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (changes_anything(o[i]) && map_bool(params[i], "autoremove", false))
			return true;
	return false;
}

bool package_clean_leftovers(struct err *e)
{
	struct err none = {0};
	const struct package_backend *m = package_manager(&none);
	return !m || m->clean(e);
}

/* No other program may be changing packages, nor a run of ours that was interrupted: it may still
 * need what it has left. */
static bool await_others(
	struct host *h, const struct package_backend *m, int64_t seconds, struct err *e)
{
	int64_t end = proc_until(now_ms() + 1000 * seconds);
	for (int64_t i = 0; m->busy(); i++) {
		if (now_ms() >= end)
			return err_set(e, ERR_TRANSIENT,
				"another program has been changing packages on this host for more "
				"than %lld s; try again when it has finished",
				(long long)seconds);
		if (h->note && i % 10 == 0)
			h->note(h->ctx, "waiting for another program that changes packages");
		sleep(1);
	}
	return m->clean(e);
}

/* Runs the resources from the first on that share its options; returns how many. */
static size_t run_batch(struct host *h, const struct package_backend *m,
	const struct value *const *params, struct observation *const *o, size_t n, struct err *e)
{
	struct batch b = {.changes.options = m->options(h->a, params[0])};
	size_t used = 0;
	for (; used < n; used++) {
		struct package_options other = m->options(h->a, params[used]);
		if (!same_options(&b.changes.options, &other))
			break;
		if (!batch_add(h, &b, params[used], o[used], e))
			return 0;
	}
	if (!batch_run(h, m, &b, any_autoremove(params, o, used), e))
		return 0;
	for (size_t i = 0; i < used; i++) {
		if (!verify_packages(h, m, params[i], o[i], e))
			return 0;
		map_put(h->a, o[i]->result, "cache_updated", value_bool(h->a, b.lists));
	}
	return used;
}

bool package_apply_many(struct host *h, const struct value *const *params,
	struct observation *const *o, size_t n, struct err *e)
{
	const struct package_backend *m = package_manager(e);
	service_forget(); /* packages contain units */
	if (!m || (n && !await_others(h, m, map_int(params[0], "lock_timeout", LOCK_WAIT_S), e)))
		return false;
	for (size_t at = 0, used; at < n; at += used) {
		used = run_batch(h, m, params + at, o + at, n - at, e);
		if (used == 0)
			return false;
	}
	return true;
}

/* ---- configuration files that were removed ---- */

const char *package_of_conffile(struct host *h, const char *path)
{
	struct err none = {0};
	const struct package_backend *m = package_manager(&none);
	return m ? m->owner(h->a, path) : NULL;
}

bool package_bring_back(struct host *h, const char *package, const char *path, struct err *e)
{
	const struct package_backend *m = package_manager(e);
	service_forget();
	if (!m || !await_others(h, m, LOCK_WAIT_S, e) || !m->restore(h, package, e))
		return err_prefix(e, "cannot restore %s from its package", path);
	/* the manager also succeeds when its lists have the package only in another version */
	return access(path, F_OK) == 0 ||
	       err_set(e, ERR_PERMANENT,
		       "%s does not exist, and its package %s did not restore it; reinstall the "
		       "package (%s %s)",
		       path, package, m->repair, package);
}
