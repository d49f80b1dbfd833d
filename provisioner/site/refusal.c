/* SPDX-License-Identifier: MIT
 *
 * Compares each key and value with the words of a refusal. A match that is less exact than the best
 * one so far is dropped.
 */
#include <ctype.h>
#include "site/refusal.h"

/* How exact a match is. */
enum exactness {
	NOTHING,
	HAS_WORD,       /* of a longer value: a word that the program quotes or ends with */
	HAS_VALUE,      /* an unusual value that it ends with */
	HAS_QUOTED,     /* a value that it quotes, or that is in a line that it names */
	HAS_KEY,        /* it names the setting */
	HAS_BOTH,       /* it names the setting and the value, or a line that sets it */
	HAS_LINE,       /* it names the line that sets this setting to this value */
	OF_DAEMON = 16, /* added for settings of the program itself */
};
enum { DEPTH_MAX = 16, UNUSUAL_MIN = 4, LINES_MAX = 2000 };

/* One key or item; its settings are those of a program, in its own words. */
struct where {
	const char *name;
	struct str key;
	struct pos pos;
	bool secret, settings, own;
	int depth;
};

/* ---- words ---- */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || (c & 0x80);
}

/* The next occurrence that is no part of a longer word or path. */
static const char *next_word(const char *text, const char *from, struct str word)
{
	const char *p = word.n ? strstr(from, word.p) : NULL;
	for (; p; p = strstr(p + 1, word.p)) {
		char before = p > text ? p[-1] : ' ', after = p[word.n];
		if (is_word(before) || strchr("/.@", before) || is_word(after) ||
			(after && strchr("/@", after)) || (after == '.' && is_word(p[word.n + 1])))
			continue;
		return p;
	}
	return NULL;
}

static bool is_quoted(const char *text, const char *p, size_t n)
{
	return p > text && (p[-1] == '"' || p[-1] == '\'') && p[n] == p[-1];
}

/* "bad time value: 5 parsecs": the words end with what is wrong. */
static bool ends_words(const char *text, const char *p, size_t n)
{
	return p - text >= 2 && memcmp(p - 2, ": ", 2) == 0 && (!p[n] || strchr(";.\n", p[n]));
}

static bool is_unusual(struct str s)
{
	size_t digits = strspn(s.p, "0123456789"), small = 0;
	for (size_t i = 1; i < s.n; i++)
		small += islower((unsigned char)s.p[i]) != 0;
	return s.n >= UNUSUAL_MIN && digits < s.n && small + 1 < s.n;
}

static bool is_number(struct str s)
{
	return s.n && strspn(s.p, "-0123456789.") == s.n;
}

/* Words that every program uses; and too short ones. */
static bool is_common(struct str s)
{
	static const char words[] = "yes no on off true false none null all any auto default may "
				    "error warning fatal";
	return s.n < 2 || word_in(words, s) || (is_number(s) && s.n < 3);
}

/* "in option timeout", "Unknown setting: foo", "ssl_key setting". */
static bool is_named(const char *text, const char *p, size_t n)
{
	static const char *const nouns[] = {
		"option", "setting", "parameter", "directive", "keyword", "symbol"};
	const char *end = p;
	end -= end > text && end[-1] == ' ';
	end -= end > text && end[-1] == ':';
	for (size_t i = 0; i < ARRAY_LEN(nouns); i++) {
		size_t len = strlen(nouns[i]);
		if (end < p && (size_t)(end - text) >= len && !memcmp(end - len, nouns[i], len))
			return true;
		if (p[n] == ' ' && !strncmp(p + n + 1, nouns[i], len) && !is_word(p[n + 1 + len]))
			return true;
	}
	return false;
}

static bool names_key(const char *text, struct str key)
{
	for (const char *p = text; (p = next_word(text, p, key)); p++)
		if (is_unusual(key) || is_quoted(text, p, key.n) || is_named(text, p, key.n))
			return true;
	return false;
}

/* Does a line set this key: "key = value", "key value", "\"key\": value"? */
static const char *after_key(const char *line, struct str key)
{
	line += strspn(line, " \t\"'");
	if (!key.n || strncmp(line, key.p, key.n) != 0 || is_word(line[key.n]))
		return NULL;
	line += key.n;
	return line + strspn(line, "\"' \t=:");
}

/* "key value" in the midst of the words, as a line that the program shows. */
static bool shows_line(const char *text, struct str key, struct str value)
{
	if (is_common(value) && !is_unusual(key))
		return false;
	for (const char *p = text; (p = next_word(text, p, key)); p++) {
		const char *rest = after_key(p, key);
		if (rest > p + key.n && next_word(text, rest, value) == rest)
			return true;
	}
	return false;
}

/* ---- how exact ---- */

