/* SPDX-License-Identifier: MIT
 *
 * Parses YAML into values with positions, from libyaml's events. Constructs no objects by tags, and
 * at most YAML_NODES nodes; an alias counts each time it is used.
 */
#include <yaml.h>
#include "yaml/yaml.h"

struct anchor {
	struct str name;
	struct value *v; /* NULL: it is still being read */
	size_t nodes;
};
struct loader {
	struct arena *a;
	const char *file;
	struct str text;
	yaml_parser_t parser;
	struct errs *errs;
	struct anchor *anchor;
	size_t anchors, anchors_cap;
	size_t nodes;
	size_t line, line_at; /* byte where the last counted line begins */
	bool too_many;
	struct { /* the last quoted text that spans lines */
		yaml_mark_t from, to;
	} quoted;
};

static struct value *read_node(struct loader *l, yaml_event_t *event, int depth);

static struct pos pos_of(const struct loader *l, yaml_mark_t mark)
{
	return (struct pos){l->file, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

static void *add_problem(struct loader *l, struct pos pos, const char *what)
{
	errs_add(l->errs, pos, "%s", what);
	return NULL;
}

static const char *hint_for(const yaml_parser_t *p, struct str text)
{
	const char *what = p->problem ? p->problem : "";
	if (strstr(what, "cannot start any token") && memchr(text.p, '\t', text.n))
		return " (a tab? YAML is indented with spaces; text that starts with @ ` or % "
		       "needs "
		       "quotes)";
	if (strstr(what, "mapping values are not allowed"))
		return " (text with ': ' in it needs quotes, and keys of one mapping the same "
		       "indent)";
	if (strstr(what, "did not find expected key"))
		return " (is the line indented as its neighbours, and every quote closed?)";
	return "";
}

/* The position where the faulty construct began; what NULL: there is none of interest. */
static struct pos find_begin(const struct loader *l, const char **what)
{
	const yaml_parser_t *p = &l->parser;
	const char *context = p->context ? p->context : "";
	*what = NULL;
	if (l->quoted.to.line && l->quoted.to.line == p->problem_mark.line) {
		*what = "a quote begins here, and ends in the line of the problem";
		return pos_of(l, l->quoted.from);
	}
	if (*context && p->context_mark.line != p->problem_mark.line)
		*what = strstr(context, "quoted scalar") ? "the quote begins here"
							 : "this began here";
	return pos_of(l, p->context_mark);
}

static void *syntax_error(struct loader *l)
{
	const yaml_parser_t *p = &l->parser;
	struct pos pos = pos_of(l, p->problem_mark);
	if (p->error == YAML_MEMORY_ERROR)
		panic("out of memory");
	if (p->error == YAML_READER_ERROR) {
		uint32_t line = 1;
		for (size_t i = 0; i < p->problem_offset && i < l->text.n; i++)
			line += l->text.p[i] == '\n';
		pos = (struct pos){l->file, line, 1};
		errs_add(l->errs, pos, "%s: a text file in UTF-8 is needed",
			p->problem ? p->problem : "unreadable");
		return NULL;
	}
	const char *what;
	struct pos begin = find_begin(l, &what);
	errs_add_also(l->errs, pos, begin, what, "%s%s%s%s", p->context ? p->context : "",
		p->context ? ": " : "", p->problem ? p->problem : "not YAML", hint_for(p, l->text));
	return NULL;
}

/* Records a quoted text of several lines: if a closing quote is missing, the text ends at the next
 * quote, lines below. */
static void note_quote(struct loader *l, const yaml_event_t *event)
{
	if (event->type != YAML_SCALAR_EVENT || event->start_mark.line == event->end_mark.line ||
		(event->data.scalar.style != YAML_SINGLE_QUOTED_SCALAR_STYLE &&
			event->data.scalar.style != YAML_DOUBLE_QUOTED_SCALAR_STYLE))
		return;
	l->quoted.from = event->start_mark;
	l->quoted.to = event->end_mark;
}

static bool next_event(struct loader *l, yaml_event_t *event)
{
	if (yaml_parser_parse(&l->parser, event)) {
		note_quote(l, event);
		return true;
	}
	syntax_error(l);
	return false;
}

/* ---- anchors ---- */
static size_t anchor_add(struct loader *l, const yaml_char_t *name)
{
	if (!name)
		return SIZE_MAX;
	struct str s = str_dup(l->a, (const char *)name, strlen((const char *)name));
	PUSH(l->a, l->anchor, l->anchors, l->anchors_cap, ((struct anchor){s, NULL, 0}));
	return l->anchors - 1;
}

static void anchor_done(struct loader *l, size_t i, struct value *v, size_t nodes_before)
{
	if (i == SIZE_MAX)
		return;
	l->anchor[i].v = v;
	l->anchor[i].nodes = l->nodes - nodes_before;
}

static bool count_nodes(struct loader *l, size_t n, struct pos pos)
{
	l->nodes += n;
	if (l->nodes <= YAML_NODES)
		return true;
	if (!l->too_many)
		errs_add(l->errs, pos,
			"more than %d values in one file (aliases count as often as "
			"they are used)",
			YAML_NODES);
	l->too_many = true;
	return false;
}

static struct value *resolve_alias(struct loader *l, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct pos pos = pos_of(l, event->start_mark);
	for (size_t i = l->anchors; i > 0; i--) {
		struct anchor *a = &l->anchor[i - 1];
		if (!str_is(a->name, name))
			continue;
		if (!a->v) {
			errs_add(l->errs, pos, "the value of '&%s' contains itself", name);
			return NULL;
		}
		return count_nodes(l, a->nodes, pos) ? a->v : NULL;
	}
	add_problem(l, pos,
		"an alias without an anchor before it; text that begins with '*' needs quotes");
	return NULL;
}

/* ---- scalars ---- */
/* The byte where a line (from 0) begins. Call it with ascending lines. */
static size_t line_start(struct loader *l, size_t line)
{
	while (l->line < line && l->line_at < l->text.n) {
		const char *p = memchr(l->text.p + l->line_at, '\n', l->text.n - l->line_at);
		l->line_at = p ? (size_t)(p - l->text.p) + 1 : l->text.n;
		l->line++;
	}
	return l->line_at;
}

/* Where the text of a scalar begins: after a quote, or on the line after | or >. */
static struct pos content_pos(struct loader *l, const yaml_event_t *event)
{
	struct pos pos = pos_of(l, event->start_mark);
	yaml_scalar_style_t style = event->data.scalar.style;
	if (style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE)
		pos.col++;
	if (style != YAML_LITERAL_SCALAR_STYLE && style != YAML_FOLDED_SCALAR_STYLE)
		return pos;
	size_t line = event->start_mark.line + 1;
	size_t i = line_start(l, line), indent = 0;
	pos.line = (uint32_t)line + 1;
	for (; i < l->text.n; i++) { /* the first line that is not blank decides */
		if (l->text.p[i] == ' ')
			indent++;
		else if (l->text.p[i] == '\n' || l->text.p[i] == '\r')
			indent = 0;
		else
			break;
	}
	pos.col = (uint32_t)indent + 1;
	return pos;
}

#define YAML_TAG "tag:yaml.org,2002:"

/* A value with an explicit tag. NULL: the tag is unknown or the text is not valid for it; the
 * problem is reported. */
static struct value *read_tagged(struct loader *l, const char *tag, struct str text, struct pos pos)
{
	struct value *v = yaml_scalar(l->a, text);
	bool ok = false;
	if (strcmp(tag, "!unsafe") == 0) {
		v = value_str(l->a, text);
		v->literal = ok = true;
	} else if (strcmp(tag, YAML_TAG "str") == 0 || strcmp(tag, "!") == 0) {
		v = value_str(l->a, text);
		ok = true;
	} else if (strcmp(tag, YAML_TAG "int") == 0) {
		ok = v->type == VALUE_INT;
	} else if (strcmp(tag, YAML_TAG "bool") == 0) {
		ok = v->type == VALUE_BOOL;
	} else if (strcmp(tag, YAML_TAG "null") == 0) {
		ok = v->type == VALUE_NULL;
	} else if (strcmp(tag, YAML_TAG "float") == 0) {
		if (v->type == VALUE_INT)
			v = value_float(l->a, (double)v->i);
		ok = v->type == VALUE_FLOAT;
	} else if (strcmp(tag, "!vault") == 0) {
		return add_problem(l, pos, "values encrypted with !vault are not supported yet");
	} else {
		add_problem(l, pos, "unknown tag; text that begins with '!' needs quotes");
		return NULL;
	}
	if (!ok)
		add_problem(l, pos, "the value is not valid for its tag");
	return ok ? v : NULL;
}

static struct value *read_scalar(struct loader *l, const yaml_event_t *event)
{
	struct pos pos = content_pos(l, event);
	const char *p = (const char *)event->data.scalar.value;
	struct str text = str_dup(l->a, p, event->data.scalar.length);
	const char *tag = (const char *)event->data.scalar.tag;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	struct value *v;
	if (text.n && memchr(text.p, 0, text.n))
		return add_problem(l, pos, "a value cannot contain a NUL character");
	if (tag)
		v = read_tagged(l, tag, text, pos);
	else
		v = plain ? yaml_scalar(l->a, text) : value_str(l->a, text);
	if (!v)
		return NULL;
	v->pos = pos;
	if (plain && v->type < VALUE_STR)
		v->src = text;
	return v;
}

/* ---- collections ---- */
static bool plain_tag(struct loader *l, const yaml_char_t *tag, const char *kind, struct pos pos)
{
	const char *t = (const char *)tag;
	if (!t || strcmp(t, "!unsafe") == 0 || strcmp(t, "!") == 0)
		return true;
	if (strncmp(t, YAML_TAG, strlen(YAML_TAG)) == 0 && strcmp(t + strlen(YAML_TAG), kind) == 0)
		return true;
	return add_problem(l, pos, "unknown tag; text that begins with '!' needs quotes");
}

static struct value *read_sequence(struct loader *l, const yaml_event_t *start, int depth)
{
	struct pos pos = pos_of(l, start->start_mark);
	const yaml_char_t *tag = start->data.sequence_start.tag;
	struct value *list = value_list(l->a);
	bool ok = plain_tag(l, tag, "seq", pos);
	list->pos = pos;
	list->literal = tag && strcmp((const char *)tag, "!unsafe") == 0;
	for (;;) {
		yaml_event_t event;
		if (!next_event(l, &event))
			return NULL;
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return ok ? list : NULL;
		}
		struct value *v = read_node(l, &event, depth + 1);
		yaml_event_delete(&event);
		if (!v && (l->parser.error || l->too_many))
			return NULL;
		if (v)
			list_add(l->a, list, v);
		else
			ok = false;
	}
}

/* A key as text, as it was written; also 25 and yes. */
static bool key_text(
	struct loader *l, const struct value *k, const yaml_event_t *event, struct str *out)
{
	struct pos pos = pos_of(l, event->start_mark);
	if (k->type == VALUE_LIST || k->type == VALUE_MAP)
		return errs_add(l->errs, pos,
			"a mapping's key cannot be a list or mapping (a value that starts with {{ "
			"needs quotes: \"{{ ... }}\")");
	*out = k->type == VALUE_STR ? k->s : k->src.p ? k->src : value_print(l->a, k);
	return true;
}

/* Entries of << come first; the mapping's own keys override them. */
static bool merge_mapping(
	struct loader *l, struct value *into, const struct value *v, struct pos pos)
{
	if (v->type == VALUE_LIST) {
		for (size_t i = v->list.n; i > 0; i--)
			if (v->list.v[i - 1]->type != VALUE_MAP ||
				!merge_mapping(l, into, v->list.v[i - 1], pos))
				return errs_add(
					l->errs, pos, "'<<' needs a mapping or a list of mappings");
		return true;
	}
	if (v->type != VALUE_MAP)
		return errs_add(l->errs, pos, "'<<' needs a mapping or a list of mappings");
	for (size_t i = 0; i < v->map.n; i++) {
		map_set(l->a, into, v->map.e[i].key, v->map.e[i].value);
		struct map_entry *e = (struct map_entry *)map_entry(into, v->map.e[i].key);
		e->key_pos = v->map.e[i].key_pos;
	}
	return count_nodes(l, v->map.n, pos);
}

struct mapping {
	struct value *own, *merged;
	bool ok;
};

/* Reads one "key: value" whose key's event was already read; false: stop. */
static bool mapping_entry(struct loader *l, struct mapping *m, yaml_event_t *key_event, int depth)
{
	struct pos key_pos = pos_of(l, key_event->start_mark);
	struct str key;
	yaml_event_t event;
	bool merge_key = key_event->type == YAML_SCALAR_EVENT &&
			 key_event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
			 strcmp((const char *)key_event->data.scalar.value, "<<") == 0;
	struct value *k = read_node(l, key_event, depth + 1);
	if ((!k && (l->parser.error || l->too_many)) || !next_event(l, &event))
		return false;
	bool key_ok = k && key_text(l, k, key_event, &key);
	struct value *v = read_node(l, &event, depth + 1);
	yaml_event_delete(&event);
	if (!v && (l->parser.error || l->too_many))
		return false;
	m->ok &= key_ok && v;
	if (!key_ok || !v)
		return true;
	if (merge_key) {
		m->ok &= merge_mapping(l, m->merged, v, key_pos);
		return !l->too_many;
	}
	const struct map_entry *old = map_entry(m->own, key);
	if (old) {
		m->ok = errs_add(l->errs, key_pos,
			"the key '" STR_FMT "' is there already, on line %u", STR_ARG(key),
			old->key_pos.line);
		return true;
	}
	map_set(l->a, m->own, key, v);
	m->own->map.e[m->own->map.n - 1].key_pos = key_pos;
	return true;
}

static struct value *read_mapping(struct loader *l, const yaml_event_t *start, int depth)
{
	struct pos pos = pos_of(l, start->start_mark);
	const yaml_char_t *tag = start->data.mapping_start.tag;
	struct mapping m = {value_map(l->a), value_map(l->a), true};
	m.ok = plain_tag(l, tag, "map", pos);
	for (;;) {
		yaml_event_t event;
		if (!next_event(l, &event))
			return NULL;
		bool end = event.type == YAML_MAPPING_END_EVENT;
		bool go_on = end || mapping_entry(l, &m, &event, depth);
		yaml_event_delete(&event);
		if (!go_on)
			return NULL;
		if (end)
			break;
	}
	if (!m.ok)
		return NULL;
	struct value *map = m.own;
	if (m.merged->map.n) {
		map = m.merged;
		merge_mapping(l, map, m.own, pos);
	}
	map->pos = pos;
	map->literal = tag && strcmp((const char *)tag, "!unsafe") == 0;
	return map;
}

/* Reads the value that begins with the event. NULL: a problem was reported; its events were
 * consumed, unless the parser itself failed. */
static struct value *read_node(struct loader *l, yaml_event_t *event, int depth)
{
	size_t before = l->nodes, anchor = SIZE_MAX;
	struct pos pos = pos_of(l, event->start_mark);
	struct value *v = NULL;
	if (depth > YAML_DEPTH) {
		l->too_many = true; /* the rest is not needed */
		errs_add(l->errs, pos, "nested more than %d deep", YAML_DEPTH);
		return NULL;
	}
	if (!count_nodes(l, 1, pos))
		return NULL;
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return resolve_alias(l, event);
	case YAML_SCALAR_EVENT:
		anchor = anchor_add(l, event->data.scalar.anchor);
		v = read_scalar(l, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = anchor_add(l, event->data.sequence_start.anchor);
		v = read_sequence(l, event, depth);
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = anchor_add(l, event->data.mapping_start.anchor);
		v = read_mapping(l, event, depth);
		break;
	default:
		return add_problem(l, pos, "not a YAML value");
	}
	anchor_done(l, anchor, v, before);
	return v;
}

/* Reads stream start, one document, stream end. */
static struct value *read_document(struct loader *l)
{
	struct value *v = NULL;
	bool seen = false;
	for (;;) {
		yaml_event_t event;
		if (!next_event(l, &event))
			return NULL;
		yaml_event_type_t type = event.type;
		struct pos pos = pos_of(l, event.start_mark);
		bool content = type != YAML_STREAM_START_EVENT && type != YAML_STREAM_END_EVENT &&
			       type != YAML_DOCUMENT_START_EVENT && type != YAML_DOCUMENT_END_EVENT;
		if (content)
			v = read_node(l, &event, 0);
		yaml_event_delete(&event);
		if (content && !v)
			return NULL;
		if (type == YAML_DOCUMENT_START_EVENT && seen)
			return add_problem(
				l, pos, "a second document; a file may contain only one");
		seen |= type == YAML_DOCUMENT_START_EVENT;
		if (type == YAML_STREAM_END_EVENT)
			break;
	}
	if (v)
		return v;
	v = value_null(l->a);
	v->pos = (struct pos){l->file, 1, 1};
	return v;
}

struct value *yaml_parse(struct arena *a, const char *file, struct str text, struct errs *errs)
{
	text = str_no_bom(text); /* YAML 1.2, section 5.2 */
	struct loader l = {.a = a, .file = file, .text = text, .errs = errs};
	size_t before = errs->n + errs->dropped;
	if (!yaml_parser_initialize(&l.parser))
		panic("out of memory");
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)text.p, text.n);
	struct value *v = read_document(&l);
	yaml_parser_delete(&l.parser);
	return errs->n + errs->dropped == before ? v : NULL;
}
