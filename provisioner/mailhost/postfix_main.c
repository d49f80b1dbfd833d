/* SPDX-License-Identifier: MIT
 *
 * The type `postfix_main`: parameters of Postfix's main.cf, set in place (postconf(5)). Comments,
 * order and all other parameters stay as they are; never writes what Postfix refuses.
 */
#include "host/path.h"
#include "mailhost/postfix.h"
#include "mailhost/postfix_main.h"
#include "mailhost/types.h"

static const struct field postfix_main_fields[] = {
	{.name = "path", .kind = FIELD_PATH, .dflt = "/etc/postfix/main.cf", .doc = "The file."},
	{.name = "settings",
		.kind = FIELD_MAP,
		.flags = FIELD_REQUIRED,
		.doc = "Parameters and their values: text, number, true or false (yes or no), or "
		       "a list, which is joined by ', '. null removes a parameter, so that "
		       "Postfix's default applies."},
	{.name = "revocable",
		.kind = FIELD_LIST,
		.doc = "Names of settings that can be withdrawn. A comment in the file records "
		       "them: a recorded name that is no longer in settings is removed."},
	{.name = "backup",
		.kind = FIELD_BOOL,
		.flags = FIELD_ACTION,
		.dflt = "false",
		.doc = "Keep a copy of the old file beside it."},
	FILE_ATTR_FIELDS,
	{0},
};

static const struct field postfix_main_returns[] = {
	{.name = "path", .kind = FIELD_STR, .doc = "The file."},
	{0},
};

/* What the file has for one of the parameters in `settings`. */
struct setting {
	struct config_want want;
	const struct map_entry *entry;
	struct str value; /* to be written */
};

static bool name_valid(struct str name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-.";
	return name.n > 0 && strspn(name.p, allowed) == name.n;
}

static bool postfix_main_check(const struct value *params, struct errs *errs)
{
	const struct value *settings = map_at(params, "settings");
	bool ok = true;
	if (!settings || settings->type != VALUE_MAP)
		return true;
	for (size_t i = 0; i < settings->map.n; i++) {
		const struct map_entry *s = &settings->map.e[i];
		if (!name_valid(s->key))
			ok = errs_add(errs, s->key_pos, "'%s' is not a parameter name of Postfix",
				s->key.p);
		ok = config_value_check(s->key, s->value, errs) && ok;
	}
	return ok;
}

/* ---- editing ---- */

/* Splits "name = value"; an entry without "=" has only a name, and is left alone. */
static struct str entry_name(struct arena *a, const struct config *c, size_t i)
{
	struct line line = c->lines[c->entries[i].first];
	size_t n = 0;
	while (n < line.n && line.p[n] != '=')
		n++;
	return str_trim(a, str_dup(a, line.p, n));
}

static struct str entry_value(struct arena *a, const struct config *c, size_t i)
{
	struct str text = config_text(a, c, &c->entries[i]);
	const char *equals = strchr(text.p, '=');
	return str_trim(a, str_c(equals ? equals + 1 : ""));
}

static struct setting *setting_of(const struct config_edit *edit, struct str name)
{
	for (size_t i = 0; i < edit->n; i++) {
		struct setting *s = (struct setting *)edit->want[i];
		if (str_eq(s->entry->key, name))
			return s;
	}
	return NULL;
}

static void match_settings(struct arena *a, const struct config *c, struct config_edit *edit)
{
	for (size_t i = 0; i < c->n_entries; i++) {
		struct setting *s = setting_of(edit, entry_name(a, c, i));
		if (!s)
			continue;
		edit->of[i] = &s->want;
		s->want.count++;
		s->want.last = i;
	}
	for (size_t i = 0; i < edit->n; i++) {
		struct config_want *w = edit->want[i];
		const struct setting *s = (const struct setting *)w;
		if (w->remove || w->count != 1)
			w->differs = w->remove ? w->count > 0 : true;
		else
			w->differs = !str_eq(config_squeeze(a, entry_value(a, c, w->last)),
				config_squeeze(a, s->value));
	}
}

static void put_setting(struct buf *b, const struct config_want *w)
{
	const struct setting *s = (const struct setting *)w;
	buf_addf(b, "%s =%s%s\n", s->entry->key.p, s->value.n ? " " : "", s->value.p);
}

static struct str edit_settings(struct arena *a, struct str text, const struct value *settings)
{
	struct config c;
	struct config_edit edit = {.n = settings->map.n, .put = put_setting};
	config_parse(a, text, &c);
	edit.want = ARENA_ARRAY(a, struct config_want *, edit.n);
	edit.of = ARENA_ARRAY(a, struct config_want *, c.n_entries);
	for (size_t i = 0; i < edit.n; i++) {
		struct setting *s = ARENA_NEW(a, struct setting);
		s->entry = &settings->map.e[i];
		s->want.remove = s->entry->value->type == VALUE_NULL;
		s->value = s->want.remove ? str_c("") : config_value(a, s->entry->value, ", ");
		edit.want[i] = &s->want;
	}
	match_settings(a, &c, &edit);
	return config_rewrite(a, text, &c, &edit);
}

