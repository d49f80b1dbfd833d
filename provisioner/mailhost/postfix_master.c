/* SPDX-License-Identifier: MIT
 *
 * The type `postfix_master`: services of Postfix's master.cf, set in place (master(5)). Comments,
 * order and all other services stay as they are; never writes what Postfix refuses.
 */
#include "host/path.h"
#include "mailhost/postfix.h"
#include "mailhost/postfix_block.h"
#include "mailhost/postfix_master.h"
#include "mailhost/types.h"

enum { COLUMNS = 5 }; /* between the type and the command */
#define SHIPPED "/usr/share/postfix/master.cf.dist"

static const char *const columns[COLUMNS] = {
	"private", "unprivileged", "chroot", "wakeup", "maxproc"};

static const struct field master_service_fields[] = {
	{.name = "command",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "The program and its arguments: 'smtpd -v', or for pipe(8) 'pipe flags=… "
		       "user=… argv=…'."},
	{.name = "options",
		.kind = FIELD_MAP,
		.doc = "Parameters for this service only, each added as -o name=value. A list is "
		       "joined by ','; null leaves one out."},
	{.name = "private", .kind = FIELD_STR, .dflt = "-", .doc = "y, n or - (Postfix's y)."},
	{.name = "unprivileged",
		.kind = FIELD_STR,
		.aliases = "unpriv",
		.dflt = "-",
		.doc = "y, n or - (Postfix's y)."},
	{.name = "chroot", .kind = FIELD_STR, .dflt = "-", .doc = "y, n or - (Postfix's n)."},
	{.name = "wakeup",
		.kind = FIELD_STR,
		.dflt = "-",
		.doc = "Seconds, optionally followed by ?."},
	{.name = "maxproc",
		.kind = FIELD_STR,
		.aliases = "process_limit",
		.dflt = "-",
		.doc = "Maximum number of processes; 0: no limit."},
	{0},
};

static const struct field postfix_master_fields[] = {
	{.name = "path", .kind = FIELD_PATH, .dflt = "/etc/postfix/master.cf", .doc = "The file."},
	{.name = "services",
		.kind = FIELD_MAP,
		.flags = FIELD_REQUIRED,
		.doc = "Services by 'name/type', for instance 'submission/inet'. Each is a map of "
		       "command, options, private, unprivileged, chroot, wakeup and maxproc, or "
		       "null to remove it."},
	{.name = "complete",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Add the services that Postfix ships for its own use (cleanup, qmgr and "
		       "others), if neither the file nor services has them: Postfix does not work "
		       "without them."},
	{.name = "blocks",
		.kind = FIELD_MAP,
		.doc = "Name -> services in the syntax of master.cf, kept at the end of the file "
		       "between marker lines; null or an empty text removes the block. Of two "
		       "services with one name Postfix uses the last."},
	{.name = "unused",
		.kind = FIELD_STR,
		.doc = "Services in the syntax of master.cf to remove where the file has exactly "
		       "these lines and nothing uses them: neither main.cf, nor another service, "
		       "nor a table beside the file or named by main.cf."},
	{.name = "backup",
		.kind = FIELD_BOOL,
		.flags = FIELD_ACTION,
		.dflt = "false",
		.doc = "Keep a copy of the old file beside it."},
	FILE_ATTR_FIELDS,
	{0},
};

static const struct field postfix_master_returns[] = {
	{.name = "path", .kind = FIELD_STR, .doc = "The file."},
	{0},
};

/* A wanted service, and its entry in the file. */
struct service {
	struct config_want want;
	struct str name, type;
	const char *column[COLUMNS];
	struct args command; /* words; text in braces counts as one word */
};

/* ---- rules ---- */

/* "127.0.0.1:10025/inet": the type follows the last slash. */
static bool split_key(struct arena *a, struct str key, struct str *name, struct str *type)
{
	static const char *const types[] = {"inet", "unix", "unix-dgram", "fifo", "pass"};
	const char *slash = strrchr(key.p, '/');
	if (!slash || slash == key.p || key.p[strcspn(key.p, " \t\n#")])
		return false;
	*name = str_dup(a, key.p, (size_t)(slash - key.p));
	*type = str_c(slash + 1);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_is(*type, types[i]))
			return true;
	return false;
}

