/* SPDX-License-Identifier: MIT
 *
 * The table of actions that the controller itself performs: they do not touch the host.
 */
#include "site/control.h"
#include "site/listing.h"

static const struct field debug_fields[] = {
	{.name = "msg", .kind = FIELD_ANY, .doc = "Text to print."},
	{.name = "var", .kind = FIELD_ANY, .doc = "Variable or expression to print."},
	{.name = "verbosity",
		.kind = FIELD_INT,
		.dflt = "0",
		.doc = "Above 0: skipped; such tasks are for debugging."},
	{.name = NULL},
};
static const struct field assert_fields[] = {
	{.name = "that",
		.kind = FIELD_ANY,
		.flags = FIELD_REQUIRED,
		.doc = "Conditions that must hold."},
	{.name = "fail_msg",
		.kind = FIELD_ANY,
		.aliases = "msg",
		.doc = "Message if one does not hold."},
	{.name = "success_msg", .kind = FIELD_ANY, .doc = "Message if all hold."},
	{.name = "quiet", .kind = FIELD_BOOL, .dflt = "false", .doc = "Print nothing if all hold."},
	{.name = NULL},
};
static const struct field fail_fields[] = {
	{.name = "msg",
		.kind = FIELD_ANY,
		.dflt = "Failed as requested from task",
		.doc = "Message that explains the failure."},
	{.name = NULL},
};
static const struct field set_fact_fields[] = {
	{.name = "cacheable",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Accepted; nothing is cached."},
	{.name = NULL},
};
static const struct field meta_fields[] = {
	{.name = "action",
		.kind = FIELD_ENUM,
		.flags = FIELD_REQUIRED,
		.choices = "flush_handlers noop end_host end_play",
		.doc = "flush_handlers runs the notified handlers now; end_host and end_play end "
		       "the play for this host."},
	{.name = NULL},
};
static const struct field setup_fields[] = {
	{.name = "gather_subset",
		.kind = FIELD_ANY,
		.doc = "Accepted; all facts are always known."},
	{.name = "gather_timeout", .kind = FIELD_ANY, .doc = "Accepted."},
	{.name = "filter",
		.kind = FIELD_ANY,
		.doc = "Patterns of the facts in the registered result, as ansible_dist*."},
	{.name = "fact_path",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Folder of local facts."},
	{.name = NULL},
};
static const struct field include_vars_fields[] = {
	{.name = "file", .kind = FIELD_STR, .doc = "File of variables, in the role's vars folder."},
	{.name = "name", .kind = FIELD_STR, .doc = "Variable that gets them all as a map."},
	{.name = "dir", .kind = FIELD_STR, .flags = FIELD_LATER, .doc = "Folder of such files."},
	{.name = NULL},
};
static const struct field include_tasks_fields[] = {
	{.name = "file", .kind = FIELD_STR, .flags = FIELD_REQUIRED, .doc = "File of tasks."},
	{.name = "apply",
		.kind = FIELD_MAP,
		.doc = "Keywords for the tasks in it: tags, when, become."},
	{.name = NULL},
};
static const struct field import_tasks_fields[] = {
	{.name = "file", .kind = FIELD_STR, .flags = FIELD_REQUIRED, .doc = "File of tasks."},
	{.name = NULL},
};
#define ROLE_FIELDS                                                                 \
	{.name = "name",                                                            \
		.kind = FIELD_STR,                                                  \
		.flags = FIELD_REQUIRED,                                            \
		.aliases = "role",                                                  \
		.doc = "The role."},                                                \
		{.name = "tasks_from",                                              \
			.kind = FIELD_STR,                                          \
			.doc = "File in its tasks folder; default: main."},         \
		{.name = "vars_from",                                               \
			.kind = FIELD_STR,                                          \
			.doc = "File in its vars folder; default: main."},          \
		{.name = "defaults_from",                                           \
			.kind = FIELD_STR,                                          \
			.doc = "File in its defaults folder; default: main."},      \
		{.name = "handlers_from",                                           \
			.kind = FIELD_STR,                                          \
			.doc = "File in its handlers folder; default: main."},      \
		{.name = "allow_duplicates",                                        \
			.kind = FIELD_BOOL,                                         \
			.dflt = "true",                                             \
			.doc = "Only true is supported: the role runs each time."}, \
	{                                                                           \
		.name = "rolespec_validate", .kind = FIELD_BOOL, .dflt = "true",    \
		.doc = "Accepted."                                                  \
	}
static const struct field import_role_fields[] = {ROLE_FIELDS, {.name = NULL}};
static const struct field include_role_fields[] = {ROLE_FIELDS,
	{.name = "apply", .kind = FIELD_MAP, .doc = "Keywords for its tasks: tags, when, become."},
	{.name = "public",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Make its defaults and vars visible to later tasks."},
	{.name = NULL}};

static const struct control rows[] = {
	{"assert", CONTROL_ASSERT, NULL, false, assert_fields,
		"Fails unless every condition holds."},
	{"debug", CONTROL_DEBUG, NULL, false, debug_fields, "Prints a message or a value."},
	{"fail", CONTROL_FAIL, NULL, false, fail_fields, "Fails with a message."},
	{"gather_facts", CONTROL_SETUP, NULL, false, setup_fields,
		"Accepted; facts are always known."},
	{"import_role", CONTROL_IMPORT_ROLE, NULL, false, import_role_fields,
		"Includes a role when the site is loaded."},
	{"import_tasks", CONTROL_IMPORT_TASKS, "file", false, import_tasks_fields,
		"Includes a file of tasks when the site is loaded."},
	{"include_role", CONTROL_INCLUDE_ROLE, NULL, false, include_role_fields,
		"Includes a role when the task is reached."},
	{"include_tasks", CONTROL_INCLUDE_TASKS, "file", false, include_tasks_fields,
		"Includes a file of tasks when the task is reached."},
	{"include_vars", CONTROL_INCLUDE_VARS, "file", false, include_vars_fields,
		"Reads variables from a file."},
	{"meta", CONTROL_META, "action", false, meta_fields,
		"Controls the run: handlers, end of the play."},
	{"set_fact", CONTROL_SET_FACT, NULL, true, set_fact_fields, "Sets variables of the host."},
	{"setup", CONTROL_SETUP, NULL, false, setup_fields, "Accepted; facts are always known."},
};

const struct control control_validate = {.name = "validate arguments",
	.kind = CONTROL_VALIDATE,
	.doc = "Checks the arguments of a role."};

const struct control *control_row(size_t i)
{
	return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

const struct control *control_find(struct str name)
{
	name = builtin_name(name);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

/* Keywords about the result of one task, where there is no single result. Ansible refuses some of
 * them and ignores the others. */
void control_result_keywords(struct build *b, const struct task *t, const struct value *kw)
{
	static const char *const words[] = {"failed_when", "changed_when", "notify", "register"};
	bool import = t->control && (t->control->kind == CONTROL_IMPORT_TASKS ||
					    t->control->kind == CONTROL_IMPORT_ROLE);
	bool block = !t->type && !t->control;

	for (size_t i = 0; i < ARRAY_LEN(words) && (import || block || t->dynamic); i++) {
		const struct map_entry *e = map_entry(kw, str_c(words[i]));
		bool notify = !strcmp(words[i], "notify"), reg = !strcmp(words[i], "register");
		if (!e || (reg && !block) || (notify && !t->dynamic))
			continue;
		if (import)
			errs_warn(b->errs, e->key_pos,
				"%s has no effect here; put it on the tasks themselves", words[i]);
		else
			errs_add(b->errs, e->key_pos,
				"%s has no meaning here; put it on the tasks themselves", words[i]);
	}
}

bool site_action_row(size_t i, struct site_action *out)
{
	const struct control *c = control_row(i);
	if (c)
		*out = (struct site_action){c->name, c->doc, c->free_form, c->any_key, c->fields};
	return c != NULL;
}
