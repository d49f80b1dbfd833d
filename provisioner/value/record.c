/* SPDX-License-Identifier: MIT
 *
 * Writes and reads structs as maps, by the table of their members.
 */
#include "value/record.h"
#include <inttypes.h>

void record_fields(const struct member *table, unsigned use, struct field *out, size_t room,
	const struct field *more)
{
	size_t n = 0;
	if (out[0].name)
		return;
	for (; table->field.name; table++)
		if ((table->uses & use) && n < room)
			out[n++] = table->field;
	for (; more && more->name; more++)
		if (n < room)
			out[n++] = *more;
	if (n >= room)
		panic("record_fields: a table of %zu fields is too small", room);
	out[n] = (struct field){.name = NULL};
}

static struct value *list_of_texts(struct arena *a, const char *const *v)
{
	struct value *list = v && *v ? value_list(a) : NULL;
	for (; v && *v; v++)
		list_add(a, list, value_text(a, *v));
	return list;
}

static struct value *list_of_numbers(struct arena *a, const uint32_t *v)
{
	struct value *list = v && *v ? value_list(a) : NULL;
	for (; v && *v; v++)
		list_add(a, list, value_int(a, *v));
	return list;
}

static bool is_default(const struct member *m, const char *text)
{
	return m->field.dflt && !strcmp(m->field.dflt, text);
}

static struct value *number_value(struct arena *a, const struct member *m, int64_t n)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRId64, n);
	return is_default(m, text) ? NULL : value_int(a, n);
}

/* NULL: it is omitted, and the reader uses the default. */
static struct value *member_value(struct arena *a, const struct member *m, const void *at)
{
	switch (m->kind) {
	case MEMBER_TEXT: {
		const char *text = *(const char *const *)at;
		return text ? value_text(a, text) : NULL;
	}
	case MEMBER_BOOL: {
		bool b = *(const bool *)at;
		return is_default(m, b ? "true" : "false") ? NULL : value_bool(a, b);
	}
	case MEMBER_INT:
		return number_value(a, m, *(const int *)at);
	case MEMBER_NUMBER:
		return number_value(a, m, *(const uint32_t *)at);
	case MEMBER_VALUE:
		return *(struct value *const *)at;
	case MEMBER_TEXTS:
		return list_of_texts(a, *(const char *const *const *)at);
	case MEMBER_NUMBERS:
		return list_of_numbers(a, *(const uint32_t *const *)at);
	}
	return NULL;
}

void record_put(struct arena *a, const struct member *table, unsigned use, const void *record,
	struct value *map)
{
	for (; table->field.name; table++) {
		const void *at = (const char *)record + table->offset;
		struct value *v = table->uses & use ? member_value(a, table, at) : NULL;
		if (v)
			map_put(a, map, table->field.name, v);
	}
}

static const char *const *texts_of(struct arena *a, const struct value *l)
{
	size_t n = l && l->type == VALUE_LIST ? l->list.n : 0;
	const char **v = ARENA_ARRAY(a, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		v[i] = l->list.v[i]->type == VALUE_STR ? l->list.v[i]->s.p : "";
	return v;
}

static const uint32_t *numbers_of(struct arena *a, const struct value *l)
{
	size_t n = l && l->type == VALUE_LIST ? l->list.n : 0;
	uint32_t *v = ARENA_ARRAY(a, uint32_t, n + 1);
	for (size_t i = 0; i < n; i++)
		v[i] = l->list.v[i]->type == VALUE_INT ? (uint32_t)l->list.v[i]->i : UINT32_MAX;
	return v;
}

static void member_take(struct arena *a, const struct member *m, struct value *v, void *at)
{
	switch (m->kind) {
	case MEMBER_TEXT:
		*(const char **)at = v && v->type == VALUE_STR ? v->s.p : NULL;
		break;
	case MEMBER_BOOL:
		*(bool *)at = v && v->type == VALUE_BOOL && v->b;
		break;
	case MEMBER_INT:
		*(int *)at = v && v->type == VALUE_INT ? (int)v->i : 0;
		break;
	case MEMBER_NUMBER:
		*(uint32_t *)at = v && v->type == VALUE_INT ? (uint32_t)v->i : 0;
		break;
	case MEMBER_VALUE:
		*(struct value **)at = v;
		break;
	case MEMBER_TEXTS:
		*(const char *const **)at = texts_of(a, v);
		break;
	case MEMBER_NUMBERS:
		*(const uint32_t **)at = numbers_of(a, v);
		break;
	}
}

void record_take(struct arena *a, const struct member *table, unsigned use, const struct value *map,
	void *record)
{
	for (; table->field.name; table++)
		if (table->uses & use)
			member_take(a, table, map_at(map, table->field.name),
				(char *)record + table->offset);
}
