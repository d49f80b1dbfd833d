/* SPDX-License-Identifier: MIT
 *
 * copy: a file with exactly this content. Observing compares digests, because only an apply brings
 * the content itself. Never writes through a link unless follow says so.
 */
#include <unistd.h>
#include "host/foresight.h"
#include "host/path.h"
#include "resource/types.h"

struct dest {
	const char *path;
	struct stat st;
	bool found;
	bool make_parents; /* dest ends in "/" and does not exist */
};

/* ---- where ---- */

static bool ends_in_slash(const char *s)
{
	size_t n = strlen(s);
	return n > 0 && s[n - 1] == '/';
}

/* The file's name in a folder: the name of its source. */
static const char *source_name(const struct value *params)
{
	const char *name = map_cstr(params, "_original_basename", NULL);
	if (!name)
		name = map_cstr(params, "src", NULL);
	return name ? path_base(name) : NULL;
}

static bool into_folder(struct host *h, const struct value *params, struct dest *p, struct err *e)
{
	const char *name = source_name(params);
	if (!name || !*name)
		return err_set(e, ERR_CONFIG,
			"%s is a folder, and content has no file name; write the whole path",
			p->path);
	p->path = path_join(h->a, p->path, name);
	return true;
}

static bool dest_find(struct host *h, const struct value *params, struct dest *p, struct err *e)
{
	const char *dest = map_cstr(params, "dest", "");
	struct stat st;
	*p = (struct dest){.path = clean_path(h->a, dest)};
	bool is_dir = stat(p->path, &st) == 0 && S_ISDIR(st.st_mode);
	p->make_parents = ends_in_slash(dest) && !is_dir;
	if ((is_dir || ends_in_slash(dest)) && !into_folder(h, params, p, e))
		return false;
	if (map_bool(params, "follow", false) && !path_follow(h->a, p->path, &p->path, e))
		return false;
	if (!path_stat(p->path, &p->st, &p->found, e))
		return false;
	p->found = p->found && foreseen(h, p->path) != FORESEEN_REMOVED;
	return true;
}

/* ---- observe ---- */

/* With remote_src the content is a file of the host. NULL without an error: it does
 * not exist yet. */
static struct value *remote_content(struct host *h, const char *src, struct err *e)
{
	struct str s;
	bool found;
	if (!path_follow(h->a, src, &src, e) || !path_read(h->a, src, FILE_MAX, &s, &found, e))
		return NULL;
	if (!found && !files_pending(h))
		err_set(e, ERR_PERMANENT, "%s does not exist on the host (remote_src)", src);
	return found ? value_blob(h->a, s) : NULL;
}

static bool content_wanted(
	struct host *h, const struct value *params, struct value **out, struct err *e)
{
	*out = map_at(params, "content");
	if (*out && (*out)->type == VALUE_STR) {
		bool secret = (*out)->secret;
		*out = value_blob(h->a, (*out)->s);
		(*out)->secret = secret;
	} else if (!*out && map_bool(params, "remote_src", false)) {
		*out = remote_content(h, map_cstr(params, "src", ""), e);
	} else if (!*out || (*out)->type != VALUE_BLOB) {
		return err_set(
			e, ERR_CONFIG, "internal error: copy reached the host without its content");
	}
	return e->kind == ERR_NONE;
}

/* Reads small files whole, for the diff; of a large one only the digest. */
static bool content_there(struct host *h, const struct dest *p, struct value **out, struct err *e)
{
	struct str s;
	bool found = true;
	if ((uint64_t)p->st.st_size > TEXT_MAX) {
		unsigned char *sha = arena_alloc(h->a, SHA256_LEN);
		uint64_t size = 0;
		*out = value_blob(h->a, str_c(""));
		bool ok = path_digest(p->path, sha, &size, e);
		(*out)->blob.sha = sha;
		(*out)->blob.size = size;
		(*out)->blob.bytes = (struct str){NULL, 0};
		return ok;
	}
	if (!path_read(h->a, p->path, FILE_MAX, &s, &found, e))
		return false;
	*out = found ? value_blob(h->a, s) : NULL;
	return true;
}

static bool same_content(const struct value *a, const struct value *b)
{
	return a && b && a->blob.size == b->blob.size &&
	       memcmp(a->blob.sha, b->blob.sha, SHA256_LEN) == 0;
}

static bool dest_usable(struct host *h, const struct dest *p, struct observation *o, struct err *e)
{
	if (p->make_parents) {
		observe_attr(h, o, "folder", NULL, path_dir(h->a, p->path));
		return true;
	}
	if (!p->found)
		return parent_there(h, p->path, e);
	if (S_ISREG(p->st.st_mode))
		return true;
	if (!S_ISLNK(p->st.st_mode))
		return err_set(e, ERR_PERMANENT, "%s is a %s, not a file; remove it first", p->path,
			file_kind(p->st.st_mode));
	observe_attr(h, o, "state", "link", "file");
	return true;
}

static void result_add(
	struct host *h, const struct value *params, const struct dest *p, struct observation *o)
{
	const char *src = map_cstr(params, "src", NULL);
	result_file(h, p->path, o);
	map_put(h->a, o->result, "dest", value_text(h->a, p->path));
	if (src)
		map_put(h->a, o->result, "src", value_text(h->a, src));
}