static const char *yes_no(const char *text)
{
	static const char *const words[][2] = {{"yes", "y"}, {"true", "y"}, {"True", "y"},
		{"on", "y"}, {"no", "n"}, {"false", "n"}, {"False", "n"}, {"off", "n"}};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(text, words[i][0]) == 0)
			return words[i][1];
	return text;
}

static bool column_valid(size_t column, const char *text)
{
	if (strcmp(text, "-") == 0)
		return true;
	if (column < 3)
		return strcmp(text, "y") == 0 || strcmp(text, "n") == 0;
	size_t digits = strspn(text, "0123456789");
	bool question = column == 3 && strcmp(text + digits, "?") == 0;
	return digits > 0 && digits < 10 && (text[digits] == 0 || question);
}

static bool check_options(const struct value *options, struct errs *errs)
{
	bool ok = true;
	for (size_t i = 0; i < options->map.n; i++) {
		const struct map_entry *o = &options->map.e[i];
		if (o->key.p[strcspn(o->key.p, " \t\n={}")] || o->key.n == 0)
			ok = errs_add(errs, o->key_pos, "'%s' is not a parameter name of Postfix",
				o->key.p);
		ok = config_value_check(o->key, o->value, errs) && ok;
	}
	return ok;
}

static bool check_service(const struct map_entry *s, struct errs *errs)
{
	struct str name, type;
	if (!split_key(errs->a, s->key, &name, &type))
		return errs_add(errs, s->key_pos,
			"'%s' is not the name of a service; write name/type, for instance "
			"'submission/inet' (types: inet, unix, unix-dgram, fifo, pass)",
			s->key.p);
	if (s->value->type == VALUE_NULL || s->value->type == VALUE_UNKNOWN)
		return true;
	const char *what = arena_printf(errs->a, "service '%s'", s->key.p);
	const struct value *v = fields_check(errs->a, master_service_fields, s->value, what, errs);
	if (!v)
		return false;
	bool ok = true;
	for (size_t i = 0; i < COLUMNS; i++) {
		const char *text = map_cstr(v, columns[i], "-");
		if (!column_valid(i, yes_no(text)))
			ok = errs_add(errs, s->value->pos, "%s: '%s' is not a valid value for %s",
				what, text, columns[i]);
	}
	const struct value *options = map_at(v, "options");
	if (options && options->type == VALUE_MAP)
		ok = check_options(options, errs) && ok;
	return ok;
}

static bool postfix_master_check(const struct value *params, struct errs *errs)
{
	const struct value *services = map_at(params, "services");
	bool ok = blocks_check(map_at(params, "blocks"), errs);
	if (!services || services->type != VALUE_MAP)
		return ok;
	for (size_t i = 0; i < services->map.n; i++)
		ok = check_service(&services->map.e[i], errs) && ok;
	return ok;
}

/* ---- words ---- */

/* Words separated by white space; "{ ... }" is one word, with its white space reduced to single
 * blanks. */
static void add_words(struct arena *a, struct args *out, struct str text)
{
	struct str s = config_squeeze(a, text);
	for (size_t i = 0; i < s.n;) {
		size_t start = i;
		int depth = 0;
		for (; i < s.n && (depth > 0 || s.p[i] != ' '); i++)
			depth += s.p[i] == '{' ? 1 : s.p[i] == '}' && depth ? -1 : 0;
		if (i > start)
			args_add(a, out, str_dup(a, s.p + start, i - start).p);
		i++;
	}
}

/* A value with white space must be in braces (master(5)). */
static void add_option(struct arena *a, struct args *out, const char *name, struct str value)
{
	args_add(a, out, "-o");
	if (value.p[strcspn(value.p, " \t")])
		args_addf(a, out, "{ %s = %s }", name, value.p);
	else
		args_addf(a, out, "%s=%s", name, value.p);
}

static struct service wanted_service(struct arena *a, const struct map_entry *entry)
{
	struct service s = {0};
	struct errs ignored;
	errs_init(&ignored, a);
	if (!split_key(a, entry->key, &s.name, &s.type))
		panic("postfix_master: unchecked service '%s'", entry->key.p);
	s.want.remove = entry->value->type == VALUE_NULL;
	if (s.want.remove)
		return s;
	const struct value *v =
		fields_check(a, master_service_fields, entry->value, "service", &ignored);
	if (!v)
		panic("postfix_master: unchecked service '%s'", entry->key.p);
	for (size_t i = 0; i < COLUMNS; i++)
		s.column[i] = yes_no(map_cstr(v, columns[i], "-"));
	add_words(a, &s.command, str_c(map_cstr(v, "command", "")));
	const struct value *options = map_at(v, "options");
	for (size_t i = 0; options && i < options->map.n; i++) {
		const struct map_entry *o = &options->map.e[i];
		if (o->value->type != VALUE_NULL)
			add_option(a, &s.command, o->key.p, config_value(a, o->value, ","));
	}
	return s;
}

