/* SPDX-License-Identifier: MIT
 *
 * Names and numbers of users and groups. Results are cached until the account files change, because
 * a plan asks for the same few names a thousand times. Changes nothing.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include "host/path.h"

enum { ID_BUFFER = 16 << 10, ID_BUFFER_MAX = 1 << 20, KEPT_MAX = 16, KEPT_NAME = 33 };

/* Results from one account file. */
struct cache {
	const char *file;
	struct stat st; /* the file at that time */
	struct {
		char name[KEPT_NAME];
		unsigned id;
		bool by_id; /* found by its number: of several names the first */
	} kept[KEPT_MAX];
	size_t n;
};
static struct cache users = {.file = "/etc/passwd"}, groups = {.file = "/etc/group"};

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void cache_refresh(struct cache *c)
{
	struct stat now;
	if (stat(c->file, &now) < 0)
		now = (struct stat){0};
	if (!same_file(&now, &c->st))
		c->n = 0;
	c->st = now;
}

static bool cache_by_name(struct cache *c, const char *name, unsigned *id)
{
	cache_refresh(c);
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->kept[i].name, name) == 0) {
			*id = c->kept[i].id;
			return true;
		}
	return false;
}

static const char *cache_by_id(struct cache *c, unsigned id)
{
	cache_refresh(c);
	for (size_t i = 0; i < c->n; i++)
		if (c->kept[i].by_id && c->kept[i].id == id)
			return c->kept[i].name;
	return NULL;
}

static void cache_keep(struct cache *c, const char *name, unsigned id, bool by_id)
{
	size_t n = strlen(name);
	if (c->n == KEPT_MAX || n >= KEPT_NAME)
		return;
	memcpy(c->kept[c->n].name, name, n + 1);
	c->kept[c->n].by_id = by_id;
	c->kept[c->n++].id = id;
}

/* ---- the C library ---- */

/* The call fails with ERANGE when it needs a larger buffer: a group may have many members. */
static bool find_user(struct arena *a, const char *name, uid_t uid, struct passwd *pw)
{
	struct passwd *r = NULL;
	for (size_t n = ID_BUFFER; n <= ID_BUFFER_MAX; n *= 4) {
		char *b = arena_alloc(a, n);
		int rc = name ? getpwnam_r(name, pw, b, n, &r) : getpwuid_r(uid, pw, b, n, &r);
		if (rc != ERANGE)
			break;
	}
	return r != NULL;
}

static bool find_group(struct arena *a, const char *name, gid_t gid, struct group *gr)
{
	struct group *r = NULL;
	for (size_t n = ID_BUFFER; n <= ID_BUFFER_MAX; n *= 4) {
		char *b = arena_alloc(a, n);
		int rc = name ? getgrnam_r(name, gr, b, n, &r) : getgrgid_r(gid, gr, b, n, &r);
		if (rc != ERANGE)
			break;
	}
	return r != NULL;
}

static bool number_id(const char *name, unsigned *id)
{
	char *end;
	if (name[0] < '0' || name[0] > '9')
		return false;
	errno = 0;
	unsigned long v = strtoul(name, &end, 10);
	if (*end || errno || v >= 0xffffffffUL)
		return false;
	*id = (unsigned)v;
	return true;
}

/* ---- names ---- */

bool attr_user_id(struct arena *a, const char *name, uid_t *uid)
{
	struct passwd pw;
	if (cache_by_name(&users, name, uid))
		return true;
	if (!find_user(a, name, 0, &pw))
		return number_id(name, uid);
	*uid = pw.pw_uid;
	cache_keep(&users, name, *uid, false);
	return true;
}

bool attr_group_id(struct arena *a, const char *name, gid_t *gid)
{
	struct group gr;
	if (cache_by_name(&groups, name, gid))
		return true;
	if (!find_group(a, name, 0, &gr))
		return number_id(name, gid);
	*gid = gr.gr_gid;
	cache_keep(&groups, name, *gid, false);
	return true;
}

const char *attr_user_name(struct arena *a, uid_t uid)
{
	struct passwd pw;
	const char *kept = cache_by_id(&users, uid);
	if (kept)
		return arena_strdup(a, kept);
	if (!find_user(a, NULL, uid, &pw))
		return arena_printf(a, "%u", (unsigned)uid);
	cache_keep(&users, pw.pw_name, uid, true);
	return pw.pw_name;
}

const char *attr_group_name(struct arena *a, gid_t gid)
{
	struct group gr;
	const char *kept = cache_by_id(&groups, gid);
	if (kept)
		return arena_strdup(a, kept);
	if (!find_group(a, NULL, gid, &gr))
		return arena_printf(a, "%u", (unsigned)gid);
	cache_keep(&groups, gr.gr_name, gid, true);
	return gr.gr_name;
}
