/* SPDX-License-Identifier: MIT
 *
 * stat: the file at a path. Read-only: changes nothing.
 */
#include <errno.h>
#include <unistd.h>
#include "host/path.h"
#include "resource/types.h"

static void put_bool(struct host *h, struct value *m, const char *key, bool b)
{
	map_put(h->a, m, key, value_bool(h->a, b));
}

static void put_int(struct host *h, struct value *m, const char *key, uint64_t n)
{
	map_put(h->a, m, key, value_int(h->a, (int64_t)n));
}

static void put_text(struct host *h, struct value *m, const char *key, const char *s)
{
	struct value *v = value_text(h->a, s);
	v->literal = true;
	map_put(h->a, m, key, v);
}

static void put_time(struct host *h, struct value *m, const char *key, struct timespec t)
{
	map_put(h->a, m, key, value_float(h->a, (double)t.tv_sec + (double)t.tv_nsec / 1e9));
}

static void put_kind(struct host *h, struct value *m, mode_t mode)
{
	put_bool(h, m, "isreg", S_ISREG(mode));
	put_bool(h, m, "isdir", S_ISDIR(mode));
	put_bool(h, m, "islnk", S_ISLNK(mode));
	put_bool(h, m, "ischr", S_ISCHR(mode));
	put_bool(h, m, "isblk", S_ISBLK(mode));
	put_bool(h, m, "isfifo", S_ISFIFO(mode));
	put_bool(h, m, "issock", S_ISSOCK(mode));
}

static void put_mode(struct host *h, struct value *m, mode_t mode)
{
	static const struct {
		const char *name;
		mode_t bit;
	} bits[] = {
		{"rusr", S_IRUSR},
		{"wusr", S_IWUSR},
		{"xusr", S_IXUSR},
		{"rgrp", S_IRGRP},
		{"wgrp", S_IWGRP},
		{"xgrp", S_IXGRP},
		{"roth", S_IROTH},
		{"woth", S_IWOTH},
		{"xoth", S_IXOTH},
		{"isuid", S_ISUID},
		{"isgid", S_ISGID},
	};
	map_put(h->a, m, "mode", value_printf(h->a, "%04o", mode & 07777));
	for (size_t i = 0; i < ARRAY_LEN(bits); i++)
		put_bool(h, m, bits[i].name, mode & bits[i].bit);
}

static void put_numbers(struct host *h, struct value *m, const struct stat *st)
{
	put_int(h, m, "uid", st->st_uid);
	put_int(h, m, "gid", st->st_gid);
	put_text(h, m, "pw_name", attr_user_name(h->a, st->st_uid));
	put_text(h, m, "gr_name", attr_group_name(h->a, st->st_gid));
	put_int(h, m, "size", (uint64_t)st->st_size);
	put_int(h, m, "inode", st->st_ino);
	put_int(h, m, "dev", st->st_dev);
	put_int(h, m, "nlink", st->st_nlink);
	put_int(h, m, "blocks", (uint64_t)st->st_blocks);
	put_int(h, m, "block_size", (uint64_t)st->st_blksize);
	put_time(h, m, "atime", st->st_atim);
	put_time(h, m, "mtime", st->st_mtim);
	put_time(h, m, "ctime", st->st_ctim);
}

static bool put_link(struct host *h, struct value *m, const char *path, struct err *e)
{
	const char *target = path_link_target(h->a, path, e);
	if (!target)
		return false;
	put_text(h, m, "lnk_target", target);
	char *real = realpath(path, NULL);
	put_text(h, m, "lnk_source",
		real ? real : clean_path(h->a, path_join(h->a, path_dir(h->a, path), target)));
	free(real);
	return true;
}

/* An unreadable file has no checksum, as in Ansible. */
static void put_checksum(
	struct host *h, const struct value *params, struct value *m, const char *path)
{
	bool sha1 = strcmp(map_cstr(params, "checksum_algorithm", "sha1"), "sha1") == 0;
	unsigned char sha[SHA256_LEN];
	char text[SHA256_HEX];
	uint64_t size;
	struct err e = {0};
	char *real = realpath(path, NULL);
	if (real && (sha1 ? path_sha1(real, sha, &e) : path_digest(real, sha, &size, &e))) {
		hex(sha, sha1 ? SHA1_LEN : SHA256_LEN, text);
		put_text(h, m, "checksum", text);
	}
	free(real);
}

