/* SPDX-License-Identifier: MIT
 *
 * Floor 7.5: what there is to say of the mail state, of playbooks, resource types, actions and the
 * template language.
 */
#pragma once
#include "reference/form.h"

struct topic { /* a page of the reference */
	const char *name, *summary;
	void (*body)(struct form *f);
};
const struct topic *reference_topic(size_t i); /* NULL past the last */
/* All that bears this name: a topic, or each type, action, keyword table, filter, test, function,
 * lookup, method. False: nothing does. */
bool reference_entry(struct form *f, const char *name);
/* Everything that has an entry, NULL-terminated, each once. */
const char *const *reference_names(struct arena *a);
const char *const *reference_modules(struct arena *a); /* types and actions */
void reference_mail(struct form *f);                   /* the fields of mail */
void reference_playbook(struct form *f);               /* the keywords of plays and tasks */

/* modules.c */
void modules_topic_types(struct form *f);
void modules_topic_actions(struct form *f);
bool modules_entry(struct form *f, const char *name);
/* language.c */
void language_topic_filters(struct form *f);
void language_topic_tests(struct form *f);
void language_topic_functions(struct form *f);
void language_topic_methods(struct form *f);
void language_topic_lookups(struct form *f);
bool language_entry(struct form *f, const char *name);

/* schema.c: the JSON Schema of a manifest (draft-07), site.yml with mail. */
struct value *reference_schema(struct arena *a);
