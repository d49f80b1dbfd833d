/* SPDX-License-Identifier: MIT
 *
 * Text with name=value pairs: module parameters in their free form, and -e. Values are text; Jinja
 * braces and quotes are kept together.
 */
#include <ctype.h>
#include "site/load.h"
#include "yaml/yaml.h"

struct token {
	const char *start, *end;
};

/* The next word: it ends at white space outside of quotes and of Jinja braces. */
static bool next_token(const char **p, struct token *t, bool *open)
{
	char quote = 0;
	int braces = 0;
	while (isspace((unsigned char)**p))
		(*p)++;
	t->start = *p;
	for (; **p; (*p)++) {
		if (quote) {
			quote = **p == quote && (*p)[-1] != '\\' ? 0 : quote;
		} else if (**p == '\'' || **p == '"') {
			quote = **p;
		} else if (**p == '{' && strchr("{%#", (*p)[1]) && (*p)[1]) {
			braces++;
			(*p)++;
		} else if (braces && strchr("}%#", **p) && (*p)[1] == '}') {
			braces--;
			(*p)++;
		} else if (!braces && isspace((unsigned char)**p)) {
			break;
		}
	}
	t->end = *p;
	*open = quote; /* a {{ without its end is reported when it is parsed */
	return t->end > t->start;
}

/* A value without its quotes, with \n, \t, \\ and other escapes decoded as in Ansible. */
static struct str unquote_value(struct arena *a, const char *p, size_t n)
{
	static const char from[] = "ntr\\'\"", to[] = "\n\t\r\\'\"";
	bool quoted = n >= 2 && (*p == '"' || *p == '\'') && p[n - 1] == *p && p[n - 2] != '\\';
	struct str raw = quoted ? str_dup(a, p + 1, n - 2) : str_dup(a, p, n), out;
	struct buf b;
	if (!memchr(raw.p, '\\', raw.n))
		return raw;
	buf_init(&b, FILE_MAX);
	for (size_t i = 0; i < raw.n; i++) {
		const char *esc =
			raw.p[i] == '\\' && raw.p[i + 1] ? strchr(from, raw.p[i + 1]) : NULL;
		if (esc)
			i++;
		buf_addc(&b, esc ? to[esc - from] : raw.p[i]);
	}
	out = buf_str(a, &b);
	buf_free(&b);
	return out;
}

bool kv_split(struct arena *a, const struct value *text, struct value *map, struct str *rest,
	const struct kv_keys *keys, struct err *e)
{
	const char *p = text->s.p, *eq;
	struct token t;
	struct buf raw;
	bool open = false, cut;
	buf_init(&raw, FILE_MAX);
	for (const char *from = p; next_token(&p, &t, &cut); from = p) {
		open = open || cut; /* only the last word can be */
		eq = memchr(t.start, '=', (size_t)(t.end - t.start));
		if (eq && eq > t.start) {
			struct str key = str_dup(a, t.start, (size_t)(eq - t.start));
			struct value *v;
			if (strspn(key.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
					  "0123456789") == key.n &&
				(!keys || keys->known(keys->ctx, key))) {
				v = value_str(
					a, unquote_value(a, eq + 1, (size_t)(t.end - eq - 1)));
				v->pos = text->pos;
				map_set(a, map, key, v);
				map->map.e[map->map.n - 1].key_pos = text->pos;
				continue;
			}
		}
		buf_add(&raw, raw.n ? from : t.start, (size_t)(t.end - (raw.n ? from : t.start)));
	}
	*rest = buf_str(a, &raw);
	buf_free(&raw);
	if (open)
		return err_at(e, text->pos, "there is an unclosed quote");
	return true;
}

/* Messages give the number of the argument, not its text: it may contain a password. */
static struct value *read_one(struct site *s, const char *text, size_t number, struct errs *errs)
{
	const char *name = arena_printf(s->a, "-e (argument %zu)", number);
	struct value *map;
	struct str rest;
	struct err e = {0};
	if (text[0] == '@') {
		text = path_expand(s->a, text + 1, &e);
		if (text && !is_there(text))
			err_set(&e, ERR_CONFIG, "-e @%s: the file does not exist", text);
		errs_take(errs, &e);
		return e.kind ? NULL : files_vars(&s->files, text, errs);
	}
	if (text[0] == '{' || text[0] == '[') {
		source_add(name, str_c(text));
		source_hide(name);
		return yaml_parse(s->a, name, str_c(text), errs);
	}
	map = value_map(s->a);
	if (!kv_split(s->a, value_text(s->a, text), map, &rest, NULL, &e)) {
		(void)err_prefix(&e, "%s", name);
		errs_take(errs, &e);
	} else if (rest.n)
		errs_add(errs, (struct pos){0}, "%s: expected name=value, YAML or @file", name);
	return map;
}

struct value *extra_vars_read(struct site *s, const char *const *texts, struct errs *errs)
{
	struct value *all = value_map(s->a);
	for (size_t i = 0; texts && texts[i]; i++) {
		struct value *one = read_one(s, texts[i], i + 1, errs);
		if (one && one->type != VALUE_MAP && one->type != VALUE_NULL)
			errs_add(errs, one->pos, "-e (argument %zu): must be a map of variables",
				i + 1);
		for (size_t j = 0; one && one->type == VALUE_MAP && j < one->map.n; j++)
			map_set(s->a, all, one->map.e[j].key, one->map.e[j].value);
	}
	return all;
}
