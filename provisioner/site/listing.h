/* SPDX-License-Identifier: MIT
 *
 * Output of commands about a loaded site: lists, layers of a variable, reference text.
 */
#pragma once
#include "site/site.h"

void site_list_hosts(const struct site *s, struct page *out); /* of each play (--list-hosts) */
/* One line per task: name, role, tags (--list-tasks). */
void site_list_tasks(const struct site *s, struct page *out);
/* The resolved value of a variable, and to `out` every layer of it with file:line, lowest first. */
bool site_explain(
	const struct site *s, const char *host, const char *name, struct page *out, struct err *e);
struct site_action { /* one that the controller performs ("debug") */
	const char *name, *doc;
	const char *free_form; /* the parameter that a bare text is; NULL: none */
	bool any_key;          /* takes keys that no field names */
	const struct field *fields;
};
bool site_action_row(size_t i, struct site_action *out); /* false past the last */
struct site_lookup {                                     /* the reference of a lookup */
	const char *name, *doc;
	const char *example, *result; /* an expression, and its value as JSON */
};
const struct site_lookup *site_lookup_row(size_t i); /* NULL past the last */
