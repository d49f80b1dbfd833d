/* SPDX-License-Identifier: MIT
 *
 * provision doc: reference made from the tables of types, of actions, of plays, tasks and `mail:`,
 * and from the roles' own argument specifications.
 */
#include "command/command.h"
#include "site/listing.h"
#include "yaml/yaml.h"
#include "agent/restype.h"
#include "mail/mail.h"

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

/* Length of the first sentence, its full stop left out; a stop within a word, main.cf, ends none.
 */
static int sentence(const char *doc)
{
	int n = 0;
	while (doc[n] && doc[n] != '\n' && !(doc[n] == '.' && strchr(" \n", doc[n + 1])))
		n++;
	return n;
}

static void overview(struct buf *out)
{
	buf_adds(out, "Resource types (provision doc TYPE):\n");
	for (size_t i = 0; restypes[i]; i++) {
		const char *doc = restypes[i]->doc;
		buf_addf(out, "  %-20s %.*s\n", restypes[i]->name, sentence(doc), doc);
	}
	const char *actions[64] = {NULL};
	for (size_t i = 0; i + 1 < ARRAY_LEN(actions) && site_action_name(i); i++)
		actions[i] = site_action_name(i);
	list_words(out, "Actions, which touch no host (provision doc ACTION):", actions);
	buf_adds(out, "\nManifests:\n"
		      "  mail                 The whole schema of `mail:` with its defaults\n"
		      "  play, task           The keywords of a play and of a task\n");
	list_words(out, "Filters:", filter_names());
	list_words(out, "Tests:", test_names());
}

static void doc_mail(struct buf *out)
{
	buf_adds(out, "mail: the declared state of a mail server. It may stand in group_vars, "
		      "host_vars and the play;\nmappings merge key by key, the more specific "
		      "wins.\n\n");
	fields_doc(out, mail_fields, 2);
}

/* What a manifest is made of; false: `name` is nothing of that. */
static bool doc_manifest(struct buf *out, const char *name)
{
	if (!strcmp(name, "mail"))
		doc_mail(out);
	else if (!strcmp(name, "play"))
		fields_doc(out, site_play_fields(), 2);
	else if (!strcmp(name, "task"))
		fields_doc(out, site_task_fields(), 2);
	else
		return false;
	return true;
}

static void doc_option(struct buf *out, const struct map_entry *e)
{
	const struct value *o = e->value;
	struct arena *a = arena_new();
	const struct value *dflt = map_at(o, "default"), *doc = map_at(o, "description");
	buf_addf(out, "  " STR_FMT "  (%s%s", STR_ARG(e->key), map_cstr(o, "type", "str"),
		map_bool(o, "required", false) ? ", required" : "");
	if (dflt) {
		buf_adds(out, ", default ");
		json_write(out, dflt);
	}
	buf_adds(out, ")\n");
	if (doc) {
		struct str text = doc->type == VALUE_LIST && doc->list.n
					  ? value_print(a, doc->list.v[0])
					  : value_print(a, doc);
		buf_addf(out, "      " STR_FMT "\n", STR_ARG(text));
	}
	arena_free(a);
}

static bool doc_role(struct cli *c, struct buf *out, const char *name)
{
	struct err e = {0};
	struct str text;
	bool found;
	struct site *s = cli_site(c, NULL);
	const char *dir = s ? site_role_dir(s, c->a, name) : NULL;
	if (!dir)
		return false;
	const char *path = arena_printf(c->a, "%s/meta/argument_specs.yml", dir);
	buf_addf(out, "role %s (%s)\n", name, dir);
	if (!file_read_opt(c->a, path, FILE_MAX, &text, &found, &e) || !found) {
		buf_adds(out, "It has no meta/argument_specs.yml.\n");
		return true;
	}
	struct errs errs;
	errs_init(&errs, c->a);
	struct value *v = yaml_parse(c->a, path, text, &errs);
	const struct value *specs = v && v->type == VALUE_MAP ? map_at(v, "argument_specs") : NULL;
	const struct value *main_spec =
		specs && specs->type == VALUE_MAP ? map_at(specs, "main") : NULL;
	if (!main_spec || main_spec->type != VALUE_MAP)
		return true;
	buf_addf(out, "%s\n\n", map_cstr(main_spec, "short_description", ""));
	const struct value *options = map_at(main_spec, "options");
	for (size_t i = 0; options && options->type == VALUE_MAP && i < options->map.n; i++)
		if (options->map.e[i].value->type == VALUE_MAP)
			doc_option(out, &options->map.e[i]);
	return true;
}

static int run(struct cli *c)
{
	struct buf out;
	int code = EXIT_FINE;
	buf_init(&out, 1 << 24);
	const char *name = c->n_args ? c->args[0] : NULL;
	const struct restype *t = name ? restype_find(str_c(name)) : NULL;
	if (!name)
		overview(&out);
	else if (t)
		restype_doc(t, &out);
	else if (!site_action_doc(name, &out) && !doc_manifest(&out, name) &&
		 !doc_role(c, &out, name)) {
		const char *near = restype_nearest(str_c(name));
		cli_say("provision doc: no type, action or role '%s'", name);
		if (near)
			cli_say(" (did you mean '%s'?)", near);
		cli_say("\n");
		code = EXIT_BEFORE;
	}
	cli_print(&out);
	buf_free(&out);
	return code;
}

const struct command command_doc = {
	.name = "doc",
	.args = "[TYPE | ROLE]",
	.doc = "reference of a type, a role, or the whole of mail",
	.options = "roles-path",
	.run = run,
};
