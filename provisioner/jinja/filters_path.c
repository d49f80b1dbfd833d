/* SPDX-License-Identifier: MIT
 *
 * Filters on paths.
 */
#include "jinja/call.h"

static struct value *f_basename(struct call *c)
{
	struct str s = call_text(c, c->v);
	const char *slash = memrchr(s.p, '/', s.n);
	return slash ? call_str(c, str_dup(c->a, slash + 1, (size_t)(s.p + s.n - slash - 1)))
		     : call_str(c, s);
}

static struct value *f_dirname(struct call *c)
{
	struct str s = call_text(c, c->v);
	const char *slash = memrchr(s.p, '/', s.n);
	size_t n = slash ? (size_t)(slash - s.p) + 1 : 0, k = n;
	while (k > 0 && s.p[k - 1] == '/')
		k--;
	return call_str(c, str_dup(c->a, s.p, k ? k : n)); /* only slashes: keep them */
}

static struct value *f_splitext(struct call *c)
{
	struct str s = call_text(c, c->v);
	const char *slash = memrchr(s.p, '/', s.n), *dot = memrchr(s.p, '.', s.n);
	const char *name = slash ? slash + 1 : s.p;
	const char *first = name;
	while (first < s.p + s.n && *first == '.')
		first++; /* leading dots belong to the name */
	size_t n = dot && dot > first ? (size_t)(dot - s.p) : s.n;
	struct value *list = value_list(c->a);
	list_add(c->a, list, call_str(c, str_dup(c->a, s.p, n)));
	list_add(c->a, list, call_str(c, str_dup(c->a, s.p + n, s.n - n)));
	return list;
}

static struct value *f_path_join(struct call *c)
{
	struct value *list = c->v;
	struct buf b;
	if (list->type != VALUE_LIST) {
		list = value_list(c->a);
		list_add(c->a, list, c->v);
	}
	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < list->list.n; i++) {
		struct str s = call_text(c, list->list.v[i]);
		if (str_starts(s, "/"))
			buf_clear(&b);
		else if (b.n && b.p[b.n - 1] != '/')
			buf_addc(&b, '/');
		buf_add(&b, s.p, s.n);
	}
	return call_buf(c, &b);
}

const struct callable filters_path[] = {
	{"basename", f_basename, "", 0, "The last part of a path.",
		"'/etc/postfix/main.cf' | basename", "\"main.cf\""},
	{"dirname", f_dirname, "", 0, "A path without its last part.",
		"'/etc/postfix/main.cf' | dirname", "\"/etc/postfix\""},
	{"path_join", f_path_join, "", 0,
		"The parts as one path; a part that begins with / starts anew.",
		"['/etc', 'postfix', 'main.cf'] | path_join", "\"/etc/postfix/main.cf\""},
	{"splitext", f_splitext, "", 0, "A path without its extension, and the extension.",
		"'site.yml' | splitext", "[\"site\", \".yml\"]"},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
