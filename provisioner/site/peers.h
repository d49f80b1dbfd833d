/* SPDX-License-Identifier: MIT
 *
 * What hosts know of one another, and the order of places in the plays that determines it.
 */
#pragma once
#include "site/vars.h"

/* A place in the walk through the plays, comparable between hosts: the ids of the dynamic includes
 * and flushes that contain the task, and its own. */
struct place {
	size_t play;
	const uint32_t *id;
	size_t n;
};
int place_order(const struct place *a, const struct place *b); /* <0, 0, >0 */
void peer_resolver(struct resolver *r);                        /* it runs a play now */
void peer_moved(struct resolver *r);                           /* something about it became known */
/* A name that a task at that place has set; a later value with the same place and
 * name replaces it. */
void peer_note(struct resolver *r, const struct place *at, const char *name, struct value *value,
	bool included);
/* The hosts of a list that still run the play at this task, as in Ansible; UNKNOWN while that is
 * not known. */
struct value *peers_left(struct vars *v, struct value *hosts);
bool peer_facts(const struct site *s, const struct value *map); /* is it some host's facts? */
/* ---- sets.c ---- */
/* The names that the tasks below may set; false: others, too. */
bool task_sets(struct arena *a, const struct task *t, struct value *names);
/* A later task may set them: until then they are unknown. */
void set_unknown(struct resolver *r, struct task *t, const struct value *why);

/* ---- vars and hostvars, as lang.h has `part` and `parts` ---- */
struct value *vars_part(void *ctx, struct str path, struct str key, struct str *deeper);
const char *const *vars_parts(void *ctx, struct str path);
struct value *peer_var(struct vars *v, struct invhost *h, struct str name);
