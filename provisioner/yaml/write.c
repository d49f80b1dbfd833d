/* SPDX-License-Identifier: MIT
 *
 * Writes values as YAML with libyaml's emitter, formatted as PyYAML does, so that to_nice_yaml
 * writes the same files as Ansible. Does not hide secrets: the caller marks the text.
 */
#include <yaml.h>
#include "yaml/yaml.h"

struct dumper {
	yaml_emitter_t emitter;
	struct arena *a;
	const struct yaml_style *style;
};

static int append_bytes(void *ctx, unsigned char *p, size_t n)
{
	buf_add(ctx, p, n);
	return 1;
}

static bool emit_event(struct dumper *d, yaml_event_t *event)
{
	return yaml_emitter_emit(&d->emitter, event);
}

static bool emit_scalar(struct dumper *d, struct str s, const char *tag, bool plain)
{
	yaml_event_t event;
	return yaml_scalar_event_initialize(&event, NULL, (const yaml_char_t *)tag,
		       (const yaml_char_t *)s.p, (int)s.n, plain, 1, YAML_ANY_SCALAR_STYLE) &&
	       emit_event(d, &event);
}

/* A text is written plain only if it would be read as text again. */
static bool emit_text(struct dumper *d, struct str s)
{
	bool plain = yaml_scalar(d->a, s)->type == VALUE_STR && !str_is(s, "=") && !str_is(s, "<<");
	if (s.n > INT32_MAX)
		return false;
	/* other parsers would read it as a date */
	if (plain && s.n >= 8 && strspn(s.p, "0123456789") == 4 && s.p[4] == '-') {
		size_t month = strspn(s.p + 5, "0123456789");
		size_t day =
			month && s.p[5 + month] == '-' ? strspn(s.p + 6 + month, "0123456789") : 0;
		size_t end = 6 + month + day;
		plain = !(month <= 2 && day >= 1 && day <= 2 &&
			  ((end == s.n && month == 2 && day == 2) ||
				  (end < s.n && strchr("Tt \t", s.p[end]) &&
					  strchr(s.p + end, ':'))));
	}
	return emit_scalar(d, s, "tag:yaml.org,2002:str", plain);
}

static bool is_leaf(const struct value *v)
{
	return v->type != VALUE_LIST && v->type != VALUE_MAP;
}

/* Writes a collection of scalars on one line, if requested (PyYAML's default_flow_style=None). */
static bool on_one_line(const struct dumper *d, const struct value *v)
{
	size_t n = v->type == VALUE_LIST ? v->list.n : v->map.n;
	if (!d->style->flow_leaves)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_leaf(v->type == VALUE_LIST ? v->list.v[i] : v->map.e[i].value))
			return false;
	return true;
}

static bool dump_value(struct dumper *d, const struct value *v, int depth);

static bool dump_list(struct dumper *d, const struct value *v, int depth)
{
	yaml_event_t event;
	bool flow = on_one_line(d, v);
	if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
		    flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE) ||
		!emit_event(d, &event))
		return false;
	for (size_t i = 0; i < v->list.n; i++)
		if (!dump_value(d, v->list.v[i], depth + 1))
			return false;
	return yaml_sequence_end_event_initialize(&event) && emit_event(d, &event);
}

static int by_key(const void *a, const void *b)
{
	return str_cmp((*(const struct map_entry *const *)a)->key,
		(*(const struct map_entry *const *)b)->key);
}

static bool dump_map(struct dumper *d, const struct value *v, int depth)
{
	yaml_event_t event;
	bool flow = on_one_line(d, v);
	const struct map_entry **e = ARENA_ARRAY(d->a, const struct map_entry *, v->map.n);
	for (size_t i = 0; i < v->map.n; i++)
		e[i] = &v->map.e[i];
	if (d->style->sort && v->map.n)
		qsort(e, v->map.n, sizeof(*e), by_key);
	if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
		    flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE) ||
		!emit_event(d, &event))
		return false;
	for (size_t i = 0; i < v->map.n; i++)
		if (!emit_text(d, e[i]->key) || !dump_value(d, e[i]->value, depth + 1))
			return false;
	return yaml_mapping_end_event_initialize(&event) && emit_event(d, &event);
}

static bool dump_float(struct dumper *d, double f)
{
	struct str s;
	if (f != f)
		s = str_c(".nan");
	else if (f - f != 0)
		s = str_c(f > 0 ? ".inf" : "-.inf");
	else
		s = value_print(d->a, value_float(d->a, f));
	char *e = memchr(s.p, 'e', s.n);
	if (e && !memchr(s.p, '.', s.n)) /* 1e+16 would be read as text */
		s = str_printf(d->a, "%.*s.0%s", (int)(e - s.p), s.p, e);
	return emit_scalar(d, s, "tag:yaml.org,2002:float", true);
}

static bool dump_value(struct dumper *d, const struct value *v, int depth)
{
	if (depth > YAML_DEPTH * 2)
		return false;
	switch (v->type) {
	case VALUE_NULL:
		return emit_scalar(d, str_c("null"), "tag:yaml.org,2002:null", true);
	case VALUE_BOOL:
		return emit_scalar(
			d, str_c(v->b ? "true" : "false"), "tag:yaml.org,2002:bool", true);
	case VALUE_INT:
		return emit_scalar(d, str_printf(d->a, "%lld", (long long)v->i),
			"tag:yaml.org,2002:int", true);
	case VALUE_FLOAT:
		return dump_float(d, v->f);
	case VALUE_STR:
		return str_utf8(v->s) && emit_text(d, v->s);
	case VALUE_LIST:
		return dump_list(d, v, depth);
	case VALUE_MAP:
		return dump_map(d, v, depth);
	default:
		return emit_text(d, value_print(d->a, v));
	}
}

static bool dump_document(struct dumper *d, const struct value *v)
{
	yaml_event_t event;
	return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
	       emit_event(d, &event) &&
	       yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
	       emit_event(d, &event) && dump_value(d, v, 0) &&
	       yaml_document_end_event_initialize(&event, 1) && emit_event(d, &event) &&
	       yaml_stream_end_event_initialize(&event) && emit_event(d, &event);
}

bool yaml_dump(struct buf *b, const struct value *v, const struct yaml_style *style)
{
	struct dumper d = {.a = arena_new(), .style = style};
	if (!yaml_emitter_initialize(&d.emitter))
		panic("out of memory");
	yaml_emitter_set_output(&d.emitter, append_bytes, b);
	yaml_emitter_set_indent(&d.emitter, style->indent);
	yaml_emitter_set_width(&d.emitter, style->width);
	yaml_emitter_set_unicode(&d.emitter, 1);
	bool ok = dump_document(&d, v);
	yaml_emitter_delete(&d.emitter);
	arena_free(d.a);
	return ok;
}
