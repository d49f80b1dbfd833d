/* SPDX-License-Identifier: MIT
 *
 * Files and roles that include themselves, reported in b->errs; true where one does.
 */
#pragma once
#include "site/task.h"

enum { IMPORT_DEPTH = 40 };

/* Circles, told in b->errs: of files, of roles, of what roles depend on. */
bool import_circle(struct build *b, const struct task *t, const char *path, struct pos pos);
bool role_circle(struct build *b, const struct role *r, const char *tasks, struct pos pos);
bool dependency_circle(struct build *b, struct str name, const char *path, struct pos pos);
