/* SPDX-License-Identifier: MIT
 *
 * Ansible's `omit`: removes omitted parameters. Evaluates nothing.
 */
#include "site/vars.h"

const char OMIT[] = "\001provision-omit\001";

static bool has_omit(const struct value *v)
{
	if (v->type == VALUE_STR)
		return v->s.n && v->s.p[0] == OMIT[0] && str_is(v->s, OMIT);
	for (size_t i = 0; v->type == VALUE_LIST && i < v->list.n; i++)
		if (has_omit(v->list.v[i]))
			return true;
	for (size_t i = 0; v->type == VALUE_MAP && i < v->map.n; i++)
		if (has_omit(v->map.e[i].value))
			return true;
	return false;
}

struct value *vars_omit(struct arena *a, struct value *v)
{
	struct value *out;
	if (!has_omit(v))
		return v;
	if (v->type == VALUE_STR)
		return NULL;
	out = v->type == VALUE_LIST ? value_list(a) : value_map(a);
	for (size_t i = 0; v->type == VALUE_LIST && i < v->list.n; i++) {
		struct value *x = vars_omit(a, v->list.v[i]);
		if (x)
			list_add(a, out, x);
	}
	for (size_t i = 0; v->type == VALUE_MAP && i < v->map.n; i++) {
		const struct map_entry *m = &v->map.e[i];
		struct value *x = vars_omit(a, m->value);
		if (x)
			map_append(a, out, m->key, m->key_pos, x);
	}
	out->pos = v->pos;
	out->secret = v->secret;
	out->literal = v->literal;
	return out;
}
