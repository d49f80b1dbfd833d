/* SPDX-License-Identifier: MIT
 *
 * apt's package lists: whether they need a refresh, and the refresh. Never installs anything.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "resource/apt.h"

#define SOURCES "/etc/apt/sources.list"
#define SOURCES_FOLDER "/etc/apt/sources.list.d"

enum { LATEST_FRESH_S = 3600, LISTS_TRIES = 30, LISTS_PAUSE_S = 2 };

int64_t apt_lists_time(void)
{
	static const char *const paths[] = {
		"/var/lib/apt/periodic/update-success-stamp", APT_LISTS};
	int64_t newest = 0;
	struct stat st;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (stat(paths[i], &st) == 0 && st.st_mtim.tv_sec > newest)
			newest = st.st_mtim.tv_sec;
	return newest;
}

/* Does the folder hold files beside those that apt itself keeps in its folder of lists? */
static bool folder_has_files(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *d;
	bool has = false;
	while (dir && !has && (d = readdir(dir)))
		has = d->d_name[0] != '.' && strcmp(d->d_name, "lock") != 0 &&
		      strcmp(d->d_name, "partial") != 0 && strcmp(d->d_name, "auxfiles") != 0;
	if (dir)
		closedir(dir);
	return has;
}

/* A file's modification time may come from its origin; its change time cannot be set. */
static bool is_newer(int dirfd, const char *name, int64_t than)
{
	struct stat st;
	return fstatat(dirfd, name, &st, 0) == 0 && st.st_ctim.tv_sec > than;
}

static bool sources_newer(int64_t than)
{
	DIR *dir = opendir(SOURCES_FOLDER);
	const struct dirent *d;
	bool found = is_newer(AT_FDCWD, SOURCES, than) || is_newer(AT_FDCWD, SOURCES_FOLDER, than);
	while (dir && !found && (d = readdir(dir)))
		found = d->d_name[0] != '.' && is_newer(dirfd(dir), d->d_name, than);
	if (dir)
		closedir(dir);
	return found;
}

static bool are_stale(int64_t valid)
{
	int64_t when = apt_lists_time();
	return (int64_t)time(NULL) - when > valid || !folder_has_files(APT_LISTS) ||
	       sources_newer(when);
}

void apt_lists_observe(struct host *h, const struct value *params, struct observation *o)
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
	if (valid > 0 && !are_stale(valid))
		return;
	observe_run(h, o, APT_LISTS_CHANGE, "refresh");
	if (named && latest)
		observe_run(h, o, APT_UPGRADE_CHANGE, "to the versions that the lists then offer");
}

void apt_lists_foresee_old(struct foresight *f)
{
	foresee_text(f, thing_named(foresight_arena(f), "package", APT_LISTS_CHANGE), NULL);
}

/* apt-get waits for dpkg's lock by itself, but not for the lock of the lists. */
bool apt_lists_refresh(struct host *h, struct err *e)
{
	const char *argv[] = {"apt-get", "--quiet", "update", NULL};
	struct proc_result r;
	for (int i = 0;; i++) {
		if (!apt_try(h, argv, &r, e))
			return false;
		if (r.status == 0 || i == LISTS_TRIES || !strstr(r.err_out.p, "Could not get lock"))
			break;
		if (h->note)
			h->note(h->ctx, "waiting for another apt to finish");
		sleep(LISTS_PAUSE_S);
	}
	if (r.status != 0 || r.timed_out)
		return apt_failed(h->a, "refreshing the package lists", &r, e);
	/* unchanged lists keep their time; the time of the last check counts */
	if (utimensat(AT_FDCWD, APT_LISTS, NULL, 0) < 0)
		return err_errno(e, "cannot set the time of %s", APT_LISTS);
	return true;
}
