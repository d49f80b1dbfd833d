/* SPDX-License-Identifier: MIT
 *
 * What the tests of the site floor share: where a case lies, and its options.
 */
#pragma once
#include <limits.h>
#include <unistd.h>
#include "cases.h"
#include "site/site.h"
#include "printed.h"

static char root[PATH_MAX]; /* where the tests were started */
static struct arena *run;   /* of the whole program: sources are remembered by name */

struct options {
	struct site_options site;
	const char *inventories[8], *extra[8];
	size_t n_inventories, n_extra;
	const char *explain, *vars, *match, *connection;
	bool run;
	bool together; /* the hosts go through each play side by side, as in a run */
};

/* ---- a case's options: "name: value" lines ---- */
static inline void read_option(struct options *o, const char *key, const char *value)
{
	if (strcmp(key, "inventory") == 0 && o->n_inventories < 7)
		o->inventories[o->n_inventories++] = value;
	else if (strcmp(key, "extra") == 0 && o->n_extra < 7)
		o->extra[o->n_extra++] = value;
	else if (strcmp(key, "limit") == 0)
		o->site.limit = value;
	else if (strcmp(key, "tags") == 0)
		o->site.tags = value;
	else if (strcmp(key, "skip_tags") == 0)
		o->site.skip_tags = value;
	else if (strcmp(key, "explain") == 0)
		o->explain = value;
	else if (strcmp(key, "vars") == 0)
		o->vars = value;
	else if (strcmp(key, "connection") == 0)
		o->connection = value;
	else if (strcmp(key, "user") == 0)
		o->site.remote_user = value;
	else if (strcmp(key, "match") == 0)
		o->match = value;
	else if (strcmp(key, "mode") == 0)
		o->run = strcmp(value, "run") == 0;
	else if (strcmp(key, "together") == 0)
		o->together = strcmp(value, "yes") == 0;
	else
		fail_msg("unknown option '%s'", key);
}

static inline void read_options(struct arena *a, struct options *o)
{
	struct str text;
	struct err e = {0};
	bool found;
	char *line, *next, *colon;
	memset(o, 0, sizeof(*o));
	o->site.manifest = access("site.yml", R_OK) == 0 ? "site.yml" : NULL;
	assert_true(file_read_opt(a, "options", 1 << 16, &text, &found, &e));
	line = found ? arena_strdup(a, text.p) : NULL;
	for (; line && *line; line = next) {
		next = strchr(line, '\n');
		next = next ? (*next = 0, next + 1) : line + strlen(line);
		colon = strstr(line, ": ");
		if (!colon)
			continue;
		*colon = 0;
		read_option(o, line, colon + 2);
	}
	o->site.inventories = o->inventories;
	o->site.extra_vars = o->extra;
}

/* Runs the cases that were added. */
static inline int run_site_cases(const char *group)
{
	int failed;
	assert_non_null(getcwd(root, sizeof(root)));
	run = arena_new();
	failed = run_cases(group);
	arena_free(run);
	return failed;
}
