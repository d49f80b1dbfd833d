/* SPDX-License-Identifier: MIT
 *
 * Reads files of cases: a case begins with "=== name" and has sections, each begun by "--- kind".
 * What stands before the first case is for people. Each case is a test of its own.
 */
#pragma once
#include "cases.h"

enum { SECTIONS_MAX = 8 };

struct section {
	struct str kind, text;
};
struct test_case {
	const char *file, *name;
	struct section section[SECTIONS_MAX];
	size_t n;
};

static struct test_case cases[CASES_MAX];
static size_t read_count;
static CMUnitTestFunction case_runner;

static const struct str *find_section(const struct test_case *t, const char *kind)
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
	t->section[t->n - 1].text =
		str_dup(cases_arena(), from, n && from[n - 1] == '\n' ? n - 1 : n);
}

static void read_cases(const char *path, const char *name)
{
	struct arena *all = cases_arena();
	struct err e = {0};
	struct str text;
	struct test_case *t = NULL;
	const char *from = NULL, *end;
	(void)name;
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
			if (read_count == CASES_MAX)
				panic("more than %d cases", CASES_MAX);
			t = &cases[read_count++];
			*t = (struct test_case){.file = path, .name = rest.p};
			add_case(t->name, case_runner, t);
		} else {
			if (t->n == SECTIONS_MAX)
				panic("%s: %s: too many sections", path, t->name);
			t->section[t->n++].kind = rest;
			from = *end ? end + 1 : end;
		}
	}
	end_section(t, from, text.p + text.n);
}

/* Each case of the folder's files becomes a test: `run_case`, with the case as its state. */
static void read_folder(const char *folder, CMUnitTestFunction run_case)
{
	case_runner = run_case;
	each_entry(folder, ".case", read_cases);
}
