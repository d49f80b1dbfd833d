/* SPDX-License-Identifier: MIT
 *
 * provision doc: prints the reference, and that of roles from their argument specifications.
 */
#include "command/manual.h"
#include "agent/restype.h"
#include "jinja/callables.h"
#include "site/listing.h"
#include "yaml/yaml.h"

static const char commands_summary[] = "the commands with their options";

static void list_words(struct buf *out, const char *title, const char *const *words)
{
	size_t col = 0;
	buf_addf(out, "\n%s\n ", title);
	for (; *words; words++) {
		size_t n = strlen(*words) + 1;
		if (col + n > 88) {
			buf_adds(out, "\n ");
			col = 0;
		}
		buf_addf(out, " %s", *words);
		col += n;
	}
	buf_addc(out, '\n');
}

static void print_overview(struct arena *a, struct buf *out)
{
	buf_adds(out, "provision doc NAME prints the reference of one of these.\n\nResource types "
		      "(topic: types):\n");
	for (size_t i = 0; restypes[i]; i++) {
		const char *doc = restypes[i]->doc;
		buf_addf(out, "  %-20s %.*s\n", restypes[i]->name, first_sentence(doc), doc);
	}
	buf_adds(out, "\nTopics:\n");
	buf_addf(out, "  %-20s %s\n", "commands", commands_summary);
	for (size_t i = 0; reference_topic(i); i++)
		buf_addf(
			out, "  %-20s %s\n", reference_topic(i)->name, reference_topic(i)->summary);
	const char **actions = NULL, **lookups = NULL;
	size_t n = 0, cap = 0;
	struct site_action action;
	for (size_t i = 0; site_action_row(i, &action); i++)
		PUSH(a, actions, n, cap, action.name);
	PUSH(a, actions, n, cap, NULL);
	n = cap = 0;
	for (size_t i = 0; site_lookup_row(i); i++)
		PUSH(a, lookups, n, cap, site_lookup_row(i)->name);
	PUSH(a, lookups, n, cap, NULL);
	list_words(out, "Actions, which touch no host:", actions);
	list_words(out, "Filters:", callable_names(CALL_FILTERS));
	list_words(out, "Tests:", callable_names(CALL_TESTS));
	list_words(out, "Functions:", callable_names(CALL_FUNCTIONS));
	list_words(out, "Lookups:", lookups);
}

static void doc_option(struct form *f, const struct map_entry *e)
{
	const struct value *o = e->value;
	const struct value *dflt = map_at(o, "default"), *doc = map_at(o, "description");
	struct buf facts;
	buf_init(&facts, FILE_MAX);
	buf_addf(&facts, "%s%s", map_cstr(o, "type", "str"),
		map_bool(o, "required", false) ? ", required" : "");
	if (dflt) {
		buf_adds(&facts, ", default ");
		json_write(&facts, dflt);
	}
	form_item(f, e->key.p, facts.p);
	buf_free(&facts);
	if (!doc)
		return;
	bool list = doc->type == VALUE_LIST && doc->list.n;
	form_text(f, "%s", value_print(f->a, list ? doc->list.v[0] : doc).p);
}

/* Its `main` specification; NULL: it has none, and a message was printed. */
static const struct value *role_spec(struct form *f, const char *dir)
{
	struct err e = {0};
	struct str text;
	struct errs errs;
	bool found;
	const char *path = arena_printf(f->a, "%s/meta/argument_specs.yml", dir);
	if (!file_read_opt(f->a, path, FILE_MAX, &text, &found, &e) || !found) {
		form_text(f, "%s", e.kind ? e.msg : "It has no meta/argument_specs.yml.");
		return NULL;
	}
	errs_init(&errs, f->a);
	struct value *v = yaml_parse(f->a, path, text, &errs);
	const struct value *specs = v && v->type == VALUE_MAP ? map_at(v, "argument_specs") : NULL;
	const struct value *spec = specs && specs->type == VALUE_MAP ? map_at(specs, "main") : NULL;
	if (spec && spec->type == VALUE_MAP)
		return spec;
	form_text(f, "Its meta/argument_specs.yml has no mapping `argument_specs.main`.");
	return NULL;
}