/* ---- editing ---- */

/* Has the file's entry the same columns and words as the wanted service? */
static bool is_same(const struct args *words, const struct service *s)
{
	if (words->n != 2 + COLUMNS + s->command.n)
		return false;
	for (size_t i = 0; i < COLUMNS; i++)
		if (strcmp(words->v[2 + i], s->column[i]) != 0)
			return false;
	for (size_t i = 0; i < s->command.n; i++)
		if (strcmp(words->v[2 + COLUMNS + i], s->command.v[i]) != 0)
			return false;
	return true;
}

static void match_services(struct arena *a, const struct config *c, struct config_edit *edit)
{
	for (size_t i = 0; i < c->n_entries; i++) {
		struct args words = {0};
		add_words(a, &words, config_text(a, c, &c->entries[i]));
		for (size_t k = 0; words.n >= 2 && k < edit->n; k++) {
			struct config_want *w = edit->want[k];
			const struct service *s = (const struct service *)w;
			if (!str_is(s->name, words.v[0]) || !str_is(s->type, words.v[1]))
				continue;
			edit->of[i] = w;
			w->last = i;
			w->differs = w->remove || w->count++ > 0 || !is_same(&words, s);
		}
	}
	for (size_t k = 0; k < edit->n; k++)
		if (!edit->want[k]->remove && edit->want[k]->count == 0)
			edit->want[k]->differs = true;
}

static bool is_option(const char *word)
{
	return strcmp(word, "-o") == 0;
}

/* In the columns of the shipped file; each -o on a line of its own, other arguments together on one
 * line. */
static void put_service(struct buf *b, const struct config_want *w)
{
	const struct service *s = (const struct service *)w;
	buf_addf(b, "%-9s %-5s", s->name.p, s->type.p);
	for (size_t i = 0; i < COLUMNS; i++)
		buf_addf(b, " %-7s", s->column[i]);
	buf_addf(b, " %s\n", s->command.n ? s->command.v[0] : "");
	for (size_t i = 1; i < s->command.n;) {
		buf_addf(b, "  %s", s->command.v[i]);
		bool option = is_option(s->command.v[i++]);
		for (size_t k = 0; i < s->command.n && !is_option(s->command.v[i]); k++) {
			if (option && k == 1)
				break;
			buf_addf(b, " %s", s->command.v[i++]);
		}
		buf_addc(b, '\n');
	}
}

struct str master_cf_edit(struct arena *a, struct str text, const struct value *services)
{
	struct config c;
	struct config_edit edit = {.n = services->map.n, .put = put_service};
	config_parse(a, text, &c);
	edit.want = ARENA_ARRAY(a, struct config_want *, edit.n);
	edit.of = ARENA_ARRAY(a, struct config_want *, c.n_entries);
	for (size_t i = 0; i < edit.n; i++) {
		struct service *s = ARENA_NEW(a, struct service);
		*s = wanted_service(a, &services->map.e[i]);
		edit.want[i] = &s->want;
	}
	match_services(a, &c, &edit);
	return config_rewrite(a, text, &c, &edit);
}

/* ---- Postfix's own services ---- */

static bool has_service(struct arena *a, const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_entries; i++) {
		struct args words = {0};
		add_words(a, &words, config_text(a, c, &c->entries[i]));
		if (words.n && strcmp(words.v[0], name) == 0)
			return true;
	}
	return false;
}

/* Services that other parts of Postfix use without naming them: pickup, cleanup, qmgr, ... */
static bool is_inner(struct arena *a, const struct args *words, const struct value *services)
{
	return words->n > 2 + COLUMNS && strcmp(words->v[1], "inet") != 0 &&
	       strcmp(words->v[2 + COLUMNS], "pipe") != 0 &&
	       !map_at(services, arena_printf(a, "%s/%s", words->v[0], words->v[1]));
}

