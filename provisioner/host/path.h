/* SPDX-License-Identifier: MIT
 *
 * Path checks of the file types, with clear errors about what is found. Shared by file, copy,
 * lineinfile, blockinfile, replace, stat and slurp.
 */
#pragma once
#include "base/place.h"
#include "host/host.h"

/* Every function walks to a path as place.h describes, and never through an untrusted link. */
/* lstat; *found false when it does not exist. A path through something that is not a folder
 * (ENOTDIR) counts as not found. Fails when a link on the way belongs to another user, who could
 * lead it anywhere. */
bool path_stat(const char *path, struct stat *st, bool *found, struct err *e);
/* lstat of a path that must exist. */
bool path_stat_there(const char *path, struct stat *st, struct err *e);
bool path_is_dir(const char *path); /* links followed */
/* Reads a regular file of at most `max` bytes; never through a link at the path. */
bool path_read(
	struct arena *a, const char *path, size_t max, struct str *out, bool *found, struct err *e);
/* As path_read, for a file that is replaced whole: a link in its place becomes a change of "state"
 * in `o` and does not count as a file. *out NULL: there is none. */
bool path_read_own(struct host *h, const char *path, size_t max, const struct str **out,
	struct observation *o, struct err *e);
/* Digest and size of a regular file, without holding it in memory. */
bool path_digest(const char *path, unsigned char sha[SHA256_LEN], uint64_t *size, struct err *e);
bool path_sha1(const char *path, unsigned char sha[SHA1_LEN], struct err *e);
/* Follows links at the end of `path` that are trusted: those owned by root or by us. *out is their
 * target (which need not exist). */
bool path_follow(struct arena *a, const char *path, const char **out, struct err *e);
char *path_link_target(struct arena *a, const char *path, struct err *e); /* The text of a link. */

/* May an earlier change of this plan still create or alter files? */
bool files_pending(const struct host *h);
/* Does the folder of `path` exist? Also true while files are pending; otherwise an error. */
bool parent_there(struct host *h, const char *path, struct err *e);
/* Removes the path, a folder only when it is empty; durably. A path that does not exist is fine. */
bool remove_name(const char *path, bool folder, struct err *e);
bool set_times(const char *path, const struct timespec times[2], struct err *e);
/* Copies the file to Ansible's backup name, which becomes backup_file of the result. */
bool write_backup(struct host *h, const char *path, struct observation *o, struct err *e);
/* The name of an id on this host, or its number as text. */
const char *attr_user_name(struct arena *a, uid_t uid);
const char *attr_group_name(struct arena *a, gid_t gid);
/* The id of a name, or of digits that are no name. false: it does not exist. */
bool attr_user_id(struct arena *a, const char *name, uid_t *uid);
bool attr_group_id(struct arena *a, const char *name, gid_t *gid);
/* The wanted owner, group and mode, parsed once for many files of a tree. NULL: e is set. */
struct attr_want;
struct attr_want *attr_want_new(struct host *h, const struct value *params, struct err *e);
bool attr_want_differs(
	const struct attr_want *w, const struct stat *st, bool *differs, struct err *e);
bool attr_want_set(const struct attr_want *w, int dirfd, const char *name, struct err *e);
/* path, state, mode, owner, group, uid, gid, size of the present file, for `register`. */
void result_file(struct host *h, const char *path, struct observation *o);
#define RESULT_FILE_FIELDS                                                                 \
	{.name = "path", .kind = FIELD_PATH, .doc = "The file."},                          \
		{.name = "state",                                                          \
			.kind = FIELD_STR,                                                 \
			.doc = "Kind of file: file, directory, absent."},                  \
		{.name = "mode", .kind = FIELD_STR, .doc = "Permission bits, as '0644'."}, \
		{.name = "owner", .kind = FIELD_STR, .doc = "Name of the owner."},         \
		{.name = "group", .kind = FIELD_STR, .doc = "Name of the group."},         \
		{.name = "uid", .kind = FIELD_INT, .doc = "Numeric id of the owner."},     \
		{.name = "gid", .kind = FIELD_INT, .doc = "Numeric id of the group."},     \
	{                                                                                  \
		.name = "size", .kind = FIELD_INT, .doc = "Bytes."                         \
	}
/* Fields of every type that writes a given text: options of the write, for apply_content. */
#define WRITE_FIELDS                                                                \
	{.name = "backup",                                                          \
		.kind = FIELD_BOOL,                                                 \
		.dflt = "false",                                                    \
		.flags = FIELD_ACTION,                                              \
		.doc = "Keep a dated backup of the old file beside it."},           \
	{                                                                           \
		.name = "validate", .kind = FIELD_STR, .flags = FIELD_ACTION,       \
		.doc = "Command that must accept the new file before it is put in " \
		       "place; %s is its path."                                     \
	}
#define BACKUP_RESULT_FIELD                                        \
	{                                                          \
		.name = "backup_file", .kind = FIELD_PATH,         \
		.doc = "With backup: path of the old file's copy." \
	}
/* Fields that template shares with copy, the type that it becomes. */
#define COPY_FIELDS                                                                         \
	{.name = "force",                                                                   \
		.kind = FIELD_BOOL,                                                         \
		.dflt = "true",                                                             \
		.doc = "false: write only when the file does not exist yet."},              \
		{.name = "follow",                                                          \
			.kind = FIELD_BOOL,                                                 \
			.dflt = "false",                                                    \
			.doc = "Write to the target of a link at dest; otherwise the file " \
			       "replaces the link."},                                       \
		WRITE_FIELDS
extern const struct field copy_returns[];
/* Removes trailing slashes; "//" and "/./" become one "/". */
const char *clean_path(struct arena *a, const char *path);
bool path_is_root(const char *path); /* "/", "//", "/./", "/etc/..": by its text only */

/* ---- trees ---- */
enum { TREE_DEPTH = 128, TREE_ENTRIES = 2 << 20 };
struct tree {
	/* `name` is in the folder dirfd; st is its lstat. false with e: the walk ends. */
	bool (*visit)(void *ctx, int dirfd, const char *name, const struct stat *st, struct err *e);
	void *ctx;
	bool children_first; /* for removal */
	bool one_device;     /* fail at a mount point below */
};
/* Visits everything below the folder `path`, without the folder itself. Never follows a link. */
bool tree_walk(const char *path, const struct tree *t, struct err *e);

/* A validate command must name its file with %s. */
bool check_validate(const struct value *params, struct errs *errs);
/* Bits of a mode text, octal or symbolic; a symbolic one is relative to `now`. */
bool mode_parse(const char *text, mode_t now, bool dir, mode_t *out);
/* Adds the change of a text file: `after` as text where it may be shown, else as a blob. */
void observe_content(struct host *h, struct observation *o, const struct str *before,
	struct str after, bool secret);
/* Writes the change that observe_content found (if any), then sets owner, group and mode. Honours
 * backup and validate of params. */
bool apply_content(struct host *h, const char *path, const struct value *params,
	struct observation *o, struct err *e);
