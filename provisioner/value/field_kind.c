/* SPDX-License-Identifier: MIT
 *
 * Converts a value to the kind of its field, as Ansible's users expect (yes is a boolean, 0644 a
 * mode). Where two interpretations are plausible it reports a problem and asks for an unambiguous
 * form.
 */
#include <errno.h>
#include <strings.h>
#include "value/field_kind.h"

enum { SHOWN_MOST = 60 }; /* bytes of an invalid value that a message shows */

/* Names are joined without printf: a large site has a hundred thousand of them. */
static const struct str DOT = {".", 1};

const char *field_path(struct check *c, const char *what, const char *key)
{
	return strchr(what, ' ') ? key : str_between(c->a, what, DOT, key).p;
}

/* 'text' for a message; secrets are not shown. */
static const char *show_value(struct check *c, const struct field *f, const struct value *v)
{
	if (v->secret || (f->flags & FIELD_SECRET))
		return "what is given";
	struct str s = value_src(v).p ? v->src : value_print(c->a, v);
	size_t n = s.n;
	if (n > SHOWN_MOST)
		for (n = SHOWN_MOST; n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80;)
			n--;
	return arena_printf(c->a, "'%.*s%s'", (int)n, s.p, n < s.n ? "..." : "");
}

static struct value *wrong_type(
	struct check *c, const struct value *v, const char *name, const char *expected)
{
	errs_add(c->errs, v->pos, "'%s' must be %s, not %s", name, expected, value_type_name(v));
	return NULL;
}

static bool is_scalar(const struct value *v)
{
	return v->type == VALUE_STR || v->type == VALUE_INT || v->type == VALUE_FLOAT ||
	       v->type == VALUE_BOOL;
}

static struct str scalar_text(struct check *c, const struct value *v)
{
	if (v->type == VALUE_STR)
		return v->s;
	return v->src.p ? v->src : value_print(c->a, v);
}

/* Copies position and secrecy. */
static struct value *copy_marks(const struct value *v, struct value *made)
{
	made->pos = v->pos;
	made->secret = v->secret;
	made->literal = v->literal;
	return made;
}

static struct value *to_str(struct check *c, const struct value *v, const char *name)
{
	if (!is_scalar(v))
		return wrong_type(c, v, name, "a string");
	return copy_marks(v, value_str(c->a, scalar_text(c, v)));
}

static struct value *to_path(
	struct check *c, const struct field *f, const struct value *v, const char *name)
{
	struct value *path = to_str(c, v, name);
	if (!path)
		return NULL;
	if (path->s.n == 0 || path->s.p[0] != '/') {
		errs_add(c->errs, v->pos, "'%s' must be an absolute path, not %s", name,
			show_value(c, f, v));
		return NULL;
	}
	if (memchr(path->s.p, 0, path->s.n)) {
		errs_add(c->errs, v->pos, "'%s' has a NUL in it", name);
		return NULL;
	}
	return path;
}

static bool text_is(struct str s, const char *lower)
{
	return s.n == strlen(lower) && strncasecmp(s.p, lower, s.n) == 0;
}

static struct value *to_bool(
	struct check *c, const struct field *f, const struct value *v, const char *name)
{
	bool b;
	if (value_as_bool(v, &b))
		return copy_marks(v, value_bool(c->a, b));
	if (!is_scalar(v))
		return wrong_type(c, v, name, "a boolean");
	errs_add(c->errs, v->pos, "'%s' must be a boolean (true or false), not %s", name,
		show_value(c, f, v));
	return NULL;
}

/* A whole decimal integer, with nothing after it. */
static bool parse_int(struct str s, int64_t *out)
{
	char text[32], *end;
	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, 0, s.n))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	size_t digits = strspn(text + (text[0] == '-' || text[0] == '+'), "0123456789");
	if (digits == 0 || digits + (text[0] == '-' || text[0] == '+') != s.n)
		return false;
	errno = 0;
	*out = strtoll(text, &end, 10);
	return errno == 0;
}

