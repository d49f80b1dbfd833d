/* SPDX-License-Identifier: MIT
 *
 * Shows the places of refused values.
 */
#include "value/origin.h"

void origins_print(struct page *out, int indent, const struct origins *o)
{
	struct arena *a = arena_new();
	for (size_t i = 0; o && i < o->n; i++) {
		const struct origin *at = &o->v[i];
		if (at->secret)
			source_hide_line(at->pos);
		place_print(out, indent, at->pos, arena_printf(a, "%s is set here", at->key));
	}
	arena_free(a);
}

struct value *origins_value(struct arena *a, const struct origins *o)
{
	struct value *list = value_list(a);
	for (size_t i = 0; o && i < o->n; i++) {
		const struct origin *at = &o->v[i];
		struct value *m = value_map(a);
		map_put_text(a, m, "file", at->pos.file);
		map_put(a, m, "line", value_int(a, at->pos.line));
		map_put(a, m, "column", value_int(a, at->pos.col));
		map_put_text(a, m, "key", at->key);
		list_add(a, list, m);
	}
	return list->list.n ? list : NULL;
}
