/* SPDX-License-Identifier: MIT
 *
 * Majordomo's source, an archive or a folder beside the manifest: checks its digest here, and packs
 * a folder into one tar archive for the host. Reads only regular files, limited in number and size;
 * follows no link in the folder and writes nothing.
 */
#include <dirent.h>
#include <sys/stat.h>
#include "host/path.h"
#include "mail/mail.h"

enum {
	SHA256_TEXT = 64,
	ENTRIES_MAX = 4096,
	BYTES_MAX = 16 << 20,
	DEPTH_MAX = 16,
	TAR_BLOCK = 512,
	TAR_NAME = 100,
	/* the offsets of a header's fields, POSIX.1-1988 */
	TAR_MODE = 100,
	TAR_UID = 108,
	TAR_GID = 116,
	TAR_SIZE = 124,
	TAR_MTIME = 136,
	TAR_SUM = 148,
	TAR_TYPE = 156,
	TAR_MAGIC = 257,
};

struct member {
	const char *name; /* "./Tools/x", as find prints it */
	struct str text;
	bool program;
};
struct folder {
	struct arena *a;
	const char *path;
	struct member *v;
	size_t n, cap, entries, bytes;
};

/* ---- a folder ---- */
static bool add_member(
	struct folder *f, const char *name, const char *path, mode_t mode, struct err *e)
{
	struct member m = {.name = name, .program = mode & S_IXUSR};
	if (!file_read(f->a, path, BYTES_MAX - f->bytes, &m.text, e))
		return false;
	f->bytes += m.text.n;
	PUSH(f->a, f->v, f->n, f->cap, m);
	return true;
}

/* sha256sum escapes some characters, and a tar header holds names of limited length. */
static bool name_fits(const char *name)
{
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127 || *c == '\\')
			return false;
	return strlen(name) < TAR_NAME;
}

static bool walk_folder(struct folder *f, const char *below, int depth, struct err *e);

static bool add_entry(struct folder *f, const char *name, int depth, struct err *e)
{
	const char *path = path_join(f->a, f->path, name + 2);
	struct stat st;
	if (++f->entries > ENTRIES_MAX || depth > DEPTH_MAX)
		return err_set(e, ERR_CONFIG,
			"'%s' has more than %d entries or more than %d levels of folders", f->path,
			ENTRIES_MAX, DEPTH_MAX);
	if (!name_fits(name))
		return err_set(e, ERR_CONFIG,
			"a name in '%s' is longer than %d bytes or has a control character or "
			"backslash",
			f->path, TAR_NAME - 1);
	if (lstat(path, &st) < 0)
		return err_errno(e, "cannot stat '%s'", path);
	if (S_ISDIR(st.st_mode))
		return walk_folder(f, name, depth + 1, e);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFIG, "'%s' is neither a file nor a folder", path);
	return add_member(f, name, path, st.st_mode, e);
}