static bool doc_role(struct cli *c, struct form *f, const char *name)
{
	struct site *s = cli_site(c, NULL);
	const char *dir = s ? site_role_dir(s, c->a, name) : NULL;
	if (!dir)
		return false;
	form_section(f, arena_printf(c->a, "role %s", name));
	form_text(f, "In %s.", dir);
	const struct value *spec = role_spec(f, dir);
	if (!spec)
		return true;
	form_text(f, "%s", map_cstr(spec, "short_description", ""));
	const struct value *options = map_at(spec, "options");
	form_list(f);
	for (size_t i = 0; options && options->type == VALUE_MAP && i < options->map.n; i++)
		if (options->map.e[i].value->type == VALUE_MAP)
			doc_option(f, &options->map.e[i]);
	form_list_end(f);
	return true;
}

/* The pages of `--man` and `--markdown`, one per line. */
static void list_pages(struct cli *c, struct buf *out)
{
	const char *name;
	if (c->man) {
		for (size_t i = 0; (name = manual_page_name(c->a, i)); i++)
			buf_addf(out, "%s\n", name);
		return;
	}
	buf_adds(out, "commands\n");
	for (size_t i = 0; reference_topic(i); i++)
		buf_addf(out, "%s\n", reference_topic(i)->name);
}

static bool commands_entry(struct form *f, const char *name)
{
	if (strcmp(name, "commands") == 0) {
		form_page(f, name, 1, commands_summary);
		manual_commands(f);
		return true;
	}
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0) {
			manual_command(f, commands[i]);
			return true;
		}
	return false;
}

static bool print_entry(struct cli *c, struct form *f, const char *name)
{
	if (c->man)
		return manual_page(f, name);
	bool command = commands_entry(f, name);
	return reference_entry(f, name) || command || doc_role(c, f, name);
}

static int refuse_unknown(struct cli *c, const char *name)
{
	const char *near = str_nearest(name, manual_names(c->a));
	if (c->man)
		cli_say("provision doc: no page '%s'; `provision doc --man` lists them\n", name);
	else if (near)
		cli_say("provision doc: nothing is called '%s' (did you mean '%s'?)\n", name, near);
	else
		cli_say("provision doc: nothing is called '%s'; `provision doc` lists what is\n",
			name);
	return EXIT_BEFORE;
}

static int run_doc(struct cli *c)
{
	struct buf out;
	int code = EXIT_FINE;
	if (c->n_args > 1 || (c->man && c->markdown)) {
		cli_say("usage: provision doc [NAME] [--markdown | --man]\n");
		return EXIT_BEFORE;
	}
	buf_init(&out, 1 << 24);
	struct form f = {.kind = c->man        ? FORM_MAN
				 : c->markdown ? FORM_MARKDOWN
					       : FORM_TEXT,
		.out = &out,
		.a = c->a};
	if (c->n_args && !print_entry(c, &f, c->args[0]))
		code = refuse_unknown(c, c->args[0]);
	else if (!c->n_args && f.kind != FORM_TEXT)
		list_pages(c, &out);
	else if (!c->n_args)
		print_overview(c->a, &out);
	cli_print(&out);
	buf_free(&out);
	return code;
}

const struct command command_doc = {
	.name = "doc",
	.args = "[NAME] [options]",
	.doc = "print the reference of types, filters, commands and roles",
	.about =
		"Prints the reference: of a resource type or an action, of a filter, a test, a "
		"function, a method or a lookup of the template language, of a command, of a role, "
		"or a whole topic such as mail or filters. If several things have the name, all "
		"are shown. Without a name it lists the names. The program checks its input by the "
		"same tables, so the reference is that of this version.",
	.example = "provision doc mail\n"
		   "provision doc copy\n"
		   "provision doc regex_replace\n"
		   "provision doc --markdown filters >filters.md\n"
		   "provision doc --man provision-plan.1 | man -l -\n",
	.options = "roles-path markdown man",
	.run = run_doc,
};
