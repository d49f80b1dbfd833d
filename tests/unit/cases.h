/* SPDX-License-Identifier: MIT
 *
 * For tests that read their cases from tests/cases: each case is a test with a name of its own, and
 * texts that differ are shown as a unified diff. UPDATE=1 writes expected files anew.
 */
#pragma once
#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "plan/plan.h"

enum { CASES_MAX = 4000 };

static struct CMUnitTest case_tests[CASES_MAX];
static size_t case_count;
static struct arena *case_names; /* of the whole program, as are the cases */

static inline struct arena *cases_arena(void)
{
	if (!case_names)
		case_names = arena_new();
	return case_names;
}

/* A test with this name. tests/unit/run reads cmocka's report by words: a name is one. */
static inline void add_case(const char *name, CMUnitTestFunction test, void *state)
{
	char *word = arena_strdup(cases_arena(), name);
	if (case_count == CASES_MAX)
		panic("more than %d cases", CASES_MAX);
	for (char *p = word; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-./:", *p))
			*p = '_';
	case_tests[case_count++] =
		(struct CMUnitTest){.name = word, .test_func = test, .initial_state = state};
}

static inline int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Gives each entry of a folder whose name has this end to `take`, in the order of their names. */
static inline void each_entry(
	const char *folder, const char *end, void (*take)(const char *path, const char *name))
{
	struct dirent **entry;
	int n = scandir(folder, &entry, NULL, by_name), taken = 0;
	for (int i = 0; i < n; i++) {
		const char *name = arena_strdup(cases_arena(), entry[i]->d_name);
		if (name[0] != '.' && str_ends(str_c(name), end)) {
			take(path_join(cases_arena(), folder, name), name);
			taken++;
		}
		free(entry[i]);
	}
	free(n < 0 ? NULL : entry);
	if (!taken)
		panic("%s has no cases: run this from the root of the source", folder);
}

/* Runs what add_case was given. */
static inline int run_cases(const char *group)
{
	if (!case_count)
		panic("%s: no case was added", group);
	int failed = _cmocka_run_group_tests(group, case_tests, case_count, NULL, NULL);
	arena_free(case_names);
	return failed != 0;
}

/* Fails with a text of any length: cmocka cuts what it is given at once. */
static inline void fail_with(const char *text)
{
	enum { PIECE = 500 };
	for (size_t n = strlen(text), i = 0; i < n; i += PIECE)
		print_error("%.*s", PIECE, text + i);
	fail();
}

/* Fails with the difference when the texts are not the same. */
static inline void same_text(const char *what, struct str want, struct str got)
{
	if (str_eq(want, got))
		return;
	struct arena *a = arena_new();
	fail_with(arena_printf(
		a, "%s: - expected, + found\n%s", what, diff_text(a, what, want, got).p));
}

/* The same with a file, which UPDATE=1 writes anew. */
static inline void same_as_file(struct arena *a, const char *path, const struct buf *got)
{
	struct file_attr attr = {0644, (uid_t)-1, (gid_t)-1};
	struct str want;
	struct err e = {0};
	bool found;
	if (getenv("UPDATE")) {
		if (!file_replace(path, got->n ? got->p : "", got->n, attr, &e))
			fail_msg("%s", e.msg);
		return;
	}
	if (!file_read_opt(a, path, FILE_MAX, &want, &found, &e))
		fail_msg("%s", e.msg);
	if (!found)
		fail_msg("%s is missing; UPDATE=1 makes it", path);
	same_text(path, want, (struct str){got->n ? got->p : "", got->n});
}