static bool as_int(const struct value *v, int64_t *out)
{
	if (v->type == VALUE_INT)
		*out = v->i;
	else if (v->type == VALUE_FLOAT && v->f >= -0x1p53 && v->f <= 0x1p53 &&
		 (double)(int64_t)v->f == v->f)
		*out = (int64_t)v->f;
	else
		return v->type == VALUE_STR && parse_int(v->s, out);
	return true;
}

static struct value *check_bounds(
	struct check *c, const struct field *f, const struct value *v, int64_t i, const char *name)
{
	if (f->min < f->max && (i < f->min || i > f->max)) {
		errs_add(c->errs, v->pos, "'%s' must be from %lld to %lld, not %s", name,
			(long long)f->min, (long long)f->max, show_value(c, f, v));
		return NULL;
	}
	return copy_marks(v, value_int(c->a, i));
}

static struct value *to_int(
	struct check *c, const struct field *f, const struct value *v, const char *name)
{
	int64_t i;
	if (!is_scalar(v) || v->type == VALUE_BOOL)
		return wrong_type(c, v, name, "an integer");
	if (as_int(v, &i))
		return check_bounds(c, f, v, i, name);
	errs_add(c->errs, v->pos, "'%s' must be an integer, not %s", name, show_value(c, f, v));
	return NULL;
}

static bool parse_octal(struct str s, unsigned *out)
{
	size_t i = s.n > 2 && s.p[0] == '0' && (s.p[1] == 'o' || s.p[1] == 'O') ? 2 : 0;
	unsigned mode = 0;
	if (i == s.n)
		return false;
	for (; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '7')
			return false;
		mode = mode << 3 | (unsigned)(s.p[i] - '0');
		if (mode > 07777)
			return false;
	}
	*out = mode;
	return true;
}

/* The symbolic form of chmod(1): [ugoa]*([-+=]([rwxXst]*|[ugo]))+ , separated by commas. */
static bool is_symbolic(struct str s)
{
	const char *p = s.p, *end = s.p + s.n;
	while (p < end) {
		p += strspn(p, "ugoa");
		if (p == end || !memchr("+-=", *p, 3))
			return false;
		while (p < end && memchr("+-=", *p, 3)) {
			p++;
			size_t copied = strspn(p, "ugo");
			p += copied == 1 ? 1 : strspn(p, "rwxXst");
		}
		if (p == end)
			return true;
		if (*p++ != ',')
			return false;
	}
	return false;
}

static struct value *mode_from_int(struct check *c, const struct value *v, const char *name)
{
	bool octal = !v->src.p || v->src.p[0] == '0';
	if (!octal) {
		errs_add(c->errs, v->pos,
			"'%s': " STR_FMT " would be read as decimal; write '0" STR_FMT "'", name,
			STR_ARG(v->src), STR_ARG(v->src));
		return NULL;
	}
	if (v->i < 0 || v->i > 07777) {
		errs_add(c->errs, v->pos, "'%s' must be from 0000 to 7777 (octal)", name);
		return NULL;
	}
	return copy_marks(v, value_printf(c->a, "%04o", (unsigned)v->i));
}

/* `choices` of a mode are additional words ("preserve"). */
static struct value *to_mode(
	struct check *c, const struct field *f, const struct value *v, const char *name)
{
	unsigned mode;
	if (v->type == VALUE_INT)
		return mode_from_int(c, v, name);
	if (v->type != VALUE_STR)
		return wrong_type(c, v, name, "a mode like '0644' or 'u=rw,g=r,o='");
	if (parse_octal(v->s, &mode))
		return copy_marks(v, value_printf(c->a, "%04o", mode));
	if (is_symbolic(v->s) || word_in(f->choices, v->s))
		return copy_marks(v, value_str(c->a, v->s));
	errs_add(c->errs, v->pos, "'%s' must be a mode like '0644' or 'u=rw,g=r,o=', not %s", name,
		show_value(c, f, v));
	return NULL;
}

