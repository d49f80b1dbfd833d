/* SPDX-License-Identifier: MIT
 *
 * apt's package lists: whether they need a refresh, the refresh, and what they offer. Never
 * installs anything.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/apt.h"

#define APT_LISTS "/var/lib/apt/lists" /* its modification time is the time of the last refresh */
#define SOURCES "/etc/apt/sources.list"
#define SOURCES_FOLDER "/etc/apt/sources.list.d"

enum { LISTS_TRIES = 30, LISTS_PAUSE_S = 2 };

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

bool apt_lists_stale(int64_t valid)
{
	int64_t when = apt_lists_time();
	return (int64_t)time(NULL) - when > valid || !folder_has_files(APT_LISTS) ||
	       sources_newer(when);
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

bool apt_has_real(struct host *h, const char *name, bool *has, struct err *e)
{
	const char *argv[] = {
		"apt-cache", "show", "--no-all-versions", APT_EXACT_NAMES, name, NULL};
	struct proc_result r;
	if (!run_with(h, argv, (struct str){0}, &r, e))
		return false;
	*has = r.status == 0 && r.out.n > 0;
	return true;
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

static void add_candidate(
	struct arena *a, const char *name, const char *version, struct packages *out)
{
	char *plain_name = arena_strdup(a, name);
	char *arch = strchr(plain_name, ':');
	if (arch)
		*arch++ = 0;
	struct package one = {.name = plain_name, .arch = arch, .version = version};
	if (strcmp(version, "(none)") != 0)
		PUSH(a, out->v, out->n, out->cap, one);
}

/* One call for all names (about 50 ms). */
bool apt_candidates(struct host *h, const struct args *names, struct packages *out, struct err *e)
{
	struct args argv = {0};
	struct str said;
	struct line line;
	const char *name = NULL, *version;
	args_add(h->a, &argv, "apt-cache");
	args_add(h->a, &argv, "policy");
	args_add(h->a, &argv, APT_EXACT_NAMES);
	for (size_t i = 0; i < names->n; i++)
		args_add(h->a, &argv, names->v[i]);
	if (!run_program(h, argv.v, &said, e))
		return false;
	while (line_next(&said, &line)) {
		if (line.n && line.p[0] != ' ' && line.p[line.n - 1] == ':')
			name = str_dup(h->a, line.p, line.n - 1).p;
		else if (name && (version = read_candidate(h->a, line)))
			add_candidate(h->a, name, version, out);
	}
	return true;
}
