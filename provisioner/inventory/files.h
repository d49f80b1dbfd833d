/* SPDX-License-Identifier: MIT
 *
 * The files of a run, each read and parsed once, and what stands in a folder.
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
	struct value *index; /* path -> number in v; -1: there is no such file */
};
/* The file, read once; NULL and no error when there is none. */
struct file *files_get(struct files *f, const char *path, struct err *e);
/* Its YAML; NULL when there is no such file, or with problems in errs. */
struct value *files_yaml(struct files *f, const char *path, struct errs *errs);
/* The same of a file of variables: NULL too when it is empty. */
struct value *files_vars(struct files *f, const char *path, struct errs *errs);
bool is_dir(const char *path);
bool is_there(const char *path); /* whatever it is: who reads it says so */
bool is_file(const char *path);
char *dir_join(struct arena *a, const char *dir, const char *name); /* "." leaves no trace */
/* Names in a folder, sorted, without hidden ones; none when it is no folder. */
size_t dir_list(struct arena *a, const char *dir, const char ***out);
