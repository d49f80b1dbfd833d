/* SPDX-License-Identifier: MIT
 *
 * The pages of the reference, and what is found in them by its name.
 */
#include "reference/reference.h"
#include "agent/restype.h"
#include "jinja/callables.h"
#include "mail/mail.h"
#include "site/listing.h"

/* A key with its example. In Markdown it is a heading, which others can link to. */
static void mail_key(struct form *f, const struct field *key)
{
	const char *example = mail_example(key->name);
	if (f->kind == FORM_MARKDOWN) {
		form_section(f, key->name);
		form_list(f);
	}
	form_field(f, key);
	if (f->kind == FORM_MARKDOWN)
		form_list_end(f);
	if (!example)
		return;
	if (f->kind == FORM_TEXT)
		form_text(f, "Example: %s", example);
	else if (f->kind == FORM_MAN)
		form_text(f, "Example: %s: %s", key->name, example);
	else
		form_code(f, "yaml", arena_printf(f->a, "%s: %s\n", key->name, example));
}

void reference_mail(struct form *f)
{
	form_text(f,
		"The declared state of a mail server. It may stand in group_vars, host_vars and "
		"the play; mappings merge key by key, the more specific wins.");
	if (f->kind != FORM_MARKDOWN)
		form_list(f);
	for (const struct field *one = mail_fields; one->name; one++)
		mail_key(f, one);
	if (f->kind != FORM_MARKDOWN)
		form_list_end(f);
}

static const struct keywords {
	const char *name, *doc;
	const struct field *(*fields)(void);
} keywords[] = {
	{"play", "Keywords of a play.", site_play_fields},
	{"task",
		"Keywords of a task, a block or a handler. Beside them stands its module: a "
		"resource type or an action.",
		site_task_fields},
};

static void write_keywords(struct form *f, const struct keywords *k)
{
	form_section(f, k->name);
	form_text(f, "%s", k->doc);
	form_fields(f, k->fields());
}

void reference_playbook(struct form *f)
{
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		write_keywords(f, &keywords[i]);
}

static const struct topic topics[] = {
	{"mail", "every key of the declared mail state, with its default", reference_mail},
	{"playbook", "the keywords of plays and tasks", reference_playbook},
	{"types", "the resource types, with parameters, results and examples", modules_topic_types},
	{"actions", "the actions of the controller, with their parameters", modules_topic_actions},
	{"filters", "the filters of the template language", language_topic_filters},
	{"tests", "the tests of the template language", language_topic_tests},
	{"functions", "the functions of the template language", language_topic_functions},
	{"methods", "the methods of texts, lists and mappings", language_topic_methods},
	{"lookups", "the lookups of the template language", language_topic_lookups},
};

const struct topic *reference_topic(size_t i)
{
	return i < ARRAY_LEN(topics) ? &topics[i] : NULL;
}

static bool keywords_entry(struct form *f, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (strcmp(keywords[i].name, name) == 0) {
			write_keywords(f, &keywords[i]);
			return true;
		}
	return false;
}

bool reference_entry(struct form *f, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(topics); i++)
		if (strcmp(topics[i].name, name) == 0) {
			form_page(f, name, 5, topics[i].summary);
			topics[i].body(f);
			return true;
		}
	bool found = keywords_entry(f, name);
	found = modules_entry(f, name) || found;
	return language_entry(f, name) || found;
}

const char *const *reference_modules(struct arena *a)
{
	const char **names = NULL;
	size_t n = 0, cap = 0;
	struct site_action action;
	for (size_t i = 0; restypes[i]; i++)
		PUSH(a, names, n, cap, restypes[i]->name);
	for (size_t i = 0; site_action_row(i, &action); i++)
		PUSH(a, names, n, cap, action.name);
	PUSH(a, names, n, cap, NULL);
	return names;
}

static void add_name(struct arena *a, struct value *seen, const char *name)
{
	if (!map_at(seen, name))
		map_put(a, seen, name, value_null(a));
}

const char *const *reference_names(struct arena *a)
{
	struct value *seen = value_map(a);
	for (size_t i = 0; i < ARRAY_LEN(topics); i++)
		add_name(a, seen, topics[i].name);
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		add_name(a, seen, keywords[i].name);
	const char *const *modules = reference_modules(a);
	for (size_t i = 0; modules[i]; i++)
		add_name(a, seen, modules[i]);
	for (enum callables kind = 0; kind < CALL_KINDS; kind++)
		for (const struct callable *const *c = callables(kind); *c; c++)
			add_name(a, seen, (*c)->name);
	for (size_t i = 0; site_lookup_row(i); i++)
		add_name(a, seen, site_lookup_row(i)->name);
	const char **names = ARENA_ARRAY(a, const char *, seen->map.n + 1);
	for (size_t i = 0; i < seen->map.n; i++)
		names[i] = seen->map.e[i].key.p;
	return names;
}