static bool walk_folder(struct folder *f, const char *below, int depth, struct err *e)
{
	const char *path = path_join(f->a, f->path, below);
	DIR *d = opendir(path);
	struct dirent *entry;
	bool ok = true;
	if (!d)
		return err_errno(e, "cannot read '%s'", path);
	while (ok && (entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			ok = add_entry(
				f, arena_printf(f->a, "%s/%s", below, entry->d_name), depth, e);
	closedir(d);
	return ok;
}

static int by_name(const void *x, const void *y)
{
	return strcmp(((const struct member *)x)->name, ((const struct member *)y)->name);
}

static bool folder_read(struct folder *f, struct err *e)
{
	if (!walk_folder(f, ".", 0, e))
		return false;
	if (!f->n)
		return err_set(e, ERR_CONFIG, "the folder '%s' contains no file", f->path);
	qsort(f->v, f->n, sizeof(*f->v), by_name);
	return true;
}

/* The same output as: find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum */
static void folder_digest(const struct folder *f, unsigned char out[SHA256_LEN])
{
	unsigned char sha[SHA256_LEN];
	char text[SHA256_HEX];
	struct sha256 all;
	sha256_init(&all);
	for (size_t i = 0; i < f->n; i++) {
		sha256(f->v[i].text.p, f->v[i].text.n, sha);
		hex(sha, sizeof(sha), text);
		sha256_add(&all, text, strlen(text));
		sha256_add(&all, "  ", 2);
		sha256_add(&all, f->v[i].name, strlen(f->v[i].name));
		sha256_add(&all, "\n", 1);
	}
	sha256_end(&all, out);
}

/* ---- tar ---- */
static void tar_number(char *at, int digits, size_t n)
{
	for (; digits > 0; n >>= 3)
		at[--digits] = (char)('0' + (n & 7));
}

static void tar_header(struct buf *b, const struct member *m)
{
	char h[TAR_BLOCK] = {0};
	unsigned sum = 0;
	snprintf(h, TAR_NAME, "%s", m->name);
	tar_number(h + TAR_MODE, 7, m->program ? 0755 : 0644);
	tar_number(h + TAR_UID, 7, 0);
	tar_number(h + TAR_GID, 7, 0);
	tar_number(h + TAR_SIZE, 11, m->text.n);
	tar_number(h + TAR_MTIME, 11, 0);
	h[TAR_TYPE] = '0';
	memcpy(h + TAR_MAGIC, "ustar\00000", 8);
	memset(h + TAR_SUM, ' ', 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	tar_number(h + TAR_SUM, 6, sum);
	h[TAR_SUM + 6] = 0;
	buf_add(b, h, sizeof(h));
}

/* Only names and bytes, no times or owners: the same folder always gives the same archive. */
static struct value *folder_packed(struct arena *a, const struct folder *f)
{
	static const char zeros[2 * TAR_BLOCK];
	struct value *v;
	struct buf b;
	buf_init(&b, BYTES_MAX + (ENTRIES_MAX + 1) * 2 * TAR_BLOCK);
	for (size_t i = 0; i < f->n; i++) {
		tar_header(&b, &f->v[i]);
		buf_add(&b, f->v[i].text.p, f->v[i].text.n);
		buf_add(&b, zeros, (TAR_BLOCK - f->v[i].text.n % TAR_BLOCK) % TAR_BLOCK);
	}
	buf_add(&b, zeros, sizeof(zeros));
	v = value_blob(a, buf_str(a, &b));
	buf_free(&b);
	return v;
}

/* ---- either ---- */
static bool source_read(
	const struct mail_env *env, const char *path, struct value *out, struct err *e)
{
	struct arena *a = env->memory->a;
	struct folder f = {.a = a, .path = path};
	unsigned char sha[SHA256_LEN];
	char text[SHA256_HEX];
	if (path_is_dir(path)) {
		if (!folder_read(&f, e))
			return false;
		folder_digest(&f, sha);
		map_put(a, out, "archive", folder_packed(a, &f));
	} else {
		const struct str *file = env->read(env->ctx, path, e);
		if (!file)
			return false;
		sha256(file->p, file->n, sha);
	}
	hex(sha, sizeof(sha), text);
	map_put(a, out, "sha256", value_text(a, arena_strdup(a, text)));
	return true;
}

/* Returns {sha256, and archive: a folder's bytes}; reads it once for all hosts. */
static const struct value *source_get(const struct mail_env *env, const char *name, struct err *e)
{
	struct mail_memory *memory = env->memory;
	const char *path = env->find(env->ctx, name, memory->a);
	struct value *known = path ? map_at(memory->sources, path) : NULL;
	if (!path)
		err_set(e, ERR_CONFIG, "there is no file or folder '%s' beside the manifest", name);
	if (!path || known)
		return known;
	known = value_map(memory->a);
	if (!source_read(env, path, known, e))
		return NULL;
	if (!memory->sources)
		memory->sources = value_map(memory->a);
	map_put(memory->a, memory->sources, path, known);
	return known;
}

static bool sha256_text(struct str s)
{
	return s.n == SHA256_TEXT && strspn(s.p, "0123456789abcdef") == s.n;
}

static void check_digest(
	const struct mail_env *env, const struct mail_engines *lists, struct errs *errs)
{
	struct mail_text source = lists->source, sum = lists->source_sha256;
	struct err e = {0};
	const struct value *found = source_get(env, source.s.p, &e);
	if (!found)
		errs_add(errs, mail_pos(source), "mail.lists.source: %s", e.msg);
	else if (!str_eq(map_at(found, "sha256")->s, sum.s))
		errs_add(errs, mail_pos(sum),
			"'%s' has the digest %s, not source_sha256; correct source_sha256 if this "
			"is the source you mean",
			source.s.p, map_cstr(found, "sha256", ""));
}

void mail_source_rules(const struct mail_env *env, const struct mail_state *mail, struct errs *errs)
{
	const struct mail_engines *lists = &mail->engines;
	struct mail_text source = lists->source, sum = lists->source_sha256;
	bool majordomo = lists->engine == MAIL_MAJORDOMO;
	if (majordomo && (!source.v || !sum.v))
		errs_add(errs, lists->map->pos,
			"mail.lists: the engine majordomo needs source (Majordomo's archive or "
			"folder) and source_sha256 (its digest)");
	else if (!majordomo && source.s.p)
		errs_add(errs, mail_pos(source),
			"mail.lists.source is only for the engine majordomo; mlmmj comes as a "
			"package");
	if (sum.s.p && !sha256_text(sum.s))
		errs_add(errs, mail_pos(sum),
			"source_sha256 must be 64 hexadecimal digits in lower case");
	else if (majordomo && source.s.p && sum.s.p)
		check_digest(env, lists, errs);
}

void mail_source_derive(const struct mail_env *env, struct arena *a, const struct mail_state *mail,
	struct value *out, struct errs *errs)
{
	struct mail_text source = mail->engines.source;
	const struct value *found = NULL;
	struct value *archive = NULL;
	struct err e = {0};
	if (source.s.p) {
		found = source_get(env, source.s.p, &e);
		archive = found ? map_at(found, "archive") : NULL;
	}
	if (e.kind)
		errs_add(errs, mail_pos(source), "%s", e.msg);
	map_put(a, out, "mail_list_archive", archive ? archive : value_null(a));
}
