/* SPDX-License-Identifier: MIT
 *
 * How the file types look at a path, with what stands there told apart. Shared by file, copy,
 * lineinfile, blockinfile, replace, stat and slurp.
 */
#pragma once
#include "base/place.h"
#include "host/host.h"

/* Everything here walks to a path as place.h says, and never through a link that is not meant. */
/* lstat; *found false when nothing is there. A path through something that is no folder (ENOTDIR)
 * counts as not found. Refused when a link on the way is another user's: whoever owns it could
 * lead us anywhere. */
bool look(const char *path, struct stat *st, bool *found, struct err *e);
/* lstat of what has to be there. */
bool look_there(const char *path, struct stat *st, struct err *e);
bool look_is_dir(const char *path); /* links followed */
/* Reads a regular file of at most `max` bytes; never through a link at the path. */
bool look_read(
	struct arena *a, const char *path, size_t max, struct str *out, bool *found, struct err *e);
/* As look_read, for a file that is replaced whole: a link in its place is noted as a change of
 * "state" in `o` and counts as no file. *out NULL: there is none. */
bool look_read_own(struct host *h, const char *path, size_t max, const struct str **out,
	struct observation *o, struct err *e);
/* Digest and size of a regular file, without holding it in memory. */
bool look_digest(const char *path, unsigned char sha[SHA256_LEN], uint64_t *size, struct err *e);
bool look_sha1(const char *path, unsigned char sha[SHA1_LEN], struct err *e);
/* Follows links at the end of `path` that are meant: those owned by root or by us. *out is where
 * they lead (which need not exist). */
bool look_follow(struct arena *a, const char *path, const char **out, struct err *e);
char *look_target(struct arena *a, const char *path, struct err *e); /* readlink */

/* Does an earlier change of this plan perhaps still make or alter files? */
bool files_pending(const struct host *h);
/* Is the folder that `path` lies in there? Fine too while files are pending; else an error. */
bool parent_there(struct host *h, const char *path, struct err *e);
/* Removes what stands at a path, a folder only when it is empty; durably. Gone already is fine. */
bool remove_name(const char *path, bool folder, struct err *e);
bool set_times(const char *path, const struct timespec times[2], struct err *e);
/* A copy of the file under Ansible's backup name; told as backup_file in the result. */
bool write_backup(struct host *h, const char *path, struct observation *o, struct err *e);
/* Names of an id on this host, or the number. */
const char *attr_user_name(struct arena *a, uid_t uid);
const char *attr_group_name(struct arena *a, gid_t gid);
/* The id of a name, or of digits where there is no such name. false: there is none. */
bool attr_user_id(struct arena *a, const char *name, uid_t *uid);
bool attr_group_id(struct arena *a, const char *name, gid_t *gid);
/* Owner, group and mode asked for, read once for many files of a tree. NULL: e is set. */
struct attr_want;
struct attr_want *attr_want_new(struct host *h, const struct value *params, struct err *e);
bool attr_want_differs(
	const struct attr_want *w, const struct stat *st, bool *differs, struct err *e);
bool attr_want_set(const struct attr_want *w, int dirfd, const char *name, struct err *e);
/* path, state, mode, owner, group, uid, gid, size of what is there now, for `register`. */
void result_file(struct host *h, const char *path, struct observation *o);
#define RESULT_FILE_FIELDS                                                                 \
	{.name = "path", .kind = FIELD_PATH, .doc = "The file."},                          \
		{.name = "state",                                                          \
			.kind = FIELD_STR,                                                 \
			.doc = "What it is: file, directory, absent."},                    \
		{.name = "mode", .kind = FIELD_STR, .doc = "Permission bits, as '0644'."}, \
		{.name = "owner", .kind = FIELD_STR, .doc = "Name of its owner."},         \
		{.name = "group", .kind = FIELD_STR, .doc = "Name of its group."},         \
		{.name = "uid", .kind = FIELD_INT, .doc = "Number of its owner."},         \
		{.name = "gid", .kind = FIELD_INT, .doc = "Number of its group."},         \
	{                                                                                  \
		.name = "size", .kind = FIELD_INT, .doc = "Bytes."                         \
	}
/* What every type has that writes a text somebody gives: how it is written, for apply_content. */
#define WRITE_FIELDS                                                                             \
	{.name = "backup",                                                                       \
		.kind = FIELD_BOOL,                                                              \
		.dflt = "false",                                                                 \
		.flags = FIELD_ACTION,                                                           \
		.doc = "Leave a dated copy of the old file beside it."},                         \
	{                                                                                        \
		.name = "validate", .kind = FIELD_STR, .flags = FIELD_ACTION,                    \
		.doc = "Command that must accept the new file before it takes its place; %s is " \
		       "its path."                                                               \
	}
#define BACKUP_RESULT_FIELD                                     \
	{                                                       \
		.name = "backup_file", .kind = FIELD_PATH,      \
		.doc = "With backup: the copy of the old file." \
	}
/* What template shares with the type that it becomes, copy. */
#define COPY_FIELDS                                                                             \
	{.name = "force",                                                                       \
		.kind = FIELD_BOOL,                                                             \
		.dflt = "true",                                                                 \
		.doc = "false: only when there is no file yet."},                               \
		{.name = "follow",                                                              \
			.kind = FIELD_BOOL,                                                     \
			.dflt = "false",                                                        \
			.doc = "Write to what a link at dest leads to; otherwise a file takes " \
			       "the link's place."},                                            \
		WRITE_FIELDS
extern const struct field copy_returns[];
/* Trailing slashes off, "//" and "/./" made one "/". */
const char *clean_path(struct arena *a, const char *path);
bool path_is_root(const char *path); /* "/", "//", "/./", "/etc/..": by its text */

/* ---- trees ---- */
enum { TREE_DEPTH = 128, TREE_ENTRIES = 2 << 20 };
struct tree {
	/* name lies in the folder dirfd; st is its lstat. false with e: the walk ends. */
	bool (*visit)(void *ctx, int dirfd, const char *name, const struct stat *st, struct err *e);
	void *ctx;
	bool children_first; /* for removal */
	bool one_device;     /* a mount point below is an error */
};
/* Visits everything below the folder `path`, itself not. Never follows a link. */
bool tree_walk(const char *path, const struct tree *t, struct err *e);

/* A validate command must name its file with %s. */
bool check_validate(const struct value *params, struct errs *errs);
/* Bits of a mode text, octal or symbolic; symbolic is relative to `now`. */
bool mode_parse(const char *text, mode_t now, bool dir, mode_t *out);
/* Notes the change of a text file: `after` as text where it can be shown, else as a blob. */
void observe_content(struct host *h, struct observation *o, const struct str *before,
	struct str after, bool secret);
/* Writes what observe_content found (if it did), then sets owner, group and mode. Honours backup
 * and validate of params. */
bool apply_content(struct host *h, const char *path, const struct value *params,
	struct observation *o, struct err *e);
