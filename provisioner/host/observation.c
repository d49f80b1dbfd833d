/* SPDX-License-Identifier: MIT
 *
 * Builds the result of observe: the list of changes. Never reads the host itself.
 */
#include "host/foresight.h"

void observation_init(struct host *h, struct observation *o)
{
	o->changes = value_list(h->a);
	o->result = value_map(h->a);
}

/* Text of a host is never a template, whatever it contains. */
static struct value *host_text(struct host *h, const char *s)
{
	if (!s)
		return value_null(h->a);
	struct value *v = value_text(h->a, s);
	v->literal = true;
	return v;
}

static void change_add(struct host *h, struct observation *o, const char *field, const char *kind,
	struct value *before, struct value *after)
{
	struct value *c = value_map(h->a);
	map_put(h->a, c, "field", value_text(h->a, field));
	map_put(h->a, c, "kind", value_text(h->a, kind));
	map_put(h->a, c, "before", before);
	map_put(h->a, c, "after", after);
	list_add(h->a, o->changes, c);
}

void observe_attr(struct host *h, struct observation *o, const char *field, const char *before,
	const char *after)
{
	change_add(h, o, field, "attr", host_text(h, before), host_text(h, after));
}

/* The host's own text, or only its digest where it must not or cannot be shown. */
static struct value *shown_before(struct host *h, const struct value *before, bool secret)
{
	if (!before || before->type == VALUE_NULL)
		return value_null(h->a);
	if (before->type != VALUE_STR && before->type != VALUE_BLOB)
		panic("internal error: observe_text got %s as before", value_type_name(before));
	struct str s = before->type == VALUE_STR ? before->s : before->blob.bytes;
	bool bytes = s.p != NULL;
	struct value *v;
	if (bytes && !secret && s.n <= TEXT_MAX && str_utf8(s)) {
		v = value_str(h->a, s);
		v->literal = true;
		return v;
	}
	v = bytes ? value_blob(h->a, s) : value_copy(h->a, before);
	v->blob.bytes = (struct str){NULL, 0};
	v->secret = secret;
	return v;
}

void observe_text(struct host *h, struct observation *o, const char *field,
	const struct value *before, struct value *after)
{
	bool secret = after->secret || (before && before->secret);
	change_add(h, o, field, "text", shown_before(h, before, secret), after);
}

void observe_run(struct host *h, struct observation *o, const char *field, const char *what)
{
	change_add(h, o, field, "run", value_null(h->a), host_text(h, what));
}

void observe_maybe(struct host *h, struct observation *o, const char *until)
{
	change_add(h, o, "unknown", "maybe", value_null(h->a), host_text(h, until));
}

struct value *observed_after(const struct observation *o, const char *field)
{
	for (size_t i = 0; i < o->changes->list.n; i++) {
		const struct value *c = o->changes->list.v[i];
		if (strcmp(map_cstr(c, "field", ""), field) == 0)
			return map_at(c, "after");
	}
	return NULL;
}

bool observed_change(const struct observation *o, const char *field)
{
	return observed_after(o, field) != NULL;
}
