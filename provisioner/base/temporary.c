/* SPDX-License-Identifier: MIT
 *
 * Temporary files beside a place: created with a unique name, renamed to the place, and removed if
 * a killed run has left them. Touches no other names.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>
#include "base/place.h"

#define PREFIX_TEXT ".provision-"

enum { RANDOM_CHARS = 6, TRIES = 100 };

static bool random_name(char name[TEMPORARY_MAX], struct err *e)
{
	static const char chars[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789__";
	unsigned char r[RANDOM_CHARS];
	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return err_errno(e, "cannot get random bytes");
	size_t n = strlen(PREFIX_TEXT);
	memcpy(name, PREFIX_TEXT, n);
	for (size_t i = 0; i < sizeof(r); i++)
		name[n++] = chars[r[i] % (sizeof(chars) - 1)];
	name[n] = 0;
	return true;
}

/* Creates something with this name; -1: see errno. */
typedef int make_fn(const struct place *p, const char *name, const void *ctx);

static int make_file(const struct place *p, const char *name, const void *ctx)
{
	(void)ctx;
	return openat(p->dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static int make_link(const struct place *p, const char *name, const void *ctx)
{
	return symlinkat(ctx, p->dir, name);
}

static int make_name(const struct place *p, const char *name, const void *ctx)
{
	const struct place *from = ctx;
	return linkat(from->dir, from->name, p->dir, name, 0);
}

static int make_temporary(const struct place *p, make_fn *fn, const void *ctx, const char *what,
	char name[TEMPORARY_MAX], struct err *e)
{
	int got = -1;
	for (int i = 0; i < TRIES && got < 0; i++) {
		if (!random_name(name, e))
			return -1;
		got = fn(p, name, ctx);
		if (got < 0 && errno != EEXIST)
			break;
	}
	if (got < 0)
		err_errno(e, "cannot make %s %s", what, p->path);
	return got;
}

int place_temp_file(const struct place *p, char name[TEMPORARY_MAX], struct err *e)
{
	return make_temporary(p, make_file, NULL, "a temporary file for", name, e);
}

bool place_temp_link(
	const struct place *p, const char *target, char name[TEMPORARY_MAX], struct err *e)
{
	return make_temporary(p, make_link, target, "the link", name, e) >= 0;
}

bool place_temp_name(
	const struct place *p, const struct place *from, char name[TEMPORARY_MAX], struct err *e)
{
	return make_temporary(p, make_name, from, "the link", name, e) >= 0;
}

bool place_sync(const struct place *p, struct err *e)
{
	int fd = openat(p->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "cannot open the folder of %s", p->path);
	bool ok = fsync(fd) == 0 || errno == EINVAL; /* some file systems do not support it */
	if (!ok)
		err_errno(e, "cannot write the folder of %s to disk", p->path);
	close(fd);
	return ok;
}

bool place_swap_in(const struct place *p, const char *temporary, struct err *e)
{
	if (renameat(p->dir, temporary, p->dir, p->name) == 0)
		return place_sync(p, e);
	err_errno(e, "cannot replace %s", p->path);
	unlinkat(p->dir, temporary, 0);
	return false;
}

/* Names of temporaries. In older versions those of links had sixteen digits, or ended in
 * ".provision-link". */
static bool is_temporary(const char *name, mode_t mode)
{
	size_t n = strlen(PREFIX_TEXT);
	bool link = S_ISLNK(mode);
	if (link && str_ends(str_c(name), ".provision-link"))
		return true;
	if (!(link || S_ISREG(mode)) || strncmp(name, PREFIX_TEXT, n) != 0)
		return false;
	size_t more = strlen(name + n);
	return more == RANDOM_CHARS || (more == 16 && strspn(name + n, "0123456789abcdef") == 16);
}

void remove_temporaries(const char *folder)
{
	struct dirent *item;
	struct stat st;
	struct err none = {0}; /* a folder that cannot be listed is left alone */
	int fd = folder_open(folder, &none);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !d)
		close(fd);
	while (d && (item = readdir(d)))
		if (strstr(item->d_name, PREFIX_TEXT) &&
			fstatat(fd, item->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			is_temporary(item->d_name, st.st_mode))
			unlinkat(fd, item->d_name, 0);
	if (d)
		closedir(d);
}