static bool observe_stat(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	struct value *m = value_map(h->a);
	struct stat st;
	if (probe_waits(h, &restype_stat, o))
		return true;
	map_put(h->a, o->result, "stat", m);
	bool found = lstat(path, &st) == 0;
	if (!found && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		return err_errno(e, "cannot stat %s", path);
	if (found && S_ISLNK(st.st_mode) && map_bool(params, "follow", false))
		found = stat(path, &st) == 0;
	put_bool(h, m, "exists", found);
	if (!found)
		return true;
	put_text(h, m, "path", path);
	put_kind(h, m, st.st_mode);
	put_mode(h, m, st.st_mode);
	put_numbers(h, m, &st);
	put_bool(h, m, "readable", access(path, R_OK) == 0);
	put_bool(h, m, "writeable", access(path, W_OK) == 0);
	put_bool(h, m, "executable", access(path, X_OK) == 0);
	if (S_ISREG(st.st_mode) && map_bool(params, "get_checksum", true))
		put_checksum(h, params, m, path);
	return !S_ISLNK(st.st_mode) || put_link(h, m, path, e);
}

static bool check_stat(const struct value *params, struct errs *errs)
{
	bool ok = true;
	const struct value *algorithm = map_at(params, "checksum_algorithm");
	const char *name = map_cstr(params, "checksum_algorithm", "sha1");
	if (strcmp(name, "sha1") != 0 && strcmp(name, "sha256") != 0)
		ok = errs_add(errs, algorithm->pos,
			"checksum_algorithm: only sha1 and sha256 are supported");
	if (map_bool(params, "get_mime", false))
		ok = errs_add(errs, map_at(params, "get_mime")->pos, "get_mime is not supported");
	if (map_bool(params, "get_attributes", false))
		ok = errs_add(errs, map_at(params, "get_attributes")->pos,
			"get_attributes is not supported");
	return ok;
}

static const struct field fields[] = {
	{.name = "path",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.aliases = "dest name",
		.doc = "The path to inspect."},
	{.name = "follow", .kind = FIELD_BOOL, .dflt = "false", .doc = "Follow a link at path."},
	{.name = "get_checksum",
		.kind = FIELD_BOOL,
		.dflt = "true",
		.doc = "Digest of a file's content."},
	{.name = "checksum_algorithm",
		.kind = FIELD_ENUM,
		.aliases = "checksum checksum_algo",
		.choices = "sha1 sha256 md5 sha224 sha384 sha512",
		.dflt = "sha1",
		.doc = "sha1 and sha256 are supported."},
	{.name = "get_mime",
		.kind = FIELD_BOOL,
		.aliases = "mime mime_type mime-type",
		.doc = "Only false is supported."},
	{.name = "get_attributes",
		.kind = FIELD_BOOL,
		.aliases = "attr attributes",
		.doc = "Only false is supported."},
	{.name = NULL},
};

static const struct field returns[] = {
	{.name = "stat",
		.kind = FIELD_MAP,
		.doc = "exists; when it does: path, mode, isreg, isdir, islnk, ischr, isblk, "
		       "isfifo, "
		       "issock, uid, gid, pw_name, gr_name, size, inode, dev, nlink, blocks, "
		       "block_size, "
		       "atime, mtime, ctime, rusr to xoth, isuid, isgid, readable, writeable, "
		       "executable, "
		       "checksum, lnk_source, lnk_target."},
	{.name = NULL},
};

const struct restype restype_stat = {
	.name = "stat",
	.full_names = BUILTIN_NAMES("stat"),
	.key = "path",
	.doc = "Inspects a file, a folder or a link.",
	.example = "- stat:\n    path: /etc/aliases\n  register: aliases\n",
	.fields = fields,
	.returns = returns,
	.class = RES_FILE,
	.probe = true,
	.check = check_stat,
	.observe = observe_stat,
};