static bool observe_copy(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct dest p;
	struct value *want = NULL, *have = NULL;
	if (!dest_find(h, params, &p, e) || !content_wanted(h, params, &want, e))
		return false;
	result_add(h, params, &p, o);
	if (p.found && S_ISREG(p.st.st_mode) && !map_bool(params, "force", true))
		return true;
	if (!dest_usable(h, &p, o, e))
		return false;
	if (p.found && S_ISREG(p.st.st_mode) && !content_there(h, &p, &have, e))
		return false;
	bool known;
	foreseen_text(h, p.path, &known);
	if (!known || !want || (!p.found && foreseen(h, p.path) == FORESEEN_MADE))
		observe_maybe(h, o, "until the step that writes it has run");
	if (!want)
		observe_run(h, o, "content", "copy the file that an earlier step makes");
	else if (!same_content(want, have))
		observe_text(h, o, "content", have, want);
	return attr_observe(h, p.path, params, o, e);
}

static void foresee_copy(
	const struct value *params, const struct observation *o, struct foresight *f)
{
	const char *path = map_cstr(o->result, "dest", map_cstr(params, "dest", ""));
	if (!observed_change(o, "content"))
		return;
	foresee_made(f, path);
	foresee_text(f, path, NULL); /* an apply brings it */
}

/* ---- apply ---- */

static bool make_parents(
	struct host *h, const struct value *params, const char *path, struct err *e)
{
	mode_t mode;
	if (!mode_parse(map_cstr(params, "directory_mode", "0755"), 0755, true, &mode))
		return err_set(e, ERR_CONFIG, "directory_mode is not a valid mode; write '0755'");
	return mkdirs(path_dir(h->a, path), mode, e);
}

static bool apply_copy(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct dest p;
	if (!dest_find(h, params, &p, e))
		return false;
	if (o->changes->list.n == 0)
		return true;
	if (observed_change(o, "folder") && !make_parents(h, params, p.path, e))
		return false;
	if (!apply_content(h, p.path, params, o, e))
		return false;
	result_add(h, params, &p, o);
	return true;
}

/* ---- the type ---- */

bool check_validate(const struct value *params, struct errs *errs)
{
	const struct value *v = map_at(params, "validate");
	if (!v || v->type != VALUE_STR || strstr(v->s.p, "%s"))
		return true;
	return errs_add(errs, v->pos, "validate needs %%s in the place of the new file's path");
}

static bool check_copy(const struct value *params, struct errs *errs)
{
	const struct value *content = map_at(params, "content"), *src = map_at(params, "src");
	bool ok = check_validate(params, errs);
	if (!content && !src)
		ok = errs_add(errs, params->pos, "copy needs src or content");
	if (content && src && !map_at(params, "_original_basename"))
		ok = errs_add(errs, src->pos, "copy takes src or content, not both");
	if (content && map_bool(params, "remote_src", false))
		ok = errs_add(errs, content->pos,
			"remote_src needs src, a path on the host, instead of content");
	if (src && src->type == VALUE_STR && map_bool(params, "remote_src", false) &&
		(src->s.p[0] != '/' || ends_in_slash(src->s.p)))
		ok = errs_add(errs, src->pos,
			"with remote_src, src must be the absolute path of a file; folders are "
			"not supported yet");
	return ok;
}

static const struct field fields[] = {
	{.name = "dest",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.doc = "The file. For an existing folder, or a path that ends in '/': the file in "
		       "it with the name of src."},
	{.name = "content", .kind = FIELD_BLOB, .doc = "The content, instead of src."},
	{.name = "src",
		.kind = FIELD_STR,
		.doc = "The file to copy: from the role's files/, or on the host with remote_src."},
	{.name = "remote_src",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.flags = FIELD_ACTION,
		.doc = "src is a file on the host."},
	COPY_FIELDS,
	{.name = "directory_mode",
		.kind = FIELD_MODE,
		.doc = "Mode of folders that are created because dest ends in '/'."},
	{.name = "_original_basename", .kind = FIELD_STR, .doc = "Internal: the name of src."},
	FILE_ATTR_FIELDS,
	{.name = NULL},
};

const struct field copy_returns[] = {
	RESULT_FILE_FIELDS,
	{.name = "dest", .kind = FIELD_PATH, .doc = "The file."},
	{.name = "src", .kind = FIELD_STR, .doc = "The parameter, unchanged."},
	BACKUP_RESULT_FIELD,
	{.name = NULL},
};

const struct restype restype_copy = {
	.name = "copy",
	.full_names = BUILTIN_NAMES("copy"),
	.key = "dest",
	.doc = "A file with a given content.",
	.example = "- copy:\n    dest: /etc/mailname\n    content: \"mx1.example.com\\n\"\n"
		   "    mode: '0644'\n",
	.fields = fields,
	.returns = copy_returns,
	.class = RES_FILE,
	.touches = RES_FILE | RES_SERVICE,
	.check = check_copy,
	.foresee = foresee_copy,
	.observe = observe_copy,
	.apply = apply_copy,
};
