/* SPDX-License-Identifier: MIT
 *
 * Inventories in Ansible's INI form: [group], [group:children], [group:vars], hosts with ranges and
 * k=v. Every line that cannot be parsed is a separate problem.
 */
#include <ctype.h>
#include "inventory/inventory.h"

enum ini_section { INI_HOSTS, INI_CHILDREN, INI_VARS };
struct ini {
	struct inventory *inv;
	struct errs *errs;
	const char *file;
	uint32_t line;
	struct group *group;
	enum ini_section section;
	const char *text;       /* of the line */
	bool skip;              /* a section with an invalid header */
	struct value *declared; /* groups with a section of hosts or children */
	struct value *named;    /* groups named as a child or by their vars, with the place */
};

static void name_group(struct ini *p, struct str name, struct pos pos)
{
	struct value *v = value_null(p->inv->a);
	v->pos = pos;
	if (!map_get(p->named, name))
		map_set(p->inv->a, p->named, name, v);
}

/* A group that is mentioned but never declared is a typo. */
static void check_named(struct ini *p, struct value *before)
{
	const char **names = arena_calloc(p->inv->a, p->declared->map.n + 1, sizeof(*names));
	for (size_t i = 0; i < p->declared->map.n; i++)
		names[i] = p->declared->map.e[i].key.p;
	for (size_t i = 0; i < p->named->map.n; i++) {
		const struct map_entry *e = &p->named->map.e[i];
		const char *near;
		if (map_get(p->declared, e->key) || map_get(before, e->key))
			continue;
		near = str_nearest(e->key.p, names);
		errs_add(p->errs, e->value->pos, "there is no group '%s'%s%s%s", e->key.p,
			near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
	}
}

static struct pos pos_at(const struct ini *p, const char *start, const char *where)
{
	return (struct pos){p->file, p->line, (uint32_t)(where - start) + 1};
}

static void read_head(struct ini *p, const char *line, size_t n)
{
	const char *close = memchr(line, ']', n), *colon;
	struct str name, kind = str_c("");
	p->skip = true;
	if (!close || close == line + 1) {
		errs_add(p->errs, pos_at(p, line, line),
			"this is not a section header; write [group], [group:children] or "
			"[group:vars]");
		return;
	}
	name = str_dup(p->inv->a, line + 1, (size_t)(close - line - 1));
	colon = memchr(name.p, ':', name.n);
	if (colon) {
		kind = str_c(colon + 1);
		name = str_dup(p->inv->a, name.p, (size_t)(colon - name.p));
	}
	if (kind.n && !str_is(kind, "children") && !str_is(kind, "vars") &&
		!str_is(kind, "hosts")) {
		errs_add(p->errs, pos_at(p, line, line),
			"unknown kind of section ':%s'; use :children or :vars", kind.p);
		return;
	}
	p->skip = false;
	p->group = inventory_add_group(p->inv, name);
	p->section = str_is(kind, "children") ? INI_CHILDREN
		     : str_is(kind, "vars")   ? INI_VARS
					      : INI_HOSTS;
	if (p->section == INI_VARS)
		name_group(p, name, pos_at(p, line, line + 1));
	else
		map_set(p->inv->a, p->declared, name, value_null(p->inv->a));
}

static void report_unclosed(struct ini *p, const char *start)
{
	struct pos pos = pos_at(p, p->text, start);
	source_hide_line(pos);
	errs_add(p->errs, pos, "this line has an unclosed quote");
}

/* The next word, split as by a shell, without quotes; false at the end or at a comment. */
static bool next_word(struct ini *p, const char **s, struct buf *word, const char **start)
{
	char quote = 0;
	while (isspace((unsigned char)**s))
		(*s)++;
	*start = *s;
	if (!**s || **s == '#')
		return false;
	buf_clear(word);
	for (; **s && (quote || !isspace((unsigned char)**s)); (*s)++) {
		if (!quote && (**s == '\'' || **s == '"'))
			quote = **s;
		else if (quote && **s == quote)
			quote = 0;
		else if (!quote && **s == '#') /* a comment, even within a word */
			*s += strlen(*s) - 1;
		else if (**s == '\\' && (*s)[1] && quote != '\'' &&
			 (!quote || strchr("\\\"", (*s)[1])))
			buf_addc(word, *++*s);
		else
			buf_addc(word, **s);
	}
	if (quote)
		report_unclosed(p, *start);
	return !quote;
}

static void host_var(struct ini *p, struct value *vars, struct str word, struct pos pos)
{
	const char *eq = memchr(word.p, '=', word.n);
	struct str key, text;
	if (!eq || eq == word.p) {
		source_hide_line(pos); /* "password = x": the word may be anything */
		errs_add(p->errs, pos,
			"this is not a variable; after the host name, write name=value without "
			"blanks around '='");
		return;
	}
	key = str_dup(p->inv->a, word.p, (size_t)(eq - word.p));
	text = str_dup(p->inv->a, eq + 1, word.n - key.n - 1);
	map_set(p->inv->a, vars, key, literal_parse(p->inv->a, text, pos));
	vars->map.e[vars->map.n - 1].key_pos = pos;
}

/* "mx1:2222" contains a port; "[::1]:22" and names with two colons are left alone. */
static struct str split_port(struct arena *a, struct str name, int64_t *port)
{
	const char *colon = memchr(name.p, ':', name.n), *last = strrchr(name.p, ':');
	char *end;
	if (!colon || colon != last || memchr(name.p, '[', name.n) ||
		!isdigit((unsigned char)colon[1]))
		return name;
	*port = strtol(colon + 1, &end, 10);
	return *end ? name : str_dup(a, name.p, (size_t)(colon - name.p));
}

static void read_host(struct ini *p, const char *line)
{
	struct value *vars = value_map(p->inv->a);
	const char *s = line, *start;
	struct buf word;
	struct str pattern, *names;
	int64_t port = 0;
	size_t n;
	buf_init(&word, 1 << 20);
	if (next_word(p, &s, &word, &start)) {
		struct pos pos = pos_at(p, line, start);
		pattern = split_port(p->inv->a, buf_str(p->inv->a, &word), &port);
		if (port)
			map_put(p->inv->a, vars, "ansible_port", value_int(p->inv->a, port));
		while (next_word(p, &s, &word, &start))
			host_var(p, vars, buf_str(p->inv->a, &word), pos_at(p, line, start));
		if (range_expand(p->inv->a, pattern, pos, &names, &n, p->errs))
			for (size_t i = 0; i < n && !p->inv->full; i++) {
				struct invhost *h = inventory_add_host(p->inv, names[i]);
				group_add_host(p->inv, p->group, h);
				for (size_t j = 0; j < vars->map.n; j++)
					map_set(p->inv->a, h->vars, vars->map.e[j].key,
						vars->map.e[j].value);
				inventory_bound(p->inv, pos, p->errs);
			}
	}
	buf_free(&word);
}

static void read_group_var(struct ini *p, const char *line)
{
	const char *eq = strchr(line, '=');
	struct str key, text;
	struct pos pos = pos_at(p, line, line);
	if (!eq || eq == line) {
		source_hide_line(pos);
		errs_add(p->errs, pos, "this line of [%s:vars] is not a variable; write name=value",
			p->group->name);
		return;
	}
	key = str_trim(p->inv->a, str_dup(p->inv->a, line, (size_t)(eq - line)));
	text = str_trim(p->inv->a, str_c(eq + 1));
	map_set(p->inv->a, p->group->vars, key, literal_parse(p->inv->a, text, pos));
}

static void read_child(struct ini *p, const char *line)
{
	const char *hash = strchr(line, '#');
	struct str name = str_trim(
		p->inv->a, str_dup(p->inv->a, line, hash ? (size_t)(hash - line) : strlen(line)));
	name_group(p, name, pos_at(p, line, line));
	group_add_child(p->inv, p->group, inventory_add_group(p->inv, name), pos_at(p, line, line),
		p->errs);
}

static void read_line(struct ini *p, struct str line)
{
	p->text = line.p;
	if (!line.n || line.p[0] == '#' || line.p[0] == ';')
		return;
	if (line.p[0] == '[' && (p->section != INI_HOSTS || !strpbrk(line.p, " \t=") ||
					line.p[line.n - 1] == ']')) {
		read_head(p, line.p, line.n);
		return;
	}
	if (p->skip)
		return;
	if (p->section == INI_HOSTS)
		read_host(p, line.p);
	else if (p->section == INI_VARS)
		read_group_var(p, line.p);
	else
		read_child(p, line.p);
}

void inventory_ini(struct inventory *inv, struct str text, const char *file, struct errs *errs)
{
	struct ini p = {.inv = inv, .errs = errs, .file = file, .group = inv->groups[1]};
	const char *s = text.p, *end = text.p + text.n;
	struct value *before = value_shallow(inv->a, inv->group_index);
	p.declared = value_map(inv->a);
	p.named = value_map(inv->a);
	while (s < end) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		size_t n = nl ? (size_t)(nl - s) : (size_t)(end - s);
		p.line++;
		read_line(&p, str_trim(inv->a, str_dup(inv->a, s, n)));
		s += n + 1;
	}
	check_named(&p, before);
}
