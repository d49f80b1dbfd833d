/* SPDX-License-Identifier: MIT
 *
 * Calls macros: binds the arguments, and returns the output of the body.
 */
#include "jinja/call.h"

/* ---- macros ---- */
static bool macro_argument(struct jinja *in, const struct macro *m, size_t i, struct value *args,
	struct value *named, struct pos pos)
{
	struct value *v = NULL;
	if (args && i < args->list.n)
		v = args->list.v[i];
	else if (named)
		v = map_get(named, m->param[i]);
	if (!v && m->dflt[i]) {
		v = jinja_eval_any(in, m->dflt[i]);
		if (!v)
			return false;
	}
	if (!v) {
		in->made_undefined = true;
		v = value_undefined(in->a, pos, "the macro's parameter '" STR_FMT "' is not given",
			STR_ARG(m->param[i]));
	}
	scope_set(in, m->param[i], m->hash[i], v);
	return true;
}

static void macro_rest(
	struct jinja *in, const struct macro *m, struct value *args, struct value *named)
{
	struct value *rest = value_list(in->a), *others = value_map(in->a);
	for (size_t i = m->n; args && i < args->list.n; i++)
		list_add(in->a, rest, args->list.v[i]);
	for (size_t i = 0; named && i < named->map.n; i++) {
		size_t k = 0;
		while (k < m->n && !str_eq(m->param[k], named->map.e[i].key))
			k++;
		if (k == m->n)
			map_set(in->a, others, named->map.e[i].key, named->map.e[i].value);
	}
	rest->literal = others->literal = true;
	scope_set(in, str_c("varargs"), hash64("varargs", 7), rest);
	scope_set(in, str_c("kwargs"), hash64("kwargs", 6), others);
}

struct value *jinja_run_macro(
	struct jinja *in, struct object *o, struct value *args, struct value *named, struct pos pos)
{
	const struct macro *m = o->macro;
	struct output out;
	if (in->nesting >= JINJA_DEPTH || in->scope + 4 >= SCOPES_MAX)
		return jinja_fail(in, pos, "macros call one another without an end");
	in->nesting++;
	scope_push(in, o->scope);
	output_init(&out);
	bool ok = true;
	for (size_t i = 0; ok && i < m->n; i++)
		ok = macro_argument(in, m, i, args, named, pos);
	if (ok) {
		macro_rest(in, m, args, named);
		if (o->caller)
			scope_set(in, str_c("caller"), hash64("caller", 6), &o->caller->v);
		ok = jinja_run(in, m->body, &out);
	}
	scope_pop(in);
	in->nesting--;
	out.only = NULL; /* a macro returns text */
	struct value *v = ok ? output_value(in, &out) : NULL;
	output_free(&out);
	return v;
}
