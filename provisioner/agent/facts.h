/* SPDX-License-Identifier: MIT
 *
 * Private to agent/: the parts of facts_gather. Each only reads files and adds to `facts`; a fact
 * that the host does not provide is left out.
 */
#pragma once
#include "agent/agent.h"

void facts_os(struct arena *a, struct value *facts);       /* names, distribution, services */
void facts_hardware(struct arena *a, struct value *facts); /* memory, processors, mounts */
void facts_network(struct arena *a, struct value *facts);
void facts_time(struct arena *a, struct value *facts);

/* Adds a text that is never evaluated as a template; NULL adds nothing. */
void fact_text(struct arena *a, struct value *map, const char *key, const char *text);
void fact_int(struct arena *a, struct value *map, const char *key, int64_t i);
void fact_item(struct arena *a, struct value *list, const char *text);
/* The content of a small file; "" if it cannot be read. */
struct str fact_file(struct arena *a, const char *path);
/* The next line from *at, without its newline; false at the end. */
bool fact_line(struct arena *a, struct str text, size_t *at, struct str *line);
const char *fact_word(struct arena *a, const char **at); /* the next word of the line; NULL: none */