static bool parse_size(struct str s, int64_t *out)
{
	static const char units[] = "kmgt";
	size_t digits = 0, n = s.n;
	int64_t scale = 1;
	while (digits < n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	struct str unit = {s.p + digits, n - digits};
	while (unit.n && *unit.p == ' ')
		unit = (struct str){unit.p + 1, unit.n - 1};
	const char *at = unit.n ? strchr(units, *unit.p | 0x20) : NULL;
	if (at) {
		struct str rest = {unit.p + 1, unit.n - 1};
		if (rest.n && !text_is(rest, "b") && !text_is(rest, "ib"))
			return false;
		scale <<= 10 * (at - units + 1);
	} else if (unit.n && !text_is(unit, "b")) {
		return false;
	}
	return parse_int((struct str){s.p, digits}, out) &&
	       !__builtin_mul_overflow(*out, scale, out);
}

static struct value *to_size(
	struct check *c, const struct field *f, const struct value *v, const char *name)
{
	int64_t i = -1;
	if (!is_scalar(v) || v->type == VALUE_BOOL)
		return wrong_type(c, v, name, "a size like 512k, 100M or 2G");
	if ((v->type == VALUE_STR ? parse_size(v->s, &i) : as_int(v, &i)) && i >= 0)
		return check_bounds(c, f, v, i, name);
	errs_add(c->errs, v->pos, "'%s' must be a size like 512k, 100M or 2G, not %s", name,
		show_value(c, f, v));
	return NULL;
}

/* YAML reads some choices (yes, off) as booleans: returns the choice with that truth value. */
static struct str choice_of_truth(const struct field *f, bool truth)
{
	static const char *const words[2][3] = {{"no", "off", "false"}, {"yes", "on", "true"}};
	for (size_t i = 0; i < 3; i++)
		if (word_in(f->choices, str_c(words[truth][i])))
			return str_c(words[truth][i]);
	return (struct str){"", 0};
}

static const char *join_words(struct arena *a, const char *words)
{
	struct buf b;
	buf_init(&b, 4096);
	for (const char *w = words; *w; w++) {
		if (*w == ' ')
			buf_addc(&b, ',');
		buf_addc(&b, *w);
	}
	const char *text = buf_str(a, &b).p;
	buf_free(&b);
	return text;
}

static struct value *to_enum(
	struct check *c, const struct field *f, const struct value *v, const char *name)
{
	if (!is_scalar(v))
		return wrong_type(
			c, v, name, arena_printf(c->a, "one of %s", join_words(c->a, f->choices)));
	struct str word = scalar_text(c, v);
	if (!word_in(f->choices, word) && v->type == VALUE_BOOL)
		word = choice_of_truth(f, v->b);
	if (word.n && word_in(f->choices, word))
		return copy_marks(v, value_str(c->a, word));
	errs_add(c->errs, v->pos, "'%s' must be one of %s, not %s", name,
		join_words(c->a, f->choices), show_value(c, f, v));
	return NULL;
}

static struct value *to_blob(struct check *c, const struct value *v, const char *name)
{
	if (v->type == VALUE_BLOB)
		return value_shallow(c->a, v);
	if (!is_scalar(v))
		return wrong_type(c, v, name, "text");
	return copy_marks(v, value_blob(c->a, scalar_text(c, v)));
}

static void add_words(struct check *c, const struct value *v, struct str text, struct value *list)
{
	for (size_t at = 0; at <= text.n;) {
		const char *comma = at < text.n ? memchr(text.p + at, ',', text.n - at) : NULL;
		size_t n = comma ? (size_t)(comma - text.p) - at : text.n - at;
		struct str word = str_trim(c->a, str_dup(c->a, text.p + at, n));
		if (word.n)
			list_add(c->a, list, copy_marks(v, value_str(c->a, word)));
		at += n + 1;
	}
}

static struct value *to_item(
	struct check *c, const struct field *f, const struct value *v, const char *name)
{
	if (v->type == VALUE_UNKNOWN)
		return value_shallow(c->a, v);
	if (v->type == VALUE_UNDEFINED) {
		errs_add(c->errs, v->pos, "'%s': " STR_FMT, name, STR_ARG(v->s));
		return NULL;
	}
	if (!f->sub)
		return to_str(c, v, name);
	if (v->type != VALUE_MAP)
		return wrong_type(c, v, name, "a mapping");
	return check_map(c, f->sub, v, name);
}

static struct value *to_list(
	struct check *c, const struct field *f, const struct value *v, const char *name)
{
	struct value *list = copy_marks(v, value_list(c->a));
	bool ok = true;
	if (is_scalar(v) && !f->sub) {
		if (f->flags & FIELD_COMMA)
			add_words(c, v, scalar_text(c, v), list);
		else
			list_add(c->a, list, copy_marks(v, value_str(c->a, scalar_text(c, v))));
		return list;
	}
	if (v->type != VALUE_LIST)
		return wrong_type(c, v, name, f->sub ? "a list of mappings" : "a list");
	for (size_t i = 0; i < v->list.n; i++) {
		const char *item_name = arena_printf(c->a, "%s[%zu]", name, i);
		struct value *item = to_item(c, f, v->list.v[i], item_name);
		if (item)
			list_add(c->a, list, item);
		ok = ok && item;
	}
	return ok ? list : NULL;
}

static struct value *to_map_of(
	struct check *c, const struct field *f, const struct value *v, const char *name)
{
	struct value *out = copy_marks(v, value_map(c->a));
	bool ok = true;
	for (size_t i = 0; i < v->map.n; i++) {
		const struct map_entry *m = &v->map.e[i];
		const char *item_name = f->sub ? str_between(c->a, name, DOT, m->key.p).p : NULL;
		const struct value *item = m->value;
		if (item->type == VALUE_NULL)
			item = copy_marks(item, value_map(c->a));
		struct value *typed =
			f->sub ? to_item(c, f, item, item_name) : value_shallow(c->a, m->value);
		ok = ok && typed;
		if (typed)
			map_set_at(c->a, out, m->key, m->key_pos, typed);
	}
	return ok ? out : NULL;
}

static struct value *to_map(
	struct check *c, const struct field *f, const struct value *v, const char *name)
{
	if (v->type != VALUE_MAP)
		return wrong_type(c, v, name, "a mapping");
	if (f->kind == FIELD_MAPOF)
		return to_map_of(c, f, v, name);
	return f->sub ? check_map(c, f->sub, v, name) : value_shallow(c->a, v);
}

struct value *field_convert(
	struct check *c, const struct field *f, const struct value *v, const char *name)
{
	if (v->type == VALUE_UNKNOWN || f->kind == FIELD_ANY)
		return value_shallow(c->a, v);
	if (v->type == VALUE_UNDEFINED) {
		errs_add(c->errs, v->pos, "'%s': " STR_FMT, name, STR_ARG(v->s));
		return NULL;
	}
	switch (f->kind) {
	case FIELD_PATH:
		return to_path(c, f, v, name);
	case FIELD_BOOL:
		return to_bool(c, f, v, name);
	case FIELD_INT:
		return to_int(c, f, v, name);
	case FIELD_MODE:
		return to_mode(c, f, v, name);
	case FIELD_SIZE:
		return to_size(c, f, v, name);
	case FIELD_ENUM:
		return to_enum(c, f, v, name);
	case FIELD_LIST:
		return to_list(c, f, v, name);
	case FIELD_MAP:
	case FIELD_MAPOF:
		return to_map(c, f, v, name);
	case FIELD_BLOB:
		return to_blob(c, v, name);
	default:
		return to_str(c, v, name);
	}
}

/* Parses a plain YAML scalar, as far as defaults need it. */
static struct value *read_plain(struct arena *a, const char *text)
{
	int64_t i;
	if (strcmp(text, "null") == 0)
		return value_null(a);
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		return value_bool(a, *text == 't');
	return parse_int(str_c(text), &i) ? value_int(a, i) : value_text(a, text);
}

struct value *field_default(struct arena *a, const struct field *f)
{
	bool list = f->kind == FIELD_LIST || f->kind == FIELD_ANY;
	bool map = f->kind == FIELD_MAP || f->kind == FIELD_MAPOF || f->kind == FIELD_ANY;
	if (list && strcmp(f->dflt, "[]") == 0)
		return value_list(a);
	if (map && strcmp(f->dflt, "{}") == 0)
		return value_map(a);
	if (f->kind == FIELD_ANY || strcmp(f->dflt, "null") == 0)
		return read_plain(a, f->dflt);
	return value_text(a, f->dflt);
}
