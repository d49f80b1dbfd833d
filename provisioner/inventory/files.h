/* SPDX-License-Identifier: MIT
 *
 * The files of a run, each read and parsed once, and the content of folders.
 */
#pragma once
#include "jinja/jinja.h"

struct file {
	const char *path;
	struct str text;
	struct value *yaml; /* NULL: not parsed, or with problems */
	bool yaml_done;
	const struct template *tmpl;
	bool tmpl_done;
	struct err tmpl_err;
};
struct files {
	struct arena *a;
	struct file **v;
	size_t n, cap;
	struct value *index; /* path -> index in v; -1: the file does not exist */
};
/* The file, read once; NULL without an error when it does not exist. */
struct file *files_get(struct files *f, const char *path, struct err *e);
/* Its YAML; NULL when the file does not exist, or with problems in errs. */
struct value *files_yaml(struct files *f, const char *path, struct errs *errs);
/* The same for a file of variables: NULL too when it is empty. */
struct value *files_vars(struct files *f, const char *path, struct errs *errs);
bool is_dir(const char *path);
bool is_there(const char *path); /* does the path exist, of whatever kind? */
bool is_file(const char *path);
char *dir_join(struct arena *a, const char *dir, const char *name); /* without "." components */
/* Names in a folder, sorted, without hidden ones; none when it is not a folder. */
size_t dir_list(struct arena *a, const char *dir, const char ***out);
