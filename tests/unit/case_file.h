/* SPDX-License-Identifier: MIT
 *
 * Reads files of cases: a case begins with "=== name" and has sections, each begun by "--- kind".
 * What stands before the first case is for people. Each case is a test of its own.
 */
#pragma once
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "value/value.h"

enum { SECTIONS_MAX = 8, CASES_MAX = 4000 };

struct section {
	struct str kind, text;
};
struct test_case {
	const char *file, *name;
	struct section section[SECTIONS_MAX];
	size_t n;
};

static struct arena *all;
static struct test_case cases[CASES_MAX];
static struct CMUnitTest tests[CASES_MAX];
static size_t case_count;

static const struct str *section(const struct test_case *t, const char *kind)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_is(t->section[i].kind, kind))
			return &t->section[i].text;
	return NULL;
}

static void end_section(struct test_case *t, const char *from, const char *to)
{
	if (!t || !t->n || !from)
		return;
	size_t n = (size_t)(to - from);
	t->section[t->n - 1].text = str_dup(all, from, n && from[n - 1] == '\n' ? n - 1 : n);
}

static void read_cases(const char *path)
{
	struct err e = {0};
	struct str text;
	struct test_case *t = NULL;
	const char *from = NULL, *end;
	if (!file_read(all, path, FILE_MAX, &text, &e)) {
		print_error("%s\n", e.msg);
		exit(1);
	}
	for (const char *p = text.p; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, '\n');
		bool head = strncmp(p, "=== ", 4) == 0, part = strncmp(p, "--- ", 4) == 0;
		if (!head && !(part && t))
			continue;
		end_section(t, from, p);
		from = NULL;
		struct str rest = str_dup(all, p + 4, (size_t)(end - p - 4));
		if (head) {
			if (case_count == CASES_MAX)
				panic("more than %d cases", CASES_MAX);
			t = &cases[case_count++];
			*t = (struct test_case){.file = path, .name = rest.p};
		} else {
			if (t->n == SECTIONS_MAX)
				panic("%s: %s: too many sections", path, t->name);
			t->section[t->n++].kind = rest;
			from = *end ? end + 1 : end;
		}
	}
	end_section(t, from, text.p + text.n);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* cmocka's report is read by words: a name is one. */
static const char *one_word(const char *name)
{
	char *s = arena_strdup(all, name);
	for (char *p = s; *p; p++)
		if (*p == ' ' || *p == ',')
			*p = '_';
	return s;
}

static void read_folder(const char *folder)
{
	struct dirent **entry;
	int n = scandir(folder, &entry, NULL, by_name);
	for (int i = 0; i < n; i++) {
		if (str_ends(str_c(entry[i]->d_name), ".case"))
			read_cases(path_join(all, folder, entry[i]->d_name));
		free(entry[i]);
	}
	free(n < 0 ? NULL : entry);
}

static int run_all(const char *group, CMUnitTestFunction run_case)
{
	for (size_t i = 0; i < case_count; i++)
		tests[i] = (struct CMUnitTest){
			one_word(cases[i].name), run_case, NULL, NULL, &cases[i]};
	if (!case_count) {
		print_error("no cases found: run this from the root of the source\n");
		return 1;
	}
	return _cmocka_run_group_tests(group, tests, case_count, NULL, NULL);
}
