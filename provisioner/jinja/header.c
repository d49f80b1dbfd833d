/* SPDX-License-Identifier: MIT
 *
 * The first line of a template, which may set options: "#jinja2: trim_blocks: False,
 * variable_start_string: '[%'". An option that is not supported is an error.
 */
#include "jinja/call.h"

const char *const mark_names[MARKS] = {"variable_start_string", "variable_end_string",
	"block_start_string", "block_end_string", "comment_start_string", "comment_end_string"};

static const struct {
	const char *name;
	unsigned flag;
	bool inverted; /* True removes the flag */
} switches[] = {
	{"trim_blocks", TEMPLATE_TRIM_BLOCKS, false},
	{"lstrip_blocks", TEMPLATE_LSTRIP_BLOCKS, false},
	{"keep_trailing_newline", TEMPLATE_STRIP_NEWLINE, true},
};

struct option {
	struct str name, value; /* value: without quotes */
	bool quoted;
	struct pos pos;
};

static size_t skip_blanks(struct str s, size_t i)
{
	while (i < s.n && text_is_space(s.p[i]))
		i++;
	return i;
}

/* Parses "name: value" at *i, up to a comma or the end. */
static bool read_option(struct arena *a, struct str line, size_t *i, struct pos pos,
	struct option *o, struct err *e)
{
	size_t from = *i = skip_blanks(line, *i), n;
	o->pos = pos;
	o->pos.col += (uint32_t)from;
	while (*i < line.n && line.p[*i] != ':' && line.p[*i] != ',')
		++*i;
	o->name = str_trim(a, str_dup(a, line.p + from, *i - from));
	if (*i == line.n || line.p[*i] != ':')
		return err_at(e, o->pos, "the '#jinja2:' line is a list of name: value");
	from = *i = skip_blanks(line, *i + 1);
	char quote = *i < line.n ? line.p[*i] : 0;
	o->quoted = quote == '"' || quote == '\'';
	if (o->quoted) {
		for (from = ++*i; *i < line.n && line.p[*i] != quote; ++*i)
			;
		n = *i - from;
		if (*i == line.n)
			return err_at(
				e, o->pos, "the '#jinja2:' line has a quote that is not closed");
		*i = skip_blanks(line, *i + 1);
	} else {
		while (*i < line.n && line.p[*i] != ',')
			++*i;
		n = *i - from;
	}
	if (*i < line.n && line.p[*i] != ',')
		return err_at(e, o->pos, "the '#jinja2:' line needs a comma between its options");
	*i += *i < line.n;
	o->value = str_dup(a, line.p + from, n);
	o->value = o->quoted ? o->value : str_trim(a, o->value);
	return true;
}

static bool take_switch(
	const struct option *o, unsigned flag, bool inverted, unsigned *flags, struct err *e)
{
	bool yes = str_is(o->value, "True") || str_is(o->value, "true");
	if (o->quoted || (!yes && !str_is(o->value, "False") && !str_is(o->value, "false")))
		return err_at(e, o->pos, "%s of the '#jinja2:' line is True or False", o->name.p);
	*flags = yes != inverted ? *flags | flag : *flags & ~flag;
	return true;
}

static bool take_option(struct template *t, const struct option *o, struct err *e)
{
	const char *known[ARRAY_LEN(switches) + MARKS + 1];
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		if (str_is(o->name, switches[i].name))
			return take_switch(o, switches[i].flag, switches[i].inverted, &t->flags, e);
		known[n++] = switches[i].name;
	}
	for (int i = 0; i < MARKS; i++) {
		known[n++] = mark_names[i];
		if (!str_is(o->name, mark_names[i]))
			continue;
		if (!o->quoted)
			return err_at(e, o->pos, "%s of the '#jinja2:' line is a text in quotes",
				o->name.p);
		t->marks.text[i] = o->value.p;
		return true;
	}
	known[n] = NULL;
	const char *near = str_nearest(o->name.p, known);
	return err_at(e, o->pos,
		"'%s' of the '#jinja2:' line is not supported%s%s%s; it takes trim_blocks, "
		"lstrip_blocks, keep_trailing_newline, and variable_start_string and its like",
		o->name.p, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

bool header_take(
	struct arena *a, struct template *t, struct str *text, struct pos *pos, struct err *e)
{
	static const char start[] = "#jinja2:";
	if (!str_starts(*text, start))
		return true;
	const char *newline = memchr(text->p, '\n', text->n);
	size_t n = newline ? (size_t)(newline - text->p) : text->n, i = sizeof(start) - 1;
	struct str line = text_sub(*text, 0, n);
	while (skip_blanks(line, i) < n) {
		struct option o;
		if (!read_option(a, line, &i, *pos, &o, e) || !take_option(t, &o, e))
			return false;
	}
	*text = (struct str){text->p + n + (newline != NULL), text->n - n - (newline != NULL)};
	if (pos->line)
		pos->line++;
	return true;
}

bool marks_check(const struct template_marks *m, struct pos pos, struct err *e)
{
	static const enum mark begins[] = {MARK_PRINT_BEGIN, MARK_BLOCK_BEGIN, MARK_COMMENT_BEGIN};
	static const char *const usual[] = {"{{", "{%", "{#"};
	const char *text[ARRAY_LEN(begins)];
	for (int i = 0; i < MARKS; i++)
		if (m->text[i] && !m->text[i][0])
			return err_at(e, pos, "%s is empty", mark_names[i]);
	for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
		text[i] = m->text[begins[i]] ? m->text[begins[i]] : usual[i];
		for (size_t k = 0; k < i; k++)
			if (strcmp(text[i], text[k]) == 0)
				return err_at(e, pos, "%s and %s are both '%s'",
					mark_names[begins[k]], mark_names[begins[i]], text[i]);
	}
	return true;
}