struct str master_cf_complete(struct arena *a, struct str text, struct str whole,
	struct str shipped, const struct value *services)
{
	struct config own, c;
	struct buf b;
	config_parse(a, whole, &own);
	config_parse(a, shipped, &c);
	buf_init(&b, FILE_MAX);
	buf_add(&b, text.p, text.n);
	for (size_t i = 0; i < c.n_entries; i++) {
		struct str entry = config_squeeze(a, config_text(a, &c, &c.entries[i]));
		struct args words = {0};
		add_words(a, &words, entry);
		if (!is_inner(a, &words, services) || has_service(a, &own, words.v[0]))
			continue;
		buf_addf(&b, "%s%s\n", b.n && b.p[b.n - 1] != '\n' ? "\n" : "", entry.p);
	}
	struct str out = b.n == text.n ? text : buf_str(a, &b);
	buf_free(&b);
	return out;
}

static bool complete_text(
	struct host *h, const struct value *params, struct str *text, struct err *e)
{
	struct str shipped;
	bool found;
	if (!map_bool(params, "complete", false))
		return true;
	if (!file_read_opt(h->a, SHIPPED, FILE_MAX, &shipped, &found, e))
		return false;
	struct str whole = blocks_put(h->a, *text, map_at(params, "blocks"));
	*text = master_cf_complete(h->a, *text, whole, shipped, map_at(params, "services"));
	return true;
}

/* ---- the verbs ---- */

static bool edit_services(struct host *h, const struct value *params, struct str *text, bool *found,
	struct str *after, struct err *e)
{
	struct errs problems;
	const char *path = map_cstr(params, "path", "");
	errs_init(&problems, h->a);
	if (!postfix_master_check(params, &problems)) { /* values that were unknown before */
		*e = problems.v[0];
		return false;
	}
	if (!path_read(h->a, path, FILE_MAX, text, found, e) ||
		(!*found && !parent_there(h, path, e)))
		return false;
	const struct value *blocks = map_at(params, "blocks");
	*after = blocks_cut(h->a, *found ? *text : str_c(""), blocks);
	if (!complete_text(h, params, after, e))
		return false;
	*after = master_cf_edit(h->a, *after, map_at(params, "services"));
	const struct value *unused = map_at(params, "unused");
	if (unused && !master_cf_cut(h, path_dir(h->a, path), after,
			      blocks_put(h->a, *after, blocks), unused->s, e))
		return false;
	*after = blocks_put(h->a, *after, blocks);
	return true;
}

static bool postfix_master_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	struct str text, after;
	bool found;
	observation_init(h, o);
	if (!edit_services(h, params, &text, &found, &after, e))
		return false;
	if (!found && (h->pending & RES_PACKAGE))
		config_will_set(h, o, after, value_has_secret(params));
	else if (!found || !str_eq(text, after))
		observe_content(h, o, found ? &text : NULL, after, value_has_secret(params));
	map_put(h->a, o->result, "path", value_text(h->a, path));
	return attr_observe(h, path, config_attrs(h, params), o, e);
}

static bool postfix_master_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	struct str text, after;
	bool found;
	if (observed_change(o, "content")) {
		if (!edit_services(h, params, &text, &found, &after, e) ||
			!postfix_accepts(h, path_dir(h->a, path), "master.cf", after, NULL, e))
			return false;
	}
	return apply_content(h, path, config_attrs(h, params), o, e) &&
	       (!observed_change(o, "content") || postfix_settle(path, e));
}

const struct restype restype_postfix_master = {
	.name = "postfix_master",
	.key = "path",
	.doc = "Services of Postfix's master.cf, set in place. All other services stay as they "
	       "are, comments included.",
	.example = "- name: Submission\n  postfix_master:\n    services:\n"
		   "      submission/inet:\n        private: n\n        chroot: y\n"
		   "        command: smtpd\n        options:\n"
		   "          syslog_name: postfix/submission\n"
		   "          smtpd_tls_security_level: encrypt\n",
	.fields = postfix_master_fields,
	.returns = postfix_master_returns,
	.class = RES_FILE,
	.touches = RES_FILE | RES_COMMAND,
	.refuses = true,
	.check = postfix_master_check,
	.observe = postfix_master_observe,
	.apply = postfix_master_apply,
};
