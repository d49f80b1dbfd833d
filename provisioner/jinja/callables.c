/* SPDX-License-Identifier: MIT
 *
 * Finds filters, tests, functions and methods by name, and lists them.
 */
#include "jinja/call.h"

enum { TABLES_MAX = 12, ROWS_MAX = 256 };

static const struct callable *const tables[CALL_KINDS][TABLES_MAX] = {
	[CALL_FILTERS] = {filters_text, filters_path, filters_list, filters_map, filters_data,
		filters_number, filters_regex, filters_select, filters_set, filters_crypt},
	[CALL_TESTS] = {tests_kind, tests_compare, tests_text, tests_result},
	[CALL_FUNCTIONS] = {functions},
	[CALL_STR_METHODS] = {str_methods},
	[CALL_LIST_METHODS] = {list_methods},
	[CALL_MAP_METHODS] = {map_methods},
};

static struct index {
	const struct callable *row[ROWS_MAX + 1]; /* sorted, NULL-terminated */
	const char *name[ROWS_MAX + 1];           /* names of the same rows */
	size_t n;
} indexes[CALL_KINDS];

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct callable *const *)a)->name,
		(*(const struct callable *const *)b)->name);
}

static const struct index *index_of(enum callables kind)
{
	struct index *x = &indexes[kind];
	if (x->n)
		return x;
	for (size_t t = 0; t < TABLES_MAX && tables[kind][t]; t++)
		for (const struct callable *f = tables[kind][t]; f->name; f++) {
			if (x->n == ROWS_MAX)
				panic("more than %d rows of one kind", ROWS_MAX);
			x->row[x->n++] = f;
		}
	qsort(x->row, x->n, sizeof(*x->row), by_name);
	for (size_t i = 0; i < x->n; i++)
		x->name[i] = x->row[i]->name;
	return x;
}

static const struct callable *find_callable(enum callables kind, struct str name)
{
	const struct index *x = index_of(kind);
	size_t from = 0, to = x->n;
	while (from < to) {
		size_t mid = (from + to) / 2;
		int order = str_cmp(name, str_c(x->name[mid]));
		if (!order)
			return x->row[mid];
		if (order < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return NULL;
}

const struct callable *jinja_filter(struct str name)
{
	return find_callable(CALL_FILTERS, name);
}

const struct callable *jinja_test(struct str name)
{
	return find_callable(CALL_TESTS, name);
}

const struct callable *jinja_function(struct str name)
{
	return find_callable(CALL_FUNCTIONS, name);
}

const struct callable *jinja_method(const struct value *obj, struct str name)
{
	if (obj->type == VALUE_STR)
		return find_callable(CALL_STR_METHODS, name);
	if (obj->type == VALUE_LIST)
		return find_callable(CALL_LIST_METHODS, name);
	return obj->type == VALUE_MAP ? find_callable(CALL_MAP_METHODS, name) : NULL;
}

const struct callable *const *callables(enum callables kind)
{
	return index_of(kind)->row;
}

const char *const *callable_names(enum callables kind)
{
	return index_of(kind)->name;
}
