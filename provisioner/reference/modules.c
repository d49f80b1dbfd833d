/* SPDX-License-Identifier: MIT
 *
 * The reference of what a task can be: resource types, and the actions of the controller.
 */
#include "reference/reference.h"
#include "agent/restype.h"
#include "site/listing.h"

/* Names of a row as words of a sentence: "a b" becomes `a`, `b`. */
static void add_names(struct form *f, const char *lead, const char *words)
{
	struct buf b;
	buf_init(&b, 1 << 16);
	buf_addf(&b, "%s `", lead);
	for (const char *w = words; *w; w++) {
		if (*w == ' ')
			buf_adds(&b, "`, `");
		else
			buf_addc(&b, *w);
	}
	buf_adds(&b, "`");
	form_text(f, "%s", b.p);
	buf_free(&b);
}

static void write_type(struct form *f, const struct restype *t)
{
	form_section(f, t->name);
	form_text(f, "%s", t->doc);
	if (t->aliases)
		add_names(f, "Also written:", t->aliases);
	if (t->full_names)
		add_names(f, "In full:", t->full_names);
	if (t->probe)
		form_text(f, "Only reads; its result is known when the plan is made.");
	form_text(f, "Parameters:");
	form_fields(f, t->fields);
	if (t->returns && t->returns[0].name) {
		form_text(f, "Result, for register:");
		form_fields(f, t->returns);
	}
	if (t->example) {
		form_text(f, "Example:");
		form_code(f, "yaml", t->example);
	}
}

void modules_topic_types(struct form *f)
{
	form_text(f,
		"A task names one of them; each looks at the host, says what would change, and "
		"changes exactly that.");
	for (size_t i = 0; restypes[i]; i++)
		write_type(f, restypes[i]);
}

static void write_action(struct form *f, const struct site_action *a)
{
	form_section(f, a->name);
	form_text(f, "%s Done by the controller; touches no host.", a->doc);
	if (!a->fields->name)
		return;
	form_text(f, "Parameters:");
	form_fields(f, a->fields);
}

void modules_topic_actions(struct form *f)
{
	struct site_action a;
	form_text(f, "Tasks that the controller does itself.");
	for (size_t i = 0; site_action_row(i, &a); i++)
		write_action(f, &a);
}

bool modules_entry(struct form *f, const char *name)
{
	const struct restype *t = restype_find(str_c(name));
	struct site_action a;
	bool found = t != NULL;
	if (t)
		write_type(f, t);
	for (size_t i = 0; site_action_row(i, &a); i++) {
		if (!str_is(builtin_name(str_c(name)), a.name))
			continue;
		write_action(f, &a);
		found = true;
	}
	return found;
}