static int judge_line(const char *line, struct str key, struct str value)
{
	const char *rest = after_key(line, key);
	struct str text = str_c(line + strspn(line, " \t"));
	if (rest)
		return value.n && next_word(line, rest, value) ? HAS_LINE : HAS_BOTH;
	while (text.n && isspace((unsigned char)text.p[text.n - 1]))
		text.n--;
	if (value.n >= UNUSUAL_MIN && str_eq(text, value))
		return HAS_LINE;
	return !is_common(value) && next_word(line, line, value) ? HAS_QUOTED : NOTHING;
}

static int judge_value(const char *text, struct str value)
{
	int best = NOTHING;
	for (const char *p = text; !is_common(value) && (p = next_word(text, p, value)); p++)
		if (is_quoted(text, p, value.n))
			return HAS_QUOTED;
		else if (is_unusual(value) && ends_words(text, p, value.n))
			best = HAS_VALUE;
	return best;
}

static int judge_parts(struct arena *a, const char *text, struct str value)
{
	static const char between[] = " \t\n,";
	for (const char *p = value.p + strspn(value.p, between); *p; p += strspn(p, between)) {
		struct str word = str_dup(a, p, strcspn(p, between));
		if (word.n < value.n && judge_value(text, word) != NOTHING)
			return HAS_WORD;
		p += word.n;
	}
	return NOTHING;
}

static int judge_words(struct arena *a, const char *text, struct str key, struct str value)
{
	bool named = names_key(text, key);
	int best;
	if (shows_line(text, key, value))
		return HAS_BOTH;
	if (named)
		return value.n && next_word(text, text, value) ? HAS_BOTH : HAS_KEY;
	best = judge_value(text, value);
	return best ? best : judge_parts(a, text, value);
}

/* ---- places ---- */

static void add_place(struct finding *f, const struct where *w, struct pos pos, int exactness)
{
	if (exactness == NOTHING || !pos.line || !pos.file)
		return;
	exactness += w->own ? OF_DAEMON : 0;
	if (!w->own && exactness < HAS_KEY)
		return;
	if (exactness < f->best)
		return;
	if (exactness > f->best)
		f->n = f->places.n = 0;
	f->best = exactness;
	for (size_t i = 0; i < f->places.n; i++) {
		const struct pos *p = &f->places.v[i].pos;
		if (p->line == pos.line && p->col == pos.col && !strcmp(p->file, pos.file))
			return;
	}
	if (f->n++ < ORIGINS_MAX)
		f->places.v[f->places.n++] = (struct origin){w->name, pos, w->secret};
}

/* Settings also match by their key; other values only as a whole line. */
static int judge_all(const struct finding *f, const struct where *w, struct str value, bool item)
{
	const struct value *lines = f->r->lines;
	int best = NOTHING, one;
	for (size_t i = 0; lines && i < lines->list.n; i++) {
		one = judge_line(lines->list.v[i]->s.p, w->settings ? w->key : str_c(""), value);
		if (one > best && (w->settings || one == HAS_LINE) && !(item && one == HAS_BOTH))
			best = one;
	}
	if (!w->settings)
		return best;
	one = judge_words(f->a, f->r->words, w->key, value);
	return one > best && !(item && one == HAS_KEY) ? one : best;
}

/* Lines of a longer text, each by itself. */
static void find_in_text(struct finding *f, const struct where *w, const struct value *v)
{
	struct where line = *w;
	size_t n = 0;
	line.key = str_c("");
	for (const char *p = v->s.p; *p && n < LINES_MAX; n++) {
		struct str one = str_dup(f->a, p, strcspn(p, "\n"));
		struct str text = str_trim(f->a, one);
		line.settings = false;
		if (text.n && judge_all(f, &line, text, true) == HAS_LINE)
			add_place(f, &line, source_find(v->pos, text, LINES_MAX), HAS_LINE);
		p += one.n + (p[one.n] == '\n');
	}
}

static struct str text_of(struct arena *a, const struct value *v)
{
	if (v->type == VALUE_STR)
		return v->s;
	if (v->type == VALUE_BOOL || v->type == VALUE_INT || v->type == VALUE_FLOAT)
		return value_src(v).p ? value_src(v) : value_print(a, v);
	return str_c("");
}

static void find_in(struct finding *f, const struct where *w, const struct value *v);

static void find_in_list(struct finding *f, const struct where *w, const struct value *list)
{
	for (size_t i = 0; i < list->list.n; i++) {
		const struct value *v = list->list.v[i];
		struct where at = *w;
		at.name = arena_printf(f->a, "%s[%zu]", w->name, i);
		at.secret = w->secret || v->secret;
		at.depth++;
		struct str text = text_of(f->a, v);
		struct pos pos = v->pos.line ? v->pos : w->pos;
		if (text.n)
			add_place(f, &at, pos, judge_all(f, &at, text, true));
		else
			find_in(f, &at, v);
	}
}

