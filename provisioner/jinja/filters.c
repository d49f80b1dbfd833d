/* SPDX-License-Identifier: MIT
 *
 * Finds filters by name in their tables, and lists them.
 */
#include "jinja/call.h"

static const struct callable *const tables[] = {filters_text, filters_list, filters_map,
	filters_data, filters_number, filters_regex, filters_select, filters_set, filters_crypt};

enum { FILTERS_MAX = 256 };
static const struct callable *sorted[FILTERS_MAX];
static const char *names[FILTERS_MAX + 1];
static size_t count;

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct callable *const *)a)->name,
		(*(const struct callable *const *)b)->name);
}

static void collect(void)
{
	if (count)
		return;
	for (size_t t = 0; t < ARRAY_LEN(tables); t++)
		for (const struct callable *f = tables[t]; f->name; f++) {
			if (count == FILTERS_MAX)
				panic("more than %d filters", FILTERS_MAX);
			sorted[count++] = f;
		}
	qsort(sorted, count, sizeof(*sorted), by_name);
	for (size_t i = 0; i < count; i++)
		names[i] = sorted[i]->name;
}

const struct callable *jinja_filter(struct str name)
{
	collect();
	size_t from = 0, to = count;
	while (from < to) {
		size_t mid = (from + to) / 2;
		int order = str_cmp(name, str_c(sorted[mid]->name));
		if (!order)
			return sorted[mid];
		if (order < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return NULL;
}

const char *const *filter_names(void)
{
	collect();
	return names;
}