/* ---- what may be taken back ---- */
#define NOTE "# Taken out again when it is declared no more:"

static bool is_note(struct line line)
{
	return line.n >= sizeof(NOTE) - 1 && memcmp(line.p, NOTE, sizeof(NOTE) - 1) == 0;
}

/* The settings, and null for each recorded name that is not among them. */
static struct value *with_revoked(struct arena *a, struct str text, const struct value *settings)
{
	struct value *all = value_shallow(a, settings);
	struct line line;
	while (line_next(&text, &line)) {
		if (!is_note(line))
			continue;
		const char *p = str_dup(a, line.p, line.n).p + sizeof(NOTE) - 1;
		for (size_t n; *(p += strspn(p, " ")); p += n) {
			struct str name = str_dup(a, p, n = strcspn(p, " "));
			if (name_valid(name) && !map_get(all, name))
				map_set(a, all, name, value_null(a));
		}
	}
	return all;
}

static struct str note_of(
	struct arena *a, const struct value *settings, const struct value *revocable)
{
	struct buf b;
	buf_init(&b, FILE_MAX);
	for (size_t i = 0; i < revocable->list.n; i++) {
		const struct value *v = map_get(settings, revocable->list.v[i]->s);
		if (v && v->type != VALUE_NULL)
			buf_addf(&b, "%s %s", b.n ? "" : NOTE, revocable->list.v[i]->s.p);
	}
	if (b.n)
		buf_addc(&b, '\n');
	struct str out = buf_str(a, &b);
	buf_free(&b);
	return out;
}

/* The text with that comment replaced, or added at its end. */
static struct str put_note(struct arena *a, struct str text, struct str note)
{
	struct buf b;
	struct line line;
	buf_init(&b, FILE_MAX);
	while (line_next(&text, &line)) {
		if (is_note(line)) {
			buf_add(&b, note.p, note.n);
			note = str_c("");
			continue;
		}
		buf_add(&b, line.p, line.n);
		buf_addc(&b, '\n');
	}
	buf_add(&b, note.p, note.n);
	struct str out = buf_str(a, &b);
	buf_free(&b);
	return out;
}

struct str main_cf_edit(struct arena *a, struct str text, const struct value *settings,
	const struct value *revocable)
{
	struct str note, noted = {0}, rest = text;
	struct line line;
	if (!revocable)
		return edit_settings(a, text, settings);
	note = note_of(a, settings, revocable);
	while (line_next(&rest, &line))
		if (is_note(line))
			noted = str_printf(
				a, "%s%s\n", noted.n ? noted.p : "", str_dup(a, line.p, line.n).p);
	text = edit_settings(a, text, with_revoked(a, text, settings));
	return str_eq(noted.n ? noted : str_c(""), note) ? text : put_note(a, text, note);
}

/* ---- the verbs ---- */

static bool postfix_main_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	const struct value *settings = map_at(params, "settings");
	const struct value *revocable = map_at(params, "revocable");
	struct str text, after;
	bool found;
	observation_init(h, o);
	if (!path_read(h->a, path, FILE_MAX, &text, &found, e) ||
		(!found && !parent_there(h, path, e)))
		return false;
	after = main_cf_edit(h->a, found ? text : str_c(""), settings, revocable);
	if (!found && (h->pending & RES_PACKAGE))
		config_will_set(h, o, after, value_has_secret(settings));
	else if (!found || !str_eq(text, after))
		observe_content(h, o, found ? &text : NULL, after, value_has_secret(settings));
	map_put(h->a, o->result, "path", value_text(h->a, path));
	return attr_observe(h, path, config_attrs(h, params), o, e);
}

static bool postfix_main_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	const struct value *settings = map_at(params, "settings");
	struct str text;
	bool found;
	if (observed_change(o, "content")) {
		if (!path_read(h->a, path, FILE_MAX, &text, &found, e))
			return false;
		struct str after = main_cf_edit(
			h->a, found ? text : str_c(""), settings, map_at(params, "revocable"));
		if (!postfix_accepts(h, path_dir(h->a, path), "main.cf", after, settings, e))
			return false;
	}
	return apply_content(h, path, config_attrs(h, params), o, e) &&
	       (!observed_change(o, "content") || postfix_settle(path, e));
}

const struct restype restype_postfix_main = {
	.name = "postfix_main",
	.key = "path",
	.doc = "Parameters of Postfix's main.cf, set in place. All other parameters stay as they "
	       "are, comments included. A parameter that Postfix does not know is refused.",
	.example = "- name: Who may relay\n  postfix_main:\n    settings:\n"
		   "      smtpd_relay_restrictions: [permit_sasl_authenticated, reject]\n"
		   "      disable_vrfy_command: true\n      relayhost: null\n",
	.fields = postfix_main_fields,
	.returns = postfix_main_returns,
	.class = RES_FILE,
	.touches = RES_FILE | RES_COMMAND,
	.refuses = true,
	.check = postfix_main_check,
	.observe = postfix_main_observe,
	.apply = postfix_main_apply,
};