static void find_in_map(struct finding *f, const struct where *w, const struct value *map)
{
	for (size_t i = 0; i < map->map.n; i++) {
		const struct map_entry *e = &map->map.e[i];
		struct where at = *w;
		at.name = arena_printf(f->a, "%s.%s", w->name, e->key.p);
		at.key = e->key;
		at.pos = entry_pos(e);
		at.secret = w->secret || e->value->secret || names_secret(e->key);
		at.depth++;
		find_in(f, &at, e->value);
	}
}

static void find_in(struct finding *f, const struct where *w, const struct value *v)
{
	struct str text = text_of(f->a, v);
	if (w->depth > DEPTH_MAX || (!w->settings && !(f->r->lines && f->r->lines->list.n)))
		return;
	if (strchr(text.p, '\n')) {
		find_in_text(f, w, v);
		text = str_c("");
	}
	add_place(f, w, w->pos, judge_all(f, w, text, false));
	if (v->type == VALUE_LIST)
		find_in_list(f, w, v);
	else if (v->type == VALUE_MAP)
		find_in_map(f, w, v);
}

void find_in_variable(struct finding *f, struct str name, const struct value *v)
{
	find_in(f,
		&(struct where){.name = name.p,
			.key = name,
			.pos = v->pos,
			.secret = v->secret || names_secret(name),
			.settings = true,
			.own = true},
		v);
}

static void find_in_table(struct finding *f, const struct where *w, const struct field *table,
	const struct value *map)
{
	for (size_t i = 0; map->type == VALUE_MAP && i < map->map.n; i++) {
		const struct map_entry *e = &map->map.e[i];
		const struct field *field = field_find(table, e->key);
		struct where at = *w;
		at.name = arena_printf(f->a, "%s.%s", w->name, e->key.p);
		at.key = e->key;
		at.pos = entry_pos(e);
		at.secret = e->value->secret || names_secret(e->key);
		at.depth++;
		at.own = w->own || (w->depth == 0 && f->r->daemon && str_is(e->key, f->r->daemon));
		at.settings = field && field->flags & FIELD_SETTINGS;
		if (field && field->sub && field->kind == FIELD_MAP)
			find_in_table(f, &at, field->sub, e->value);
		else if (at.settings && e->value->type == VALUE_MAP)
			find_in_map(f, &at, e->value);
		else
			find_in(f, &at, e->value);
	}
}

void find_in_fields(
	struct finding *f, const struct field *table, const struct value *map, const char *what)
{
	find_in_table(f, &(struct where){.name = what}, table, map);
}

/* What is nested deeper is left out: a saved plan has a limit. */
static struct value *copy_settings(struct arena *a, struct value *v, int depth)
{
	struct value *out = value_shallow(a, v);
	if (depth > DEPTH_MAX)
		return value_null(a);
	for (size_t i = 0; v->type == VALUE_LIST && i < v->list.n; i++)
		out->list.v[i] = copy_settings(a, v->list.v[i], depth + 1);
	for (size_t i = 0; v->type == VALUE_MAP && i < v->map.n; i++)
		out->map.e[i].value = copy_settings(a, v->map.e[i].value, depth + 1);
	return out;
}

struct value *settings_only(struct arena *a, const struct field *table, const struct value *map)
{
	struct value *out = NULL, *kept;
	for (size_t i = 0; map->type == VALUE_MAP && i < map->map.n; i++) {
		const struct map_entry *e = &map->map.e[i];
		const struct field *field = field_find(table, e->key);
		kept = NULL;
		if (field && field->flags & FIELD_SETTINGS)
			kept = copy_settings(a, e->value, 0);
		else if (field && field->sub && field->kind == FIELD_MAP)
			kept = settings_only(a, field->sub, e->value);
		if (!kept)
			continue;
		out = out ? out : value_map(a);
		map_set_at(a, out, e->key, e->key_pos, kept);
	}
	return out;
}

struct origins finding_end(const struct finding *f)
{
	int exactness = f->best & (OF_DAEMON - 1);
	size_t most = exactness <= HAS_VALUE ? 1 : ORIGINS_MAX;
	return f->n <= most ? f->places : (struct origins){0};
}

const char *refusal_words(struct arena *a, const char *error)
{
	static const char *const before[] = {" says: ", "Postfix refuses the new "};
	static const char *const after[] = {"; rolled back: ", "; THE ROLLBACK "};
	const char *from = error, *end = error + strlen(error);
	for (size_t i = 0; i < ARRAY_LEN(before) && from == error; i++) {
		const char *at = strstr(error, before[i]);
		from = at ? at + strlen(before[i]) : from;
	}
	for (size_t i = 0; i < ARRAY_LEN(after); i++) {
		const char *at = strstr(from, after[i]);
		end = at && at < end ? at : end;
	}
	return str_dup(a, from, (size_t)(end - from)).p;
}
